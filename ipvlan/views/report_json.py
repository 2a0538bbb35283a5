"""The JSON document of `ipvlan report`."""

from __future__ import annotations

from ipvlan.plan.report import Report
from ipvlan.views.json_document import ProblemEntry, TypedDict, document_part, problem_entries


@document_part
class HostEntry(TypedDict):
    """What is done to one host: to its network, its routes, its shim, or the connection to it."""

    host: str
    action: str
    """Such as `create`, `delete` or `replace network`."""
    reasons: list[str]


@document_part
class ContainerEntry(TypedDict):
    """What is done to one container."""

    host: str
    service: str
    action: str
    """`create`, `delete`, `replace` (with downtime), `update` (it runs on), `attach` or `detach` (of the bridge)."""
    reasons: list[str]
    address_before: str | None
    address_after: str | None


@document_part
class PortEntry(TypedDict):
    """A port of a host that is published or unpublished, whatever the reason."""

    host: str
    service: str
    port: str
    action: str
    """`publish` or `unpublish`."""


@document_part
class ReportDocument(TypedDict):
    """What `ipvlan report --json` prints."""

    stack: str
    new_stack: bool
    """The earlier state has no plan: the stack is new, or its config had problems. Then everything counts as new."""
    problems_before: list[ProblemEntry]
    """Problems of the earlier state."""
    downtime: bool
    """Whether a container is stopped."""
    hosts: list[HostEntry]
    containers: list[ContainerEntry]
    ports: list[PortEntry]
    warnings: list[ProblemEntry]
    """Warnings about the new state."""


def document(report: Report) -> ReportDocument:
    """Return the report, ready for `json.dumps`."""
    return {
        "stack": report.stack,
        "new_stack": report.before is None,
        "problems_before": problem_entries(report.before_problems),
        "downtime": report.has_downtime,
        "hosts": [
            {"host": change.host, "action": change.action, "reasons": list(change.reasons)}
            for change in report.changes.hosts
        ],
        "containers": [
            {
                "host": change.host,
                "service": change.service,
                "action": change.action,
                "reasons": list(change.reasons),
                "address_before": str(change.before.address) if change.before else None,
                "address_after": str(change.after.address) if change.after else None,
            }
            for change in report.changes.containers
        ],
        "ports": [
            {"host": change.host, "service": change.service, "port": change.port, "action": change.action}
            for change in report.ports
        ],
        "warnings": problem_entries(report.after.warnings),
    }
