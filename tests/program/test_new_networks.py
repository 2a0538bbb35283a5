"""Whether a host's network waits for the check of the addresses: only the network of a new host does not, and its containers do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from components.package_component import construct
from ipvlan.checks.stack_state import StackState, StackStateError
from ipvlan.plan.resource_names import NETWORK_REMOVAL_TYPE
from ipvlan.problems import Problem
from tests.support.states import child, read_state, state_of
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]

ADDRESSES = "fabric-addresses"
STATED = ("docker-1", "docker-2")


@pytest.fixture(autouse=True)
def _unchanged_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every network of a state for the planned one: its inputs are not in these states."""
    monkeypatch.setattr("components.program_inputs.changed_networks", lambda *_: frozenset())


def with_state(containers: Mapping[tuple[str, str], str], networks: Mapping[str, str]) -> Callable[[str], StackState]:
    """Return what reads a state with these containers and networks."""
    state = read_state(state_of(containers, networks))
    return lambda _stack: state


def before(run: Run, name: str) -> set[str]:
    """Return the names of what the resource waits for, directly or by way of others."""
    names = {urn: resource.name for urn, resource in run.resources.items()}
    waiting, seen = [run.named(name).urn], set[str]()
    while waiting:
        for urn in run.resources[waiting.pop()].dependencies - seen:
            seen.add(urn)
            waiting.append(urn)
    return {names[urn] for urn in seen}


def gated(run: Run) -> Iterator[str]:
    """Yield the hosts whose network waits for the check."""
    yield from (host for host in STATED if ADDRESSES in before(run, f"fabric-{host}-network"))


def assert_containers_wait(run: Run) -> None:
    """Every container waits for the check, and so does what prepares its replacement."""
    for resource in run.resources.values():
        if resource.type.endswith((":Container", ":Handover", ":Settled", ":BridgeConnection", ":HostNetworking")):
            assert ADDRESSES in before(run, resource.name), resource.name


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        (({}, {}), []),
        (({}, {"docker-1": "n"}), ["docker-1"]),
        # A network that was removed by hand, and that a refresh took from the state: containers are replaced with the new one.
        (({("docker-2", "nginx"): "c"}, {}), ["docker-2"]),
        (({("docker-1", "nginx"): "c"}, {"docker-1": "n", "docker-2": "m"}), ["docker-1", "docker-2"]),
    ],
    ids=["first up", "host added, or an up that ended early", "network gone", "existing"],
)
@pytest.mark.parametrize("mode", ["l2", "l3"])
def test_only_the_network_of_a_new_host_does_not_wait(
    run: RunProgram,
    config: dict[str, Any],
    recorded: tuple[Mapping[tuple[str, str], str], Mapping[str, str]],
    expected: list[str],
    mode: str,
) -> None:
    """What may be replaced waits for the check, as all containers do; with the network of a new host nothing is stopped."""
    config["fabric"]["mode"] = mode
    if mode == "l3":
        del config["fabric"]["gateway"]
    result = run(config, recorded=with_state(*recorded))
    assert list(gated(result)) == expected
    assert_containers_wait(result)


def test_what_cannot_be_known_waits(run: RunProgram, config: dict[str, Any]) -> None:
    """In a preview, where the state cannot be read, where the stack is not found, and for a program in another language."""

    def unreadable(_stack: str) -> StackState:
        raise StackStateError([Problem(code="IPF917", key="", value="", problem="", effect="", fix="")])

    other = run({}, main=lambda: construct("fabric", "ipvlan-fabric:index:IpvlanFabric", config, None))
    for result in (
        run(config, preview=True),
        run(config, recorded=unreadable),
        run(config, recorded=lambda stack: StackState(stack=stack, exists=False)),
        other,
    ):
        assert list(gated(result)) == ["docker-1", "docker-2"]
        assert_containers_wait(result)


def test_a_parent_that_docker_creates_waits(run: RunProgram, config: dict[str, Any]) -> None:
    """The probe would find the VLAN's link or not, by who comes first."""
    config["hosts"]["docker-1"]["parent"] = "ens33.40"
    assert list(gated(run(config))) == ["docker-1"]


def test_without_the_check_nothing_waits(run: RunProgram, config: dict[str, Any]) -> None:
    """With `probe_addresses: false` the network comes first, and the images after it."""
    config["fabric"]["probe_addresses"] = False
    result = run(config)
    assert "fabric-docker-1-network" in before(result, "fabric-docker-1-image-nginx-000000000000")


def test_images_wait_neither_for_the_check_nor_for_the_network(run: RunProgram, config: dict[str, Any]) -> None:
    """A pull takes the longest: it begins with both."""
    images = before(run(config), "fabric-docker-1-image-nginx-000000000000")
    assert not {ADDRESSES, "fabric-docker-1-network"} & images


def test_a_network_is_retained_where_its_removal_is_recorded(run: RunProgram, config: dict[str, Any]) -> None:
    """For exactly the network that the state has: another id, none, or a preview, and the docker provider removes it too."""

    def removal(host: str, id_: str) -> dict[str, Any]:
        return child(host, NETWORK_REMOVAL_TYPE, "network-removal", "x", outputs={"network_id": id_})

    def retained(**more: Any) -> list[str]:
        state = read_state(
            state_of(
                {}, {"docker-1": "n", "docker-2": "m"}, more=[removal("docker-1", "n"), removal("docker-2", "old")]
            )
        )
        made = run(config, recorded=lambda _stack: state, **more)
        return [host for host in STATED if made.named(f"fabric-{host}-network").retain_on_delete]

    assert retained() == ["docker-1"]
    assert retained(preview=True) == []
    first = run(config)
    assert not any(resource.retain_on_delete for resource in first.resources.values())


def test_what_uses_the_network_is_deleted_before_it_is_removed(run: RunProgram, config: dict[str, Any]) -> None:
    """Its containers and what is kept of them, and the routes: with the network Docker removes a parent that it created."""
    config["hosts"]["docker-1"]["shim"] = True
    made = run(config)
    for name in ("networking", "nginx", "nginx-handover", "centos-handover"):
        assert "fabric-docker-1-network-removal" in before(made, f"fabric-docker-1-{name}")
    assert before(made, "fabric-docker-1-network-removal") >= {"fabric-docker-1-network"}
