"""What the keys of a config must agree on, checked before anything is planned.

Owns every rule that needs more than one key; reports all that is broken at once, both parties of a clash named. One
module per subject; each yields problems in the order of the config.
"""

from __future__ import annotations

from collections.abc import Collection

from ipvlan.config.models import StackConfig
from ipvlan.plan.rules import addresses, fabric, hosts, services
from ipvlan.problems import Problem


def check(config: StackConfig, *, broken: Collection[str] = (), with_fabric: bool = True) -> list[Problem]:
    """Every contradiction and doubt in the config, errors and warnings, in the order of the config.

    `broken` names hosts that stand in the file but could not be read; naming them is no mistake. Without the fabric
    only what hosts and services must agree on among themselves is checked.
    """
    if not with_fabric:
        return [*hosts.among(config), *services.check(config, broken)]
    return [
        *fabric.check(config),
        *hosts.check(config),
        *services.check(config, broken),
        *addresses.check(config),
    ]
