"""Run commands side by side; each line that one of them prints has its name before it.

Usage: python -m tools.together NAME=COMMAND NAME=COMMAND...   (make up, make test)

Exit status: 0 where all succeed. Where one fails, the others are ended, and it is that one's.

Out of scope: what may run side by side, which the Makefile says.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Final

from tools.log import complain, say

END_SECONDS: Final = 15.0
"""In which a command that is ended cleans up; then it is killed."""
POLL_SECONDS: Final = 0.1


class Command:
    """A command of bash that runs in a process group of its own; its output goes to ours."""

    def __init__(self, name: str, text: str, width: int) -> None:
        self.name = name
        self._prefix = f"{name:{width}} | "
        self._began = time.monotonic()
        # It must not read a terminal, which both would.
        self._process = subprocess.Popen(
            ["bash", "-c", text],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        assert self._process.stdout is not None  # noqa: S101  # it is a pipe
        self._reader = threading.Thread(target=self._pass_on, args=(self._process.stdout,), daemon=True)
        self._reader.start()

    def _pass_on(self, output: IO[str]) -> None:
        for line in output:
            say(f"{self._prefix}{line.rstrip()}")

    def ended(self) -> int | None:
        """Return its exit status, 128 + N for signal N; None while it runs."""
        status = self._process.poll()
        if status is None:
            return None
        # What it left running may hold the pipe.
        self._reader.join(END_SECONDS)
        status = status if status >= 0 else 128 - status
        say(
            f"{self._prefix}{f'failed, exit status {status}' if status else 'done'} in {time.monotonic() - self._began:.0f} s"
        )
        return status

    def end(self) -> None:
        """End it and all that it started: SIGTERM, after a while SIGKILL."""
        say(f"{self._prefix}is ended")
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        # What is left of its group, too.
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def run(commands: dict[str, str]) -> int:
    """Run the commands, name -> text of bash, side by side; return the exit status of the first that fails, or 0.

    Where a signal ends the run: 128 + its number.
    """
    # Noted, not raised: an exception between the start of a command and its place in the list would leave it running.
    signals: list[int] = []
    for kind in (signal.SIGINT, signal.SIGTERM):
        signal.signal(kind, lambda number, _frame: signals.append(number))
    width = max(map(len, commands))
    running: list[Command] = []
    try:
        for name, text in commands.items():
            running.append(Command(name, text, width))
        while running:
            if signals:
                return 128 + signals[0]
            for command in tuple(running):
                status = command.ended()
                if status is not None:
                    running.remove(command)
                if status:
                    return status
            time.sleep(POLL_SECONDS)
        return 0
    finally:
        for command in running:
            command.end()


def main(arguments: Sequence[str]) -> int:
    """Run what the command line names; return the exit status."""
    if not arguments or any("=" not in argument for argument in arguments):
        complain("usage: tools/together.py NAME=COMMAND NAME=COMMAND...")
        return 2
    return run(dict(argument.split("=", 1) for argument in arguments))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
