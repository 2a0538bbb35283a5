"""Which protections of a container a change gives up or weakens.

Out of scope: what a container may do at all (`ipvlan.plan.powers`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from ipvlan.config.capability_names import capability_name
from ipvlan.config.types.sizes import MEBIBYTE, UNLIMITED
from ipvlan.plan.confinement_powers import DEFAULT_RUNTIMES, security_option
from ipvlan.plan.powers import Power

if TYPE_CHECKING:
    from ipvlan.config.models import ContainerSettings, Ulimit

_NONE: Final = "none"


def given_up(old: ContainerSettings, new: ContainerSettings) -> Iterator[Power]:
    """Yield what protected the host, or others, before a change of one container, and no longer does."""
    for setting, (before, after, meaning) in {
        "read_only": _read_only(old, new),
        "cap_drop": _capabilities(old, new),
        "security_opt": _options(old, new),
        "user": _user(old.user, new.user),
        "memory": _memory(old.memory, new.memory),
        "memory_reservation": _reservation(old.memory_reservation, new.memory_reservation),
        "memory_swap": _swap(old, new),
        "cpus": _cpus(old, new),
        "storage_opt": _storage(old, new),
        "runtime": _runtime(old.runtime, new.runtime),
    }.items():
        if meaning:
            yield Power(setting=setting, value=f"{before} -> {after}", meaning=f"gave up: {meaning}")
    for name, limit in sorted(old.ulimits.items()):
        later = new.ulimits.get(name)
        if limit.hard != -1 and (later is None or later.hard > limit.hard):
            yield Power(
                setting="ulimits",
                value=f"{name}: {limit.hard} -> {_hard(later)}",
                meaning="gave up: a lower limit on what its processes use",
            )


_Difference = tuple[str, str, str]
"""The value before and after, and what is given up; empty where nothing is."""


def _read_only(old: ContainerSettings, new: ContainerSettings) -> _Difference:
    return "true", "false", "its own files cannot be changed" if old.read_only and not new.read_only else ""


def _capabilities(old: ContainerSettings, new: ContainerSettings) -> _Difference:
    before, after = ({capability_name(name) for name in settings.cap_drop} for settings in (old, new))
    kept = "ALL" in after or before <= after
    return _list(old.cap_drop), _list(new.cap_drop), "" if kept else "rights of root that it did not have"


def _options(old: ContainerSettings, new: ContainerSettings) -> _Difference:
    kept = {security_option(option) for option in new.security_opt}
    lost = [option for option in old.security_opt if _protects(option) and security_option(option) not in kept]
    return _list(lost), _list(new.security_opt), "a confinement of its own" if lost else ""


def _protects(option: str) -> bool:
    word, value = security_option(option)
    return (word == "no-new-privileges" and value == "true") or (
        word in ("apparmor", "seccomp", "label") and value not in ("", "unconfined", "builtin", "disable")
    )


def _user(old: str | None, new: str | None) -> _Difference:
    before, after = (user or "as the image says" for user in (old, new))
    weaker = not _is_root(old) and (_is_root(new) or (old is not None and new is None))
    return before, after, "it does not run as root" if weaker else ""


def _is_root(user: str | None) -> bool:
    return user is not None and user.partition(":")[0] in ("0", "root")


def _memory(old: int | None, new: int | None) -> _Difference:
    return _mebibytes(old), _NONE, "it leaves memory to others" if old and not new else ""


def _reservation(old: int | None, new: int | None) -> _Difference:
    return _mebibytes(old), _NONE, "it gives memory back when the host has little" if old and not new else ""


def _swap(old: ContainerSettings, new: ContainerSettings) -> _Difference:
    """Return what is given up of the limit of swap; without a limit of memory there is none, and that one says so."""
    before, after = (_swap_of(settings) for settings in (old, new))
    weaker = before not in (None, UNLIMITED) and after == UNLIMITED
    return _mebibytes(before), "no limit", "it leaves swap to others" if weaker else ""


def _swap_of(settings: ContainerSettings) -> int | None:
    return settings.memory and (settings.memory_swap or 2 * settings.memory)


def _cpus(old: ContainerSettings, new: ContainerSettings) -> _Difference:
    return str(old.cpus), _NONE, "it leaves CPU time to others" if old.cpus and not new.cpus else ""


def _storage(old: ContainerSettings, new: ContainerSettings) -> _Difference:
    before, after = (
        next((value for name, value in settings.storage_opt.items() if name.lower() == "size"), "")
        for settings in (old, new)
    )
    return f"size={before}", _NONE, "it leaves room on the host's disk to others" if before and not after else ""


def _runtime(old: str | None, new: str | None) -> _Difference:
    before, after = (None if runtime in DEFAULT_RUNTIMES else runtime for runtime in (old, new))
    lost = before is not None and before != after
    return (
        before or _NONE,
        after or "Docker's own",
        "what this program confined it by, a sandbox for one" if lost else "",
    )


def _mebibytes(size: int | None) -> str:
    return f"{(size or 0) // MEBIBYTE}m"


def _hard(limit: Ulimit | None) -> str:
    return _NONE if limit is None else str(limit.hard)


def _list(values: tuple[str, ...] | list[str]) -> str:
    return ", ".join(values) or _NONE
