"""What makes a container use its staged files, and the proof that it goes on (docs/decisions/0033-files.md); it is after Settled.

Inputs, which are its outputs:

- `host`, `ssh`, `service`, `container` (its name), `owner` (its owner label), `healthy_within`, `on_failure`: those of a Settled.
- `image`: as that of Files.
- `container_id`: an output of the container's resource.
- `generation`: the output of Files.
- `mounts`: target in the container -> slot (`FilesPlan.mounts`).
- `change`: `reload`, `restart` or `replace`. With `reload`: `reload_signal`, or else `reload_command`; "" and [] where not.
- `ports`, `secret_names`: as those of a Settled.
- `secrets` (secret): config key -> value, as that of Files: no message has them.
- `stop_seconds`: as that of a Handover.

Out of scope: the work on the host (`ipvlan.hosts.files`), and what counts as up (`ipvlan.hosts.settle`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from provider.errors import not_importable
from provider.resource import (
    Created,
    Difference,
    Operation,
    Properties,
    Resource,
    bound_ports,
    compare,
    connection_of,
    file_secrets,
)

_USED: Final = ("generation", "container_id", "mounts")
"""Properties whose change lets the container take its files."""
_RECORDED: Final = (
    "owner", "ssh", "container", "image", "change", "reload_signal", "reload_command", "ports", "healthy_within",
    "on_failure", "stop_seconds", "secret_names", "secrets",
)  # fmt: skip
"""Properties whose change alone does nothing on the host."""


class FilesInUse(Resource):
    """Lets a container go on with its staged files. The id is `HOST/SERVICE`."""

    name: ClassVar[str] = "FilesInUse"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Compare what the container has with what is staged: a new container has it."""
        _use(inputs, operation)
        return Created(f"{inputs['host']}/{inputs['service']}", inputs)

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:
        """Return the state with what was refused last in `tried`: the next `up` tries it again."""
        if not state:
            raise not_importable(self.name, id_)
        from provider.files_visit import open_files  # noqa: PLC0415  # most runs of this process refresh nothing

        with open_files(state, operation) as (_, folder):
            return {**state, "tried": folder.read({}).refused}

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report an update for other files or another container, and where something else is to be recorded."""
        return compare(old, new, identity=["host", "service"], rest=[*_USED, *_RECORDED])

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Let the container take the staged files; fail if it does not go on with them, and the state keeps the old generation."""
        if any(old.get(key) != new.get(key) for key in _USED):
            _use(new, operation, before=old)
        return new

    def delete(self, state: Properties, operation: Operation) -> None:
        """Forget it, with the state's entry: the folder is the Files' to remove."""


def _use(properties: Mapping[str, Any], operation: Operation, *, before: Mapping[str, Any] | None = None) -> None:
    """Let the container take the staged files; `before` are the properties in the state, None where it has none."""
    from ipvlan.hosts.files_in_use import Use, use_files  # noqa: PLC0415  # most runs of this process use no files
    from provider.files_visit import open_files  # noqa: PLC0415

    operation.hold(connection_of(properties, operation))
    before = before or {}
    use = Use(
        service=properties["service"],
        container=properties["container"],
        container_id=properties["container_id"],
        mounts=properties["mounts"],
        change=properties["change"],
        reload_signal=properties["reload_signal"],
        reload_command=properties["reload_command"],
        stop_seconds=int(properties["stop_seconds"]),
        healthy_within=int(properties["healthy_within"]),
        ports=bound_ports(properties["ports"]),
        secret_names=properties["secret_names"],
        # It had the old ones until now, and has them again where it does not go on: both may be in what it prints.
        secrets=tuple(dict.fromkeys((*file_secrets(before), *file_secrets(properties)))),
        restore=properties["on_failure"] == "restore",
    )
    with open_files(properties, operation) as (engine, folder):
        for warning in use_files(engine, folder, use, tried=before.get("tried") or ""):
            operation.warn(warning)
