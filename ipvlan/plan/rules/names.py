"""Rules of resource names: no two resources of one type may have one name, for Pulumi knows them by type and name.

A name is made of keys of the stack file that may contain its separator (`ipvlan.plan.resource_names`). Another way to make names
would rename the resources of every stack, so what collides is refused.

Out of scope: names of containers in Docker (`ipvlan.plan.rules.services`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from ipvlan.config.models import StackConfig
from ipvlan.plan.resource_names import COMPONENT, container, host_slice, image
from ipvlan.problems import Problem, shorten

if TYPE_CHECKING:
    from ipvlan.plan.bridges import BridgePlan
    from ipvlan.plan.volumes import VolumePlan


def check(config: StackConfig) -> Iterator[Problem]:
    """Yield the containers, and the images, that would be one resource."""
    containers: dict[str, tuple[str, str]] = {}
    images: dict[str, tuple[str, str]] = {}
    for host in config.hosts:
        slice_ = host_slice(COMPONENT, host)
        for service, settings in config.services.items():
            if not settings.runs_on(host):
                continue
            name = container(slice_, service)
            first = containers.setdefault(name, (host, service))
            if first != (host, service):
                yield _containers(name, first, (host, service))
            name = image(slice_, settings.image)
            other_host, other_service = images.setdefault(name, (host, service))
            if (other_host, config.services[other_service].image) != (host, settings.image):
                yield _images(config, name, (other_host, other_service), (host, service))


def across_hosts(
    config: StackConfig,
    section: str,
    planned_on: Callable[[StackConfig, str], Iterable[BridgePlan | VolumePlan]],
    resource: Callable[[str, str], str],
    *,
    what: str,
    code: str,
) -> Iterator[Problem]:
    """Yield the entries of a section that would be one resource on two hosts.

    Args:
        config: The config.
        section: Its name: `volumes`.
        planned_on: Returns what is planned of it on a host, by config and host name.
        resource: Names the resource, by the name of its HostSlice and the name in Docker.
        what: What Docker calls them, in the plural.
        code: The problem's code.
    """
    seen: dict[str, tuple[str, str]] = {}
    for host in config.hosts:
        for planned in planned_on(config, host):
            name = resource(host_slice(COMPONENT, host), planned.name)
            first = seen.setdefault(name, (host, planned.key))
            if first[0] != host:
                yield Problem(
                    code=code,
                    key=f"{section}.{shorten(planned.key)} and {section}.{shorten(first[1])}",
                    value=shorten(name),
                    problem=f"on host {host} and on host {first[0]} they have one resource name",
                    effect=f"Pulumi could not tell the two {what} apart, and `pulumi up` would stop in the middle",
                    fix=f"rename one of the {section}, or one of the hosts",
                )


def _containers(name: str, first: tuple[str, str], second: tuple[str, str]) -> Problem:
    return Problem(
        code="IPF420",
        key=f"services.{second[1]} and services.{first[1]}",
        value=shorten(name),
        problem=f"{second[1]} on host {second[0]} and {first[1]} on host {first[0]} have one resource name",
        effect="Pulumi could not tell the two containers apart, and `pulumi up` would stop in the middle",
        fix="rename one of the services, or let one of them not run on that host",
    )


def _images(config: StackConfig, name: str, first: tuple[str, str], second: tuple[str, str]) -> Problem:
    (one, other) = (config.services[service].image for _, service in (first, second))
    return Problem(
        code="IPF421",
        key=f"services.{second[1]}.image and services.{first[1]}.image",
        value=shorten(other),
        problem=f"on host {second[0]} it has the resource name of {shorten(one)} on host {first[0]}: {shorten(name)}",
        effect="Pulumi could not tell the two images apart, and `pulumi up` would stop in the middle",
        fix="use one reference for one digest; pin images of one short name by their digests (@sha256:...)",
    )
