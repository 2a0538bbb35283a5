"""What a change of the plan does to the named volumes, and to their data. It predicts `pulumi up`.

Docker cannot change a volume: another driver or other options are refused, and `up` ends before it stops a container; where
`delete` is true before and after the change, the volume is deleted with its data and created again.

Out of scope: the hosts. What `up` finds on them can still refuse a volume: one of others, or one with other options.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.plan.volumes import VolumePlan, canonical_driver, named_sources

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan

VolumeAction = Literal["create", "use", "keep", "delete", "replace", "check", "refuse", "record"]
"""`create`: created empty, or used again with its data where an earlier life of the stack kept it. `use`: it must exist. `keep`: it
stays on the host with its data, and the stack does not know it any more. `delete` and `replace`: it is removed, with its data
where that is in it. `check`: `up` looks whether it is as planned, and ends with an error where it is not. `refuse`: `up` ends with
an error. `record`: nothing changes on the host."""

_IN_PLAINTEXT: Final = "driver_opts"
_BY_REFERENCE: Final = "secret_driver_opts"

_DELETED: Final = "its data is deleted"
_ELSEWHERE: Final = "Docker only unmounts it, and its data stays where it is"


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeChange:
    """What happens to one volume on one host."""

    host: str
    name: str
    """Its name in Docker."""
    key: str
    action: VolumeAction
    reasons: tuple[str, ...] = ()
    """The keys that differ, without values of options."""
    mounted_by: tuple[str, ...] = ()
    """The services that mount it without the section: before it is in it, or after it has left it."""
    elsewhere: bool = False
    """Whether the data of the volume before the change outlives it."""

    @property
    def loses_data(self) -> bool:
        """Whether data is deleted."""
        return self.action in ("delete", "replace") and not self.elsewhere

    @property
    def effect(self) -> str:
        """What it means for the data, one clause."""
        data = _ELSEWHERE if self.elsewhere else _DELETED
        if self.mounted_by and self.action == "refuse":
            return (
                f"`up` ends before it changes anything: Docker made it for {' and '.join(self.mounted_by)}, unless this stack did. "
                "Set external: true, to use it as it is; or give the volume another name, and copy the data"
            )
        return {
            "create": "created empty; used again with its data where this stack kept one of that name and options",
            "use": "must exist on the host; `up` ends before it changes anything where it does not",
            "keep": f"kept with its data; to remove it, run on {self.host}: docker volume rm {self.name}",
            "delete": f"{data}, unless a container uses it or another stack made it",
            "replace": f"{data}, and {'another' if self.elsewhere else 'an empty'} one is created; its containers are replaced",
            "check": "`up` looks at it first: it ends before it changes anything where the volume has other options than planned, "
            "or is not this stack's",
            "refuse": "`up` ends before it changes anything: Docker cannot change a volume. Give it another name, and copy the "
            "data; where the data may be lost, make a change with delete: true alone first",
            "record": "nothing changes on the host",
        }[self.action]


def volume_changes(
    old: HostPlan | None, new: HostPlan | None, new_secrets: Collection[str] = ()
) -> Iterator[VolumeChange]:
    """Yield what happens to the volumes of one host, sorted by name.

    Args:
        old: The host before; None for one that is new.
        new: The host after; None for one that leaves the config.
        new_secrets: The config keys whose secret was set to another value.
    """
    olds = {volume.name: volume for volume in old.volumes} if old else {}
    news = {volume.name: volume for volume in new.volumes} if new else {}
    host = (new or old).name if (new or old) else ""  # type: ignore[union-attr]
    for name in sorted(olds.keys() | news.keys()):
        before, after = olds.get(name), news.get(name)
        if after is None:
            if before is not None and not before.external:
                yield _left(host, before, _mounting(new, name))
        elif before is None:
            yield _new(host, after, _mounting(old, name))
        else:
            yield from _changed(host, before, after, new_secrets)


def _mounting(host: HostPlan | None, name: str) -> tuple[str, ...]:
    """Return the services of a host that mount a name."""
    return tuple(each.service for each in (host.containers if host else ()) if name in named_sources(each.settings))


def _left(host: str, before: VolumePlan, mounting: tuple[str, ...]) -> VolumeChange:
    # Docker keeps what a container uses.
    action: VolumeAction = "delete" if before.delete and not mounting else "keep"
    return VolumeChange(
        host=host,
        name=before.name,
        key=before.key,
        action=action,
        reasons=(f"{' and '.join(mounting)} mounts it",) if mounting else (),
        mounted_by=mounting,
        elsewhere=before.data_elsewhere,
    )


def _new(host: str, after: VolumePlan, mounting: tuple[str, ...]) -> VolumeChange:
    if after.external:
        return VolumeChange(host=host, name=after.name, key=after.key, action="use")
    return VolumeChange(
        host=host,
        name=after.name,
        key=after.key,
        action="refuse" if mounting else "create",
        reasons=(f"{' and '.join(mounting)} mounts it already",) if mounting else (),
        mounted_by=mounting,
    )


def _changed(host: str, before: VolumePlan, after: VolumePlan, new_secrets: Collection[str]) -> Iterator[VolumeChange]:
    content = tuple(content_differences(before, after, new_secrets))
    hidden = tuple(_hidden_differences(before, after))
    rest = tuple(_rest(before, after))
    action: VolumeAction
    if after.external:
        # What it is made of does not matter any more.
        reasons, action = rest, "record"
    elif before.external:
        # One that somebody else made is not this stack's from one day to the next; one that it created before is.
        reasons, action = (*content, *hidden, *rest), "check"
    elif (content or hidden) and before.delete and after.delete:
        reasons, action = (*content, *hidden, *rest), "replace"
    elif content or hidden:
        reasons, action = (*content, *hidden, *rest), "refuse" if content else "check"
    else:
        reasons, action = rest, "record"
    if reasons:
        yield VolumeChange(
            host=host, name=after.name, key=after.key, action=action, reasons=reasons, elsewhere=before.data_elsewhere
        )


def content_differences(before: VolumePlan, after: VolumePlan, new_secrets: Collection[str]) -> Iterator[str]:
    """Yield what differs for Docker, which cannot change it, without the values of options."""
    if canonical_driver(before.driver) != canonical_driver(after.driver):
        yield f"driver: {before.driver} -> {after.driver}"
    for option in _options(before, after):
        old, new = _place(before, option), _place(after, option)
        key = after.secret_driver_opts.get(option)
        if (
            not old
            or not new
            or (old == new == _IN_PLAINTEXT and before.driver_opts[option] != after.driver_opts[option])
        ):
            yield f"{old or new} {option}"
        elif key in new_secrets and key == before.secret_driver_opts.get(option):
            yield f"secret {key} has a new value"


def _hidden_differences(before: VolumePlan, after: VolumePlan) -> Iterator[str]:
    """Yield the options of which only a secret says whether they differ."""
    for option in _options(before, after):
        old, new = _place(before, option), _place(after, option)
        same = "(no change where its value stays the same)"
        if old and new and old != new:
            yield f"{old} {option} -> {new} {option} {same}"
        elif old == new == _BY_REFERENCE and before.secret_driver_opts[option] != after.secret_driver_opts[option]:
            yield f"{new} {option} {same}"


def _options(before: VolumePlan, after: VolumePlan) -> list[str]:
    return sorted({**before.driver_opts, **before.secret_driver_opts, **after.driver_opts, **after.secret_driver_opts})


def _place(volume: VolumePlan, option: str) -> str:
    """Return the key under which a volume has an option; empty where it has none."""
    return (
        _IN_PLAINTEXT if option in volume.driver_opts else _BY_REFERENCE if option in volume.secret_driver_opts else ""
    )


def _rest(before: VolumePlan, after: VolumePlan) -> Iterator[str]:
    for label in sorted(before.labels.keys() | after.labels.keys()):
        if before.labels.get(label) != after.labels.get(label):
            yield f"label {label} (the volume keeps those that it was created with)"
    if before.driver != after.driver and canonical_driver(before.driver) == canonical_driver(after.driver):
        yield f"driver: {before.driver} -> {after.driver} (the same to Docker)"
    for key in ("external", "delete"):
        old, new = (str(getattr(volume, key)).lower() for volume in (before, after))
        if old != new:
            yield f"{key}: {old} -> {new}"
    if before.key != after.key:
        yield f"key: {before.key} -> {after.key}"
