"""Rules of the services: where they run, what they are called, which image they have.

Out of scope: their addresses (`ipvlan.plan.rules.addresses`), and their ports (`ipvlan.plan.rules.ports`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from difflib import get_close_matches

from ipvlan.config.models import FabricConfig, ServiceConfig, StackConfig
from ipvlan.plan.lan import is_lan
from ipvlan.plan.resource_names import LABEL_PREFIX
from ipvlan.plan.rules import ports
from ipvlan.plan.rules.fabric import servers_outside
from ipvlan.problems import Problem, shorten


def check(config: StackConfig, unreadable: Collection[str]) -> Iterator[Problem]:
    """Yield the problems of `services`, but for their addresses; `unreadable` are hosts that are in the file."""
    known = {*config.hosts, *unreadable}
    lan = is_lan(config)
    for name, service in config.services.items():
        yield from _hosts(name, service, known)
        yield from _image(name, service)
        yield from _published(config.fabric, name, service, lan=lan)
        yield from _egress(config, name, service, lan=lan)
        yield from _settings(name, service)
    yield from _names(config)
    yield from ports.check(config)


def _hosts(name: str, service: ServiceConfig, known: Collection[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, host in enumerate(service.hosts or ()):
        if host not in known:
            yield _unknown(f"services.{name}.hosts[{number}]", host, known)
        if host in seen:
            yield Problem(
                code="IPF402",
                key=f"services.{name}.hosts[{number}]",
                value=shorten(host),
                problem="the host is named twice",
                effect="a service has one container on a host, so the second would be ignored",
                fix="remove one; for a second container on the host write a second service",
            )
        seen.add(host)
    for host in service.addresses:
        if host not in known:
            yield _unknown(f"services.{name}.addresses", host, known)
        elif not service.runs_on(host):
            yield Problem(
                code="IPF403",
                key=f"services.{name}.addresses.{host}",
                value=str(service.addresses[host]),
                problem=f"the service does not run on {host}",
                effect="the address would look assigned, and no container would have it",
                fix=f"add {host} to services.{name}.hosts, or remove the address",
            )
    if service.hosts is not None and not service.hosts:
        yield Problem(
            code="IPF404",
            key=f"services.{name}.hosts",
            value="[]",
            problem="the list is empty",
            effect="the service runs nowhere",
            fix="name hosts, or remove the line to run it on every host",
            severity="warning",
        )


def _unknown(key: str, host: str, known: Collection[str]) -> Problem:
    near = get_close_matches(host[:100], list(known), n=1)
    return Problem(
        code="IPF401",
        key=key,
        value=shorten(host),
        problem="there is no such host",
        effect="the container would be created nowhere",
        fix=f"did you mean {near[0]}?" if near else "name a key of `hosts`, or add the host there",
    )


def _image(name: str, service: ServiceConfig) -> Iterator[Problem]:
    if "@sha256:" in service.image:
        return
    last = service.image.rpartition("/")[2]
    tag = last.partition(":")[2]
    yield Problem(
        code="IPF405",
        key=f"services.{name}.image",
        value=shorten(service.image),
        problem=f"the tag {tag} can be moved to another image" if tag else "neither tag nor digest: it means latest",
        effect="two hosts, or two days, can run two images under one name, and no preview shows it",
        fix="pin it: `docker buildx imagetools inspect IMAGE` prints the digest for IMAGE@sha256:...",
        severity="warning",
    )


def _published(fabric: FabricConfig, name: str, service: ServiceConfig, *, lan: bool) -> Iterator[Problem]:
    if service.published and not service.ports:
        yield Problem(
            code="IPF406",
            key=f"services.{name}.published",
            value="true",
            problem="the service has no ports",
            effect="the bridge would be connected, and would publish nothing",
            fix=f'add services.{name}.ports: ["80:80"], or remove published',
        )
    # On the LAN of their clients, or behind its router, containers are reached at their own addresses: nothing is missing.
    by_own_address = service.fabric and (lan or service.egress is not None)
    if service.ports and not service.internet and not by_own_address and "published" not in service.model_fields_set:
        at_own = "at the containers' own addresses only "
        reached = (
            "only what is on a bridge of theirs does"
            if not service.fabric
            else f"{at_own}machines with an address of {fabric.subnet} on the parents' network do"
            if fabric.mode == "l2"
            else f"{at_own}machines that have the routes of `ipvlan plan --routes` do"
        )
        yield Problem(
            code="IPF407",
            key=f"services.{name}.ports",
            value=", ".join(str(port) for port in service.ports[:5]),
            problem="the ports are not published: published is not set",
            effect=f"no client reaches them at the hosts' addresses, and {reached}",
            fix="add published: true, or published: false to confirm it",
            severity="warning",
        )


def _egress(config: StackConfig, name: str, service: ServiceConfig, *, lan: bool) -> Iterator[Problem]:
    """Yield the problems of `internet`, `egress` and `dns`: one default route, which the mode has, and reachable name servers."""
    if service.egress is not None:
        key = f"services.{name}.egress"
        if config.fabric.mode != "l2":
            yield Problem(
                code="IPF408",
                key=f"{key} and fabric.mode",
                value=f"{service.egress} and {config.fabric.mode}",
                problem=f"mode {config.fabric.mode} has no gateway",
                effect="the container's traffic leaves by the parent's routes, whatever this says",
                fix="remove it: the routers of the LAN need the routes of `ipvlan plan --routes`; or set internet: true",
            )
        for other in ("internet", "published"):
            if getattr(service, other):
                yield Problem(
                    code="IPF409",
                    key=f"{key} and services.{name}.{other}",
                    value=f"{service.egress} and true",
                    problem="a container has one default route, and these two need it on different networks",
                    effect="no port would be bound, since Docker binds ports on the network with the default route"
                    if other == "published"
                    else "one of the two routes would not be used",
                    fix="remove one of the two",
                )
    elif config.fabric.mode == "l2" and service.fabric and not service.bridged and not lan:
        outside = servers_outside(service.dns, config.fabric)
        if outside:
            yield Problem(
                code="IPF410",
                key=f"services.{name}.dns",
                value=", ".join(outside[:3]),
                problem="it is outside the fabric's subnet, and the service cannot leave the subnet",
                effect="the container cannot resolve names, unless a router has the address of the fabric's gateway",
                fix=f"set services.{name}.internet: true, services.{name}.egress: gateway, or a name server on the fabric",
                severity="warning",
            )


def _settings(name: str, service: ServiceConfig) -> Iterator[Problem]:
    for label in service.labels:
        if label.startswith(LABEL_PREFIX):
            yield Problem(
                code="IPF411",
                key=f"services.{name}.labels",
                value=shorten(label),
                problem=f"labels that begin with {LABEL_PREFIX} are reserved for the stack itself",
                effect="the stack could not identify its own containers",
                fix="choose another label",
            )
    for variable in service.environment:
        if variable in service.secret_environment:
            yield Problem(
                code="IPF412",
                key=f"services.{name}.environment and services.{name}.secret_environment",
                value=shorten(variable),
                problem="the variable is in both",
                effect="it is unclear whether the secret or the plaintext value would count",
                fix="remove one of the two",
            )
    for variable in (*service.environment, *service.secret_environment):
        if not variable or "=" in variable:
            yield Problem(
                code="IPF413",
                key=f"services.{name}.environment",
                value=shorten(variable),
                problem="this is not the name of a variable",
                effect="the daemon would refuse the container or set another variable",
                fix="write a name without =",
            )


def _names(config: StackConfig) -> Iterator[Problem]:
    by_name: dict[str, list[str]] = {}
    for name, service in config.services.items():
        by_name.setdefault(service.container_name or name, []).append(name)
    for container, names in by_name.items():
        for index, name in enumerate(names):
            for other in names[index + 1 :]:
                shared = [
                    host
                    for host in config.hosts
                    if config.services[name].runs_on(host) and config.services[other].runs_on(host)
                ]
                if shared:
                    yield Problem(
                        code="IPF414",
                        key=f"services.{name} and services.{other}",
                        value=container,
                        problem=f"both call their container {container} on {_list(shared)}",
                        effect="Docker refuses the second container of a name",
                        fix="give one another container_name, or run them on different hosts",
                    )


def _list(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more hosts"
