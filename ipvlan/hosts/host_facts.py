"""What `ipvlan preflight` asks a host: one snapshot, one text in its shell, and an ARP probe of each planned address.

Owns the questions and how the answers are read; creates nothing. The probe itself is `address_probe`'s.
"""

from __future__ import annotations

import shlex
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netaddr import IPAddress

from ipvlan.hosts.arp_probe import not_held_by, probe
from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import UNREADABLE, HostError
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.plan.model import Plan

_FACTS: Final = """
parent={parent}
echo "clock $(date +%s)"
for nic in /sys/class/net/*; do
  name=${{nic##*/}} flags= carrier= wireless=0
  [ -r "$nic/flags" ] && read -r flags < "$nic/flags"
  # Unreadable while the link is down.
  {{ read -r carrier < "$nic/carrier"; }} 2>/dev/null
  if [ -e "$nic/wireless" ] || [ -e "$nic/phy80211" ]; then wireless=1; fi
  echo "link $name ${{flags:-0}} ${{carrier:-0}} $wireless"
done
read -r kernel < /proc/sys/kernel/osrelease
if [ -d /sys/module/ipvlan ] || modprobe -n -q ipvlan 2>/dev/null ||
  find "/lib/modules/$kernel" -name 'ipvlan.ko*' 2>/dev/null | grep -q . ||
  grep -qs 'ipvlan[.]ko' "/lib/modules/$kernel/modules.builtin"; then echo "ipvlan yes"; fi
ip -o link show type macvlan 2>/dev/null | while read -r _ name _; do
  case $name in *"@$parent:") echo "macvlan ${{name%%@*}}";; esac
done
# A shell that reads byte by byte sees no end of line in a number of /proc/sys, and calls it a failure.
read -r forward < /proc/sys/net/ipv4/ip_forward
echo "forward $forward"
iptables -S DOCKER-USER 2>/dev/null | while read -r rule; do
  case $rule in *"-j DROP"* | *"-j REJECT"*) echo "drop iptables $rule";; esac
done
# iptables-nft shows its own chains here too; Docker's policy there comes with the rules that let published ports through.
nft list chains 2>/dev/null | while read -r first second rest; do
  case "$first" in table) table="$second $rest";; esac
  case "$first $second $rest" in *"hook forward"*"policy drop"*)
    case $table in "ip filter"* | "ip6 filter"* | "ip docker-bridges"* | "ip6 docker-bridges"*) ;;
      *) echo "drop nftables table ${{table%%{{*}}: forward policy drop";; esac;;
  esac
done
ss -Hlntup 2>/dev/null | while read -r protocol _ _ _ local _ process; do echo "listen $protocol $local $process"; done
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One network interface."""

    up: bool
    carrier: bool
    wireless: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """A process that listens on the host."""

    protocol: str
    address: str
    port: int
    process: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One host, before anything is made on it."""

    live: HostSnapshot
    clock_ahead: float
    """Seconds that the host's clock is ahead of this machine's; within a second right."""
    links: Mapping[str, Link]
    has_ipvlan: bool
    macvlan_children: tuple[str, ...]
    forwards: bool
    dropping: tuple[str, ...]
    """Firewall rules that may drop what goes to published ports."""
    listeners: tuple[Listener, ...]
    image_troubles: Mapping[str, str]
    """Image that the host has not -> why its Docker cannot get it."""
    folder: str
    """Where Docker keeps images and containers."""
    free: int
    """Bytes that are free there."""
    answering: Mapping[IPAddress, str]
    """Address that somebody on the LAN answers for -> who, as far as it is known."""
    not_probed: str
    """Why the addresses were not tried; empty when they were."""


def ask(session: HostSession, plan: Plan, stack: str, *, timeout: float) -> Facts:
    """Ask one host; `timeout` is in seconds, for each question. Raises HostError."""
    live = take_snapshot(session, timeout=timeout)
    before = time.time()
    lines = session.run(_FACTS.format(parent=shlex.quote(session.parent)), timeout=timeout).splitlines()
    said = [line.split(" ") for line in lines if line]
    clock = next((float(words[1]) for words in said if words[0] == "clock"), before)
    folder, free = _disk(session, timeout)
    answering, not_probed = _probe(session, plan, stack, live, timeout)
    return Facts(
        live=live,
        clock_ahead=clock - before,
        links={
            words[1]: Link(up=bool(int(words[2], 16) & 1), carrier=words[3] == "1", wireless=words[4] == "1")
            for words in said
            if words[0] == "link"
        },
        has_ipvlan=["ipvlan", "yes"] in said,
        macvlan_children=tuple(words[1] for words in said if words[0] == "macvlan"),
        forwards=["forward", "1"] in said,
        dropping=tuple(" ".join(words[1:]) for words in said if words[0] == "drop"),
        listeners=tuple(_listener(words) for words in said if words[0] == "listen" and ":" in words[2]),
        image_troubles=_images(session, plan.host(session.name).images, timeout),
        folder=folder,
        free=free,
        answering=answering,
        not_probed=not_probed,
    )


def _listener(words: list[str]) -> Listener:
    address, _, port = words[2].rpartition(":")
    process = " ".join(words[3:])
    # users:(("nginx",pid=12,fd=3))
    name = process.partition('(("')[2].partition('"')[0]
    return Listener(
        protocol=words[1], address=address.partition("%")[0], port=int(port) if port.isdigit() else 0, process=name
    )


def _disk(session: HostSession, timeout: float) -> tuple[str, int]:
    engine = Engine(session.name, session.socket, timeout=timeout)
    try:
        folder = engine.folder()
    finally:
        engine.close()
    # Free blocks, without those that are root's reserve, and their size.
    said = session.run(f"stat -f -c '%a %S' {shlex.quote(folder)}", timeout=timeout).split()
    if len(said) != 2 or not all(word.isdigit() for word in said):
        raise HostError.on(
            session.name,
            UNREADABLE,
            problem=f"the free space in {folder} cannot be read: {' '.join(said)[:120]}",
            effect="whether images can be pulled is not known",
            fix=f"run `stat -f {folder}` on the host and fix what it names",
        )
    return folder, int(said[0]) * int(said[1])


def _images(session: HostSession, images: Sequence[str], timeout: float) -> Mapping[str, str]:
    engine = Engine(session.name, session.socket, timeout=timeout)
    try:
        missing = [image for image in images if not engine.image_present(image)]
        troubles = {image: engine.image_trouble(image) for image in missing}
    finally:
        engine.close()
    return {image: trouble for image, trouble in troubles.items() if trouble}


def _probe(
    session: HostSession, plan: Plan, stack: str, live: HostSnapshot, timeout: float
) -> tuple[Mapping[IPAddress, str], str]:
    addresses = not_held_by(stack, live, [found.address for found in plan.host(session.name).containers])
    if plan.gateway is not None:
        addresses.append(plan.gateway)
    return probe(session, live, plan.mode, addresses, timeout=timeout)
