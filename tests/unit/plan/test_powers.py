"""What a container may do: every key of a service is classified, and every dangerous value is found."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.config.models import ServiceConfig
from ipvlan.plan.host_paths import ROOT
from ipvlan.plan.make import make_plan
from ipvlan.plan.new_powers import new_powers
from ipvlan.plan.powers import KEYS, Power, powers, surroundings
from ipvlan.plan.validate import parse
from tools.reference_setup import REMOVE, changed


def of_centos(settings: dict[str, Any], **more: Any) -> tuple[Power, ...]:
    """Return what container centos of the reference setup may do with these settings."""
    paths = {f"services.centos.{key}": value for key, value in settings.items()}
    plan = make_plan(parse(changed({**paths, **more})))
    host = plan.host("docker-1")
    return powers(host.container("centos"), surroundings(host))


def test_every_key_of_a_service_is_classified_once() -> None:
    """A new key must be called dangerous or harmless before it can be used."""
    names = [key.name for key in KEYS]
    assert len(names) == len(set(names))
    assert set(names) == set(ServiceConfig.model_fields)
    assert all(key.reason for key in KEYS)


@pytest.mark.parametrize(
    ("setting", "value", "shown", "meaning"),
    [
        ("privileged", True, "true", "root on the host"),
        ("volumes", ["/var/run/docker.sock:/s:ro"], "/var/run/docker.sock:/s:ro", "controls Docker"),
        ("volumes", ["/run/../run/docker.sock:/s"], "/run/docker.sock:/s", "controls Docker"),
        ("volumes", ["/:/host"], "/:/host", "reads and writes every file of the host"),
        (
            "volumes",
            ["/var:/host:ro"],
            "/var:/host:ro",
            "reads files of the host, with /var/lib/containerd and /var/lib/docker and",
        ),
        ("volumes", ["/etc/ssl:/ssl:ro"], "/etc/ssl:/ssl:ro", "reads files of the host in /etc"),
        ("volumes", ["/srv/data:/data"], "/srv/data:/data", "reads and writes files of the host"),
        ("devices", ["/dev/sda"], "/dev/sda", "uses a disk"),
        ("devices", ["/dev/sda:/dev/x:r"], "/dev/sda:/dev/x:r", "reads a disk"),
        ("pid", "host", "host", "root on the host"),
        ("pid", "host", "host", "without SELinux"),
        ("ipc", "host", "host", "shared memory of the host"),
        ("ipc", "host", "host", "without SELinux"),
        ("cgroup_parent", "system.slice", "system.slice", "not those of Docker's own"),
        ("storage_opt", {"size": "10T"}, "size=10T", "where Docker's own limit is lower"),
        ("userns_mode", "host", "host", "its root is the host's root"),
        ("runtime", "nvidia", "nvidia", "another program of the host"),
        ("group_add", [44], "44", "in this group too"),
        ("cap_add", ["sys_admin"], "sys_admin", "root on the host"),
        ("cap_add", ["CAP_NET_ADMIN"], "CAP_NET_ADMIN", "addresses of others"),
        ("cap_add", ["WAKE_ALARM"], "WAKE_ALARM", "gives no container by default"),
        ("cap_add", ["NET_RAW"], "NET_RAW", "gives every container by default"),
        ("security_opt", ["seccomp=unconfined"], "seccomp=unconfined", "every system call"),
        ("security_opt", ["seccomp:unconfined"], "seccomp:unconfined", "every system call"),
        ("security_opt", ['seccomp={"a": "b"}'], 'seccomp={"a": "b"}', "a profile of its own"),
        ("security_opt", ["apparmor=unconfined"], "apparmor=unconfined", "no AppArmor"),
        ("security_opt", ["label=disable"], "label=disable", "no SELinux"),
        ("security_opt", ["systempaths=unconfined"], "systempaths=unconfined", "not hidden"),
        ("security_opt", ["no-new-privileges:false"], "no-new-privileges:false", "may gain privileges"),
        ("cgroupns_mode", "host", "host", "control groups of the host"),
        ("sysctls", {"net.core.somaxconn": "1"}, "net.core.somaxconn=1", "kernel parameter"),
        ("tmpfs", {"/x": "rw,exec"}, "/x:rw,exec", "without noexec"),
        ("ulimits", {"memlock": {"soft": -1, "hard": -1}}, "memlock: -1", "no limit"),
        ("ulimits", {"nproc": {"soft": 9, "hard": -1}}, "nproc: -1", "no limit"),
        ("ulimits", {"rtprio": {"soft": 1, "hard": 99}}, "rtprio: 99", "before other processes of the host"),
        ("log_driver", "syslog", "syslog", "sends the container's output"),
        ("secret_environment", {"TOKEN": "db"}, "TOKEN: db", "is given this secret"),
    ],
    ids=str,
)
def test_what_is_dangerous_is_found(setting: str, value: object, shown: str, meaning: str) -> None:
    """With the key, the value and what it means."""
    (power,) = of_centos({setting: value})
    assert (power.setting, power.value) == (setting, shown)
    assert meaning in power.meaning


@pytest.mark.parametrize(
    ("setting", "entry", "meaning"),
    [
        ("volumes", "/bin:/x", ROOT),
        ("volumes", "/lib/systemd:/x", ROOT),
        ("volumes", "/var/spool/cron:/x", ROOT),
        ("volumes", "/run/containerd/containerd.sock:/x:ro", ROOT),
        ("volumes", "/var/run/user/0/podman/podman.sock:/x:ro", ROOT),
        ("volumes", "/proc/1/root/etc:/x:ro", ROOT),
        ("volumes", "/etc/ssh:/x:ro", ROOT),
        ("volumes", "/etc/cron.d:/x", ROOT),
        ("volumes", "/var/lib/docker/volumes:/x:ro", ROOT),
        ("volumes", "/var:/x", ROOT),
        ("devices", "/dev", ROOT),
        ("devices", "/dev/../dev/nvme0n1:/dev/x:r", ROOT),
        ("devices", "/dev/mapper/vg-root", ROOT),
        ("devices", "/dev/mem", ROOT),
    ],
)
def test_what_is_as_good_as_root_says_so(setting: str, entry: str, meaning: str) -> None:
    """What is within such a folder too, where it matters."""
    (power,) = of_centos({setting: [entry]})
    assert meaning in power.meaning


@pytest.mark.parametrize(
    ("setting", "entry"),
    [
        ("volumes", "/etc/localtime:/x:ro"),
        ("volumes", "/usr/share/zoneinfo:/x:ro"),
        ("volumes", "/srv/bin:/x"),
        ("volumes", "/binary:/x"),
        ("volumes", "/dev/log:/x"),
        ("devices", "/dev/net/tun"),
        ("devices", "/dev/memory-of-mine"),
    ],
)
def test_what_is_no_root_does_not_say_so(setting: str, entry: str) -> None:
    """Where everything is called as good as root, nobody reads it any more."""
    (power,) = of_centos({setting: [entry]})
    assert ROOT not in power.meaning


def test_a_detour_does_not_hide_where_a_volume_is() -> None:
    """A long path is cut where it is shown."""
    (power,) = of_centos({"volumes": [f"/srv/{'a' * 70}/../../opt/vault-keys:/x:ro"]})
    assert power.value == "/opt/vault-keys:/x:ro"


def test_a_published_port_is_found() -> None:
    """At the host's loopback it says so; a port that is not published opens nothing."""
    ports = ["80:80", "127.0.0.1:81:80"]
    found = of_centos({"ports": ports, "published": True}, **{"services.nginx.published": False})
    assert [(power.setting, power.value) for power in found] == [("ports", "80:80"), ("ports", "127.0.0.1:81:80")]
    assert "whoever reaches the host" in found[0].meaning
    assert "own processes" in found[1].meaning
    assert of_centos({"ports": ports}) == ()


def test_another_docker_socket_is_one_too() -> None:
    """Where Docker listens on the host counts, not the usual path alone; a folder around it holds it."""
    moved = {"hosts.docker-1.docker_socket": "/srv/docker/own.sock"}
    (power,) = of_centos({"volumes": ["/srv/docker/own.sock:/s"]}, **moved)
    assert "controls Docker" in power.meaning
    (power,) = of_centos({"volumes": ["/srv:/srv"]}, **moved)
    assert "and controls Docker" in power.meaning


@pytest.mark.parametrize(
    "settings",
    [
        {"volumes": ["data:/data"]},
        {"security_opt": ["no-new-privileges:true", "seccomp=builtin"]},
        {"tmpfs": {"/x": "size=1m"}},
        {"ulimits": {"nofile": {"soft": 64, "hard": 128}}},
        {"log_driver": "local", "cap_drop": ["ALL"], "user": "0", "memory": "64m"},
        {"internet": True},
        {"ipc": "private", "runtime": "runc", "tty": True, "cpus": 1, "cpuset": "0"},
    ],
    ids=str,
)
def test_what_is_harmless_is_not_listed(settings: dict[str, Any]) -> None:
    """What every container has by default, and what takes rights away."""
    assert of_centos(settings) == ()


def after_change(
    before: dict[str, Any] | None, after: dict[str, Any], *places: tuple[str, str]
) -> set[tuple[str, str, str, bool]]:
    """Return service, setting, value and newness of what is dangerous on docker-1 after a change of these containers."""
    plan = None if before is None else make_plan(parse(changed(before)))
    found = new_powers(plan, make_plan(parse(changed(after))), places)
    return {
        (one.service, one.power.setting, one.power.value, one.is_new)
        for one in found
        if one.host == "docker-1" and one.power.setting != "ports"
    }


CENTOS = ("docker-1", "centos")


def test_what_is_new_is_marked() -> None:
    """A container keeps its old danger beside the new one; of one that does not change only what is new is listed."""
    old = {"services.centos.privileged": True}
    after = {**old, "services.centos.cap_add": ["ALL"]}
    kept, new = ("centos", "privileged", "true", False), ("centos", "cap_add", "ALL", True)
    assert after_change(old, after, CENTOS) == {kept, new}
    assert after_change(old, after) == {new}
    assert {found[-1] for found in after_change(None, after)} == {True}


def log(address: str, **more: Any) -> dict[str, Any]:
    """Return the logs of centos, sent to an address."""
    return {"services.centos.log_opts": {"syslog-address": address}, **more}


def test_output_that_goes_elsewhere_is_new() -> None:
    """The same driver with another address; the address too where the host's own driver is unknown."""
    driver = {"services.centos.log_driver": "syslog"}
    found = after_change(log("tcp://good", **driver), log("tcp://evil", **driver), CENTOS)
    assert found == {("centos", "log_driver", "syslog, syslog-address=tcp://evil", True)}
    found = after_change({}, log("tcp://evil"), CENTOS)
    assert found == {("centos", "log_opts", "syslog-address=tcp://evil", True)}


def test_the_secret_of_a_log_driver_is_not_shown() -> None:
    """Another token is another receiver all the same."""
    splunk = {"services.centos.log_driver": "splunk"}
    one, other = (
        {**splunk, "services.centos.log_opts": {"splunk-token": token, "splunk-url": "https://u:pw@s.test"}}
        for token in ("one", "two")
    )
    shown = "splunk, splunk-url=https://(not shown)@s.test, splunk-token=(not shown)"
    assert after_change(one, other, CENTOS) == {("centos", "log_driver", shown, True)}
    assert after_change(one, one, CENTOS) == {("centos", "log_driver", shown, False)}


def test_the_volume_of_another_service_is_found() -> None:
    """For both that share it; and for one that comes in the place of a removed service."""
    nginx = {"services.nginx.volumes": ["data:/var/data"]}
    both = {**nginx, "services.centos.volumes": ["data:/d:ro"]}
    assert after_change(nginx, both, CENTOS) == {
        ("centos", "volumes", "data:/d:ro", True),
        ("nginx", "volumes", "data:/var/data", True),
    }
    assert after_change(both, both, CENTOS) == {("centos", "volumes", "data:/d:ro", False)}
    alone = {"services.nginx": REMOVE, "services.centos.volumes": ["data:/d:ro"]}
    assert after_change(nginx, alone, CENTOS) == {("centos", "volumes", "data:/d:ro", True)}
    (power,) = of_centos({"volumes": ["data:/d:ro"]}, **nginx)
    assert power.meaning == "reads the data of nginx"


KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1sHHiCtHTQmCqNNGRIROu2MxCP5r4PUcMYmU2wvXcj"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("ssh", "root@evil", "root@192.168.140.200 -> root@evil"),
        ("docker_socket", "/srv/d.sock", "/var/run/docker.sock -> /srv/d.sock"),
        ("host_key", KEY, f"none -> {KEY}"),
    ],
)
def test_another_connection_to_a_host_is_dangerous(key: str, value: str, shown: str) -> None:
    """Whatever answers there gets the secrets; a stack that is new has nothing else before."""
    found = after_change({}, {f"hosts.docker-1.{key}": value})
    assert ("", key, shown, True) in found
    assert after_change(None, {}) == set()


def test_a_new_host_is_named() -> None:
    """The services of the stack run there too, with their secrets."""
    before = {"hosts.docker-1": REMOVE}
    assert ("", "ssh", "root@192.168.140.200", True) in after_change(before, {})


def test_a_container_that_does_not_change_gets_a_power() -> None:
    """Docker listens in a folder that it has mounted before."""
    mounted = {"services.centos.volumes": ["/srv:/x"]}
    found = after_change(mounted, {**mounted, "hosts.docker-1.docker_socket": "/srv/d.sock"})
    assert ("centos", "volumes", "/srv:/x", True) in found


@pytest.mark.parametrize(
    ("key", "old", "new", "value"),
    [
        ("read_only", True, False, "true -> false"),
        ("cap_drop", ["ALL"], ["MKNOD"], "ALL -> MKNOD"),
        ("cap_drop", ["CAP_MKNOD", "kill"], ["mknod"], "CAP_MKNOD, kill -> mknod"),
        ("security_opt", ["no-new-privileges:true"], [], "no-new-privileges:true -> none"),
        ("security_opt", ["apparmor=strict"], [], "apparmor=strict -> none"),
        ("user", "1000", "0", "1000 -> 0"),
        ("user", "app:app", "root:app", "app:app -> root:app"),
        ("user", "1000", None, "1000 -> as the image says"),
        ("user", None, "root", "as the image says -> root"),
        ("memory", "64m", None, "64m -> none"),
        ("memory_reservation", "64m", None, "64m -> none"),
        ("cpus", 0.5, None, "0.5 -> none"),
        ("cpus", 0.5, 0, "0.5 -> none"),
        ("storage_opt", {"size": "10G"}, None, "size=10G -> none"),
        ("runtime", "runsc", None, "runsc -> Docker's own"),
        ("runtime", "runsc", "runc", "runsc -> Docker's own"),
        ("ulimits", {"nofile": {"soft": 64, "hard": 128}}, {}, "nofile: 128 -> none"),
    ],
    ids=str,
)
def test_a_protection_that_is_given_up_is_dangerous(key: str, old: object, new: object, value: str) -> None:
    """It is new with this change; the other way round nothing is."""
    before, after = ({} if given is None else {f"services.centos.{key}": given} for given in (old, new))
    assert after_change(before, after, CENTOS) == {("centos", key, value, True)}
    assert not [found for found in after_change(after, before, CENTOS) if " -> " in found[2]]


@pytest.mark.parametrize(
    ("key", "old", "new"),
    [
        ("cap_drop", ["MKNOD"], ["ALL"]),
        ("cap_drop", ["MKNOD"], ["CAP_MKNOD", "KILL"]),
        ("user", "1000", "1001"),
        ("user", "0", "root"),
        ("security_opt", ["no-new-privileges:true"], ["no-new-privileges"]),
        ("memory", "64m", "128m"),
        ("runtime", "runc", None),
        ("memory_swap", -1, None),
        ("ulimits", {"nofile": {"soft": 64, "hard": 128}}, {"nofile": {"soft": 128, "hard": 128}}),
    ],
    ids=str,
)
def test_what_protects_as_before_is_not_given_up(key: str, old: object, new: object) -> None:
    """Another way to write it, or more of it."""
    before, after = ({f"services.centos.{key}": given} for given in (old, new))
    assert after_change(before, after, CENTOS) == set()
