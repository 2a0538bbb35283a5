"""Restart loops, restored containers, and what a change leaves: how `status` names them, and that nothing touches them wrongly."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.checks.heal import Known, RepairPlan, plan_repair
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.hosts.trouble import Trouble
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership, by_labels
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.resource_names import (
    FAILED_SUFFIX,
    OWNER_LABEL,
    PREVIOUS_LABEL,
    PREVIOUS_SUFFIX,
    REHEARSAL_SUFFIX,
    Urns,
)
from tests.support.host_changes import (
    HostChange,
    change_container,
    disconnect,
    foreign,
    holding,
    network,
    restored,
    without,
)
from tests.support.live_parts import STACK, live_host, owned_by_plan, reference_plan, subnet, with_container
from tests.support.states import OWNER

PLACE = {OWNER_LABEL: f"{OWNER}/docker-1/nginx"}
LOOP = Trouble(looping=True, restarts=5, exit_code=1, output=("no such file", "bye"))


def chain(*changes: HostChange) -> HostChange:
    """Return the changes one after the other."""

    def change(host: HostSnapshot) -> HostSnapshot:
        for one in changes:
            host = one(host)
        return host

    return change


def beside(suffix: str, **fields: object) -> HostChange:
    """Put a container beside nginx that a change of nginx made: stopped, at its address at the next start."""

    def change(host: HostSnapshot) -> HostSnapshot:
        nginx = live_host(reference_plan().host("docker-1")).containers["nginx"]
        labels = {**nginx.labels, **PLACE, **({PREVIOUS_LABEL: "{}"} if suffix == PREVIOUS_SUFFIX else {})}
        fabric = replace(nginx.endpoints["ipvlanl2"], address=None)
        stopped: dict[str, object] = {
            "id": f"id{suffix}",
            "name": f"nginx{suffix}",
            "labels": labels,
            "state": "exited",
            "status": "Exited (0) 1 minute ago",
            "endpoints": {"ipvlanl2": fabric},
            "bindings": frozenset(),
        }
        return with_container(host, replace(nginx, **{**stopped, **fields}))  # type: ignore[arg-type]

    return change


SPARE = beside(PREVIOUS_SUFFIX)


def restore(host: HostSnapshot) -> HostSnapshot:
    """Let the previous container run in the place of nginx, which failed and is the one that the state has."""
    return chain(beside(FAILED_SUFFIX, id=host.containers["nginx"].id), restored)(host)


def trouble(shown: Trouble) -> HostChange:
    """Let nginx show it."""
    return lambda host: replace(host, troubles={"nginx": shown})


def compare(*changes: HostChange, ownership: Ownership | None = None) -> tuple[Difference, ...]:
    """Return the differences of docker-1 after the changes."""
    plan = reference_plan()
    host = plan.host("docker-1")
    live = chain(*changes)(live_host(host))
    return Comparison(plan, ownership or owned_by_plan(plan), STACK).of_host(host, live)


def kinds(differences: tuple[Difference, ...]) -> list[tuple[str, str, str | None]]:
    """Return what is named, how severe it is, and of which service."""
    return [(one.kind, one.severity, one.service) for one in differences]


def repairs(*changes: HostChange) -> RepairPlan:
    """Return what `heal` does on docker-1 after the changes."""
    plan = reference_plan()
    snapshots = {host.name: live_host(host) for host in plan.hosts}
    snapshots["docker-1"] = chain(*changes)(snapshots["docker-1"])
    known = Known(plan=plan, snapshots=snapshots, ownership=owned_by_plan(plan), urns=Urns(STACK, "ipvlan-fabric"))
    return plan_repair(known, compare(*changes))


@pytest.mark.parametrize(
    ("state", "status"), [("restarting", "Restarting (1) 5 seconds ago"), ("running", "Up Less than a second")]
)
def test_a_restart_loop_is_named_as_such(state: str, status: str) -> None:
    """Whether it waits or runs just now: one difference with its log, no start by `heal`, nothing about its ports."""
    changes = (change_container("nginx", state=state, status=status, bindings=frozenset()), trouble(LOOP))
    [difference] = compare(*changes)
    assert kinds((difference,)) == [("container-restarting", "error", "nginx")]
    assert difference.problem == (
        "nginx on docker-1 ends, and Docker starts it again, again and again: 5 restarts so far, exit code 1"
    )
    assert difference.output == ("no such file", "bye")
    assert "docker logs --tail 50 nginx" in difference.fix
    assert difference.fix.endswith("then correct ipvlan-fabric:services.nginx and run pulumi up --stack dev")
    assert [step.by for step in repairs(*changes).steps] == ["person"]


def test_a_restart_loop_of_which_nothing_more_is_known() -> None:
    """The container went away while it was asked about."""
    [difference] = compare(change_container("nginx", state="restarting", status="Restarting (1) 5 seconds ago"))
    assert difference.kind == "container-restarting"
    assert difference.problem.endswith("again and again")


def test_a_restart_loop_by_a_lost_connection() -> None:
    """What `heal` repairs is named beside it: it may be why."""
    found = compare(
        change_container("nginx", state="restarting", status="Restarting (1) 5 seconds ago"),
        disconnect("nginx", "ipvlanl2"),
    )
    assert [one.kind for one in found] == ["container-restarting", "fabric-disconnected"]


def test_a_failing_health_check_is_shown() -> None:
    """Its exit code, and what it printed."""
    [difference] = compare(
        change_container("nginx", status="Up 3 minutes (unhealthy)"),
        trouble(Trouble(looping=False, exit_code=7, output=("curl: (7) refused",))),
    )
    assert difference.kind == "container-unhealthy"
    assert difference.problem.endswith("its health check fails with exit code 7")
    assert difference.output == ("curl: (7) refused",)


def test_a_restored_container() -> None:
    """One error with both ways on; the failed one is for information; another image or other ports of it are no difference."""
    found = compare(restore)
    assert kinds(found) == [("container-restored", "error", "nginx"), ("failed-left", "info", "nginx")]
    previous, failed = found
    assert previous.id == "r" * 64
    assert previous.problem == (
        "nginx on docker-1 is the previous container: its replacement could not be created, or did not come up"
    )
    assert "docker logs --tail 50 nginx.ipvlan-failed" in previous.fix
    assert "correct ipvlan-fabric:services.nginx and run pulumi up --stack dev" in previous.fix
    assert previous.fix.endswith("pulumi up --refresh --stack dev")
    assert "docker logs --tail 50 nginx.ipvlan-failed" in failed.fix


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (change_container("nginx", state="exited", status="Exited (1) 1 minute ago"), "does not run: Exited (1)"),
        (disconnect("nginx", "ipvlanl2"), "is not connected to ipvlanl2"),
        (disconnect("nginx", "bridge"), "is not connected to the bridge"),
        (holding("nginx", "10.1.1.9"), "holds 10.1.1.9, planned is 10.1.1.2"),
    ],
)
def test_a_restored_container_that_does_not_do_the_work(change: HostChange, says: str) -> None:
    """It is in the same sentence: `heal` changes nothing about it."""
    found = compare(restore, change)
    assert [one.kind for one in found] == ["container-restored", "failed-left"]
    assert found[0].problem.partition("did not come up; it ")[2].startswith(says)
    assert [step.by for step in repairs(restore, change).steps] == ["person"]


def test_a_restored_container_in_a_restart_loop() -> None:
    """Both are named."""
    found = compare(restore, change_container("nginx", state="restarting"), trouble(LOOP))
    assert [one.kind for one in found] == ["container-restored", "container-restarting", "failed-left"]


def test_a_restored_container_without_the_state() -> None:
    """The labels say it too."""
    unread = change_container("nginx", labels={"ipvlan-fabric.stack": STACK, PREVIOUS_LABEL: "{}"})
    found = compare(restore, unread, ownership=by_labels(STACK))
    assert [one.kind for one in found] == ["container-restored", "failed-left"]


def test_a_restored_container_of_a_service_that_is_not_planned_any_more() -> None:
    """The next `up` removes it, with the service."""
    found = compare(restore, lambda host: with_container(host, replace(host.containers["nginx"], name="old")))
    assert "container-not-planned" in [one.kind for one in found]


@pytest.mark.parametrize(
    ("suffix", "kind", "fix"),
    [
        (PREVIOUS_SUFFIX, "spare-left", "docker rm id.ipvlan-pr"),
        (FAILED_SUFFIX, "failed-left", "docker logs --tail 50 nginx.ipvlan-failed"),
        (REHEARSAL_SUFFIX, "rehearsal-left", "docker rm id.ipvlan-re"),
    ],
)
def test_what_a_change_leaves_beside_a_container_that_runs(suffix: str, kind: str, fix: str) -> None:
    """It is for information, and not foreign, orphaned or not planned; `heal` leaves it."""
    found = compare(beside(suffix))
    assert kinds(found) == [(kind, "info", "nginx")]
    assert fix in found[0].fix
    assert found[0].container == f"nginx{suffix}"
    assert repairs(beside(suffix)).steps == ()


@pytest.mark.parametrize(
    "gone",
    [without("nginx"), restore, change_container("nginx", state="exited", status="Exited (1) 1 minute ago")],
)
def test_a_spare_that_may_be_the_only_one_that_works(gone: HostChange) -> None:
    """Nobody is told to remove it by hand while the container itself does not run."""
    found = compare(gone, change_container("nginx", state="exited") if gone is restore else (lambda host: host), SPARE)
    spare = next(one for one in found if one.kind == "spare-left")
    assert spare.fix == "pulumi up --stack dev"


def test_a_spare_that_runs_is_an_error() -> None:
    """Two containers would have one address."""
    [difference] = compare(beside(PREVIOUS_SUFFIX, state="running", status="Up 1 minute"))
    assert (difference.kind, difference.severity, difference.fix) == ("spare-left", "error", "pulumi up --stack dev")
    assert difference.problem.endswith("; it is running")


def test_a_container_that_is_missing_beside_its_spare() -> None:
    """Pulumi creates it again: what is kept stopped does not hold its address."""
    assert [(step.by, step.difference.kind) for step in repairs(without("nginx"), SPARE).steps] == [
        ("pulumi", "container-missing")
    ]


def test_a_replacement_that_failed_and_nothing_was_restored() -> None:
    """It was renamed by the change, and not by somebody."""
    recorded = "id-of-nginx-docker-1"
    found = compare(without("nginx"), beside(FAILED_SUFFIX, id=recorded))
    assert kinds(found) == [("container-missing", "error", "nginx"), ("failed-left", "info", "nginx")]
    assert found[0].problem.endswith("is missing: its replacement did not come up, and is kept as nginx.ipvlan-failed")


def test_others_with_such_names() -> None:
    """Without this stack's owner label they are what they were: foreign."""
    [difference] = compare(foreign("10.1.2.1", {PREVIOUS_LABEL: "{}"}))
    assert difference.kind == "foreign-address"
    [difference] = compare(beside(PREVIOUS_SUFFIX, labels={PREVIOUS_LABEL: "{}"}))
    assert difference.kind == "foreign-address"


def test_a_network_with_a_restored_container_is_not_created_again() -> None:
    """Docker does not remove the network of a container that runs and that Pulumi does not know."""
    steps = repairs(restore, network(ip_range=subnet("10.1.9.0/24"))).steps
    by = {str(step.difference.kind): (step.by, step.description) for step in steps}
    assert by["network-different"][0] == "person"
    assert "nginx on docker-1 runs in place of a replacement" in by["network-different"][1]
    assert not any(step.by == "pulumi" for step in steps)


def diagnose(plan: Plan, target: str, observed: str, change: Callable[[HostSnapshot], HostSnapshot]) -> str:
    """Return why the cell from docker-2's centos, or from the client, to a container of docker-1 is wrong."""
    hosts = {host.name: live_host(host) for host in plan.hosts}
    hosts["docker-1"] = change(hosts["docker-1"])
    source = "client" if target == "port" else "docker-2/centos"
    cell = next(cell for cell in make_matrix(plan).cells if (cell.source, cell.target) == (source, "docker-1/nginx"))
    return Diagnosis(plan, hosts).reason(cell, Observed(reached=False, outcome=observed), must_work=True)


def test_verify_takes_a_restored_container_for_the_service() -> None:
    """It has the service's address: nothing is wrong with it for that, and no advice names `heal`."""
    plan = reference_plan()
    assert diagnose(plan, "container", "no answer", restore).startswith("both ends are as planned")
    off_bridge = chain(restore, disconnect("nginx", "bridge"))
    assert diagnose(plan, "port", "refused", off_bridge).endswith("not connected to the bridge (`ipvlan status`)")


def test_verify_names_a_restart_loop() -> None:
    """Also in the moment in which the container runs."""
    reason = diagnose(reference_plan(), "container", "no answer", trouble(LOOP))
    assert reason.startswith("container restarts: nginx on docker-1 ends")
