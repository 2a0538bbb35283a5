"""One service of a compose file as keys of a service here, and what of it is left out.

Each key of compose has a function here that carries it, or the text of its row in the table of compose's keys.

Out of scope: which services there are (`ipvlan.config.compose.services`), and whether a value is one that this version takes
(`ipvlan.config.compose.refused`).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.carried import Carried, Link, Surroundings
from ipvlan.config.compose.files import advise_configs, advise_secrets
from ipvlan.config.compose.gpus import carry_gpus
from ipvlan.config.compose.mounts import MOUNT_KEYS, MOUNT_OPTIONS, mounted
from ipvlan.config.compose.networks import carry_networks
from ipvlan.config.compose.node import Hole, LeftOutError, Node
from ipvlan.config.compose.ports import PORT_KEYS, port
from ipvlan.config.compose.table import row_of, service_row

_SECRET: Final = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|(^|_)(PASS|PW|AUTH|JWT|SALT)($|_)|PWD$|SECRET|TOKEN|CREDENTIAL|(API|PRIVATE|ACCESS|AUTH)_?KEY"
    r"|_KEY$",
    re.IGNORECASE,
)
"""What names of variables have that hold a secret."""
_LOGIN_IN_URL: Final = re.compile(r"://[^/@:\s]*:[^/@\s]+@")
_SWITCHES: Final = frozenset({"", "0", "1", "false", "true", "no", "yes", "off", "on"})
"""Values that are no secret, whatever the name is."""
_TIMES: Final = ("interval", "timeout", "start_period", "start_interval")
_OF_A_FILE: Final = re.compile(r"_FILE$", re.IGNORECASE)


def carried(name: str, node: Node, surroundings: Surroundings) -> Carried:
    """Return what of a service can be carried over; the place of each key that cannot."""
    service = Carried(name=name, place=node.place, surroundings=surroundings)
    for key, value in node.items.items():
        if key.startswith("x-") or value.value is None or (key not in _CARRY and value.value in ([], {})):
            # Compose reads no value as none.
            continue
        carry = _CARRY.get(key)
        try:
            if carry is None:
                service.leave_out_by_row(key, value, service_row(key))
            else:
                carry(service, key, value)
        except LeftOutError as error:
            service.leave_out(key, value, str(error))
    return service


def _as(read: Callable[[Node], Any], ours: str = "") -> Callable[[Carried, str, Node], None]:
    """Return a function that carries a key whose value `read` returns, under the name `ours`."""

    def carry(service: Carried, key: str, node: Node) -> None:
        service.put(ours or key, read(node), key, node.place)

    return carry


def _size(ours: str) -> Callable[[Carried, str, Node], None]:
    """Return a function that carries a size of memory under the name `ours`."""
    return lambda service, key, node: service.put_size(ours, node, key)


def _list(service: Carried, key: str, node: Node) -> None:
    texts = []
    for path, entry in service.each(key, forms.listed(node)):
        try:
            texts.append(forms.text(entry))
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
    service.put(key, texts, key, node.place)


def _mapping(service: Carried, key: str, node: Node, ours: str = "") -> None:
    texts = {}
    for name, value in forms.pairs(node):
        try:
            texts[name] = "" if value.value is None else forms.text(value)
        except LeftOutError as error:
            service.leave_out(f"{key}.{name}", value, str(error))
    service.put(ours or key, texts, key, node.place)


def _environment(service: Carried, key: str, node: Node) -> None:
    texts = {}
    for name, value in forms.pairs(node):
        try:
            texts[name] = _variable(service, name, value)
        except LeftOutError as error:
            service.leave_out(f"{key}.{name}", value, str(error))
    service.put(key, texts, key, node.place)
    secrets = [name for name, text in texts.items() if _is_secret(name, text)]
    if secrets:
        one = len(secrets) == 1
        service.leave_out(
            key,
            node,
            f"{', '.join(secrets)} look{'s' if one else ''} like {'a secret' if one else 'secrets'}, in plaintext: choose a new "
            "one, `pulumi config set --secret NAME`, and move the variable to secret_environment",
            "advice",
        )


def _is_secret(name: str, text: str) -> bool:
    by_name = _SECRET.search(name) and not _OF_A_FILE.search(name) and text.lower() not in _SWITCHES
    return bool(by_name or _LOGIN_IN_URL.search(text))


def _variable(service: Carried, name: str, value: Node) -> str:
    """Return the value of a variable; one without takes it from where the file's own variables are."""
    if not name:
        raise LeftOutError("no name is before the =")
    if value.value is not None:
        return forms.text(value)
    text = service.surroundings.variables.get(name)
    if text is None:
        raise LeftOutError("compose takes it from the shell: write NAME=VALUE, or set it in a file of --env-file")
    if isinstance(text, Hole):
        raise LeftOutError(text.reason)
    return text


def _extra_hosts(service: Carried, key: str, node: Node) -> None:
    addresses = {}
    for name, value in forms.pairs(node, "=:"):
        try:
            addresses[name] = forms.text(forms.only(value)).strip("[]")
        except LeftOutError as error:
            service.leave_out(f"{key}.{name}", value, str(error))
    service.put(key, addresses, key, node.place)


def _tmpfs(service: Carried, key: str, node: Node) -> None:
    for where, entry in service.each(key, forms.listed(node)):
        try:
            path, _, options = forms.text(entry).partition(":")
        except LeftOutError as error:
            service.leave_out(where if isinstance(node.value, list) else key, entry, str(error))
            continue
        service.settings.setdefault("tmpfs", {})[path] = options
        service.origins["tmpfs"] = (key, node.place)


def _volumes(service: Carried, key: str, node: Node) -> None:
    for path, entry in service.each(key, node.entries):
        try:
            mount = mounted(entry, service.surroundings.sources)
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
            continue
        if isinstance(entry.value, dict):
            service.leave_out_others(path, entry.value, MOUNT_KEYS)
            for kind in MOUNT_OPTIONS:
                options = entry.value.get(kind)
                if options is not None and isinstance(options.value, dict):
                    service.leave_out_others(f"{path}.{kind}", options.value, MOUNT_OPTIONS[kind])
        if mount.key == "tmpfs":
            service.settings.setdefault("tmpfs", {})[mount.value[0]] = mount.value[1]
        else:
            service.settings.setdefault(mount.key, []).append(mount.value)
        service.origins[mount.key] = (key, node.place)


def _ports(service: Carried, key: str, node: Node) -> None:
    ports = []
    for path, entry in service.each(key, node.entries):
        try:
            ports.append(port(entry))
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
        else:
            if isinstance(entry.value, dict):
                service.leave_out_others(path, entry.value, PORT_KEYS)
    if ports:
        service.put("ports", ports, key, node.place)
        service.put("published", True, key, node.place)


def _devices(service: Carried, key: str, node: Node) -> None:
    devices: list[Any] = []
    for path, entry in service.each(key, node.entries):
        try:
            devices.append(_device(entry))
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
        else:
            if isinstance(entry.value, dict):
                service.leave_out_others(path, entry.value, ("source", "target", "permissions"))
    service.put(key, devices, key, node.place)


def _device(node: Node) -> object:
    if not isinstance(node.value, dict):
        return forms.text(node)
    below = {name: forms.text(value) for name, value in node.value.items()}
    source, target = below.get("source", ""), below.get("target", "")
    if ":" not in source + target:
        parts = (source, target or source, below["permissions"]) if "permissions" in below else (source, target)
        return ":".join(part for part in parts if part)
    return {
        "host": source,
        "container": target or source,
        **({"permissions": below["permissions"]} if "permissions" in below else {}),
    }


def _ulimits(service: Carried, key: str, node: Node) -> None:
    limits = {}
    for name, value in node.items.items():
        try:
            both = value.items if isinstance(value.value, dict) else {"soft": value, "hard": value}
            limits[name] = {end: forms.number(both[end]) for end in ("soft", "hard") if end in both}
            service.leave_out_others(f"{key}.{name}", both, ("soft", "hard"))
        except LeftOutError as error:
            service.leave_out(f"{key}.{name}", value, str(error))
    service.put(key, limits, key, node.place)


def _healthcheck(service: Carried, key: str, node: Node) -> None:
    below = node.items
    if "disable" in below and forms.flag(below["disable"]):
        service.put(key, {"test": ["NONE"]}, key, node.place)
        return
    # Without a test it is that of the image.
    check: dict[str, Any] = {"test": []}
    for name, value in below.items():
        if name == "test":
            check["test"] = forms.words(value) if isinstance(value.value, list) else ["CMD-SHELL", forms.text(value)]
        elif name == "retries":
            check[name] = forms.number(value)
        elif name in _TIMES:
            check[name] = forms.text(value)
    service.leave_out_others(key, below, (*_TIMES, "disable", "retries", "test"))
    service.put(key, check, key, node.place)


def _command(service: Carried, key: str, node: Node) -> None:
    words = forms.words(node)
    if not words:
        raise LeftOutError("the docker provider has no empty one: write the words that the container shall run")
    service.put(key, words, key, node.place)


def _depends_on(service: Carried, key: str, node: Node) -> None:
    names = []
    for name, value in forms.pairs(node, ""):
        below = value.value if isinstance(value.value, dict) else {}
        condition = below.get("condition")
        if isinstance(value.value, Hole):
            service.leave_out(f"{key}.{name}", value, value.value.reason)
        elif name not in service.surroundings.services:
            service.leave_out(f"{key}.{name}", value, "that service is not carried")
        elif name == service.name:
            service.leave_out(f"{key}.{name}", value, "a service cannot wait for itself")
        elif condition is not None and condition.value == "service_completed_successfully":
            service.leave_out(f"{key}.{name}", value, "nothing here waits for the end of a container")
        else:
            names.append(name)
            restart = below.get("restart")
            if restart is not None and restart.value is True:
                service.leave_out_by_row(f"{key}.{name}.restart", restart, row_of("services.*.depends_on.*.restart"))
    _after(service, names, key, node)


def _after(service: Carried, names: list[str], key: str, node: Node) -> None:
    """Write the services that are up before; `links` and `depends_on` are added up."""
    names = list(dict.fromkeys([*service.settings.get("after", ()), *names]))
    if names:
        service.settings["after"] = names
        service.origins["after"] = (key, node.place)


def _links(service: Carried, key: str, node: Node) -> None:
    others = []
    for path, entry in service.each(key, forms.listed(node)):
        try:
            name, _, alias = forms.text(entry).partition(":")
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
            continue
        known = name in service.surroundings.services and name != service.name
        if known:
            others.append(name)
        service.links.append(Link(key=path, node=entry, service=name if known else "", name=alias or name))
    # A link is an order too (compose-go 2.16, loader/normalize.go).
    _after(service, others, key, node)


def _logging(service: Carried, key: str, node: Node) -> None:
    below = node.items
    if "driver" in below:
        service.put("log_driver", forms.text(below["driver"]), key, node.place)
    if "options" in below and below["options"].value is not None:
        _mapping(service, f"{key}.options", below["options"], "log_opts")
    service.leave_out_others(key, below, ("driver", "options"))


def _network_mode(service: Carried, key: str, node: Node) -> None:
    if forms.text(node) in ("bridge", "default"):
        service.leave_out(key, node, "a container is on the fabric, unless fabric: false is written", "not-needed")
    else:
        service.leave_out_by_row(key, node, service_row(key))


def _one_of(*values: str, ours: str = "") -> Callable[[Carried, str, Node], None]:
    """Return a function that carries a key with one of these values only."""

    def carry(service: Carried, key: str, node: Node) -> None:
        if forms.text(node) in values:
            service.put(ours or key, forms.text(node), key, node.place)
        else:
            raise LeftOutError(f"only {', '.join(values)} can be carried: containers are replaced one by one")

    return carry


def _count(service: Carried, key: str, node: Node) -> None:
    if forms.number(node) != 1:
        service.leave_out_by_row(key, node, service_row(key))


def _nothing(service: Carried, key: str, node: Node) -> None:
    """Carry nothing here: `ipvlan.config.compose.services` chooses by profiles, and reads `deploy` when all else is carried."""


_CARRY: dict[str, Callable[[Carried, str, Node], None]] = {
    **dict.fromkeys(
        ("cgroup_parent", "container_name", "cpus", "cpuset", "domainname", "hostname", "image", "restart", "runtime"),
        _as(forms.text),
    ),
    **dict.fromkeys(("stop_signal", "user", "userns_mode", "working_dir"), _as(forms.text)),
    **dict.fromkeys(("init", "privileged", "read_only", "stdin_open", "tty"), _as(forms.flag)),
    "cpu_shares": _as(forms.number),
    **dict.fromkeys(("cap_add", "cap_drop", "device_cgroup_rules", "group_add", "security_opt"), _list),
    **dict.fromkeys(("dns", "dns_opt", "dns_search"), _list),
    **dict.fromkeys(("labels", "storage_opt", "sysctls"), _mapping),
    **dict.fromkeys(("command", "entrypoint"), _command),
    "environment": _environment,
    "extra_hosts": _extra_hosts,
    "tmpfs": _tmpfs,
    "volumes": _volumes,
    "ports": _ports,
    "devices": _devices,
    "ulimits": _ulimits,
    "healthcheck": _healthcheck,
    "depends_on": _depends_on,
    "links": _links,
    "logging": _logging,
    "networks": carry_networks,
    "network_mode": _network_mode,
    "shm_size": _size("shm_size"),
    "mem_limit": _size("memory"),
    "mem_reservation": _size("memory_reservation"),
    "memswap_limit": _size("memory_swap"),
    "stop_grace_period": _as(forms.seconds, "stop_timeout"),
    "cgroup": _one_of("host", "private", ours="cgroupns_mode"),
    "pid": _one_of("host"),
    "ipc": _one_of("host", "none", "private", "shareable"),
    "gpus": carry_gpus,
    "configs": advise_configs,
    "secrets": advise_secrets,
    "scale": _count,
    "profiles": _nothing,
    "deploy": _nothing,
}
"""Key of compose -> what carries it."""
