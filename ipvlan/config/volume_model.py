"""The model of a named volume of the stack: what Docker gets, and what happens to its data.

Out of scope: what its keys must agree on (`ipvlan.plan.rules.volumes`).
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from ipvlan.config.types.base import Flag, Model, Text
from ipvlan.config.types.volumes import Driver, OptionName, VolumeName


class VolumeConfig(Model):
    """A named volume of Docker, on every host where a service mounts it by its key: `volumes: ["KEY:/path"]`.

    It is kept, with its data, when it leaves the config and when the stack is destroyed, unless `delete` is true; each time it is
    named. Docker cannot change a volume: see `driver_opts`.
    """

    name: VolumeName | None = None
    """The volume's name in Docker; the default is its key. Another name is another volume: the one before is kept or deleted as if
    it had left the config."""
    driver: Driver = "local"
    """`local`, or a plugin that is installed on the hosts. Docker cannot change it: another one is refused before any container
    stops, like other `driver_opts`."""
    driver_opts: Mapping[OptionName, Text] = Field(default_factory=dict)
    """Option of the driver -> value, in plaintext: `{type: nfs, o: "addr=10.0.0.1,rw", device: ":/srv"}`. Docker cannot change it:
    another value is refused before any container stops, unless `delete` was true before the change and is true after it; then the
    volume and its data are deleted, and another one is created."""
    secret_driver_opts: Mapping[OptionName, Text] = Field(default_factory=dict)
    """Option of the driver -> name of the config key that `pulumi config set --secret` set, for what has a password in it."""
    labels: Mapping[OptionName, Text] = Field(default_factory=dict)
    """Labels of the volume; the prefix ipvlan-fabric. is reserved for the stack. Docker cannot change them: one that exists keeps
    those that it was created with."""
    hosts: tuple[Text, ...] = ()
    """Hosts that have the volume although no service mounts it there."""
    external: Flag = False
    """Whether somebody else makes the volume: it must exist where a service mounts it, and is never created, changed or removed."""
    delete: Flag = False
    """Whether the volume and its data are deleted when it leaves the config, when the stack is destroyed, and on a host where no
    service mounts it any more and that its `hosts` do not name, so when its service moves to another host. Only one that this
    stack created, and that no container uses, is deleted; Docker only unmounts a share, a disk or a folder of the host."""
