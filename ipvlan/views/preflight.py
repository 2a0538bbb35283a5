"""How `ipvlan preflight` shows what it found: a table for people, a document for machines. Decides nothing."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ipvlan.checks.preflight import CHECKS, Preflight
from ipvlan.hosts.host_facts import Facts


def as_document(found: Preflight, stack: str) -> dict[str, Any]:
    """The result as JSON has it."""
    return {
        "stack": stack,
        "ok": found.ok,
        "seconds": round(found.seconds, 2),
        "hosts": {
            name: {"reached": True, "docker": said.live.docker, "kernel": said.live.kernel}
            if isinstance(said, Facts)
            else {"reached": False}
            for name, said in found.hosts.items()
        },
        "findings": [
            {
                "check": finding.check,
                "host": finding.host,
                "problem": finding.problem,
                "fix": finding.fix,
                "severity": finding.severity,
            }
            for finding in found.findings
        ],
    }


def show(found: Preflight, out: Console) -> None:
    """Print a row per host and the findings."""
    table = Table("host", *CHECKS, title="Before the first pulumi up", title_justify="left")
    for name, said in found.hosts.items():
        marks = []
        for check in CHECKS:
            here = [finding for finding in found.findings if (finding.host, finding.check) == (name, check)]
            if any(finding.severity == "error" for finding in here):
                marks.append(Text("\N{MULTIPLICATION X}", style="bold red"))
            elif not isinstance(said, Facts):
                marks.append(Text("-", style="dim"))
            else:
                marks.append(Text("~", style="yellow") if here else Text("\N{CHECK MARK}", style="green"))
        table.add_row(name, *marks)
    out.print(table)
    for finding in found.findings:
        style = "yellow" if finding.severity == "info" else "bold red"
        out.print(Text.assemble((finding.check, style), f": {finding.problem}"), soft_wrap=True)
        out.print(f"    {finding.fix}", style="dim", markup=False, soft_wrap=True)
    text = "nothing stands in the way" if found.ok else "not yet ready for pulumi up"
    out.print(Text(f"{text}, in {found.seconds:.1f} s", style="bold green" if found.ok else "bold red"))
