"""What happens on a host before a container is replaced: the new one is rehearsed, and a spare of the running one is made.

The resource comes before its container, and has the container's arguments. When they change, the engine updates it before it
deletes the container: what Docker refuses ends the `up` there, and nothing was stopped (docs/decisions/0026-rollout.md).

The one of a service with files has the inputs `files_folder` (the folder of its Files) and `image` (as that of Files) besides,
and `files_staged` (the generation of its Files). Other files replace it where it has `files_generation` (the same number) too,
and where it has `files_unsettled` (true): the container in the state was never up, perhaps for its files, and a previous one may
run in its place. What is staged goes live after the spare is made, so that a new image and new files start together
(docs/decisions/0033-files.md).

The one of a container with bridges has the inputs `endpoints` (`network`, `aliases` each) and `keep_bridge` besides: the process
that ends a killed run starts the new container only when it is on all of them (`provider.going_back`).

Out of scope: whether the new container comes up (`provider.settled`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ipvlan.plan.container_updates import changed_arguments, replaced_by, unseen_changes
from provider.errors import not_importable
from provider.open_handovers import OPEN_HANDOVERS
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of

if TYPE_CHECKING:
    from ipvlan.hosts.files import FilesFolder

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
        staged = _is_repaired(old, new)
        return Difference(
            [*rest.changed, *(["arguments"] if other else []), *(["files_staged"] if staged else [])], rest.replaces
        )

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Rehearse the new container, and make a spare of the one that runs; fail before anything is stopped.

        Raises:
            HostError: Docker refuses the new container, and why; or the host does not answer.
        """
        if _replaces(old, new):
            # The one that is stopped has the time of its own settings.
            stop_seconds = max(old.get("stop_seconds") or 0, new["stop_seconds"])
            _prepare({**new, "stop_seconds": stop_seconds}, old["container"], operation, before=old)
        return {**new, **self.preview(old, new)}

    def preview(self, old: Properties, new: Properties) -> Properties:
        """Return the container's replacement trigger: another one where the docker provider would not see what replaces it.

        It keeps what the new arguments leave out, such as a `command` that is not in the stack file any more
        (docs/decisions/0015-provider-behaviour.md, 16), and the stack ignores `capabilities` (there, 19). All else it sees
        itself, and says in a preview what differs.
        """
        unseen = not _is_unknown(new) and bool(unseen_changes(old["arguments"], new["arguments"]))
        unseen = unseen or _has_other_files(old, new)
        return _generation(int(old.get("generation") or 0) + unseen, new)

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove what handovers left on the host: the container is gone by now."""
        from ipvlan.hosts.spare import clear  # noqa: PLC0415

        connection = connection_of(state, operation)
        operation.hold(connection)
        clear(connection, state["container"], state["owner"], also_restored=True)


def _prepare(
    properties: Properties, running: str, operation: Operation, *, before: Mapping[str, Any] | None = None
) -> None:
    """Rehearse the new container, and make a spare of the one that has the name `running`; then its files go live.

    `before` are the properties of the one that runs, where the state has them: it may have files, and the new one none.
    """
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
    with _files_of(properties, before or {}, operation) as files:
        if properties["on_failure"] == "restore":
            missing = make_spare(connection, properties["container"], properties["owner"], running=running, files=files)
            if missing:
                operation.warn(missing)
            OPEN_HANDOVERS.begin(properties, connection.command)
        if files is not None and properties.get("files_folder"):
            from ipvlan.hosts.files import live_mounts  # noqa: PLC0415

            # The container that runs is not told: it is deleted next, and its spare has a copy.
            mounts = live_mounts(properties["arguments"], properties["files_folder"])
            files.activate(mounts, pid=0, hold=False, keep=False)


@contextlib.contextmanager
def _files_of(
    properties: Mapping[str, Any], before: Mapping[str, Any], operation: Operation
) -> Iterator[FilesFolder | None]:
    """Open the folder of the container's files, or of those that the one before has; None where neither has any."""
    having = next((each for each in (properties, before) if each.get("files_folder")), None)
    if having is None:
        yield None
        return
    from provider.files_visit import open_files  # noqa: PLC0415

    with open_files({**properties, "image": having["image"], "owner": having["owner"]}, operation) as (_, folder):
        yield folder


def _generation(number: int, properties: Mapping[str, Any]) -> Properties:
    """Return how many replacements the docker provider did not see, and the trigger, at first that of stacks from before."""
    trigger = properties["trigger"]
    return {"generation": number, "replacement": f"{number} {trigger}" if number else trigger}


def _replaces(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether the container is replaced when these properties change; unknown arguments, in a preview, count as others."""
    return (
        _is_unknown(new)
        or old.get("trigger") != new.get("trigger")
        or _has_other_files(old, new)
        or replaced_by(old["arguments"], new["arguments"])
    )


def _has_other_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether other files replace the container; that it is replaced by them from now on, or no more, replaces nothing."""
    generations = old.get("files_generation"), new.get("files_generation")
    return (None not in generations and generations[0] != generations[1]) or _is_repaired(old, new)


def _is_repaired(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether a container that was never up gets other files than those with which it was to come up."""
    return bool(new.get("files_unsettled")) and old.get("files_staged") != new.get("files_staged")


def _is_unknown(properties: Mapping[str, Any]) -> bool:
    """Return whether nothing of the arguments is known: so the engine asks where it replaces the network that they refer to."""
    return not isinstance(properties["arguments"], Mapping)
