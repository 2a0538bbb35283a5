"""What a change of the plan does to the named volumes, and to their data. It predicts `pulumi up`.

Docker cannot change a volume: another driver or other options are refused, and `up` ends before it stops a container; where
`delete` is true before and after the change, the volume is deleted with its data and created again.

Out of scope: the hosts. What `up` finds on them can still refuse a volume: one of others, or one with other options.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from ipvlan.plan.volumes import VolumePlan

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan

VolumeAction = Literal["create", "use", "keep", "delete", "replace", "refuse", "record"]
"""`create`: created empty, or used again with its data where an earlier life of the stack kept it. `use`: it must exist. `keep`: it
stays on the host with its data, and the stack does not know it any more. `delete` and `replace`: its data is deleted. `refuse`:
`up` ends with an error. `record`: nothing changes on the host."""

LOSES_DATA: Final[tuple[VolumeAction, ...]] = ("delete", "replace")


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

    @property
    def effect(self) -> str:
        """What it means for the data, one clause."""
        return {
            "create": "created empty; used again with its data where this stack kept one of that name and options",
            "use": "must exist on the host; `up` ends before it changes anything where it does not",
            "keep": f"kept with its data; to remove it, run on {self.host}: docker volume rm {self.name}",
            "delete": "its data is deleted, unless a container uses it or another stack made it",
            "replace": "its data is deleted, and an empty one is created; its containers are replaced",
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
                action: VolumeAction = "delete" if before.delete else "keep"
                yield VolumeChange(host=host, name=name, key=before.key, action=action)
        elif before is None:
            yield VolumeChange(host=host, name=name, key=after.key, action="use" if after.external else "create")
        else:
            yield from _changed(host, before, after, new_secrets)


def _changed(host: str, before: VolumePlan, after: VolumePlan, new_secrets: Collection[str]) -> Iterator[VolumeChange]:
    content = tuple(content_differences(before, after, new_secrets))
    rest = tuple(_rest(before, after))
    action: VolumeAction
    if after.external:
        # What it is made of does not matter any more.
        reasons, action = rest, "record"
    elif before.external or (content and not (before.delete and after.delete)):
        # One that somebody else made is not this stack's from one day to the next.
        reasons, action = (*content, *rest), "refuse"
    elif content:
        reasons, action = (*content, *rest), "replace"
    else:
        reasons, action = rest, "record"
    if reasons:
        yield VolumeChange(host=host, name=after.name, key=after.key, action=action, reasons=reasons)


def content_differences(before: VolumePlan, after: VolumePlan, new_secrets: Collection[str]) -> Iterator[str]:
    """Yield what Docker cannot change, without the values of options."""
    if before.driver != after.driver:
        yield f"driver: {before.driver} -> {after.driver}"
    for option in sorted(
        {**before.driver_opts, **before.secret_driver_opts, **after.driver_opts, **after.secret_driver_opts}
    ):
        if before.driver_opts.get(option) != after.driver_opts.get(option):
            yield f"driver_opts {option}"
        key = after.secret_driver_opts.get(option)
        if before.secret_driver_opts.get(option) != key:
            yield f"secret_driver_opts {option}"
        elif key in new_secrets:
            yield f"secret {key} has a new value"


def _rest(before: VolumePlan, after: VolumePlan) -> Iterator[str]:
    for label in sorted(before.labels.keys() | after.labels.keys()):
        if before.labels.get(label) != after.labels.get(label):
            yield f"label {label} (the volume keeps those that it was created with)"
    for key in ("external", "delete"):
        old, new = (str(getattr(volume, key)).lower() for volume in (before, after))
        if old != new:
            yield f"{key}: {old} -> {new}"
    if before.key != after.key:
        yield f"key: {before.key} -> {after.key}"
