"""The rehearsal of a container: the real script and module, against substitutes for docker and for the docker provider's plugin."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import OWNER_LABEL
from provider import docker_plugin, rehearsal
from provider.docker_plugin import DockerPlugins
from provider.errors import PluginError
from provider.rehearsal import RehearsalRequest, rehearse
from tests.support.docker_state import read_state, write_state
from tests.support.docker_substitute import put_docker
from tests.support.fake_docker_plugin import FIRST_STATE, ID, NEVER, put_plugin

OWNER = "0123456789abcdef/docker-1/web"
NAME = "shop.ipvlan-rehearsal"
ARGUMENTS = {
    "name": "shop",
    "image": "nginx:1",
    "restart": "on-failure",
    "maxRetryCount": 3.0,
    "mustRun": True,
    "wait": True,
    "labels": [{"label": OWNER_LABEL, "value": OWNER}],
    "envs": ["PASSWORD=correct horse", "A=b"],
    "volumes": [
        {"volumeName": "data", "containerPath": "/data"},
        {"hostPath": "/srv", "containerPath": "/srv"},
        {"volumeName": "./wrong", "containerPath": "/wrong"},
    ],
    "ports": [{"internal": 80.0, "external": 80.0}],
}


class Host:
    """A host with a substitute for docker, and this machine with one for the plugin."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        put_docker(folder, "fake_docker_rehearsal")

    def rehearse(self, **arguments: Any) -> None:
        """Rehearse the container, with other arguments."""
        ssh = ("env", f"PATH={self.folder}:{os.environ['PATH']}", "sh", "-c")
        rehearse(
            RehearsalRequest(
                connection=HostConnection(name="docker-1", command=ssh),
                docker_url=f"ssh://{self.folder}",
                ssh_options=("-o", "BatchMode=yes"),
                arguments=ARGUMENTS | arguments,
                owner=OWNER,
                service="web",
            )
        )

    def refusal(self, **arguments: Any) -> str:
        """Rehearse, and return the failure's text."""
        with pytest.raises((HostError, PluginError)) as caught:
            self.rehearse(**arguments)
        return str(caught.value)

    def tell(self, **changes: Any) -> None:
        """Change what the substitutes do."""
        write_state(self.folder, **changes)

    def calls(self, what: str) -> list[Any]:
        """Return what the plugin was asked, in order: configure, create or delete."""
        return [call[what] for call in read_state(self.folder)["plugin"] if what in call]

    @property
    def containers(self) -> dict[str, Any]:
        """What is on the host."""
        found: dict[str, Any] = read_state(self.folder)["containers"]
        return found

    @property
    def volumes(self) -> list[str]:
        """The volumes that are on the host."""
        found: list[str] = read_state(self.folder)["volumes"]
        return found


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host; one plugin serves all tests of the module that do not end it."""
    folder = tmp_path_factory.mktemp("rehearsal")
    put_plugin(folder, folder)
    host = Host(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
        patch.setenv("PULUMI_LOG_OTLP_ENDPOINT", "127.0.0.1:1")
        patch.setenv("DOCKER_CONTEXT", "elsewhere")
        plugins = DockerPlugins()
        patch.setattr(rehearsal, "PLUGINS", plugins)
        yield host
        plugins.close()


@pytest.fixture
def host(machine: Host) -> Host:
    """Return the host with nothing on it."""
    machine.tell(**FIRST_STATE)
    return machine


def test_the_container_is_created_as_planned_but_for_what_would_run(host: Host) -> None:
    """Another name, not started, no restart policy; all else as the program declares it."""
    host.rehearse()
    (created,) = host.calls("create")
    assert created == {
        **{key: value for key, value in ARGUMENTS.items() if key not in ("maxRetryCount", "wait")},
        "name": NAME,
        "restart": "no",
        "start": False,
        "mustRun": False,
        "removeVolumes": True,
    }


def test_nothing_is_left(host: Host) -> None:
    """The container is removed by its id, and the volume that Docker created with it; what was there before stays."""
    host.tell(volumes=["other"], containers={"shop": {"id": "1", "labels": {}, "status": "running", "started": "2026"}})
    host.rehearse()
    assert host.calls("delete") == [ID]
    assert list(host.containers) == ["shop"]
    assert host.volumes == ["other"]


def test_a_volume_of_a_mount_is_removed_too(host: Host) -> None:
    """Docker creates it for an entry of `mounts` just as well; a path of the host is no volume."""
    host.tell(volumes=["other"])
    mounts = [
        {"type": "volume", "source": "cache", "target": "/c", "volumeOptions": {"noCopy": True}},
        {"type": "bind", "source": "/srv", "target": "/s"},
    ]
    host.rehearse(mounts=mounts)
    assert host.volumes == ["other"]


def test_a_volume_that_was_there_stays(host: Host) -> None:
    """Docker takes it as it is, so it is no trace of the rehearsal."""
    host.tell(volumes=["data"])
    host.rehearse()
    assert "data" in host.volumes


def test_a_volume_that_is_in_use_by_now_stays(host: Host) -> None:
    """Another container was created with it meanwhile; Docker refuses its removal, and the rehearsal succeeds."""
    host.tell(used=["data"])
    host.rehearse()
    assert "data" in host.volumes


def test_a_refusal_names_the_key_and_hides_values(host: Host) -> None:
    """Docker's sentence, the host, the service, the key; the running container is not touched, and nothing is left."""
    host.tell(refuses="invalid mode: correct horse")
    assert host.refusal().splitlines() == [
        'IPF733 host "docker-1"',
        '    problem: Docker refuses the new container of service "web": invalid mode: ***',
        "    effect:  the running container was not touched",
        "    fix:     correct ipvlan-fabric:services.web.volumes; then run the command again",
    ]
    assert host.containers == {}
    assert "data" not in host.volumes


def test_what_was_created_in_part_is_removed(host: Host) -> None:
    """Docker created the container and did not connect it to a network."""
    host.tell(half="Error response from daemon: network n not found")
    assert 'service "web": network n not found' in host.refusal()
    assert host.containers == {}


def test_what_the_provider_refuses_is_said_to_be_its_own(host: Host) -> None:
    """It checks some arguments itself: Docker is not asked."""
    host.tell(check="cgroupns_mode: invalid CGROUP mode")
    text = host.refusal()
    assert 'IPF733 host "docker-1"' in text
    assert "the docker provider refuses" in text
    assert "services.web.cgroupns_mode" in text
    assert host.calls("create") == []


def test_what_a_killed_rehearsal_left_is_removed_first(host: Host) -> None:
    """It has the owner label and never ran."""
    left = {"id": "a" * 60, "labels": {OWNER_LABEL: OWNER}, "status": "created", "started": NEVER}
    host.tell(containers={NAME: left})
    host.rehearse()
    assert f"container rm --volumes {left['id']}" in read_state(host.folder)["calls"]
    assert host.calls("delete") == [ID]
    assert host.containers == {}


@pytest.mark.parametrize(
    "other",
    [
        {"labels": {OWNER_LABEL: "another/docker-1/web"}, "status": "created", "started": NEVER},
        {"labels": {OWNER_LABEL: OWNER}, "status": "running", "started": "2026-11-26T03:00:00Z"},
    ],
)
def test_what_is_not_a_rehearsal_of_ours_stays(host: Host, other: dict[str, Any]) -> None:
    """A container of others with that name, or one that somebody started, is named and not removed."""
    host.tell(containers={NAME: {"id": "b" * 60, **other}})
    text = host.refusal()
    assert "IPF751" in text
    assert "services.web.container_name" in text
    assert list(host.containers) == [NAME]
    assert host.calls("create") == []


def test_a_removal_that_the_plugin_refuses_is_made_on_the_host(host: Host) -> None:
    """Nothing is left all the same."""
    host.tell(deletes=False)
    host.rehearse()
    assert host.containers == {}


def test_a_docker_that_hangs_ends_by_the_time_limit(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it had created by then is removed."""
    monkeypatch.setattr(rehearsal, "SECONDS", 0.7)
    host.tell(hangs=True)
    assert "IPF742" in host.refusal()
    assert host.containers == {}


def test_a_docker_that_does_not_list_volumes_stops_the_rehearsal(host: Host) -> None:
    """A volume that cannot be read does not count as missing: it would be removed afterwards."""
    host.tell(down=True, volumes=["data"])
    text = host.refusal()
    assert "IPF712" in text
    assert "Is the docker daemon running?" in text
    assert host.calls("create") == []


def test_a_plugin_that_ends_is_started_again(host: Host) -> None:
    """The rehearsal fails, what was created is removed, and the next one has a new process."""
    host.tell(dies=True)
    assert "its process ended while it created a container" in host.refusal()
    assert host.containers == {}
    host.tell(dies=False)
    host.rehearse()
    assert len(host.calls("configure")) == 1


def test_one_process_serves_a_host_until_it_is_closed(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in a process group of its own, which `provider.process` ends, and has the engine's environment but for logs."""
    plugins = DockerPlugins()
    monkeypatch.setattr(rehearsal, "PLUGINS", plugins)
    host.rehearse()
    host.rehearse()
    (settings,) = host.calls("configure")
    assert settings == {"host": f"ssh://{host.folder}", "sshOpts": '["-o", "BatchMode=yes"]'}
    (environment,) = host.calls("environment")
    assert "PATH" in environment
    assert not {"PULUMI_LOG_OTLP_ENDPOINT", "DOCKER_CONTEXT"} & set(environment)
    with plugins.use(f"ssh://{host.folder}", ("-o", "BatchMode=yes")) as plugin:
        process = plugin._process.pid
        assert os.getpgid(process) == process
    plugins.close()
    with pytest.raises(ProcessLookupError):
        os.kill(process, signal.SIGCONT)


def put(folder: Path, text: str) -> None:
    """Write a plugin that is a shell script."""
    executable = folder / docker_plugin.EXECUTABLE
    executable.parent.mkdir(parents=True, exist_ok=True)
    executable.write_text(text)
    executable.chmod(0o755)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("#!/bin/sh\nexit 3\n", "it ends at once"),
        ("#!/bin/sh\necho hello\n", "instead of a port"),
        ("#!/bin/sh\nexec sleep 20\n", "it does not start within 0.3 seconds"),
        ("#!/no/such/program\n", "cannot be started: No such file"),
        ("#!/bin/sh\necho 1\nexec sleep 20\n", "it does not start: "),
    ],
)
def test_a_plugin_that_does_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, reason: str
) -> None:
    """The failure says so, what can be done, and that nothing was touched; no process is left."""
    monkeypatch.setattr(docker_plugin, "SECONDS_TO_START", 0.3)
    put(tmp_path, script)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(PluginError) as caught, DockerPlugins().use("ssh://h", ()):
        pass
    assert "IPF777" in str(caught.value)
    assert reason in str(caught.value)
    assert "`pulumi install`" in str(caught.value)


def test_the_executable_is_the_one_that_the_engine_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PATH first, unless that is switched off; then the installed one of pulumi_docker's version."""
    monkeypatch.setattr("importlib.metadata.version", lambda name: {"pulumi-docker": "5.2.0"}[name])
    environment = {"PATH": str(tmp_path / "bin"), "PULUMI_HOME": str(tmp_path / "home")}
    with pytest.raises(PluginError, match=r"resource-docker-v5\.2\.0"):
        docker_plugin.find_executable(environment)
    installed = tmp_path / "home" / "plugins" / "resource-docker-v5.2.0"
    put(installed, "")
    put(tmp_path / "home" / "plugins" / "resource-docker-v5.9.0", "")
    assert docker_plugin.find_executable(environment).parent == installed
    put(tmp_path / "bin", "")
    assert docker_plugin.find_executable(environment).parent == tmp_path / "bin"
    ignored = environment | {"PULUMI_IGNORE_AMBIENT_PLUGINS": "True"}
    assert docker_plugin.find_executable(ignored).parent == installed
