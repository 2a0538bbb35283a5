"""Whether a container that was started comes up, and the evidence where it does not.

A container is up when it runs without a restart for some seconds since its start, is healthy where it has a health check, and has
its published ports bound. The host looks twice a second and reports as soon as the outcome is known.

Out of scope: what is done about it (`ipvlan.hosts.restore`), and the words for it (`ipvlan.hosts.container_failure`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from ipvlan.hosts.bridge import BoundPort, state_of
from ipvlan.hosts.errors import UNREADABLE, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.script import Output, run_script
from ipvlan.hosts.secret_values import mask, values_of
from ipvlan.hosts.spare import answered
from ipvlan.plan.resource_names import FAILED_SUFFIX, PREVIOUS_SUFFIX, REHEARSAL_SUFFIX

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

Kind = Literal[
    "up", "done", "exited", "restarting", "created", "dead", "unhealthy", "not-healthy-in-time", "paused", "ports-unbound",
    "absent", "renamed",
]  # fmt: skip
"""What became of a container. `up` and `done` are good: `done` is one that ended with exit code 0 and that Docker is not to start
again, such as a job. `created` never started."""

STEADY_SECONDS: Final = 3
"""How long a container must run without a restart."""

CALM_SECONDS: Final = 60
"""A container that Docker started again less than this before the first look is one that restarts."""

LOG_LINES: Final = 20
"""Of the container's log, as evidence."""

_LOG_BYTES: Final = 65536
_VISIT_SECONDS: Final = 90.0
"""For the visit, beside the time that the container has to come up."""

_CONTROL_SEQUENCE: Final = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[@-Z\\-_])")
"""Colours and titles for a terminal (ECMA-48, 5.4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What became of a container. All texts are without secret values."""

    kind: Kind
    id: str
    name: str = ""
    """Its name now; empty where there is no such container."""
    status: str = ""
    """Docker's word for its state now: `exited`."""
    exit_code: int = 0
    """Of its last end; 0 where it never ended."""
    restarts: int = 0
    """How often Docker started it again."""
    oom_killed: bool = False
    """Whether the kernel ended it for want of memory."""
    error: str = ""
    """Docker's words on why it did not start."""
    health: str = ""
    """What the last health check printed."""
    unbound: tuple[BoundPort, ...] = ()
    """Ports that are not bound on the host."""
    log: tuple[str, ...] = ()
    """The last lines of its log, LOG_LINES at most."""

    @property
    def up(self) -> bool:
        """Whether the container is as it should be."""
        return self.kind in {"up", "done"}


def settle(
    connection: HostConnection,
    id: str,  # noqa: A002
    *,
    steady: int = STEADY_SECONDS,
    healthy_within: int,
    ports: Sequence[BoundPort],
    secret_names: Collection[str],
) -> Settled:
    """Wait until the container is up, or does not come up.

    Args:
        connection: The host.
        id: The container's id.
        steady: Seconds that it must run without a restart.
        healthy_within: Seconds until it must be healthy, from now; without a meaning where it has no health check.
        ports: What must be bound on the host.
        secret_names: Names of its environment variables whose values are not shown.

    Raises:
        HostError: The host or its Docker does not answer.
    """
    variables = {
        "id": id,
        "steady": str(steady),
        "healthy_within": str(healthy_within),
        "calm": str(CALM_SECONDS),
        "suffixes": "\n".join((FAILED_SUFFIX, PREVIOUS_SUFFIX, REHEARSAL_SUFFIX)),
        "log_lines": str(LOG_LINES),
        "log_bytes": str(_LOG_BYTES),
    }
    timeout = max(healthy_within, steady) + _VISIT_SECONDS
    output = answered(connection, run_script(connection, "settle.sh", variables, timeout=timeout)).output
    outcome = output.text("outcome")
    kind: Kind | None = next((kind for kind in get_args(Kind) if kind == outcome), None)
    if kind == "absent":
        return Settled(kind=kind, id=id)
    inspected = _inspected(output)
    if kind is None or inspected is None:
        raise HostError.on(
            connection.name,
            UNREADABLE,
            problem=f"`docker container inspect {short_id(id)}` printed no JSON",
            effect="nobody knows whether the container comes up",
            fix="make sure that `docker` on the host is Docker's own command line, then run `pulumi up` again",
        )
    unbound = state_of(inspected).missing(ports) if kind == "up" else ()
    return _settled("ports-unbound" if unbound else kind, inspected, output, unbound, secret_names)


def _inspected(output: Output) -> dict[str, Any] | None:
    try:
        containers: list[dict[str, Any]] = json.loads(output.text("container"))
    except json.JSONDecodeError:
        return None
    return containers[0] if containers else None


def _settled(
    kind: Kind,
    inspected: Mapping[str, Any],
    output: Output,
    unbound: tuple[BoundPort, ...],
    secret_names: Collection[str],
) -> Settled:
    state = inspected["State"]
    secrets = values_of(inspected["Config"].get("Env") or (), secret_names)
    checks = (state.get("Health") or {}).get("Log") or ()
    log = _shown(_complete_lines(output.text("log")), secrets)
    return Settled(
        kind=kind,
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        status=state["Status"],
        exit_code=state["ExitCode"],
        restarts=inspected["RestartCount"],
        oom_killed=state.get("OOMKilled", False),
        error=_shown(state.get("Error") or "", secrets),
        health=_shown(checks[-1].get("Output") or "", secrets) if checks else "",
        unbound=unbound,
        log=tuple(log.split("\n")[-LOG_LINES:]) if log else (),
    )


def _complete_lines(log: str) -> str:
    """Return the log without a first line that was cut: a part of a secret value would be shown."""
    if len(log.encode()) < _LOG_BYTES - LOG_LINES:
        return log
    return log.partition("\n")[2]


def _shown(text: str, secrets: Sequence[str]) -> str:
    """Return the text without secret values, and without what a terminal would act on."""
    plain = _CONTROL_SEQUENCE.sub("", mask(text, secrets)).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    printable = "".join(letter for letter in plain if letter.isprintable() or letter == "\n")
    return mask(printable, secrets).strip("\n")
