"""Docker's ids and names of containers, as a person reads them."""

import shlex
from collections.abc import Sequence
from typing import Final

from ipvlan.problems import plain

SHORT: Final = 12
"""Digits of an id that Docker's command line shows, and takes for the whole."""


MOST_NAMED: Final = 3
"""Containers that a message names."""


def listed(names: Sequence[str]) -> str:
    """Return the names of containers for a message; of many the first ones."""
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"


def short_id(docker_id: str) -> str:
    """Return the id as `docker ps` and `docker network ls` show it, as one word of a shell: a host may give any text for it."""
    return shlex.quote(plain(docker_id[:SHORT]))
