"""A container without an address of the fabric, as people and programs are shown it: `none`, an empty place, or null."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from ipvlan.checks.status import HostStatus, Status
from ipvlan.checks.verify import Verdict, Verification
from ipvlan.hosts.connection_probe import Observed
from ipvlan.plan.changes import compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.report import Report
from ipvlan.plan.validate import parse
from ipvlan.views import plan_json, report_json, status_json
from ipvlan.views import status as status_view
from ipvlan.views.mermaid import topology
from ipvlan.views.plan import print_tables
from ipvlan.views.report import as_markdown as report_markdown
from ipvlan.views.svg import as_svg
from ipvlan.views.terminal import Terminal
from ipvlan.views.verify import MOST_ON_BRIDGES, as_markdown
from tests.support.bridge_changes import bridge_plan
from tests.support.host_changes import change_container
from tests.support.json_documents import validate
from tests.support.live_parts import attachment, live_host
from tools.reference_setup import changed, image


def printed(show: Any) -> str:
    """Return what is printed."""
    text = io.StringIO()
    show(Terminal(file=text, width=240))
    return text.getvalue()


def row(text: str, name: str) -> list[str]:
    """Return the cells of the first row of which one is that name."""
    rows = ([cell.strip() for cell in line.strip(" │").split("│")] for line in text.splitlines())
    return next(cells for cells in rows if name in cells)


def test_the_tables_of_the_plan() -> None:
    """The address is `none`, the default route its bridge's or `none`; its ports are at its host or in brackets."""
    plan = bridge_plan(ports=["8080:80"], published=False)
    text = printed(lambda out: print_tables(plan, "dev", out))
    assert "None" not in text
    cells = row(text, "app")
    assert "none" in cells
    assert "backend (the host's NAT)" in cells
    assert "(not published: 8080:80)" in cells
    published = printed(lambda out: print_tables(bridge_plan(ports=["8080:80"], published=True), "dev", out))
    assert "http://192.168.140.200:8080" in row(published, "app")
    assert "bridge (the host's NAT)" in row(published, "app")


def test_without_a_route_there_is_none() -> None:
    """On internal bridges alone it has no default route, in the table and in JSON."""
    service = {**image(), "fabric": False, "bridges": ["data"]}
    plan = make_plan(parse(changed({"bridges.data": {"internal": True}, "services.app": service})))
    assert row(printed(lambda out: print_tables(plan, "dev", out)), "app").count("none") >= 2
    container = plan_json.document(plan, "dev")["hosts"][0]["containers"][0]
    assert (container["service"], container["address"], container["default_route"]) == ("app", None, None)


def test_the_json_documents() -> None:
    """Null, which the schemas allow; and no entry in the addresses of the service."""
    plan = bridge_plan()
    document = plan_json.document(plan, "dev")
    validate(dict(document), "plan")
    assert document["services"]["app"]["addresses"] == {}
    assert [one["address"] for one in document["hosts"][0]["containers"] if one["service"] == "app"] == [None]
    before = make_plan(parse(changed({})))
    report = Report(
        stack="dev", before=before, before_problems=(), after=plan, changes=compare(before, plan, new_secrets=set())
    )
    (created,) = [
        one
        for one in report_json.document(report)["containers"]
        if (one["service"], one["host"]) == ("app", "docker-1")
    ]
    assert (created["action"], created["address_before"], created["address_after"]) == ("create", None, None)
    text = report_markdown(report)
    assert "None" not in text
    assert "| app |" in text.replace("`", "")


def status(plan: Plan, address: str | None = None) -> Status:
    """Return the hosts as planned; with an address, `app` is on the fabric with it on docker-1."""
    hosts = []
    for host in plan.hosts:
        snapshot = live_host(host)
        if address is not None and host.name == "docker-1":
            endpoints = {**snapshot.containers["app"].endpoints, "ipvlanl2": attachment("ipvlanl2", "n", address)}
            snapshot = change_container("app", endpoints=endpoints)(snapshot)
        hosts.append(HostStatus(plan=host, snapshot=snapshot, differences=()))
    return Status(hosts=tuple(hosts), seconds=0.1, state_read=True)


def test_status() -> None:
    """As planned it is `none`; one that is on the fabric all the same is shown beside it."""
    plan = bridge_plan()
    text = printed(lambda out: status_view.print_tables(status(plan), plan, "dev", out))
    assert "None" not in text
    assert "none" in row(text, "app")
    moved = printed(lambda out: status_view.print_tables(status(plan, "10.1.1.9"), plan, "dev", out))
    assert "10.1.1.9, planned none" in moved
    document = status_json.document(status(plan), plan, "dev")
    validate(json.loads(json.dumps(document)), "status")
    host: Any = document["hosts"]["docker-1"]
    observed = host["containers"]["app"]
    assert (observed["address"], observed["planned_address"]) == (None, None)


def test_the_diagrams() -> None:
    """No address is written, and no line leads to the fabric's parent."""
    plan = bridge_plan()
    lines = topology(plan).splitlines()
    assert '    h0c0["app"]' in lines
    assert "    p0 --- h0c0" not in lines
    assert "    p0 --- h0c1" in lines
    svg = as_svg(plan, "dev")
    assert ">app<" in svg
    assert "None" not in svg


def verified(plan: Plan) -> Verification:
    """Return the matrix with every cell as expected."""
    cells = make_matrix(plan).cells
    verdicts = tuple(
        Verdict(
            cell=cell,
            expected="no" if cell.expected == "unless-gateway" else cell.expected,
            observed=Observed(reached=cell.expected == "yes", outcome="yes" if cell.expected == "yes" else "no answer"),
            reason="",
        )
        for cell in cells
    )
    return Verification(verdicts=verdicts, possible=len(cells), unreachable={}, seconds=1.5, gateway_answers=False)


def test_names_on_bridges_have_a_table_of_their_own() -> None:
    """Each is a row there, so that a pair which is on the fabric too keeps its cell of the matrix."""
    plan = bridge_plan()
    lines = as_markdown(verified(plan), plan, internet=False).splitlines()
    assert "**Containers on bridges**" in lines
    assert "| backend | docker-1/nginx | app.backend | yes | yes | ✓ |" in lines
    assert "| backend | docker-1/centos | app.backend | no | no answer | ✓ |" in lines
    matrix = lines[: lines.index("**Containers on bridges**")]
    assert not [line for line in matrix if "app.backend" in line]


@pytest.mark.parametrize(("members", "listed"), [(4, True), (8, False)])
def test_many_names_are_counted(members: int, listed: bool) -> None:
    """More than MOST_ON_BRIDGES are counted by bridge and host."""
    services = {
        f"services.app-{number}": {**image(), "fabric": False, "bridges": ["backend"]} for number in range(members)
    }
    plan = make_plan(parse(changed({"services": {}, "bridges.backend": {}, **services})))
    count = members * (members - 1)
    assert (2 * count <= MOST_ON_BRIDGES) is listed
    text = as_markdown(verified(plan), plan, internet=False)
    assert ("| backend | docker-1/app-0 | app-1.backend | yes | yes | ✓ |" in text) is listed
    assert (f"| backend | docker-1 | {count}/{count} |" in text) is not listed
