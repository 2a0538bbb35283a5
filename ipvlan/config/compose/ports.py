"""The ports of a compose service, as entries of `ports`.

Out of scope: whether they are published (`ipvlan.config.compose.service`).
"""

from __future__ import annotations

from typing import Final

from pydantic_core import PydanticCustomError

from ipvlan.config.compose import forms
from ipvlan.config.compose.node import LeftOutError, Node
from ipvlan.config.types.ports import parse_ports

PORT_KEYS: Final = ("host_ip", "protocol", "published", "target")
"""Keys of the long form that are carried."""

_EVERY_ADDRESS: Final = "0.0.0.0"  # noqa: S104  # what compose files have
_NO_HOST_PORT: Final = (
    "Docker would choose a port of the host at every start: use the container's own address, or write HOST:CONTAINER"
)


def port(node: Node) -> str:
    """Return an entry `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]`; raise LeftOutError."""
    entry = _long(node) if isinstance(node.value, dict) else _short(forms.text(node))
    try:
        parse_ports([entry])
    except PydanticCustomError as error:
        raise LeftOutError(f"{error.message()}: {(error.context or {}).get('fix', '')}") from None
    return entry


def _short(text: str) -> str:
    body, slash, protocol = text.partition("/")
    address, _, rest = body.rpartition("]:") if body.startswith("[") else ("", "", body)
    parts = [f"{address}]", *rest.split(":")] if address else rest.split(":")
    if len(parts) == 1:
        raise LeftOutError(_NO_HOST_PORT)
    if len(parts) > 2 and ":".join(parts[:-2]) == _EVERY_ADDRESS:
        parts = parts[-2:]
    if not parts[-2]:
        raise LeftOutError(_NO_HOST_PORT)
    if "-" in parts[-2] and "-" not in parts[-1]:
        raise LeftOutError("Docker would choose one port of the range: write the one that clients use, HOST:CONTAINER")
    return ":".join(parts) + (slash + protocol if protocol not in ("", "tcp") else "")


def _long(node: Node) -> str:
    below = node.items
    if "target" not in below:
        raise LeftOutError("it has no target")
    if "published" not in below or forms.text(below["published"]) in ("", "0"):
        raise LeftOutError(_NO_HOST_PORT)
    address = forms.text(below["host_ip"]) if "host_ip" in below else ""
    protocol = forms.text(below["protocol"]) if "protocol" in below else ""
    ports = f"{forms.text(below['published'])}:{forms.text(below['target'])}"
    shown = f"[{address}]" if ":" in address else address
    return _short((f"{shown}:" if address else "") + ports + (f"/{protocol}" if protocol else ""))
