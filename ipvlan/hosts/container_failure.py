"""The words for a container that does not come up: what happened, the evidence, and what serves now.

Out of scope: the outcome (`ipvlan.hosts.settle`), and the return of the previous container (`ipvlan.hosts.restore`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.hosts.bridge import port_list
from ipvlan.hosts.errors import NOT_UP, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.printed_text import LAST_LINES, shortened
from ipvlan.plan.resource_names import FAILED_SUFFIX

if TYPE_CHECKING:
    from ipvlan.hosts.restore import Restored
    from ipvlan.hosts.settle import Kind, Settled

Previous = Literal["restored", "left", "none"]
"""What became of the previous container: it runs again; the failed one is left there (`on_failure: leave`); there is none."""

_HEALTH_LINES: Final = 5
_INDENT: Final = " " * 13
"""Below the text of a problem (`ipvlan.problems.Problem`)."""
_PROCESS_KILLED: Final = 137
"""The exit code of a process that SIGKILL ended."""


def describe(
    host: str,
    service: str,
    settled: Settled,
    *,
    healthy_within: int,
    previous: Previous,
    not_restored: HostError | None = None,
) -> HostError:
    """Return that a container does not come up.

    Args:
        host: The host's name.
        service: The service.
        settled: The outcome.
        healthy_within: Seconds that it had to become healthy.
        previous: What became of the previous container.
        not_restored: Why the previous container could not be restored, where it was tried.
    """
    kept = (
        f"; the failed one is stopped, as {settled.name.removesuffix(FAILED_SUFFIX)}{FAILED_SUFFIX}"
        if settled.name
        else ""
    )
    effects: dict[Previous, str] = {
        "restored": f"the previous container runs again at its address{kept}",
        "left": "it is left as it is for inspection, and the service does not run on this host (on_failure: leave)",
        "none": "there is no previous container to run in its place, and the service does not run on this host",
    }
    error = HostError.on(
        host,
        NOT_UP,
        problem=f'service "{service}" does not come up: {evidence(settled, healthy_within)}',
        effect=effects[previous] if not_restored is None else "the service does not run on this host",
        fix=_fix(service, settled),
    )
    if not_restored is None:
        return error
    # Without the name of a host both are shown.
    return HostError([*error.problems, *not_restored.problems])


def evidence(settled: Settled, healthy_within: int) -> str:
    """Return what became of a container that does not go on, in a clause, and the evidence below it."""
    return f"{_what(settled, healthy_within)}{_evidence(settled)}"


def command_evidence(status: int | None, output: str, seconds: float) -> str:
    """Return how the command of a reload ended, in a clause, and what it printed below it.

    Args:
        status: Its exit status; None where it did not end.
        output: What it printed, without secret values and control characters.
        seconds: How long it could take.
    """
    ended = f"did not end within {seconds:.0f} seconds" if status is None else f"ended with exit status {status}"
    lines = output.strip("\n").split("\n")[-LAST_LINES:]
    return f"the command of `reload` {ended}{_block('it says:', lines) if any(lines) else ''}"


def restored_text(host: str, service: str, name: str, restored: Restored) -> str:
    """Return that the previous container runs again, for a failure that the engine prints itself."""
    return f'host "{host}", service "{service}": {_runs_again(name, restored)}'


def with_restored(error: HostError, name: str, restored: Restored) -> HostError:
    """Return the error of one host with the addition that the previous container runs again."""
    first, *others = error.problems
    fix = _with_refresh(first.fix) if restored.failed_id else first.fix
    about = replace(first, effect=f"{first.effect}; {_runs_again(name, restored)}", fix=fix)
    return HostError([about, *others], host=error.host)


def _with_refresh(fix: str) -> str:
    """Return the fix with a refresh: the state has the container that was put aside, and without one it is all an `up` looks at."""
    again = "run `pulumi up --refresh`"
    if again in fix:
        return fix
    plain = "run `pulumi up`"
    return fix.replace(f"{plain} again", plain).replace(plain, again) if plain in fix else f"{fix}, then {again}"


def _runs_again(name: str, restored: Restored) -> str:
    kept = f"; the new one is stopped, as {name}{FAILED_SUFFIX}" if restored.failed_id else ""
    return f"the previous container {name} ({short_id(restored.id)}) runs again at its address{kept}"


def _what(settled: Settled, healthy_within: int) -> str:
    """Return what became of the container, in one clause."""
    code = _exit(settled)
    ended = _ended(settled, code)
    words: dict[Kind, str] = {
        "exited": ended,
        "renamed": ended,
        "created": ended,
        "restarting": f"ends again and again ({code}; Docker started it again {_times(settled.restarts)})",
        "unhealthy": "runs, and its health check fails",
        "not-healthy-in-time": f"runs, and is not healthy within {healthy_within} seconds (rollout.healthy_within)",
        "paused": "is paused",
        "ports-unbound": f"runs, and port {port_list(settled.unbound)} is not bound on the host",
        "absent": "does not exist any more",
    }
    return f"container {short_id(settled.id)} {words.get(settled.kind, f'is {settled.status} ({code})')}"


def _ended(settled: Settled, code: str) -> str:
    if settled.status == "created":
        return "was created, and did not start"
    place = f", and has the name {settled.name} now" if settled.kind == "renamed" else ""
    return f"{'ended' if settled.status == 'exited' else f'is {settled.status}'} ({code}){place}"


def _exit(settled: Settled) -> str:
    if settled.oom_killed:
        return f"exit code {settled.exit_code}, ended by the kernel for want of memory"
    killed = ", by SIGKILL" if settled.exit_code == _PROCESS_KILLED else ""
    return f"exit code {settled.exit_code}{killed}"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _evidence(settled: Settled) -> str:
    """Return what Docker, the health check and the container itself say, below the sentence."""
    parts: tuple[tuple[str, Sequence[str]], ...] = (
        ("Docker says:", settled.error.split("\n")),
        ("the health check says:", settled.health.split("\n")[-_HEALTH_LINES:]),
        ("the last lines of its log:", settled.log),
    )
    return "".join(_block(heading, lines) for heading, lines in parts if any(lines))


def _block(heading: str, lines: Sequence[str]) -> str:
    return f"\n{_INDENT}{heading}" + "".join(f"\n{_INDENT}  | {shortened(line)}".rstrip() for line in lines)


def _fix(service: str, settled: Settled) -> str:
    """Return what a person can do."""
    again = "or run `pulumi up --refresh` to try the same again"
    match settled.kind:
        case "absent":
            return "somebody removed it; run `pulumi up --refresh` to create it again"
        case "paused":
            return f"`docker unpause {short_id(settled.id)}` on the host, then run `pulumi up` again"
        case "ports-unbound":
            return f"see `docker port {short_id(settled.id)}` and `ss -tulpn` on the host, then run `pulumi up` again"
        case "not-healthy-in-time":
            return f"correct ipvlan-fabric:services.{service} or its image, or give it a longer rollout.healthy_within; {again}"
        case _:
            return f"correct ipvlan-fabric:services.{service} or its image; {again}"
