"""Which cells the matrix has, and what the plan expects of each."""

from __future__ import annotations

import pytest
from netaddr import IPAddress

from ipvlan.plan.cell_sample import MOST_PAIRS
from ipvlan.plan.cells import Cell, Filter
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from tests.support.live_parts import reference_plan
from tools.reference_setup import reference_config

INTERNET = IPAddress("203.0.113.10")


def expected(plan: Plan, source: str, target: str) -> str:
    """Return what the plan expects of one cell."""
    cells = [
        cell for cell in make_matrix(plan, internet=[INTERNET]).cells if (cell.source, cell.target) == (source, target)
    ]
    assert len(cells) == 1
    return cells[0].expected


def test_the_matrix_of_the_reference_setup() -> None:
    """Every cell of the reference setup's table is there once, with the table's answer."""
    plan = reference_plan(published=False)
    cells = make_matrix(plan, internet=[INTERNET]).cells
    assert len({(cell.kind, cell.source, cell.target) for cell in cells}) == len(cells) == 12 + 8 + 4 + 4 + 4 + 2
    assert expected(plan, "docker-1/centos", "docker-1/nginx") == "yes"
    assert expected(plan, "docker-1/centos", "docker-2/nginx") == "yes"
    assert expected(plan, "docker-1/centos", "docker-1") == "unless-gateway"
    assert expected(plan, "docker-1/centos", "internet") == "unless-gateway"
    assert expected(plan, "docker-1", "docker-1/nginx") == "unless-gateway"
    assert expected(plan, "client", "docker-2/nginx") == "no"


def test_a_published_container_goes_out_through_the_bridge() -> None:
    """Published, a container is reached at its port, and reaches hosts and internet through the host's NAT."""
    plan = reference_plan()
    assert expected(plan, "client", "docker-2/nginx") == "yes"
    assert expected(plan, "docker-1/nginx", "docker-2") == "yes"
    assert expected(plan, "docker-1/nginx", "internet") == "yes"
    assert expected(plan, "docker-1/centos", "internet") == "unless-gateway"


@pytest.mark.parametrize("mode", ["l3", "l3s"])
def test_routed_containers_reach_other_hosts_and_not_their_own(mode: str) -> None:
    """In l3 and l3s the own host cannot be reached, others are reached by route, and routers decide on the internet."""
    plan = reference_plan(published=False, mode=mode, gateway=None)
    assert expected(plan, "docker-1/centos", "docker-1") == "no"
    assert expected(plan, "docker-1/centos", "docker-2") == "yes"
    assert expected(plan, "docker-1/centos", "internet") == "any"
    assert expected(plan, "docker-1", "docker-1/centos") == "no"


def test_no_address_beyond_the_lan_is_tried_unless_given() -> None:
    """Without an address for it there is no cell of the internet."""
    assert not [cell for cell in make_matrix(reference_plan(), internet=()).cells if cell.kind == "internet"]


def test_a_port_on_loopback_is_closed_to_clients() -> None:
    """A port bound to 127.0.0.1 is expected to be closed from outside, published or not."""
    config = reference_config()
    config["services"]["nginx"]["ports"] = ["127.0.0.1:80:80"]
    assert expected(make_plan(parse(config)), "client", "docker-1/nginx") == "no"


def big(hosts: int, services: int) -> Plan:
    """Return a plan of many containers."""
    config = reference_config(hosts)
    image = config["services"]["centos"]["image"]
    config["services"] = {f"service-{number}": {"image": image, "offset": number} for number in range(1, services + 1)}
    return make_plan(parse(config))


def pairs(cells: list[Cell]) -> set[tuple[str | None, str | None]]:
    """Return the pairs of hosts that cells cover."""
    return {(cell.source_host, cell.target_host) for cell in cells}


def test_up_to_400_pairs_are_all_taken() -> None:
    """20 containers have 380 pairs, and all are tried."""
    made = make_matrix(big(2, 10), internet=())
    assert made.possible == len(made.cells)
    assert sum(cell.kind == "container" for cell in made.cells) == 380


def test_a_sample_covers_every_pair_of_hosts_and_every_container() -> None:
    """Of 9900 pairs 400 are taken: every pair of hosts, every container as source and as target; always the same ones."""
    plan = big(10, 10)
    made = make_matrix(plan, internet=())
    cells = [cell for cell in made.cells if cell.kind == "container"]
    assert len(cells) == MOST_PAIRS
    assert made.possible > len(made.cells)
    assert len(pairs(cells)) == 10 * 10
    assert len({cell.source for cell in cells}) == len({cell.target for cell in cells}) == 100
    assert make_matrix(plan, internet=()) == made


def test_more_pairs_of_hosts_than_400_are_all_covered() -> None:
    """25 hosts have 625 pairs, and each is tried."""
    cells = [cell for cell in make_matrix(big(25, 2), internet=()).cells if cell.kind == "container"]
    assert len(pairs(cells)) == 625


def test_filters_narrow() -> None:
    """--service, --host and --from show only what they name."""
    plan = reference_plan()
    for only, matches in (
        (Filter(service="nginx"), lambda cell: "nginx" in (cell.source_service, cell.target_service)),
        (Filter(host="docker-2"), lambda cell: "docker-2" in (cell.source_host, cell.target_host)),
        (Filter(source="client"), lambda cell: cell.source == "client"),
        (Filter(source="docker-1/nginx"), lambda cell: cell.source == "docker-1/nginx"),
        (Filter(source="centos"), lambda cell: cell.source_service == "centos"),
    ):
        cells = make_matrix(plan, internet=[INTERNET], only=only).cells
        assert cells
        assert all(matches(cell) for cell in cells)
