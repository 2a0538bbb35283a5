"""The shim of a host, planned and on the host."""

from __future__ import annotations

from dataclasses import replace

import pytest
from netaddr import IPAddress

from ipvlan.checks.drift import Comparison
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from tests.support.live_parts import STACK, live_host, owned_by_plan
from tools.reference_setup import changed


@pytest.mark.parametrize(("own", "kinds"), [(["10.1.1.254"], []), ([], ["shim-missing"])])
def test_a_shim_with_an_address_of_others(own: list[str], kinds: list[str]) -> None:
    """Another address on its link, which comes first there, is no difference; without the shim's own the shim is missing."""
    plan = make_plan(parse(changed({"hosts.docker-1.shim": True})))
    host = plan.host("docker-1")
    snapshot = replace(live_host(host), shim_addresses=tuple(map(IPAddress, ("10.77.0.1", *own))))
    differences = Comparison(plan, owned_by_plan(plan), STACK).of_host(host, snapshot)
    assert [difference.kind for difference in differences] == kinds
