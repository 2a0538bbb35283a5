"""Places the services of a compose project on hosts of a stack, and decides the new texts of the stack's files. Writes no file.

Addresses are those that `ipvlan allocate` would give. The new texts are read and planned before they are returned: what is imported
can be planned.

Out of scope: what of a compose file can be carried over (`ipvlan.config.compose`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netaddr import IPNetwork
from pydantic_core import PydanticCustomError

from ipvlan import PROJECT
from ipvlan.config.compose.carried import Carried
from ipvlan.config.compose.node import LeftOut, Place
from ipvlan.config.compose.services import CarriedProject
from ipvlan.config.load import RawStack, read_config, read_raw
from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.config.shared_file import common_path, with_common
from ipvlan.config.types.addresses import parse_address
from ipvlan.config.types.ports import parse_ports
from ipvlan.config.yaml_entries import add_entries
from ipvlan.config.yaml_file import Folder, ProjectFolder
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.allocate import Allocation, allocate
from ipvlan.plan.allocation_edits import new_texts
from ipvlan.plan.compose_bridges import bridge_entries, with_fabric
from ipvlan.plan.compose_hidden import with_hidden, with_hidden_options
from ipvlan.plan.compose_volumes import volume_entries
from ipvlan.plan.lan import lan_hosts
from ipvlan.plan.make import make_plan
from ipvlan.plan.neighbours import read_neighbours
from ipvlan.plan.rules.lan import answered_on_the_fabric
from ipvlan.plan.validate import load
from ipvlan.problems import ConfigError, Problem

_FIRST: Final = (
    "image",
    "command",
    "container_name",
    "hosts",
    "offset",
    "addresses",
    "ports",
    "published",
    "environment",
)
"""Keys that are written first, in this order; then come the others as in the model."""


@dataclass(frozen=True, slots=True)
class Import:
    """What an import would write."""

    services: Mapping[str, Mapping[str, Any]]
    """The new services, with all their keys."""
    allocations: tuple[Allocation, ...]
    """Slices and offsets that other entries of the stack did not have, and get now."""
    texts: Mapping[str, str]
    """File -> its new text, of the files that change."""
    shown: Mapping[str, str]
    """The same with values that may be secret hidden: of `environment` and `driver_opts`, and those of files of variables."""
    left_out: tuple[LeftOut, ...]
    """What is not carried over, by file and line."""


@dataclass(frozen=True, slots=True)
class _Edited:
    """A folder in which some files have new texts."""

    folder: Folder
    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return the text of a file: it is a `Folder`."""
        return self.texts[name].removeprefix("\ufeff") if name in self.texts else self.folder.text(name)

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        return name in self.texts or self.folder.has(name)

    def content(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return self.folder.content(name)

    def below(self, name: str) -> list[str]:
        """Return the paths of the files below a folder."""
        return self.folder.below(name)


def known_hosts(stack: str, folder: Folder) -> list[str]:
    """Return the names of a stack's hosts; raise ConfigError where its file is no stack file."""
    sections, problems = with_common(read_raw(stack, folder).sections, folder)
    if problems:
        raise ConfigError(problems)
    hosts = sections["hosts"]
    return [str(name) for name in hosts] if isinstance(hosts, Mapping) else []


def plan_import(
    stack: str,
    folder: ProjectFolder,
    project: CarriedProject,
    hosts: Sequence[str],
    *,
    texts: Mapping[str, str],
    own: str,
) -> Import:
    """Return what an import would write.

    Args:
        stack: The stack's name.
        folder: The project's folder.
        project: What of a compose project can be carried over.
        hosts: The hosts on which its services run.
        texts: The texts of the stack's own file and of its shared file, with their byte order marks.
        own: The name of the stack's own file.

    Raises:
        ConfigError: A service is there already, or the stack would not plan; everything that is wrong.
    """
    raw = read_raw(stack, folder)
    if raw.problems:
        raise ConfigError(raw.problems)
    sections, problems = with_common(raw.sections, folder)
    if problems:
        raise ConfigError(problems)
    if not project.services:
        return Import({}, (), {}, {}, project.left_out)
    config = read_config(raw.sections, folder).config
    placed = _Placed(config, hosts, project)
    existing = sections["services"] if isinstance(sections["services"], Mapping) else {}
    taken = [_taken(service) for name, service in project.services.items() if name in existing]
    services = {name: placed.keys(service) for name, service in project.services.items() if name not in existing}
    volumes = volume_entries(config, services, project)
    bridges = bridge_entries(config, services, project)
    taken.extend([*volumes.problems, *bridges.problems])
    placed.advise_restart([project.services[name] for name in services])
    placed.advise_data([project.services[name] for name in services])
    placed.advise_lan([project.services[name] for name in services])
    placed.advise_internet([project.services[name] for name, keys in services.items() if "published" not in keys])
    try:
        allocations = _allocations(raw, {"services": services, "bridges": bridges.entries}, folder, stack)
    except ConfigError as error:
        raise ConfigError([*taken, *error.problems]) from None
    if taken:
        raise ConfigError(taken)
    others = []
    for allocation in allocations:
        if allocation.section == "services" and allocation.entry in services:
            services[allocation.entry][allocation.key] = allocation.value
        else:
            others.append(allocation)
    services = {name: _ordered(keys) for name, keys in services.items()}
    sections_after: dict[str, Mapping[str, Mapping[str, Any]]] = {
        "services": services,
        "volumes": volumes.entries,
        "bridges": bridges.entries,
    }
    changed = _texts(raw, sections_after, others, texts, own)
    # What was decided is in the files, as a person will find it.
    make_plan(load(stack, _Edited(folder, changed)))
    left_out = sorted(
        (*project.left_out, *placed.left_out, *volumes.left_out, *bridges.left_out),
        key=lambda entry: (entry.place.file, entry.place.line),
    )
    hidden = {name: with_hidden(keys, project.services[name]) for name, keys in services.items()}
    options = {name: with_hidden_options(keys) for name, keys in volumes.entries.items()}
    shown = _texts(raw, {**sections_after, "services": hidden, "volumes": options}, others, texts, own)
    return Import(services, tuple(others), changed, shown, tuple(left_out))


def _taken(service: Carried) -> Problem:
    return Problem(
        code="IPF927",
        key=f"services.{service.name}",
        value=f"{service.place.file}:{service.place.line}",
        problem="the stack has a service of this name",
        effect="nothing is imported: it would be replaced",
        fix="give one of the two another name, or remove the one in the stack file",
    )


def _allocations(
    raw: RawStack, new: Mapping[str, Mapping[str, Mapping[str, Any]]], folder: ProjectFolder, stack: str
) -> list[Allocation]:
    content = {**raw.sections}
    for section, entries in new.items():
        own = content.get(section)
        if entries:
            content[section] = {**(own if isinstance(own, Mapping) else {}), **entries}
    neighbours, _ = read_neighbours(stack, folder)
    return allocate(content, folder, neighbours)


def _texts(
    raw: RawStack,
    new: Mapping[str, Mapping[str, Mapping[str, Any]]],
    others: Sequence[Allocation],
    texts: Mapping[str, str],
    own: str,
) -> dict[str, str]:
    with_entries = dict(texts)
    for section, entries in new.items():
        if entries:
            with_entries[own] = add_entries(with_entries[own], ("config", f"{PROJECT}:{section}"), entries, own)
    allocated = new_texts(others, with_entries, own=own, common=common_path(raw.sections))
    return {name: text for name, text in {**with_entries, **allocated}.items() if text != texts[name]}


def _ordered(keys: Mapping[str, Any]) -> dict[str, Any]:
    order = [*_FIRST, *(key for key in ServiceConfig.model_fields if key not in _FIRST)]
    # An empty list or mapping says nothing.
    return {key: keys[key] for key in order if key in keys and keys[key] not in ([], {})}


_DATABASES: Final = re.compile(
    r"(^|/)(bitnami/)?(mysql|mariadb|postgres(ql)?|mongo(db)?|redis|valkey|influxdb|elasticsearch|couchdb)(:|@|$)"
)
"""Images of programs that keep data also where the file names no volume."""


def _on_fabric(service: Carried) -> bool:
    return service.settings.get("fabric", True) is not False


def _keeps_data(service: Carried) -> bool:
    """Return whether a service has a volume of its own that it writes to, or runs a database."""
    writes = [
        text
        for text in service.settings.get("volumes", ())
        if not text.startswith("/") and "ro" not in text.rpartition(":")[2].split(",")
    ]
    mounts = [
        mount
        for mount in service.settings.get("mounts", ())
        if mount["type"] == "volume" and not mount.get("read_only")
    ]
    return bool(writes or mounts or _DATABASES.search(service.settings.get("image", "")))


class _Placed:
    """Gives the services their hosts, and takes out what does not go with these."""

    def __init__(self, config: StackConfig, hosts: Sequence[str], project: CarriedProject) -> None:
        self._config, self._project = config, project
        self.left_out: list[LeftOut] = []
        self._space = AddressSpace.from_config(config.fabric, config.hosts, config.services)
        self._subnet: IPNetwork = config.fabric.subnet
        self._hosts = list(dict.fromkeys(hosts))
        self._on_lan = any(host in lan_hosts(config) for host in self._hosts)

    def keys(self, service: Carried) -> dict[str, Any]:
        """Return the keys of a service in the stack file, but for an offset."""
        before = len(service.left_out)
        address = with_fabric(self._config, service, self._project)
        self.left_out.extend(service.left_out[before:])
        keys = {**service.settings, "hosts": self._hosts}
        if address is not None:
            reason = self._put_address(keys, address[0])
            if reason:
                self._leave_out(service, "networks.ipv4_address", reason, address[1])
        if self._on_lan and any(
            answered_on_the_fabric(port, self._subnet) for port in parse_ports(keys.get("ports", []))
        ):
            keys.pop("published", None)
            origin, place = service.origins["ports"]
            self._leave_out(
                service,
                origin,
                "the ports are not published: the fabric is the LAN of its clients, who use the container's own address",
                place,
            )
        return keys

    def advise_lan(self, services: Sequence[Carried]) -> None:
        """Note which services only their host could reach in compose, and the whole LAN reaches here."""
        private = [
            service
            for service in services
            if self._on_lan
            and _on_fabric(service)
            and not any(
                answered_on_the_fabric(port, self._subnet) for port in parse_ports(service.settings.get("ports", []))
            )
        ]
        if private:
            names = ", ".join(service.name for service in private)
            self._advise(
                private[0].place,
                f"the LAN could not reach {names} in compose, and reaches every port of each container here: its programs must ask "
                "for a password, or listen at 127.0.0.1",
            )

    def advise_internet(self, services: Sequence[Carried]) -> None:
        """Note which services reached the internet through compose's bridge, and may not do so here."""
        services = [service for service in services if _on_fabric(service)]
        if services and not self._on_lan:
            names = ", ".join(service.name for service in services)
            self._advise(
                services[0].place,
                f"{names} reached the internet through the host in compose: where it is needed write internet: true, or "
                "egress: gateway where the fabric's gateway is a router",
            )

    def advise_restart(self, services: Sequence[Carried]) -> None:
        """Note which services Docker does not start again: those that run once and end are no services here."""
        ended = [service for service in services if service.settings.get("restart") == "no"]
        if ended:
            names = ", ".join(service.name for service in ended)
            self._advise(
                ended[0].place,
                f'restart is "no" for {names}, as in compose: what runs all the time needs restart: unless-stopped, or it is '
                "down after a restart of its host; where one runs once and ends, `pulumi up` fails: take it out, and run it by "
                "hand or in CI",
            )

    def advise_data(self, services: Sequence[Carried]) -> None:
        """Note which services keep data, where each of several hosts would have its own."""
        keeping = [service for service in services if len(self._hosts) > 1 and _keeps_data(service)]
        if keeping:
            names = ", ".join(service.name for service in keeping)
            self._advise(
                keeping[0].place,
                f"each of {', '.join(self._hosts)} has its own data of {names}, and nothing copies it: what clients read depends "
                "on the host that they ask; write hosts with one host for what keeps data",
            )

    def _advise(self, place: Place, reason: str) -> None:
        self.left_out.append(LeftOut(place=place, service="", key="services", kind="advice", reason=reason))

    def _put_address(self, keys: dict[str, Any], text: str) -> str:
        """Write the address that the container had; return the reason where it cannot have it."""
        try:
            address = parse_address(text)
        except PydanticCustomError as error:
            return error.message()
        if address not in self._subnet:
            return f"the address is not in the fabric's subnet {self._subnet}: the container gets one that is"
        if len(self._hosts) > 1:
            return "one address cannot be on several hosts: the containers get others"
        reason = self._space.unusable(address, self._hosts[0])
        if reason is not None:
            return f"no container of {self._hosts[0]} can have the address ({reason.key}): it gets another one"
        keys["addresses"] = {self._hosts[0]: str(address)}
        return ""

    def _leave_out(self, service: Carried, key: str, reason: str, place: Place) -> None:
        self.left_out.append(LeftOut(place=place, service=service.name, key=key, kind="not-carried", reason=reason))
