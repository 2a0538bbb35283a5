"""The `pulumi up` that `ipvlan heal` starts: for exactly the resources of a repair, and to its own end.

Out of scope: which resources these are (`ipvlan.checks.heal`).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ipvlan.hosts.docker_environment import without_redirection
from ipvlan.problems import Problem, ToolError

PULUMI_SECONDS: Final = 1800.0
"""Time limit of `pulumi up` for a few resources, in seconds; it may pull images."""

CANCEL_SECONDS: Final = 120.0
"""Time for `pulumi up` to end what it has begun after it was interrupted, in seconds."""


def pulumi_command(stack: str, targets: Sequence[str]) -> tuple[str, ...]:
    """Return the `pulumi up` that creates exactly the `targets` again, which are complete URNs."""
    command = ["pulumi", "up", "--stack", stack, "--yes", "--skip-preview", "--refresh"]
    for target in targets:
        command += ["--target", target]
    return tuple(command)


def run_pulumi(command: Sequence[str], root: Path, environment: Mapping[str, str], *, to_stderr: bool) -> int:
    """Run pulumi in the folder `root`, pass its output on, and return its exit status.

    Ctrl-C goes to pulumi too, which ends what it has begun: this waits for that. A second one ends pulumi at once.

    Args:
        command: The command.
        root: The project's folder.
        environment: What is added to this process's environment, without the variables that send Docker elsewhere.
        to_stderr: Whether what pulumi prints goes to standard error.

    Raises:
        ToolError: There is no pulumi, or it took too long.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=root,
            env={**without_redirection(os.environ), **environment},
            stdout=sys.stderr if to_stderr else None,
        )
    except FileNotFoundError:
        raise pulumi_failure(
            "IPF914", "there is no `pulumi` on PATH", f"run it where Pulumi is installed: {shlex.join(command)}"
        ) from None
    try:
        return _wait(process, PULUMI_SECONDS)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            _wait(process, CANCEL_SECONDS)
        raise pulumi_failure(
            "IPF915",
            f"`{shlex.join(command)}` took more than {PULUMI_SECONDS / 60:.0f} minutes and was ended",
            "run `pulumi cancel`, then `ipvlan status`",
        ) from None
    finally:
        process.kill()
        process.wait()


def pulumi_failure(code: str, problem: str, fix: str) -> ToolError:
    """Return why `pulumi up` did not repair its part, and the fix."""
    return ToolError(
        [
            Problem(
                code=code,
                key="pulumi",
                value="",
                problem=problem,
                effect="what only Pulumi can repair is not repaired",
                fix=fix,
            )
        ]
    )


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int:
    while True:
        try:
            return process.wait(seconds)
        except KeyboardInterrupt:
            continue
