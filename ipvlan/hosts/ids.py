"""Docker's ids, as a person reads them."""

from typing import Final

SHORT: Final = 12
"""Digits of an id that Docker's command line shows, and takes for the whole."""


def short_id(docker_id: str) -> str:
    """Return the id as `docker ps` and `docker network ls` show it."""
    return docker_id[:SHORT]
