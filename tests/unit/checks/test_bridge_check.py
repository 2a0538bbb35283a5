"""The look at all bridge networks before an `up` changes anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ipvlan.checks import bridge_check
from ipvlan.checks.bridge_check import BridgeCheck, BridgesOfHost, BridgesRefusedError
from ipvlan.checks.stack_state import StackState, StateResource
from ipvlan.hosts.errors import HostError
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import HostPlan
from ipvlan.plan.resource_names import (
    BRIDGE_ENDPOINTS_TYPE,
    BRIDGE_NETWORK_TYPE,
    CONTAINER_TYPE,
    FABRIC_TYPE,
    HOST_SLICE_TYPE,
    IDENTITY_TYPE,
    OWNER_LABEL,
)
from ipvlan.plan.validate import parse
from tests.support.states import OWNER
from tools.reference_setup import changed

OURS = {OWNER_LABEL: f"{OWNER}/docker-1/backend"}


def host(**bridge: Any) -> HostPlan:
    """Return the host docker-1 of the reference setup, whose nginx is on the bridge `backend`."""
    plan = make_plan(
        parse(changed({"bridges": {"backend": {"name": "backend", **bridge}}, "services.nginx.bridges": ["backend"]}))
    )
    return plan.host("docker-1")


def resource(type_: str, name: str, **outputs: Any) -> StateResource:
    """Return one resource of a state."""
    urn = f"urn:pulumi:dev::ipvlan-fabric::{type_}::{name}"
    return StateResource(
        urn=urn,
        type=type_,
        name=name,
        id=name,
        parent="",
        provider="",
        dependencies=(),
        inputs={},
        outputs=outputs,
        delete=False,
        replacing=False,
    )


def state(**network: Any) -> StackState:
    """Return a state with the owner id, and with a network where something of it is given."""
    resources = [resource(IDENTITY_TYPE, "fabric-identity", owner=OWNER)]
    if network:
        outputs = {"host": "docker-1", "network": "backend", "external": False, "options": {}, **network}
        resources.append(resource(BRIDGE_NETWORK_TYPE, "fabric-docker-1-bridge-backend", **outputs))
    return StackState(stack="dev", exists=True, resources=tuple(resources))


def network(labels: dict[str, str] | None = None, **more: Any) -> dict[str, Any]:
    """Return a network as Docker lists it."""
    return {"Id": "c1" * 32, "Name": "backend", "Driver": "bridge", "Labels": labels, "Options": {}, **more}


def user(name: str, label: str) -> dict[str, Any]:
    """Return a container on the network, as Docker lists it."""
    return {
        "Id": name * 8, "Names": [f"/{name}"], "Labels": {OWNER_LABEL: label},
        "NetworkSettings": {"Networks": {"backend": {"NetworkID": "c1" * 32}}},
    }  # fmt: skip


def test_what_does_not_exist_is_named() -> None:
    """It is created; one that exists is not."""
    check = BridgeCheck("dev", state(network_id="c1" * 32))
    assert check.compare(host(), [], []) == {"backend"}
    assert check.compare(host(), [network(OURS)], []) == frozenset()


@pytest.mark.parametrize("external", [False, True])
def test_one_that_exists_again_under_another_id_is_looked_at_again(external: bool) -> None:
    """Its owner, or an interrupted run, created it again: its id goes to the state, and to what is connected to it."""
    check = BridgeCheck("dev", state(network_id="dd" * 32, external=external))
    assert check.compare(host(external=external), [network(OURS)], []) == {"backend"}
    check = BridgeCheck("dev", state(network_id="c1" * 32, external=external))
    assert check.compare(host(external=external), [network(OURS)], []) == frozenset()
    if not external:
        with pytest.raises(BridgesRefusedError, match="IPF804"):
            BridgeCheck("dev", state(network_id="dd" * 32)).compare(host(), [network()], [])


def test_a_network_of_others_and_a_missing_external_one_are_refused() -> None:
    """The config is to be changed, so nothing is done anywhere."""
    check = BridgeCheck("dev", state())
    with pytest.raises(BridgesRefusedError, match="IPF804"):
        check.compare(host(), [network()], [])
    with pytest.raises(BridgesRefusedError, match="IPF803"):
        check.compare(host(external=True), [], [])
    assert check.compare(host(external=True), [network()], []) == frozenset()


def test_an_external_network_that_somebody_removed_leaves_its_host_out() -> None:
    """The state has it: the config is no mistake, and the other hosts come first."""
    check = BridgeCheck("dev", state(external=True, network_id="c1" * 32))
    with pytest.raises(HostError, match="IPF803") as caught:
        check.compare(host(external=True), [], [])
    assert not isinstance(caught.value, BridgesRefusedError)


def test_a_rebuild_below_containers_of_others_is_refused_before_anything() -> None:
    """Below those of this stack it is not."""
    check = BridgeCheck("dev", state(network_id="c1" * 32))
    planned, live = host(subnet="172.30.5.0/24"), network(OURS)
    ours, others = user("web", f"{OWNER}/docker-1/nginx"), user("grafana", "fedcba9876543210/docker-1/grafana")
    assert check.compare(planned, [live], [ours]) == frozenset()
    with pytest.raises(BridgesRefusedError, match=r"(?s)IPF805.*grafana"):
        check.compare(planned, [live], [ours, others])
    assert check.compare(host(), [live], [others]) == frozenset()


def test_a_container_of_an_earlier_version_is_ours_by_its_id() -> None:
    """It has no owner label, and never gets one while it is not replaced."""
    recorded = state(network_id="c1" * 32)
    fabric = resource(FABRIC_TYPE, "fabric")
    slice_ = replace(resource(HOST_SLICE_TYPE, "fabric-docker-1"), parent=fabric.urn)
    web = replace(resource(CONTAINER_TYPE, "fabric-docker-1-web"), id="web" * 8, parent=slice_.urn)
    check = BridgeCheck("dev", replace(recorded, resources=(*recorded.resources, fabric, slice_, web)))
    planned, old = host(subnet="172.30.5.0/24"), {**user("web", ""), "Labels": {"ipvlan-fabric.stack": "dev"}}
    assert check.compare(planned, [network(OURS)], [old]) == frozenset()
    with pytest.raises(BridgesRefusedError, match="IPF805"):
        BridgeCheck("dev", recorded).compare(planned, [network(OURS)], [old])


def test_one_in_the_state_is_ours_whatever_its_label_is() -> None:
    """By Docker's id; and an option that is not planned any more is a difference then."""
    options = {"com.docker.network.driver.mtu": "1400"}
    check = BridgeCheck("dev", state(network_id="c1" * 32, options=options))
    live = network(None, Options=options)
    others = user("grafana", "fedcba9876543210/docker-1/grafana")
    assert check.compare(host(), [live], []) == frozenset()
    with pytest.raises(BridgesRefusedError, match="IPF805"):
        check.compare(host(), [live], [others])


def listed(*networks: str, **more: Any) -> dict[str, Any]:
    """Return the container of the state, as Docker lists it, on these networks."""
    settings = {"Networks": {name: {"NetworkID": ""} for name in networks}}
    return {"Id": "11" * 32, "Names": ["/nginx"], "NetworkSettings": settings, **more}


@pytest.mark.parametrize(
    ("container", "recorded", "detached"),
    [
        (listed("ipvlanl2"), {}, {"nginx"}),
        (listed(), {}, {"nginx"}),
        (listed("ipvlanl2", "backend"), {}, set()),
        (listed("ipvlanl2"), {"endpoints": []}, set()),
        # Of another host, and another container: its endpoints are replaced.
        (listed("ipvlanl2"), {"host": "docker-2"}, set()),
        (listed("ipvlanl2", Id="22" * 32), {}, set()),
        # One that was put aside is no target.
        (listed("ipvlanl2", Names=["/nginx.ipvlan-failed"]), {}, set()),
    ],
)
def test_a_container_without_a_connection_of_the_state_is_named(
    container: dict[str, Any], recorded: dict[str, Any], detached: set[str]
) -> None:
    """A killed run disconnected it, and the edit was taken back: no input says so."""
    endpoints = [{"network": "backend", "network_id": "c1" * 32, "aliases": []}]
    outputs = {"host": "docker-1", "container": "nginx", "container_id": "11" * 32, "endpoints": endpoints, **recorded}
    there = resource(BRIDGE_ENDPOINTS_TYPE, "fabric-docker-1-nginx-endpoints", **outputs)
    known = state(network_id="c1" * 32)
    check = BridgeCheck("dev", replace(known, resources=(*known.resources, there)))
    assert check.detached("docker-1", [container]) == detached
    left = replace(known, resources=(*known.resources, replace(there, delete=True)))
    assert BridgeCheck("dev", left).detached("docker-1", [container]) == frozenset()
    assert BridgeCheck("dev", None).detached("docker-1", [container]) == frozenset()


def test_without_the_state_whose_it_is_is_not_known() -> None:
    """The resource looks again, with the owner id of the run."""
    assert BridgeCheck("dev", None).compare(host(), [network()], []) == frozenset()


def test_all_hosts_are_looked_at_and_every_refusal_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not answer is left out."""
    refusal = BridgesRefusedError.on("docker-1", "IPF804", problem="of others", effect="-", fix="-")
    silent = HostError.on("docker-2", "IPF712", problem="silent", effect="-", fix="-")
    found = BridgesOfHost(missing=frozenset({"backend"}), detached=frozenset({"nginx"}))
    answers: dict[str, Any] = {"docker-1": found, "docker-2": silent}
    monkeypatch.setattr(bridge_check, "on_all", lambda *_, **__: answers)
    looked = BridgeCheck("dev", state()).look([])
    assert looked.missing == {"docker-1": frozenset({"backend"})}
    assert looked.detached == {"docker-1": frozenset({"nginx"})}
    assert looked.unavailable == {"docker-2": silent}
    answers["docker-1"] = refusal
    with pytest.raises(BridgesRefusedError, match="IPF804"):
        BridgeCheck("dev", state()).look([])


@pytest.mark.parametrize(
    ("recorded", "planned", "expected"),
    [
        ({}, {}, set()),
        ({"subnet": "172.30.5.0/24"}, {}, {"docker-1"}),
        ({}, {"internal": True}, {"docker-1"}),
        ({}, {"options": {"com.docker.network.driver.mtu": "1400"}}, {"docker-1"}),
        ({"options": {"com.docker.network.driver.mtu": "1400"}}, {}, {"docker-1"}),
        ({"labels": {"a": "b"}}, {}, set()),
        ({"external": True}, {"external": True}, set()),
        ({"host": "docker-2"}, {"internal": True}, set()),
    ],
)
def test_a_host_with_a_rebuild_is_known_by_the_state(
    recorded: dict[str, Any], planned: dict[str, Any], expected: set[str]
) -> None:
    """What the resource would create again; a first creation, labels, and a network of others are none."""
    given = {"network_id": "c1" * 32, "internal": False, "subnet": "", "options": {}, "labels": {}, **recorded}
    assert BridgeCheck("dev", state(**given)).rebuilt([host(**planned)]) == expected
    for nothing in (BridgeCheck("dev", state()), BridgeCheck("dev", None)):
        assert nothing.rebuilt([host(**planned)]) == set()


@pytest.mark.parametrize(
    ("planned", "recorded", "said"),
    [
        ({"external": True, "name": None}, {}, True),
        ({"external": True, "name": None}, {"host": "docker-2"}, False),
        ({"external": True, "name": None}, {"external": True}, False),
        ({"external": True, "name": "ipvlanl2-backend"}, {}, False),
        ({"external": False, "name": None}, {}, False),
    ],
)
def test_an_external_one_without_a_name_is_another_network(
    planned: dict[str, Any], recorded: dict[str, Any], said: bool
) -> None:
    """The stack's own one, FABRIC-KEY, would be removed at the end of the run, and a network of others used: it is said before."""
    check = BridgeCheck("dev", state(network="ipvlanl2-backend", network_id="c1" * 32, **recorded))
    warnings = check.abandoned([host(**planned)])
    assert len(warnings) == said
    for warning in warnings:
        assert (warning.code, warning.key) == ("IPF825", "bridges.backend.external")
        assert "ipvlanl2-backend" in warning.problem
        assert "name: ipvlanl2-backend" in warning.fix
    assert BridgeCheck("dev", None).abandoned([host(**planned)]) == []


LINK = {"com.docker.network.bridge.name": "br-app"}


@pytest.mark.parametrize(
    ("planned", "more", "code"),
    [
        ({"subnet": "172.30.5.0/24"}, {"IPAM": {"Config": [{"Subnet": "172.30.5.0/24"}]}}, "IPF821"),
        ({"options": LINK}, {"Options": LINK}, "IPF822"),
    ],
)
def test_another_name_of_a_bridge_with_what_only_one_can_have_is_refused(
    planned: dict[str, Any], more: dict[str, Any], code: str
) -> None:
    """The new network comes before the old one goes: Docker would refuse it at each `up`. The old name is not in the way."""
    old = network({OWNER_LABEL: f"{OWNER}/docker-1/l2-backend"}, Id="c2" * 32, Name="l2-backend", **more)
    check = BridgeCheck("dev", state())
    with pytest.raises(BridgesRefusedError, match=rf"(?s){code}.*name: l2-backend"):
        check.compare(host(**planned), [old], [])
    check = BridgeCheck("dev", state(network="l2-backend", network_id="c2" * 32, options=planned.get("options", {})))
    assert check.compare(host(**{**planned, "name": "l2-backend"}), [old], []) == frozenset()


@pytest.mark.parametrize(
    ("live", "links", "refused"),
    [
        (None, {"br-app", "lo"}, True),
        (None, {"lo"}, False),
        ({}, {"br-app"}, True),
        ({"Options": LINK, "Internal": True}, {"br-app"}, False),
        ({"Options": LINK}, {"br-app"}, False),
    ],
)
def test_an_interface_of_the_host_is_not_taken_over(live: Any, links: set[str], refused: bool) -> None:
    """Docker takes a link that exists for the bridge, whoever made it, and changes its addresses; its own network's is no other."""
    check = BridgeCheck("dev", state(network_id="c1" * 32))
    networks = [] if live is None else [network(OURS, **live)]
    if refused:
        with pytest.raises(BridgesRefusedError, match=r"(?s)IPF822.*br-app"):
            check.compare(host(options=LINK), networks, [], links=links)
    else:
        check.compare(host(options=LINK), networks, [], links=links)


def test_the_interface_that_docker_made_up_is_the_networks_own() -> None:
    """It goes with the network, and may be written as its name."""
    name = {"com.docker.network.bridge.name": "br-c1c1c1c1c1c1"}
    check = BridgeCheck("dev", state(network_id="c1" * 32))
    assert check.compare(host(options=name), [network(OURS)], [], links=set(name.values())) == frozenset()
