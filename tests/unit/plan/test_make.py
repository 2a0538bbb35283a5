"""Plans of large configs, and of the committed stacks."""

from __future__ import annotations

import pytest

from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import PlanError
from tests.support.projects import ROOT
from tools.reference_setup import changed, image


@pytest.mark.no_cover  # Measured, it takes twice as long; other tests cover the same lines.
def test_ten_thousand_services_are_refused_at_once() -> None:
    """10,000 services in slices of 256 give one problem for each that does not fit, without a wait."""
    raw = changed({"services": {}})
    for number in range(10_000):
        raw["services"][f"s{number}"] = {**image("x"), "offset": number + 1}
    config = parse(raw)
    with pytest.raises(PlanError, match="the config has 9745 problems") as refused:
        make_plan(config)
    assert all("services.s" in problem.key for problem in refused.value.problems)


def test_a_stack_is_planned_without_a_passphrase() -> None:
    """A stack with secrets is planned from its files alone."""
    prod = make_plan(load_stack("prod", ROOT))
    assert len(prod.hosts) == 5
    assert {host.parent for host in prod.hosts} == {"bond0.40", "bond1.40"}
    assert str(prod.addresses["database"]["data-1"]) == "10.1.5.5"
