"""What the firewall of a host with Docker's nftables backend drops: read from recorded outputs, and by the real script.

The outputs are those of iptables 1.8.9 (nf_tables) and nft 1.0.6 in a network namespace with such rules.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.forward_chains import DroppingChain, ForwardRules, read_forward_rules
from ipvlan.hosts.script import read_output, script_text

LEFT_BEHIND = ("-P INPUT ACCEPT", "-P FORWARD DROP", "-P OUTPUT ACCEPT", "-N DOCKER-USER", "-A FORWARD -j DOCKER-USER")
"""`iptables -S` after Docker's switch from iptables to nftables: its own chains are gone, all but the users' one."""
FORWARD = DroppingChain(program="iptables", accepts=False)
CHAINS = """table ip filter {
	chain FORWARD {
		type filter hook forward priority filter; policy drop;
	}
	chain DOCKER-USER {
	}
}
table ip docker-bridges {
	chain filter-FORWARD {
		type filter hook forward priority filter; policy accept;
	}
}
table inet fw {
	chain input {
		type filter hook input priority filter; policy drop;
	}
	chain forward {
		type filter hook forward priority filter; policy drop;
	}
	chain other {
	}
}
"""
"""`nft list chains`."""


def rule(chain: str, *expr: dict[str, Any]) -> dict[str, Any]:
    """Return a rule as nft prints it."""
    return {"rule": {"family": "inet", "table": "fw", "chain": chain, "handle": 7, "expr": list(expr)}}


def matched(left: object, right: object, op: str = "in") -> dict[str, Any]:
    """Return a match as nft prints it."""
    return {"match": {"op": op, "left": left, "right": right}}


STATE = {"ct": {"key": "state"}}
ACCEPT: dict[str, Any] = {"accept": None}
PINGS = matched({"meta": {"key": "l4proto"}}, {"set": ["icmp", "ipv6-icmp"]}, "==")
TO_OTHER = rule("forward", matched({"meta": {"key": "iifname"}}, "wg0", "=="), {"jump": {"target": "other"}})
OF_KNOWN = {
    "vmap": {
        "key": STATE,
        "data": {"set": [["invalid", {"drop": None}], ["established", ACCEPT], ["related", ACCEPT]]},
    }
}


def table(*rules: dict[str, Any]) -> str:
    """Return table `inet fw` as `nft -j -t list table inet fw` prints it, with rules."""
    chain = {"family": "inet", "table": "fw", "type": "filter", "prio": 0, "policy": "drop"}
    parts = [
        {"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}},
        {"table": {"family": "inet", "name": "fw", "handle": 1}},
        {"chain": chain | {"name": "input", "handle": 1, "hook": "input"}},
        {"chain": chain | {"name": "forward", "handle": 2, "hook": "forward"}},
        {"chain": {"family": "inet", "table": "fw", "name": "other", "handle": 3}},
        rule("input", matched({"payload": {"protocol": "tcp", "field": "dport"}}, 22, "=="), ACCEPT),
        *rules,
    ]
    return json.dumps({"nftables": parts})


def read(*, iptables: tuple[str, ...] = (), nftables: tuple[str, ...] = (), known: str = "read") -> ForwardRules:
    """Return what is read of the script's output."""
    lines = [f"iptables=iptables {line}" for line in iptables] + [f"nftables={text}" for text in nftables]
    found = read_forward_rules(read_output("\n".join([*lines, f"forward_rules={known}", ""])))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ((), (FORWARD,)),
        (("-A DOCKER-USER -j RETURN", "-A DOCKER-USER -s 10.0.0.0/8 -j DROP"), (FORWARD,)),
        (("-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",), (FORWARD,)),
        (("-A FORWARD -p icmp -m icmp --icmp-type 8 -j ACCEPT",), (FORWARD,)),
        # Nothing leads there.
        (("-N lost", "-A lost -j ACCEPT"), (FORWARD,)),
        (("-A DOCKER-USER -o docker0 -j ACCEPT",), (DroppingChain(program="iptables", accepts=True),)),
        (("-A FORWARD -m conntrack --ctstate DNAT -j ACCEPT",), (DroppingChain(program="iptables", accepts=True),)),
        (
            ("-A FORWARD -m conntrack ! --ctstate INVALID -j ACCEPT",),
            (DroppingChain(program="iptables", accepts=True),),
        ),
        (("-A DOCKER-USER -g ufw", "-A ufw -i eth0 -j ACCEPT"), (DroppingChain(program="iptables", accepts=True),)),
    ],
)
def test_iptables(more: tuple[str, ...], expected: tuple[DroppingChain, ...]) -> None:
    """A policy DROP cuts all, unless a rule on the way accepts new connections."""
    assert read(iptables=LEFT_BEHIND + more).dropping == expected


def test_a_policy_that_accepts_cuts_nothing() -> None:
    """That of a fresh host, and after the fix."""
    assert read(iptables=("-P FORWARD ACCEPT", "-A FORWARD -j DOCKER-USER")) == ForwardRules()


@pytest.mark.parametrize(
    ("rules", "accepts"),
    [
        ((), False),
        ((rule("forward", OF_KNOWN), rule("forward", matched(STATE, ["established", "related"]), ACCEPT)), False),
        ((rule("forward", PINGS, ACCEPT), TO_OTHER, rule("other", {"counter": {"packets": 0, "bytes": 0}})), False),
        ((rule("other", ACCEPT),), False),
        (
            (rule("forward", matched({"payload": {"protocol": "ip", "field": "protocol"}}, "icmp", "=="), ACCEPT),),
            False,
        ),
        ((rule("forward", matched(STATE, "established", "!="), ACCEPT),), True),
        ((rule("forward", matched(STATE, ["established", "new"]), ACCEPT),), True),
        ((TO_OTHER, rule("other", matched({"ct": {"key": "status"}}, "dnat"), ACCEPT)), True),
        ((rule("forward", {"vmap": {"key": {"meta": {"key": "iifname"}}, "data": "@m"}}),), True),
        (
            (
                rule("forward", {"vmap": {"key": STATE, "data": {"set": [["new", {"goto": {"target": "other"}}]]}}}),
                rule("other", ACCEPT),
            ),
            True,
        ),
    ],
)
def test_nftables(rules: tuple[dict[str, Any], ...], accepts: bool) -> None:
    """A chain of a table of its own is judged by the rules on its way; one at another hook does not count."""
    chain = DroppingChain(program="nft", table="inet fw", chain="forward", accepts=accepts)
    assert read(nftables=(table(*rules),)).dropping == (chain,)
    assert str(chain) == "chain forward of nftables' table inet fw"


def test_what_cannot_be_read_is_not_known() -> None:
    """A user without root, and an nft without JSON; what iptables says counts all the same."""
    assert read(known="unknown") == ForwardRules(known=False)
    assert read(iptables=LEFT_BEHIND, nftables=("",)) == ForwardRules(known=False, dropping=(FORWARD,))
    assert read_forward_rules(read_output("forward=1\n")) is None


Script = Callable[..., ForwardRules]


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Return what runs the real script with programs that print what is given; one that is not given fails."""

    def run(uid: int = 0, **programs: str) -> ForwardRules:
        log = tmp_path / "log"
        for name in ("iptables", "iptables-legacy", "nft", "sudo"):
            text = programs.get(name.replace("-", "_"), "exit 1")
            (tmp_path / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\n{text}\n')
            (tmp_path / name).chmod(0o755)
        printed = subprocess.run(
            ["/bin/sh", "-c", f"{script_text('forward_rules.sh')}\nforward_rules {uid}"],
            env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
            timeout=20,
        )
        assert printed.stderr == ""
        found = read_forward_rules(read_output(printed.stdout))
        assert found is not None
        return found

    return run


def printing(text: str) -> str:
    """Return shell text that prints a text."""
    return f"cat <<'END'\n{text}\nEND"


def test_the_script_reads_both(script: Script) -> None:
    """The table of iptables is read once, by iptables; Docker's own and a chain at another hook are none; a table once."""
    nft = f'case "$*" in *chains) {printing(CHAINS)}\n;; "-j -t list table inet fw") {printing(table())}\n;; *) exit 1 ;; esac'
    iptables = f'case $1 in -V) echo "iptables v1.8.9 (nf_tables)" ;; *) {printing(chr(10).join(LEFT_BEHIND))}\n;; esac'
    inet = DroppingChain(program="nft", table="inet fw", chain="forward", accepts=False)
    assert script(iptables=iptables, nft=nft) == ForwardRules(dropping=(FORWARD, inet))


def test_the_script_reads_iptables_own_table_by_nft_where_iptables_cannot(script: Script) -> None:
    """As where somebody wrote rules there by nft ("table `filter' is incompatible, use 'nft' tool")."""
    listed = {"family": "ip", "table": "filter", "name": "FORWARD", "handle": 1, "hook": "forward", "policy": "drop"}
    text = json.dumps({"nftables": [{"chain": listed}]})
    nft = f'case "$*" in *chains) {printing(CHAINS.partition("table inet")[0])}\n;; *"table ip filter") {printing(text)}\n;; esac'
    chain = DroppingChain(program="nft", table="ip filter", accepts=False)
    assert script(nft=nft) == ForwardRules(dropping=(chain,))


def test_the_script_reads_legacy_tables_where_iptables_says_so(script: Script, tmp_path: Path) -> None:
    """And never else: a look at them creates them."""
    accepts = printing("-P FORWARD ACCEPT")
    warning = 'echo "# Warning: iptables-legacy tables present, use iptables-legacy to see them" >&2'
    legacy = DroppingChain(program="iptables-legacy", accepts=False)
    assert script(iptables=f"{warning}\n{accepts}", iptables_legacy=printing("-P FORWARD DROP")).dropping == (legacy,)
    (tmp_path / "log").unlink()
    assert script(iptables=accepts, iptables_legacy=printing("-P FORWARD DROP")).dropping == ()
    assert "iptables-legacy" not in (tmp_path / "log").read_text()


def test_the_script_as_another_user(script: Script) -> None:
    """By sudo without a password, or else it is not known."""
    iptables = printing("\n".join(LEFT_BEHIND))
    assert script(uid=1000, iptables=iptables) == ForwardRules(known=False)
    found = script(uid=1000, iptables=iptables, sudo='[ "$1" = -n ] || exit 1\nshift\nexec "$@"')
    assert found == ForwardRules(dropping=(FORWARD,))
