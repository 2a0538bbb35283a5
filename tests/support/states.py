"""States of a stack as `pulumi stack export` prints them, and a `pulumi` on PATH that prints one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ipvlan.checks.stack_state import StackState, read_resources
from ipvlan.plan.resource_names import (
    COMPONENT,
    CONTAINER_TYPE,
    FABRIC_TYPE,
    HANDOVER_TYPE,
    HOST_CHECK_TYPE,
    HOST_SLICE_TYPE,
    IDENTITY_TYPE,
    NETWORK_TYPE,
    SETTLED_TYPE,
)

OWNER = "0123456789abcdef"
"""An owner id."""

_TOP = "urn:pulumi:dev::ipvlan-fabric::"
FABRIC_URN = f"{_TOP}{FABRIC_TYPE}::{COMPONENT}"


def slice_urn(host: str) -> str:
    """Return the URN of a host's slice."""
    return f"{_TOP}{FABRIC_TYPE}${HOST_SLICE_TYPE}::{COMPONENT}-{host}"


def child(host: str, type_: str, name: str, id_: str, **other: Any) -> dict[str, Any]:
    """Return a resource of a host's slice; `name` continues the slice's name."""
    urn = f"{_TOP}{FABRIC_TYPE}${HOST_SLICE_TYPE}${type_}::{COMPONENT}-{host}-{name}"
    return {"urn": urn, "type": type_, "id": id_, "custom": True, "parent": slice_urn(host), **other}


def handover(host: str, service: str, **other: Any) -> dict[str, Any]:
    """Return what prepares a container, which this version declares before it."""
    return child(host, HANDOVER_TYPE, f"{service}-handover", "x", outputs={"host": host, "service": service}, **other)


def settled(host: str, service: str, **other: Any) -> dict[str, Any]:
    """Return the proof that a container was up."""
    return child(host, SETTLED_TYPE, f"{service}-settled", "x", outputs={"host": host, "service": service}, **other)


def state_of(
    containers: Mapping[tuple[str, str], str],
    networks: Mapping[str, str],
    *,
    owner: str = OWNER,
    engines: Mapping[str, str] | None = None,
    more: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """Return the state of a stack.

    Args:
        containers: Host and service -> the container's id.
        networks: Host -> the network's id.
        owner: The owner id; without one the state is that of an earlier version.
        engines: Host -> its Docker's id, as the check recorded it.
        more: Further resources.
    """
    hosts = sorted({*networks, *(host for host, _ in containers), *(engines or {})})
    resources: list[Mapping[str, Any]] = [
        {"urn": FABRIC_URN, "type": FABRIC_TYPE, "custom": False},
        *({"urn": slice_urn(host), "type": HOST_SLICE_TYPE, "parent": FABRIC_URN} for host in hosts),
        *(child(host, NETWORK_TYPE, "network", id_) for host, id_ in networks.items()),
        *(child(host, CONTAINER_TYPE, service, id_) for (host, service), id_ in containers.items()),
        *(
            child(host, HOST_CHECK_TYPE, "check", "x", outputs={"stdout": f"docker 26.1\nengine {engine}\n"})
            for host, engine in (engines or {}).items()
        ),
        *more,
    ]
    if owner:
        urn = f"{_TOP}{FABRIC_TYPE}${IDENTITY_TYPE}::{COMPONENT}-identity"
        resources.append({"urn": urn, "type": IDENTITY_TYPE, "parent": FABRIC_URN, "outputs": {"owner": owner}})
    return {"version": 3, "deployment": {"resources": resources}}


def read_state(state: Mapping[str, Any]) -> StackState:
    """Return a state as it is read."""
    return StackState(stack="dev", exists=True, resources=tuple(read_resources(state)))


def pulumi_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    """Put a `pulumi` on PATH that runs the shell text, and return the file that has its arguments, one call a line."""
    calls = folder / "pulumi-calls"
    program = folder / "bin" / "pulumi"
    program.parent.mkdir(exist_ok=True)
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$*\" >> '{calls}'\n{text}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return calls


def export_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch, state: Mapping[str, Any]) -> Path:
    """Put a `pulumi` on PATH that prints this state."""
    file = folder / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    return pulumi_on_path(folder, monkeypatch, f"cat '{file}'")
