"""The bridge attachment of one container: its connection to Docker's bridge, which binds its published ports on the host.

Responsible for connecting, for the proof that the ports are bound, for the reason when they are not, and for disconnecting. All
of it is safe to repeat. It runs Docker's command line on the host, in a visit of its own; `ipvlan.hosts.bridge_visit` connects in
an open one.

Docker is only ever given the id of the container that was declared. Its name may be somebody else's container by now.

Out of scope: which container is published (the plan), and when (the stack).

The bridge binds a container's ports only while it is the container's gateway (moby daemon/libnetwork/drivers/bridge,
ProgramExternalConnectivity). From Docker 28 `--gw-priority` decides which network is the gateway. Before, it is the network whose
name sorts first (moby libnetwork/sandbox.go, Less).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.bridge_refusals import absent, refusal
from ipvlan.hosts.errors import (
    DOCKER_UNAVAILABLE,
    NOT_PUBLISHED,
    NOT_UNPUBLISHED,
    UNREADABLE,
    HostError,
)
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.ports import EVERY_ADDRESS
from ipvlan.hosts.script import Output, run_script
from ipvlan.plan.docker_versions import GATEWAY_PRIORITY_API, with_a_gateway
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.model import ContainerPlan, HostPlan

BRIDGE_GATEWAY_PRIORITY: Final = 100
"""The fabric's endpoint has Docker's default, 0; anything above makes the bridge the gateway."""

TIMEOUT_SECONDS: Final = 90.0
"""For one visit to a host: a docker command needs about one second, on a busy host many."""

DOCKER_SECONDS: Final = 60
"""For one connection to the bridge, or its end, in seconds, but for its ports."""

PORTS_A_SECOND: Final = 10
"""Ports for which a connection gets another second: Docker was seen to bind 12 in one (moby/moby#14288)."""

MOST_PORTS: Final = 5
"""Ports that an error names; of more, the rest is counted."""

_ENDED: Final = ("exited", "restarting", "dead")
"""Docker's states of a container whose process has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPort:
    """One port that must be bound on the host: `80/tcp` of the container at `host_address:host_port`."""

    container_port: str
    """Number and protocol: `80/tcp`."""
    host_address: str
    """Empty for every address of the host."""
    host_port: int

    def __str__(self) -> str:
        address = f"{self.host_address}:{self.host_port}" if self.host_address else str(self.host_port)
        return f"{address} -> {self.container_port}"

    @property
    def protocol(self) -> str:
        """The port's protocol: tcp, udp or sctp."""
        return self.container_port.partition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeAttachment:
    """One container's attachment to Docker's bridge, as planned."""

    connection: HostConnection
    """The host that the container runs on."""
    container: str
    """The container's name."""
    container_id: str = ""
    """The id that Docker gave it, in full; empty only where there is no container yet, and nothing can be done on the host."""
    network: str
    """Name of the fabric's Docker network, to which the container is attached too; empty for one off the fabric."""
    ports: tuple[BoundPort, ...]
    """What is bound on the host by the attachment; empty for a container that only goes out through the bridge."""

    networks: tuple[str, ...] = ()
    """Names of the other networks of the container that could have its default route, sorted."""

    @property
    def host(self) -> str:
        """Name of the host."""
        return self.connection.name

    @property
    def before_bridge(self) -> str:
        """The network that has the default route on a Docker without priorities, as its name sorts first; empty for the bridge."""
        return min((name for name in (self.network, *self.networks) if name and name < BRIDGE), default="")


def port_list(ports: Sequence[BoundPort]) -> str:
    """Return ports as an error names them: some of them, and how many more."""
    shown = ", ".join(map(str, ports[:MOST_PORTS]))
    return shown if len(ports) <= MOST_PORTS else f"{shown} and {len(ports) - MOST_PORTS} more"


def planned_attachment(
    host: HostPlan, container: ContainerPlan, connection: HostConnection, container_id: str = ""
) -> BridgeAttachment:
    """Return the bridge attachment that the plan has for the container; `container_id` is empty before there is one."""
    return BridgeAttachment(
        connection=connection,
        container=container.name,
        container_id=container_id,
        network=host.network.name if container.fabric else "",
        networks=tuple(sorted(with_a_gateway(host, container))),
        ports=tuple(
            BoundPort(
                container_port=f"{port.container_port}/{port.protocol}",
                host_address=str(port.host_address or ""),
                host_port=port.host_port,
            )
            for written in container.docker_ports
            for port in written.singles()
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentState:
    """The state of a container's bridge attachment, as the host's Docker reports it."""

    container_id: str
    running: bool
    connected: bool
    bound: dict[str, frozenset[tuple[str, int]]]
    """`80/tcp` -> the (address, port) pairs that the daemon has bound."""
    container_state: str
    """Docker's name of the container's state: `exited (1)`."""

    def missing(self, ports: Sequence[BoundPort]) -> tuple[BoundPort, ...]:
        """Return those of `ports` that are not bound."""
        return tuple(port for port in ports if not self._holds(port))

    def _holds(self, port: BoundPort) -> bool:
        expected = {port.host_address} if port.host_address else EVERY_ADDRESS
        bound = self.bound.get(port.container_port, frozenset())
        return any(number == port.host_port and address in expected for address, number in bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """The outcome of one attempt to connect."""

    connected: bool
    """Whether Docker reported success."""
    message: str
    """What Docker printed."""
    state: AttachmentState
    output: Output


def read(attachment: BridgeAttachment) -> AttachmentState | None:
    """Return the state of the container's bridge attachment, or None when there is no container of that id.

    Raises:
        HostUnreachableError: The host does not answer.
        HostError: Docker on the host does not answer: that is no proof of absence.
    """
    result = run_script(attachment.connection, "bridge_read.sh", _identity(attachment), timeout=TIMEOUT_SECONDS)
    state = _read_state(attachment, result.output)
    if state is None and "docker" not in result.output:
        raise _docker_unavailable(attachment, result.stderr)
    return state


def connect(attachment: BridgeAttachment) -> AttachmentState:
    """Connect the container to Docker's bridge, as its gateway, and return the proof that every port is bound.

    A container whose ports are bound already is not changed. A connection that this call creates and that binds nothing is
    removed again. It takes four visits at most: a connection that is not the gateway is removed once, and created once more.

    Raises:
        HostError: Which ports are not bound, and why; or the container is not there, or not the one that was declared.
    """
    reply = _connect_once(attachment)
    if not _proven(attachment, reply) and reply.state.connected and "already exists" in reply.message:
        # Connected by somebody else, and not as the gateway: only a new connection changes that.
        disconnect(attachment)
        reply = _connect_once(attachment)
    if _proven(attachment, reply):
        return reply.state
    failure = _failure(attachment, reply)
    if reply.state.connected:
        try:
            disconnect(attachment)
        except HostError as error:
            raise HostError([*failure.problems, *error.problems], host=attachment.host) from None
    raise failure


def disconnect(attachment: BridgeAttachment) -> None:
    """Disconnect the container from Docker's bridge; succeed when there is no connection, or no container of that id, any more.

    Raises:
        HostError: The connection is still there, or nobody knows.
    """
    more = _more_seconds(attachment)
    variables = {**_identity(attachment), "seconds": str(DOCKER_SECONDS + more)}
    result = run_script(attachment.connection, "bridge_disconnect.sh", variables, timeout=TIMEOUT_SECONDS + more)
    if "status" not in result.output:
        raise _docker_unavailable(attachment, result.stderr)
    state = _read_state(attachment, result.output)
    message = result.output.text("message").strip()
    # With the daemon down, inspect finds nothing either: only Docker's own reply counts as "gone".
    gone = state is None and "no such container" in message.lower()
    # After a connection that failed, inspect goes on listing the network; the daemon itself reports that there is none.
    none = "is not connected to" in message
    if result.output.text("status") == "0" or gone or none or (state is not None and not state.connected):
        return
    raise HostError.on(
        attachment.host,
        NOT_UNPUBLISHED,
        problem=f'container "{attachment.container}" could not be disconnected from the bridge: {_one_line(message)}',
        effect="its ports may still be bound on the host",
        fix="fix Docker on the host, then run the same command again",
    )


def _connect_once(attachment: BridgeAttachment) -> _Reply:
    # A name that sorts before "bridge" keeps the gateway where there are no priorities, and Docker reports no error.
    more = _more_seconds(attachment)
    variables = {
        **_identity(attachment),
        "name": attachment.container,
        "seconds": str(DOCKER_SECONDS + more),
        "priority": str(BRIDGE_GATEWAY_PRIORITY),
        "priority_api": GATEWAY_PRIORITY_API,
        "needs_priority": "true" if attachment.before_bridge else "false",
        "ports": "\n".join(f"{port.protocol} {port.host_port}" for port in attachment.ports),
    }
    result = run_script(attachment.connection, "bridge_connect.sh", variables, timeout=TIMEOUT_SECONDS + more)
    if "refused" in result.output:
        raise refusal(attachment, result.output)
    if "status" not in result.output:
        raise _docker_unavailable(attachment, result.stderr)
    state = _read_state(attachment, result.output)
    if state is None:
        # Removed while the script ran.
        raise absent(attachment, "")
    return _Reply(
        connected=result.output.text("status") == "0",
        message=result.output.text("message").strip(),
        state=state,
        output=result.output,
    )


def _more_seconds(attachment: BridgeAttachment) -> int:
    return len(attachment.ports) // PORTS_A_SECOND


def _identity(attachment: BridgeAttachment) -> dict[str, str]:
    """Return the variable that names the container to a script."""
    if not attachment.container_id:
        raise ValueError(f"the attachment of {attachment.container} on {attachment.host} has no container id")
    return {"id": attachment.container_id}


def _proven(attachment: BridgeAttachment, reply: _Reply) -> bool:
    return reply.state.connected and not reply.state.missing(attachment.ports)


def _read_state(attachment: BridgeAttachment, output: Output) -> AttachmentState | None:
    text = output.text("container")
    if not text.strip():
        return None
    try:
        containers: list[dict[str, Any]] = json.loads(text)
    except json.JSONDecodeError:
        raise HostError.on(
            attachment.host,
            UNREADABLE,
            problem=f"`docker container inspect {short_id(attachment.container_id)}` printed no JSON: {text.strip()[:200]!r}",
            effect="the state of the bridge attachment is unknown",
            fix="make sure that `docker` on the host is Docker's own command line",
        ) from None
    return state_of(containers[0]) if containers else None


def state_of(inspected: Mapping[str, Any]) -> AttachmentState:
    """Return the state of the bridge attachment of a container that was inspected."""
    settings, state = inspected["NetworkSettings"], inspected["State"]
    bound = {
        port: frozenset((binding["HostIp"], int(binding["HostPort"])) for binding in bindings)
        for port, bindings in (settings.get("Ports") or {}).items()
        if bindings
    }
    status = str(state["Status"])
    return AttachmentState(
        container_id=inspected["Id"],
        # Docker counts a container that ends again and again as running between two tries.
        running=bool(state["Running"]) and not state.get("Restarting", False),
        connected=BRIDGE in (settings.get("Networks") or {}),
        bound=bound,
        container_state=f"{status} ({state['ExitCode']})" if status in _ENDED else status,
    )


def _failure(attachment: BridgeAttachment, reply: _Reply) -> HostError:
    """Return why no port is bound, or why there is no route to the internet."""
    missing = reply.state.missing(attachment.ports)
    reason, fix = _reason(attachment, reply, missing)
    if missing:
        problem = f'service "{attachment.container}" is not published: port {port_list(missing)} not bound. {reason}'
        effect = "clients cannot reach the service at this host"
    else:
        problem = f'service "{attachment.container}" has no route to the internet: it is not connected to the bridge. {reason}'
        effect = "the container reaches nothing beyond the fabric"
    return HostError.on(attachment.host, NOT_PUBLISHED, problem=problem, effect=effect, fix=fix)


def _reason(attachment: BridgeAttachment, reply: _Reply, missing: Sequence[BoundPort]) -> tuple[str, str]:
    """Return why the attachment does not hold, and the fix."""
    container_id = short_id(attachment.container_id)
    if not reply.state.running:
        return (
            f"The container is {reply.state.container_state}, and only a running one binds ports",
            f"see `docker logs {container_id}` on the host, fix the service's image or command, then run `pulumi up`",
        )
    message = _one_line(reply.message)
    if "already allocated" in message or "in use" in message:
        holders = [
            line.strip() for port in missing for line in reply.output.lines(f"holder_{port.protocol}_{port.host_port}")
        ]
        holder = f"by {'; '.join(holders)}" if holders else "by another container (`docker ps`)"
        return (
            f"The port is taken on the host {holder}. Docker's reply: {message}",
            f"free the port, or give the service another host port in ipvlan-fabric:services.{attachment.container}.ports",
        )
    if reply.message:
        kept = "; ".join(dict.fromkeys(reply.output.lines("kept")))
        if kept:
            return (
                f"Docker's reply: {message}. A link that an earlier failed connection left may be in the way, and stays: {kept}",
                f"restart the container when that suits (`docker restart {container_id}`), then run `pulumi up`",
            )
        return f"Docker's reply: {message}", "fix what Docker names on the host, then run `pulumi up`"
    others = " or ".join(f'"{name}"' for name in (attachment.network, *attachment.networks) if name)
    reason = (
        f"The bridge is connected but is not the container's gateway: {'network ' if others else ''}{others or 'another network'} "
        "is, and Docker publishes ports only through the gateway"
    )
    fix = (
        f"look for a gateway priority above {BRIDGE_GATEWAY_PRIORITY} on the container's networks, and check that the ports "
        f"were declared when the container was created (`docker inspect {container_id}`, PortBindings)"
    )
    return reason, fix


def _docker_unavailable(attachment: BridgeAttachment, stderr: str) -> HostError:
    return HostError.on(
        attachment.host,
        DOCKER_UNAVAILABLE,
        problem=f"Docker does not answer: {_one_line(stderr)}",
        effect="nothing was changed",
        fix="see `systemctl status docker` on the host",
    )


def _one_line(message: str) -> str:
    return " ".join(message.split()) or "no reason given"
