"""Docker's ids, as a person reads them."""

import shlex
from typing import Final

from ipvlan.problems import plain

SHORT: Final = 12
"""Digits of an id that Docker's command line shows, and takes for the whole."""


def short_id(docker_id: str) -> str:
    """Return the id as `docker ps` and `docker network ls` show it, as one word of a shell: a host may give any text for it."""
    return shlex.quote(plain(docker_id[:SHORT]))
