"""The JSON document of `ipvlan verify`."""

from __future__ import annotations

from ipvlan.checks.verify import Verification
from ipvlan.views.json_document import TypedDict, document_part


@document_part
class CellEntry(TypedDict):
    """One cell of the matrix: does `source` reach `target`?"""

    kind: str
    """What the target is, such as `container`, `host-address`, `gateway`, `internet`, `port`, `loopback-port`, `bridge-name`."""
    source: str
    """`HOST/CONTAINER`, a host's name, or `client`: the machine that ran the command."""
    target: str
    """`HOST/CONTAINER`, a host's name, `gateway`, `internet`, or a name."""
    address: str
    """The target's address, or a name that is looked up first; of the kind `bridge-address` the name stands for an address on that
    bridge, which the source must not reach."""
    port: str | None
    expected: str
    """`yes`, `no`, or `any` where the plan does not decide."""
    observed: str
    """What was seen, in words."""
    reached: bool | None
    """Null where nothing could be seen."""
    ok: bool
    reason: str
    """Why the cell is not ok; empty when it is."""


@document_part
class VerifyDocument(TypedDict):
    """What `ipvlan verify --json` prints."""

    stack: str
    ok: bool
    seconds: float
    cells_total: int
    """Cells of the whole matrix; more than in `cells` when these are a sample."""
    gateway_answers: bool
    """Whether something answers at the fabric's gateway address."""
    unreachable_hosts: dict[str, str]
    """Host -> why nothing could be tested from it."""
    cells: list[CellEntry]


def document(verification: Verification, stack: str) -> VerifyDocument:
    """Return the result, ready for `json.dumps`."""
    return {
        "stack": stack,
        "ok": verification.ok,
        "seconds": round(verification.seconds, 2),
        "cells_total": verification.possible,
        "gateway_answers": verification.gateway_answers,
        "unreachable_hosts": {host: error.summary for host, error in verification.unreachable.items()},
        "cells": [
            {
                "kind": verdict.cell.kind,
                "source": verdict.cell.source,
                "target": verdict.cell.target,
                "address": str(verdict.cell.address),
                "port": None if verdict.cell.port is None else str(verdict.cell.port),
                "expected": verdict.expected,
                "observed": verdict.observed.outcome,
                "reached": verdict.observed.reached,
                "ok": verdict.ok,
                "reason": verdict.reason,
            }
            for verdict in verification.verdicts
        ],
    }
