"""What happens on a host before a container is replaced: the new one is rehearsed, and a spare of the running one is made.

The resource comes before its container, and has the container's arguments. When they change, the engine updates it before it
deletes the container: what Docker refuses ends the `up` there, and nothing was stopped (docs/decisions/0026-rollout.md).

Out of scope: whether the new container comes up (`provider.settled`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from ipvlan.plan.container_updates import changed_arguments, replaced_by, unseen_changes
from provider.errors import not_importable
from provider.open_handovers import OPEN_HANDOVERS
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of

_REST: Final = (
    "container",
    "owner",
    "ssh",
    "docker_url",
    "ssh_options",
    "on_failure",
    "service",
    "healthy_within",
    "trigger",
    "files_folder",
    "files_generation",
    "image",
)
"""Properties whose change is an update; only one of the trigger does something on the host."""


class Handover(Resource):
    """Prepares the replacement of a container. The id is `HOST/SERVICE`."""

    name: ClassVar[str] = "Handover"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Record the arguments; prepare where the state has the container already, as one of an earlier version has."""
        if inputs["existing"]:
            _prepare(inputs, inputs["container"], operation)
        return Created(f"{inputs['host']}/{inputs['service']}", {**inputs, **_generation(0, inputs)})

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:  # noqa: ARG002  # no host has it
        """Return the arguments as they are: the state alone has them."""
        if not state:
            raise not_importable(self.name, id_)
        return state

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report an update for other arguments, and where something else is to be recorded.

        Arguments that Docker updates on a running container are recorded too: what the next change replaces is compared with them.
        """
        rest = compare(old, new, identity=["host"], rest=_REST)
        other = _is_unknown(new) or changed_arguments(old["arguments"], new["arguments"])
        return Difference([*rest.changed, *(["arguments"] if other else [])], rest.replaces)

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Rehearse the new container, and make a spare of the one that runs; fail before anything is stopped.

        Raises:
            HostError: Docker refuses the new container, and why; or the host does not answer.
        """
        if _replaces(old, new):
            # The one that is stopped has the time of its own settings.
            stop_seconds = max(old.get("stop_seconds") or 0, new["stop_seconds"])
            _prepare({**new, "stop_seconds": stop_seconds}, old["container"], operation)
        return {**new, **self.preview(old, new)}

    def preview(self, old: Properties, new: Properties) -> Properties:
        """Return the container's replacement trigger: another one where the docker provider would not see what replaces it.

        It keeps what the new arguments leave out, such as a `command` that is not in the stack file any more
        (docs/decisions/0015-provider-behaviour.md, 16), and the stack ignores `capabilities` (there, 19). All else it sees
        itself, and says in a preview what differs.
        """
        unseen = _other_files(old, new) or (
            not _is_unknown(new) and bool(unseen_changes(old["arguments"], new["arguments"]))
        )
        return _generation(int(old.get("generation") or 0) + unseen, new)

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove what handovers left on the host: the container is gone by now."""
        from ipvlan.hosts.spare import clear  # noqa: PLC0415

        connection = connection_of(state, operation)
        operation.hold(connection)
        clear(connection, state["container"], state["owner"], also_restored=True)


def _prepare(properties: Properties, running: str, operation: Operation) -> None:
    """Rehearse the new container, and make a spare of the one that has the name `running`."""
    # Only here: the engine starts this process at every `up`, and most of them replace nothing.
    from ipvlan.hosts.spare import make_spare  # noqa: PLC0415
    from provider.rehearsal import RehearsalRequest, rehearse  # noqa: PLC0415

    connection = connection_of(properties, operation)
    operation.hold(connection)
    rehearse(
        RehearsalRequest(
            connection=connection,
            docker_url=properties["docker_url"],
            ssh_options=tuple(properties["ssh_options"]),
            service=properties["service"],
            owner=properties["owner"],
            arguments=properties["arguments"],
        )
    )
    if properties["on_failure"] == "restore":
        missing = make_spare(connection, properties["container"], properties["owner"], running=running)
        if missing:
            operation.warn(missing)
        OPEN_HANDOVERS.begin(properties, connection.command)


def _generation(number: int, properties: Mapping[str, Any]) -> Properties:
    """Return how many replacements the docker provider did not see, and the trigger, at first that of stacks from before."""
    trigger = properties["trigger"]
    return {"generation": number, "replacement": f"{number} {trigger}" if number else trigger}


def _replaces(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether the container is replaced when these properties change; unknown arguments, in a preview, count as others."""
    return (
        _is_unknown(new)
        or old.get("trigger") != new.get("trigger")
        or _other_files(old, new)
        or replaced_by(old["arguments"], new["arguments"])
    )


def _other_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether the files of a container that is replaced for them are others; that it is, is nothing that replaces it."""
    generations = (old.get("files_generation"), new.get("files_generation"))
    return None not in generations and generations[0] != generations[1]


def _is_unknown(properties: Mapping[str, Any]) -> bool:
    """Return whether nothing of the arguments is known: so the engine asks where it replaces the network that they refer to."""
    return not isinstance(properties["arguments"], Mapping)
