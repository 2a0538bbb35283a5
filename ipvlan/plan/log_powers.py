"""Where a container's output goes by its log driver, and what of the options no report shows.

Out of scope: what a value of an option may be (`ipvlan.plan.rules.settings`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipvlan.plan.model import ContainerPlan

_LOCAL_LOGS: Final = frozenset({"", "none", "json-file", "local", "journald"})
"""Log drivers that keep the output on the host (docs.docker.com/engine/logging/configure)."""


def of_driver(container: ContainerPlan) -> Iterator[tuple[str, str, str]]:
    """Yield driver and options, the meaning, and what is not shown of them, where the output leaves the host."""
    driver = container.settings.log_driver or ""
    if driver not in _LOCAL_LOGS:
        shown, unshown = options(container.settings.log_opts)
        yield ", ".join([driver, *shown]), "Docker sends the container's output to where `log_opts` says", unshown


def of_options(container: ContainerPlan) -> Iterator[tuple[str, str, str]]:
    """Yield the same of options without a driver."""
    given = container.settings.log_opts
    if container.settings.log_driver is None and any(_TARGET.search(name) for name in given):
        shown, unshown = options(given)
        yield ", ".join(shown), "where the host's own log driver is for it, Docker sends the output there", unshown


_TARGET: Final = re.compile("address|url|endpoint", re.IGNORECASE)
"""Options of log drivers that say where the output goes."""
_SECRET_OPTION: Final = re.compile("token|secret|password|credential(?!s-endpoint)", re.IGNORECASE)
_USER_IN_URL: Final = re.compile(r"(?<=://)[^/@]*@")


def options(given: Mapping[str, str]) -> tuple[list[str], str]:
    """Return the options, where the output goes before the others, without what may be a secret; and that as a text."""
    shown: list[str] = []
    hidden: list[str] = []
    for name, value in sorted(given.items(), key=lambda option: (not _TARGET.search(option[0]), option[0])):
        known = "(not shown)" if _SECRET_OPTION.search(name) else _USER_IN_URL.sub("(not shown)@", value)
        shown.append(f"{name}={known}")
        hidden += [f"{name}={value}"] if known != value else []
    return shown, "\n".join(hidden)
