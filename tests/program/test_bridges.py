"""Bridge networks in the program: what is registered, in which order, and what ends a run before anything is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from ipvlan.checks import bridge_check
from ipvlan.checks.bridge_check import BridgesOfHost, BridgesRefusedError
from ipvlan.checks.stack_state import StackState
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.plan.resource_names import BRIDGE_NETWORK_TYPE
from tests.program.test_rollout_edges import waits_for
from tests.support.states import OWNER
from tests.support.strict_monitor import Run
from tests.unit.checks.test_bridge_check import resource

RunProgram = Callable[..., Run]


@pytest.fixture(autouse=True)
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what each host answers to the look at its bridges, to change: what is not there, or a failure."""
    given: dict[str, Any] = dict.fromkeys(("docker-1", "docker-2"), BridgesOfHost(frozenset(), frozenset()))

    def on_all(connections: Any, _work: Any, **_: Any) -> Mapping[str, Any]:
        return {connection.name: given[connection.name] for connection in connections}

    monkeypatch.setattr(bridge_check, "on_all", on_all)
    return given


@pytest.fixture
def bridged(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config with a bridge on which nginx and a service without the fabric are."""
    options = {"com.docker.network.driver.mtu": "1400"}
    config["bridges"] = {"backend": {"name": "backend", "subnet": "172.30.5.0/24", "options": options}}
    services = config["services"]
    services["nginx"]["bridges"] = ["backend"]
    services["app"] = {
        "image": services["nginx"]["image"],
        "fabric": False,
        "hosts": ["docker-1"],
        "bridges": {"backend": {"aliases": ["api"]}},
    }
    return config


def test_the_network_comes_after_the_fabrics_and_is_registered_by_its_name(
    run: RunProgram, bridged: dict[str, Any]
) -> None:
    """So the subnet that Docker chooses is none of the fabric's; the token and the name are part of every state."""
    registered = run(bridged).named("fabric-docker-1-bridge-backend")
    assert registered.type == "ipvlan-fabric:index:BridgeNetwork"
    assert registered.inputs == {
        "host": "docker-1",
        "ssh": registered.inputs["ssh"],
        "network": "backend",
        "internal": False,
        "subnet": "172.30.5.0/24",
        "options": {"com.docker.network.driver.mtu": "1400"},
        "labels": {},
        "external": False,
        "owner": OWNER,
        "stack": "test",
        "missing": False,
        "containers": [],
    }
    assert registered.provider.endswith("::fabric-connections")
    assert any(urn.endswith("::fabric-docker-1-network") for urn in registered.dependencies)


def test_a_container_is_created_unstarted_and_started_when_it_has_its_networks(
    run: RunProgram, bridged: dict[str, Any]
) -> None:
    """Bridge, handover, container, endpoints, Docker's own bridge, proof: each waits for what is before it."""
    made = run(bridged)
    container = made.named("fabric-docker-1-nginx")
    assert (container.inputs["start"], container.inputs["mustRun"]) == (False, False)
    endpoints = made.named("fabric-docker-1-nginx-endpoints")
    assert endpoints.inputs["endpoints"] == [
        {"network": "backend", "network_id": "id of docker-1/backend", "aliases": []}
    ]
    assert (endpoints.inputs["container_id"], endpoints.inputs["priority"]) == ("fabric-docker-1-nginx-id", -100)
    assert endpoints.inputs["keep_bridge"] is True

    def waits(later: str, *earlier: str) -> None:
        ends = {urn.rpartition("::")[2] for urn in made.named(later).dependencies}
        assert set(earlier) <= ends, later

    waits("fabric-docker-1-nginx-handover", "fabric-docker-1-bridge-backend")
    waits("fabric-docker-1-nginx-endpoints", "fabric-docker-1-nginx", "fabric-docker-1-bridge-backend")
    waits("fabric-docker-1-nginx-published-bridge", "fabric-docker-1-nginx-endpoints")
    waits("fabric-docker-1-nginx-settled", "fabric-docker-1-nginx-endpoints", "fabric-docker-1-nginx-published-bridge")
    assert made.named("fabric-docker-1-nginx-published-bridge").inputs["networks"] == ["backend"]
    handover = made.named("fabric-docker-1-nginx-handover").inputs
    assert (handover["endpoints"], handover["keep_bridge"]) == ([{"network": "backend", "aliases": []}], True)


def test_connections_come_after_every_network_of_the_host(run: RunProgram, bridged: dict[str, Any]) -> None:
    """One that is created again connects what was on it, also a container that leaves it in the same `up`."""
    bridged["bridges"]["data"] = {"name": "data"}
    bridged["services"]["app"]["bridges"] = ["data"]
    made = run(bridged)
    for name in ("fabric-docker-1-nginx-endpoints", "fabric-docker-1-nginx-handover", "fabric-docker-1-app-endpoints"):
        ends = {urn.rpartition("::")[2] for urn in made.named(name).dependencies}
        assert {"fabric-docker-1-bridge-backend", "fabric-docker-1-bridge-data"} <= ends


def test_a_container_without_the_fabric_has_no_network_in_its_arguments(
    run: RunProgram, bridged: dict[str, Any]
) -> None:
    """Docker creates it on its own bridge, and its endpoints take it off there; all of its networks change live."""
    made = run(bridged)
    container = made.named("fabric-docker-1-app")
    assert "networksAdvanced" not in container.inputs
    assert (container.inputs["start"], container.inputs["mustRun"]) == (False, False)
    endpoints = made.named("fabric-docker-1-app-endpoints")
    assert endpoints.inputs["keep_bridge"] is False
    assert endpoints.inputs["endpoints"][0]["aliases"] == ["api"]
    assert endpoints.inputs["rollout"]["owner"] == f"{OWNER}/docker-1/app"


def test_services_without_bridges_are_what_they_were(run: RunProgram, bridged: dict[str, Any], reference: Run) -> None:
    """Another service's bridge changes no input and no dependency of theirs: an old state sees no difference."""
    made = run(bridged)
    for name in ("fabric-docker-1-centos", "fabric-docker-1-centos-handover", "fabric-docker-1-centos-settled"):
        assert made.named(name).inputs == reference.named(name).inputs
        assert set(made.named(name).dependencies) == set(reference.named(name).dependencies)
    assert {"start", "mustRun"}.isdisjoint(reference.named("fabric-docker-1-nginx").inputs)
    assert "networks" not in reference.named("fabric-docker-1-nginx-published-bridge").inputs
    assert not any("endpoints" in each.name or "-bridge-" in each.name for each in reference.resources.values())


def test_what_is_missing_on_a_host_is_declared_so(
    run: RunProgram, bridged: dict[str, Any], answers: dict[str, Any]
) -> None:
    """An `up` looks at the hosts; the resource creates the network where the state has it. A preview asks none."""
    answers["docker-2"] = BridgesOfHost(missing=frozenset({"backend"}), detached=frozenset())
    made = run(bridged)
    assert made.named("fabric-docker-2-bridge-backend").inputs["missing"] is True
    assert made.named("fabric-docker-1-bridge-backend").inputs["missing"] is False
    answers.clear()
    assert run(bridged, preview=True).named("fabric-docker-2-bridge-backend").inputs["missing"] is False


def test_a_container_that_is_off_a_bridge_is_declared_so(
    run: RunProgram, bridged: dict[str, Any], answers: dict[str, Any]
) -> None:
    """A killed run ended its connection; of a container that has its own no input differs, and a preview asks no host."""
    answers["docker-1"] = BridgesOfHost(missing=frozenset(), detached=frozenset({"app"}))
    made = run(bridged)
    assert made.named("fabric-docker-1-app-endpoints").inputs["detached"] is True
    assert made.named("fabric-docker-1-nginx-endpoints").inputs["detached"] is False
    assert made.named("fabric-docker-2-nginx-endpoints").inputs["detached"] is False
    answers.clear()
    assert run(bridged, preview=True).named("fabric-docker-1-app-endpoints").inputs["detached"] is False


def test_a_refused_network_ends_the_run_before_anything_is_declared(
    run: RunProgram, bridged: dict[str, Any], answers: dict[str, Any]
) -> None:
    """On every host: what can be done elsewhere waits for the config."""
    answers["docker-1"] = BridgesRefusedError.on("docker-1", "IPF804", problem="of others", effect="none", fix="rename")
    with pytest.raises(pulumi.RunError, match="IPF804"):
        run(bridged)


def test_a_host_whose_external_network_is_gone_is_left_out(
    run: RunProgram, bridged: dict[str, Any], answers: dict[str, Any]
) -> None:
    """The config is no mistake: the other hosts come first, and the run ends with the reason."""
    answers["docker-1"] = HostError.on("docker-1", "IPF803", problem="gone", effect="none", fix="create it")
    with pytest.raises(pulumi.RunError, match="IPF803"):
        run(bridged)
    answers["docker-1"] = HostUnreachableError.on("docker-1", "IPF711", problem="no answer", effect="none", fix="-")
    assert run(bridged).named("fabric-docker-1-bridge-backend").inputs["missing"] is False


@pytest.mark.parametrize("subnet", ["172.30.5.0/24", "172.30.6.0/24"])
def test_hosts_with_a_rebuild_follow_each_other(run: RunProgram, bridged: dict[str, Any], subnet: str) -> None:
    """A bridge is away for seconds while it is created again: of a service on two hosts one goes on. Otherwise nobody waits."""
    options = {"com.docker.network.driver.mtu": "1400"}
    recorded = tuple(
        resource(
            BRIDGE_NETWORK_TYPE,
            f"fabric-{host}-bridge-backend",
            host=host, network="backend", network_id="c1", internal=False, subnet=subnet, options=options, external=False,
        )
        for host in ("docker-1", "docker-2")
    )  # fmt: skip
    state = StackState(stack="dev", exists=True, resources=recorded)
    made = run(bridged, recorded=lambda _stack: state)
    before = waits_for(made, "fabric-docker-2-bridge-backend")
    assert not {name for name in waits_for(made, "fabric-docker-1-bridge-backend") if "docker-2" in name}
    there = {"fabric-docker-1-bridge-backend", "fabric-docker-1-nginx-endpoints", "fabric-docker-1-nginx-settled"}
    assert there & before == (set() if subnet == "172.30.5.0/24" else there)


def test_a_first_creation_waits_for_no_other_host(run: RunProgram, bridged: dict[str, Any]) -> None:
    """There is nothing to interrupt."""
    before = waits_for(run(bridged), "fabric-docker-2-bridge-backend")
    assert not {name for name in before if "docker-1" in name}
