"""What `ipvlan preflight` prints: a table for people, a JSON document for machines. Decides nothing."""

from __future__ import annotations

from typing import Literal

from rich.table import Table
from rich.text import Text

from ipvlan.checks.host_findings import CHECKS, Check
from ipvlan.checks.preflight import HostReport, Preflight
from ipvlan.views.findings import print_finding
from ipvlan.views.json_document import TypedDict, document_part
from ipvlan.views.terminal import Terminal


@document_part
class ReachableHost(TypedDict):
    """A host that answered."""

    reachable: Literal[True]
    docker: str
    """Docker's version; empty where it does not answer."""
    kernel: str


@document_part
class UnreachableHost(TypedDict):
    """A host that did not answer; why is among the findings."""

    reachable: Literal[False]


@document_part
class FindingEntry(TypedDict):
    """One thing on a host that stops an `up`, or that a person should know of."""

    check: str
    """A stable name, such as `parent`."""
    host: str
    problem: str
    fix: str
    """A command, or what to change."""
    severity: str
    """`error`, or `info`, which does not change the exit status."""
    stops_up: bool
    """Whether `pulumi up` refuses the host for it."""


@document_part
class PreflightDocument(TypedDict):
    """What `ipvlan preflight --json` prints."""

    stack: str
    ok: bool
    seconds: float
    hosts: dict[str, ReachableHost | UnreachableHost]
    findings: list[FindingEntry]


def document(preflight: Preflight, stack: str) -> PreflightDocument:
    """Return the result, ready for `json.dumps`."""
    return {
        "stack": stack,
        "ok": preflight.ok,
        "seconds": round(preflight.seconds, 2),
        "hosts": {
            name: {"reachable": True, "docker": report.facts.docker, "kernel": report.facts.kernel}
            if isinstance(report, HostReport)
            else {"reachable": False}
            for name, report in preflight.hosts.items()
        },
        "findings": [
            {
                "check": finding.check,
                "host": finding.host,
                "problem": finding.problem,
                "fix": finding.fix,
                "severity": finding.severity,
                "stops_up": finding.stops_up,
            }
            for finding in preflight.findings
        ],
    }


def print_tables(preflight: Preflight, out: Terminal) -> None:
    """Print one row per host, and the findings."""
    table = Table("host", *CHECKS, title="Checks before pulumi up", title_justify="left")
    for host in preflight.hosts:
        table.add_row(host, *(_mark(preflight, host, check) for check in CHECKS))
    out.print(table)
    for finding in preflight.findings:
        print_finding(f"{finding.check} (stops up)" if finding.stops_up else finding.check, finding, out)
    text = "ready for pulumi up" if preflight.ok else "not ready for pulumi up"
    out.print(Text(f"{text}, in {preflight.seconds:.1f} s", style="bold green" if preflight.ok else "bold red"))


def _mark(preflight: Preflight, host: str, check: Check) -> Text:
    findings = [finding for finding in preflight.findings if (finding.host, finding.check) == (host, check)]
    if any(finding.severity == "error" for finding in findings):
        return Text("\N{MULTIPLICATION X}", style="bold red")
    report = preflight.hosts[host]
    if not isinstance(report, HostReport) or not report.checked(check):
        return Text("-", style="dim")
    return Text("~", style="yellow") if findings else Text("\N{CHECK MARK}", style="green")
