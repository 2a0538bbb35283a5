"""The look at all bridge networks before an `up` changes anything."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ipvlan.checks import bridge_check
from ipvlan.checks.bridge_check import BridgeCheck, BridgesRefusedError
from ipvlan.checks.stack_state import StackState, StateResource
from ipvlan.hosts.errors import HostError
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import HostPlan
from ipvlan.plan.resource_names import (
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


def test_without_the_state_whose_it_is_is_not_known() -> None:
    """The resource looks again, with the owner id of the run."""
    assert BridgeCheck("dev", None).compare(host(), [network()], []) == frozenset()


def test_all_hosts_are_looked_at_and_every_refusal_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that does not answer is left out."""
    refusal = BridgesRefusedError.on("docker-1", "IPF804", problem="of others", effect="-", fix="-")
    silent = HostError.on("docker-2", "IPF712", problem="silent", effect="-", fix="-")
    answers: dict[str, Any] = {"docker-1": frozenset({"backend"}), "docker-2": silent}
    monkeypatch.setattr(bridge_check, "on_all", lambda *_, **__: answers)
    looked = BridgeCheck("dev", state()).look([])
    assert looked.missing == {"docker-1": frozenset({"backend"})}
    assert looked.unavailable == {"docker-2": silent}
    answers["docker-1"] = refusal
    with pytest.raises(BridgesRefusedError, match="IPF804"):
        BridgeCheck("dev", state()).look([])


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
