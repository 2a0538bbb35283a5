"""How LAN mode is shown: clients find every port at the container's own address."""

from __future__ import annotations

import io
from typing import Any

from ipvlan.checks.status import HostStatus, Status
from ipvlan.checks.verify import Verdict, Verification
from ipvlan.hosts.connection_probe import Observed
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from ipvlan.views import plan_json
from ipvlan.views import status as status_view
from ipvlan.views.mermaid import topology
from ipvlan.views.plan import print_tables
from ipvlan.views.svg import as_svg
from ipvlan.views.terminal import Terminal
from ipvlan.views.verify import as_markdown
from tests.support.json_documents import validate
from tests.support.live_parts import live_host
from tests.unit.views.test_svg import texts
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import changed


def lan_plan(**services: Any) -> Plan:
    """Return the plan of the reference setup on the LAN of its hosts, with further keys of nginx."""
    return make_plan(parse(changed({**ON_LAN, **{f"services.nginx.{key}": value for key, value in services.items()}})))


def test_the_tables_of_the_plan() -> None:
    """`plan` says that it is a LAN, and shows the URL at the container's own address, and ports without a URL there too."""
    printed = io.StringIO()
    print_tables(lan_plan(ports=["8080:81", "5353:53/udp"]), "lan", Terminal(width=220, file=printed))
    text = printed.getvalue()
    assert "on the LAN of docker-1, docker-2: every port is at the container's own address" in text
    assert "clients find it at" in text
    assert "http://192.168.140.34:81, 192.168.140.34:53/udp" in text
    assert "not published" not in text


def test_the_json_document() -> None:
    """The document has the mode, the URLs, and that nothing is published."""
    document = plan_json.document(lan_plan(), "lan")
    validate(dict(document), "plan")
    assert document["fabric"]["lan"] is True
    assert document["services"]["nginx"]["published"] is False
    assert document["services"]["nginx"]["urls"] == ["http://192.168.140.34", "http://192.168.140.50"]
    assert document["hosts"][0]["containers"][1]["urls"] == ["http://192.168.140.34"]


def test_the_json_document_elsewhere() -> None:
    """Outside a LAN the document is as it was: URLs only of what is published."""
    document = plan_json.document(make_plan(parse(changed({}))), "dev")
    assert document["fabric"]["lan"] is False
    assert document["services"]["nginx"]["published"] is True
    assert document["services"]["centos"]["urls"] == []


def test_the_svg() -> None:
    """Ports are drawn at the container although nothing is published, and the legend says what that means."""
    drawn = texts(as_svg(lan_plan(ports=["8080:81"], egress="gateway"), "lan"))
    assert "192.168.140.0/24 · gateway 192.168.140.1 · the LAN of the hosts" in drawn
    assert drawn.count("81") == 2
    assert "gw" not in drawn
    assert "on the LAN: clients reach it at the container's own address and this port" in drawn
    assert not [text for text in drawn if text.startswith("published")]


def test_the_flowchart() -> None:
    """Clients are drawn on the fabric itself."""
    text = topology(lan_plan())
    assert '  clients(["clients"])' in text.splitlines()
    assert '  clients -- "each container at its own address" --> fabric' in text.splitlines()
    assert "clients" not in topology(make_plan(parse(changed({"services.nginx.published": False}))))


def test_own_ports_are_in_the_table_of_ports() -> None:
    """`verify` shows a container's own port with its address beside those of hosts."""
    plan = lan_plan(ports=["8080:81"])
    verdicts = tuple(
        Verdict(cell=cell, expected="yes", observed=Observed(reached=True, outcome="HTTP 200"), reason="")
        for cell in make_matrix(plan).cells
        if cell.source == "client"
    )
    done = Verification(verdicts=verdicts, possible=2, unreachable={}, seconds=1.0, gateway_answers=True)
    assert "| nginx | docker-1 | 192.168.140.34 | 81/tcp | open | HTTP 200 | ✓ |" in as_markdown(
        done, plan, internet=True
    )


def test_the_ports_of_status() -> None:
    """`status` shows the ports at a container's own address, where no port of a host is bound."""
    plan = lan_plan(ports=["8080:81"])
    host = plan.host("docker-1")
    status = Status(
        hosts=(HostStatus(plan=host, snapshot=live_host(host), differences=()),), seconds=0.1, state_read=True
    )
    printed = io.StringIO()
    status_view.print_tables(status, plan, "lan", Terminal(width=220, file=printed))
    assert "81/tcp (own address)" in printed.getvalue()
