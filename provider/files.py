"""The files of one container, staged on its host (docs/decisions/0033-files.md). It comes before the container's Handover.

Inputs, which the outputs have too:

- `host`, `ssh`, `service`, `container` (its name), `owner` (its owner label): as those of a Handover.
- `image`: reference or id of the service's image, on the host by now; a helper container is made of it where nothing else is root.
- `files`: what `ipvlan.hosts.files.file_properties` returns.
- `secrets` (secret, also as an output): config key -> value, of those that `files` names.
- `userns_host`: whether the container has `userns_mode: host`.
- `drifted`: always empty; a refresh writes there what is different on the host.
- `folder` (`ipvlan.hosts.files.folder_of`) and `generation` (1): those that a preview of its creation shows; they are outputs.

Outputs: `folder`, on the host; `generation`, a number that each change of the bytes, owners or modes raises, and each repair; both
are known in a preview. `digests`: target -> SHA-256 of the host's key and the bytes.

Out of scope: the work on the host (`ipvlan.hosts.files`), and what the container does with new files (`provider.files_in_use`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final

from ipvlan.plan.resource_names import FAILED_SUFFIX, REHEARSAL_SUFFIX
from provider.errors import not_importable
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of

if TYPE_CHECKING:
    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.hosts.files import FilesFolder

_CONTENT: Final = ("files", "secrets")
_REST: Final = ("owner", "ssh", "container", "image", "userns_host")


class Files(Resource):
    """Stages the files of a container. The id is `HOST/SERVICE`."""

    name: ClassVar[str] = "Files"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Stage them; what nothing is live of yet goes live too, so that the container finds its mounts.

        Without a container of that name, or one that mounts what is live, all goes live: what an earlier one had, as after
        `forget`, is nobody's.
        """
        return Created(f"{inputs['host']}/{inputs['service']}", _staged(inputs, operation, generation=1))

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:
        """Return the state with the targets in `drifted` that are different on the host.

        Raises:
            HostError: The host does not answer, or the folder is not this stack's.
        """
        if not state:
            raise not_importable(self.name, id_)
        from provider.files_visit import open_files  # noqa: PLC0415  # most runs of this process refresh nothing

        with open_files(state, operation) as (_, folder):
            found = folder.read(state["files"])
        return {**state, "drifted": list(found.drifted(state["digests"], state["files"]))}

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report an update for other bytes, owners or modes, for what a refresh found, and where something else is recorded."""
        return compare(old, new, identity=["host", "service"], rest=[*_CONTENT, "drifted", *_REST])

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Stage them where the bytes are others, or were different on the host; record the rest.

        Raises:
            HostError: The host does not answer, or the files are not written: what the container has live is as before.
        """
        if _moves(old, new):
            operation.warn(
                f"the files of {old['owner']} stay in their folder on {old['host']}: the owner label is {new['owner']} now"
            )
        if _generation(old, new) == old["generation"] and not _moves(old, new):
            return {**new, **{key: old[key] for key in ("folder", "generation", "digests")}}
        return _staged(new, operation, generation=_generation(old, new))

    def preview(self, old: Properties, new: Properties) -> Properties:
        """Return the generation, and the folder where the owner label is known: that of a new stack identity is not."""
        from ipvlan.hosts.files import folder_of  # noqa: PLC0415

        folder = {"folder": folder_of(new["owner"])} if isinstance(new["owner"], str) else {}
        return {**folder, "generation": _generation(old, new)}

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove the folder: the container is gone by now."""
        from provider.files_visit import open_files  # noqa: PLC0415

        operation.hold(connection_of(state, operation))
        with open_files(state, operation) as (_, folder):
            folder.remove()


def _generation(old: Mapping[str, Any], new: Mapping[str, Any]) -> int:
    """Return the number that stands for these bytes: another one where they, their owners or modes change, or need a repair."""
    number = int(old["generation"])
    return number + 1 if old.get("drifted") or not _has_same_bytes(old, new) else number


def _has_same_bytes(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Return whether the files are the same where they are on the host; names of secrets may differ. What is unknown differs."""
    from ipvlan.hosts.files import bytes_of  # noqa: PLC0415

    if all(old[key] == new[key] for key in _CONTENT):
        return True
    known = all(isinstance(new[key], Mapping) for key in _CONTENT)
    return known and bytes_of(old["files"], old["secrets"]) == bytes_of(new["files"], new["secrets"])


def _moves(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    return bool(old["owner"] != new["owner"])


def _is_unused(engine: EngineWrites, folder: FilesFolder, name: str) -> bool:
    """Return whether no container of that name is there, and none of another one, as before a rename, mounts what is live."""
    if engine.container_named(name) is not None:
        return False
    # Neither of these two is ever started again.
    ended = (FAILED_SUFFIX, REHEARSAL_SUFFIX)
    return not any(
        (mount.get("Source") or "").startswith(f"{folder.path}/live/")
        for container in engine.containers()
        if not any(each.endswith(ended) for each in container.get("Names") or ())
        for mount in container.get("Mounts") or ()
    )


def _staged(properties: Properties, operation: Operation, *, generation: int) -> Properties:
    """Return the outputs of files that are staged by this."""
    from ipvlan.hosts.files import bytes_of, folder_of  # noqa: PLC0415  # most runs of this process stage nothing
    from provider.files_visit import check_users, open_files  # noqa: PLC0415

    operation.hold(connection_of(properties, operation))
    with open_files(properties, operation) as (engine, folder):
        check_users(engine, properties)
        unused = _is_unused(engine, folder, properties["container"])
        digests = folder.stage(bytes_of(properties["files"], properties["secrets"]), unused=unused)
    return {
        **properties,
        "folder": folder_of(properties["owner"]),
        "generation": generation,
        "digests": dict(digests),
        "drifted": [],
    }
