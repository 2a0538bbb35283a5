"""Why a container does not stay up or is unhealthy, as its host's Docker knows it: restarts, exit code, the last lines it printed.

Responsible for finding which containers to ask about, from what Docker lists of all: a host whose containers are well is asked for
nothing more. Secret values are masked before anything leaves this module.

Out of scope: what it means for the plan (`ipvlan.checks`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.printed_text import LAST_LINES, complete_output, printable, shortened

if TYPE_CHECKING:
    from ipvlan.hosts.engine import Engine
    from ipvlan.hosts.snapshot import LiveContainer
    from ipvlan.plan.model import ContainerPlan

_JUST_STARTED: Final = re.compile(r"Up (Less than a second|\d+ seconds?)\b")
"""The status of one that runs for less than a minute (docker/go-units, `HumanDuration`): it may be between two restarts."""

_FEWEST_RESTARTS: Final = 2
"""Restarts of a container that runs, from which on it may be in a loop; one can have been an accident."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What one container shows that does not stay up, or whose health check fails."""

    looping: bool
    """Whether it ends and Docker starts it again, again and again; else it is unhealthy."""
    restarts: int = 0
    """How often Docker started it again, since somebody started it last."""
    exit_code: int | None = None
    """With which its process ended, or the last health check; None where that is not known, as while it runs again."""
    error: str = ""
    """Why it ended or was not started, in Docker's words; empty where Docker gives no reason."""
    output: tuple[str, ...] = ()
    """The last lines of its log, or of the last health check's output, the oldest first; without secret values."""


def read_troubles(
    engine: Engine, containers: Mapping[str, LiveContainer], planned: Iterable[ContainerPlan]
) -> Mapping[str, Trouble]:
    """Ask about those of the planned containers that do not look well, and return what they show, by container name.

    Raises HostError: Docker does not answer.
    """
    found = {}
    for plan in planned:
        live = containers.get(plan.name)
        if live is None or not (_may_loop(live) or live.health == "unhealthy"):
            continue
        inspected = engine.find_container(live.id)
        trouble = None if inspected is None else _trouble(engine, live, plan, inspected)
        if trouble is not None:
            found[plan.name] = trouble
    return found


def secret_values(
    environment: Iterable[str], planned: ContainerPlan, image_variables: Iterable[str]
) -> tuple[str, ...]:
    """Return the values of a container's environment that may be secret.

    The container may be older than the plan, and have secrets under names that the plan does not have any more. So only what the
    plan or the image has in plaintext counts as no secret.

    Args:
        environment: `NAME=VALUE`, as Docker has them.
        planned: The container as planned.
        image_variables: Names of the variables that its image sets.
    """
    known = {*planned.environment, *image_variables} - set(planned.secret_environment)
    pairs = (variable.partition("=") for variable in environment)
    return tuple(value for name, _, value in pairs if name not in known and value)


def _may_loop(live: LiveContainer) -> bool:
    return live.state == "restarting" or (live.running and _JUST_STARTED.match(live.status) is not None)


def _trouble(
    engine: Engine, live: LiveContainer, planned: ContainerPlan, inspected: Mapping[str, Any]
) -> Trouble | None:
    """Return what the inspected container shows; None where it is well."""
    state: Mapping[str, Any] = inspected["State"]
    restarts = int(inspected.get("RestartCount") or 0)
    waits = bool(state.get("Restarting"))
    if waits or live.state == "restarting" or _loops(inspected, restarts, engine.now):
        secrets = _secrets(engine, live, planned, inspected)
        return Trouble(
            looping=True,
            restarts=restarts,
            # Docker sets it to 0 at each start.
            exit_code=int(state["ExitCode"]) if waits else None,
            error="out of memory" if state.get("OOMKilled") else " ".join(_lines(state.get("Error") or "", secrets)),
            output=_lines(engine.log(live.id, LAST_LINES), secrets),
        )
    health = (state.get("Health") or {}).get("Log") or []
    if live.health != "unhealthy" or not health:
        return None
    return Trouble(
        looping=False,
        restarts=restarts,
        exit_code=int(health[-1].get("ExitCode") or 0),
        output=_lines(complete_output(health[-1].get("Output") or ""), _secrets(engine, live, planned, inspected)),
    )


def _loops(inspected: Mapping[str, Any], restarts: int, now: float) -> bool:
    """Return whether one that runs was started again and again, and does not yet run for longer than usual."""
    if restarts < _FEWEST_RESTARTS:
        return False
    created, started = _seconds(inspected["Created"]), _seconds(inspected["State"]["StartedAt"])
    usual = (started - created) / restarts
    return now - started < 2 * usual


def _seconds(time: str) -> float:
    """Return a time of Docker's API (RFC 3339) in seconds since 1970."""
    return datetime.fromisoformat(time).timestamp()


def _secrets(
    engine: Engine, live: LiveContainer, planned: ContainerPlan, inspected: Mapping[str, Any]
) -> Sequence[str]:
    image = live.image_id if live.image_id and engine.image_present(live.image_id) else ""
    variables = engine.image_variables(image) if image else ()
    return secret_values((inspected.get("Config") or {}).get("Env") or (), planned, variables)


def _lines(printed: str, secrets: Sequence[str]) -> tuple[str, ...]:
    lines = [line.rstrip() for line in printable(printed, secrets).split("\n") if line.strip()]
    return tuple(map(shortened, lines[-LAST_LINES:]))
