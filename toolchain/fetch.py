"""`fetch.py URL FILE`: fetches URL into FILE, or fails within seconds.

Time limits: 3 s to connect, 20 s without a byte. A progress line every 5 s on standard output.
Exit status 1, with the reason as the last line of standard output, when the server cannot be reached or refuses.
Uses the standard library only: it runs before `.venv` exists. Out of scope: the content (the caller checks its checksum).
"""

from __future__ import annotations

import shutil
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

CONNECT_SECONDS = 3.0
SILENCE_SECONDS = 20.0
PROGRESS_SECONDS = 5.0
CHUNK_BYTES = 1 << 20


def fetch(url: str, target: Path) -> None:
    """Write the content of `url` to `target`.

    Raises:
        OSError: The server cannot be reached or refuses; `URLError` is one.
        ValueError: The content ends too early.
    """
    with urllib.request.urlopen(url, timeout=CONNECT_SECONDS) as response:  # noqa: S310 - the address is the caller's own
        connection = getattr(getattr(response.fp, "raw", None), "_sock", None)
        if connection is not None:
            connection.settimeout(SILENCE_SECONDS)
        announced = response.headers.get("Content-Length")
        received, last_report = 0, time.monotonic()
        partial = target.with_name(target.name + ".partial")
        with partial.open("wb") as out:
            while chunk := response.read(CHUNK_BYTES):
                out.write(chunk)
                received += len(chunk)
                if time.monotonic() - last_report >= PROGRESS_SECONDS:
                    last_report = time.monotonic()
                    total = f" of {int(announced) / 1e6:.0f}" if announced else ""
                    print(f"{received / 1e6:.0f}{total} MB fetched", flush=True)
    if announced and received != int(announced):
        raise ValueError(f"{received} of {announced} bytes came before the server closed the connection")
    shutil.move(partial, target)


def main() -> int:
    """Fetch what the command line names; return the exit status."""
    url, target = sys.argv[1:]
    try:
        fetch(url, Path(target))
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        print(f"{url}: {reason}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
