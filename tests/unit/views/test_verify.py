"""The matrix on a terminal and in Markdown."""

from __future__ import annotations

import io
import re

import pytest

from ipvlan.checks.verify import Verdict, Verification
from ipvlan.hosts.connection_probe import Observed
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.views.terminal import Terminal
from ipvlan.views.verify import as_markdown, print_tables
from tests.support.live_parts import reference_plan, unreachable_host


def verification(plan: Plan, *, wrong: tuple[str, str] | None = None, unreachable: bool = False) -> Verification:
    """Return a result in which every cell is as expected, but for the one from `wrong[0]` to `wrong[1]`."""
    cells = make_matrix(plan).cells
    verdicts = tuple(
        Verdict(
            cell=cell,
            expected="no" if cell.expected == "unless-gateway" else cell.expected,
            observed=Observed(reached=cell.expected == "yes", outcome="yes" if cell.expected == "yes" else "no answer"),
            reason="container down: nginx on docker-2 is exited" if (cell.source, cell.target) == wrong else "",
        )
        for cell in cells
    )
    failed = {"docker-2": unreachable_host()} if unreachable else {}
    return Verification(verdicts=verdicts, possible=len(cells), unreachable=failed, seconds=1.5, gateway_answers=False)


def terminal(result: Verification, plan: Plan) -> list[str]:
    """Return the lines that are printed."""
    text = io.StringIO()
    print_tables(result, plan, Terminal(file=text, width=240), internet=False)
    return text.getvalue().splitlines()


def test_markdown_of_the_reference_setup() -> None:
    """The matrix and the ports are Markdown tables; notes and the sum follow."""
    plan = reference_plan()
    lines = as_markdown(verification(plan), plan, internet=False).splitlines()
    assert lines[:5] == [
        "**Expected, and observed where it differs**",
        "",
        "| "
        + " | ".join(
            (
                r"from \\ to",
                *("docker-1<br>centos", "docker-1<br>nginx", "docker-2<br>centos", "docker-2<br>nginx"),
                *("docker-1", "docker-2", "gateway"),
            )
        )
        + " |",
        "|---|---|---|---|---|---|---|---|",
        "| docker-1/centos | - | yes ✓ | yes ✓ | yes ✓ | no ✓ | no ✓ | ~ no answer |",
    ]
    assert "| nginx | docker-2 | 192.168.140.201 | 80/tcp | open | yes | ✓ |" in lines
    assert "The internet was not tested: name an address beyond the LAN with --internet." in lines
    assert "Nothing answers at the gateway 10.1.0.1." in lines
    assert lines[-1] == "**30 of 30 cells as expected, in 1.5 s**"


def test_a_wrong_cell_and_its_reason() -> None:
    """Both forms name the reason once, and the cell below it."""
    plan = reference_plan()
    result = verification(plan, wrong=("docker-1/centos", "docker-2/nginx"), unreachable=True)
    cell = "docker-1/centos -> docker-2/nginx (10.1.2.2): expected yes, observed yes"
    lines = as_markdown(result, plan, internet=True).splitlines()
    assert lines[lines.index('- **host "docker-2": it cannot be reached over ssh: No route to host**') + 2 :][:2] == [
        "- **container down: nginx on docker-2 is exited**",
        f"  - {cell}",
    ]
    assert lines[-1] == "**29 of 30 cells as expected, in 1.5 s; not reached: docker-2**"
    printed = terminal(result, plan)
    assert f"    {cell}" in printed
    assert printed[-1] == "29 of 30 cells as expected, in 1.5 s; not reached: docker-2"


@pytest.mark.parametrize(("hosts", "headings"), [(5, 8), (20, 2)])
def test_many_hosts_are_summed_up(hosts: int, headings: int) -> None:
    """A matrix that is too wide has one row per host, and one column per host as long as these fit."""
    plan = reference_plan(hosts)
    lines = as_markdown(verification(plan), plan, internet=True).splitlines()
    assert len(lines[2].split("|")) - 2 == headings
    rows = [line for line in lines[4:] if line.startswith("| docker-")][:hosts]
    assert [row.split()[1] for row in rows] == sorted(host.name for host in plan.hosts)
    assert all(right == total for row in rows for right, total in re.findall(r"(\d+)/(\d+)", row))
