"""Which machine a host is: two names for one, and one that is not the state's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any
from unittest import mock

import pytest

from ipvlan.checks import preflight, verify
from ipvlan.checks.host_identity import other_machines, same_machine
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.errors import HostError
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.ownership import Ownership
from tests.support.fake_hosts import host_facts, host_report
from tests.support.live_parts import live_host, owned_by_plan, reference_plan, silent_docker


def test_two_names_for_one_machine() -> None:
    """One boot id is one machine, also where Docker does not answer for one of the names; both are named."""
    error = same_machine(
        [
            Visit(host="a", boot_id="1", engine_id="E"),
            Visit(host="b", boot_id="2", engine_id="F"),
            Visit(host="c", boot_id="1", failure=silent_docker("c")),
            Visit(host="d", boot_id="1", engine_id="E"),
        ]
    )
    assert error is not None
    assert [problem.key for problem in error.problems] == ['hosts "a" and "c"', 'hosts "a" and "d"']
    assert ["one Docker" in problem.problem for problem in error.problems] == [False, True]


def test_machines_that_are_two() -> None:
    """Clones of one image have one engine id and boot on their own; hosts that do not answer have no boot id."""
    visits = [Visit(host=name, boot_id=name, engine_id="E") for name in "ab"] + [Visit(host=name) for name in "cd"]
    assert same_machine(visits) is None


def test_another_machine_answers() -> None:
    """Only a host with an id in the state and another one now is another machine; both ids and the fix are in the sentence."""
    engines = {"same": "A", "other": "B", "new": "C", "silent": "", "gone": "D"}
    others = other_machines(engines, {"same": "A", "other": "A", "silent": "A", "left": "A"})
    assert list(others) == ["other"]
    (problem,) = others["other"].problems
    assert problem.code == "IPF762"
    assert "engine A, and B answers" in problem.problem
    assert "`ipvlan forget other --keep-config`" in problem.fix


@pytest.fixture
def acted_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let two hosts answer, and return the names of those on which more was done than to read them."""
    plan = reference_plan()
    acted: list[str] = []

    def on_hosts(_plan: Plan, hosts: Sequence[HostPlan], work: Callable[[Any], Any], **_: Any) -> dict[str, Any]:
        replies: dict[str, Any] = {}
        for host in hosts:
            session = mock.Mock()
            session.name = host.name
            try:
                replies[host.name] = work(session)
            except HostError as error:
                replies[host.name] = error
        return replies

    def docker_facts(session: Any, *_: Any, **__: Any) -> Any:
        acted.append(session.name)
        return host_report(plan.host(session.name)).docker

    def root_shell(session: Any, *_: Any) -> Any:
        acted.append(session.name)
        return mock.Mock()

    def ping_cells(host: str, _run: Any, cells: Sequence[Any], *_: Any) -> dict[Any, Observed]:
        acted.append(host)
        return {cell: Observed(reached=cell.expected == "yes", outcome="as planned") for cell in cells}

    for module in (verify, preflight):
        monkeypatch.setattr(module, "on_hosts", on_hosts)
    monkeypatch.setattr(verify, "take_snapshot", lambda session, **_: live_host(plan.host(session.name)))
    monkeypatch.setattr(verify, "root_shell", root_shell)
    monkeypatch.setattr(verify, "ping_cells", ping_cells)
    monkeypatch.setattr(
        verify,
        "connect_cells",
        lambda cells: {cell: Observed(reached=cell.expected == "yes", outcome="HTTP 200") for cell in cells},
    )
    monkeypatch.setattr(
        preflight, "facts_in_session", lambda session, **_: replace(host_facts(), engine=f"engine-of-{session.name}")
    )
    monkeypatch.setattr(preflight, "docker_facts", docker_facts)
    return acted


def recorded(engine: str) -> Ownership:
    """Return what the stack owns, with that id of docker-2's Engine in its state."""
    return replace(owned_by_plan(reference_plan()), engines={"docker-1": "engine-of-docker-1", "docker-2": engine})


def test_verify_does_not_believe_another_machine(acted_on: list[str]) -> None:
    """Nothing is sent from it; its cells have the reason, also where something answered; the other host's go on."""
    result = verify.verify_plan(reference_plan(), lambda: recorded("another"))
    assert set(acted_on) == {"docker-1"}
    assert not result.ok
    assert "engine another, and engine-of-docker-2 answers" in result.unreachable["docker-2"].summary
    for verdict in result.verdicts:
        if "docker-2" in (verdict.cell.source_host, verdict.cell.target_host):
            assert verdict.observed == Observed(reached=None, outcome="another machine")
            assert verdict.expected == "any" or verdict.reason.startswith(
                "host replaced: another machine answers for docker-2 "
            )
        else:
            assert verdict.ok
    assert {verdict.cell.kind for verdict in result.verdicts if verdict.reason} >= {"container", "host-address", "port"}


def test_verify_of_the_recorded_machines(acted_on: list[str]) -> None:
    """The id of the state, and a state without one, hold nothing up."""
    for engine in ("engine-of-docker-2", ""):
        assert verify.verify_plan(reference_plan(), lambda engine=engine: recorded(engine)).ok  # type: ignore[misc]
        assert set(acted_on) == {"docker-1", "docker-2"}
        acted_on.clear()


def test_preflight_asks_another_machine_nothing_more(acted_on: list[str]) -> None:
    """No address is probed from another machine, and its registry is not asked; the host has the one finding."""
    result = preflight.check_hosts(reference_plan(), lambda: recorded("another"))
    assert acted_on == ["docker-1"]
    (finding,) = [finding for finding in result.findings if finding.host == "docker-2"]
    assert "engine another, and engine-of-docker-2 answers" in finding.problem
