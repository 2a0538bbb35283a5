"""Runs other programs with a time limit, and prints progress."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

STARTED = time.monotonic()


def say(text: str) -> None:
    """Print a line of progress on standard error, with the seconds since the start; standard output is for results."""
    print(f"lab {time.monotonic() - STARTED:6.1f}s  {text}", file=sys.stderr, flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print when a step begins, and how long it took when it is done."""
    say(f"{text} ...")
    begin = time.monotonic()
    yield
    say(f"{text}: done in {time.monotonic() - begin:.1f} s")


def attempt(
    command: Sequence[str | Path],
    *,
    limit: float = 60.0,
    feed: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; any exit status is fine.

    Raises:
        LabError: The program is missing, or was ended because it took more than `limit` seconds.
    """
    try:
        return subprocess.run(
            [str(part) for part in command],
            check=False,
            capture_output=True,
            text=True,
            input="" if feed is None else feed,
            timeout=limit,
            env=environment,
            cwd=cwd,
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"still running after {limit:.0f} s, and ended: {_line(command)}") from error
    except FileNotFoundError as error:
        raise LabError(f"{command[0]}: not found; run lab/up, which installs what the lab needs") from error


def run(
    command: Sequence[str | Path],
    *,
    limit: float = 60.0,
    feed: str | None = None,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> str:
    """Return the standard output of a command that must succeed.

    Raises:
        LabError: It fails, or takes more than `limit` seconds; with the end of its output.
    """
    done = attempt(command, limit=limit, feed=feed, environment=environment, cwd=cwd)
    if done.returncode != 0:
        output = "\n".join((done.stderr.strip() or done.stdout.strip()).splitlines()[-12:])
        raise LabError(f"exit status {done.returncode}: {_line(command)}\n{output}")
    return done.stdout


def _line(command: Sequence[str | Path]) -> str:
    text = " ".join(str(part) for part in command)
    return text if len(text) < 300 else f"{text[:300]} ..."
