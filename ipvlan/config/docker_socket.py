"""Where Docker listens on a host unless it is told otherwise; apart from the types of the config, which are slow to load."""

from __future__ import annotations

from typing import Final

DEFAULT_SOCKET: Final = "/var/run/docker.sock"
"""dockerd(8), --host."""
