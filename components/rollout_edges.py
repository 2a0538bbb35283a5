"""What a container waits for: the same service on hosts before it, and the services that it comes after.

The engine has no order but dependencies, so the order is a chain of them. A chain costs an `up` without changes nothing; one that
creates containers would create them one by one, so a container that is not in the state has no place in it.

Out of scope: the order itself (`ipvlan.plan.rollout_order`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from components.registrations import After
from ipvlan.plan.ownership import Place
from ipvlan.plan.rollout_order import service_order

if TYPE_CHECKING:
    import pulumi

    from components.host_slice import HostSlice
    from ipvlan.plan.model import ContainerPlan, HostPlan, Plan


@dataclass(frozen=True, slots=True)
class _Link:
    """A container in the chain of its service."""

    settled: pulumi.Resource
    """What says that it is up."""

    image: str
    """Its image's reference."""

    images: int
    """How many hosts' images it waited for, directly or by way of the container before it: the first ones that were noted."""


class RolloutEdges:
    """The dependencies between containers of one fabric, collected while they are declared."""

    def __init__(self, plan: Plan, existing: Collection[Place] | None) -> None:
        """Begin.

        Args:
            plan: The plan.
            existing: The containers in the state; None where that is not known: then any may be one.
        """
        self._services = service_order(plan)
        self._existing = existing
        self._settled: dict[str, list[pulumi.Resource]] = {}
        self._chains: dict[str, list[_Link]] = {}
        self._images: dict[str, list[pulumi.Resource]] = {}

    def add_images(self, slices: Mapping[str, HostSlice]) -> None:
        """Note the images of these hosts: a container is replaced when its new image is on all hosts."""
        for slice_ in slices.values():
            for reference, image in slice_.images.items():
                self._images.setdefault(reference, []).append(image)

    def containers(self, hosts: Sequence[HostPlan]) -> Iterator[ContainerPlan]:
        """Yield the containers of these hosts in the order in which they can be declared."""
        for service in self._services:
            for host in hosts:
                yield from (container for container in host.containers if container.service == service)

    def before(self, planned: ContainerPlan) -> Sequence[pulumi.Resource]:
        """Return what must be complete before this container is created or replaced, for `depends_on`."""
        before = [settled for service in planned.after for settled in self._settled.get(service, ())]
        if self._may_be_replaced(planned):
            chain, at_once = self._chains.get(planned.service, []), planned.rollout.at_once
            waited = 0
            if at_once is not None and len(chain) >= at_once:
                previous = chain[-at_once]
                before.append(previous.settled)
                # What it waited for is there. To name all hosts' images for each container would be the square of the hosts.
                waited = previous.images if previous.image == planned.image else 0
            before += self._images[planned.image][waited:]
        return [After(resource) for resource in before]

    def add(self, planned: ContainerPlan, settled: pulumi.Resource) -> None:
        """Note what says that this container is up."""
        self._settled.setdefault(planned.service, []).append(settled)
        if self._may_be_replaced(planned):
            link = _Link(settled, planned.image, len(self._images[planned.image]))
            self._chains.setdefault(planned.service, []).append(link)

    def _may_be_replaced(self, planned: ContainerPlan) -> bool:
        return self._existing is None or Place(planned.host, planned.service) in self._existing
