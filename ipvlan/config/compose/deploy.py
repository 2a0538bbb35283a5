"""The `deploy` of a compose service: its limits and its restart policy, which compose applies without Swarm too.

What it says wins over the keys of the service itself (docker/compose, getDeployResources and getRestartPolicy in
pkg/compose/create.go).
"""

from __future__ import annotations

from typing import Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.carried import Carried
from ipvlan.config.compose.gpus import carry_reserved
from ipvlan.config.compose.node import LeftOutError, Node, leaves
from ipvlan.config.compose.row import Row
from ipvlan.config.compose.table import row_of

_MEMORY: Final = {"resources.limits.memory": "memory", "resources.reservations.memory": "memory_reservation"}
_DEVICES: Final = "resources.reservations.devices"
_RESTART: Final = {"none": "no", "any": "always"}


def carry_deploy(service: Carried, key: str, node: Node) -> None:
    """Carry what of `deploy` has a key here; raise LeftOutError where it is no mapping."""
    for path, value in leaves(Node(node.items, node.place)):
        if not path:
            # It is empty.
            continue
        below = f"{key}.{path}"
        if (
            value.value is None
            or path.startswith("x-")
            or (path, value.value) in (("mode", "replicated"), ("replicas", 1))
        ):
            continue
        try:
            if path in _MEMORY:
                service.put_size(_MEMORY[path], value, below)
            elif path == "resources.limits.cpus":
                service.put("cpus", forms.text(value), below, value.place)
            elif path == "restart_policy.condition":
                service.put("restart", _restart(node, forms.text(value)), below, value.place)
            elif path == _DEVICES:
                row = row_of(f"services.*.deploy.{_DEVICES}")
                carry_reserved(service, below, value, row.text if row else "it is no GPU")
            elif path == "restart_policy.max_attempts":
                if _condition(node) != "on-failure":
                    service.leave_out(
                        below, value, "Docker counts the restarts of on-failure alone: write on-failure:TIMES"
                    )
            else:
                service.leave_out_by_row(below, value, _row(below))
        except LeftOutError as error:
            service.leave_out(below, value, str(error))


def _row(path: str) -> Row | None:
    """Return the row of a key, or of the nearest one above it: labels and lists have people's own keys below."""
    row = None
    while row is None and "." in path:
        row, path = row_of(f"services.*.{path}"), path.rpartition(".")[0]
    return row


def _condition(deploy: Node) -> object:
    condition = deploy.items["restart_policy"].items.get("condition")
    return None if condition is None else condition.value


def _restart(deploy: Node, condition: str) -> str:
    attempts = deploy.items["restart_policy"].items.get("max_attempts")
    policy = _RESTART.get(condition, condition)
    return f"{policy}:{forms.number(attempts)}" if policy == "on-failure" and attempts is not None else policy
