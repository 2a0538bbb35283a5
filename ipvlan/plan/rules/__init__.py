"""What the keys of a config must agree on, checked before anything is planned.

Every rule that needs more than one key is here, one module per subject. All problems are reported at once, in the order of the
config. A conflict names both keys.
"""

from __future__ import annotations

from collections.abc import Collection

from ipvlan.config.models import StackConfig
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.rules import (
    addresses,
    bridges,
    fabric,
    files,
    hosts,
    lan,
    names,
    resources,
    rollouts,
    services,
    settings,
    volumes,
)
from ipvlan.problems import Problem


def check(
    config: StackConfig,
    space: AddressSpace,
    *,
    unreadable: Collection[str] = (),
    unreadable_services: Collection[str] = (),
    unreadable_volumes: Collection[str] = (),
    unreadable_bridges: Collection[str] = (),
    with_fabric: bool = True,
) -> list[Problem]:
    """Return every contradiction and doubt in the config, errors and warnings, in the order of the config.

    Args:
        config: What the rules are about.
        space: The config's addresses.
        unreadable: Hosts that are in the file and could not be read; to name one is no mistake.
        unreadable_services: Services that are in the file and could not be read.
        unreadable_volumes: Volumes that are in the file and could not be read.
        unreadable_bridges: Bridges that are in the file and could not be read.
        with_fabric: Whether the fabric could be read; else only hosts and services are compared with each other.
    """
    if not with_fabric:
        return [
            *hosts.among(config, space),
            *services.check(config, unreadable),
            *rollouts.check(config, unreadable_services, with_fabric=False),
            *settings.check(config),
            *resources.check(config),
            *volumes.check(config, unreadable, with_services=not (unreadable_services or unreadable_volumes)),
            *bridges.check(config, unreadable_bridges, with_services=not unreadable_services, with_fabric=False),
            *files.check(config, space, complete=False),
            *names.check(config),
        ]
    return [
        *fabric.check(config),
        *hosts.check(config, space),
        *lan.check(config),
        *services.check(config, unreadable),
        *rollouts.check(config, unreadable_services),
        *settings.check(config),
        *resources.check(config),
        *volumes.check(config, unreadable, with_services=not (unreadable_services or unreadable_volumes)),
        *bridges.check(config, unreadable_bridges, with_services=not unreadable_services),
        *files.check(config, space, complete=not (unreadable or unreadable_services)),
        *names.check(config),
        *addresses.check(config, space),
    ]
