"""The previous container of a change that failed runs again; and it makes room for the next change.

Responsible for putting the replacement aside, for the start of the spare under the container's name with its restart policy and
its published ports, and for making a restored container the spare again. All of it is safe to repeat, after an end at any line.

Out of scope: whether it is wanted (`rollout.on_failure`), and what became of the replacement (`ipvlan.hosts.settle`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts import bridge
from ipvlan.hosts.bridge import BoundPort, BridgeAttachment
from ipvlan.hosts.errors import NOT_RESTORED, HostError
from ipvlan.hosts.script import Output, run_script
from ipvlan.hosts.spare import TIMEOUT_SECONDS, answered, identity, taken
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

SET_ASIDE_SECONDS: Final = 660.0
"""For the visit in which a restored container ends, which may have minutes for it (`stop_timeout`)."""

LONGEST_GRACE: Final = 5
"""Seconds that a replacement which did not come up has to end: the previous container waits for its address."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """The previous container, which runs again."""

    id: str
    failed_id: str
    """Id of the replacement that was put aside; empty where there is none."""
    of: str
    """Id of the container that it is a copy of."""


def restore(connection: HostConnection, name: str, owner: str, *, grace: int) -> Restored | None:
    """Start the previous container under its name again, with its published ports; put its replacement aside.

    Args:
        connection: The host.
        name: The container's name.
        owner: The owner label that this stack writes at this place.
        grace: Seconds between the stop signal and the kill of the replacement; `LONGEST_GRACE` at most.

    Returns:
        What runs now, and what was put aside; None where there is no previous container, and nothing was changed.

    Raises:
        HostError: The host or its Docker does not answer; something of others has a name that is needed, and nothing was changed;
            or Docker refuses a step. It is safe to call again.
    """
    variables = {**identity(name, owner), "grace": str(max(0, min(grace, LONGEST_GRACE)))}
    result = run_script(connection, "restore.sh", variables, timeout=TIMEOUT_SECONDS)
    output = answered(connection, result).output
    _refuse(connection, output, "it does not run; another `pulumi up` tries again")
    if "restored" not in output:
        return None
    record = Record.parse(output.text("record"))
    if record is not None and record.bridge:
        inspected = json.loads(output.text("container"))[0]
        bridge.connect(_own_attachment(connection, name, inspected))
    return Restored(
        id=output.text("restored"),
        failed_id=output.text("replaced"),
        of="" if record is None else record.of,
    )


def set_aside(connection: HostConnection, name: str, owner: str) -> bool:
    """Stop the restored container of that name, and make it the spare again: its name is free then.

    Returns:
        Whether a restored container of ours had the name.

    Raises:
        HostError: The host or its Docker does not answer, something of others has the spare's name, or Docker refuses a step.
    """
    output = answered(
        connection, run_script(connection, "set_aside.sh", identity(name, owner), timeout=SET_ASIDE_SECONDS)
    ).output
    _refuse(connection, output, "it was not replaced")
    return "aside" in output


def _refuse(connection: HostConnection, output: Output, effect: str) -> None:
    """Raise where something of others has a name, or Docker refused a step."""
    if "taken" in output:
        name, _, id_ = output.text("taken").partition(" ")
        raise taken(connection.name, name, id_)
    if "message" not in output:
        return
    raise HostError.on(
        connection.name,
        NOT_RESTORED,
        problem=f"{output.text('step')}: {' '.join(output.text('message').split())}",
        effect=effect,
        fix="fix what Docker names on the host, then run `pulumi up` again",
    )


def _own_attachment(connection: HostConnection, name: str, inspected: Mapping[str, Any]) -> BridgeAttachment:
    """Return the bridge attachment of a container with its own ports: those of its replacement may be others."""
    networks = inspected["NetworkSettings"].get("Networks") or {}
    bindings = inspected["HostConfig"].get("PortBindings") or {}
    return BridgeAttachment(
        connection=connection,
        container=name,
        container_id=inspected["Id"],
        network=next((network for network in networks if network != BRIDGE), ""),
        ports=tuple(
            BoundPort(container_port=port, host_address=binding.get("HostIp") or "", host_port=int(binding["HostPort"]))
            for port, wanted in bindings.items()
            for binding in wanted or ()
            if binding.get("HostPort")
        ),
    )
