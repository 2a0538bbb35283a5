"""One bridge network of the section `bridges` on a host: created, read and deleted there (docs/decisions/0032-bridges.md).

Docker cannot change a network. Another subnet, other options, or another `internal` are an update: the network is created again
below its containers, in one visit, and its new id goes to their endpoints.

Out of scope: the work on the host, which `ipvlan.hosts.bridge_rebuild` does. The state of every stack has the properties' names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from provider.errors import not_importable
from provider.resource import Created, Difference, Operation, Properties, Resource, compare, connection_of

if TYPE_CHECKING:
    from ipvlan.hosts.bridge_networks import Wanted
    from ipvlan.hosts.bridge_rebuild import Ensured

_PLACE: Final = ("host", "network")
"""Properties that say which network it is."""
_CONTENT: Final = ("internal", "subnet", "options", "external")
"""Properties whose change may need another network."""
_REST: Final = ("ssh", "labels", "owner", "stack")


class BridgeNetwork(Resource):
    """Creates, reads and deletes bridge networks. The id is `HOST/NAME`."""

    name: ClassVar[str] = "BridgeNetwork"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Create it, or use the one that is there, where that is this stack's; an external one must be there."""
        return Created(f"{inputs['host']}/{inputs['network']}", _ensured({}, inputs, operation))

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties | None:
        """Return None unless it exists, by its id; an external one by its name. Fail if the host does not answer."""
        from ipvlan.hosts.bridge_networks import find  # noqa: PLC0415  # most runs of this process read no network
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415

        if not state:
            raise not_importable(self.name, id_)
        with open_engine(connection_of(state, operation)) as engine:
            live = find(engine, _wanted(state, state))
        return None if live is None else {**state, "network_id": live.id}

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report an update; another place replaces. One that is missing is one too, also by its id alone."""
        found = compare(old, new, identity=_PLACE, rest=(*_CONTENT, *_REST))
        return Difference([*found.changed, *(["missing"] if new.get("missing") else [])], found.replaces)

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Create it again where it is to be another one or is missing; else record what changed, its id too.

        Raises:
            HostError: Containers of others are on it, and nothing was changed; or Docker refuses it.
        """
        if not _looks(old, new):
            if old["labels"] != new["labels"] and not new["external"]:
                operation.warn(
                    f"network {new['network']} on {new['host']} keeps the labels that it was created with: Docker changes none"
                )
            return {**new, "missing": False, "network_id": old["network_id"], "owner_label": old["owner_label"]}
        return _ensured(old, new, operation)

    def preview(self, old: Properties, new: Properties) -> Properties:
        """Return the network's id where it stays: what is connected to it stays as it is too."""
        return {} if _looks(old, new) else {"network_id": old["network_id"], "owner_label": old["owner_label"]}

    def delete(self, state: Properties, operation: Operation) -> None:
        """Remove it; an external one stays. Succeed if it is gone already.

        Raises:
            HostError: Containers of others are on it.
        """
        if state["external"]:
            return
        from ipvlan.hosts.bridge_rebuild import remove  # noqa: PLC0415  # most runs of this process delete no network
        from ipvlan.hosts.engine_writes import open_engine  # noqa: PLC0415

        connection = connection_of(state, operation)
        operation.hold(connection)
        with open_engine(connection) as engine:
            remove(engine, _wanted(state, state))


def _looks(old: Properties, new: Properties) -> bool:
    """Return whether the network on the host may have to be another one."""
    return bool(new.get("missing") or compare(old, new, identity=(), rest=_CONTENT).changed)


def _ensured(old: Properties, new: Properties, operation: Operation) -> Properties:
    """Return the outputs of the network, which exists as planned then; `old` is what the state has, empty for none."""
    from ipvlan.hosts.bridge_networks import links_of  # noqa: PLC0415
    from ipvlan.hosts.bridge_rebuild import ensure  # noqa: PLC0415  # most runs of this process create no network
    from ipvlan.hosts.engine_writes import open_session  # noqa: PLC0415

    wanted = _wanted(old, new)
    connection = connection_of(new, operation)
    operation.hold(connection)
    with open_session(connection) as (session, engine):
        ensured = ensure(engine, wanted, links=links_of(session, [wanted.options]))
    _tell(wanted, ensured, operation, again=bool(old) and not old["external"])
    # Of one to or from external the id may be another network's.
    if (
        old
        and not (ensured.created or ensured.rebuilt)
        and old["external"] is new["external"]
        and ensured.live.id != old["network_id"]
    ):
        operation.warn(
            f"network {wanted.name} on {wanted.host} was created again since the last run: it has another id"
        )
    # What others made is not this stack's, also when it is not external any more.
    label = "" if wanted.external else wanted.owner_label
    return {**new, "missing": False, "network_id": ensured.live.id, "owner_label": label}


def _tell(wanted: Wanted, ensured: Ensured, operation: Operation, *, again: bool) -> None:
    name = f"network {wanted.name} on {wanted.host}"
    if ensured.created and again:
        operation.warn(f"{name} was missing, and was created again")
    if ensured.unconnected:
        operation.warn(f"{name}: Docker did not connect {', '.join(ensured.unconnected)} to it again")


def _wanted(old: Properties, new: Properties) -> Wanted:
    from ipvlan.hosts.bridge_networks import Wanted  # noqa: PLC0415

    recorded: dict[str, Any] = {} if not old or old["external"] else old
    return Wanted(
        host=new["host"],
        name=new["network"],
        internal=new["internal"],
        subnet=new["subnet"],
        options=new["options"],
        labels=new["labels"],
        external=new["external"],
        owner=new["owner"],
        stack=new["stack"],
        recorded=recorded.get("network_id", ""),
        # Not in a state of before, and no difference: it says whose containers are, and nothing of the network.
        containers=new.get("containers") or (),
        dropped=sorted(recorded.get("options", {}).keys() - new["options"].keys()),
    )
