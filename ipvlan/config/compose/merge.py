"""Lays one compose file over another, by compose's rules (compose-go 2.16, override/merge.go and override/uncity.go).

Mappings are merged, lists are joined without what is in both, other values are replaced, and a null replaces nothing. Of ports,
volumes and other lists an entry replaces the one of the same target. `command`, `entrypoint` and the test of a healthcheck are
replaced, and so is `logging` with another driver.

Out of scope: reading the files (`ipvlan.config.compose.source`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from ipvlan.config.compose.node import Hole, Node, Scalar

_REPLACED: Final = frozenset({"command", "entrypoint", "healthcheck.test"})
_ADDRESSES: Final = "=:"
_KEYED: Final = {
    **dict.fromkeys(("annotations", "build.args", "deploy.labels", "environment", "labels", "sysctls"), "="),
    "extra_hosts": _ADDRESSES,
    **dict.fromkeys(("depends_on", "networks", "models"), ""),
}
"""Keys of a service that are mappings or lists of `NAME=VALUE` or names -> the signs between name and value."""
_LISTS: Final = frozenset({"dns", "dns_opt", "dns_search", "env_file", "label_file", "tmpfs"})
"""Keys of a service that are a text or a list."""


_TOP: Final = "(top)"
"""Of the file itself."""
_SERVICES: Final = "(services)"
"""Of the mapping of all services."""


def merged(base: Node, over: Node) -> Node:
    """Return one complete compose file with another one laid over it."""
    return _merged(base, over, _TOP)


def _merged(base: Node, over: Node, key: str | None) -> Node:
    """Return one value with another one laid over it; `key` is that below a service, None elsewhere."""
    if key in _REPLACED:
        return over
    if key in _KEYED:
        base, over = keyed(base, _KEYED[key]), keyed(over, _KEYED[key])
    if key in _LISTS:
        base, over = _as_list(base), _as_list(over)
    if over.value is None:
        return base
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        if key == "logging" and _other_driver(base.value, over.value):
            return over
        entries = dict(base.value)
        for own, value in over.value.items():
            name = own
            while name.startswith("[") and name in entries:
                # Two entries without names.
                name = f"[{len(entries)}]" if f"[{len(entries)}]" not in entries else f"[{name}]"
            if key == "extra_hosts" and name in entries:
                entries[name] = _both(entries[name], value)
                continue
            entries[name] = _merged(entries[name], value, _below(key, name)) if name in entries else value
        return Node(entries, base.place)
    if isinstance(base.value, list) and isinstance(over.value, list):
        return _joined([*base.value, *over.value], over, _INDEXERS.get(key or "", _plain))
    return over


def _below(key: str | None, name: str) -> str | None:
    """Return the key below a service of an entry of the mapping `key`; that of a service itself is empty."""
    if key == _TOP:
        return _SERVICES if name == "services" else None
    if key == _SERVICES:
        return ""
    return f"{key}.{name}" if key else None if key is None else name


def keyed(node: Node, signs: str) -> Node:
    """Return a list of `NAME=VALUE` (`signs` are what may be between the two) or of names as a mapping; a mapping as it is."""
    if not isinstance(node.value, list):
        return node
    entries: dict[str, Node] = {}
    for number, entry in enumerate(node.value):
        if isinstance(entry.value, Hole):
            # Its name is known where what has no value is behind it.
            name, sign, _ = split_at(entry.value.text, signs)
            entries[name if sign and "$" not in name else f"[{number}]"] = entry
            continue
        if not isinstance(entry.value, str):
            # Nothing says what it is; the caller finds no mapping.
            return node
        name, sign, value = split_at(entry.value, signs)
        one = replace(entry, value=value if sign else None)
        # A name of extra_hosts may have several addresses; else the last value counts.
        entries[name] = _both(entries[name], one) if signs == _ADDRESSES and name in entries else one
    return Node(entries, node.place)


def _both(first: Node, second: Node) -> Node:
    """Return the addresses of a name that two entries have (compose-go 2.16, mergeToSequence in override/merge.go)."""
    nodes = [entry for node in (first, second) for entry in (node.value if isinstance(node.value, list) else [node])]
    different = list({_plain(node): node for node in nodes}.values())
    return different[0] if len(different) == 1 else Node(different, second.place)


def split_at(text: str, signs: str) -> tuple[str, str, str]:
    """Return what is before and behind the first sign that is there, of those in `signs` in this order, and the sign."""
    sign = next((sign for sign in signs if sign in text), "")
    name, _, value = text.partition(sign) if sign else (text, "", "")
    return name, sign, value


def _as_list(node: Node) -> Node:
    return Node([node], node.place) if isinstance(node.value, str) else node


def _other_driver(base: Mapping[str, Node], over: Mapping[str, Node]) -> bool:
    drivers = [mapping["driver"].value for mapping in (base, over) if "driver" in mapping]
    return len(drivers) == 2 and drivers[0] != drivers[1]


def _joined(entries: list[Node], over: Node, of: Callable[[Node], object]) -> Node:
    joined: dict[object, Node] = {}
    for entry in entries:
        # The place of the first one, and the value of the last.
        joined[of(entry)] = entry
    return Node(list(joined.values()), over.place)


def _plain(node: Node) -> object:
    """Return something that is the same for values that are the same."""
    if isinstance(node.value, dict):
        return frozenset((key, _plain(below)) for key, below in node.value.items())
    if isinstance(node.value, list):
        return tuple(_plain(below) for below in node.value)
    return (type(node.value).__name__, node.value)


def _scalar(node: Node | None) -> Scalar:
    return node.value if node is not None and isinstance(node.value, str | int | float | bool) else None


def _target(node: Node) -> object:
    if isinstance(node.value, dict):
        return _scalar(node.value.get("target"))
    if isinstance(node.value, str):
        parts = node.value.split(":")
        return parts[1] if len(parts) > 1 else parts[0]
    return _plain(node)


def _port(node: Node) -> object:
    if isinstance(node.value, dict):
        get = node.value.get
        published, target = _scalar(get("published")), _scalar(get("target"))
        return f"{_scalar(get('host_ip')) or '0.0.0.0'}:{published}:{target}/{_scalar(get('protocol')) or 'tcp'}"  # noqa: S104
    return str(_scalar(node))


def _source(node: Node) -> object:
    if isinstance(node.value, dict):
        return _scalar(node.value.get("target")) or _scalar(node.value.get("source"))
    return _scalar(node)


def _path(node: Node) -> object:
    return _scalar(node.value.get("path")) if isinstance(node.value, dict) else _scalar(node)


_INDEXERS: Final[Mapping[str, Callable[[Node], object]]] = {
    "configs": _source,
    "devices": _target,
    "env_file": _path,
    "ports": _port,
    "secrets": _source,
    "volumes": _target,
}
"""Key of a service -> what two entries have in common of which the later one replaces the earlier one."""
