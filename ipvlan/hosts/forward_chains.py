"""Chains of a host's firewall that drop what they do not accept of the packets that the host forwards.

Read only where Docker's rules are in nftables: what Docker accepts there, another chain still drops (nftables goes through all base
chains of a hook). Where Docker uses iptables, a policy DROP of its chain FORWARD comes with the rules that let its packets through.

Out of scope: what it means for a plan (`ipvlan.checks.forwarding`). Imports nothing that is slow to load.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ipvlan.hosts.script import Output

_OF_KNOWN: Final = frozenset({"established", "related"})
"""States of connections that were accepted before (conntrack): a rule for these alone accepts no new one."""
_PINGS: Final = frozenset({"icmp", "ipv6-icmp", "icmpv6", "1", "58"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppingChain:
    """A chain at the hook `forward` whose policy is to drop."""

    program: str
    """What reads and writes it: iptables, iptables-legacy or nft."""
    table: str = ""
    """Family and name of its table in nftables: `inet filter`; empty for iptables, whose table is `filter`."""
    chain: str = "FORWARD"
    accepts: bool
    """Whether a rule of it, or of a chain that it jumps to, accepts any new connection but a ping."""

    def __str__(self) -> str:
        return f"chain {self.chain} of " + (f"nftables' table {self.table}" if self.table else self.program)


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardRules:
    """What beside Docker's own table decides on what a host forwards."""

    known: bool = True
    """Whether all of it could be read: root may, and a user who may use sudo without a password."""
    dropping: tuple[DroppingChain, ...] = ()


def read_forward_rules(output: Output) -> ForwardRules | None:
    """Return what `scripts/forward_rules.sh` printed; None where it did not run: Docker's rules are not in nftables."""
    if "forward_rules" not in output:
        return None
    programs: defaultdict[str, list[str]] = defaultdict(list)
    for line in output.lines("iptables"):
        program, _, rule = line.partition(" ")
        programs[program].append(rule)
    chains = [chain for program, rules in programs.items() for chain in _of_iptables(program, rules)]
    known = output.text("forward_rules") == "read"
    for text in output.lines("nftables"):
        try:
            chains += _of_nftables(json.loads(text)["nftables"])
        except (ValueError, KeyError, TypeError, AttributeError):
            # An nft without JSON prints nothing.
            known = False
    return ForwardRules(known=known, dropping=tuple(chains))


def _of_iptables(program: str, rules: Sequence[str]) -> Iterator[DroppingChain]:
    if "-P FORWARD DROP" not in rules:
        return
    of_chain: defaultdict[str, list[list[str]]] = defaultdict(list)
    for rule in rules:
        option, chain, *words = rule.split()
        if option == "-A":
            of_chain[chain].append(words)
    reached = _reached("FORWARD", lambda chain: (_after(words, "-j", "-g") for words in of_chain.get(chain, ())))
    accepts = any(
        _after(words, "-j") == "ACCEPT" and not _for_known_or_pings(words)
        for chain in reached
        for words in of_chain.get(chain, ())
    )
    yield DroppingChain(program=program, accepts=accepts)


def _after(words: Sequence[str], *options: str) -> str:
    """Return the word after one of the options; empty where the rule has none of them."""
    return next((value for option, value in pairwise(words) if option in options), "")


def _for_known_or_pings(words: Sequence[str]) -> bool:
    if "!" in words:
        return False
    states = _after(words, "--ctstate", "--state").lower()
    return bool(states and _OF_KNOWN.issuperset(states.split(","))) or _after(words, "-p") in _PINGS


def _of_nftables(listed: Sequence[Mapping[str, Any]]) -> Iterator[DroppingChain]:
    """Yield the dropping chains of one table in nft's JSON (libnftables-json(5))."""
    of_chain: defaultdict[str, list[Sequence[Mapping[str, Any]]]] = defaultdict(list)
    for rule in (item["rule"] for item in listed if "rule" in item):
        of_chain[rule["chain"]].append(rule["expr"])
    for base in (item["chain"] for item in listed if "chain" in item):
        if base.get("hook") != "forward" or base.get("policy") != "drop":
            continue
        reached = _reached(
            base["name"], lambda chain: (verdict for rule in of_chain.get(chain, ()) for verdict in _targets(rule))
        )
        accepts = any(_accepts(rule) for chain in reached for rule in of_chain.get(chain, ()))
        table = f"{base['family']} {base['table']}"
        yield DroppingChain(program="nft", table=table, chain=base["name"], accepts=accepts)


def _targets(rule: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Yield the chains that a rule leads to."""
    for statement in (*rule, *(verdict for _, verdict in _elements(rule))):
        for kind in ("jump", "goto"):
            if kind in statement:
                yield statement[kind]["target"]


def _elements(rule: Sequence[Mapping[str, Any]]) -> Iterator[tuple[object, Mapping[str, Any]]]:
    """Yield the keys and verdicts of a rule's verdict maps that are written in it."""
    for statement in rule:
        data = statement.get("vmap", {}).get("data")
        if isinstance(data, dict):
            yield from data["set"]


def _accepts(rule: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether a rule may accept a new connection; one by a map with a name, whose elements are not read, may."""
    matches = [statement["match"] for statement in rule if "match" in statement]
    if any(match["op"] in ("in", "==") and _is_known_or_ping(match["left"], match["right"]) for match in matches):
        return False
    for statement in rule:
        if "accept" in statement:
            return True
        if "vmap" in statement and not isinstance(statement["vmap"]["data"], dict):
            return True
    keys = [statement["vmap"]["key"] for statement in rule if "vmap" in statement]
    return any(
        "accept" in verdict and not any(_is_known_or_ping(key, element) for key in keys)
        for element, verdict in _elements(rule)
    )


def _is_known_or_ping(left: object, right: object) -> bool:
    """Return whether `left` matches only connections that were accepted before, or pings."""
    if isinstance(right, dict):
        right = right.get("set", ())
    values = {
        str(value) for value in ([right] if isinstance(right, str | int) else right if isinstance(right, list) else ())
    }
    if left == {"ct": {"key": "state"}}:
        return bool(values) and values <= _OF_KNOWN
    if left == {"meta": {"key": "l4proto"}} or (
        isinstance(left, dict) and re.fullmatch(r"protocol|nexthdr", str(left.get("payload", {}).get("field", "")))
    ):
        return bool(values) and values <= _PINGS
    return False


def _reached(start: str, targets: Callable[[str], Iterable[str]]) -> set[str]:
    """Return the chains that a packet may go through from `start`."""
    reached: set[str] = set()
    ahead = [start]
    while ahead:
        chain = ahead.pop()
        if chain not in reached:
            reached.add(chain)
            ahead += targets(chain)
    return reached
