"""What a host needs beside Docker: the routes to the other slices (l3), and its shim. Set, read and removed on the host.

Responsible for one systemd unit per parent, `ipvlan-fabric-PARENT.service`, which sets both after every boot; and, where
systemd-networkd runs the link of a route, for a drop-in of that link's .network file: networkd removes routes that it does not
know when it starts again (systemd.network(5), ManageForeignRoutes in networkd.conf(5)).

Out of scope: every other unit, link, route and file.

The ipvlan mode belongs to the parent and not to the link: the last link that is created sets it for all (kernel,
drivers/net/ipvlan/ipvlan_main.c, ipvlan_link_new). So the shim always has the fabric's mode.

It needs systemd, and root on the host or sudo without a password.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import NETWORKING_FAILED, NOT_OURS, HostError
from ipvlan.hosts.routes import has_address, has_route
from ipvlan.hosts.script import ScriptResult, run_script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.model import HostPlan

TIMEOUT_SECONDS: Final = 90.0
"""For one visit to a host; a start of the unit may wait for the network."""

UNITS: Final = "/etc/systemd/system"
"""Folder of the unit."""

FOLDERS: Final[Mapping[str, str]] = {"units": UNITS, "networks": "/etc/systemd/network", "runtime": "/run/systemd"}
"""systemd's folders on a host: of units, of .network files, and of its state at run time."""

MARK: Final = "# Made by ipvlan-fabric (Pulumi), and removed by it."
"""First line of every unit. A unit without it was written by somebody else."""

# What systemd and a shell read as one word, without a special meaning.
_PLAIN_WORD: Final = re.compile(r"[A-Za-z0-9_./:@-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """The host's own ipvlan link."""

    link: str
    address: str
    """IPv4 address, without prefix length."""
    slice: str
    """What the host reaches over it: CIDRs with a space in between. One text, since states have it so."""
    mode: str
    """l2, l3 or l3s."""

    @property
    def destinations(self) -> tuple[str, ...]:
        """The CIDRs, one by one."""
        return tuple(self.slice.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRoute:
    """A route to the containers of another host."""

    destination: str
    """CIDR."""
    via: str
    """IPv4 address of the other host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Networking:
    """All that one host needs beside Docker."""

    connection: HostConnection
    """The host, with its parent."""
    shim: Shim | None
    routes: tuple[SliceRoute, ...]

    @property
    def host(self) -> str:
        """Name of the host."""
        return self.connection.name

    @property
    def parent(self) -> str:
        """The NIC that carries the fabric on the host."""
        return self.connection.parent

    @property
    def unit(self) -> str:
        """Name of the unit: one per parent, as there is one ipvlan network per parent (docs/decisions/0012-host-networking.md)."""
        return f"{self._name}.service"

    @property
    def drop_in(self) -> str:
        """Name of the drop-in for systemd-networkd."""
        return f"{self._name}.conf"

    @property
    def _name(self) -> str:
        # The characters that systemd.unit(5) allows in a name.
        return f"ipvlan-fabric-{re.sub(r'[^A-Za-z0-9:_.-]', '-', self.parent)}"


def planned_networking(host: HostPlan, connection: HostConnection) -> Networking | None:
    """Return what the plan has for the host beside Docker; None when that is nothing."""
    if host.shim is None and not host.routes:
        return None
    return Networking(
        connection=connection,
        shim=None
        if host.shim is None
        else Shim(
            link=host.shim.link,
            address=str(host.shim.address),
            slice=" ".join(map(str, host.destinations)),
            mode=host.network.mode,
        ),
        routes=tuple(SliceRoute(destination=str(route.destination), via=str(route.via)) for route in host.routes),
    )


def apply(planned: Networking, before: Networking | None = None) -> None:
    """Set routes and shim, now and for every boot; remove what only `before` had. Safe to repeat.

    Routes that stay are never removed in between. What others set is never replaced: a unit or link of the planned name, or a
    route to the same destination.

    Raises:
        HostError: The host refuses it; a route would cover one of its own networks; something of others is in the way; or nobody
            may be root.
    """
    old_routes = [] if before is None else [route for route in before.routes if route not in planned.routes]
    old_shim = None if before is None or _keeps(before.shim, planned.shim) else before.shim
    variables = {
        **_names(planned),
        "unit_text": unit_text(planned),
        "routes": _lines(planned.routes),
        "old_routes": _lines(old_routes),
        "shim": "" if planned.shim is None else planned.shim.link,
        "slice": "" if planned.shim is None else planned.shim.slice,
        "old_shim": "" if old_shim is None else old_shim.link,
        "old_address": "" if old_shim is None else old_shim.address,
        "old_over": "\n".join(_over(None if before is None else before.shim, planned.shim)),
    }
    result = run_script(planned.connection, "networking_apply.sh", variables, timeout=TIMEOUT_SECONDS, as_root=True)
    if result.status != 0:
        raise _failure(
            planned,
            result,
            "its routes and shim cannot be set",
            "containers of other hosts, or its own, are not reached",
        )


def _keeps(before: Shim | None, planned: Shim | None) -> bool:
    """Return whether the link stays as it is: at most other routes lead over it."""
    if before is None or planned is None:
        return before is planned
    return replace(before, slice=planned.slice) == planned


def _over(before: Shim | None, planned: Shim | None) -> list[str]:
    """Return a line `DESTINATION LINK ADDRESS` for each route over the shim of before that is not planned any more."""
    lines, stay = (
        [] if shim is None else [f"{destination} {shim.link} {shim.address}" for destination in shim.destinations]
        for shim in (before, planned)
    )
    return [line for line in lines if line not in set(stay)]


def remove(planned: Networking) -> None:
    """Remove routes, shim, unit and drop-ins; succeed when there is nothing left of them.

    A route or link that is no longer as `planned` has it stays.

    Raises:
        HostError: Nobody may be root on the host, it is not run by systemd, or the unit was written by somebody else.
    """
    variables = {
        **_names(planned),
        "routes": _lines(planned.routes),
        "shim": "" if planned.shim is None else planned.shim.link,
        "address": "" if planned.shim is None else planned.shim.address,
    }
    result = run_script(planned.connection, "networking_remove.sh", variables, timeout=TIMEOUT_SECONDS, as_root=True)
    if result.status != 0:
        raise _failure(planned, result, "its routes and shim cannot be removed", "some of them may still be set")


def read(planned: Networking) -> tuple[str, ...]:
    """Return what of routes, shim and unit is missing on the host, one clause each; change nothing.

    Raises:
        HostError: The host does not answer.
    """
    shim = planned.shim
    variables = {"units": FOLDERS["units"], "unit": planned.unit, "shim": "" if shim is None else shim.link}
    result = run_script(planned.connection, "networking_read.sh", variables, timeout=TIMEOUT_SECONDS)
    if result.status != 0:
        raise _failure(planned, result, "its routes and shim cannot be read", "whether they are set is not known")
    routes = result.output.lines("route")
    missing: list[str] = []
    if f"{result.output.text('unit')}\n" != unit_text(planned):
        missing.append(f"{UNITS}/{planned.unit} is not as planned")
    missing += [
        f"no route to {route.destination} via {route.via}"
        for route in planned.routes
        if not has_route(routes, route.destination, "via", route.via)
    ]
    if shim is not None:
        if not has_address(result.output.lines("address"), shim.address):
            missing.append(f"{shim.link} does not hold {shim.address}")
        missing += [
            f"no route to {destination} over {shim.link}"
            for destination in shim.destinations
            if not has_route(routes, destination, "dev", shim.link)
        ]
    return tuple(missing)


def unit_text(planned: Networking) -> str:
    """Return the systemd unit that sets shim and routes after a boot, and removes them when it is stopped."""
    start: list[str] = []
    stop: list[str] = []
    if planned.shim is not None:
        link, address = _word(planned.shim.link), _word(planned.shim.address)
        # Fails when the link exists already, which is fine; where it fails for another reason the next line fails too.
        start.append(f"-ip link add {link} link {_word(planned.parent)} type ipvlan mode {_word(planned.shim.mode)}")
        start += [
            f"ip address replace {address}/32 dev {link}",
            f"ip link set {link} up",
            *(
                f"ip route replace {_word(destination)} dev {link} src {address}"
                for destination in planned.shim.destinations
            ),
        ]
        stop.append(f"-ip link delete {link}")
    for route in planned.routes:
        destination, via = _word(route.destination), _word(route.via)
        start.append(f"ip route replace {destination} via {via} proto static")
        stop.append(f"-ip route delete {destination} via {via}")
    lines = [
        MARK,
        "[Unit]",
        f"Description=Routes and shim of the ipvlan fabric on {planned.parent.replace('%', '%%')}",
        # Docker creates a parent that is a VLAN which the host does not have.
        "After=network-online.target docker.service",
        "Wants=network-online.target",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        # Also where the network is online later than it reports.
        "Restart=on-failure",
        "RestartSec=5",
        *(f"ExecStart={line}" for line in start),
        *(f"ExecReload={line}" for line in start),
        *(f"ExecStop={line}" for line in stop),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


def _word(value: str) -> str:
    """Return the value as one word of a command line in a unit (systemd.service(5), COMMAND LINES; systemd.syntax(7))."""
    if not value.isprintable():
        raise ValueError(f"{value!r} cannot be written into a systemd unit")
    if _PLAIN_WORD.fullmatch(value):
        return value
    for special, escaped in (("\\", "\\\\"), ('"', '\\"'), ("%", "%%"), ("$", "$$")):
        value = value.replace(special, escaped)
    return f'"{value}"'


def _names(planned: Networking) -> Mapping[str, str]:
    return {**FOLDERS, "unit": planned.unit, "mark": MARK, "drop_in": planned.drop_in, "parent": planned.parent}


def _lines(routes: Iterable[SliceRoute]) -> str:
    return "\n".join(f"{route.destination} {route.via}" for route in routes)


def _in_the_way(planned: Networking, result: ScriptResult) -> Iterator[tuple[str, str]]:
    """Yield what others set where the fabric's would be, and what to do about it."""
    for path in result.output.lines("foreign_unit"):
        yield (
            f"{path} was not written by ipvlan-fabric",
            f"move {path} away if nobody needs it",
        )
    for link in result.output.lines("foreign_link"):
        yield (
            f'its link "{link}" is no ipvlan link on {planned.parent}, and was not set up by ipvlan-fabric',
            f"see what it is for (`ip -d link show dev {shlex.quote(link)}`), and rename it or remove it if nobody needs it",
        )
    for line in result.output.lines("foreign_route"):
        route = " ".join(line.split()).removesuffix(" linkdown")
        yield (
            f'it has a route that ipvlan-fabric did not set: "{route}"',
            f"find out who set it; if nobody needs it, remove it on the host (`ip route del {shlex.join(route.split())}`)",
        )


def _failure(planned: Networking, result: ScriptResult, what: str, effect: str) -> HostError:
    in_the_way = list(_in_the_way(planned, result))
    if in_the_way:
        return HostError.on(
            planned.host,
            NOT_OURS,
            problem=f"{what}: {'; '.join(problem for problem, _ in in_the_way)}",
            effect=f"{effect}; nothing was changed on it",
            fix=f"{'; '.join(fix for _, fix in in_the_way)}; then run `pulumi up` again",
        )
    problems = "; ".join(result.output.lines("problem"))
    reason = " ".join(text for text in (problems, result.complaints) if text) or "no reason given"
    keys = [f"ipvlan-fabric:hosts.{planned.host}.shim"] if planned.shim is not None else []
    keys += ["ipvlan-fabric:fabric.mode"] if planned.routes else []
    if "sudo" in reason:
        fix = "let its ssh user be root, or become root by sudo without a password"
    elif "a network of its own" in reason:
        fix = (
            f"write slices that are no network of a host (ipvlan-fabric:hosts.{planned.host}.slice, or another host's)"
        )
    else:
        fix = "fix that on the host"
    return HostError.on(
        planned.host,
        NETWORKING_FAILED,
        problem=f"{what} ({', '.join(keys)}): {reason}",
        effect=effect,
        fix=f"{fix}, then run `pulumi up` again",
    )
