"""A lab that keeps what every command printed, for the folder of a seed that fails."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from lab.harness import Lab, Result


@dataclass(frozen=True)
class LoggedLab(Lab):
    """A lab, and the commands that were run on it."""

    log: list[str] = field(default_factory=list)

    def run(self, *command: str, timeout: float = 120, check: bool = True, stdin: str | None = None) -> Result:
        """Run one of lab/'s commands as `Lab` does, and keep what it printed."""
        began = time.monotonic()
        try:
            done = super().run(*command, timeout=timeout, check=check, stdin=stdin)
        except (AssertionError, subprocess.TimeoutExpired) as error:
            self.note(command, began, f"{type(error).__name__}\n{error}")
            raise
        self.note(command, began, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done

    def note(self, command: tuple[str, ...], began: float, text: str) -> None:
        """Keep what a command printed."""
        at = time.strftime("%H:%M:%S", time.gmtime(time.time() - (time.monotonic() - began)))
        self.log.append(f"### {at} {time.monotonic() - began:.1f} s: {' '.join(command)}\n{text}\n")

    def write_log(self, file: Path) -> None:
        """Write what was kept to a file."""
        file.write_text("\n".join(self.log), encoding="utf-8", errors="replace")
