"""The repair of one container on its host: connected to the fabric, started, or connected to bridges again.

Each repair names the container by its id. It looks first, in the same visit, whether the container is still as it was shown to the
user, and changes nothing where it is not. What Docker refuses half-way is undone: the container is connected where it was.

Out of scope: what is repaired (`ipvlan.checks.heal`), and the bridge attachment itself (`ipvlan.hosts.bridge`).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Self

from netaddr import IPAddress

from ipvlan.hosts import bridge
from ipvlan.hosts.endpoints import attach
from ipvlan.hosts.engine_writes import open_engine
from ipvlan.hosts.errors import (
    CHANGED_SINCE,
    DOCKER_REFUSED,
    DOCKER_UNAVAILABLE,
    REPAIR_NOT_UNDONE,
    REPAIR_UNDONE,
    HostError,
)
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.script import Output, ScriptResult, run_script
from ipvlan.hosts.snapshot import Endpoint, endpoint_of
from ipvlan.plan.resource_names import BRIDGE
from ipvlan.problems import shorten

if TYPE_CHECKING:
    from ipvlan.hosts.bridge import BridgeAttachment
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.hosts.endpoints import Wanted
    from ipvlan.hosts.snapshot import LiveContainer

CHANGE_SECONDS: Final = 500.0
"""Time limit of one repair on a host, in seconds: eight commands of up to 60, with those that undo it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A container as it was shown to the user: all that a repair depends on."""

    id: str
    name: str
    state: str
    endpoints: tuple[Endpoint, ...]
    """Sorted by the network's name."""

    @classmethod
    def of(cls, container: LiveContainer) -> Self:
        """Return what a repair depends on."""
        endpoints = tuple(endpoint for _, endpoint in sorted(container.endpoints.items()))
        return cls(id=container.id, name=container.name, state=container.state, endpoints=endpoints)

    @property
    def text(self) -> str:
        """The text that `repair_look.sh` prints of such a container."""
        return "\n".join((f"/{self.name} {self.state}", *map(_line, self.endpoints)))

    def after(self, output: Output) -> Self:
        """Return the container as a repair left it, which the repair's script printed."""
        return self.like(output.lines("after"))

    def like(self, lines: Sequence[str]) -> Self:
        """Return the container as the lines of `repair_look.sh` have it; as it is where there are none."""
        first, *networks = lines or self.text.split("\n")
        return replace(self, state=first.rpartition(" ")[2], endpoints=tuple(map(_endpoint, networks)))

    def on(self, network: str) -> Endpoint | None:
        """Return its endpoint on the network of that name."""
        return next((endpoint for endpoint in self.endpoints if endpoint.network == network), None)


def check(connection: HostConnection, seen: Seen) -> None:
    """Raise HostError where the container is not as it was shown any more."""
    _refuse_changed(connection, seen, run_script(connection, "repair_check.sh", _look(seen), timeout=CHANGE_SECONDS))


def start(connection: HostConnection, seen: Seen) -> Seen:
    """Start the container, or let a paused one go on, and return it as it is then.

    Raises HostError: the container is as before.
    """
    output = _refuse_changed(
        connection, seen, run_script(connection, "repair_start.sh", _look(seen), timeout=CHANGE_SECONDS)
    )
    if output.text("status") != "0":
        raise _refused(
            connection, f"Docker does not start {seen.name}: {_docker_says(output)}", f"{seen.name} is as it was"
        )
    return seen.after(output)


def connect_to_bridges(connection: HostConnection, seen: Seen, wanted: Wanted) -> Seen:
    """Make the container's connections to bridge networks as they are to be, and return it as it is then.

    One that was created and never started is started with them; one that was stopped stays stopped.

    Raises:
        HostError: Why not; what was done before stays done, and it is safe to repeat.
    """
    with open_engine(connection) as engine:
        described = engine.find_container(seen.id)
        if described is None:
            raise _gone(connection, seen)
        now = _inspected(described)
        if now.text != seen.text:
            raise _changed(connection, seen, now.text)
        attach(engine, wanted)
        return _inspected(engine.container(seen.id))


def disconnect_from_bridge(seen: Seen, attachment: BridgeAttachment) -> Seen:
    """Disconnect the container from Docker's bridge, and return it as it is then. Raises HostError."""
    connection = attachment.connection
    check(connection, seen)
    bridge.disconnect(attachment)
    # It is another one now, so the check prints what it is like.
    output = run_script(connection, "repair_check.sh", {**_look(seen), "expected": ""}, timeout=CHANGE_SECONDS).output
    return seen.like(output.lines("now"))


def connect_to_bridge(seen: Seen, attachment: BridgeAttachment) -> None:
    """Connect the container to Docker's bridge. One that is connected and binds nothing is connected again.

    Raises:
        HostError: Why not. A container that was connected is connected as before, or the message says that it is not.
    """
    connection = attachment.connection
    check(connection, seen)
    try:
        bridge.connect(attachment)
    except HostError as error:
        if seen.on(BRIDGE) is None:
            # What that call connected it has disconnected.
            raise
        output = run_script(connection, "repair_bridge_back.sh", {"container": seen.id}, timeout=CHANGE_SECONDS).output
        back = output.text("status") == "0"
        (about,) = error.problems
        raise HostError.on(
            connection.name,
            REPAIR_UNDONE if back else REPAIR_NOT_UNDONE,
            problem=about.problem if back else f"{about.problem}; and to connect it as before: {_docker_says(output)}",
            effect=f"{seen.name} is connected to the bridge as before" if back else about.effect,
            fix=about.fix,
        ) from None


def connect_to_fabric(
    connection: HostConnection, seen: Seen, *, network: str, network_id: str, address: IPAddress
) -> Seen:
    """Connect the container to the fabric's network at its planned address, and return it as it is then.

    Args:
        connection: The host.
        seen: The container as it was shown.
        network: Name of the fabric's network.
        network_id: Docker's id of it on this host.
        address: The planned address.

    Raises:
        HostError: Why not; and whether the container is connected as before, or not.
    """
    old = seen.on(network)
    # A deleted network is known by its name alone, in the container's own list.
    old_network = "" if old is None else network_id if old.network_id in ("", network_id) else network
    variables = {
        **_look(seen),
        "network": network_id,
        "address": str(address),
        "old_network": old_network,
        "old_name": "" if old is None else network,
        "old_address": "" if old is None else str(old.held or ""),
    }
    output = _refuse_changed(
        connection, seen, run_script(connection, "repair_fabric.sh", variables, timeout=CHANGE_SECONDS)
    )
    if "holder" in output:
        raise _refused(
            connection, f"{address} is held by container {shorten(output.text('holder'))}", f"{seen.name} is as it was"
        )
    if "network" in output:
        raise _refused(
            connection,
            f"there is no network {network} with id {network_id[:12]}: {shorten(output.text('network'))}",
            f"{seen.name} is as it was",
        )
    if output.text("status") == "0":
        return seen.after(output)
    problem = f"Docker does not connect {seen.name} to {network} at {address}: {_docker_says(output)}"
    if _is_back(seen, old, output):
        place = f"connected to {network} at {old.held} again" if old is not None and old.held else "as it was"
        raise HostError.on(
            connection.name,
            REPAIR_UNDONE,
            problem=problem,
            effect=f"{seen.name} is {place}",
            fix="fix what Docker names on the host, then run `ipvlan heal` again",
        )
    raise HostError.on(
        connection.name,
        REPAIR_NOT_UNDONE,
        problem=f"{problem}; and to connect it as before failed too: {' '.join(output.lines('undo')) or 'no reason given'}",
        effect=f"{seen.name} is not connected to {network}",
        fix=f"on the host: docker network connect {f'--ip {old.held} ' if old is not None and old.held else ''}"
        f"{shlex.quote(network)} {short_id(seen.id)}",
    )


def _look(seen: Seen) -> dict[str, str]:
    return {"container": seen.id, "expected": seen.text}


def _line(endpoint: Endpoint) -> str:
    return f"{endpoint.network} {endpoint.network_id} {endpoint.address or ''} {endpoint.fixed or ''}"


def _endpoint(line: str) -> Endpoint:
    network, network_id, address, fixed = (*line.split(" "), "", "", "")[:4]
    return Endpoint(
        network=network,
        network_id=network_id,
        address=IPAddress(address) if address else None,
        fixed=IPAddress(fixed) if fixed else None,
    )


def _is_back(seen: Seen, old: Endpoint | None, output: Output) -> bool:
    """Return whether the container is connected to the fabric's network as it was before, or not at all as before."""
    networks = {line.partition(" ")[0]: line.split(" ") for line in output.lines("after")[1:]}
    if old is None:
        return set(networks) == {endpoint.network for endpoint in seen.endpoints}
    held = str(old.held or "")
    return old.network in networks and held in networks[old.network]


def _refuse_changed(connection: HostConnection, seen: Seen, result: ScriptResult) -> Output:
    """Return the output of a repair; raise HostError where the container is not as shown, or Docker does not answer."""
    output = result.output
    if "now" in output:
        raise _changed(connection, seen, output.text("now"))
    failed = " ".join(output.lines("failed"))
    if "o such container" in failed:
        raise _gone(connection, seen)
    if failed or not output.values:
        raise HostError.on(
            connection.name,
            DOCKER_UNAVAILABLE,
            problem=f"Docker does not answer: {shorten(failed or result.complaints) or 'no reason given'}",
            effect="nothing is changed",
            fix="see `systemctl status docker` on the host",
        )
    return output


def _changed(connection: HostConnection, seen: Seen, now: str) -> HostError:
    return HostError.on(
        connection.name,
        CHANGED_SINCE,
        problem=f"{seen.name} ({seen.id[:12]}) is not as it was shown any more: it was {_short(seen.text)}, it is {_short(now)}",
        effect="nothing is changed on it",
        fix="see `ipvlan status`, then run `ipvlan heal` again",
    )


def _gone(connection: HostConnection, seen: Seen) -> HostError:
    return HostError.on(
        connection.name,
        CHANGED_SINCE,
        problem=f"{seen.name} ({seen.id[:12]}) does not exist any more",
        effect="nothing is changed",
        fix="see `ipvlan status`, then run `ipvlan heal` again",
    )


def _inspected(described: Mapping[str, Any]) -> Seen:
    """Return a container that Docker describes (`GET /containers/ID/json`)."""
    return Seen(
        id=described["Id"],
        name=described["Name"].removeprefix("/"),
        state=described["State"]["Status"],
        endpoints=tuple(
            endpoint_of(name, endpoint) for name, endpoint in sorted(described["NetworkSettings"]["Networks"].items())
        ),
    )


def _refused(connection: HostConnection, problem: str, effect: str) -> HostError:
    return HostError.on(
        connection.name,
        DOCKER_REFUSED,
        problem=problem,
        effect=effect,
        fix="fix what Docker names on the host, then run `ipvlan heal` again",
    )


def _docker_says(output: Output) -> str:
    return " ".join(" ".join(output.lines("message")).split()) or "no reason given"


def _short(text: str) -> str:
    """Return what `repair_look.sh` printed, for a sentence: the state, and the networks with their addresses."""
    first, *networks = text.split("\n")
    parts = [line.split(" ") for line in networks]
    places = [f"{part[0]} {part[2] or part[3] or 'no address'}" for part in parts if len(part) == 4]
    return shorten(", ".join((first.partition(" ")[2], *places)))
