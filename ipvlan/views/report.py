"""What a change of a stack's config does, in Markdown for a pull request. What is dangerous comes first, then what hurts most."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from ipvlan.plan.changes import Action, Changes, ContainerChange
from ipvlan.plan.file_changes import FileAction
from ipvlan.plan.model import ContainerPlan
from ipvlan.plan.powers import ContainerPower, Power
from ipvlan.plan.report import Report
from ipvlan.plan.volume_changes import VolumeAction
from ipvlan.problems import Problem, shorten
from ipvlan.views import bridge_rows, file_contents, markdown
from ipvlan.views.mermaid import Style, topology
from ipvlan.views.rollout import listed, sentences

LONGEST_TABLE: Final = 200
"""Rows of one table; a comment on GitHub holds 65,536 characters."""

LONGEST_ORDER: Final = 50
"""Sentences about the order of the change."""

LONGEST_LIST: Final = 20
"""Problems of the earlier state that are listed."""

MOST_HOSTS_IN_SUMMARY: Final = 10

DANGEROUS: Final = "Dangerous settings"
"""How the title of the first section begins; a comment that is too long keeps that section."""

_STYLES: Final[dict[Action, Style]] = {
    "create": "create",
    "replace": "replace",
    "restart": "update",
    "reload": "update",
    "attach": "update",
    "detach": "update",
    "reconnect": "update",
    "update": "update",
}
"""How the topology shows a container; one that is deleted is not in it."""

_COUNTED: Final[tuple[tuple[Action, str], ...]] = (
    ("replace", "replaced"),
    ("restart", "stopped and started again"),
    ("delete", "deleted"),
    ("create", "new"),
    ("attach", "attached to a bridge"),
    ("detach", "detached from a bridge"),
    ("reconnect", "connected again by other names"),
    ("reload", "with other files while running"),
    ("update", "updated while running"),
)
"""The actions in the order of the summary."""


def as_markdown(report: Report) -> str:
    """Return the report as Markdown for GitHub."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    changes = report.changes
    yield f"## Stack {markdown.code(report.stack)}"
    yield ""
    yield from _earlier_state(report)
    yield _summary(report)
    yield ""
    yield from _powers(report.powers)
    yield from _containers(
        "Replaced: stopped, deleted and created again, with downtime",
        changes.of("replace"),
        ("Reason",),
        lambda change: ("; ".join(change.reasons),),
    )
    yield from _containers(
        "Stopped and started again, with downtime; each keeps its id",
        changes.of("restart"),
        ("Reason",),
        lambda change: ("; ".join(change.reasons),),
    )
    yield from _rollout(report)
    yield from _section(
        "Files",
        ("Service", "Host", "File", "Change", "What differs", "Its container"),
        [file_contents.row(change) for change in changes.files],
    )
    yield from _section(
        "Named volumes",
        ("Host", "Volume", "Change", "What differs", "Data"),
        [
            (change.host, change.name, change.action, "; ".join(change.reasons), change.effect)
            for change in changes.volumes
        ],
    )
    yield from _section(
        "Bridges",
        ("Host", "Bridge", "Change", "What differs", "Effect"),
        [*bridge_rows.rows(changes.bridges)],
    )
    yield from _containers(
        "Attached to bridges and detached from them, while they run",
        changes.of("attach", "detach", "reconnect"),
        ("Change", "Reason", "Effect"),
        lambda change: (change.action, "; ".join(change.reasons), bridge_rows.connection_effect(change)),
    )
    yield from _containers("Deleted", changes.of("delete"), ("Address",), lambda change: (_address(change.before),))
    yield from _section(
        "Hosts",
        ("Host", "Change", "Reason"),
        [(change.host, change.action, "; ".join(change.reasons)) for change in changes.hosts],
    )
    yield from _containers(
        "Addresses that move",
        report.moved,
        ("From", "To"),
        lambda change: (_address(change.before), _address(change.after)),
    )
    yield from _section(
        "Published ports",
        ("Host", "Service", "Host address and port", "Change"),
        [(change.host, change.service, change.port, change.action) for change in report.ports],
    )
    yield from _containers(
        "New containers",
        changes.of("create"),
        ("Address", "Image", "Has"),
        lambda change: (_address(change.after), change.after.image, _given(change.after)) if change.after else (),
    )
    yield from _containers(
        "Updated while running, no downtime",
        changes.of("update"),
        ("Change",),
        lambda change: (", ".join(change.reasons),),
    )
    yield from _section(
        "Settings that change nothing that runs",
        ("Key", "Before", "After", "Effect"),
        [(change.key, shorten(change.before), shorten(change.after), change.effect) for change in changes.settings],
    )
    yield from _section(
        "Other keys of the project's files, which are in no plan",
        ("File", "Key", "Change"),
        [(change.file, shorten(change.key), change.action) for change in report.keys],
    )
    yield from file_contents.contents(changes.files)
    yield from _warnings(report.after.warnings)
    yield from _topology(report)


def _earlier_state(report: Report) -> Iterator[str]:
    if report.before_problems:
        yield "The state before this change is no valid config, so everything below counts as new:"
        yield ""
        for problem in report.before_problems[:LONGEST_LIST]:
            yield f"- {markdown.code(problem.key)}: {markdown.escape(problem.problem)}"
        yield ""
    elif report.before is None:
        yield "The stack is new."
        yield ""


def _summary(report: Report) -> str:
    changes = report.changes
    if report.nothing:
        return "**Nothing changes on the hosts.**"
    counts = [(len(changes.of(action)), phrase) for action, phrase in _COUNTED]
    containers = ", ".join(f"{count} {phrase}" for count, phrase in counts if count)
    hosts = "; ".join(
        f"{markdown.escape(change.host)}: {change.action}" for change in changes.hosts[:MOST_HOSTS_IN_SUMMARY]
    )
    more = len(changes.hosts) - MOST_HOSTS_IN_SUMMARY
    hosts += f"; {more} more" if more > 0 else ""
    counted = {
        "containers": containers,
        "hosts": hosts,
        "files": ", ".join(
            f"{count} {_FILE_ACTIONS[action]}"
            for action, count in sorted(Counter(change.action for change in changes.files).items())
        ),
        "volumes": _counted_volumes(changes),
        "bridges": bridge_rows.counted(changes.bridges),
    }
    parts = [f"{what}: {text}" for what, text in counted.items() if text]
    powers = report.powers
    if powers:
        rows = _power_rows(powers)
        new = sum(is_new for _, is_new, _ in rows)
        parts.append(f"dangerous settings: {len(rows)}, **{new} of them new**")
    if changes.settings:
        parts.append(f"settings that change nothing that runs: {len(changes.settings)}")
    if report.keys:
        parts.append(f"other keys of the project's files: {len(report.keys)}")
    if any(change.action == "refuse" for change in changes.volumes):
        heading = "`up` refuses this change of a volume"
    elif changes.of("detach", "reconnect") and not report.has_downtime:
        heading = "No container is stopped; connections over a bridge end"
    elif any(change.action == "rebuild" for change in changes.bridges) and not report.has_downtime:
        heading = "No container stops; a bridge has no connection for some seconds"
    elif not changes.hosts and not changes.containers and not changes.bridges:
        heading = "The plan changes no container and no network"
    else:
        heading = "Downtime" if report.has_downtime else "No downtime"
    return f"**{heading}.** {'. '.join(parts)}."


def _counted_volumes(changes: Changes) -> str:
    actions = Counter(change.action for change in changes.volumes)
    return ", ".join(f"{count} {_VOLUME_ACTIONS[action]}" for action, count in sorted(actions.items()))


_FILE_ACTIONS: Final[Mapping[FileAction, str]] = {"add": "new", "change": "changed", "remove": "removed"}
_VOLUME_ACTIONS: Final[Mapping[VolumeAction, str]] = {
    "create": "new",
    "use": "of others",
    "keep": "kept on their hosts",
    "delete": "deleted",
    "replace": "replaced",
    "check": "that `up` compares first",
    "refuse": "that `up` refuses to change",
    "record": "with another setting",
}


def _power_rows(powers: Sequence[ContainerPower]) -> dict[tuple[str, bool, Power], list[str]]:
    """Return service, whether it is new, and what it may do -> all hosts on which that is the same."""
    hosts: dict[tuple[str, bool, Power], list[str]] = {}
    for power in powers:
        hosts.setdefault((power.service, power.is_new, power.power), []).append(power.host)
    return hosts


def _powers(powers: Sequence[ContainerPower]) -> Iterator[str]:
    yield from _section(
        f"{DANGEROUS}: how hosts are reached, and what containers may do there",
        ("New", "Service", "Host", "Setting", "Value", "Meaning"),
        [
            (
                "new" if is_new else "as before",
                service or "(the host)",
                listed(names, "hosts"),
                power.setting,
                shorten(power.value),
                power.meaning,
            )
            for (service, is_new, power), names in _power_rows(powers).items()
        ],
    )


def _given(container: ContainerPlan) -> str:
    """Return the keys that a new container has besides its image and address, those that are left out left out."""
    settings = container.settings
    fields = type(settings).model_fields
    given = [
        key for key, field in fields.items() if getattr(settings, key) != field.get_default(call_default_factory=True)
    ]
    for key in ("command", "ports", "published", "internet", "environment", "secret_environment", "bridges", "files"):
        if getattr(container, key):
            given.append(key)
    if not container.fabric:
        given.append("fabric: false")
    return ", ".join(sorted(given))


def _rollout(report: Report) -> Iterator[str]:
    """Yield the order of the change, how many containers at once, and what is briefly down."""
    lines = list(sentences(report.rollout))
    if not lines:
        return
    yield "### In which order, and what is briefly down"
    yield ""
    yield from (f"- {markdown.escape(line)}" for line in lines[:LONGEST_ORDER])
    if len(lines) > LONGEST_ORDER:
        yield f"- ... and {len(lines) - LONGEST_ORDER} more: `ipvlan report --json` lists them all."
    yield ""


def _containers(
    title: str,
    changes: Sequence[ContainerChange],
    headings: Sequence[str],
    cells: Callable[[ContainerChange], tuple[str, ...]],
) -> Iterator[str]:
    yield from _section(
        title, ("Host", "Service", *headings), [(change.host, change.service, *cells(change)) for change in changes]
    )


def _section(title: str, headings: Sequence[str], rows: Sequence[Iterable[str]]) -> Iterator[str]:
    """Yield a heading with the number of rows, and the table; nothing where there are no rows."""
    if not rows:
        return
    yield f"### {title} ({len(rows)})"
    yield ""
    yield from markdown.table(headings, rows[:LONGEST_TABLE])
    if len(rows) > LONGEST_TABLE:
        yield ""
        yield f"... and {len(rows) - LONGEST_TABLE} more: `ipvlan report --json` lists them all."
    yield ""


def _warnings(warnings: Sequence[Problem]) -> Iterator[str]:
    yield from _section(
        "Warnings",
        ("Code", "Key", "Value", "Problem", "Fix"),
        [(warning.code, warning.key, warning.value, warning.problem, warning.fix) for warning in warnings],
    )


def _topology(report: Report) -> Iterator[str]:
    yield "<details><summary>Topology after this change</summary>"
    yield ""
    yield markdown.fenced(topology(report.after, _styles(report.changes)), "mermaid")
    yield ""
    yield "Green: new. Red: replaced. Yellow: updated, attached or detached while running, or with other files. Blue: published."
    yield ""
    yield "</details>"


def _styles(changes: Changes) -> dict[tuple[str, str], Style]:
    return {
        (change.host, change.service): _STYLES[change.action]
        for change in changes.containers
        if change.action in _STYLES
    }


def _address(container: ContainerPlan | None) -> str:
    return container.address_text if container else ""
