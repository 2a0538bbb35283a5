"""The bridge attachment of a container: the real scripts against a substitute for the docker command line."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import bridge
from ipvlan.hosts.bridge import BoundPort, BridgeAttachment
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import NOT_THE_CONTAINER, HostError, HostUnreachableError
from provider.bridge_connection import BridgeConnection
from provider.resource import Operation
from tests.support.docker_state import read_state, write_state
from tests.support.docker_substitute import put_docker

IDENTITY = "{{.Id}} {{.Name}} {{.HostConfig.NetworkMode}}"
OURS = "c1" * 32
FOREIGN = "f0" * 32


def container(**changes: Any) -> dict[str, Any]:
    """Return the container that the resource was declared for, with changes."""
    planned = {
        "id": OURS,
        "name": "nginx",
        "running": True,
        "connected": False,
        "binding": False,
        "ports": {"80/tcp": 80},
    }
    return {**planned, **changes}


class Host:
    """A host whose `docker` is the substitute; its shell is this machine's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        put_docker(folder, "fake_docker")
        self.set(
            daemon="up",
            api="1.48",
            cli_priority=True,
            fabric="ipvlanl2",
            binds={"with priority": True, "without": True},
            taken=None,
            conflicts=0,
            contradicts=False,
            containers=[container()],
        )

    def set(self, **changes: Any) -> None:
        """Change the substitute's state."""
        write_state(self.folder, **changes)

    @property
    def state(self) -> dict[str, Any]:
        """The substitute's state."""
        return read_state(self.folder)

    def attachment(self, fabric: str = "ipvlanl2", **changes: Any) -> BridgeAttachment:
        """Return the attachment of nginx, port 80, on this host."""
        path = f"{self.folder}:{os.environ['PATH']}"
        arguments: dict[str, Any] = {
            "connection": HostConnection(name="docker-1", command=("env", f"PATH={path}", "sh", "-c")),
            "container": "nginx",
            "container_id": OURS,
            "network": fabric,
            "ports": (BoundPort(container_port="80/tcp", host_address="", host_port=80),),
        }
        return BridgeAttachment(**{**arguments, **changes})


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a fresh host with Docker 28 and a running nginx."""
    return Host(tmp_path)


def test_connect_proves_the_ports(host: Host) -> None:
    """Connecting binds the port, with the bridge's priority, in one visit of three docker commands."""
    state = bridge.connect(host.attachment())
    assert state.bound == {"80/tcp": frozenset({("0.0.0.0", 80)})}  # noqa: S104
    assert host.state["calls"] == [
        f"container inspect --format {IDENTITY} {OURS}",
        f"network connect --gw-priority 100 bridge {OURS}",
        f"container inspect {OURS}",
    ]


def test_connect_twice_is_connect_once(host: Host) -> None:
    """A connection that exists and binds its ports is not changed."""
    bridge.connect(host.attachment())
    bridge.connect(host.attachment())
    assert not any("disconnect" in call for call in host.state["calls"])


def test_a_connection_that_binds_nothing_is_created_again(host: Host) -> None:
    """A bridge that somebody connected without priority, so that it is not the gateway, is connected again with it."""
    host.set(containers=[container(connected=True)], fabric="apps")
    assert not bridge.connect(host.attachment("apps")).missing(host.attachment().ports)
    assert f"network disconnect bridge {OURS}" in host.state["calls"]


def test_a_connection_that_never_binds_is_tried_twice(host: Host) -> None:
    """A connection of somebody else is replaced once; when that binds nothing either, it is removed and explained."""
    host.set(containers=[container(connected=True)], binds={"with priority": False, "without": False})
    with pytest.raises(HostError) as raised:
        bridge.connect(host.attachment())
    (problem,) = raised.value.problems
    assert "port 80 -> 80/tcp not bound" in problem.problem
    assert "not the container's gateway" in problem.problem
    assert "gateway priority above 100" in problem.fix
    assert len([call for call in host.state["calls"] if call.startswith("network connect")]) == 2
    assert not host.state["containers"][0]["connected"]


def test_a_stale_link_of_an_earlier_failure_is_no_failure(host: Host) -> None:
    """Where a stale link conflicts, it is removed (see test_bridge_sweep.py) and the connection tried once more."""
    host.set(conflicts=1)
    bridge.connect(host.attachment())
    assert len([call for call in host.state["calls"] if call.startswith("network connect")]) == 2
    bridge.disconnect(host.attachment())
    host.set(conflicts=9, calls=[])
    with pytest.raises(HostError, match="conflicts with existing route"):
        bridge.connect(host.attachment())
    assert len([call for call in host.state["calls"] if call.startswith("network connect")]) == 2


def test_the_holder_of_a_port_is_named(host: Host) -> None:
    """The process that listens on the port, as ss knows it, is in the error."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        host.set(taken=port)
        attachment = host.attachment(ports=(BoundPort(container_port="80/tcp", host_address="", host_port=port),))
        with pytest.raises(HostError) as raised:
            bridge.connect(attachment)
    (problem,) = raised.value.problems
    assert f"The port is taken on the host by 127.0.0.1:{port} users:((" in problem.problem


def test_a_container_that_only_goes_out_has_no_port(host: Host) -> None:
    """Without a port the connection itself is the proof; where it fails the container has no route."""
    assert bridge.connect(host.attachment(ports=())).connected
    bridge.disconnect(host.attachment(ports=()))
    host.set(conflicts=9)
    with pytest.raises(HostError, match="has no route to the internet"):
        bridge.connect(host.attachment(ports=()))


@pytest.mark.parametrize(("api", "cli"), [("1.41", False), ("1.41", True)], ids=["old", "new-cli-old-daemon"])
def test_without_priorities_the_name_decides(host: Host, api: str, cli: bool) -> None:
    """Before Docker 28 a fabric whose name sorts after "bridge" publishes without the flag."""
    host.set(api=api, cli_priority=cli)
    assert not bridge.connect(host.attachment()).missing(host.attachment().ports)


@pytest.mark.parametrize(("api", "cli"), [("1.41", False), ("1.41", True)], ids=["old", "new-cli-old-daemon"])
def test_without_priorities_a_name_before_bridge_is_an_error(host: Host, api: str, cli: bool) -> None:
    """Before Docker 28 a fabric whose name sorts before "bridge" is refused, and nothing is connected."""
    host.set(api=api, cli_priority=cli, fabric="apps")
    with pytest.raises(HostError) as raised:
        bridge.connect(host.attachment("apps"))
    (problem,) = raised.value.problems
    assert "older than 28" in problem.problem
    assert '"apps" sorts before "bridge"' in problem.problem
    assert "nothing was changed" in problem.effect
    assert '"fabric-apps"' in problem.fix
    assert not host.state["containers"][0]["connected"]


def test_with_priorities_a_name_before_bridge_publishes(host: Host) -> None:
    """From Docker 28 a fabric whose name sorts before "bridge" publishes all the same."""
    host.set(fabric="apps")
    assert not bridge.connect(host.attachment("apps")).missing(host.attachment().ports)


def test_a_taken_port_is_named(host: Host) -> None:
    """A port that something else holds is an error that names the host, the port and the config key."""
    host.set(taken=80)
    with pytest.raises(HostError) as raised:
        bridge.connect(host.attachment())
    (problem,) = raised.value.problems
    assert (raised.value.host, problem.key) == ("docker-1", 'host "docker-1"')
    assert "port 80 -> 80/tcp not bound" in problem.problem
    assert "port is already allocated" in problem.problem
    assert "ipvlan-fabric:services.nginx.ports" in problem.fix
    assert not host.state["containers"][0]["connected"]


def test_a_port_that_was_never_declared_is_an_error(host: Host) -> None:
    """A connection that binds another port than the planned one is removed again and explained."""
    attachment = host.attachment(ports=(BoundPort(container_port="81/tcp", host_address="", host_port=81),))
    with pytest.raises(HostError, match="port 81 -> 81/tcp not bound"):
        bridge.connect(attachment)
    assert not host.state["containers"][0]["connected"]


@pytest.mark.parametrize(("running", "state"), [(False, "exited"), ("restarting", "restarting")])
def test_a_stopped_container_is_named(host: Host, running: object, state: str) -> None:
    """A container that does not run, or ends again and again, binds nothing: its state is in the error."""
    host.set(containers=[container(running=running)])
    with pytest.raises(HostError, match=rf"The container is {state} \(1\)"):
        bridge.connect(host.attachment())


def test_a_foreign_container_of_the_name_is_not_touched(host: Host) -> None:
    """The declared container is gone and another has its name: nothing is connected, disconnected or read of that one."""
    foreign = container(id=FOREIGN, mode="host", connected=True)
    host.set(containers=[foreign])
    with pytest.raises(HostError) as raised:
        bridge.connect(host.attachment())
    (problem,) = raised.value.problems
    assert "c1c1c1c1c1c1) is gone" in problem.problem
    assert (
        "another one has its name now: f0f0f0f0f0f0, created 2026-11-26T03:00:00 from registry.lab:5000/nginx"
        in problem.problem
    )
    assert "nothing was changed" in problem.effect
    assert "docker rename f0f0f0f0f0f0 NAME" in problem.fix
    assert bridge.read(host.attachment()) is None
    bridge.disconnect(host.attachment())
    assert host.state["containers"] == [foreign]
    assert not [call for call in host.state["calls"] if call.startswith("network") and not call.endswith(OURS)]


@pytest.mark.parametrize("mode", ["host", "none", f"container:{FOREIGN}"])
def test_a_container_that_cannot_be_connected_is_left(host: Host, mode: str) -> None:
    """A network that is the host's, another container's or none: it is not entered, and Docker is not asked."""
    host.set(containers=[container(mode=mode)])
    with pytest.raises(HostError, match=f'has the network mode "{mode}"') as raised:
        bridge.connect(host.attachment())
    assert raised.value.problems[0].code == NOT_THE_CONTAINER
    assert host.state["calls"] == [f"container inspect --format {IDENTITY} {OURS}"]


def test_a_container_that_was_renamed_is_not_connected(host: Host) -> None:
    """The fix gives it its name back; to disconnect it, its name does not matter."""
    host.set(containers=[container(name="nginx-old", connected=True), container(id=FOREIGN)])
    with pytest.raises(HostError, match='is now called "nginx-old"') as raised:
        bridge.connect(host.attachment())
    assert "docker rename c1c1c1c1c1c1 nginx" in raised.value.problems[0].fix
    bridge.disconnect(host.attachment())
    assert [known["connected"] for known in host.state["containers"]] == [False, False]


def test_a_name_that_is_the_start_of_an_id_is_no_holder(host: Host) -> None:
    """Docker takes the first digits of an id for a container: that one does not have the name."""
    host.set(containers=[container(id=FOREIGN, name="other")])
    with pytest.raises(HostError, match=r"is gone: it was removed by hand\n") as raised:
        bridge.connect(host.attachment(container="f0f0"))
    assert "pulumi up --refresh" in raised.value.problems[0].fix


def test_connect_and_disconnect_end_where_docker_contradicts_itself(host: Host) -> None:
    """Docker says "already exists" to the one and "is not connected" to the other: each is tried, and that is all."""
    host.set(containers=[container(stale=True)], contradicts=True)
    with pytest.raises(HostError, match="already exists in network bridge"):
        bridge.connect(host.attachment())
    changes = [call.split()[1] for call in host.state["calls"] if call.startswith("network")]
    assert changes == ["connect", "disconnect", "connect", "disconnect"]


def test_the_resource_is_that_of_its_container(host: Host) -> None:
    """The resource passes the id that it was declared for: it is not there once another container has the name."""
    attachment = host.attachment()
    state = {
        "host": "docker-1",
        "ssh": list(attachment.connection.command),
        "container": "nginx",
        "container_id": OURS,
        "fabric": "ipvlanl2",
        "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80.0}],
    }
    resource, operation = BridgeConnection(), Operation()
    created = resource.create(state, operation)
    assert created.id == f"docker-1/{OURS}"
    assert resource.read(created.id, state, operation)
    assert not resource.read(f"docker-1/x{OURS}", state, operation)
    foreign = container(id=FOREIGN, connected=True, binding=True)
    host.set(containers=[foreign])
    assert not resource.read(created.id, state, operation)
    resource.delete(state, operation)
    assert host.state["containers"] == [foreign]


def test_without_an_id_nothing_is_done(host: Host) -> None:
    """An attachment that is only planned has no container yet."""
    for action in (bridge.connect, bridge.read, bridge.disconnect):
        with pytest.raises(ValueError, match="no container id"):
            action(host.attachment(container_id=""))
    assert host.state["calls"] == []


def test_a_missing_container_is_named(host: Host) -> None:
    """Connecting a container that was removed by hand says how to get it back."""
    host.set(containers=[])
    with pytest.raises(HostError, match="pulumi up --refresh"):
        bridge.connect(host.attachment())


def test_disconnect_is_idempotent(host: Host) -> None:
    """Disconnecting succeeds with a connection, without one, and without a container."""
    bridge.connect(host.attachment())
    bridge.disconnect(host.attachment())
    bridge.disconnect(host.attachment())
    assert not host.state["containers"][0]["connected"]
    host.set(containers=[])
    bridge.disconnect(host.attachment())


def test_disconnect_fails_when_docker_is_silent(host: Host) -> None:
    """A daemon that does not answer is no proof that nothing is attached."""
    host.set(daemon="down")
    with pytest.raises(HostError, match=r"could not be disconnected.*Cannot connect to the Docker daemon"):
        bridge.disconnect(host.attachment())


def test_read_tells_absence_from_silence(host: Host) -> None:
    """A container that is gone reads as None; a silent daemon is an error, so that nothing is dropped from the state."""
    assert bridge.read(host.attachment()) is not None
    host.set(containers=[])
    assert bridge.read(host.attachment()) is None
    host.set(daemon="down")
    with pytest.raises(HostError, match="Docker does not answer"):
        bridge.read(host.attachment())


def test_an_unreachable_host_is_named(host: Host) -> None:
    """The failure of ssh itself names the host, its output and what to do."""
    attachment = host.attachment(
        connection=HostConnection(
            name="docker-1",
            command=("sh", "-c", "echo 'ssh: connect to host 192.0.2.1 port 22: No route to host' >&2; exit 255"),
        )
    )
    with pytest.raises(HostUnreachableError) as raised:
        bridge.connect(attachment)
    (problem,) = raised.value.problems
    assert raised.value.host == "docker-1"
    assert "cannot be reached over ssh: ssh: connect to host 192.0.2.1 port 22: No route to host" in problem.problem
    assert "ipvlan-fabric:hosts.docker-1.address" in problem.fix


def test_a_name_that_means_something_to_a_shell_is_data(host: Host) -> None:
    """A name is data: what a shell would run in it is not run."""
    marker = host.folder / "marker"
    with pytest.raises(HostError):
        bridge.connect(host.attachment(container=f"x; touch {marker}"))
    assert not marker.exists()


def test_an_address_of_the_host_is_part_of_the_proof(host: Host) -> None:
    """A port planned for one address of the host is not proved by a binding on another."""
    state = bridge.connect(host.attachment())
    elsewhere = BoundPort(container_port="80/tcp", host_address="192.168.140.200", host_port=80)
    assert state.missing([elsewhere]) == (elsewhere,)
