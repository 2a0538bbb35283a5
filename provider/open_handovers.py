"""The handovers of this run that have not ended: a container was about to be replaced, and whether the new one is up is not known.

The engine stops everything at its first failure, and at Ctrl-C: a container on another host was deleted and its successor is
never created, or never looked at. So what is open when this process ends is given to a process of its own (`provider.going_back`),
which the engine does not end.

Out of scope: what that process does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

_KEYS: Final = ("host", "service", "container", "owner", "healthy_within", "stop_seconds", "bridged")
_OF_BRIDGES: Final = ("endpoints", "keep_bridge")
"""Those of a container with bridges alone."""


class OpenHandovers:
    """The open handovers of this process. Safe to use from several threads."""

    def __init__(self) -> None:
        """Begin with none."""
        self._guard = threading.Lock()
        self._open: dict[tuple[str, str], dict[str, Any]] = {}

    def begin(self, properties: Mapping[str, Any], ssh: tuple[str, ...]) -> None:
        """Note that a container has a spare, and is about to be deleted; `ssh` reaches its host."""
        keys = (*_KEYS, *(key for key in _OF_BRIDGES if key in properties))
        entry = {key: properties[key] for key in keys} | {"ssh": list(ssh)}
        with self._guard:
            self._open[properties["host"], properties["container"]] = entry

    def end(self, host: str, container: str) -> None:
        """Note that the new container is up, or that the previous one runs again."""
        with self._guard:
            self._open.pop((host, container), None)

    def give_away(self) -> None:
        """Start the process that ends what is open, if anything is; it does not wait for it."""
        # Without the lock: this is called by a signal's handler, and the process ends after it.
        entries = list(self._open.values())
        if not entries:
            return
        process = subprocess.Popen(
            [sys.executable, "-m", "provider.going_back"],
            cwd="/",
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parent.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Out of the reach of Ctrl-C, and of the engine, which ends the children of the plugin.
            start_new_session=True,
        )
        if process.stdin is not None:
            process.stdin.write(json.dumps(entries).encode())
            process.stdin.close()


OPEN_HANDOVERS: Final = OpenHandovers()
"""Those of this process."""
