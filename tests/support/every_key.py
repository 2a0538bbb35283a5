"""A stack in which each key of the config is set once, and changes of all of them at the same time.

Each key of a service has a service of its own, each key of a host a host of its own: one change hides no other, and a preview takes
seconds however many resources it has. What replaces every network is a change of its own.

Out of scope: changes that are drawn (`tests.support.generated_changes`).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from ipvlan.config.models import FabricConfig, HostConfig, ServiceConfig, SshConfig
from ipvlan.problems import ConfigError, PlanError
from tests.support.generated_changes import SETTINGS, Config, Generator, Made, plan_of

EVERY_KEY: Final = frozenset(
    f"{section}.{key}"
    for section, model in (
        ("fabric", FabricConfig),
        ("hosts", HostConfig),
        ("services", ServiceConfig),
        ("ssh", SshConfig),
    )
    for key in model.model_fields
)
"""`SECTION.KEY` of each key of a config."""

_REQUIRED: Final = frozenset({"image", "offset", "hosts", "address", "parent", "slice"})
"""Keys that all services or hosts of this stack have."""
_SSH: Final[Mapping[str, Sequence[Any]]] = {"connect_timeout": [20, 5], "shared_connection": [False, True]}
_ALONE: Final = ("name", "mode", "subnet", "dns")
"""Keys of the fabric that replace every network, or every container. `gateway` does too; another mode has none."""
CHANGES: Final = 2 + len(_ALONE)
"""How many changes there are."""
_QUIET: Final = ("reserved", "slice_prefix", "probe_addresses", "rollout")
"""Keys of the fabric that change nothing that runs."""
_FIRST: Final = "docker-1"

_Key = tuple[tuple[str, ...], str]
"""Where a mapping of the config is, and a key of it."""


class EveryKey:
    """The stack and its changes; the same for the same images and encrypted values."""

    def __init__(self, stack: Config, images: Sequence[str], secrets: Sequence[Any]) -> None:
        """Begin with what the stack has besides its sections; see `Generator` for the others."""
        self._values = Generator(0, images, secrets)
        others = {key: value for key, value in stack.items() if key not in ("fabric", "hosts", "services", "ssh")}
        config: Config = {
            **others,
            "fabric": {"name": "ipvlanl2", "mode": "l2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
            "hosts": {f"docker-{number}": _host(number) for number in range(1, len(HostConfig.model_fields) + 3)},
            "services": {},
            "ssh": {},
        }
        for offset, key in enumerate(ServiceConfig.model_fields, 1):
            config["services"][f"s-{key.replace('_', '-')}"] = _service(images[0], offset, _FIRST)
        config["services"]["s-published"]["ports"] = ["9000:80"]
        for key, host in self._hosts():
            # 200 is in no range of the values.
            config["services"][f"h-{key.replace('_', '-')}"] = _service(images[0], 20, host)
        self._together: tuple[_Key, ...] = (
            *((("services", f"s-{key.replace('_', '-')}"), key) for key in ServiceConfig.model_fields),
            *((("hosts", host), key) for key, host in self._hosts()),
            *((("fabric",), key) for key in _QUIET),
            *((("ssh",), key) for key in SshConfig.model_fields),
        )
        self.base = self._made(config, [key for key in self._together if key[1] not in _REQUIRED], self._other)

        self.changes: Sequence[Made] = [*self._changes()]
        """Other values of most keys, these keys removed, and another value of each key of `_ALONE`."""

    def _changes(self) -> Iterator[Made]:
        yield self._made(self.base.config, self._together, self._other)
        yield self._made(self.base.config, [key for key in self._together if key[1] not in _REQUIRED], _without)
        for name in _ALONE:
            made = self._made(self.base.config, [(("fabric",), name)], self._other)
            yield replace(made, changes=(*made.changes, "fabric.gateway")) if name == "mode" else made

    def _hosts(self) -> Iterator[tuple[str, str]]:
        for number, key in enumerate(HostConfig.model_fields, 2):
            yield key, f"docker-{number}"

    def _made(self, config: Config, keys: Sequence[_Key], change: Callable[[Config, _Key], Iterator[Config]]) -> Made:
        """Return the config with each of the keys changed, in the first way that is valid.

        Raises:
            AssertionError: A key has none.
        """
        for key in keys:
            for changed in change(config, key):
                try:
                    plan_of(changed)
                except (ConfigError, PlanError):
                    continue
                config = changed
                break
            else:
                message = f"no other value of {key} is valid"
                raise AssertionError(message)
        return Made(config=config, plan=plan_of(config), changes=tuple(f"{path[0]}.{name}" for path, name in keys))

    def _other(self, config: Config, key: _Key) -> Iterator[Config]:
        """Yield the config with each other value of a key, at last without it."""
        path, name = key
        for value in self._values_of(config, key):
            changed = copy.deepcopy(config)
            place = _place(changed, path)
            if place.get(name) == value:
                continue
            place[name] = copy.deepcopy(value)
            if name == "mode":
                # Both are for l2 alone.
                del place["gateway"]
                changed["services"]["s-egress"].pop("egress", None)
            yield changed
        if path[0] == "services" and name not in _REQUIRED:
            yield from _without(config, key)

    def _values_of(self, config: Config, key: _Key) -> Sequence[Any]:
        path, name = key
        if path[0] == "services":
            return SETTINGS.get(name) or _SERVICE.get(name) or self._values.service_values(config, path[1])[name]
        if path[0] == "hosts":
            return _of_host(path[1]).get(name) or self._values.host_values(path[1], config["hosts"][path[1]])[name]
        return _SSH[name] if path[0] == "ssh" else self._values.fabric_values()[name]


_SERVICE: Final[Mapping[str, Sequence[Any]]] = {
    "offset": [100, 101],
    "addresses": [{_FIRST: "10.1.1.120"}, {_FIRST: "10.1.1.121"}],
    "hosts": [["docker-2"]],
    "ports": [["9001:80"], ["9002:80"]],
    "after": [["s-image"], ["s-command"]],
    "egress": ["gateway"],
    "rollout": [{"at_once": 2}, {"at_once": "all"}],
}
"""Values that no other service of this stack has."""


def _of_host(name: str) -> Mapping[str, Sequence[Any]]:
    number = name.rpartition("-")[2]
    return {"slice": [f"10.1.{number}0.0/24"], "address": [f"192.168.140.{number}0"]}


def _host(number: int) -> dict[str, Any]:
    return {"address": f"192.168.140.{199 + number}", "parent": "ens33", "slice": f"10.1.{number}.0/24"}


def _service(image: str, offset: int, host: str) -> dict[str, Any]:
    return {"image": image, "offset": offset, "hosts": [host]}


def _place(config: Config, path: Sequence[str]) -> dict[str, Any]:
    for name in path:
        config = config[name]
    return config


def _without(config: Config, key: _Key) -> Iterator[Config]:
    """Yield the config without a key."""
    changed = copy.deepcopy(config)
    _place(changed, key[0]).pop(key[1], None)
    yield changed
