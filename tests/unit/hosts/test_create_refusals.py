"""What is made of a failure of the docker provider: Docker's sentence, and the config keys that it is about."""

from __future__ import annotations

import pytest

from ipvlan.config.models import ServiceConfig
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.create_refusals import KEYS, keys, refused, sentence

CONNECTION = HostConnection(name="docker-1", command=("false",))


def of_docker(own: str) -> str:
    """Return the plugin's text for Docker's sentence."""
    return f"1 error occurred:\n\t* Unable to create container: Error response from daemon: {own}\n\n"


def test_every_key_is_one_of_a_service() -> None:
    """A fix names no key that the stack file does not have."""
    assert {key for names in KEYS.values() for key in names} <= set(ServiceConfig.model_fields)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ("invalid mode: rw,foo", ["volumes", "mounts"]),
        (
            'create ./data: "./data" includes invalid characters for a local volume name, only "[a-zA-Z0-9]" are allowed',
            ["volumes", "mounts"],
        ),
        ("Duplicate mount point: /data", ["volumes", "mounts", "tmpfs"]),
        ("invalid volume specification: 'a:b:c'", ["volumes", "mounts"]),
        (
            "cannot mount volume over existing file, file exists /var/lib/docker/overlay2/1/merged/etc/passwd",
            ["volumes", "mounts"],
        ),
        (
            'invalid mount config for type "bind": bind source path does not exist: /srv/www',
            ["mounts", "volumes"],
        ),
        ('invalid mount config for type "tmpfs": field Source must not be specified', ["mounts"]),
        ("invalid device cgroup rule format: 'c 188'", ["device_cgroup_rules"]),
        ('could not select device driver "cdi" with capabilities: [[]]', ["gpus", "devices"]),
        ("Minimum memory limit allowed is 6MB", ["memory"]),
        ("Minimum memoryswap limit should be larger than memory limit, see usage", ["memory", "memory_swap"]),
        (
            "Minimum memory limit can not be less than memory reservation limit, see usage",
            ["memory_reservation", "memory"],
        ),
        ("range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available", ["cpus"]),
        ("Requested CPUs are not available - requested 9, available: 0-1", ["cpuset"]),
        ("invalid IPC mode: foo", ["ipc"]),
        ("cannot share the host PID namespace when user namespaces are enabled", ["pid"]),
        ('cgroup-parent for systemd cgroup should be a valid slice named as "xxx.slice"', ["cgroup_parent"]),
        ("unknown or invalid runtime name: nvidia", ["runtime"]),
        ("--storage-opt is supported only for overlay over xfs with 'pquota' mount option", ["storage_opt"]),
        ("unable to derive the IP value for host-gateway", ["extra_hosts"]),
        ('invalid CapAdd: unknown capability: "CAP_FLY"', ["cap_add"]),
        ('invalid CapDrop: unknown capability: "CAP_FLY"', ["cap_drop"]),
        ("Interval in Healthcheck cannot be less than 1ms", ["healthcheck"]),
        ("the working directory 'srv' is invalid, it needs to be an absolute path", ["working_dir"]),
        ("invalid signal: SIGFOO", ["stop_signal"]),
        ('invalid --security-opt 2: "foo"', ["security_opt"]),
        ("logger: no log driver named 'foo' is registered", ["log_driver"]),
        ("unknown log opt 'colour' for json-file log driver", ["log_opts"]),
        (
            'interface specific sysctl setting "net.ipv4.conf.eth0.forwarding" must be supplied using driver option',
            ["sysctls"],
        ),
        ("no command specified", ["command", "entrypoint"]),
        (
            "privileged mode is incompatible with user namespaces.  You must run the container in the host",
            ["privileged"],
        ),
        ("invalid cgroup namespace mode: foo", ["cgroupns_mode"]),
        ("a sentence of the next version", []),
    ],
)
def test_sentences_of_docker(own: str, expected: list[str]) -> None:
    """The sentence is Docker's own; the keys are known by its words."""
    assert sentence(of_docker(own)) == " ".join(own.split())
    assert list(keys(of_docker(own))) == expected


def test_an_image_that_is_gone() -> None:
    """The provider would pull it; the sentence of the registry says nothing of an image."""
    text = (
        "1 error occurred:\n\t* Unable to create container with image nginx:9: unable to pull image nginx:9: error pulling image "
        "nginx:9: Error response from daemon: manifest unknown\n\n"
    )
    assert sentence(text) == "manifest unknown"
    assert list(keys(text)) == ["image"]


def test_names_of_the_user_are_no_words_of_docker() -> None:
    """What Pulumi puts before the sentence has the container's name in it."""
    text = (
        "creating urn:pulumi:a::b::c::volume-device: 1 error occurred:\n\t* Error response from daemon: next words\n\n"
    )
    assert list(keys(text)) == []
    assert sentence(text) == "next words"


def test_a_sentence_of_the_provider() -> None:
    """Where Docker was not asked the provider's own words are left, without what wraps them."""
    text = "1 error occurred:\n\t* values for command may not be empty\n\n"
    error = refused(CONNECTION, "web", text, {})
    assert 'the docker provider refuses the new container of service "web": values for command may not be empty' in str(
        error
    )
    assert "ipvlan-fabric:services.web.command or ipvlan-fabric:services.web.entrypoint" in str(error)


def test_a_path_that_is_not_on_the_host() -> None:
    """Docker creates no folder for a mount: the fix names the keys that the container's mounts come from, and no other."""
    own = of_docker('invalid mount config for type "bind": bind source path does not exist: /srv/www')
    error = str(refused(CONNECTION, "web", own, {"mounts": [{"type": "bind", "source": "/srv/www", "target": "/www"}]}))
    assert "bind source path does not exist: /srv/www" in error
    assert "correct ipvlan-fabric:services.web.mounts or ipvlan-fabric:services.web.volumes;" in error
    error = str(refused(CONNECTION, "web", of_docker("invalid mode: rw,foo"), {"volumes": [{}]}))
    assert "correct ipvlan-fabric:services.web.volumes;" in error


def test_a_daemon_without_an_answer_refuses_nothing() -> None:
    """It is not the config that is to be corrected."""
    text = (
        "1 error occurred:\n\t* failed to create Docker client: Error pinging Docker server, please make sure that ssh://h is "
        "reachable and has a  '_ping' endpoint. Error: error during connect: exit status 255\n\n"
    )
    error = refused(CONNECTION, "web", text, {})
    assert error.problems[0].code == "IPF712"
    assert "ipvlan-fabric:services" not in str(error)


def test_a_sentence_has_no_values_of_variables_no_control_characters_and_an_end() -> None:
    """Docker may repeat what it refuses."""
    text = of_docker("bad: hunter22 \x1b[31m " + "x" * 1000)
    shown = sentence(text, {"envs": ["PASSWORD=hunter22", "SHORT=bad"]})
    assert shown.startswith("bad: *** \\x1b[31m")
    assert len(shown) < 410
