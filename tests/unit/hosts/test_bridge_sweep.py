"""The link that a failed connection leaves in a container is removed, and no other: the real script with the real `ip`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ipvlan.hosts import bridge
from ipvlan.hosts.bridge import BridgeAttachment
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.script import script_text
from tests.support.namespace import Namespace, namespace_within, network_namespace, write_command

OURS = "c1" * 32
FOREIGN = "f0" * 32

# Docker's command line: the files beside it have what it prints.
DOCKER = """
case "$*" in
  "container inspect --format {{.State.Pid}} "*) cat FOLDER/pid ;;
  "container inspect --format {{.Id}} {{.State.Pid}} {{.HostConfig.NetworkMode}} "*) cat FOLDER/containers ;;
  "container inspect --format {{.Id}} {{.Name}} {{.HostConfig.NetworkMode}} "*) cat FOLDER/identity ;;
  "container inspect --format holder="*) cat FOLDER/holder ;;
  "ps -aq --no-trunc") sed 's/ .*//' FOLDER/containers ;;
  "network inspect bridge --format {{with index "*) cat FOLDER/bridge FOLDER/endpoints | tr '\\n' ' ' ;;
  "container inspect c1"*) cat FOLDER/json ;;
  "network connect "*) echo "cannot program address 172.17.0.2/16: it conflicts with existing route" >&2; exit 1 ;;
  *) echo "no answer to: $*" >&2; exit 1 ;;
esac
"""


class Container:
    """A container of a host whose docker0 has 172.17.0.1/16; both are network namespaces."""

    def __init__(self, host: Namespace, container: Namespace, folder: Path) -> None:
        self.host, self.container, self.folder = host, container, folder
        host.run("ip", "link", "add", "name", "docker0", "type", "bridge")
        host.run("ip", "addr", "add", "172.17.0.1/16", "dev", "docker0")
        write_command(folder / "commands", "docker", DOCKER.replace("FOLDER", str(folder)))
        host.commands = folder / "commands"
        self.says(
            pid=str(container.pid),
            containers=f"{FOREIGN} 0 bridge\n{OURS} {container.pid} ipvlanl2",
            identity=f"{OURS} /nginx ipvlanl2",
            holder="",
            bridge="docker0",
            endpoints=FOREIGN,
        )

    def says(self, **replies: str) -> None:
        """Let Docker report that."""
        for name, text in replies.items():
            (self.folder / name).write_text(f"{text}\n")

    def add_link(self, name: str, address: str, *, port: str, master: str | None = "docker0") -> None:
        """Give the container a link with an address, whose other end on the host is a port of a bridge."""
        self.host.run(
            "ip", "link", "add", "name", port, "type", "veth", "peer", "name", name, "netns", str(self.container.pid)
        )
        self.container.run("ip", "addr", "add", address, "dev", name)
        if master is not None:
            self.host.run("ip", "link", "set", port, "master", master)

    @property
    def links(self) -> set[str]:
        """Names of the container's links that have an address."""
        return {line.split()[1] for line in self.container.run("ip", "-4", "-o", "addr", "show").splitlines()}

    @property
    def host_links(self) -> set[str]:
        """Names of the host's links."""
        lines = self.host.run("ip", "-o", "link", "show").splitlines()
        return {line.split(": ")[1].partition("@")[0] for line in lines}

    def sweep(self) -> str:
        """Run the function, as the script of the connection does, and return what it prints."""
        return self.host.run("sh", "-c", script_text("bridge_sweep.sh", {"id": OURS}) + "\nsweep").strip()


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    """Return a container with a link to another bridge and one to nothing."""
    with network_namespace() as host, namespace_within(host) as namespace:
        container = Container(host, namespace, tmp_path)
        host.run("ip", "link", "add", "name", "br-0123456789ab", "type", "bridge")
        container.add_link("eth0", "10.1.1.2/16", port="vethaaaaaa0", master=None)
        container.add_link("eth2", "172.18.0.5/16", port="vethbbbbbb0", master="br-0123456789ab")
        yield container


def test_the_stale_link_is_removed(container: Container) -> None:
    """The link to Docker's bridge goes, with its port there; those of other networks stay."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    assert container.sweep() == "swept=veth0a1b2c3"
    assert container.links == {"eth0", "eth2"}
    assert container.host_links == {"lo", "docker0", "br-0123456789ab", "vethaaaaaa0", "vethbbbbbb0"}
    assert container.sweep() == ""


def test_several_stale_links_are_removed(container: Container) -> None:
    """Each failed connection leaves one."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    container.add_link("eth3", "172.17.255.9/16", port="veth0a1b2c4")
    container.sweep()
    assert container.links == {"eth0", "eth2"}


@pytest.mark.parametrize("listed", [OURS, "ep-0123"])
def test_a_link_that_docker_knows_stays(container: Container, listed: str) -> None:
    """The bridge has an endpoint of the container, or one that is being created."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    container.says(endpoints=f"{FOREIGN}\n{listed}")
    assert container.sweep() == ""
    assert container.links == {"eth0", "eth1", "eth2"}


def test_what_has_an_address_of_the_bridge_stays(container: Container) -> None:
    """An address of docker0's subnet proves nothing: a link that somebody made by hand is not Docker's, whatever it leads to."""
    container.add_link("eth1", "172.17.0.5/16", port="pipework0")
    container.add_link("eth3", "172.17.0.6/16", port="veth0a1b2c3", master=None)
    container.container.run("ip", "link", "add", "name", "in0", "type", "veth", "peer", "name", "in1")
    container.container.run("ip", "addr", "add", "172.17.0.7/16", "dev", "in0")
    assert container.sweep() == ""
    assert container.links == {"eth0", "eth1", "eth2", "eth3", "in0"}


def test_the_hosts_own_network_is_never_entered(container: Container) -> None:
    """A container in the host's network: docker0 and every port of it stay."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    before = container.host_links
    pid = container.host.pid
    container.says(pid=str(pid), containers=f"{OURS} {pid} host")
    assert container.sweep() == "kept=it is in the host's own network"
    assert container.host_links == before


@pytest.mark.parametrize("mode", [f"container:{OURS}", "bridge"])
def test_a_shared_network_is_left(container: Container, mode: str) -> None:
    """Another container has this network: by its mode, also while it is stopped, or because its process is in it."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    pid = 0 if mode.startswith("container:") else container.container.pid
    container.says(containers=f"{OURS} {container.container.pid} ipvlanl2\n{FOREIGN} {pid} {mode}")
    assert container.sweep() == f"kept=container {FOREIGN} shares its network"
    assert "eth1" in container.links


def test_what_changed_since_is_left(container: Container) -> None:
    """The process is no longer that of the container when all containers are listed."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    container.says(containers=f"{OURS} 1 ipvlanl2")
    assert container.sweep() == ""
    assert "eth1" in container.links


@pytest.mark.parametrize("pid", ["0", ""])
def test_a_container_that_does_not_run_is_left(container: Container, pid: str) -> None:
    """It has no namespace; the host's own links are not touched."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    container.says(pid=pid)
    container.sweep()
    assert container.links == {"eth0", "eth1", "eth2"}
    assert "docker0" in container.host_links


def test_a_bridge_of_another_name_is_asked_for(container: Container) -> None:
    """Docker's bridge is the one that Docker names."""
    container.add_link("eth1", "172.17.0.5/16", port="veth0a1b2c3")
    container.says(bridge="br-0123456789ab")
    assert container.sweep() == "swept=vethbbbbbb0"
    assert container.links == {"eth0", "eth1"}


def attachment(container: Container) -> BridgeAttachment:
    """Return the attachment of the container that was declared."""
    return BridgeAttachment(
        connection=container.host.connection(), container="nginx", container_id=OURS, network="ipvlanl2", ports=()
    )


def test_a_replacement_by_hand_in_the_hosts_network_costs_nothing(container: Container) -> None:
    """Somebody replaced nginx by hand with `--network host`: the host keeps docker0 and its address."""
    pid = container.host.pid
    container.says(
        pid=str(pid),
        containers=f"{FOREIGN} {pid} host",
        identity=f"Error response from daemon: No such container: {OURS}",
        holder=f"holder=/nginx {FOREIGN} 2026-11-26T03:00:00Z nginx",
    )
    before = container.host_links
    with pytest.raises(HostError, match="another one has its name now: f0f0f0f0f0f0"):
        bridge.connect(attachment(container))
    assert container.host_links == before
    assert "172.17.0.1/16" in container.host.run("ip", "-4", "-o", "addr", "show", "dev", "docker0")


def test_a_shared_network_is_named_in_the_error(container: Container) -> None:
    """Where a link may be in the way and stays, the error says why."""
    container.says(
        containers=f"{OURS} {container.container.pid} ipvlanl2\n{FOREIGN} 0 container:{OURS}",
    )
    container.says(
        json=f'[{{"Id": "{OURS}", "State": {{"Running": true, "Status": "running", "ExitCode": 0}}, "NetworkSettings": {{}}}}]'
    )
    with pytest.raises(HostError, match="shares its network") as raised:
        bridge.connect(attachment(container))
    assert "docker restart c1c1c1c1c1c1" in raised.value.problems[0].fix
