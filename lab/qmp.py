"""QEMU's control socket (QMP): one command, one reply."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

from lab.errors import LabError

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType


class Monitor:
    """An open control socket of one QEMU; a context manager."""

    def __init__(self, path: Path, *, limit: float = 10.0) -> None:
        """Connect to the socket at `path`, and wait up to `limit` seconds for QEMU to create it.

        Raises:
            LabError: QEMU does not create it in time.
        """
        self._path = path
        self._socket = _connect(path, limit)
        self._lines = self._socket.makefile("r", encoding="utf-8")
        self._lines.readline()
        self.command("qmp_capabilities")

    def __enter__(self) -> Monitor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def command(self, name: str, **arguments: object) -> Any:
        """Return the `return` value of a QMP command.

        Raises:
            LabError: QEMU refuses, or does not answer in time; with QEMU's own message.
        """
        try:
            self._socket.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
            while line := self._lines.readline():
                reply = json.loads(line)
                if "error" in reply:
                    raise LabError(f"{self._path}: {name}: {reply['error']['desc']}")
                if "return" in reply:
                    return reply["return"]
        except OSError as error:
            raise LabError(f"{self._path}: {name}: {error}") from error
        raise LabError(f"{self._path}: {name}: QEMU ended before it answered")

    def wait_for_migration(self, *, limit: float) -> None:
        """Wait until a saved or restored state is complete.

        Raises:
            LabError: It fails, or takes more than `limit` seconds.
        """
        deadline = time.monotonic() + limit
        while (info := self.command("query-migrate")).get("status") != "completed":
            if info.get("status") == "failed":
                raise LabError(f"{self._path}: the machine's state: {info.get('error-desc', 'QEMU gives no reason')}")
            if time.monotonic() > deadline:
                raise LabError(f"{self._path}: the machine's state is not complete after {limit:.0f} s")
            time.sleep(0.05)


def _connect(path: Path, limit: float) -> socket.socket:
    deadline = time.monotonic() + limit
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(limit)
        try:
            connection.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            connection.close()
            if time.monotonic() > deadline:
                raise LabError(f"{path}: QEMU did not open its control socket within {limit:.0f} s") from error
            time.sleep(0.05)
        else:
            return connection
