"""What `up` would refuse of bridge networks is found before it; what it creates or uses is no finding."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ipvlan.checks import preflight
from ipvlan.checks.host_findings import Finding
from ipvlan.checks.preflight import HostReport, check_hosts
from ipvlan.hosts.docker_facts import DockerFacts
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.snapshot import HostSnapshot
from tests.support.bridge_changes import bridge, bridge_plan, connected, with_network, without_network
from tests.support.fake_hosts import host_report
from tests.support.host_changes import HostChange, foreign
from tests.support.live_parts import live_host, owned_by_plan


def twice(name: str) -> HostChange:
    """Give a host another network of the name of one, as a Docker before 25 allows."""

    def change(host: HostSnapshot) -> HostSnapshot:
        other = next(replace(one, id="other") for one in host.bridges if one.name == name)
        return replace(host, bridges=(*host.bridges, other))

    return change


def findings(
    monkeypatch: pytest.MonkeyPatch, *changes: HostChange, new: bool = False, docker: str = ""
) -> tuple[Finding, ...]:
    """Return what is found on docker-1 after changes by hand.

    `new` is before the first `up`; `docker` is another version of Docker on all hosts.
    """
    plan = bridge_plan()
    reports: dict[str, HostReport | HostError] = {}
    for host in plan.hosts:
        report, live = host_report(host), live_host(host)
        assert isinstance(report.docker, DockerFacts)
        for change in changes if host.name == "docker-1" else ():
            live = change(live)
        facts = replace(report.facts, docker=docker or report.facts.docker)
        reports[host.name] = replace(report, facts=facts, docker=replace(report.docker, snapshot=live))
    monkeypatch.setattr(preflight, "on_hosts", lambda *_args, **_kwargs: reports)
    owned = owned_by_plan(plan)
    return check_hosts(plan, lambda: replace(owned, bridges={}) if new else owned).findings


def test_what_up_creates_or_uses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own that are missing or differ, those that an interrupted `up` made, and those that left the plan."""
    assert findings(monkeypatch) == ()
    assert findings(monkeypatch, without_network("backend"), bridge("data", internal=False)) == ()
    assert findings(monkeypatch, with_network("old", "o1"), new=True) == ()


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ([without_network("mon")], ("which is external: somebody else makes it", "docker network create mon")),
        ([bridge("backend", labels={})], ("is not of stack dev", "set external: true")),
        (
            [bridge("data", internal=False), foreign("10.1.1.200"), connected("guest", "data")],
            ("has a way out of the host", "not of this stack are on it: guest (foreign)", "disconnect them"),
        ),
    ],
)
def test_what_up_refuses(monkeypatch: pytest.MonkeyPatch, changes: list[HostChange], parts: tuple[str, ...]) -> None:
    """An external one that is missing, a name that others have, one that is to be another with containers of others on it."""
    found = findings(monkeypatch, *changes, new="set external: true" in parts)
    [finding] = [one for one in found if one.check == "other networks"]
    assert (finding.host, finding.severity) == ("docker-1", "error")
    assert all(part in f"{finding.problem} {finding.fix}" for part in parts)


@pytest.mark.parametrize(
    ("changes", "docker", "said"),
    [
        ([bridge("mon", ipv6=True)], "28.5.2", "network mon has IPv6, and a Docker older than 29.4.1"),
        ([bridge("mon", ipv6=True)], "29.4.1", ""),
        ([bridge("mon", ipv6=True, internal=True)], "28.5.2", ""),
        ([bridge("data", ipv6=True)], "28.5.2", ""),
        ([twice("mon")], "20.10.24", "the host has 2 networks mon, and which one is meant is not known"),
    ],
)
def test_an_external_network_that_up_does_not_use(
    monkeypatch: pytest.MonkeyPatch, changes: list[HostChange], docker: str, said: str
) -> None:
    """One with IPv6 before Docker 29.4.1, which would have the default route, and a name that stands for two networks."""
    found = findings(monkeypatch, *changes, lambda host: replace(host, docker=docker))
    problems = [one.problem for one in found if one.check == "other networks"]
    assert len(problems) == bool(said)
    assert all(said in problem for problem in problems)


@pytest.mark.parametrize(("docker", "refused"), [("26.1.5", True), ("28.5.2", False)])
def test_a_bridge_that_would_have_the_default_route_by_its_name(
    monkeypatch: pytest.MonkeyPatch, docker: str, refused: bool
) -> None:
    """`backend` and the planned network `ipvlanl2`: before Docker 28 nothing but the names decides."""
    found = findings(monkeypatch, docker=docker)
    assert {(one.host, one.stops_up) for one in found if "sorts before the planned one" in one.problem} == (
        {("docker-1", True), ("docker-2", True)} if refused else set()
    )
