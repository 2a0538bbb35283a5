"""What a change of the config adds to what containers may do: new powers, protections given up, and other connections to hosts.

Out of scope: what a container may do at all (`ipvlan.plan.powers`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from ipvlan.plan.given_up import given_up
from ipvlan.plan.powers import CONNECTION, RANK, ContainerPower, Power, powers, surroundings
from ipvlan.plan.volume_powers import of_volumes

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan, Plan


def new_powers(before: Plan | None, after: Plan, changed: Collection[tuple[str, str]]) -> list[ContainerPower]:
    """Return what a change adds, then what the changed containers (host and service) could do before; the most dangerous first.

    A container that is not changed can get a power too: by Docker's socket in a folder that it has, or by a volume that another
    service mounts from now on.
    """
    olds = {host.name: host for host in before.hosts} if before else {}
    found: list[ContainerPower] = []
    news = {host.name: host for host in after.hosts}
    for name in sorted(olds.keys() | news.keys()):
        for setting, value, meaning, is_new in of_volumes(olds.get(name), news.get(name)):
            power = Power(setting=setting, value=value, meaning=meaning)
            found.append(ContainerPower(host=name, service="", power=power, is_new=is_new))
    for host in after.hosts:
        old = olds.get(host.name)
        if before is not None:
            found.extend(_connection(old, host))
        found.extend(
            power for power in _of_containers(old, host) if power.is_new or (power.host, power.service) in changed
        )
    return sorted(found, key=lambda power: (not power.is_new, RANK[power.power.setting]))


def _of_containers(old: HostPlan | None, host: HostPlan) -> Iterator[ContainerPower]:
    around = surroundings(host, old)
    around_before = surroundings(old) if old else None
    olds = {container.service: container for container in old.containers} if old else {}
    for container in host.containers:
        earlier = olds.get(container.service)
        had = set(powers(earlier, around_before)) if earlier and around_before else set()
        for power in powers(container, around):
            yield ContainerPower(host=host.name, service=container.service, power=power, is_new=power not in had)
        if earlier:
            for power in given_up(earlier.settings, container.settings):
                yield ContainerPower(host=host.name, service=container.service, power=power, is_new=True)


def _connection(old: HostPlan | None, new: HostPlan) -> Iterator[ContainerPower]:
    """Yield what differs in how a host is reached; where it is, for a host that is new."""
    for key, meaning in CONNECTION.items():
        after = getattr(new, key)
        before = getattr(old, key) if old else None
        if before != after and (old is not None or key == "ssh"):
            value = str(after) if old is None else f"{before or 'none'} -> {after or 'none'}"
            power = Power(setting=key, value=value, meaning=meaning)
            yield ContainerPower(host=new.name, service="", power=power, is_new=True)
