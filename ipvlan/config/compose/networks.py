"""The networks of a compose file: those of Docker's bridge driver as entries of `bridges`, and a service's part in them.

The network `default` is the fabric here. A service that compose had on other networks alone is on their bridges alone, so that it
is as private as it was; one whose ports are published is on the fabric too, since clients come over it or over its host.

Out of scope: the rules of a stack file for a bridge, and what of compose's networks is the fabric (`ipvlan.plan.compose_bridges`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.compose import forms
from ipvlan.config.compose.node import Hole, LeftOut, LeftOutError, Node, Place, leaves, variables_of
from ipvlan.config.compose.source import PROJECT_VARIABLE
from ipvlan.config.compose.table import row_of
from ipvlan.config.compose.top_rows import NOT_ON_A_BRIDGE, OF_THE_FABRIC
from ipvlan.config.messages import entries_of, problem_of
from ipvlan.config.types.docker import DOCKER_NAME, LONGEST_NAME

if TYPE_CHECKING:
    from ipvlan.config.compose.carried import Carried

DEFAULT: Final = "default"
"""The network of a service that names none."""
_OF_DOCKER: Final = frozenset({"bridge", "host", "none", "default"})
"""Names of Docker's own networks; no network of a stack has one."""
_READ: Final = ("driver", "driver_opts", "external", "internal", "ipam", "labels", "name")


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedBridge:
    """A network of a compose file that is a bridge here."""

    key: str
    """Its key in the compose file."""
    name: str
    """Its name in Docker there, which no network of another project has: its key in the stack."""
    place: Place
    settings: Mapping[str, Any]
    """Keys of `BridgeConfig` -> values. The name is among them only where the file has one: else the stack's own name for it
    clashes with nothing that compose left on a host."""
    variables: tuple[str, ...] = ()
    """The variables of files whose values are in them."""

    @property
    def external(self) -> bool:
        """Whether somebody else makes it."""
        return bool(self.settings.get("external"))

    def note(self, path: str, reason: str, *, advice: bool = False) -> LeftOut:
        """Return a line of the list of what is left out; `path` is below the network."""
        return _note(self.key, path, self.place, reason, advice=advice)


def carried_bridges(project: str, top: Mapping[str, Node]) -> tuple[dict[str, CarriedBridge], list[LeftOut]]:
    """Return the networks that are bridges here, by their keys in the compose file, and what of all networks is left out.

    Args:
        project: The project's name, with which the names of its networks in Docker begin.
        top: The keys at the top of the compose file.
    """
    bridges: dict[str, CarriedBridge] = {}
    left_out: list[LeftOut] = []
    declared = top["networks"].value if "networks" in top else None
    for key, node in declared.items() if isinstance(declared, dict) else ():
        below = node.value if isinstance(node.value, dict) else {}
        try:
            name, settings = _bridge(project, key, below)
        except LeftOutError as error:
            left_out.append(_note(key, "", node.place, str(error)))
            continue
        if settings is None or (key == DEFAULT and not settings.get("external")):
            left_out.extend(_of_no_bridge(key, below))
            continue
        for option in ("driver_opts", "ipam", "labels", "internal"):
            value = below.get(option)
            if value is not None and value.value is not None and not settings.get("external"):
                left_out.extend(_read(key, option, value, settings))
        left_out.extend(_others(key, below, settings))
        left_out.extend(_refused(key, node, settings))
        variables = tuple(sorted({*variables_of(node)} - {PROJECT_VARIABLE}))
        bridges[key] = CarriedBridge(
            key=key, name=name, place=node.place, settings=settings, variables=variables if settings else ()
        )
    return bridges, left_out


def _note(key: str, path: str, place: Place, reason: str, *, advice: bool = False) -> LeftOut:
    whole = ".".join(part for part in ("networks", key, path) if part)
    return LeftOut(place=place, service="", key=whole, kind="advice" if advice else "not-carried", reason=reason)


def _bridge(project: str, key: str, below: Mapping[str, Node]) -> tuple[str, dict[str, Any] | None]:
    """Return a network's name in Docker, and its settings as far as they follow from that; None where it is no bridge."""
    name = f"{project}_{key}"
    external = below.get("external")
    is_external = external is not None and external.value not in (None, False)
    if is_external and external is not None:
        name = key
        if isinstance(external.value, dict):
            name = forms.text(external.value["name"]) if "name" in external.value else key
        else:
            is_external = forms.flag(external)
    if "name" in below and below["name"].value is not None:
        name = forms.text(below["name"])
    driver = below.get("driver")
    if driver is not None and driver.value is not None and not is_external and forms.text(driver) != "bridge":
        return name, None
    if name in _OF_DOCKER or not DOCKER_NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        raise LeftOutError("no bridge of a stack can have this name in Docker: its services are on the fabric instead")
    if is_external:
        return name, {"external": True}
    return name, {"name": name} if "name" in below else {}


def _of_no_bridge(key: str, below: Mapping[str, Node]) -> Iterator[LeftOut]:
    """Yield what a network says that the fabric takes the place of: one line for one of another driver."""
    said = {
        path: value
        for path, value in leaves(Node(dict(below), Place("", 0)))
        if path and value.value not in (None, False) and (path, value.value) != ("driver", "bridge") and _row(path)
    }
    driver = said.pop("driver", None)
    if driver is not None:
        more = f"; its {', '.join(said)} is said there: {_OF_FABRIC}" if said else ""
        yield _note(key, "driver", driver.place, _row("driver") + more)
        return
    for path, value in said.items():
        yield _note(key, path, value.place, f"the network is the fabric here, which has its own: {_OF_FABRIC}")


_OF_FABRIC: Final = "fabric.name, fabric.subnet and fabric.gateway, and parent and slice at each host"


def _row(path: str) -> str:
    """Return the text of a key below a network, or of the nearest key above it."""
    while path:
        row = row_of(f"networks.*.{path}")
        if row is not None:
            return "" if row.kind == "unneeded" else row.text
        path = path.rpartition(".")[0]
    return "compose has no such key"


def _read(key: str, option: str, value: Node, settings: dict[str, Any]) -> Iterator[LeftOut]:
    """Write what a key of a network says into the settings; yield what of it cannot be written."""
    try:
        if option == "internal":
            if forms.flag(value):
                settings["internal"] = True
        elif option == "ipam":
            yield from _subnet(key, value, settings)
        else:
            texts = {}
            for name, entry in forms.pairs(value):
                try:
                    texts[name] = "" if entry.value is None else forms.text(entry)
                except LeftOutError as error:
                    yield _note(key, f"{option}.{name}", entry.place, str(error))
            if texts:
                settings["options" if option == "driver_opts" else option] = texts
    except LeftOutError as error:
        yield _note(key, option, value.place, str(error))


def _subnet(key: str, node: Node, settings: dict[str, Any]) -> Iterator[LeftOut]:
    for option, value in node.items.items():
        if option != "config":
            if value.value not in (None, DEFAULT, [], {}):
                yield _note(key, f"ipam.{option}", value.place, _row(f"ipam.{option}"))
            continue
        for number, pool in enumerate(value.entries if value.value is not None else ()):
            for name, entry in pool.items.items():
                path = f"ipam.config[{number}].{name}"
                if entry.value is None:
                    continue
                if name != "subnet":
                    reason = NOT_ON_A_BRIDGE if name in OF_THE_FABRIC else _row(f"ipam.config.{name}")
                    yield _note(key, path, entry.place, reason)
                elif ":" in forms.text(entry):
                    yield _note(key, path, entry.place, "a bridge is IPv4 only for now")
                elif "subnet" in settings:
                    yield _note(key, path, entry.place, "a bridge has one subnet")
                else:
                    settings["subnet"] = forms.text(entry)


def _others(key: str, below: Mapping[str, Node], settings: Mapping[str, Any]) -> Iterator[LeftOut]:
    """Yield the keys of a network that nothing carries."""
    known: Collection[str] = ("external", "name") if settings.get("external") else _READ
    for name, value in below.items():
        if name in known or name.startswith("x-") or value.value in (None, False):
            continue
        reason = "the network is somebody else's, who makes it as it is" if settings.get("external") else _row(name)
        if reason and (name, value.value) != ("enable_ipv4", True):
            yield _note(key, name, value.place, reason)


def _refused(key: str, node: Node, settings: dict[str, Any]) -> Iterator[LeftOut]:
    """Remove what `BridgeConfig` refuses, and yield it."""
    try:
        BridgeConfig.model_validate(settings)
    except ValidationError as error:
        for raw in entries_of(error):
            problem = problem_of(BridgeConfig, raw, "")
            option = str(raw["loc"][0])
            settings.pop(option, None)
            yield _note(
                key,
                {"subnet": "ipam", "options": "driver_opts"}.get(option, option),
                node.place,
                (f"{problem.problem}: {problem.fix}"),
            )


def carry_networks(service: Carried, key: str, node: Node) -> None:
    """Carry the networks of a service: a bridge is one here, and all else is the fabric."""
    endpoints: dict[str, dict[str, Any]] = {}
    on_fabric, names = False, set()
    for name, value in forms.pairs(node, ""):
        names.add(name)
        if isinstance(value.value, Hole):
            service.leave_out(f"{key}.{name}", value, value.value.reason)
            on_fabric = True
            continue
        below = value.value if isinstance(value.value, dict) else {}
        bridge = service.surroundings.bridges.get(name)
        on_fabric = on_fabric or bridge is None or name == DEFAULT
        if bridge is None and name != DEFAULT:
            known = name in service.surroundings.networks
            service.leave_out(
                f"{key}.{name}",
                value,
                "the network is no bridge, and the service is on the fabric instead"
                if known
                else "the file declares no such network at its top, and compose refuses it: the service is on the fabric instead",
                "not-needed" if known else "not-carried",
            )
        endpoint = _endpoint(service, f"{key}.{name}", below, bridge)
        if bridge is not None:
            endpoints[bridge.name] = endpoint
    if not names - {DEFAULT}:
        service.leave_out(key, node, "every container is on the fabric, unless fabric: false is written", "not-needed")
    put_bridges(service, endpoints, key, node.place)
    service.on_fabric = on_fabric or not endpoints


def put_bridges(service: Carried, endpoints: Mapping[str, Mapping[str, Any]], key: str, place: Place) -> None:
    """Write the bridges of a service, by their names in Docker: a list where that says all."""
    if endpoints:
        service.put("bridges", {**endpoints} if any(endpoints.values()) else [*endpoints], key, place)


def _endpoint(service: Carried, path: str, below: Mapping[str, Node], bridge: CarriedBridge | None) -> dict[str, Any]:
    """Return the settings of a connection to a bridge, and note what of it is left out."""
    endpoint: dict[str, Any] = {}
    for option, entry in below.items():
        where = f"{path}.{option}"
        if entry.value is None or option.startswith("x-"):
            continue
        try:
            if option == "ipv4_address" and bridge is None and service.address is None:
                service.address = (forms.text(entry), entry.place)
            elif option == "ipv4_address" and bridge is not None and bridge.external:
                service.fixed[bridge.name] = (forms.text(entry), entry.place)
            elif option == "aliases":
                names = [forms.text(alias) for alias in forms.listed(entry)]
                others = [name for name in dict.fromkeys(names) if name != service.name]
                if bridge is not None and others:
                    endpoint["aliases"] = others
                elif others:
                    service.leave_out(where, entry, "the fabric has no further names: a container is found by its own")
            else:
                service.leave_out_by_row(where, entry, row_of(f"services.*.networks.*.{option}"))
        except LeftOutError as error:
            service.leave_out(where, entry, str(error))
    return endpoint
