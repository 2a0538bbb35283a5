"""What is left of a part of the config that cannot be read, so that the rules can still find what else is wrong.

A salvaged entry has placeholders for what could not be read. Nothing is ever planned with it: the config has errors anyway.

Out of scope: the errors themselves (`ipvlan.config.load`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, TypeVar

from netaddr import IPNetwork
from pydantic import ValidationError

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.models import ContainerSettings, FabricConfig, HostConfig, ServiceConfig
from ipvlan.config.types.base import Model
from ipvlan.config.volume_model import VolumeConfig

M = TypeVar("M", bound=Model)

UNREADABLE_FABRIC: Final = FabricConfig.model_construct(
    name="unread", mode="l2", subnet=IPNetwork("255.255.255.255/32"), gateway=None, reserved=(), slice_prefix=24
)
"""Takes the place of a fabric that could not be read, for the rules that do not depend on it; no address is in it."""

PLACEHOLDERS: Final[Mapping[type[Model], Mapping[str, Mapping[str, object]]]] = {
    FabricConfig: {
        "name": {"name": "unread"},
        "reserved": {},
        "slice_prefix": {},
        "rollout": {},
    },
    HostConfig: {"parent": {"parent": "unread"}, "ssh": {}, "host_key": {}, "docker_socket": {}, "dynamic": {}},
    ServiceConfig: {
        **{field: {} for field in ContainerSettings.model_fields},
        "image": {"image": "unread@sha256:" + "0" * 64},
        "command": {},
        "environment": {},
        "secret_environment": {},
        "ports": {"published": False},
        "published": {"published": False},
        "rollout": {},
        "after": {},
    },
    # Not its `name`, nor what says whose it is; of a bridge neither whether it is internal.
    VolumeConfig: {"driver_opts": {}, "secret_driver_opts": {}, "labels": {}, "delete": {}},
    BridgeConfig: {"subnet": {}, "options": {}, "labels": {}},
}
"""Fields without which the rest of an entry can still be compared with other entries -> the keys to write instead.

Only fields whose absence contradicts nothing: a service without its `hosts` would seem to run everywhere.
"""


def salvage(kind: type[M], raw: object, unreadable: Collection[object]) -> M | None:
    """Return the entry without its unreadable fields; None where too little would be left."""
    if not isinstance(raw, Mapping):
        return None
    rest = {key: value for key, value in raw.items() if key in kind.model_fields and key not in unreadable}
    placeholders = PLACEHOLDERS.get(kind, {})
    for field in unreadable:
        if field in placeholders:
            rest.update(placeholders[str(field)])
        elif field in kind.model_fields:
            return None
    try:
        return kind.model_validate(rest)
    except ValidationError:
        return None
