"""A container that is not on the fabric, where hosts are compared with the plan: no address of it is missing, held or checked."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.checks import preflight
from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.checks.preflight import check_hosts
from ipvlan.hosts import docker_facts
from ipvlan.hosts.docker_facts import DockerFacts
from ipvlan.hosts.snapshot import Endpoint, HostSnapshot
from tests.support.bridge_changes import bridge_plan
from tests.support.fake_hosts import host_report
from tests.support.host_changes import HostChange, change_container, foreign
from tests.support.live_parts import STACK, live_host, owned_by_plan, with_container


def differences(*changes: HostChange) -> list[Difference]:
    """Return what differs on docker-1 after changes by hand."""
    plan = bridge_plan()
    live = live_host(plan.host("docker-1"))
    for change in changes:
        live = change(live)
    return list(Comparison(plan, owned_by_plan(plan), STACK).of_host(plan.host("docker-1"), live))


def without_address(host: HostSnapshot) -> HostSnapshot:
    """Start a container of others on the fabric that has no address."""
    host = foreign("10.1.1.9")(host)
    endpoint = Endpoint(network="ipvlanl2", network_id="network-of-docker-1", address=None, fixed=None)
    return with_container(host, replace(host.containers["guest"], endpoints={"ipvlanl2": endpoint}))


def test_a_container_of_others_without_an_address_holds_nobody_s() -> None:
    """That neither it nor the planned one has an address is no conflict."""
    (found,) = differences(without_address)
    assert (found.kind, found.severity) == ("foreign-container", "info")


def test_one_that_was_recreated_by_hand() -> None:
    """It is known by its bridges, and nothing is said of an address."""
    (found,) = differences(change_container("app", id="other", labels={}))
    assert found.kind == "container-recreated"
    assert found.problem.endswith("was recreated by hand")


def test_no_address_was_left_unchecked() -> None:
    """A list of unchecked addresses does not have it, whatever is in it."""
    plan = bridge_plan()
    owned = replace(owned_by_plan(plan), unchecked={"docker-1": ("None", "10.1.1.2")})
    found = Comparison(plan, owned, STACK).of_host(plan.host("docker-1"), live_host(plan.host("docker-1")))
    assert [(one.kind, one.service) for one in found] == [("address-unchecked", "nginx")]


def test_preflight_finds_no_holder_of_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container on a host whose connection has no address is no finding."""
    plan = bridge_plan()
    reports = {host.name: host_report(host) for host in plan.hosts}
    docker = reports["docker-1"].docker
    assert isinstance(docker, DockerFacts)
    guest = replace(docker, snapshot=without_address(docker.snapshot))
    reports["docker-1"] = replace(reports["docker-1"], docker=guest)
    monkeypatch.setattr(preflight, "on_hosts", lambda *_args, **_kwargs: reports)
    findings = check_hosts(plan, lambda: owned_by_plan(plan)).findings
    assert [one for one in findings if one.check == "addresses"] == []


def test_only_addresses_of_the_fabric_are_probed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ARP probe gets the addresses of the containers on the fabric, and the gateway."""
    plan = bridge_plan()
    probed: list[IPAddress] = []

    def probe(_session: Any, _snapshot: Any, _mode: str, addresses: list[IPAddress], *_: Any, **__: Any) -> Any:
        probed.extend(addresses)
        return {}, ""

    monkeypatch.setattr(docker_facts, "probe", probe)
    empty = replace(live_host(plan.host("docker-1")), containers={})
    session: Any = SimpleNamespace(name="docker-1")
    docker_facts._probe(session, plan, lambda: owned_by_plan(plan), empty, 1.0)
    assert sorted(probed) == [IPAddress("10.1.0.1"), IPAddress("10.1.1.1"), IPAddress("10.1.1.2")]
