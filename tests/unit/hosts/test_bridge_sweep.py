"""The link that a failed connection leaves in a container is removed, and no other: the real script with the real `ip`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ipvlan.hosts.script import script_text
from tests.support.namespace import Namespace, namespace_within, network_namespace, write_command


class Container:
    """A container of a host whose docker0 has 172.17.0.1/16; both are network namespaces."""

    def __init__(self, host: Namespace, container: Namespace, commands: Path) -> None:
        self.host, self.container, self.commands = host, container, commands
        host.run("ip", "link", "add", "name", "docker0", "type", "veth", "peer", "name", "to-docker0")
        host.run("ip", "addr", "add", "172.17.0.1/16", "dev", "docker0")
        host.commands = commands
        self.inspected(str(container.pid))

    def inspected(self, pid: str) -> None:
        """Let Docker report that process id."""
        write_command(
            self.commands,
            "docker",
            f"""[ "$*" = "container inspect --format {{{{.State.Pid}}}} nginx" ] && echo {pid}""",
        )

    def add_link(self, name: str, address: str, *, kind: str = "veth") -> None:
        """Give the container a link with an address."""
        options = ("peer", "name", f"{name}-peer") if kind == "veth" else ()
        self.container.run("ip", "link", "add", "name", name, "type", kind, *options)
        self.container.run("ip", "addr", "add", address, "dev", name)

    @property
    def links(self) -> set[str]:
        """Names of the container's links that have an address."""
        return {line.split()[1] for line in self.container.run("ip", "-4", "-o", "addr", "show").splitlines()}

    def sweep(self) -> None:
        """Run the function, as the script of the connection does."""
        self.host.run("sh", "-c", script_text("bridge_sweep.sh", {"name": "nginx"}) + "\nsweep")


@pytest.fixture
def container(tmp_path: Path) -> Iterator[Container]:
    """Return a container with the fabric's link and a link to another bridge."""
    with network_namespace() as host, namespace_within(host) as namespace:
        container = Container(host, namespace, tmp_path / "commands")
        container.add_link("eth0", "10.1.1.2/16")
        container.add_link("eth2", "172.18.0.5/16")
        yield container


def test_the_stale_link_is_removed(container: Container) -> None:
    """The link with an address of docker0's subnet goes; the fabric's link and those of other networks stay."""
    container.add_link("eth1", "172.17.0.5/16")
    container.sweep()
    assert container.links == {"eth0", "eth2"}
    container.sweep()
    assert container.links == {"eth0", "eth2"}


def test_several_stale_links_are_removed(container: Container) -> None:
    """Each failed connection leaves one."""
    container.add_link("eth1", "172.17.0.5/16")
    container.add_link("eth3", "172.17.255.9/16")
    container.sweep()
    assert container.links == {"eth0", "eth2"}


def test_a_link_that_is_no_veth_stays(container: Container) -> None:
    """Docker's bridge gives containers a veth; anything else belongs to somebody else, whatever its address."""
    container.add_link("br0", "172.17.0.6/16", kind="bridge")
    container.sweep()
    assert container.links == {"eth0", "eth2", "br0"}


@pytest.mark.parametrize("pid", ["0", ""])
def test_a_container_that_does_not_run_is_left(container: Container, pid: str) -> None:
    """It has no namespace; the host's own links are not touched."""
    container.add_link("eth1", "172.17.0.5/16")
    container.inspected(pid)
    container.sweep()
    assert container.links == {"eth0", "eth1", "eth2"}
    assert "docker0" in container.host.run("ip", "-4", "-o", "addr", "show")


def test_a_host_without_docker0_is_left(container: Container) -> None:
    """Without the bridge there is no subnet to look for."""
    container.add_link("eth1", "172.17.0.5/16")
    container.host.run("ip", "link", "del", "docker0")
    container.sweep()
    assert container.links == {"eth0", "eth1", "eth2"}
