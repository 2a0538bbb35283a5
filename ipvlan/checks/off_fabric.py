"""Containers of the state that are not on the fabric when an `up` begins: it changes nothing about them, and must not hide that.

The docker provider takes a container that was disconnected by hand for unchanged, also in a refresh
(docs/decisions/0015-provider-behaviour.md). Found by `make chaos`, seed 12.

Out of scope: asking the hosts (`ipvlan.hosts.availability`), the reasons (`ipvlan.checks.drift`), and the repair.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ipvlan.checks.command_lines import heal_line
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.errors import OFF_THE_FABRIC
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Place
from ipvlan.problems import Problem

_ENDS: Final = ("no", "on-failure")
"""Restart policies with which a job ends, `on-failure:TIMES` too."""


def off_the_fabric(
    plan: Plan, stack: str, recorded: Mapping[Place, str], visits: Mapping[str, Visit]
) -> Iterator[Problem]:
    """Yield one problem for each host with such containers.

    Args:
        plan: What should be there.
        stack: Name of the stack, for the commands.
        recorded: Docker's ids of the containers that the state has.
        visits: Host -> what it answered. One of which it is not known what is on the fabric is not judged.
    """
    for host in plan.hosts:
        visit = visits.get(host.name)
        if visit is None or visit.on_network is None:
            continue
        # A job that has done its work does not run, and Docker starts it no more (as `ipvlan.hosts.settle` judges it).
        lasting = (each for each in host.on_fabric if each.settings.restart.partition(":")[0] not in _ENDS)
        ids = {each.name: recorded.get(Place(host.name, each.service), "") for each in lasting}
        missing = [name for name, id_ in ids.items() if id_ and id_ not in visit.on_network]
        if missing:
            yield Problem(
                code=OFF_THE_FABRIC,
                key=f'host "{host.name}"',
                value="",
                problem=f"not running, or not connected to {host.network.name}: {', '.join(missing)}",
                effect="nobody reaches them at their addresses; this run leaves such a container as it is, unless the container "
                "is changed or a refresh finds it gone",
                fix=f"`ipvlan --stack {stack} status` says why; `{heal_line(stack, host.name)}` repairs it",
            )
