"""Whether a container that was started comes up, and the evidence where it does not.

A container is up when it runs without a restart for some seconds since its start, is healthy where it has a health check, and has
its published ports bound. It is looked at some times a second, and the outcome is reported as soon as it is known.

Out of scope: what is done about it (`ipvlan.hosts.restore`), and the words for it (`ipvlan.hosts.container_failure`).
"""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from ipvlan.hosts.bridge import BoundPort, state_of
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.printed_text import LAST_LINES, complete_output, printable
from ipvlan.hosts.secret_values import values_of
from ipvlan.plan.resource_names import FAILED_SUFFIX, PREVIOUS_SUFFIX, REHEARSAL_SUFFIX

Kind = Literal[
    "up", "done", "exited", "restarting", "created", "dead", "unhealthy", "not-healthy-in-time", "paused", "ports-unbound",
    "absent", "renamed",
]  # fmt: skip
"""What became of a container. `up` and `done` are good: `done` is one that ended with exit code 0 and that Docker is not to start
again, such as a job. `created` never started."""

STEADY_SECONDS: Final = 3
"""How long a container must run without a restart."""

RESTARTED_SECONDS: Final = 10
"""How long one must run that Docker has started again."""

LOOK_SECONDS: Final = 0.3
"""Between two looks at the container."""

SILENCE_SECONDS: Final = 20.0
"""How long Docker may give no answer meanwhile, as during its own restart."""

HEALTH_CHECK_SECONDS: Final = 30.0
"""Docker's interval between two health checks, and the time for one, where nothing else is set (moby daemon/health.go)."""

CHECK_MARGIN_SECONDS: Final = 10.0
"""How much later than planned a health check may end on a busy host."""

_GOOD: Final = ("up", "done")
_ENDED: Final = ("exited", "dead", "renamed")
_NOT_SERVING: Final = (FAILED_SUFFIX, PREVIOUS_SUFFIX, REHEARSAL_SUFFIX)
"""Ends of the names of containers that do not serve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Since:
    """The moment at which a container got something new while it ran."""

    at: float
    """By the host's clock, in seconds since 1970."""
    restarts: int
    """How often Docker had started it again until then."""


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
    """The last lines of its log, LAST_LINES at most."""

    @property
    def up(self) -> bool:
        """Whether the container is as it should be."""
        return self.kind in _GOOD


def settle(
    engine: EngineWrites,
    id: str,  # noqa: A002
    *,
    healthy_within: int,
    ports: Sequence[BoundPort],
    secret_names: Collection[str],
    since: Since | None = None,
    secrets: Sequence[str] = (),
) -> Settled:
    """Wait until the container is up, or does not come up.

    Args:
        engine: Docker on the host.
        id: The container's id.
        healthy_within: Seconds until it must be healthy, from now; without a meaning where it has no health check.
        ports: What must be bound on the host.
        secret_names: Names of its environment variables whose values are not shown.
        since: When it got something new while it ran. It must go on for STEADY_SECONDS from now, and where it has a health check,
            one that began later must succeed, and none before counts; it has the time of its next health check for that, where
            this is longer. None for a container that was started.
        secrets: Values that are not shown besides those.

    Raises:
        HostError: The host or its Docker does not answer.
    """
    watch = _Watch(engine, healthy_within=healthy_within, ports=ports, since=since)
    kind, inspected = watch.until_known(id)
    if inspected is None:
        return Settled(kind="absent", id=id)
    hidden = (*_secrets_of(inspected, secret_names), *secrets)
    if kind in _GOOD:
        return _settled(kind, inspected, "", (), hidden)
    unbound = state_of(inspected).missing(ports) if kind == "ports-unbound" else ()
    return _settled(kind, _with_exit_code(engine, inspected), _log(engine, id), unbound, hidden)


def ended_for_good(
    engine: EngineWrites,
    inspected: dict[str, Any] | None,
    *,
    secret_names: Collection[str],
    secrets: Sequence[str] = (),
) -> Settled | None:
    """Return what became of a container that does not run and that Docker does not start again; None for any other.

    `inspected` is how Docker described it a moment ago; `secret_names` and `secrets` are those of `settle`.
    """
    kind = None if inspected is None else _Watch(engine).look(inspected)
    if inspected is None or kind not in _ENDED:
        return None
    hidden = (*_secrets_of(inspected, secret_names), *secrets)
    return _settled(kind, _with_exit_code(engine, inspected), _log(engine, inspected["Id"]), (), hidden)


def ended_or_restarting(
    engine: EngineWrites,
    inspected: dict[str, Any] | None,
    *,
    secret_names: Collection[str],
    secrets: Sequence[str] = (),
) -> Settled | None:
    """Return what `ended_for_good` does, and what became of a container that Docker starts again and again."""
    if inspected is None or not is_restarting(engine, inspected):
        return ended_for_good(engine, inspected, secret_names=secret_names, secrets=secrets)
    hidden = (*_secrets_of(inspected, secret_names), *secrets)
    return _settled("restarting", _with_exit_code(engine, inspected), _log(engine, inspected["Id"]), (), hidden)


def is_restarting(engine: EngineWrites, inspected: Mapping[str, Any] | None) -> bool:
    """Return whether Docker was about to start the container again, or had started it again a moment ago, when it described it."""
    if inspected is None:
        return False
    return bool(inspected["State"].get("Restarting")) or _Watch(engine).runs_again(inspected)


def _log(engine: EngineWrites, id_: str) -> str:
    """Return the end of the container's log; why there is none where Docker does not answer: what failed is known without it."""
    try:
        return engine.log(id_, LAST_LINES)
    except HostError as error:
        return f"(the log is not known: {error.problems[0].problem})"


def _with_exit_code(engine: EngineWrites, inspected: dict[str, Any]) -> dict[str, Any]:
    """Return how Docker describes a container, with the exit code of its last end also where it was started again."""
    if inspected["State"]["Status"] != "running" or not inspected["RestartCount"]:
        return inspected
    try:
        code = engine.last_exit_code(inspected["Id"])
    except HostError:
        # What failed is known without it.
        return inspected
    return inspected if code is None else {**inspected, "State": {**inspected["State"], "ExitCode": code}}


class _Watch:
    """The look at one container again and again, until it is known what becomes of it."""

    def __init__(
        self,
        engine: EngineWrites,
        *,
        healthy_within: int = STEADY_SECONDS,
        ports: Sequence[BoundPort] = (),
        since: Since | None = None,
    ) -> None:
        self._engine = engine
        self._healthy_within = healthy_within
        self._ports = ports
        self._since = since
        self._begin = time.monotonic()
        self._started: str | None = None
        """When it was started, as Docker writes it."""
        self._started_at = 0.0
        """The same in this machine's time, or later."""
        self._first_estimate: float | None = None
        """The same at the first look at that start; None where a clock was set since then."""
        self._restarts = None if since is None else since.restarts
        """Before it got something new, or at the first look at it while it ran."""

    def until_known(self, id_: str) -> tuple[Kind, dict[str, Any] | None]:
        """Return what becomes of the container, and how Docker describes it; None where it is absent."""
        silent_since: float | None = None
        while True:
            asked = time.monotonic()
            try:
                inspected = self._engine.find_container(id_)
            except HostError:
                # Docker may be restarted meanwhile.
                silent_since = asked if silent_since is None else silent_since
                if time.monotonic() - silent_since > SILENCE_SECONDS:
                    raise
            else:
                silent_since = None
                if inspected is None:
                    return "absent", None
                kind = self.look(inspected)
                if kind is not None:
                    return kind, inspected
            time.sleep(LOOK_SECONDS)

    def look(self, inspected: Mapping[str, Any]) -> Kind | None:
        """Return what becomes of the container, as Docker describes it now; None where that is not known yet."""
        if inspected["Name"].endswith(_NOT_SERVING):
            return "renamed"
        state = inspected["State"]
        kinds: Mapping[str, Kind | None] = {
            "running": self._look_at_running(inspected) if state["Status"] == "running" else None,
            "restarting": self._restarted(inspected["RestartCount"]),
            "exited": "done" if _is_done(inspected) else "exited",
            "paused": "paused" if self._late else None,
            "created": "created",
        }
        return kinds.get(state["Status"], "dead")

    def _look_at_running(self, inspected: Mapping[str, Any]) -> Kind | None:
        state, restarts = inspected["State"], inspected["RestartCount"]
        running = self._runs_for(state["StartedAt"])
        health = (state.get("Health") or {}).get("Status") or "none"
        if self._restarted(restarts):
            return "restarting"
        if health == "unhealthy" and (self._since is None or _began_since(state["Health"], self._since.at)):
            return "unhealthy"
        # It may have waited for its bridge connection. A start again is believed when it lasts.
        if running <= (RESTARTED_SECONDS if restarts else STEADY_SECONDS) or self._is_new:
            return None
        waits = 0.0 if health == "starting" else self._waits_for_check(inspected)
        if waits is not None:
            return "not-healthy-in-time" if self._is_later(waits) else None
        return "ports-unbound" if state_of(inspected).missing(self._ports) else "up"

    def _restarted(self, restarts: int) -> Kind | None:
        """Return `restarting` where Docker started it again since the first look; Docker counts at the end, not at the start."""
        if self._restarts is None:
            self._restarts = restarts
        return "restarting" if restarts > self._restarts else None

    def runs_again(self, inspected: Mapping[str, Any]) -> bool:
        """Return whether the container runs, and Docker started it again a moment ago; one that it started long ago is steady."""
        runs, restarts = inspected["State"]["Status"] == "running", inspected["RestartCount"]
        return bool(runs and restarts) and self._runs_for(inspected["State"]["StartedAt"]) <= RESTARTED_SECONDS

    @property
    def _is_new(self) -> bool:
        """Whether the container got something new too short a time ago to know that it goes on."""
        return self._since is not None and time.monotonic() - self._begin < STEADY_SECONDS

    def _waits_for_check(self, inspected: Mapping[str, Any]) -> float | None:
        """Return for how many seconds at least a health check with what is new is waited for; None where none is."""
        health = inspected["State"].get("Health") or {}
        status = health.get("Status")
        # Unhealthy is here one that was so before.
        if self._since is None or status not in {"healthy", "unhealthy"} or _is_checked_since(health, self._since.at):
            return None
        return _next_check(inspected)

    @property
    def _late(self) -> bool:
        return self._is_later(0.0)

    def _is_later(self, seconds: float) -> bool:
        """Return whether the time to become healthy is over, and at least so many seconds."""
        return time.monotonic() - self._begin >= max(self._healthy_within, seconds)

    def _runs_for(self, started: str) -> float:
        """Return the seconds for which the container runs, or less than one too few.

        The host's clock counts where the start is seen first, and this machine's from then on: the host's may be set meanwhile.
        A later answer says the time of the first one more exactly, where it is from a second that has just begun.
        """
        now = time.monotonic()
        estimate = now - self._age(started)
        if self._started != started:
            # A start in the future is one before the clock was set.
            self._started, self._started_at, self._first_estimate = started, min(estimate, now), estimate
        elif self._first_estimate is not None and abs(estimate - self._first_estimate) < 1:
            self._started_at = min(self._started_at, estimate)
        else:
            # Whole seconds alone never differ by so much.
            self._first_estimate = None
        return now - self._started_at

    def _age(self, started: str) -> float:
        """Return the seconds since the start by the host's clock, at the last answer; less than one too few."""
        try:
            began = datetime.fromisoformat(f"{started[:19]}+00:00").timestamp()
            # Docker writes up to nine decimals, and none where they are zeros.
            began += float(f"0{started[19:].removesuffix('Z')}")
        except ValueError:
            return 0.0
        # The time of an answer is a whole second that has begun.
        return self._engine.now - began


def _is_done(inspected: Mapping[str, Any]) -> bool:
    """Return whether a container that ended was a job that has done its work. With another policy Docker starts it again."""
    policy = (inspected["HostConfig"].get("RestartPolicy") or {}).get("Name") or "no"
    return policy in {"no", "on-failure"} and inspected["State"]["ExitCode"] == 0


def _secrets_of(inspected: Mapping[str, Any], names: Collection[str]) -> tuple[str, ...]:
    return values_of(inspected["Config"].get("Env") or (), names)


def _is_checked_since(health: Mapping[str, Any], since: float) -> bool:
    """Return whether a health check that began after that second succeeded, and none after it failed."""
    return _began_since(health, since) and health["Log"][-1].get("ExitCode") == 0


def _began_since(health: Mapping[str, Any], since: float) -> bool:
    """Return whether the last health check began after that second."""
    checks = list(health.get("Log") or ())
    # The time of an answer of Docker is whole seconds, so a check of the same second may have begun before.
    return bool(checks) and _began(checks[-1].get("Start") or "") >= since + 1


def _began(text: str) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except ValueError:
        return 0.0


def _next_check(inspected: Mapping[str, Any]) -> float:
    """Return the seconds until a container's next health check has ended."""
    check = inspected["Config"].get("Healthcheck") or {}
    times = (int(check.get(key) or 0) / 1e9 or HEALTH_CHECK_SECONDS for key in ("Interval", "Timeout"))
    return sum(times) + CHECK_MARGIN_SECONDS


def _settled(
    kind: Kind,
    inspected: Mapping[str, Any],
    log: str,
    unbound: tuple[BoundPort, ...],
    secrets: Sequence[str],
) -> Settled:
    state = inspected["State"]
    checks = (state.get("Health") or {}).get("Log") or ()
    log = printable(log, secrets).strip("\n")
    return Settled(
        kind=kind,
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        status=state["Status"],
        exit_code=state["ExitCode"],
        restarts=inspected["RestartCount"],
        oom_killed=state.get("OOMKilled", False),
        error=printable(state.get("Error") or "", secrets).strip("\n"),
        health=printable(complete_output(checks[-1].get("Output") or ""), secrets).strip("\n") if checks else "",
        unbound=unbound,
        log=tuple(log.split("\n")[-LAST_LINES:]) if log else (),
    )
