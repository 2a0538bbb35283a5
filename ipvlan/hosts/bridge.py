"""The bridge connection of one container: what opens and closes the door of a published service, on the host itself.

Owns: connecting, proving that the ports are bound, saying why when they are not, disconnecting; all of it safe to repeat.
Leaves alone: which container is published (the plan) and when (the stack). Runs the docker command line on the host by ssh.

Rules and their sources: the bridge binds a container's ports only while it is the container's gateway (moby
daemon/libnetwork/drivers/bridge, ProgramExternalConnectivity). From Docker 28 `--gw-priority` decides which network that is;
before, among networks alike, the one whose name sorts first (moby libnetwork/sandbox.go, Less).
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.connection import HostConnection, run_on_host
from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan, HostPlan

#: The fabric's endpoint has Docker's default, 0; anything above makes the bridge the gateway.
BRIDGE_GATEWAY_PRIORITY: Final = 100

#: Seconds for one visit to a host: a docker command line needs about one, a busy host many.
TIMEOUT_SECONDS: Final = 90.0

_MARK = "--ipvlan-fabric--"

#: Docker's states of a container whose process has ended.
_ENDED: Final = ("exited", "restarting", "dead")

# An older command line does not know the flag, an older daemon refuses it: both leave everything as it was.
# A connection that failed (a port that is taken) leaves its link in the container, and with it the next one fails too, "conflicts
# with existing route" (Docker 26.1): whatever the container has in the bridge's subnet without being connected is taken away.
_CONNECT = """
attach() {
  if said=$(timeout 60 docker network connect --gw-priority "$priority" bridge "$name" 2>&1); then return 0; fi
  case $said in
    *"unknown flag"* | *"requires API version"*) said=$(timeout 60 docker network connect bridge "$name" 2>&1) ;;
    *) return 1 ;;
  esac
}
sweep() {
  pid=$(timeout 60 docker container inspect --format '{{.State.Pid}}' "$name" 2>/dev/null) || return 0
  subnet=$(ip -o -4 addr show docker0 2>/dev/null | awk '{ print $4; exit }')
  if [ "${pid:-0}" -eq 0 ] || [ -z "$subnet" ]; then return 0; fi
  nsenter -t "$pid" -n ip -o -4 addr show to "$subnet" | awk '{ print $2 }' | while read -r link; do
    nsenter -t "$pid" -n ip link del "$link"
  done
}
connect() {
  attach && return 0
  case $said in
    *"already exists"* | *"o such container"*) return 1 ;;
    *"conflicts with existing route"*) sweep 2>/dev/null; attach && return 0 ;;
  esac
  sweep 2>/dev/null
  return 1
}
has_priority() {
  docker network connect --help 2>/dev/null | grep -q gw-priority &&
    docker version --format '{{.Server.APIVersion}}' | awk -F. '{ exit !($1 > 1 || $2 >= 48) }'
}
"""

_INSPECT = """
echo "$mark"
timeout 60 docker container inspect "$name" 2>/dev/null
echo "$mark"
"""

# Only asked where the port may be taken: Docker refused the connection.
_LISTENERS = """
[ "$status" -eq 0 ] || ss -Hlntup 2>/dev/null || true
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundPort:
    """One port that must be bound on the host: `80/tcp` of the container at `host_address:host_port`.

    `host_address` is "" for every address of the host.
    """

    container_port: str
    host_address: str
    host_port: int

    def __str__(self) -> str:
        where = f"{self.host_address}:{self.host_port}" if self.host_address else str(self.host_port)
        return f"{where} -> {self.container_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeAttachment:
    """One container's attachment to Docker's bridge, as planned."""

    connection: HostConnection
    """The host that the container runs on."""
    container: str
    """The container's name."""
    network: str
    """Name of the fabric's Docker network, to which the container is attached too."""
    ports: tuple[BoundPort, ...]
    """What is bound on the host while the attachment exists; empty for a container that only goes out through the bridge."""

    @property
    def host(self) -> str:
        """Name of the host."""
        return self.connection.name


def planned_attachment(host: HostPlan, container: ContainerPlan, connection: HostConnection) -> BridgeAttachment:
    """Return the bridge attachment that the plan wants for the container."""
    return BridgeAttachment(
        connection=connection,
        container=container.name,
        network=host.network.name,
        ports=tuple(
            BoundPort(
                container_port=f"{port.container_port}/{port.protocol}",
                host_address=str(port.host_address or ""),
                host_port=port.host_port,
            )
            for port in container.docker_ports
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentState:
    """What a host says of a container's bridge connection."""

    container_id: str
    running: bool
    connected: bool
    #: `80/tcp` -> the (address, port) pairs that the daemon has bound.
    bound: dict[str, frozenset[tuple[str, int]]]
    #: The container's state in Docker's words, e.g. "exited (1)".
    container_state: str

    def missing(self, ports: Sequence[BoundPort]) -> tuple[BoundPort, ...]:
        """Return those of `ports` that are not bound."""
        return tuple(port for port in ports if not self._holds(port))

    def _holds(self, port: BoundPort) -> bool:
        bound = self.bound.get(port.container_port, frozenset())
        wanted = {port.host_address} if port.host_address else {"0.0.0.0", "::", ""}  # noqa: S104  # Docker's words for "every address"
        return any(number == port.host_port and address in wanted for address, number in bound)


def read(attachment: BridgeAttachment) -> AttachmentState | None:
    """Return what the host says of the container's bridge connection, or None when there is no such container.

    Raises HostUnreachableError, or HostError when Docker on the host does not answer: not knowing is not absence.
    """
    text = _prelude(attachment) + _INSPECT + 'docker version --format "{{.Server.Version}}" >/dev/null\n'
    done = run_on_host(attachment.connection, _shell(text), timeout=TIMEOUT_SECONDS)
    state, _ = _parse(attachment, done.stdout)
    if state is None and done.returncode != 0:
        raise _docker_silent(attachment, done.stderr)
    return state


def connect(attachment: BridgeAttachment) -> AttachmentState:
    """Connect the container to Docker's bridge, as its gateway, and return the proof that every port is bound.

    Nothing is done to a container whose ports are bound already. Raises HostError that says which ports are not bound and
    why; a connection that this call made and that binds nothing is taken away again.
    """
    # A name that sorts before "bridge" keeps the gateway where there are no priorities, and Docker says nothing of it.
    loses = "true" if attachment.network < BRIDGE else "false"
    text = (
        _prelude(attachment)
        + f"loses={loses}\n"
        + _CONNECT
        + 'if "$loses" && ! has_priority; then echo "$mark"; echo "$mark"; echo no-priority; exit 3; fi\n'
        + "said=; connect; status=$?\n"
        + _INSPECT
        + 'echo "$status"; printf "%s\\n" "$said"; echo "$mark"\n'
        + _LISTENERS
    )
    state, rest = _visit(attachment, text)
    if rest.strip() == "no-priority":
        raise HostError(
            f'host "{attachment.host}": its Docker is older than 28 and has no --gw-priority: the network whose name sorts '
            f'first is the gateway; "{attachment.network}" sorts before "{BRIDGE}", and no port of "{attachment.container}" would '
            f"be published. "
            f"Give ipvlan-fabric:fabric.name a name that sorts after it (for example "
            f'"{_later_name(attachment.network)}"), or upgrade Docker to 28 or later. Nothing was changed.'
        )
    if state is None:
        raise HostError(
            f'host "{attachment.host}": there is no container "{attachment.container}" to publish; it was removed by hand. '
            f"Run `pulumi up --refresh`: it makes the container and its bridge connection again."
        )
    outcome, _, listeners = rest.partition(_MARK)
    status, _, said = outcome.strip().partition("\n")
    missing = state.missing(attachment.ports)
    if not missing and state.connected:
        return state
    if status != "0" and state.connected and "already exists" in said:
        # Connected by somebody else, and not as the gateway: only a new connection changes that.
        disconnect(attachment)
        return connect(attachment)
    reason = _reason(attachment, state, said, missing, listeners)
    if state.connected:
        disconnect(attachment)
    raise HostError(
        f'host "{attachment.host}": service "{attachment.container}" is not published: '
        f"port {', '.join(str(port) for port in missing)} not bound. {reason}"
        if missing
        else f'host "{attachment.host}": service "{attachment.container}" has no way out: it is not connected to '
        f"the bridge. {reason}"
    )


def disconnect(attachment: BridgeAttachment) -> None:
    """Disconnect the container from Docker's bridge; succeeds when there is no connection, or no container, any more."""
    text = (
        _prelude(attachment)
        + 'said=$(timeout 60 docker network disconnect bridge "$name" 2>&1); status=$?\n'
        + _INSPECT
        + 'echo "$status"; printf "%s\\n" "$said"\n'
    )
    state, rest = _visit(attachment, text)
    status, _, said = rest.strip().partition("\n")
    # With the daemon down, inspect finds nothing either: only Docker's own word counts as "gone".
    gone = state is None and "no such container" in said.lower()
    # After a connection that failed, inspect goes on listing the network; the daemon itself says that there is none.
    none = "is not connected to" in said
    if status == "0" or gone or none or (state is not None and not state.connected):
        return
    raise HostError(
        f'host "{attachment.host}": "{attachment.container}" could not be disconnected from the bridge, its ports may '
        f"still be open: "
        f"{said.strip() or 'Docker gave no reason'}. Fix Docker on the host and run the same command again."
    )


def _shell(text: str) -> str:
    # The login shell of the user may be any; the text is written for a POSIX one.
    return f"exec sh -c {shlex.quote(text)}"


def _prelude(attachment: BridgeAttachment) -> str:
    return f"name={shlex.quote(attachment.container)} priority={BRIDGE_GATEWAY_PRIORITY} mark={_MARK}\n"


def _visit(attachment: BridgeAttachment, text: str) -> tuple[AttachmentState | None, str]:
    done = run_on_host(attachment.connection, _shell(text), timeout=TIMEOUT_SECONDS)
    if done.stdout.count(_MARK) < 2:
        raise _docker_silent(attachment, done.stderr)
    return _parse(attachment, done.stdout)


def _docker_silent(attachment: BridgeAttachment, stderr: str) -> HostError:
    return HostError(
        f'host "{attachment.host}": Docker does not answer: {stderr.strip() or "no reason given"}. '
        f"Look at it with `systemctl status docker` on the host; nothing was changed."
    )


def _parse(attachment: BridgeAttachment, stdout: str) -> tuple[AttachmentState | None, str]:
    _, _, after = stdout.partition(_MARK)
    inspected, _, rest = after.partition(_MARK)
    try:
        found: list[dict[str, Any]] = json.loads(inspected) if inspected.strip() else []
    except json.JSONDecodeError:
        raise HostError(
            f'host "{attachment.host}": `docker container inspect {attachment.container}` printed no JSON: '
            f"{inspected.strip()[:200]!r}. "
            f"Is `docker` on the host Docker's own command line?"
        ) from None
    return (_state(found[0]) if found else None), rest


def _state(inspected: dict[str, Any]) -> AttachmentState:
    settings = inspected["NetworkSettings"]
    state = inspected["State"]
    bound = {
        port: frozenset((binding["HostIp"], int(binding["HostPort"])) for binding in bindings)
        for port, bindings in (settings.get("Ports") or {}).items()
        if bindings
    }
    return AttachmentState(
        container_id=inspected["Id"],
        # A container that ends again and again counts as running to Docker between two tries.
        running=bool(state["Running"]) and not state.get("Restarting", False),
        connected=BRIDGE in (settings.get("Networks") or {}),
        bound=bound,
        container_state=f"{state['Status']} ({state['ExitCode']})"
        if state["Status"] in _ENDED
        else str(state["Status"]),
    )


def _reason(
    attachment: BridgeAttachment, state: AttachmentState, said: str, missing: Sequence[BoundPort], listeners: str
) -> str:
    if not state.running:
        return (
            f"The container is {state.container_state}, and only a running one binds ports. See "
            f"`docker logs {attachment.container}` on the "
            f"host, fix the service's image or command, then run `pulumi up`."
        )
    holders = [line for port in missing for line in _listening(port, listeners)]
    if "already allocated" in said or "in use" in said:
        held = f" It is held by: {'; '.join(holders)}." if holders else " Another container holds it (`docker ps`)."
        return (
            f"The port is taken on the host.{held} Free it, or give the service another host port in "
            f"ipvlan-fabric:services.{attachment.container}.ports. Docker said: {said.strip()}"
        )
    if said.strip():
        return f"Docker said: {said.strip()}"
    return (
        f'The bridge is connected but is not the gateway of the container: network "{attachment.network}" is, and Docker publishes '
        f"through the gateway alone. Look for a gateway priority above {BRIDGE_GATEWAY_PRIORITY} on the container's networks, and "
        f"whether the ports were declared when the container was made (`docker inspect {attachment.container}`, PortBindings)."
    )


def _listening(port: BoundPort, listeners: str) -> list[str]:
    protocol = port.container_port.partition("/")[2]
    found = []
    for line in listeners.splitlines():
        fields = line.split()
        if len(fields) >= 5 and fields[0] == protocol and fields[4].rpartition(":")[2] == str(port.host_port):
            found.append(f"{fields[4]} {fields[6] if len(fields) > 6 else ''}".strip())
    return found


def _later_name(name: str) -> str:
    return f"fabric-{name}"
