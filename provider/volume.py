"""One named volume on a host: created, read and deleted there (docs/decisions/0031-volumes.md).

Docker cannot change a volume. Another driver or other options are an update that is refused before the volume's containers are
touched: they come after it. Only where the state and the new config both have `delete: true` is the volume replaced: the engine
deletes its containers first, since they refer to it, then the volume with its data.

Out of scope: the work on the host, which `ipvlan.hosts.volumes` does. The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from provider.errors import not_importable
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of

_PLACE: Final = ("host", "volume")
"""Properties that say which volume it is."""
_CONTENT: Final = ("driver", "driver_opts", "secret_driver_opts")
"""Properties that Docker cannot change."""
_REST: Final = ("ssh", "labels", "external", "delete", "owner", "stack", "missing")


class Volume(Resource):
    """Creates, reads and deletes volumes. The id is `HOST/NAME`."""

    name: ClassVar[str] = "Volume"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Create it, or use the one that is there, where that is this stack's and as planned."""
        return Created(f"{inputs['host']}/{inputs['volume']}", _ensured(inputs, operation, accepted=""))

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties | None:
        """Return None unless it exists, and is the one in the state; fail if the host does not answer."""
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415  # most runs of this process read no volume
        from ipvlan.hosts.errors import DockerRefusedError  # noqa: PLC0415
        from ipvlan.hosts.volumes import find  # noqa: PLC0415
        from ipvlan.plan.resource_names import OWNER_LABEL  # noqa: PLC0415

        if not state:
            raise not_importable(self.name, id_)
        try:
            with open_engine(connection_of(state, operation)) as engine:
                live = find(engine, state["volume"])
        except DockerRefusedError as error:
            # Its driver does not answer. It may be there, with its data: the state is not to forget it.
            operation.warn(
                f"volume {state['volume']} on {state['host']} cannot be read, and stays in the state: {error.problems[0].problem}"
            )
            return state
        if live is None:
            return None
        same = state["external"] or live.labels.get(OWNER_LABEL) == state["owner_label"]
        return state if same else None

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report a replacement where both the state and the new config let the data be deleted; else an update."""
        content = compare(old, new, identity=_CONTENT, rest=())
        rest = compare(old, new, identity=_PLACE, rest=_REST)
        changed = [key for key in rest.changed if key != "missing" or new.get("missing")]
        return Difference(
            [*content.changed, *changed],
            [*rest.replaces, *(content.changed if _differs(old, new) and _may_replace(old, new) else [])],
        )

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Refuse another driver or other options, create it where it is missing, and record the rest.

        Raises:
            HostError: What differs, and what to do: nothing was changed.
        """
        looks = _differs(old, new) or compare(old, new, identity=(), rest=("external",)).changed or new.get("missing")
        if not looks:
            if old["labels"] != new["labels"]:
                operation.warn(
                    f"volume {new['volume']} on {new['host']} keeps the labels that it was created with: Docker cannot change them"
                )
            return {**new, "owner_label": old["owner_label"], "missing": False}
        return _ensured(new, operation, accepted=old["owner_label"], again=True)

    def delete(self, state: Properties, operation: Operation) -> None:
        """Delete it with its data where `delete` is true and nobody else needs it; else keep it and say so."""
        from ipvlan.hosts.volumes import delete, kept_line  # noqa: PLC0415  # most runs of this process delete no volume

        if state["external"]:
            return
        line = kept_line(state["host"], state["volume"])
        if not state["delete"]:
            # Without a visit: a host that is gone has nothing to keep or to lose.
            operation.warn(line)
            return
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415

        connection = connection_of(state, operation)
        operation.hold(connection)
        with open_engine(connection) as engine:
            reason = delete(engine, state["host"], state["volume"], state["owner"])
        if reason:
            operation.warn(f"{line}\nIt was to be deleted: {reason}")


def _may_replace(old: Properties, new: Properties) -> bool:
    """Return whether the volume and its data may be deleted for a new one: the change that allows it was made before.

    One that an earlier life of the stack created is never deleted, so it cannot be replaced: its containers would be deleted for
    nothing.
    """
    from ipvlan.plan.ownership import owner_label  # noqa: PLC0415

    ours = old["owner_label"] == owner_label(old["owner"], old["host"], old["volume"])
    return bool(old["delete"] and new["delete"] and not old["external"] and not new["external"] and ours)


def _differs(old: Properties, new: Properties) -> bool:
    """Return whether the volume would be another one in Docker: one driver has two spellings, and a secret option is an option."""
    return _content(old) != _content(new)


def _content(properties: Properties) -> object:
    from ipvlan.plan.volumes import canonical_driver  # noqa: PLC0415

    plain, secret = properties["driver_opts"], properties["secret_driver_opts"]
    # In a preview a value may be unknown, and no dictionary.
    options = {**plain, **secret} if isinstance(plain, dict) and isinstance(secret, dict) else (plain, secret)
    driver = properties["driver"]
    return canonical_driver(driver) if isinstance(driver, str) else driver, options


def _ensured(properties: Properties, operation: Operation, *, accepted: str, again: bool = False) -> Properties:
    """Return the outputs of the volume, which exists as planned then; `again` where the state has it already."""
    from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415  # most runs of this process create no volume
    from ipvlan.hosts.volumes import ensure  # noqa: PLC0415
    from ipvlan.plan.resource_names import OWNER_LABEL  # noqa: PLC0415
    from ipvlan.plan.volumes import data_elsewhere  # noqa: PLC0415

    wanted = _wanted(properties, accepted)
    connection = connection_of(properties, operation)
    operation.hold(connection)
    with open_engine(connection) as engine:
        ensured = ensure(engine, wanted)
    name = f"volume {wanted.name} on {wanted.host}"
    if ensured.reused:
        operation.warn(f"{name} was kept by an earlier life of this stack: it is used again, with its data")
    elif ensured.created and again:
        content = "its data is where its device is" if data_elsewhere(wanted.driver, wanted.options) else "it is empty"
        operation.warn(f"{name} was missing, and was created again: {content}")
    # What another stack made is not this one's, also when it is not external any more.
    label = "" if wanted.external else ensured.live.labels.get(OWNER_LABEL, "")
    return {**properties, "owner_label": label, "missing": False}


def _wanted(properties: Properties, accepted: str) -> Any:
    from ipvlan.hosts.volumes import Wanted  # noqa: PLC0415

    return Wanted(
        host=properties["host"],
        name=properties["volume"],
        driver=properties["driver"],
        options={**properties["driver_opts"], **properties["secret_driver_opts"]},
        labels=properties["labels"],
        secrets=list(properties["secret_driver_opts"].values()),
        external=properties["external"],
        owner=properties["owner"],
        stack=properties["stack"],
        accepted=accepted,
    )
