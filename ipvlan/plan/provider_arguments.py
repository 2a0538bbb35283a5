"""The docker provider's arguments of a container that no key of a service leads to, each with the reason.

A test compares it with the provider's package: an argument is in this table, or some config makes it appear.

Out of scope: what is done with the others (`components.container_settings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_ONE_RUN: Final = "it is for containers that run once and end, and a service runs all the time"
_RATES: Final = "limits of a block device's reads and writes, compose's `blkio_config`: no key leads to them yet"

NOT_CARRIED: Final[Mapping[str, str]] = {
    "attach": _ONE_RUN,
    "logs": _ONE_RUN,
    "rm": _ONE_RUN,
    "container_read_refresh_timeout_milliseconds": "how long the provider waits until a container runs is not Docker's; `rollout` "
    "says how long it may take until it is up",
    "cpu_period": "it arrives only with `cpus` that the provider would read back as another number; alone it says what `cpus` says",
    "cpu_quota": "as `cpu_period`",
    "device_read_bps": _RATES,
    "device_read_iops": _RATES,
    "device_write_bps": _RATES,
    "device_write_iops": _RATES,
    "gpus": "it is one text, `all` or `device=ID,ID`; our key of the same name arrives as `device_requests`, which carry all of it",
    **dict.fromkeys(
        ("mounts.volume_options.driver_name", "mounts.volume_options.driver_options", "mounts.volume_options.labels"),
        "they count only for a volume that Docker creates at that moment, and a later difference would be silent",
    ),
    "network_mode": "the container's network is the fabric's; `published`, `internet` and `bridges` connect others",
    "networks_advanced.aliases": "a container is found by its name on the fabric; `bridges` has aliases",
    "networks_advanced.driver_opts": "Docker's ipvlan driver has no option of a connection",
    "networks_advanced.gw_priority": "the bridge's connection has one, so that the default route is where the plan says",
    "networks_advanced.ipv6_address": "the fabric has no IPv6",
    "networks_advanced.link_local_ips": "a container has one address on the fabric",
    "networks_advanced.mac_address": "on ipvlan every container has the MAC address of its host's NIC",
    "platform": "Docker takes its host's own of an image for several; an image for one, pinned by its digest, has no other",
    "publish_all_ports": "Docker would choose the host's ports, so no plan could know them; `ports` names them",
    "remove_volumes": "a volume without a name goes with its container, the provider's own default",
    "uploads": "a container that is created anew by Docker or a restart policy would not have them; mount a volume",
    "volumes.from_container": "the other container's id changes each time it is replaced; mount the same volume in both",
    "wait": "`rollout.healthy_within` waits for the health check, and for the published ports too",
    "wait_timeout": "as `wait`",
}
"""Argument, dotted where it is inside another one -> why no key leads to it."""
