"""What hosts answer to a look before an `up`, sorted: what was found, what is refused, and which hosts are to be left out.

Out of scope: the looks (`ipvlan.checks.volume_check`, `ipvlan.checks.bridge_check`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar

from ipvlan.hosts.errors import HostError

if TYPE_CHECKING:
    from ipvlan.problems import Problem

T = TypeVar("T")

SECONDS: Final = 20.0
"""For one host to answer a look."""


def sort_answers(
    answers: Mapping[str, T | HostError], refused: type[HostError]
) -> tuple[Mapping[str, T], Mapping[str, HostError]]:
    """Return host name -> what was found, and host name -> why nothing can be done on it now.

    Args:
        answers: Host name -> what the look found, or why not.
        refused: What a host answers where the config is to be changed, so that nothing is done on any host.

    Raises:
        HostError: Of the type `refused`, with the problems of all hosts that answer it.
    """
    problems: list[Problem] = []
    found: dict[str, T] = {}
    unavailable: dict[str, HostError] = {}
    for host, answer in answers.items():
        if isinstance(answer, refused):
            problems += answer.problems
        elif isinstance(answer, HostError):
            unavailable[host] = answer
        else:
            found[host] = answer
    if problems:
        raise refused(problems)
    return found, unavailable
