"""The lab's network: switch, client, router, internet and registry, each a network namespace, connected only to each other.

Every link is created inside the namespaces: the machine's own namespace never has an interface, address or route of the lab.
"""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.process import end_pids
from lab.run import attempt, run
from lab.settings import (
    CLIENT_ADDRESS,
    INTERNET_ADDRESS,
    INTERNET_NETWORK,
    INTERNET_ROUTER_ADDRESS,
    LAN,
    NAMESPACES,
    REGISTRY_ADDRESS,
    ROLES,
    ROUTER_ADDRESS,
)

if TYPE_CHECKING:
    from lab.settings import Settings

BRIDGE = "lan"
"""The switch's bridge; frames with a VLAN tag pass as they are."""
# Hosts reach the internet as from behind a home router: their addresses are hidden, nothing comes in by itself.
_ROUTER_RULES = """
table inet router {
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "wan" ct state new drop
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" masquerade
  }
}
"""


def exists(settings: Settings) -> bool:
    """Whether every namespace of the lab is there."""
    return all(Path("/run/netns", settings.namespace(part)).exists() for part in NAMESPACES)


def create(settings: Settings) -> None:
    """Create the namespaces and their links; none of them may exist."""
    for part in NAMESPACES:
        run(["ip", "netns", "add", settings.namespace(part)])
        _ip(settings, part, "link set lo up")
    _ip(settings, "switch", f"link add {BRIDGE} type bridge forward_delay 0 mcast_snooping 0")
    _ip(settings, "switch", f"link set {BRIDGE} up")
    for host in ROLES:
        _ip(settings, "switch", f"tuntap add {tap(host.name)} mode tap")
        _ip(settings, "switch", f"link set {tap(host.name)} master {BRIDGE} up")
    for part, address in (("client", CLIENT_ADDRESS), ("router", ROUTER_ADDRESS), ("registry", REGISTRY_ADDRESS)):
        _ip(settings, "switch", f"link add {part} type veth peer name lan netns {settings.namespace(part)}")
        _ip(settings, "switch", f"link set {part} master {BRIDGE} up")
        _ip(settings, part, f"addr add {address}/{LAN.prefixlen} dev lan")
        _ip(settings, part, "link set lan up")
    for part in ("client", "registry"):
        _ip(settings, part, f"route add default via {ROUTER_ADDRESS}")
    _ip(settings, "router", f"link add wan type veth peer name wan netns {settings.namespace('internet')}")
    for part, address in (("router", INTERNET_ROUTER_ADDRESS), ("internet", INTERNET_ADDRESS)):
        _ip(settings, part, f"addr add {address}/{INTERNET_NETWORK.prefixlen} dev wan")
        _ip(settings, part, "link set wan up")
    inside(settings, "router", ["sysctl", "-qw", "net.ipv4.ip_forward=1"])
    inside(settings, "router", ["nft", "-f", "-"], feed=_ROUTER_RULES)
    if settings.fabric_gateway:
        router_gateway(settings, settings.fabric_gateway, on=True)


def router_gateway(settings: Settings, address: str, *, on: bool) -> None:
    """Add an address with prefix length to the router's on the LAN, or remove it; nothing to do is fine."""
    present = address in inside(settings, "router", ["ip", "-o", "-4", "addr", "show", "dev", "lan"]).split()
    if present != on:
        _ip(settings, "router", f"addr {'add' if on else 'del'} {address} dev lan")


def router_routes(settings: Settings, text: str, *, on: bool) -> None:
    """Add the routes of `ip route replace DESTINATION via ADDRESS` lines to the router, or remove them.

    Raises:
        LabError: A line has another form.
    """
    for line in filter(None, text.splitlines()):
        match line.split():
            case ["ip", "route", "replace", destination, "via", via]:
                try:
                    network, gateway = ipaddress.IPv4Network(destination), ipaddress.IPv4Address(via)
                except ValueError as error:
                    raise LabError(f"{line}: {error}") from error
                _ip(settings, "router", f"route {'replace' if on else 'del'} {network} via {gateway}")
            case _:
                raise LabError(f"{line}: expected ip route replace DESTINATION via ADDRESS")


def remove(settings: Settings) -> None:
    """End every process inside the lab's namespaces and remove the namespaces; missing ones are fine."""
    for part in NAMESPACES:
        name = settings.namespace(part)
        if not Path("/run/netns", name).exists():
            continue
        pids = attempt(["ip", "netns", "pids", name]).stdout.split()
        end_pids([int(pid) for pid in pids])
        run(["ip", "netns", "delete", name])


def inside(settings: Settings, part: str, command: list[str], *, feed: str | None = None) -> str:
    """Return the standard output of a command in one of the namespaces.

    Raises:
        LabError: It fails.
    """
    return run(["ip", "netns", "exec", settings.namespace(part), *command], feed=feed)


def tap(host: str) -> str:
    """Return the switch's port of a host."""
    return host


def _ip(settings: Settings, part: str, arguments: str) -> None:
    run(["ip", "-n", settings.namespace(part), *arguments.split()])
