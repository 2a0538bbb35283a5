"""What people and machines read of bridges: the plan, the report of a change, and the diagrams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.views.mermaid import topology
from ipvlan.views.svg import as_svg
from ipvlan.views.svg_bridges import MOST_BRIDGES
from tests.support.json_documents import validate
from tests.support.projects import commit_all, ipvlan, write_project
from tests.unit.views.test_svg import SVG, texts
from tools.reference_setup import STACK_TEXT, changed

APP = """\
    app:
      image: registry/os:1
      hosts: [docker-1]
      container_name: shop-app
      fabric: false
      bridges: {back: {aliases: [api]}, data: , theirs: }
"""
SECTION = """\
  ipvlan-fabric:bridges:
    back: {name: back-net, options: {com.docker.network.driver.mtu: "1400"}}
    data: {name: data-net, internal: true, subnet: 172.30.5.0/24}
    theirs: {external: true, name: mon_default}
"""
NEW = STACK_TEXT.replace("      offset: 2\n", "      offset: 2\n      bridges: [back]\n") + APP + SECTION


def report(folder: Path, before: str, after: str) -> tuple[str, dict[str, Any]]:
    """Return the report of a change, as Markdown and as JSON."""
    path = write_project(folder, before)
    commit_all(folder, "before")
    path.write_text(after, encoding="utf-8")
    document: dict[str, Any] = json.loads(ipvlan(folder, "report", "--base", "HEAD", "--json").stdout)
    validate(document, "report")
    return ipvlan(folder, "report", "--base", "HEAD").stdout, document


def test_the_plan_lists_them(tmp_path: Path) -> None:
    """Each bridge with what is on it, by which names; and a container that is not on the fabric."""
    write_project(tmp_path, NEW)
    document = json.loads(ipvlan(tmp_path, "plan", "--json").stdout)
    validate(document, "plan")
    host = document["hosts"][0]
    bridges = {bridge["name"]: bridge for bridge in host["bridges"]}
    assert bridges["data-net"] == {
        "key": "data",
        "name": "data-net",
        "internal": True,
        "subnet": "172.30.5.0/24",
        "options": {},
        "external": False,
        "members": ["app"],
    }
    assert bridges["back-net"]["members"] == ["app", "nginx"]
    assert bridges["mon_default"]["external"] is True
    app = next(container for container in host["containers"] if container["service"] == "app")
    assert (app["fabric"], app["address"], app["default_route"]) == (False, None, "back-net")
    assert app["bridges"][0] == {"bridge": "back-net", "aliases": ["api", "app"]}
    assert document["services"]["app"]["addresses"] == {}
    # The first host alone has the service that is on all of them.
    assert [bridge["name"] for bridge in document["hosts"][1]["bridges"]] == ["back-net"]
    text = ipvlan(tmp_path, "plan").stdout
    for part in (
        "Bridges",
        "172.30.5.0/24",
        "of others",
        "by Docker",
        "shop-app (also api app)",
        "back-net (the host's NAT)",
    ):
        assert part in text, part
    write_project(tmp_path, STACK_TEXT)
    assert "Bridges" not in ipvlan(tmp_path, "plan").stdout


def test_the_report_of_new_bridges(tmp_path: Path) -> None:
    """What is created and what must exist; nothing stops."""
    text, document = report(tmp_path, STACK_TEXT, NEW)
    assert "bridges: 3 new, 1 of others" in text
    assert [(entry["host"], entry["bridge"], entry["action"]) for entry in document["bridges"]] == [
        ("docker-1", "back-net", "create"),
        ("docker-1", "data-net", "create"),
        ("docker-1", "mon_default", "use"),
        ("docker-2", "back-net", "create"),
    ]
    assert document["downtime"] is False
    actions = {(entry["service"], entry["action"]) for entry in document["containers"]}
    assert actions == {("app", "create"), ("nginx", "attach")}
    created = next(entry for entry in document["containers"] if entry["service"] == "app")
    assert (created["address_before"], created["address_after"]) == (None, None)
    assert ("bridges", "mon_default", True) in [
        (power["setting"], power["value"], power["new"]) for power in document["powers"]
    ]
    assert "Attached to bridges and detached from them, while they run (2)" in text
    assert "fabric: false" in text


def test_the_report_of_a_rebuild(tmp_path: Path) -> None:
    """It interrupts the bridge, and stops no container; the title says so."""
    text, document = report(tmp_path, NEW, NEW.replace('"1400"', '"1300"'))
    assert "**No container stops; a bridge has no connection for some seconds.**" in text
    assert document["containers"] == []
    assert document["downtime"] is False
    assert {entry["action"] for entry in document["bridges"]} == {"rebuild"}
    assert "app, nginx run on" in document["bridges"][0]["effect"]
    (tmp_path / "more").mkdir()
    text, document = report(tmp_path / "more", NEW, NEW.replace("aliases: [api]", "aliases: [api, v2]"))
    assert [(entry["service"], entry["action"]) for entry in document["containers"]] == [("app", "reconnect")]
    assert (
        "**No container is stopped; connections over a bridge end.** containers: 1 connected again by other names"
        in text
    )
    assert "it is disconnected and connected again: its connections over back-net end" in text


def test_the_report_of_a_bridge_with_another_name(tmp_path: Path) -> None:
    """One row for the network and the one that it takes the place of; no "no downtime" where all connections end."""
    text, document = report(tmp_path, NEW, NEW.replace("back-net", "zback"))
    assert "**No container is stopped; connections over a bridge end.**" in text
    assert "o downtime" not in text
    assert "bridges: 2 in the place of another one" in text
    assert "### Bridges (2)" in text
    assert (
        "| docker-1 | back-net -> zback | move | name: back-net -> zback | created, and app, nginx move to it" in text
    )
    assert "its connections over back-net end" in text
    assert "its default route moves from back-net to mon_default" in text
    moved = [(entry["action"], entry["moved_from"], entry["moved_to"]) for entry in document["bridges"]]
    assert moved[:2] == [("delete", None, "zback"), ("create", "back-net", None)]
    assert document["downtime"] is False


def test_a_container_that_leaves_a_bridge_ends_its_connections(tmp_path: Path) -> None:
    """The first line says so, and so does its row; one that comes to a bridge ends nothing."""
    text, _ = report(tmp_path, NEW, NEW.replace("      bridges: [back]\n", ""))
    assert "**No container is stopped; connections over a bridge end.** containers: 2 detached from a bridge." in text
    assert "its connections over back-net end" in text
    (tmp_path / "more").mkdir()
    text, _ = report(tmp_path / "more", NEW.replace("      bridges: [back]\n", ""), NEW)
    assert "**No downtime.** containers: 2 attached to a bridge." in text
    assert "it is connected to back-net" in text


def test_dangerous_settings_are_counted_as_they_are_listed(tmp_path: Path) -> None:
    """What a service may do on several hosts is one row, and counts once."""
    privileged = STACK_TEXT.replace("      offset: 2\n", "      offset: 2\n      privileged: true\n")
    text, document = report(tmp_path, STACK_TEXT, privileged)
    assert len(document["powers"]) > 1
    counted = text.partition("dangerous settings: ")[2].partition(",")[0]
    assert f"what containers may do there ({counted})" in text


def shown(bridges: dict[str, Any], **keys: Any) -> Plan:
    """Return a plan with these bridges, in which nginx is on the first of them and `app` on all, and not on the fabric."""
    app = {"image": "registry/os:1", "fabric": False, "bridges": [*bridges], **keys}
    return make_plan(
        parse(changed({"bridges": bridges, "services.nginx.bridges": [*bridges][:1], "services.app": app}))
    )


def test_a_node_for_each_bridge_in_its_host() -> None:
    """With a dashed line to each member; what is not on the fabric has no line to the parent, and no address."""
    lines = topology(
        shown(
            {
                "back": {"name": "back-net"},
                "theirs": {"external": True},
                "data": {"internal": True, "subnet": "172.30.5.0/24"},
            }
        )
    ).splitlines()
    assert '    h0c0["app"]' in lines
    assert "    p0 --- h0c0" not in lines
    assert "    p0 --- h0c2" in lines
    begin, end = lines.index('    h0b0("back-net")'), lines.index("  end")
    assert lines[begin:end] == [
        '    h0b0("back-net")',
        "    h0c0 -.- h0b0",
        "    h0c2 -.- h0b0",
        '    h0b1("ipvlanl2-data<br/>172.30.5.0/24<br/>internal")',
        "    h0c0 -.- h0b1",
        '    h0b2("theirs<br/>external")',
        "    h0c0 -.- h0b2",
    ]


def test_bridges_in_the_svg() -> None:
    """A row each, inside the frame, with a dashed line per member; what does not fit is counted."""
    keys = {f"net-{number}": {"name": f"net-{number}"} for number in range(MOST_BRIDGES + 2)}
    svg = as_svg(shown({**keys, "aa": {"name": "aa", "external": True}}, hosts=["docker-1"]), "dev")
    drawn = texts(svg)
    assert "and 3 more bridges" in drawn
    assert "external" in drawn
    assert not any("None" in text or text == "none" for text in drawn)
    root = ET.fromstring(svg)  # noqa: S314  # our own
    height = float(root.attrib["height"])
    assert all(
        float(box.attrib["y"]) + float(box.attrib["height"]) <= height
        for box in root.iter(f"{SVG}rect")
        if "y" in box.attrib
    )
    dashed = [path for path in root.iter(f"{SVG}path") if path.attrib.get("stroke-dasharray") == "2 3"]
    # app is on all of the rows, nginx on one on each host; and the legend has one.
    assert len(dashed) == MOST_BRIDGES + 2 + 1
    assert "2 3" not in as_svg(make_plan(parse(changed({}))), "dev")
