"""Rules of the bridges of a service: which there are, by which names a container is found, and what it is without the fabric.

Out of scope: the bridges themselves (`ipvlan.plan.rules.bridges`).
"""

from __future__ import annotations

import re
import socket
from collections.abc import Collection, Iterator, Sequence
from difflib import get_close_matches
from typing import Final

from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.plan.bridges import default_route, docker_name, with_a_route
from ipvlan.plan.docker_versions import GATEWAY_PRIORITY
from ipvlan.problems import Problem, Severity, shorten

_LABEL: Final = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_ALIAS: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
"""Names of DNS (RFC 1035, 2.3.1), with the underscore that names of containers may have."""
_LONGEST_ALIAS: Final = 253
"""Characters: a name of DNS has 255 octets with its length bytes (RFC 1035, 2.3.4)."""

_NOT_FOUND: Final = "nobody could find the container by it"


def check(config: StackConfig, unreadable: Collection[str], *, with_fabric: bool) -> Iterator[Problem]:
    """Yield the problems of `bridges` and `fabric` of the services; `unreadable` are bridges that are in the file."""
    keys = {docker_name(config, key): key for key in config.bridges}
    known = {*config.bridges, *unreadable}
    for name, service in config.services.items():
        for key in service.bridges:
            if key not in known:
                yield _unknown(f"services.{name}.bridges", key, known, keys.get(key))
        yield from _aliases(config, name, service)
        yield from _without_fabric(name, service)
    if with_fabric:
        yield from _default_routes(config)


def _unknown(path: str, key: str, known: Collection[str], by_name: str | None) -> Problem:
    near = get_close_matches(key[:100], list(known), n=1)
    return Problem(
        code="IPF240",
        key=path,
        value=shorten(key),
        problem="there is no such bridge"
        if by_name is None
        else "this is the name in Docker of a bridge, and not its key",
        effect="the container would be connected to nothing by it",
        fix=f"write {shorten(by_name)}"
        if by_name is not None
        else f"did you mean {near[0]}?"
        if near
        else f"add it below `bridges` ({shorten(key)}: {{}}), or remove it; the fabric and Docker's own bridge are no "
        "bridges here",
    )


def _aliases(config: StackConfig, name: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield the aliases that are no names, or by which others on the bridge would find one of two containers."""
    for key, endpoint in service.bridges.items():
        path = f"services.{name}.bridges.{shorten(key)}.aliases"
        aliases = [(f"{path}[{number}]", alias) for number, alias in enumerate(endpoint.aliases)]
        if service.container_name not in (None, name):
            # The service's name is an alias then.
            aliases.append((f"services.{name}.container_name", name))
        for where, alias in aliases:
            taken = _named(config, name, key, alias)
            is_name = alias == name or (_ALIAS.fullmatch(alias) and len(alias) <= _LONGEST_ALIAS)
            if taken is not None:
                texts = (
                    f"{taken} has this name on the bridge too",
                    "who asks for the name would reach one of the two containers, sometimes the other",
                    "choose another name; several services may have one alias, which is none of their names",
                )
            elif not is_name:
                texts = (
                    "this is not a name",
                    _NOT_FOUND,
                    "write letters, digits, _, - and dots between them: api, api.shop",
                )
            elif where.startswith(path) and _is_address(alias):
                texts = (
                    "programs take this for an address, and ask nobody for it",
                    _NOT_FOUND,
                    "remove it: a bridge has no fixed addresses; a name has a letter in it",
                )
            else:
                continue
            yield _of_alias(where, alias, *texts)
        yield from _needless(service.container_name or name, path, endpoint.aliases)


def _is_address(alias: str) -> bool:
    """Return whether inet_aton(3) reads the text, as resolvers do before they ask for a name: 10.1.1.1, 10, 0x7f."""
    try:
        socket.inet_aton(alias)
    except OSError:
        return False
    return True


def _needless(own: str, path: str, aliases: Sequence[str]) -> Iterator[Problem]:
    """Yield a warning for each alias that the container has anyway; names of DNS have no case (RFC 4343)."""
    seen: set[str] = set()
    for number, alias in enumerate(aliases):
        is_own = alias.lower() == own.lower()
        if is_own or alias.lower() in seen:
            yield _of_alias(
                f"{path}[{number}]",
                alias,
                "this is the container's own name" if is_own else "an earlier alias is the same name",
                "it changes nothing",
                "remove it: the container is found by its own name anyway" if is_own else "remove one of the two",
                severity="warning",
            )
        seen.add(alias.lower())


def _of_alias(key: str, alias: str, problem: str, effect: str, fix: str, *, severity: Severity = "error") -> Problem:
    return Problem(
        code="IPF242", key=key, value=shorten(alias), problem=problem, effect=effect, fix=fix, severity=severity
    )


def _named(config: StackConfig, name: str, key: str, alias: str) -> str | None:
    """Return another service on the bridge, on a common host, that is called so; names of DNS have no case (RFC 4343)."""
    service = config.services[name]
    for other, member in config.services.items():
        if other == name or key not in member.bridges:
            continue
        if alias.lower() in (other.lower(), (member.container_name or other).lower()) and any(
            service.runs_on(host) and member.runs_on(host) for host in config.hosts
        ):
            return other
    return None


def _without_fabric(name: str, service: ServiceConfig) -> Iterator[Problem]:
    if service.fabric:
        return
    path = f"services.{name}"
    if not service.bridges:
        yield Problem(
            code="IPF243",
            key=f"{path}.fabric and {path}.bridges",
            value="false and none",
            problem="the service is neither on the fabric nor on a bridge",
            effect="no other container could reach it",
            fix=f"name bridges: {path}.bridges: [KEY]; or remove fabric: false",
        )
    given = {"offset": service.offset is not None, "addresses": service.addresses, "egress": service.egress is not None}
    for key, is_given in given.items():
        if is_given:
            yield Problem(
                code="IPF244",
                key=f"{path}.fabric and {path}.{key}",
                value="false",
                problem=f"the service is not on the fabric, and {key} is about its address there",
                effect=f"{key} would be ignored",
                fix=f"remove {key}, or fabric: false",
            )


def _default_routes(config: StackConfig) -> Iterator[Problem]:
    """Yield a warning for each bridge that would have a default route in a Docker without priorities, where it shall not."""
    with_priority = GATEWAY_PRIORITY[0]
    taken: dict[str, tuple[str, str]] = {}
    for name, service in sorted(config.services.items()):
        route = default_route(config, service)
        for bridge in with_a_route(config, service):
            if route is not None and bridge < route:
                taken.setdefault(bridge, (name, route))
    for key in config.bridges:
        bridge = docker_name(config, key)
        if bridge in taken:
            name, route = taken[bridge]
            yield Problem(
                code="IPF247",
                key=f"bridges.{shorten(key)}",
                value=shorten(bridge),
                problem=f"it sorts before {shorten(route)}, which is to have the default route of {name}",
                effect=f"a Docker older than {with_priority} would have the default route here, so a host with one is refused",
                fix=f"do nothing if all hosts run Docker {with_priority} or later; else "
                + ("" if config.bridges[key].external else "set internal: true, or ")
                + f"choose a name that sorts after {shorten(route)}",
                severity="warning",
            )
