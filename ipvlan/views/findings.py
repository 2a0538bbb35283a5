"""How one thing that a check reports is printed: its name, the problem, and below it how to fix it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from rich.text import Text

from ipvlan.problems import Severity, plain
from ipvlan.views.terminal import Terminal


class Finding(Protocol):
    """What `status` and `preflight` report."""

    @property
    def problem(self) -> str:
        """What is wrong."""

    @property
    def fix(self) -> str:
        """A command, or what to decide."""

    @property
    def severity(self) -> Severity:
        """`info` is printed in another colour than `error`."""


def print_finding(name: str, finding: Finding, out: Terminal, output: Sequence[str] = ()) -> None:
    """Print a finding; `output` are lines that a container printed, which show why."""
    style = "yellow" if finding.severity == "info" else "bold red"
    out.print(Text.assemble((name, style), f": {plain(finding.problem)}"), soft_wrap=True)
    for line in output:
        out.print(f"    | {plain(line)}", soft_wrap=True)
    out.print(f"    {plain(finding.fix)}", style="dim", soft_wrap=True)
