"""The services of a compose project as keys of services here: which are carried, what of each, and what is left out.

Out of scope: on which hosts they run and at which addresses (`ipvlan.plan.compose_import`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.advice import advice
from ipvlan.config.compose.carried import Carried, Surroundings
from ipvlan.config.compose.deploy import carry_deploy
from ipvlan.config.compose.links import carry_links
from ipvlan.config.compose.mounts import Sources
from ipvlan.config.compose.networks import DEFAULT, CarriedBridge, carried_bridges, put_bridges
from ipvlan.config.compose.node import LeftOut, LeftOutError, Node, leaves, variables_of
from ipvlan.config.compose.refused import refused_image, without_refused, without_unfit_memory
from ipvlan.config.compose.service import carried
from ipvlan.config.compose.source import PROJECT_VARIABLE, ComposeProject
from ipvlan.config.compose.table import row_of, top_row
from ipvlan.config.compose.volumes import CarriedVolume, carried_volumes
from ipvlan.config.types.docker import SERVICE_NAME

_READ: Final = frozenset({"services", "name", "version", "volumes", "networks", "configs", "secrets"})
"""Keys at the top that are read, or that need no line of their own where nothing of them is lost."""
_OTHER_NETWORK: Final = re.compile(r"none\Z|service:|container:")
"""Values of network_mode by which a container has no network of its own, or is in that of another one."""
_NOT_THERE: Final = (
    "the service is left out: here it would be on the fabric with an address of its own, outside of the network that it shares, "
    "such as a VPN, or reachable where it had no network"
)
_PROFILES_VARIABLE: Final = "COMPOSE_PROFILES"
ALL_PROFILES: Final = "*"
"""The value of `--profile` that chooses every service, as compose's."""


@dataclass(frozen=True, slots=True)
class CarriedProject:
    """What of a compose project can be carried over."""

    services: Mapping[str, Carried]
    """Service -> what is carried of it, in the order of the file; each has an image."""
    left_out: tuple[LeftOut, ...]
    """What is not carried, in the order of the files' lines."""
    volumes: Mapping[str, CarriedVolume]
    """Docker's name of a volume -> what an entry of the section `volumes` has; none for a volume without options."""
    bridges: Mapping[str, CarriedBridge]
    """Docker's name of a network -> what an entry of the section `bridges` has."""


def carried_project(
    project: ComposeProject, *, folder: str | None = None, profiles: Collection[str] = ()
) -> CarriedProject:
    """Return the services of a project that can be carried over.

    Args:
        project: The compose files.
        folder: Their folder on the host, an absolute path, to which sources of bind mounts are relative.
        profiles: The profiles that are chosen, or `*`; a service with none of them is left out. Without any, those of
            COMPOSE_PROFILES are.
    """
    top = project.content.items
    left_out: list[LeftOut] = list(project.notices)
    of_env = project.variables.get(_PROFILES_VARIABLE)
    if not profiles and isinstance(of_env, str):
        profiles = [profile.strip() for profile in of_env.split(",")]
    chosen = {name: node for name, node in top["services"].items.items() if _is_chosen(name, node, profiles, left_out)}
    volumes = top["volumes"].value if "volumes" in top else None
    bridges, of_networks = carried_bridges(project.name, top)
    declared_networks = top["networks"].value if "networks" in top else None
    surroundings = Surroundings(
        sources=Sources(project=project.name, volumes=volumes if isinstance(volumes, dict) else {}, folder=folder),
        variables=project.variables,
        services=set(chosen),
        bridges=bridges,
        networks=set(declared_networks) if isinstance(declared_networks, dict) else (),
        configs=_section(top, "configs"),
        secrets=_section(top, "secrets"),
    )
    services: dict[str, Carried] = {}
    for name, node in chosen.items():
        service = carried(name, node, surroundings)
        deploy = node.items.get("deploy")
        if deploy is not None and deploy.value is not None:
            try:
                carry_deploy(service, "deploy", deploy)
            except LeftOutError as error:
                service.leave_out("deploy", deploy, str(error))
        if "restart" not in service.settings:
            # What compose does without the key; here it would be unless-stopped.
            service.put("restart", "no", "restart", node.place)
        _place(service, node)
        without_refused(service)
        without_unfit_memory(service)
        _of_env(service, node)
        services[name] = service
    carry_links(services)
    left_out.extend(entry for service in services.values() for entry in service.left_out)
    left_out.extend(of_networks)
    left_out.extend(advice(services))
    left_out.extend(_of_the_top(top))
    declared, refused = carried_volumes(surroundings.sources)
    left_out.extend(refused)
    left_out.sort(key=lambda entry: (entry.place.file, entry.place.line))
    return CarriedProject(services, tuple(left_out), declared, {bridge.name: bridge for bridge in bridges.values()})


def _section(top: Mapping[str, Node], key: str) -> Mapping[str, Node]:
    value = top[key].value if key in top else None
    return value if isinstance(value, dict) else {}


def _place(service: Carried, node: Node) -> None:
    """Write the networks of a service that names none, and whether it is on the fabric."""
    default = service.surroundings.bridges.get(DEFAULT)
    named = node.items.get("networks")
    if default is not None and "network_mode" not in node.items and (named is None or named.value in (None, [], {})):
        put_bridges(service, {default.name: {}}, "networks", node.place)
    if not service.on_fabric and "ports" not in service.settings:
        service.put("fabric", False, "networks", node.place)


def _is_chosen(name: str, node: Node, profiles: Collection[str], left_out: list[LeftOut]) -> bool:
    """Return whether a service is carried; note why not."""
    try:
        refused = _why_not(name, node, profiles)
    except LeftOutError as error:
        refused = "", str(error)
    if refused is not None:
        key, reason = refused
        left_out.append(LeftOut(place=node.place, service=name, key=key, kind="not-carried", reason=reason))
    return refused is None


def _why_not(name: str, node: Node, profiles: Collection[str]) -> tuple[str, str] | None:
    """Return the key because of which a service is left out, and the reason; None where it is carried."""
    below = node.items
    own = [forms.text(entry) for entry in forms.listed(below["profiles"])] if "profiles" in below else []
    if own and not {*own, ALL_PROFILES} & set(profiles):
        return "profiles", f"the service has a profile that is not chosen: give --profile {own[0]}"
    for path in ("scale", "deploy.replicas"):
        if _at(node, path) == 0:
            return path, "compose runs no container of it, and the service is left out: remove its key to have it"
    mode = below["network_mode"].value if "network_mode" in below else None
    if isinstance(mode, str) and _OTHER_NETWORK.match(mode):
        return "network_mode", _NOT_THERE
    if not SERVICE_NAME.fullmatch(name):
        return (
            "",
            "the service is left out, Docker refuses its name for a container: use two or more of a-z, A-Z, 0-9, _ . -",
        )
    return _without_image(below)


def _without_image(below: Mapping[str, Node]) -> tuple[str, str] | None:
    image = below.get("image")
    if image is None or image.value is None:
        without = next((key for key in ("build", "extends", "provider") if key in below), "")
        row = row_of(f"services.*.{without}") if without else None
        return without, "the service has no image, and is left out" + (f": {row.text}" if row else ": write image")
    try:
        reason = refused_image(forms.text(image))
    except LeftOutError as error:
        reason = str(error)
    return ("image", f"the service is left out: {reason}") if reason else None


def _at(node: Node, path: str) -> object:
    """Return a whole number below a service; None where there is none."""
    for key in path.split("."):
        below = node.value.get(key) if isinstance(node.value, dict) else None
        if below is None:
            return None
        node = below
    shown = str(node.value)
    return int(shown) if shown.isdecimal() else None


def _of_env(service: Carried, node: Node) -> None:
    """Note whose values came out of files of variables: such a file is seldom in a repository, and the stack file is."""
    for key, below in node.items.items():
        names = set(variables_of(below))
        if key == "environment" and key in service.settings:
            texts = service.settings[key]
            without = {name for name, value in forms.pairs(below) if value.value is None}
            names |= without & texts.keys() & service.surroundings.variables.keys()
        names.discard(PROJECT_VARIABLE)
        if names and any(origin.partition(".")[0] == key for origin, _ in service.origins.values()):
            service.variables[key] = frozenset(names)
    if service.variables:
        shown = "; ".join(f"{', '.join(sorted(names))} in {key}" for key, names in service.variables.items())
        service.leave_out(
            "",
            node,
            f"values of .env or --env-file are in the stack file now, in plaintext: {shown}; what is secret belongs into "
            "secret_environment, by `pulumi config set --secret NAME`",
            "advice",
        )


def _of_the_top(top: Mapping[str, Node]) -> Iterator[LeftOut]:
    for key, node in top.items():
        if key in _READ or key.startswith("x-"):
            continue
        if node.value is None or node.value in ([], {}):
            continue
        row = top_row(key)
        yield LeftOut(
            place=node.place,
            service="",
            key=key,
            kind="not-carried",
            reason=row.text if row else "compose has no such key",
        )
    for name, declared in _declared_volumes(top):
        for path, value in leaves(declared):
            row = row_of(f"volumes.*.{path}")
            if row is not None and row.kind == "absent" and value.value not in (None, False):
                yield LeftOut(
                    place=value.place, service="", key=f"volumes.{name}.{path}", kind="not-carried", reason=row.text
                )


def _declared_volumes(top: Mapping[str, Node]) -> Iterator[tuple[str, Node]]:
    """Yield the volumes at the top that have keys of their own."""
    node = top.get("volumes")
    for name, declared in node.value.items() if node is not None and isinstance(node.value, dict) else ():
        if isinstance(declared.value, dict) and "external" not in declared.value:
            yield name, declared
