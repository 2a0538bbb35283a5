"""Ports in tables, JSON and the report: ranges stay ranges, and what only the host itself reaches says so."""

from __future__ import annotations

from dataclasses import replace

from ipvlan.checks.verify import Verdict, Verification
from ipvlan.config.types.ports import Port, parse_ports, runs, without
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.snapshot import Binding
from ipvlan.plan.changes import Changes
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.report import Report
from ipvlan.plan.validate import parse
from ipvlan.views.ports import bindings, bound_ports
from ipvlan.views.verify import as_markdown
from tests.support.live_parts import live_host, reference_plan
from tools.reference_setup import reference_config


def plan_with(*ports: str) -> Plan:
    """Return the reference setup's plan with other ports of nginx, on docker-1 alone."""
    config = reference_config()
    config["services"]["nginx"].update(ports=list(ports), hosts=["docker-1"])
    return make_plan(parse(config))


def bound(*numbers: int, protocol: str = "udp", address: str = "0.0.0.0") -> frozenset[Binding]:  # noqa: S104
    """Return ports that are bound."""
    return frozenset(
        Binding(host_address=address, host_port=number, container_port=number + 1, protocol=protocol)
        for number in numbers
    )


def test_what_is_bound_is_in_runs() -> None:
    """`status` names runs of ports, by protocol, whatever the addresses; its JSON has 100 or more in a row as one entry."""
    live = live_host(reference_plan().host("docker-1")).containers["nginx"]
    many = bound(*range(16384, 32769)) | bound(*range(16384, 32769), address="::") | bound(80, 82, 83, protocol="tcp")
    assert bound_ports(replace(live, bindings=many)) == ["16384-32768/udp", "80/tcp", "82-83/tcp"]
    assert bindings(many) == [
        "0.0.0.0:16384-32768->16385-32769",
        "0.0.0.0:80->81",
        "0.0.0.0:82->83",
        "0.0.0.0:83->84",
        ":::16384-32768->16385-32769",
    ]


def test_runs() -> None:
    """Numbers become unbroken runs, sorted, each number once."""
    assert list(runs([5, 3, 4, 9, 3])) == [(3, 3), (9, 1)]
    assert list(runs([])) == []


def test_parts_of_a_range() -> None:
    """What of a range is not in others, on both sides and in the middle; another container port or protocol is another port."""

    def left(ports: str, *others: str) -> list[str]:
        return [str(port) for port in without(parse_ports([ports]), parse_ports(list(others)))]

    assert left("8000-8009:8000-8009", "8003-8004:8003-8004") == ["8000-8002:8000-8002", "8005-8009:8005-8009"]
    assert left("8000-8009:8000-8009", "7990-8004:7990-8004") == ["8005-8009:8005-8009"]
    assert left("8000-8009:8000-8009", "8005-8020:8005-8020") == ["8000-8004:8000-8004"]
    assert left("8000-8009:8000-8009", "7000-9000:7000-9000") == []
    assert left("8000-8009:8000-8009", "1-9:1-9", "9000-9001:9000-9001") == ["8000-8009:8000-8009"]
    assert left("80:80", "80:81") == left("80:80", "80:80/udp") == left("80:80", "127.0.0.1:80:80") == ["80:80"]


def test_the_parts_of_a_port() -> None:
    """A range knows its ends, and few ports are written out."""
    (port,) = parse_ports(["8000-8002:80-82/udp"])
    assert list(map(str, port.singles())) == list(map(str, port.few())) == ["8000:80/udp", "8001:81/udp", "8002:82/udp"]
    assert list(map(str, port.ends())) == ["8000:80/udp", "8002:82/udp"]
    assert Port(host_port=1, container_port=1).ends() == (Port(host_port=1, container_port=1),)


def test_a_report_names_what_changes_of_a_range() -> None:
    """A range that grows publishes the new ports alone; a port of the loopback is not called one of the LAN's address."""
    report = Report(
        stack="dev",
        before=plan_with("8000-8009:8000-8009"),
        before_problems=(),
        after=plan_with("8000-8019:8000-8019", "127.0.0.1:5000:5000"),
        changes=Changes(containers=(), hosts=()),
    )
    assert [(change.port, change.action) for change in report.ports] == [
        ("127.0.0.1:5000:5000 (on the host itself)", "publish"),
        ("192.168.140.200 8010-8019:8010-8019", "publish"),
    ]


def test_verify_has_a_table_of_the_loopback() -> None:
    """The ports that the host itself was asked for are no part of the matrix, and not among those tried from this machine."""
    plan = plan_with("127.0.0.1:5000:5000")
    cells = make_matrix(plan).cells
    verdicts = tuple(
        Verdict(cell=cell, expected="any", observed=Observed(reached=None, outcome="x"), reason="") for cell in cells
    )
    text = as_markdown(
        Verification(verdicts=verdicts, possible=len(cells), unreachable={}, seconds=1, gateway_answers=False),
        plan,
        internet=False,
    )
    here, _, there = text.partition("Ports at the host's own loopback, from the host itself")
    assert "| nginx | docker-1 | 192.168.140.200 | 5000/tcp |" in here.partition("Ports, from this machine")[2]
    assert "| nginx | docker-1 | 127.0.0.1 | 5000/tcp |" in there
