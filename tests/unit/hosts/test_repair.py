"""Repairs of a container: the real scripts against a substitute for the docker command line."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.hosts import bridge, repair
from ipvlan.hosts.bridge import BridgeAttachment
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.repair import Seen
from ipvlan.hosts.snapshot import Endpoint
from tests.support.docker_state import read_state, write_state
from tests.support.docker_substitute import put_docker

ID = "0123456789abcdef" * 4
NETWORK = "fabric-id"
PLANNED = "10.1.1.1"


class Host:
    """A host whose `docker` is the substitute; its shell is this machine's own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        put_docker(folder, "fake_docker_repair")
        path = f"{folder}:{os.environ['PATH']}"
        self.connection = HostConnection(name="docker-1", command=("env", f"PATH={path}", "sh", "-c"))
        end = {"id": NETWORK, "address": "10.1.1.9", "fixed": "10.1.1.9", "aliases": ["web", ID[:12]]}
        self.write(
            networks={"ipvlanl2": NETWORK},
            members=[(ID, "centos", "10.1.1.9")],
            refused=[],
            start_fails="",
            containers={ID: {"name": "centos", "state": "running", "networks": {"ipvlanl2": end}}},
        )

    def write(self, **changes: Any) -> None:
        """Change the substitute's state."""
        write_state(self.folder, **changes)

    def change(self, **fields: Any) -> None:
        """Change the container."""
        self.write(containers={ID: {**self.container, **fields}})

    @property
    def state(self) -> dict[str, Any]:
        """The substitute's state."""
        return read_state(self.folder)

    @property
    def container(self) -> dict[str, Any]:
        """The container's state."""
        container: dict[str, Any] = self.state["containers"][ID]
        return container

    @property
    def changes(self) -> list[str]:
        """The commands that changed something."""
        return [call for call in self.state["calls"] if " inspect " not in f" {call} "]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Return a host with a running container at 10.1.1.9, planned at 10.1.1.1."""
    return Host(tmp_path)


def seen(address: str | None = "10.1.1.9", *, state: str = "running", network_id: str = NETWORK) -> Seen:
    """Return the container as it was shown."""
    held = None if address is None else IPAddress(address)
    end = Endpoint(network="ipvlanl2", network_id=network_id, address=held, fixed=held)
    return Seen(id=ID, name="centos", state=state, endpoints=() if address is None else (end,))


def connect(host: Host, container: Seen) -> None:
    """Connect the container at its planned address."""
    repair.connect_to_fabric(
        host.connection, container, network="ipvlanl2", network_id=NETWORK, address=IPAddress(PLANNED)
    )


def start(host: Host, container: Seen) -> None:
    """Start the container."""
    repair.start(host.connection, container)


def check(host: Host, container: Seen) -> None:
    """Look at the container."""
    repair.check(host.connection, container)


def test_another_address(host: Host) -> None:
    """The container is disconnected and connected at its planned address, by ids, with the names it has there."""
    connect(host, seen())
    assert host.changes == [
        f"network disconnect --force {NETWORK} {ID}",
        f"network connect --ip {PLANNED} --alias web {NETWORK} {ID}",
    ]
    assert host.container["networks"]["ipvlanl2"]["fixed"] == PLANNED


def test_a_connection_that_docker_refuses_is_undone(host: Host) -> None:
    """S7: when the planned address is taken, the container is connected at its old one again, and the message says so."""
    before = host.container
    host.write(refused=[PLANNED])
    with pytest.raises(HostError) as raised:
        connect(host, seen())
    assert host.container == before
    (problem,) = raised.value.problems
    assert (problem.code, problem.effect) == ("IPF775", "centos is connected to ipvlanl2 at 10.1.1.9 again")
    assert "Address already in use" in problem.problem


def test_what_cannot_be_undone_says_so(host: Host) -> None:
    """When even the old address is refused, the message says that it is disconnected, and has the command."""
    host.write(refused=[PLANNED, "10.1.1.9"])
    with pytest.raises(HostError) as raised:
        connect(host, seen())
    (problem,) = raised.value.problems
    assert (problem.code, problem.effect) == ("IPF776", "centos is not connected to ipvlanl2")
    assert problem.fix == f"on the host: docker network connect --ip 10.1.1.9 ipvlanl2 {ID[:12]}"


def test_a_missing_connection_stays_missing_when_docker_refuses(host: Host) -> None:
    """There is nothing to go back to, and the container is as it was."""
    host.change(networks={})
    host.write(refused=[PLANNED])
    with pytest.raises(HostError, match="centos is as it was"):
        connect(host, seen(None))
    host.write(refused=[])
    connect(host, seen(None))
    assert host.container["networks"]["ipvlanl2"]["address"] == PLANNED


def test_a_deleted_network_of_that_name(host: Host) -> None:
    """A connection to a deleted network is known by its name alone; the new one is made by id."""
    end = {**host.container["networks"]["ipvlanl2"], "id": "deleted"}
    host.change(networks={"ipvlanl2": end})
    connect(host, seen(network_id="deleted"))
    assert host.changes[0] == f"network disconnect --force ipvlanl2 {ID}"
    assert host.container["networks"]["ipvlanl2"]["id"] == NETWORK


def test_an_address_that_another_container_holds(host: Host) -> None:
    """The container is not even disconnected when another one has its planned address."""
    host.write(members=[(ID, "centos", "10.1.1.9"), ("other", "guest", PLANNED)])
    with pytest.raises(HostError, match=f"{PLANNED} is held by container guest"):
        connect(host, seen())
    assert host.changes == []


def test_a_network_that_is_gone(host: Host) -> None:
    """Nothing is done for a network that is not the one that was shown."""
    host.write(networks={"ipvlanl2": "another"})
    with pytest.raises(HostError, match="there is no network ipvlanl2 with id fabric-id"):
        connect(host, seen())
    assert host.changes == []


@pytest.mark.parametrize("do", [connect, start, check])
@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"state": "paused"}, "it was running, ipvlanl2 10.1.1.9, it is paused, ipvlanl2 10.1.1.9"),
        ({"name": "renamed"}, "is not as it was shown any more"),
        ({"networks": {}}, "it was running, ipvlanl2 10.1.1.9, it is running"),
    ],
)
def test_a_container_that_changed_in_between_is_skipped(
    host: Host, do: Callable[[Host, Seen], None], fields: dict[str, Any], words: str
) -> None:
    """S25: the question may wait for hours; what is not as it was shown is not changed, and the message says what differs."""
    host.change(**fields)
    with pytest.raises(HostError) as raised:
        do(host, seen())
    assert words in str(raised.value)
    assert raised.value.problems[0].code == "IPF774"
    assert host.changes == []


@pytest.mark.parametrize("do", [connect, start, check])
def test_a_container_of_the_same_name_is_another_one(host: Host, do: Callable[[Host, Seen], None]) -> None:
    """A container that was made again in between has another id, and is not touched."""
    host.write(containers={"f" * 64: host.container})
    with pytest.raises(HostError, match="does not exist any more"):
        do(host, seen())
    assert host.changes == []


@pytest.mark.parametrize(("state", "command"), [("exited", "start"), ("created", "start"), ("paused", "unpause")])
def test_a_stopped_container_is_started(host: Host, state: str, command: str) -> None:
    """By its id, with the command for its state; a refusal is Docker's own."""
    host.change(state=state)
    check(host, seen(state=state))
    host.write(start_fails="driver failed")
    with pytest.raises(HostError, match=r"Docker does not start centos: .* driver failed"):
        start(host, seen(state=state))
    host.write(start_fails="")
    start(host, seen(state=state))
    assert host.changes == [f"{command} {ID}"] * 2
    assert host.container["state"] == "running"


def test_a_docker_that_does_not_answer(host: Host) -> None:
    """Its own words are shown, and nothing is said about the container."""
    (host.folder / "docker").write_text("#!/bin/sh\necho Cannot connect to the Docker daemon >&2; exit 1\n")
    with pytest.raises(HostError, match="Docker does not answer: Cannot connect"):
        connect(host, seen())


def test_the_start_after_a_disconnection_from_the_bridge(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """It compares the container with what the disconnection left, and not with what was shown."""
    ends = host.container["networks"]
    of_docker = {"id": "b1", "address": "", "fixed": "", "aliases": []}
    host.change(state="exited", networks={**ends, "bridge": of_docker})
    monkeypatch.setattr(bridge, "disconnect", lambda _: host.change(networks=ends))
    shown = seen(state="exited")
    shown = replace(
        shown, endpoints=(Endpoint(network="bridge", network_id="b1", address=None, fixed=None), *shown.endpoints)
    )
    attachment = BridgeAttachment(
        connection=host.connection, container="centos", container_id=ID, network="ipvlanl2", ports=()
    )
    after = repair.disconnect_from_bridge(shown, attachment)
    assert after == seen(state="exited")
    assert repair.start(host.connection, after).state == "running"
    with pytest.raises(HostError, match="is not as it was shown any more"):
        repair.disconnect_from_bridge(shown, attachment)
