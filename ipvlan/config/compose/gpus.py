"""The GPUs of a compose service, as a request of `gpus`: its own key, and what `deploy` reserves."""

from __future__ import annotations

from typing import Any, Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.carried import Carried
from ipvlan.config.compose.node import LeftOutError, Node

_KEYS: Final = ("capabilities", "count", "device_ids", "driver", "options")


def carry_gpus(service: Carried, key: str, node: Node) -> None:
    """Carry `gpus`: the text `all`, or a list of requests."""
    if not isinstance(node.value, list):
        if forms.text(node) != "all":
            raise LeftOutError("write all, or a list of maps with count or device_ids")
        service.put("gpus", "all", key, node.place)
        return
    requests = []
    for path, entry in service.each(key, node.entries):
        try:
            requests.append(_request(entry))
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
        else:
            service.leave_out_others(path, entry.items, _KEYS)
    if requests:
        service.put("gpus", requests, key, node.place)


def carry_reserved(service: Carried, key: str, node: Node, other: str) -> None:
    """Carry what `deploy` reserves of devices, where these are GPUs; `other` is why no other device is carried."""
    requests: list[dict[str, Any]] = []
    for path, entry in service.each(key, node.entries):
        try:
            capabilities = entry.items.get("capabilities")
            names = [] if capabilities is None else [forms.text(name) for name in forms.listed(capabilities)]
            if "gpu" not in names:
                raise LeftOutError(other)
            requests.append(_request(entry))
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))
    if requests:
        # As vendors' pages have it; Docker finds that driver by itself.
        every = requests in ([{}], [{"count": "all"}], [{"driver": "nvidia"}], [{"driver": "nvidia", "count": "all"}])
        service.put("gpus", "all" if every else requests, key, node.place)


def _request(node: Node) -> dict[str, Any]:
    """Return a request; without a number and without ids it is for all GPUs, in compose and here."""
    request: dict[str, Any] = {}
    for name, value in node.items.items():
        if value.value is None:
            continue
        if name == "driver":
            request[name] = forms.text(value)
        elif name == "count":
            request[name] = "all" if forms.text(value) in ("all", "-1") else forms.number(value)
        elif name in ("capabilities", "device_ids"):
            texts = [forms.text(entry) for entry in forms.listed(value)]
            # It is always one of them.
            request[name] = [text for text in texts if (name, text) != ("capabilities", "gpu")]
        elif name == "options":
            request[name] = {option: forms.text(entry) for option, entry in forms.pairs(value)}
    return {name: value for name, value in request.items() if value not in ([], {})}
