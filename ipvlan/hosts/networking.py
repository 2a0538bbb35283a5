"""What a host needs beside Docker: the routes to the other slices (l3), and its shim. Made, re-read and removed on the host.

Owns one systemd unit per parent, `ipvlan-fabric-PARENT.service`, which sets both after every boot, and where systemd-networkd
runs the link of a route, a drop-in of that link's .network file: networkd removes routes that it does not know when it starts
again (systemd.network(5), ManageForeignRoutes in networkd.conf(5)). Leaves alone every other unit, link, route and file.

The ipvlan mode is the parent's, not the link's: the last one made sets it for all (kernel, drivers/net/ipvlan/ipvlan_main.c,
ipvlan_link_new), so that the shim is always made in the fabric's.

Needs root on the host, or sudo without a password, and systemd.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.connection import HostConnection, run_on_host
from ipvlan.hosts.errors import HostError

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan

#: Seconds for one visit to a host; a start of the unit may wait for the network.
TIMEOUT_SECONDS: Final = 90.0

#: Where the unit lies.
UNITS: Final = "/etc/systemd/system"

_MARK: Final = "--ipvlan-fabric--"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shim:
    """The host's own ipvlan link."""

    link: str
    address: str
    """IPv4 address, without prefix length."""
    slice: str
    """CIDR: what the host reaches over it."""
    mode: str
    """l2, l3 or l3s."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceRoute:
    """One route."""

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
        # The characters that systemd.unit(5) allows in a name.
        return f"ipvlan-fabric-{re.sub(r'[^A-Za-z0-9:_.-]', '-', self.parent)}.service"


def planned_networking(host: HostPlan, connection: HostConnection) -> Networking | None:
    """What the plan wants for the host beside Docker; None when that is nothing."""
    if host.shim is None and not host.routes:
        return None
    return Networking(
        connection=connection,
        shim=None
        if host.shim is None
        else Shim(
            link=host.shim.link,
            address=str(host.shim.address),
            slice=str(host.slice),
            mode=host.network.mode,
        ),
        routes=tuple(SliceRoute(destination=str(route.destination), via=str(route.via)) for route in host.routes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What is on the host."""

    missing: tuple[str, ...]
    """What is not as it must be, one clause each; empty when all is."""


def apply(wanted: Networking, before: Networking | None = None) -> None:
    """Make routes and shim, now and for every boot; what `before` had and `wanted` has not goes. Safe to repeat.

    Routes that stay are never taken away in between. Raises HostError.
    """
    text = [_PRELUDE, *_obsolete(wanted, before), _refuse_own_networks(wanted)]
    text += [
        f"cat > {UNITS}/{wanted.unit} <<'UNIT'\n{unit_text(wanted)}UNIT",
        _drop_ins(wanted),
        "systemctl daemon-reload",
        f"systemctl enable --quiet {shlex.quote(wanted.unit)} 2>/dev/null",
        # Reloads, and does not restart: a restart would take all routes away for a moment.
        f"systemctl reload-or-restart {shlex.quote(wanted.unit)} && exit 0",
        f"systemctl status --no-pager --lines=5 {shlex.quote(wanted.unit)} 2>&1 | tail -n 5; exit 1",
    ]
    _visit(wanted, "\n".join(text), "its routes and shim could not be made")


def remove(gone: Networking) -> None:
    """Take routes, shim, unit and drop-ins away; succeeds when there is nothing left of them. Raises HostError."""
    text = [
        _PRELUDE,
        f"systemctl disable --quiet --now {shlex.quote(gone.unit)} 2>/dev/null",
        f"rm -f {UNITS}/{gone.unit}",
        _remove_drop_ins(gone),
        *(f"ip route del {route.destination} via {route.via} 2>/dev/null" for route in gone.routes),
    ]
    if gone.shim is not None:
        text.append(f"ip link del {shlex.quote(gone.shim.link)} 2>/dev/null")
    text += ["systemctl daemon-reload", f"systemctl reset-failed {shlex.quote(gone.unit)} 2>/dev/null", "exit 0"]
    _visit(gone, "\n".join(text), "its routes and shim could not be removed")


def read(wanted: Networking) -> Found:
    """Say what of routes, shim and unit is missing on the host; changes nothing. Raises HostError."""
    shim = wanted.shim.link if wanted.shim is not None else ""
    said = _visit(
        wanted,
        f"""
cat {UNITS}/{wanted.unit} 2>/dev/null
echo {_MARK}
ip -4 -o route show
echo {_MARK}
{"" if not shim else f"ip -4 -o addr show dev {shlex.quote(shim)} 2>/dev/null"}
echo {_MARK}
exit 0""",
        "it could not be asked for its routes",
        as_root=False,
    )
    unit, routes, addresses, _ = said.split(f"{_MARK}\n", 3)
    missing = [] if unit == unit_text(wanted) else [f"{UNITS}/{wanted.unit} is not as planned"]
    there = {(fields[0], fields[2]) for line in routes.splitlines() if (fields := line.split())[1:2] == ["via"]}
    missing += [
        f"no route to {route.destination} via {route.via}"
        for route in wanted.routes
        if (route.destination, route.via) not in there
    ]
    if wanted.shim is not None:
        if f" {wanted.shim.address}/" not in addresses:
            missing.append(f"{wanted.shim.link} does not hold {wanted.shim.address}")
        if not any(line.split()[:3] == [wanted.shim.slice, "dev", wanted.shim.link] for line in routes.splitlines()):
            missing.append(f"no route to {wanted.shim.slice} over {wanted.shim.link}")
    return Found(missing=tuple(missing))


def unit_text(wanted: Networking) -> str:
    """The systemd unit that sets shim and routes after a boot, and takes them away when it is stopped."""
    make: list[str] = []
    unmake: list[str] = []
    if wanted.shim is not None:
        shim = wanted.shim
        # Fails when the link is there already, which is fine; where it fails for another reason the next line fails too.
        make.append(f"-ip link add {shim.link} link {wanted.parent} type ipvlan mode {shim.mode}")
        make += [
            f"ip address replace {shim.address}/32 dev {shim.link}",
            f"ip link set {shim.link} up",
            f"ip route replace {shim.slice} dev {shim.link} src {shim.address}",
        ]
        unmake.append(f"-ip link delete {shim.link}")
    for route in wanted.routes:
        make.append(f"ip route replace {route.destination} via {route.via} proto static")
        unmake.append(f"-ip route delete {route.destination} via {route.via}")
    lines = [
        "# Made by ipvlan-fabric (Pulumi), and removed by it.",
        "[Unit]",
        f"Description=Routes and shim of the ipvlan fabric on {wanted.parent}",
        # Docker makes the parent where that is a VLAN which the host has not.
        "After=network-online.target docker.service",
        "Wants=network-online.target",
        "StartLimitIntervalSec=0",
        "",
        "[Service]",
        "Type=oneshot",
        "RemainAfterExit=yes",
        # Also where the network is online later than it says.
        "Restart=on-failure",
        "RestartSec=5",
        *(f"ExecStart={line}" for line in make),
        *(f"ExecReload={line}" for line in make),
        *(f"ExecStop={line}" for line in unmake),
        "",
        "[Install]",
        "WantedBy=multi-user.target",
    ]
    return "\n".join(lines) + "\n"


_PRELUDE: Final = f"""
if [ ! -d /run/systemd/system ]; then
  echo "it is not run by systemd, and routes would be lost at its next boot"; exit 1
fi
mkdir -p {UNITS} || exit 1
"""


def _obsolete(wanted: Networking, before: Networking | None) -> list[str]:
    """What takes away, on the host, what was made before and is not wanted any more."""
    if before is None:
        return []
    gone = [route for route in before.routes if route not in wanted.routes]
    text = [f"ip route del {route.destination} via {route.via} 2>/dev/null" for route in gone]
    if before.shim is not None and before.shim != wanted.shim:
        text.append(f"ip link del {shlex.quote(before.shim.link)} 2>/dev/null")
    return text


def _refuse_own_networks(wanted: Networking) -> str:
    """Refuses a route that would cover a network which the host is part of: it would cut the host off."""
    destinations = " ".join(route.destination for route in wanted.routes)
    return f"""
covered=$(for destination in {destinations}; do
  # Networks that lie in the destination, and networks that it lies in.
  {{ ip -4 route show root "$destination" proto kernel; ip -4 route show match "$destination" proto kernel; }} | sort -u |
    while read -r own rest; do echo "a route to $destination would cover $own, a network of its own ($rest)"; done
done)
if [ -n "$covered" ]; then echo "$covered"; exit 1; fi"""


def _drop_in_name(wanted: Networking) -> str:
    return f"{wanted.unit.removesuffix('.service')}.conf"


def _remove_drop_ins(wanted: Networking) -> str:
    name = _drop_in_name(wanted)
    return f"""
for file in /etc/systemd/network/*.network.d/{name}; do
  [ -e "$file" ] && rm -f "$file" && rmdir "${{file%/*}}" 2>/dev/null
done"""


def _drop_ins(wanted: Networking) -> str:
    # The file is for networkd's next start. The unit sets the routes now: a reload of networkd would touch the link.
    lines = [f"drop_in {route.destination} {route.via}" for route in wanted.routes]
    return "\n".join(
        [
            _remove_drop_ins(wanted),
            f"""
drop_in() {{
  link=$(ip -4 -o route get "$2" | sed -n 's/.* dev \\([^ ]*\\).*/\\1/p')
  file=$(sed -n 's/^NETWORK_FILE=//p' "/run/systemd/netif/links/$(cat "/sys/class/net/$link/ifindex")" 2>/dev/null)
  if [ -z "$file" ]; then return 0; fi
  folder="/etc/systemd/network/${{file##*/}}.d"
  mkdir -p "$folder"
  printf '[Route]\\nDestination=%s\\nGateway=%s\\n' "$1" "$2" >> "$folder/{_drop_in_name(wanted)}"
}}""",
            *lines,
        ]
    )


def _visit(wanted: Networking, text: str, what: str, *, as_root: bool = True) -> str:
    shell = f"exec sh -c {shlex.quote(text)}"
    if as_root:
        # A user who is not root may still be allowed to become it; without a password, since nobody is there to type one.
        shell = f'if [ "$(id -u)" -eq 0 ]; then {shell}; else exec sudo -n sh -c {shlex.quote(text)}; fi'
    done = run_on_host(wanted.connection, f"exec sh -c {shlex.quote(shell)}", timeout=TIMEOUT_SECONDS)
    if done.returncode != 0:
        raise HostError(_explain(wanted, what, [*done.stdout.splitlines(), *done.stderr.splitlines()]))
    return done.stdout


def _explain(wanted: Networking, what: str, said: Sequence[str]) -> str:
    reason = " ".join(line.strip() for line in said if line.strip()) or "no reason given"
    keys = [f"ipvlan-fabric:hosts.{wanted.host}.shim"] if wanted.shim is not None else []
    keys += ["ipvlan-fabric:fabric.mode"] if wanted.routes else []
    fix = (
        "Let its ssh user be root, or become root by sudo without a password"
        if "sudo" in reason
        else "Fix that on the host"
    )
    return f'host "{wanted.host}": {what} ({", ".join(keys)}): {reason}. {fix}, then run `pulumi up` again.'
