"""Whether two values of a setting are one to Docker and its provider.

Out of scope: what a change does (`ipvlan.plan.container_updates`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ipvlan.config.durations import nanoseconds
from ipvlan.config.models import Healthcheck

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings

DURATIONS: Final = ("interval", "timeout", "start_period", "start_interval")
"""Keys of a healthcheck that are durations."""


_SETS: Final = frozenset(
    {
        *("volumes", "cap_add", "cap_drop", "security_opt", "devices", "dns", "dns_search", "dns_opt", "group_add"),
    }
)
"""Lists that are sets to the docker provider (schema.TypeSet in resource_docker_container.go, 4.5.0)."""


def differ(before: ContainerSettings, after: ContainerSettings, setting: str) -> bool:
    """Return whether Docker gets another value of a setting.

    To the docker provider an empty value, 0 and false are none (GetOk in resource_docker_container_funcs.go, 4.5.0), two ways to
    write a duration are one, and the order of some lists says nothing.
    """
    old, new = getattr(before, setting), getattr(after, setting)
    return bool(old != new and _of_docker(before, setting) != _of_docker(after, setting))


def _of_docker(settings: ContainerSettings, setting: str) -> object:
    value = getattr(settings, setting)
    if isinstance(value, Healthcheck):
        return value.model_dump() | {key: nanoseconds(getattr(value, key) or "0s") for key in DURATIONS}
    if setting == "memory_swap" and settings.memory and value == 2 * settings.memory:
        # Docker's own default.
        return None
    if setting in _SETS:
        return {repr(entry) for entry in value} or None
    return value or None
