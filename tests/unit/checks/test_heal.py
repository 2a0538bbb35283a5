"""What is done about which difference: on the host, by Pulumi for exactly those resources, or by a person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.checks.drift import Comparison, Difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.heal import RepairPlan, plan_repair, pulumi_command, run_pulumi
from ipvlan.hosts.docker_environment import REDIRECTING
from ipvlan.hosts.snapshot import HostSnapshot, Parent
from ipvlan.plan.model import Plan
from tests.support.host_changes import (
    change_container,
    disconnect,
    foreign,
    holding,
    second_network,
    without,
)
from tests.support.live_parts import STACK, live_host, owned_by_plan, reference_plan

Change = Callable[[HostSnapshot], HostSnapshot]


def heal(plan: Plan, *changes: Change) -> RepairPlan:
    """Return what is done about docker-1 after changes by hand."""
    host = plan.host("docker-1")
    snapshot = live_host(host)
    for change in changes:
        snapshot = change(snapshot)
    return plan_repair(plan, Comparison(plan, owned_by_plan(plan), STACK).of_host(host, snapshot))


def done(repair: RepairPlan) -> list[tuple[str, str]]:
    """Return how and what, in order."""
    return [(step.by, step.difference.kind) for step in repair.steps]


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
        (second_network, "network-on-parent"),
    ],
)
def test_connections_and_stopped_containers_are_fixed_on_the_host(change: Change, name: str) -> None:
    """What needs no new container is fixed on the host, and Pulumi is not run."""
    repair = heal(reference_plan(), change)
    assert done(repair) == [("host", name)]
    assert repair.targets == ()


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (without("nginx"), "container-missing"),
        (change_container("nginx", id="other", labels={}), "container-recreated"),
        (change_container("nginx", image="other@sha256:1"), "image-different"),
        (change_container("nginx", labels={"ipvlan-fabric.stack": "dev"}), "ports-different"),
    ],
)
def test_pulumi_creates_containers_again(change: Change, name: str) -> None:
    """Pulumi creates the container and its bridge connection again, and no other container is a target."""
    repair = heal(reference_plan(), change)
    assert done(repair) == [("pulumi", name)]
    assert repair.targets == (
        "**::fabric-addresses",
        "**::fabric-docker-1-image-**",
        "**::fabric-docker-1-network",
        "**::fabric-docker-1-nginx",
        "**::fabric-docker-1-nginx-published",
        "**::fabric-docker-1-nginx-published-bridge",
    )


def test_a_new_network_takes_its_containers_along() -> None:
    """A missing network is one step: its containers are recreated with it, and not repaired one by one."""
    repair = heal(
        reference_plan(),
        lambda snapshot: replace(snapshot, networks=()),
        disconnect("nginx", "ipvlanl2"),
        disconnect("centos", "ipvlanl2"),
    )
    assert done(repair) == [("pulumi", "network-missing")]
    assert repair.targets == ("**::fabric-addresses", "**::fabric-docker-1-**")


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
        (
            lambda snapshot: replace(snapshot, parent=Parent(name="ens33", present=True, up=False, mtu=1500)),
            "parent-down",
        ),
    ],
)
def test_what_belongs_to_others_is_left_to_a_person(change: Change, name: str) -> None:
    """Foreign containers and the host's own NIC are never touched: a person gets the command."""
    repair = heal(reference_plan(), change)
    assert done(repair) == [("person", name)]
    assert repair.steps[0].description
    assert repair.targets == ()


def test_an_informational_difference_is_nothing_to_repair() -> None:
    """A guest where Docker may hand out addresses is left alone."""
    assert heal(reference_plan(), foreign("10.1.1.77")).steps == ()


def test_pulumi_is_run_for_exactly_the_targets() -> None:
    """Every target is named, and the hosts are asked first."""
    command = pulumi_command("dev", ("**::a", "**::b"))
    assert command[:5] == ("pulumi", "up", "--stack", "dev", "--yes")
    assert "--refresh" in command
    assert command[-4:] == ("--target", "**::a", "--target", "**::b")


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
    (step,) = plan_repair(reference_plan(), [difference]).steps
    assert "docker-1" in step.description
    assert "{" not in step.description


def test_repairs_on_one_host_have_an_order() -> None:
    """No two kinds that are repaired on a host have the same position."""
    orders = [kind.repair.order for kind in DriftKind if kind.repair.by == "host"]
    assert sorted(orders) == list(range(1, len(orders) + 1))


def test_our_pulumi_is_sent_nowhere_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The `pulumi up` of a repair has none of the variables that send Docker to another machine, and all the others."""
    (tmp_path / "pulumi").write_text("#!/bin/sh\nenv > seen\n")
    (tmp_path / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("KEPT", "yes")
    for name in REDIRECTING:
        monkeypatch.setenv(name, "elsewhere")
    assert run_pulumi(["pulumi", "up"], tmp_path, to_stderr=True) == 0
    seen = {line.partition("=")[0] for line in (tmp_path / "seen").read_text(encoding="utf-8").splitlines()}
    assert "KEPT" in seen
    assert not seen & set(REDIRECTING)
