"""Bridge networks in the program: what is registered, in which order, and what ends a run before anything is declared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.states import OWNER
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]


@pytest.fixture
def bridged(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config with a bridge on which nginx and a service without the fabric are."""
    config["bridges"] = {"backend": {"subnet": "172.30.5.0/24", "options": {"com.docker.network.driver.mtu": "1400"}}}
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
