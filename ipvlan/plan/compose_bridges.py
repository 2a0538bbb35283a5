"""Decides what an import of compose files writes into the section `bridges` of a stack, and which networks are the fabric.

Out of scope: what of a compose network has a key here (`ipvlan.config.compose.networks`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import PydanticCustomError

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.compose.carried import Carried
from ipvlan.config.compose.networks import CarriedBridge
from ipvlan.config.compose.node import LeftOut, Node, Place
from ipvlan.config.compose.services import CarriedProject
from ipvlan.config.compose.table import row_of
from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.config.types.addresses import parse_address
from ipvlan.plan.bridges import docker_name
from ipvlan.plan.rules import bridges as bridge_rules
from ipvlan.plan.rules import endpoints
from ipvlan.problems import Problem, shorten

_EXTERNAL: Final = (
    "it must exist on each host and be of driver bridge; one of driver macvlan or ipvlan is the fabric here: take it out of "
    "bridges, and fabric: false where it is written"
)
_EXISTS: Final = (
    "a stack takes no network that it did not create: where compose runs, `pulumi up` ends before it changes anything until "
    "`docker compose down` has removed this one"
)


@dataclass(frozen=True, slots=True)
class BridgeEntries:
    """What an import writes of bridges, and what it says of them."""

    entries: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    """New entries of the section, with all their keys."""
    problems: list[Problem] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


def with_fabric(config: StackConfig, service: Carried, project: CarriedProject) -> tuple[str, Place] | None:
    """Take an external network that is the fabric itself out of a service's bridges.

    That is one of the fabric's name, or one on which the container has an address of the fabric: a network of driver macvlan or
    ipvlan, as people make it by hand. What other networks had as fixed addresses is noted.

    Args:
        config: The stack.
        service: What is carried of the service, whose settings are changed.
        project: What is carried over.

    Returns:
        The address that the container had on the fabric, and its place in the compose file; None without one.
    """
    address = service.address
    for name in list(service.settings.get("bridges", ())):
        if not project.bridges[name].external:
            continue
        fixed = service.fixed.get(name)
        if name == config.fabric.name or (fixed is not None and _is_of_the_fabric(config, fixed[0])):
            _leave(service, name)
            address = address or fixed
        elif fixed is not None:
            key = f"networks.{project.bridges[name].key}.ipv4_address"
            service.leave_out_by_row(key, Node(None, fixed[1]), row_of("services.*.networks.*.ipv4_address"))
    return address


def _is_of_the_fabric(config: StackConfig, text: str) -> bool:
    try:
        return parse_address(text) in config.fabric.subnet
    except PydanticCustomError:
        return False


def _leave(service: Carried, name: str) -> None:
    bridges = service.settings["bridges"]
    if isinstance(bridges, list):
        bridges.remove(name)
    else:
        del bridges[name]
    if not bridges:
        del service.settings["bridges"]
    service.settings.pop("fabric", None)


def bridge_entries(
    config: StackConfig, services: Mapping[str, dict[str, Any]], project: CarriedProject
) -> BridgeEntries:
    """Return the entries that new services need; a bridge that the section has by another key gets that key in them.

    Args:
        config: The stack before the import.
        services: The new services, with their keys, whose bridges are changed.
        project: What is carried over.
    """
    result = BridgeEntries()
    keys = {docker_name(key, bridge): key for key, bridge in config.bridges.items()}
    for name, settings in services.items():
        for bridge in list(settings.get("bridges", ())):
            if bridge in keys:
                _rename(settings, bridge, keys[bridge])
            elif bridge in config.bridges:
                result.problems.append(_other_bridge(name, bridge, docker_name(bridge, config.bridges[bridge])))
            elif bridge not in result.entries:
                _add(result, config, project.bridges[bridge])
    _without_taken_aliases(result, config, services, project)
    return result


def _rename(settings: dict[str, Any], bridge: str, key: str) -> None:
    bridges = settings["bridges"]
    settings["bridges"] = (
        [key if name == bridge else name for name in bridges]
        if isinstance(bridges, list)
        else {key if name == bridge else name: endpoint for name, endpoint in bridges.items()}
    )


def _add(result: BridgeEntries, config: StackConfig, bridge: CarriedBridge) -> None:
    settings: dict[str, Any] = {**bridge.settings}
    path = f"bridges.{shorten(bridge.name)}"
    while refused := _refused(config, bridge.name, settings, path):
        key, problem = next(iter(refused.items()))
        option = problem.key.partition(" and ")[0].removeprefix(f"{path}.{key}").removeprefix(".")
        if isinstance(settings[key], dict) and option in settings[key]:
            settings[key] = {name: value for name, value in settings[key].items() if name != option}
        else:
            del settings[key]
        where = {"subnet": "ipam", "options": "driver_opts"}.get(key, key)
        result.left_out.append(
            bridge.note(".".join(part for part in (where, option) if part), f"{problem.problem}: {problem.fix}")
        )
    result.entries[bridge.name] = {key: value for key, value in settings.items() if value != {}}
    result.left_out.append(bridge.note("", _EXTERNAL if bridge.external else _EXISTS, advice=True))
    if bridge.variables:
        result.left_out.append(
            bridge.note(
                "",
                f"values of .env or --env-file are in the stack file now: {', '.join(bridge.variables)}",
                advice=True,
            )
        )


def _refused(config: StackConfig, name: str, settings: Mapping[str, Any], path: str) -> dict[str, Problem]:
    """Return the keys of a bridge that are there and that a rule refuses, each with the problem."""
    model = BridgeConfig.model_validate(settings)
    alone = config.model_copy(update={"bridges": {name: model}, "services": {}})
    problems = [
        problem
        for problem in bridge_rules.check(alone, (), with_services=False)
        if problem.severity == "error" and problem.key.startswith(f"{path}.")
    ]
    return {
        key: problem
        for problem in problems
        for key in settings
        if problem.key.removeprefix(f"{path}.").partition(" ")[0].partition(".")[0] == key
    }


def _without_taken_aliases(
    result: BridgeEntries, config: StackConfig, services: Mapping[str, dict[str, Any]], project: CarriedProject
) -> None:
    """Remove the aliases that a rule refuses, such as the name of another container on the bridge."""
    bridges = {name: BridgeConfig.model_validate(settings) for name, settings in result.entries.items()}
    models: dict[str, ServiceConfig] = {}
    for name, settings in services.items():
        try:
            models[name] = ServiceConfig.model_validate(settings)
        except ValidationError:
            # The plan of the new texts says what is wrong.
            return
    stack = config.model_copy(
        update={"bridges": {**config.bridges, **bridges}, "services": {**config.services, **models}}
    )
    refused = {problem.key: problem for problem in endpoints.check(stack, (), with_fabric=False)}
    for name, settings in services.items():
        own = settings.get("bridges", ())
        for bridge, endpoint in own.items() if isinstance(own, dict) else ():
            kept = []
            for number, alias in enumerate(endpoint.get("aliases", ())):
                problem = refused.get(f"services.{name}.bridges.{shorten(bridge)}.aliases[{number}]")
                if problem is None:
                    kept.append(alias)
                    continue
                _, place = project.services[name].origins["bridges"]
                result.left_out.append(
                    LeftOut(
                        place=place,
                        service=name,
                        key="networks.aliases",
                        kind="not-carried",
                        reason=f"{shorten(alias)}: {problem.problem}: {problem.fix}",
                    )
                )
            own[bridge] = {**endpoint, "aliases": kept} if kept else {}
        if isinstance(own, dict) and not any(own.values()):
            settings["bridges"] = [*own]


def _other_bridge(service: str, bridge: str, name: str) -> Problem:
    return Problem(
        code="IPF830",
        key=f"services.{service}.bridges and bridges.{shorten(bridge)}",
        value=shorten(bridge),
        problem=f"the stack has this key for the network {shorten(name)}, and compose means the network {shorten(bridge)}",
        effect="nothing is imported: the container would be on another network",
        fix="give the bridge of the stack another key, in its section and in the services that are connected to it",
    )
