"""What is done about which difference: on the host, by Pulumi for exactly those resources, or by a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.heal import Known, RepairPlan, plan_repair, still_valid
from ipvlan.checks.pulumi_up import pulumi_command
from ipvlan.hosts.snapshot import HostSnapshot, Parent
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.resource_names import Urns
from tests.support.host_changes import (
    change_container,
    disconnect,
    foreign,
    holding,
    second_network,
    without,
)
from tests.support.live_parts import STACK, live_host, owned_by_plan, reference_plan, silent_docker

Change = Callable[[HostSnapshot], HostSnapshot]

URNS = Urns(STACK, "ipvlan-fabric")


def known(plan: Plan, *changes: Change, elsewhere: Change | None = None, ownership: Ownership | None = None) -> Known:
    """Return docker-1 after changes by hand, and docker-2 after the change `elsewhere`."""
    snapshots = {host.name: live_host(host) for host in plan.hosts}
    for change in changes:
        snapshots["docker-1"] = change(snapshots["docker-1"])
    if elsewhere is not None:
        snapshots["docker-2"] = elsewhere(snapshots["docker-2"])
    return Known(plan=plan, snapshots=snapshots, ownership=ownership or owned_by_plan(plan), urns=URNS)


def planned(before: Known) -> RepairPlan:
    """Return what is done about docker-1."""
    host = before.plan.host("docker-1")
    found = Comparison(before.plan, before.ownership, STACK).of_host(host, before.snapshots["docker-1"])
    return plan_repair(before, found)


def heal(plan: Plan, *changes: Change, elsewhere: Change | None = None) -> RepairPlan:
    """Return what is done about docker-1 after changes by hand."""
    return planned(known(plan, *changes, elsewhere=elsewhere))


def done(repair: RepairPlan) -> list[tuple[str, str]]:
    """Return how and what, in order."""
    return [(step.by, step.difference.kind) for step in repair.steps]


def names(targets: tuple[str, ...]) -> list[str]:
    """Return the names of the resources in the URNs."""
    return sorted(urn.rpartition("::")[2] for urn in targets)


def test_nothing_to_fix() -> None:
    """On a host as planned nothing is done."""
    assert heal(reference_plan()) == RepairPlan(steps=(), targets=())


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (disconnect("nginx", "bridge"), "bridge-disconnected"),
        (disconnect("centos", "ipvlanl2"), "fabric-disconnected"),
        (holding("centos", "10.1.1.9"), "address-different"),
        (change_container("centos", state="exited", status="Exited (0)"), "container-stopped"),
        (change_container("nginx", bindings=frozenset()), "ports-unbound"),
    ],
)
def test_connections_and_stopped_containers_are_fixed_on_the_host(change: Change, name: str) -> None:
    """What needs no new container is fixed on the host, and Pulumi is not run."""
    repair = heal(reference_plan(), change)
    assert done(repair) == [("host", name)]
    assert repair.targets == ()
    (step,) = repair.steps
    assert step.seen is not None
    assert step.seen.id == f"id-of-{step.difference.container}-docker-1"


def test_a_state_without_a_complete_up() -> None:
    """Pulumi would refuse `--target`: a person gets its step, and those that would come with it stay left out.

    The text fits both: a state of an earlier version, and one in which a new container did not come up.
    """
    plan = reference_plan()
    before = known(plan, lambda live: replace(live, networks=()), disconnect("centos", "ipvlanl2"))
    for old, by in ((False, "pulumi"), (True, "person")):
        repair = planned(replace(before, before_plugin=old))
        assert done(repair) == [(by, "network-missing")]
        assert bool(repair.targets) is not old
        if old:
            assert repair.steps[0].description == (
                f"run `pulumi up --refresh --stack {STACK}` once, which repairs this too: the state is that of an earlier "
                "version or of an `up` that did not complete, and until one does Pulumi cannot create single resources again"
            )


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (without("nginx"), "container-missing"),
        (change_container("nginx", image="other@sha256:1"), "image-different"),
        (change_container("nginx", labels={"ipvlan-fabric.stack": "dev"}), "ports-different"),
    ],
)
def test_pulumi_creates_containers_again(change: Change, name: str) -> None:
    """Pulumi creates the container and its bridge connection again, and no other container is a target."""
    repair = heal(reference_plan(), change)
    assert done(repair) == [("pulumi", name)]
    assert names(repair.targets) == [
        "fabric-addresses",
        "fabric-docker-1-image-nginx-000000000000",
        "fabric-docker-1-network",
        "fabric-docker-1-network-removal",
        "fabric-docker-1-nginx",
        "fabric-docker-1-nginx-handover",
        "fabric-docker-1-nginx-published",
        "fabric-docker-1-nginx-published-bridge",
        "fabric-docker-1-nginx-settled",
        "fabric-identity",
    ]


def test_a_new_network_takes_its_containers_along() -> None:
    """A missing network is one step: its containers are recreated with it, and not repaired one by one."""
    repair = heal(
        reference_plan(),
        lambda snapshot: replace(snapshot, networks=()),
        disconnect("nginx", "ipvlanl2"),
        disconnect("centos", "ipvlanl2"),
    )
    assert done(repair) == [("pulumi", "network-missing")]
    own = {URNS.of_identity(), URNS.of_address_check()}
    assert set(repair.targets) == own | set(URNS.of_host(reference_plan().host("docker-1")))


def test_pulumi_is_given_no_pattern() -> None:
    """S8: every target is the URN of one resource of that host; a host whose name continues the other's has none of them."""
    repair = heal(reference_plan(), lambda snapshot: replace(snapshot, networks=()))
    command = pulumi_command("dev", repair.targets)
    assert command[:5] == ("pulumi", "up", "--stack", "dev", "--yes")
    assert "--refresh" in command
    assert [command[at + 1] for at, word in enumerate(command) if word == "--target"] == list(repair.targets)
    assert all(urn.startswith("urn:pulumi:dev::ipvlan-fabric::") and "*" not in urn for urn in repair.targets)


def test_a_recreated_container_is_not_repaired_piece_by_piece() -> None:
    """What else differs on a container that is made again is not fixed before."""
    repair = heal(reference_plan(), change_container("nginx", image="other"), disconnect("nginx", "bridge"))
    assert done(repair) == [("pulumi", "image-different")]


def test_the_fabric_comes_before_the_start_and_the_bridge() -> None:
    """A stopped container without its networks gets the fabric, then starts, then gets the bridge."""
    repair = heal(
        reference_plan(),
        change_container("nginx", state="exited", status="Exited (0)"),
        disconnect("nginx", "bridge"),
        disconnect("nginx", "ipvlanl2"),
    )
    assert [name for _, name in done(repair)] == ["fabric-disconnected", "container-stopped", "bridge-disconnected"]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (foreign("10.1.2.1"), "foreign-address"),
        (foreign("10.1.2.77"), "foreign-container"),
        (change_container("nginx", id="other", labels={"ipvlan-fabric.stack": "dev"}), "container-not-ours"),
        (change_container("nginx", id="other", labels={}), "container-recreated"),
        (second_network, "network-on-parent"),
        (
            lambda snapshot: replace(snapshot, parent=Parent(name="ens33", present=True, up=False, mtu=1500)),
            "parent-down",
        ),
    ],
)
def test_what_belongs_to_others_is_left_to_a_person(change: Change, name: str) -> None:
    """S24, S25: containers and networks that are not in the state are never touched: a person gets the command."""
    repair = heal(reference_plan(), change)
    assert done(repair) == [("person", name)]
    assert repair.steps[0].description
    assert (repair.targets, repair.changed_hosts) == ((), ())


def test_what_a_person_may_remove_is_named_by_id_and_owner() -> None:
    """The command for another network on the parent has its id, and the text whose it is."""
    (step,) = heal(reference_plan(), second_network).steps
    assert "docker network rm other" in step.description
    (step,) = heal(reference_plan(), change_container("nginx", id="0123456789abcdef", labels={})).steps
    assert "docker rm -f 0123456789ab" in step.description
    assert "(0123456789ab)" in step.difference.problem


HELD = "its planned address 10.1.1.1 is held by"


@pytest.mark.parametrize(
    ("change", "elsewhere", "holder"),
    [
        (foreign("10.1.1.1"), None, "guest (foreign) on docker-1"),
        (holding("nginx", "10.1.1.1"), None, "nginx (id-of-nginx-) on docker-1"),
        (None, foreign("10.1.1.1"), "guest (foreign) on docker-2"),
    ],
    ids=["a guest on the host", "another container of ours", "a guest on another host"],
)
@pytest.mark.parametrize(
    ("fault", "name"),
    [
        (holding("centos", "10.1.1.9"), "address-different"),
        (disconnect("centos", "ipvlanl2"), "fabric-disconnected"),
        (change_container("centos", state="exited", status="Exited (0)", endpoints={}), "container-stopped"),
        (without("centos"), "container-missing"),
    ],
)
def test_a_container_whose_address_somebody_holds_keeps_working(
    fault: Change, name: str, change: Change | None, elsewhere: Change | None, holder: str
) -> None:
    """S7: its repair is left to a person and says who holds the address, on whatever host; nothing of it is changed."""
    repair = heal(reference_plan(), fault, *([] if change is None else [change]), elsewhere=elsewhere)
    (step,) = (step for step in repair.steps if (step.difference.kind, step.difference.service) == (name, "centos"))
    assert step.by == "person"
    assert step.description.startswith(f"centos stays as it is: {HELD} ")
    assert holder in step.description
    assert not any("centos" in target for target in repair.targets)


def test_a_container_that_is_not_in_the_state_is_not_repaired() -> None:
    """A container of the planned name with the old label alone is nobody's to change."""
    plan = reference_plan()
    ownership = owned_by_plan(plan)
    without_centos = replace(ownership, ids=ownership.ids - {"id-of-centos-docker-1"})
    found = Difference(
        kind=DriftKind.CONTAINER_STOPPED,
        host="docker-1",
        problem="",
        fix="",
        severity="error",
        service="centos",
        container="centos",
    )
    (step,) = plan_repair(known(plan, ownership=without_centos), [found]).steps
    assert (step.by, step.description) == (
        "person",
        "nothing is changed: centos on docker-1 is not in the state of stack dev",
    )


@pytest.mark.parametrize("change", [holding("centos", "10.1.1.9"), disconnect("centos", "ipvlanl2")])
def test_a_network_of_others_is_not_connected_to(change: Change) -> None:
    """Where the fabric's name is the network of somebody else, no container is connected to it, and it is not created again."""
    repair = heal(
        reference_plan(),
        change,
        lambda host: replace(host, networks=(replace(host.networks[0], id="theirs", gateway=None), *host.networks[1:])),
    )
    assert {step.by for step in repair.steps} == {"person"}
    assert "network-different" in {step.difference.kind for step in repair.steps}


def test_an_informational_difference_is_nothing_to_repair() -> None:
    """A guest where Docker may hand out addresses is left alone."""
    assert heal(reference_plan(), foreign("10.1.1.77")).steps == ()


def test_what_is_as_confirmed_is_done() -> None:
    """Between the question and the repair nothing changed but what a status says about time."""
    plan = reference_plan()
    stopped = change_container("centos", state="exited", status="Exited (0) 1 second ago")
    confirmed = heal(plan, stopped, without("nginx"))
    later = known(plan, change_container("centos", state="exited", status="Exited (0) 3 hours ago"), without("nginx"))
    assert still_valid(later, confirmed, planned(later), {}) == (confirmed, {})


@pytest.mark.parametrize(
    ("later", "reason"),
    [
        (change_container("centos", state="running"), "it is not so any more"),
        (change_container("centos", id="new"), "it is not so any more"),
        (change_container("centos", state="paused"), "what is there has changed since it was shown"),
        (change_container("centos", state="exited", endpoints={}), "what is there has changed since it was shown"),
    ],
)
def test_what_is_not_as_confirmed_is_skipped(later: Change, reason: str) -> None:
    """S25: a container that a colleague repaired, made again, or changed in the meantime is not touched."""
    plan = reference_plan()
    confirmed = heal(plan, change_container("centos", state="exited", status="Exited (0)"))
    now = known(plan, later)
    valid, skipped = still_valid(now, confirmed, planned(now), {})
    assert valid.steps == ()
    assert list(skipped.values()) == [reason]


def test_what_pulumi_would_do_is_confirmed_too() -> None:
    """A container that a colleague's `up` has created meanwhile is no target any more."""
    plan = reference_plan()
    confirmed = heal(plan, without("nginx"))
    now = known(plan)
    valid, skipped = still_valid(now, confirmed, planned(now), {})
    assert (valid.steps, valid.targets) == ((), ())
    assert list(skipped) == list(confirmed.steps)


def test_a_host_without_the_lock_is_skipped() -> None:
    """Nothing is done on a host whose lock this run did not get, and the reason is the host's."""
    plan = reference_plan()
    before = known(plan, without("nginx"), disconnect("centos", "ipvlanl2"))
    confirmed = planned(before)
    valid, skipped = still_valid(before, confirmed, confirmed, {"docker-1": silent_docker("docker-1")})
    assert (valid.steps, valid.targets) == ((), ())
    assert set(skipped.values()) == {'host "docker-1": Docker does not answer'}


@pytest.mark.parametrize("kind", [kind for kind in DriftKind if kind.repair.by != "person"])
def test_every_repair_says_what_it_does(kind: DriftKind) -> None:
    """Whatever `heal` or Pulumi repairs has a description, with the names in it."""
    difference = Difference(
        kind=kind,
        host="docker-1",
        problem="",
        fix="",
        severity="error",
        service="nginx",
        container="nginx",
        network="x",
    )
    (step,) = plan_repair(known(reference_plan()), [difference]).steps
    assert step.by == kind.repair.by
    assert "docker-1" in step.description
    assert "{" not in step.description


def test_repairs_on_one_host_have_an_order() -> None:
    """No two kinds that are repaired on a host have the same position."""
    orders = [kind.repair.order for kind in DriftKind if kind.repair.by == "host"]
    assert sorted(orders) == list(range(1, len(orders) + 1))
