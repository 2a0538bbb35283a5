"""What `ipvlan status` shows of bridge networks: a table, and the JSON document."""

from __future__ import annotations

import io

from ipvlan.checks.drift import Comparison
from ipvlan.checks.status import HostStatus, Status
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.views import status_json
from ipvlan.views.status import print_tables
from ipvlan.views.terminal import Terminal
from tests.support.bridge_changes import bridge_plan, without_network
from tests.support.host_changes import HostChange, disconnect, without
from tests.support.json_documents import validate
from tests.support.live_parts import STACK, live_host, owned_by_plan, unreachable_host
from tools.reference_setup import reference_config


def status_of(plan: Plan, *changes: HostChange) -> Status:
    """Return the status of docker-1 after changes by hand; docker-2 does not answer."""
    live = live_host(plan.host("docker-1"))
    for change in changes:
        live = change(live)
    comparison = Comparison(plan, owned_by_plan(plan), STACK)
    snapshots: tuple[HostSnapshot | HostError, ...] = (live, unreachable_host())
    return Status(
        hosts=tuple(
            HostStatus(plan=host, snapshot=snapshot, differences=comparison.of_host(host, snapshot))
            for host, snapshot in zip(plan.hosts, snapshots, strict=True)
        ),
        seconds=1.0,
        state_read=True,
    )


def rows(plan: Plan, *changes: HostChange) -> dict[str, str]:
    """Return the rows of docker-1 in the table of bridges, by the network's name."""
    printed = io.StringIO()
    print_tables(status_of(plan, *changes), plan, STACK, Terminal(width=200, file=printed))
    text = printed.getvalue().partition("Containers ")[0]
    lines = text.partition("Bridges ")[2].splitlines()
    cells = [[cell.strip() for cell in line.strip("│┃").split("│")] for line in lines if "docker-1" in line]
    return {row[0]: " | ".join(row[2:]) for row in cells}


def test_the_table() -> None:
    """Each network of each host: its subnet, who is connected of those that are planned, and whether that is all."""
    plan = bridge_plan()
    assert rows(plan) == {
        "backend": "172.18.0.0/16 | app, nginx | \N{CHECK MARK}",
        "data": "172.30.5.0/24 | app | \N{CHECK MARK}",
        "mon": "172.18.0.0/16 | app | \N{CHECK MARK}",
    }
    changed = rows(plan, disconnect("nginx", "backend"), without("app"), without_network("data"))
    assert changed == {
        "backend": "172.18.0.0/16 | none; not app, nginx | \N{MULTIPLICATION X}",
        "data": "missing | none; not app | \N{MULTIPLICATION X}",
        "mon": "172.18.0.0/16 | none; not app | \N{MULTIPLICATION X}",
    }
    assert rows(make_plan(parse(reference_config(2)))) == {}


def test_the_json_document() -> None:
    """Networks of each host, connections of each container, and the network of a difference; a container may have no address."""
    plan = bridge_plan()
    document = status_json.document(
        status_of(plan, disconnect("nginx", "backend"), without_network("data")), plan, STACK
    )
    validate(dict(document), "status")
    host = document["hosts"]["docker-1"]
    assert host["reachable"]
    assert host["bridges"] == {
        "backend": {
            "id": "bridge-backend-of-docker-1",
            "driver": "bridge",
            "subnet": "172.18.0.0/16",
            "internal": False,
            "external": False,
            "connected": ["app"],
        },
        "data": None,
        "mon": {
            "id": "bridge-mon-of-docker-1",
            "driver": "bridge",
            "subnet": "172.18.0.0/16",
            "internal": False,
            "external": True,
            "connected": ["app"],
        },
    }
    nginx, app = host["containers"]["nginx"], host["containers"]["app"]
    assert nginx is not None
    assert nginx["bridges"] == [{"bridge": "backend", "connected": False, "address": None, "aliases": []}]
    assert app is not None
    assert (app["address"], app["planned_address"]) == (None, None)
    assert app["bridges"][0] == {"bridge": "backend", "connected": True, "address": "172.18.0.2", "aliases": ["api"]}
    networks = {(found["name"], found["network"]) for found in document["differences"]}
    assert networks >= {("endpoint-missing", "backend"), ("bridge-network-missing", "data")}
