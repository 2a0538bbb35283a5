"""The JSON document of `ipvlan report`."""

from __future__ import annotations

from ipvlan.plan.model import ContainerPlan
from ipvlan.plan.report import Report
from ipvlan.plan.rollout_changes import ServiceStep
from ipvlan.views.json_document import ProblemEntry, TypedDict, document_part, problem_entries
from ipvlan.views.rollout import step_sentence


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
    """`create`, `delete`, `replace` (with downtime), `restart` (with downtime, for other files; it keeps its id), `reload` (of its
    files, it runs on), `update` (it runs on); `attach` to, `detach` from, or `reconnect` to a bridge (with other aliases), Docker's
    own or one of the section `bridges`."""
    reasons: list[str]
    address_before: str | None
    """Null also for a container that is not on the fabric."""
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
class PowerEntry(TypedDict):
    """A dangerous setting: what a container may do by it, or how the host is reached."""

    host: str
    service: str | None
    """Null for a setting of the host."""
    setting: str
    value: str
    """One entry of the setting; of a secret its key, never its value."""
    meaning: str
    new: bool
    """Whether the container in this place did not have it before."""


@document_part
class VolumeEntry(TypedDict):
    """What happens to one named volume on one host, and to its data."""

    host: str
    volume: str
    """Its name in Docker."""
    key: str
    """Its key in the section `volumes`."""
    action: str
    """`create`, `use` (it must exist), `keep`, `delete` and `replace` (its data is deleted), `refuse` (`up` ends with an error), or
    `record` (nothing changes on the host)."""
    reasons: list[str]
    effect: str
    """What it means for the data."""


@document_part
class BridgeEntry(TypedDict):
    """What happens to one bridge network of the section `bridges` on one host."""

    host: str
    bridge: str
    """Its name in Docker."""
    key: str
    """Its key in the section `bridges`."""
    action: str
    """`create`, `use` (somebody else makes it), `rebuild` (created again; its containers run on), `delete`, or `record` (nothing
    changes on the host)."""
    reasons: list[str]
    effect: str
    """What it means for the host."""
    moved_from: str | None
    """Name in Docker of the network that it takes the place of: its containers move, and connections over that one end."""
    moved_to: str | None
    """Name in Docker of the network that takes its place."""


@document_part
class FileEntry(TypedDict):
    """What happens to one file of a service, on all hosts where it is the same."""

    service: str
    hosts: list[str]
    file: str
    """Its path in the container."""
    action: str
    """`add`, `change` or `remove`."""
    effect: str
    """What its container does: `create`, `replace` and `restart` start it with the file, `reload` takes it while it runs."""
    details: list[str]
    """What differs besides the lines; of a secret its key, never its value."""
    diff: list[str]
    """The lines that differ, all of them, as a unified diff; empty for what is no text."""
    sources: list[str]
    """The paths below the project's folder that its bytes come from, before and after the change."""


@document_part
class SettingEntry(TypedDict):
    """A key that differs and changes nothing that runs."""

    key: str
    before: str
    after: str
    effect: str


@document_part
class KeyEntry(TypedDict):
    """A key of the project's files that differs and is in no plan; without its values, which may be secrets."""

    file: str
    key: str
    action: str
    """`add`, `change` or `remove`."""


@document_part
class StepEntry(TypedDict):
    """What is done to one service, on several hosts, in one step."""

    service: str
    action: str
    """`replace`, `restart` or `reload` (for other files), `create` or `delete`."""
    after: list[str]
    """The services of this change that are done before the step begins."""
    hosts: list[str]
    """In their order, where the action is `replace`, `restart` or `reload`."""
    at_once: int
    """The most containers of the step that are down, are created, or reload their files, at the same time."""
    others_answer: bool
    """Whether containers of the service run at every moment of the step."""
    healthy_within: int
    """Seconds in which a container must be up."""
    on_failure: str
    """`restore` or `leave`."""
    sentence: str
    """The step in words."""


@document_part
class TogetherEntry(TypedDict):
    """A host whose network, or whose volumes, are replaced: these containers are down together until they are there again."""

    host: str
    services: list[str]


@document_part
class RolloutEntry(TypedDict):
    """In which order the change is carried out."""

    steps: list[StepEntry]
    """What is replaced or gets other files, and what is created or deleted in an order; the other creations and deletions are in no
    order."""
    together: list[TogetherEntry]


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
    powers: list[PowerEntry]
    """What containers may do, what is new first; of a container that does not change only what is new."""
    hosts: list[HostEntry]
    containers: list[ContainerEntry]
    volumes: list[VolumeEntry]
    bridges: list[BridgeEntry]
    files: list[FileEntry]
    """Without those of containers that are deleted."""
    settings: list[SettingEntry]
    """What else differs in the plans."""
    keys: list[KeyEntry]
    """What else differs in the project's files."""
    rollout: RolloutEntry
    ports: list[PortEntry]
    warnings: list[ProblemEntry]
    """Warnings about the new state."""


def document(report: Report) -> ReportDocument:
    """Return the report, ready for `json.dumps`."""
    rollout = report.rollout
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
                "address_before": _address(change.before),
                "address_after": _address(change.after),
            }
            for change in report.changes.containers
        ],
        "powers": [
            {
                "host": found.host,
                "service": found.service or None,
                "setting": found.power.setting,
                "value": found.power.value,
                "meaning": found.power.meaning,
                "new": found.is_new,
            }
            for found in report.powers
        ],
        "volumes": [
            {
                "host": change.host,
                "volume": change.name,
                "key": change.key,
                "action": change.action,
                "reasons": list(change.reasons),
                "effect": change.effect,
            }
            for change in report.changes.volumes
        ],
        "bridges": [
            {
                "host": change.host,
                "bridge": change.name,
                "key": change.key,
                "action": change.action,
                "reasons": list(change.reasons),
                "effect": change.effect,
                "moved_from": change.moved_from,
                "moved_to": change.moved_to,
            }
            for change in report.changes.bridges
        ],
        "files": [
            {
                "service": change.service,
                "hosts": list(change.hosts),
                "file": change.target,
                "action": change.action,
                "effect": change.effect,
                "details": list(change.details),
                "diff": list(change.diff),
                "sources": list(change.sources),
            }
            for change in report.changes.files
        ],
        "settings": [
            {"key": change.key, "before": change.before, "after": change.after, "effect": change.effect}
            for change in report.changes.settings
        ],
        "keys": [{"file": change.file, "key": change.key, "action": change.action} for change in report.keys],
        "rollout": {
            "steps": [_step(step) for step in rollout.steps],
            "together": [{"host": host, "services": list(services)} for host, services in rollout.together.items()],
        },
        "ports": [
            {"host": change.host, "service": change.service, "port": change.port, "action": change.action}
            for change in report.ports
        ],
        "warnings": problem_entries(report.after.warnings),
    }


def _address(container: ContainerPlan | None) -> str | None:
    return None if container is None or container.address is None else str(container.address)


def _step(step: ServiceStep) -> StepEntry:
    return {
        "service": step.service,
        "action": step.action,
        "after": list(step.after),
        "hosts": list(step.hosts),
        "at_once": step.at_once,
        "others_answer": step.others_answer,
        "healthy_within": step.rollout.healthy_within,
        "on_failure": step.rollout.on_failure,
        "sentence": step_sentence(step),
    }
