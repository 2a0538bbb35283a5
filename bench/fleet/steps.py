"""The steps: which command each is, and what is expected of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from bench.fleet.project import STACK

_UP: Final = ("pulumi", "up", "--stack", STACK, "--yes", "--skip-preview", "--non-interactive", "--color", "never")
_DESTROY: Final = ("pulumi", "destroy", *_UP[2:])
CONNECT_SECONDS: Final = 10.0
"""How long ssh waits for a host that does not answer (ipvlan-fabric:ssh.connect_timeout, and --timeout)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One command."""

    command: tuple[str, ...]
    limit: float
    """Seconds after which it is ended."""
    reach: Mapping[int, float]
    """Number of hosts -> seconds that it may take at most."""
    with_failures: bool = True
    """Whether it is measured again with dead and slow hosts."""
    changes: bool = False
    """Whether it changes hosts, or needs a state that an `up` of this fleet wrote."""
    failed_status: int = 1
    """Its exit status where hosts do not answer."""


STEPS: Final[Mapping[str, Step]] = {
    "up": Step(command=_UP, limit=3600, reach={}, with_failures=False, changes=True),
    # It records the order in which services are replaced, which an `up` that creates them does not have (docs/scale.md).
    "second": Step(command=_UP, limit=1800, reach={}, with_failures=False, changes=True),
    "again": Step(command=_UP, limit=1800, reach={100: 45.0}, changes=True, failed_status=0),
    "status": Step(command=("ipvlan", "--stack", STACK, "status"), limit=600, reach={100: 5.0, 1000: 40.0}),
    "verify": Step(command=("ipvlan", "--stack", STACK, "verify"), limit=1800, reach={}),
    "preflight": Step(command=("ipvlan", "--stack", STACK, "preflight"), limit=1800, reach={}),
    "destroy": Step(command=_DESTROY, limit=3600, reach={}, with_failures=False, changes=True),
}


def allowed(step: Step, hosts: int, *, silent: int, slow: float) -> float | None:
    """Return the seconds that a step may take on so many hosts; None where nothing is promised.

    Args:
        step: The step.
        hosts: Their number.
        silent: How many of them do not answer at all.
        slow: Seconds before each answer of the slow ones; 0 where there are none.
    """
    if hosts not in step.reach:
        return None
    # A silent host is waited for, once; a slow one is asked six times at most in a step that has a reach.
    return step.reach[hosts] + (CONNECT_SECONDS if silent else 0.0) + 6 * slow
