"""What a Docker before 28 does with bridges beside the fabric: which plans the check of a host refuses, as a table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from ipvlan.plan.docker_versions import RULES
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tools.reference_setup import changed

MODE = "com.docker.network.bridge.gateway_mode_ipv4"
TRUSTED = "com.docker.network.bridge.trusted_host_interfaces"


def rules(version: tuple[int, int, int], changes: Mapping[str, Any]) -> set[str]:
    """Return the names of the rules that this Docker breaks on docker-1, of the reference setup with these changes."""
    plan = make_plan(parse(changed({"services.nginx.published": False, **changes})))
    host = plan.host("docker-1")
    return {rule.name for rule in RULES if rule.refused and rule.holds(version) and rule.concerns(host)}


def bridge(name: str, *, fabric: bool = True, **settings: Any) -> dict[str, Any]:
    """Return the changes that put nginx on a bridge."""
    service: dict[str, Any] = {"services.nginx.bridges": [name]}
    if not fabric:
        service |= {"services.nginx.fabric": False, "services.nginx.offset": None}
    return {"bridges": {name: {"name": name, **settings}}, **service}


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        # The reference setup's fabric is ipvlanl2.
        (bridge("zz"), set()),
        (bridge("aa"), {"default route by name"}),
        (bridge("aa", internal=True), set()),
        (bridge("aa", external=True), {"default route by name"}),
        ({**bridge("zz"), "services.nginx.published": True}, set()),
        ({**bridge("backend"), "services.nginx.published": True}, {"default route by name"}),
        ({**bridge("zz"), "fabric.mode": "l3", "fabric.gateway": None}, {"bridge in l3"}),
        ({**bridge("zz", internal=True), "fabric.mode": "l3", "fabric.gateway": None}, set()),
        (bridge("zz", options={MODE: "routed"}), {"no gateway modes"}),
        (bridge("zz", options={TRUSTED: "eth1"}), {"no trusted interfaces"}),
    ],
)
def test_what_a_docker_before_28_cannot_hold(changes: dict[str, Any], refused: set[str]) -> None:
    """Of networks that are not internal the first name has the default route; an option that it does not know it ignores."""
    assert rules((26, 1, 5), changes) == refused
    assert rules((28, 5, 2), changes) == set()


def test_gateway_modes_of_28_are_refused_on_27() -> None:
    """Docker 27 has two of them."""
    assert rules((27, 5, 1), bridge("zz", options={MODE: "nat-unprotected"})) == {
        "few gateway modes",
    }
    assert rules((27, 5, 1), bridge("zz", options={MODE: "routed"})) == set()


def test_a_container_without_the_fabric_has_no_conflict_in_l3() -> None:
    """Its bridges have no second default route beside them."""
    config = changed({"fabric.mode": "l3", "fabric.gateway": None, "services.nginx.published": False})
    config["bridges"] = {"backend": {"name": "backend"}}
    config["services"]["app"] = {
        "image": config["services"]["nginx"]["image"],
        "fabric": False,
        "bridges": ["backend"],
        "ports": ["80:80"],
        "published": True,
    }
    host = make_plan(parse(config)).host("docker-1")
    found = {rule.name for rule in RULES if rule.refused and rule.holds((26, 1, 5)) and rule.concerns(host)}
    assert found == {"default route by name"}
