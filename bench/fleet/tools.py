"""What the programs on a simulated host print: ip, ss, arping, ping and others; `docker_cli` has Docker's own."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bench.fleet.docker_cli import run_docker
from bench.fleet.engine import SimulatedHost

PARENT: Final = "ens33"
"""The NIC of every host."""

Hosts = Mapping[str, SimulatedHost]
Printed = tuple[float, int, str]
"""Seconds that it takes, exit status, and what is printed."""

NOTHING: Final[Printed] = (0.0, 0, "")


def run_tool(host: SimulatedHost, hosts: Hosts, request: Sequence[str]) -> Printed:
    """Run a program of a host.

    Args:
        host: The host.
        hosts: All of the fleet, by address: what a ping may reach.
        request: The process id of the container in whose network it runs, empty on the host itself; its name; its arguments.
    """
    pid, name, *arguments = request
    if name == "docker":
        return (0.0, *run_docker(host, arguments))
    if name == "ping":
        return _ping(host, hosts, pid, arguments)
    tool = _TOOLS.get(name)
    return tool(host, arguments) if tool else (0.0, 127, f"the simulated host has no {name}\n")


def _ip(host: SimulatedHost, arguments: Sequence[str]) -> Printed:
    match [argument for argument in arguments if argument != "-4"]:
        case ["-o", "route", "show"]:
            return (
                0.0,
                0,
                f"default via 10.200.0.1 dev {PARENT}\n10.200.0.0/16 dev {PARENT} proto kernel src {host.address}\n",
            )
        case ["-o", "address", "show"]:
            return 0.0, 0, f"2: {PARENT}    inet {host.address}/16 brd 10.200.255.255 scope global {PARENT}\n"
        case ["-o", "link", "show", "type", _]:
            return NOTHING
    return 0.0, 1, f"the simulated host has no `ip {' '.join(arguments)}`\n"


def _ss(host: SimulatedHost, _arguments: Sequence[str]) -> Printed:
    bound = [
        (port.partition("/")[2], each["HostPort"])
        for container in host.running()
        for port, bindings in container["NetworkSettings"]["Ports"].items()
        for each in bindings
    ]
    lines = [
        f'{protocol} LISTEN 0 4096 0.0.0.0:{port} 0.0.0.0:* users:(("docker-proxy",pid=9,fd=4))'
        for protocol, port in bound
    ]
    return (
        0.0,
        0,
        "".join(f"{line}\n" for line in ['tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=8,fd=3))', *lines]),
    )


def _arping(_host: SimulatedHost, arguments: Sequence[str]) -> Printed:
    if "-V" in arguments:
        return 0.0, 0, "arping from iputils 20221126\n"
    # Nobody answers: it waits until its deadline, and says so by its exit status (iputils, arping.c, with -D).
    seconds = float(arguments[arguments.index("-w") + 1])
    return (
        seconds,
        0,
        f"ARPING {arguments[-1]} from 0.0.0.0 {PARENT}\nSent 3 probes (3 broadcast(s))\nReceived 0 response(s)\n",
    )


def _ping(host: SimulatedHost, hosts: Hosts, pid: str, arguments: Sequence[str]) -> Printed:
    target = arguments[-1]
    seconds = float(arguments[arguments.index("-w") + 1]) if "-w" in arguments else 10.0
    return NOTHING if reaches(host, hosts, pid, target) else (seconds, 1, "")


def reaches(host: SimulatedHost, hosts: Hosts, pid: str, target: str) -> bool:
    """Return whether a ping is answered: as ipvlan in mode l2 has it (docs/concepts.md).

    Args:
        host: Where it is sent.
        hosts: All of the fleet, by address.
        pid: Of the container that sends it; empty for the host itself.
        target: An address.
    """
    if not pid:
        # A host does not reach its own containers, and its NIC has no address of the fabric to reach the others'.
        return target in hosts
    source = next((each for each in host.running() if str(each["State"]["Pid"]) == pid), None)
    if source is None:
        return False
    ends = source["NetworkSettings"]["Networks"]
    if target in hosts:
        # By the bridge, where the container has one: the host itself, and others beyond it.
        return "bridge" in ends
    return any(name != "bridge" for name in ends) and any(target in each.on_fabric for each in hosts.values())


def _modprobe(_host: SimulatedHost, arguments: Sequence[str]) -> Printed:
    return NOTHING if re.search(r"\bipvlan\b", " ".join(arguments)) else (0.0, 1, "")


_TOOLS: Final[Mapping[str, Callable[[SimulatedHost, Sequence[str]], Printed]]] = {
    "ip": _ip,
    "ss": _ss,
    "arping": _arping,
    "modprobe": _modprobe,
    "iptables": lambda *_: NOTHING,
    "nft": lambda *_: NOTHING,
}
NAMES: Final = ("docker", "ping", "nsenter", *_TOOLS)
"""The programs that a simulated host has instead of this machine's."""
