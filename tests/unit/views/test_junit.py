"""JUnit's XML of `ipvlan status`, read by `junitparser`, which knows nothing of us."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.status import HostStatus, Status
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.model import Plan
from ipvlan.views.junit import HOST_CASE, junit_xml, xml_text
from tests.support.fake_hosts import answer
from tests.support.host_changes import foreign, without
from tests.support.live_parts import STACK, live_host, owned_by_plan, reference_plan, silent_docker
from tests.support.projects import ipvlan, write_project


def status_of(plan: Plan, live: dict[str, HostSnapshot | HostError]) -> Status:
    """Return the result where these hosts answer so, and all others as planned."""
    comparison = Comparison(plan, owned_by_plan(plan), STACK)
    return Status(
        hosts=tuple(
            HostStatus(plan=host, snapshot=snapshot, differences=tuple(comparison.of_host(host, snapshot)))
            for host in plan.hosts
            for snapshot in [live.get(host.name, live_host(host))]
        ),
        seconds=1.25,
        state_read=True,
    )


def read(text: str) -> dict[str, TestSuite]:
    """Return the suites by their names."""
    root = JUnitXml.fromstring(text.encode())
    suites = {suite.name: suite for suite in root}
    totals = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites.values()]
    assert (root.tests, root.failures, root.errors, root.skipped) == tuple(map(sum, zip(*totals, strict=True)))
    for suite in suites.values():
        found = [type(result) for case in suite for result in case.result]
        assert suite.tests == len(list(suite))
        assert (suite.failures, suite.errors, suite.skipped) == tuple(map(found.count, (Failure, Error, Skipped)))
    return suites


def cases(suite: TestSuite) -> dict[str, TestCase]:
    """Return the cases of a suite by their names."""
    return {case.name: case for case in suite}


def test_every_check_has_a_case() -> None:
    """Hosts as planned: a suite per host, a case for it, its network and each planned container, and all pass."""
    plan = reference_plan()
    suites = read(junit_xml(status_of(plan, {}), plan, STACK))
    assert list(suites) == ["docker-1", "docker-2"]
    for host in plan.hosts:
        expected = [HOST_CASE, "network ipvlanl2", *(f"container {planned.name}" for planned in host.containers)]
        assert list(cases(suites[host.name])) == expected
        assert all(case.is_passed for case in suites[host.name])
        assert {case.classname for case in suites[host.name]} == {f"dev.{host.name}"}


def test_a_difference_is_a_failure_with_its_fix() -> None:
    """A missing container fails its own case; what is for information fails none and is in its case's output."""
    plan = reference_plan()
    changed = foreign("10.1.1.77")(without("nginx")(live_host(plan.hosts[0])))
    suites = read(junit_xml(status_of(plan, {"docker-1": changed}), plan, STACK))
    found = cases(suites["docker-1"])
    (failure,) = found["container nginx"].result
    assert isinstance(failure, Failure)
    assert failure.type == "container-missing"
    assert failure.message.startswith("container-missing: nginx on docker-1")
    assert failure.text.endswith("\n    ipvlan --stack dev heal --host docker-1 --service nginx")
    assert found[HOST_CASE].is_passed
    assert "foreign-container" in found[HOST_CASE].system_out
    assert suites["docker-2"].failures == 0


def test_a_silent_host_is_an_error() -> None:
    """The host's case is an error and not a failure, and what could not be checked did not pass."""
    plan = reference_plan()
    suites = read(junit_xml(status_of(plan, {"docker-2": silent_docker()}), plan, STACK))
    found = cases(suites["docker-2"])
    (error,) = found.pop(HOST_CASE).result
    assert isinstance(error, Error)
    assert "docker-silent" in error.message
    assert all(isinstance(case.result[0], Skipped) for case in found.values())


@pytest.mark.parametrize("code", [0, 8, 27, 0xD800, 0xFFFE, 0xFFFF], ids=hex)
def test_what_xml_forbids_is_replaced(code: int) -> None:
    """Such a character makes the whole document unreadable, even as a reference; every reader then says so, or nothing."""
    assert xml_text(f"a{chr(code)}b") == "a\N{REPLACEMENT CHARACTER}b"


def test_text_from_hosts_stays_text() -> None:
    """Markup, control characters and the end of a CDATA section come back as they were, or replaced."""
    plan = reference_plan()
    hostile = "]]></failure><x y=\"'&amp;\x1b[2J\x00\ud800 \N{SNOWMAN}\U0001f600"
    made = status_of(plan, {})
    difference = Difference(
        kind=DriftKind.CONTAINER_RESTARTING,
        host="docker-1",
        service="nginx",
        problem=hostile,
        fix=hostile,
        output=(hostile, hostile),
        severity="error",
    )
    made = replace(made, hosts=(replace(made.hosts[0], differences=(difference,)), *made.hosts[1:]))
    (failure,) = cases(read(junit_xml(made, plan, hostile))["docker-1"])["container nginx"].result
    kept = "]]></failure><x y=\"'&amp;\N{REPLACEMENT CHARACTER}[2J" + 2 * "\N{REPLACEMENT CHARACTER}"
    assert failure.message == f"container-restarting: {kept} \N{SNOWMAN}\U0001f600"
    assert failure.text.count(kept) == 2
    assert "lines that it printed: 2;" in failure.text


def test_no_line_of_a_containers_log_is_in_it() -> None:
    """The document is an artifact, and its text becomes an issue: a log may have what only few may read."""
    plan = reference_plan()
    error = Difference(
        kind=DriftKind.CONTAINER_RESTARTING,
        host="docker-1",
        service="nginx",
        problem="p",
        fix="f",
        severity="error",
        output=("token=hunter2",),
    )
    found = (error, replace(error, severity="info"))
    made = status_of(plan, {})
    made = replace(made, hosts=(replace(made.hosts[0], differences=found), *made.hosts[1:]))
    shown = junit_xml(made, plan, STACK)
    assert "hunter2" not in shown
    assert shown.count("lines that it printed: 1;") == 2


def test_the_command_prints_it_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--format` chooses what is printed, with the exit status of the tables; `--json` stays and takes no other format."""
    write_project(tmp_path)
    answer(monkeypatch, {"docker-1": without("nginx")}, unreachable=["docker-2"])
    done = ipvlan(tmp_path, "status", "--format", "junit", "--service", "nginx")
    suites = read(done.stdout)
    assert done.returncode == 1
    assert done.stderr == ""
    assert list(cases(suites["docker-1"])) == [HOST_CASE, "network ipvlanl2", "container nginx"]
    assert (suites["docker-1"].failures, suites["docker-2"].errors) == (1, 1)
    assert ipvlan(tmp_path, "status", "--format", "json").stdout.startswith('{\n  "stack": "dev"')
    assert ipvlan(tmp_path, "status", "--json", "--format", "json").stdout.startswith('{\n  "stack": "dev"')
    both = ipvlan(tmp_path, "status", "--json", "--format", "junit")
    assert (both.returncode, both.stdout) == (2, "")
    answer(monkeypatch)
    assert ipvlan(tmp_path, "status", "--format", "junit").returncode == 0
