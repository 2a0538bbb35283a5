"""Inputs and outputs of the resource of a volume, and one run of the engine with it."""

from __future__ import annotations

from typing import Any

from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL
from provider.resource import Operation, Properties

OWNER = "0123456789abcdef"
OURS = {STACK_LABEL: "dev", OWNER_LABEL: f"{OWNER}/docker-1/data"}
EARLIER = {STACK_LABEL: "dev", OWNER_LABEL: "fedcba9876543210/docker-1/data"}
NFS = {"type": "nfs", "device": ":/srv", "o": "addr=10.0.0.1,rw"}
NFS_REST = {"type": "nfs", "device": ":/srv"}


def inputs(**changes: Any) -> Properties:
    """Return the inputs of a volume, some changed."""
    return {
        "host": "docker-1",
        "ssh": ["ssh", "of the state"],
        "volume": "data",
        "driver": "local",
        "driver_opts": {},
        "secret_driver_opts": {},
        "labels": {},
        "external": False,
        "delete": False,
        "owner": OWNER,
        "stack": "dev",
        "missing": True,
        **changes,
    }


def state(**changes: Any) -> Properties:
    """Return the outputs of a volume that this stack created, some changed."""
    return inputs(missing=False, owner_label=OURS[OWNER_LABEL], **changes)


class Run:
    """One run of the engine: its operation, and what it was told."""

    def __init__(self) -> None:
        self.warned: list[str] = []
        self.held: list[str] = []
        self.operation = Operation(warn=self.warned.append, connections={"docker-1": ["ssh", "today"]}, hold=self._hold)

    def _hold(self, connection: HostConnection) -> None:
        self.held.append(connection.name)
