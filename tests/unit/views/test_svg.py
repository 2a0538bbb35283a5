"""The SVG has everything of the plan, inside its frame, and the colours of `status`."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from ipvlan.checks.drift import Comparison
from ipvlan.checks.status import HostStatus, Status
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.views.diagram import as_mermaid, live_marks
from ipvlan.views.svg import Marks, as_svg
from tests.support.host_changes import disconnect
from tests.support.live_parts import STACK, live_host, owned_by_plan, reference_plan, unreachable_host
from tools.reference_setup import reference_config

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """Return all texts as they are drawn, without the tooltips."""
    elements = ET.fromstring(svg).iter(f"{SVG}text")  # noqa: S314  # our own
    return [(element.text or "") + "".join(tip.tail or "" for tip in element) for element in elements]


@pytest.mark.parametrize("hosts", [1, 2, 3, 4, 7, 20])
def test_everything_of_the_plan_is_drawn_inside_the_frame(hosts: int) -> None:
    """Every host, address, slice and published port is there once, and no box is outside the frame."""
    plan = reference_plan(hosts)
    svg = as_svg(plan, "dev")
    drawn = texts(svg)
    for host in plan.hosts:
        assert str(host.address) in drawn
        assert f"slice {host.slice_text}" in drawn
        assert all(str(container.address) in drawn for container in host.containers)
    assert drawn.count("80") == hosts + 1  # and the legend's
    root = ET.fromstring(svg)  # noqa: S314  # our own
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for box in root.iter(f"{SVG}rect"):
        if "x" in box.attrib:
            assert 0 <= float(box.attrib["x"]) <= width - float(box.attrib["width"])
            assert 0 <= float(box.attrib["y"]) <= height - float(box.attrib["height"])


@pytest.mark.parametrize(
    ("ports", "badge"),
    [
        (["80:80", "443:443"], "80,443"),
        (["8004:80", "9004:90", "19004:91"], "8004 +2"),
        (["64000:1", "64001:2"], "64000 +1"),
    ],
)
def test_ports_are_never_cut(ports: list[str], badge: str) -> None:
    """Ports that do not fit are counted; a port that is shown is shown in full."""
    config = reference_config()
    config["services"]["nginx"]["ports"] = ports
    assert badge in texts(as_svg(make_plan(parse(config)), "dev"))


def test_routes_are_drawn() -> None:
    """In l3 each host's routes are in its card."""
    assert "10.1.2.0/24 via 192.168.140.201" in texts(as_svg(reference_plan(mode="l3", gateway=None), "dev"))


def live(plan: Plan) -> Marks:
    """Return the marks of docker-1 with nginx off the bridge, and of docker-2 without an answer."""
    first, second = plan.hosts
    snapshot = disconnect("nginx", "bridge")(live_host(first))
    error = unreachable_host()
    comparison = Comparison(plan, owned_by_plan(plan), STACK)
    status = Status(
        hosts=(
            HostStatus(plan=first, snapshot=snapshot, differences=comparison.of_host(first, snapshot)),
            HostStatus(plan=second, snapshot=error, differences=comparison.of_host(second, error)),
        ),
        seconds=0.1,
        state_read=True,
    )
    return live_marks(status)


def test_a_live_diagram_is_coloured_by_status() -> None:
    """What differs is bad, an unreachable host is bad and its containers are unknown, the rest is good."""
    plan = reference_plan()
    marks = live(plan)
    assert marks.hosts == {"docker-1": "good", "docker-2": "bad"}
    assert marks.containers == {
        ("docker-1", "centos"): "good",
        ("docker-1", "nginx"): "bad",
        ("docker-2", "centos"): "unknown",
        ("docker-2", "nginx"): "unknown",
    }
    svg = as_svg(plan, "dev", marks)
    assert svg.count("#ffebe9") == 1 + 1  # nginx, and the legend
    assert len(re.findall(":::replace", as_mermaid(plan, marks))) == 1


def test_the_order_of_services_is_drawn() -> None:
    """A dashed arrow on each card with both services, and a line of the legend for each service that is after others."""
    config = reference_config()
    without = as_svg(make_plan(parse(config)), "dev")
    config["services"]["nginx"]["after"] = ["centos"]
    svg = as_svg(make_plan(parse(config)), "dev")
    assert svg.count("stroke-dasharray") == without.count("stroke-dasharray") + 2 + 1
    assert "nginx is created and replaced after centos" in texts(svg)


def test_many_ordered_services_are_counted() -> None:
    """Six services are written out below the hosts, of more the number."""
    config = reference_config()
    for number in range(10):
        config["services"][f"s{number}"] = {"image": config["services"]["centos"]["image"], "offset": 10 + number}
        config["services"][f"s{number}"]["after"] = ["centos"]
    drawn = texts(as_svg(make_plan(parse(config)), "dev"))
    assert sum("is created and replaced after" in text for text in drawn) == 6
    assert "and 4 more services that are after others" in drawn
