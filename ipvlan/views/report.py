"""The report of a pull request: what a change of a stack's config does, in Markdown.

Owns the wording and the order, most painful first. It reads two states of the stack file and no host.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ipvlan.config.git_commit import Commit
from ipvlan.config.load import read_raw, stack_file
from ipvlan.config.yaml_file import Folder
from ipvlan.plan.changes import Changes, ContainerChange, compare
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import ContainerPlan, Plan
from ipvlan.plan.validate import load
from ipvlan.problems import ConfigError, Problem
from ipvlan.views.mermaid import topology

LONGEST_TABLE = 200
"""Rows of one table; a comment on GitHub holds 65,536 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Two states of one stack, compared."""

    stack: str
    before: Plan | None
    """None for a stack that is new, or whose earlier state is no valid config."""
    before_problems: tuple[Problem, ...]
    """Why the earlier state could not be planned; empty when it could, or there was none."""
    after: Plan
    changes: Changes


def make_report(stack: str, base: Commit, folder: Folder) -> Report:
    """Compares the stack in a commit with the stack in a folder; raises `ConfigError` when the new state is wrong."""
    after = make_plan(load(stack, folder))
    before: Plan | None = None
    problems: tuple[Problem, ...] = ()
    new_secrets: set[str] = set()
    if base.has(stack_file(stack)):
        try:
            before = make_plan(load(stack, base))
            new_secrets = _new_secrets(stack, base, folder)
        except ConfigError as error:
            problems = error.problems
    return Report(
        stack=stack,
        before=before,
        before_problems=problems,
        after=after,
        changes=compare(before, after, new_secrets=new_secrets),
    )


def _new_secrets(stack: str, base: Commit, folder: Folder) -> set[str]:
    """Config keys whose encrypted text differs: the secret was set anew, perhaps to the same value."""
    old, new = (read_raw(stack, where).others for where in (base, folder))
    return {key for key in new if key in old and old[key] != new[key]}


def as_markdown(report: Report) -> str:
    """The report as Markdown for GitHub."""
    return "\n".join(_markdown(report)) + "\n"


def as_document(report: Report) -> dict[str, Any]:
    """The report as plain maps and lists, ready for `json.dumps`."""
    return {
        "stack": report.stack,
        "new_stack": report.before is None,
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
        "warnings": [
            {"key": warning.key, "value": warning.value, "problem": warning.problem}
            for warning in report.after.warnings
        ],
    }


def _markdown(report: Report) -> Iterator[str]:
    changes = report.changes
    yield f"## Stack `{report.stack}`"
    yield ""
    if report.before_problems:
        yield "The state before this change is no valid config, so everything below counts as new:"
        yield ""
        yield from (f"- `{problem.key}`: {problem.problem}" for problem in report.before_problems[:20])
        yield ""
    elif report.before is None:
        yield "The stack is new."
        yield ""
    yield _summary(changes)
    yield ""
    yield from _containers(
        "Replaced: stopped, deleted and created again, with downtime",
        changes.of("replace"),
        ("Why",),
        lambda c: ("; ".join(c.reasons),),
    )
    yield from _containers("Deleted", changes.of("delete"), ("Address",), lambda c: (_address(c.before),))
    yield from _hosts(changes)
    yield from _containers(
        "Addresses that move", _moved(changes), ("From", "To"), lambda c: (_address(c.before), _address(c.after))
    )
    yield from _ports(report)
    yield from _containers(
        "New containers", changes.of("create"), ("Address", "Image"), lambda c: (_address(c.after), _image(c.after))
    )
    yield from _containers(
        "Changed while running, no downtime", changes.of("update"), ("What",), lambda c: (", ".join(c.reasons),)
    )
    if report.after.warnings:
        yield f"### Warnings ({len(report.after.warnings)})"
        yield ""
        for warning in report.after.warnings[:LONGEST_TABLE]:
            yield f"- `{warning.key}`: `{_cell(warning.value)}`: {_cell(warning.problem)}. {_cell(warning.fix)}."
        yield ""
    yield "<details><summary>Topology after this change</summary>"
    yield ""
    yield "```mermaid"
    yield topology(report.after, _marks(changes))
    yield "```"
    yield ""
    yield "Green: new. Red: replaced. Yellow: updated, attached or detached while running. Blue: published."
    yield ""
    yield "</details>"


def _summary(changes: Changes) -> str:
    if not changes:
        return "**Nothing changes on the hosts.**"
    counts = [
        (len(changes.of("replace")), "replaced"),
        (len(changes.of("delete")), "deleted"),
        (len(changes.of("create")), "new"),
        (len(changes.of("attach")), "published"),
        (len(changes.of("detach")), "no longer published"),
        (len(changes.of("update")), "updated while running"),
    ]
    said = ", ".join(f"{count} {word}" for count, word in counts if count)
    hosts = [f"{change.host}: {change.action}" for change in changes.hosts]
    parts = [*([f"containers: {said}"] if said else []), *([f"hosts: {'; '.join(hosts[:10])}"] if hosts else [])]
    downtime = bool(changes.of("replace", "delete"))
    return f"**{'Downtime' if downtime else 'No downtime'}.** {'. '.join(parts)}."


def _containers(title: str, changes: Sequence[ContainerChange], heads: tuple[str, ...], cells: Any) -> Iterator[str]:
    yield from _table(
        title, ("Host", "Service", *heads), [(change.host, change.service, *cells(change)) for change in changes]
    )


def _table(title: str, heads: tuple[str, ...], rows: Sequence[Iterable[str]]) -> Iterator[str]:
    if not rows:
        return
    yield f"### {title} ({len(rows)})"
    yield ""
    yield f"| {' | '.join(heads)} |"
    yield f"|{'---|' * len(heads)}"
    for row in rows[:LONGEST_TABLE]:
        yield f"| {' | '.join(_cell(cell) for cell in row)} |"
    if len(rows) > LONGEST_TABLE:
        yield ""
        yield f"... and {len(rows) - LONGEST_TABLE} more: `ipvlan report --json` lists them all."
    yield ""


def _hosts(changes: Changes) -> Iterator[str]:
    yield from _table(
        "Hosts",
        ("Host", "What", "Why"),
        [(change.host, change.action, "; ".join(change.reasons)) for change in changes.hosts],
    )


def _ports(report: Report) -> Iterator[str]:
    """Published ports that appear or go, whatever the reason."""

    def ports(plan: Plan | None) -> set[tuple[str, str, str]]:
        if plan is None:
            return set()
        return {
            (container.host, container.service, f"{port.host_address or plan.host(container.host).address} {port}")
            for container in plan.containers()
            if container.published
            for port in container.ports
        }

    before, after = ports(report.before), ports(report.after)
    rows = [(host, service, port, "opens") for host, service, port in sorted(after - before)]
    rows += [(host, service, port, "closes") for host, service, port in sorted(before - after)]
    yield from _table("Published ports", ("Host", "Service", "Host address and port", ""), rows)


def _moved(changes: Changes) -> list[ContainerChange]:
    return [
        change
        for change in changes.containers
        if change.action != "update"
        and change.before
        and change.after
        and change.before.address != change.after.address
    ]


def _marks(changes: Changes) -> dict[tuple[str, str], str]:
    styles = {
        "create": "create",
        "replace": "replace",
        "attach": "update",
        "detach": "update",
        "update": "update",
    }
    return {
        (change.host, change.service): styles[change.action] for change in changes.containers if change.action in styles
    }


def _address(container: ContainerPlan | None) -> str:
    return str(container.address) if container else ""


def _image(container: ContainerPlan | None) -> str:
    return container.image if container else ""


def _cell(text: str) -> str:
    """Text that cannot end a table cell or start a tag or a code block."""
    for sign, safe in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("|", "\\|"), ("`", "'")):
        text = text.replace(sign, safe)
    return " ".join(text.split())
