"""Draws changes of a stack's config: valid ones, of every kind, the same ones for the same seed.

A config is sections and secrets (key -> mapping or encrypted value), as the lab's `Stack.config` has it.

Out of scope: what a change does. Tests compare the report of it with Pulumi's preview.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from ipvlan.config.models import SECTIONS
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, PlanError
from tests.support.setting_values import SETTINGS

Config = dict[str, Any]

_ROLLOUT: Final[Mapping[str, Sequence[Any]]] = {
    "at_once": [1, 2, "all"],
    "healthy_within": ["30s", "2m"],
    "on_failure": ["restore", "leave"],
}


@dataclass(frozen=True)
class Made:
    """A generated config."""

    config: Config
    plan: Plan
    changes: tuple[str, ...]
    """What was changed: the keys."""


class Generator:
    """Draws changes; the same for the same seed, images and encrypted values."""

    def __init__(self, seed: int, images: Sequence[str], secrets: Sequence[Any] = ()) -> None:
        """Begin.

        Args:
            seed: Number of the sequence.
            images: Two references or more.
            secrets: Encrypted values, as the stack file has them; with none, no secret is changed.
        """
        self._random = Random(seed)  # noqa: S311  # not for secrets
        self._images = images
        self._secrets = secrets
        self._steps: Sequence[tuple[int, Callable[[Config], str]]] = (
            (40, self._setting),
            (30, self._service_key),
            (5, self._add_service),
            (4, self._remove_service),
            (8, self._host_key),
            (2, self._add_host),
            (2, self._remove_host),
            (4, self._fabric_key),
            (2, self._ssh_key),
            (3, self._secret_value),
            (6, self._volume),
            (6, self._bridge),
        )

    def change(self, config: Config, count: int) -> Made:
        """Return the config with `count` valid changes."""
        made: list[str] = []
        plan = plan_of(config)
        while len(made) < count:
            changed = copy.deepcopy(config)
            weights, steps = zip(*self._steps, strict=True)
            (step,) = self._random.choices(steps, weights)
            name = step(changed)
            if not name or changed == config:
                continue
            try:
                plan = plan_of(changed)
            except (ConfigError, PlanError):
                continue
            config = changed
            made.append(name)
        return Made(config=config, plan=plan, changes=tuple(made))

    def _pick(self, values: Sequence[Any]) -> Any:
        return copy.deepcopy(self._random.choice(values))

    def _set(self, mapping: dict[str, Any], key: str, values: Sequence[Any]) -> None:
        """Set a key to one of the values, or remove it."""
        if key in mapping and self._random.random() < 0.3:
            del mapping[key]
        else:
            mapping[key] = self._pick(values)

    def _of(self, config: Config, section: str) -> tuple[str, dict[str, Any]]:
        name = self._pick(sorted(config[section]))
        return name, config[section][name]

    def _setting(self, config: Config) -> str:
        name, service = self._of(config, "services")
        key = self._pick(sorted(SETTINGS))
        self._set(service, key, SETTINGS[key])
        return f"services.{name}.{key}"

    def _service_key(self, config: Config) -> str:
        name, service = self._of(config, "services")
        keys = self.service_values(config, name)
        key = self._pick([key for key, values in keys.items() if values])
        if key == "image":
            service[key] = self._pick(keys[key])
        else:
            self._set(service, key, keys[key])
        return f"services.{name}.{key}"

    def service_values(self, config: Config, name: str) -> dict[str, Sequence[Any]]:
        """Return the keys of a service that are no setting, with values."""
        hosts, others = sorted(config["hosts"]), sorted(set(config["services"]) - {name})
        number = sorted(config["services"]).index(name)
        keys: dict[str, Sequence[Any]] = {
            "image": self._images,
            "command": [["sleep", "1"], ["sleep", "2"]],
            "container_name": [f"{name}-a", f"{name}-b"],
            "offset": [*range(1, 12)],
            "addresses": [{host: self._address(config, host)} for host in hosts],
            "hosts": [hosts, hosts[:1], hosts[-1:]],
            "ports": [
                [f"{8000 + number}:80"],
                [f"{8000 + number}:80", f"{8100 + number}:53/udp"],
                [f"127.0.0.1:{8000 + number}:80"],
                [f"{8200 + 4 * number}-{8202 + 4 * number}:80-82"],
            ],
            "published": [True, False],
            "internet": [True, False],
            "egress": ["gateway"],
            "environment": [{"MODE": "fast"}, {"MODE": "slow"}, {"MODE": "slow", "__x": "1"}],
            "rollout": [{field: self._pick(choices)} for field, choices in _ROLLOUT.items()],
            "after": [[self._pick(others)]] if others else [],
            "fabric": [True, False],
            "bridges": [
                [],
                ["web"],
                ["web", "work"],
                {"web": {"aliases": [f"{name}-api"]}, "work": None},
                {"work": {"aliases": [f"{name}-api", f"{name}-v2"]}},
            ]
            if {"web", "work"} <= set(config.get("bridges", {}))
            else [],
        }
        secrets = sorted(set(config) - set(SECTIONS))
        if secrets:
            keys["files"] = [
                {"/run/secrets/token": {"secret": secrets[0]}},
                {"/run/secrets/token": {"secret": secrets[-1], "mode": "0440", "owner": "101:101"}},
                {"/run/secrets/token": {"secret": secrets[0]}, "/run/secrets/key": {"secret": secrets[0]}},
            ]
            # Without files both are refused, and another change is drawn.
            keys["reload"] = ["HUP", "SIGUSR1", ["true"]]
            keys["files_change"] = ["restart", "replace"]
            keys["secret_environment"] = [{"TOKEN": secret} for secret in secrets] + [{"KEY": secrets[0]}]
        return keys

    def _address(self, config: Config, host: str) -> str:
        first = str(config["hosts"][host]["slice"]).partition("/")[0]
        # In the slice, or outside of all of them.
        inside = f"{first.rpartition('.')[0]}.{self._random.randrange(20, 60)}"
        return inside if self._random.random() < 0.8 else f"10.1.250.{self._random.randrange(20, 60)}"

    def _add_service(self, config: Config) -> str:
        name = self._pick(["api", "cache", "db", "mail", "queue", "shop"])
        if name in config["services"]:
            return ""
        service: dict[str, Any] = {"image": self._pick(self._images), "offset": self._random.randrange(1, 15)}
        for key in self._random.sample(sorted(SETTINGS), 3):
            service[key] = self._pick(SETTINGS[key])
        config["services"][name] = service
        return f"services.{name}"

    def _remove_service(self, config: Config) -> str:
        if len(config["services"]) < 2:
            return ""
        name, _ = self._of(config, "services")
        del config["services"][name]
        return f"services.{name}"

    def _host_key(self, config: Config) -> str:
        name, host = self._of(config, "hosts")
        keys = self.host_values(name, host)
        key = self._pick(sorted(keys))
        if key in ("slice", "parent", "address"):
            host[key] = self._pick(keys[key])
        else:
            self._set(host, key, keys[key])
        return f"hosts.{name}.{key}"

    def host_values(self, name: str, host: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
        """Return the keys of a host, with values."""
        block = host["slice"].rpartition(".")[0]
        return {
            "slice": [f"10.1.{self._random.randrange(1, 9)}.0/24", f"{block}.0/25"],
            "dynamic": ["none", f"{block}.64/27", f"{block}.96/27"],
            "shim": [True, f"{block}.62", f"{block}.63", False],
            "parent": ["ens33", "ens34", "ens33.40"],
            "address": [f"192.168.140.{self._random.randrange(200, 240)}"],
            "ssh": [f"root@{name}", f"admin@{name}:2222"],
            "host_key": [
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1sHHiCtHTQmCqNNGRIROu2MxCP5r4PUcMYmU2wvXcj",
                "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPbNWzTqxqOEvCeH3ZqHyLc1s3L2XjOz0LCgVtPLoTPr",
            ],
            "docker_socket": ["/srv/docker.sock", "/run/docker.sock"],
        }

    def _add_host(self, config: Config) -> str:
        number = self._random.randrange(1, 6)
        name = f"docker-{number}"
        if name in config["hosts"] or len(config["hosts"]) > 3:
            return ""
        config["hosts"][name] = {
            "address": f"192.168.140.{199 + number}",
            "parent": "ens33",
            "slice": f"10.1.{number}.0/24",
        }
        return f"hosts.{name}"

    def _remove_host(self, config: Config) -> str:
        if len(config["hosts"]) < 2:
            return ""
        name, _ = self._of(config, "hosts")
        del config["hosts"][name]
        return f"hosts.{name}"

    def _fabric_key(self, config: Config) -> str:
        fabric, keys = config["fabric"], self.fabric_values()
        key = self._pick(sorted(keys))
        if key in ("name", "mode", "subnet"):
            fabric[key] = self._pick(keys[key])
        else:
            self._set(fabric, key, keys[key])
        if fabric["mode"] == "l2":
            fabric.setdefault("gateway", "10.1.0.1")
        else:
            fabric.pop("gateway", None)
        return f"fabric.{key}"

    def fabric_values(self) -> dict[str, Sequence[Any]]:
        """Return the keys of the fabric, with values."""
        return {
            "name": ["ipvlanl2", "fabric-b"],
            "mode": ["l2", "l3", "l3s"],
            "subnet": ["10.1.0.0/16", "10.0.0.0/15"],
            "gateway": ["10.1.0.1", "10.1.0.2"],
            "reserved": [["10.1.200.0/24"], ["10.1.1.200", "10.1.200.0/24"]],
            "dns": [["192.0.2.1"], ["192.0.2.2"]],
            "slice_prefix": [24, 26],
            "probe_addresses": [True, False],
            "rollout": [{field: self._pick(choices)} for field, choices in _ROLLOUT.items()],
        }

    def _ssh_key(self, config: Config) -> str:
        ssh = config.setdefault("ssh", {})
        key, values = self._pick([("connect_timeout", [5, 10, 20]), ("shared_connection", [True, False])])
        self._set(ssh, key, values)
        return f"ssh.{key}"

    def _volume(self, config: Config) -> str:
        """Add a volume that services mount and that a host has anyway, change a key of it, or remove it."""
        volumes = config.setdefault("volumes", {})
        if "data" in volumes and self._random.random() < 0.1:
            del volumes["data"]
            return "volumes.data"
        volume = volumes.setdefault("data", {"hosts": sorted(config["hosts"])[:1]})
        keys = self.volume_values(config)
        key = self._pick(sorted(keys))
        if key == "hosts":
            volume[key] = self._pick(keys[key])
        else:
            self._set(volume, key, keys[key])
        return f"volumes.data.{key}"

    def volume_values(self, config: Config) -> dict[str, Sequence[Any]]:
        """Return the keys of a volume, with values."""
        hosts, secrets = sorted(config["hosts"]), sorted(set(config) - set(SECTIONS))
        memory = {"type": "tmpfs", "device": "tmpfs"}
        return {
            "name": ["shared", "shared-2"],
            "driver": ["local", "vieux/sshfs:latest"],
            "driver_opts": [memory, {**memory, "o": "size=1m"}, {"type": "none", "o": "bind", "device": "/srv"}],
            "secret_driver_opts": [{"o": secret} for secret in secrets],
            "labels": [{"team": "web"}, {"team": "ops"}],
            "hosts": [hosts, hosts[:1], hosts[-1:]],
            "external": [True, False],
            "delete": [True, False],
        }

    def _bridge(self, config: Config) -> str:
        """Connect a service to one of two bridges, with the fabric or without, or change a key of a bridge."""
        bridges = config.setdefault("bridges", {})
        for key in ("web", "work"):
            bridges.setdefault(key, {})
        if self._random.random() < 0.4:
            name, service = self._of(config, "services")
            service["bridges"] = self._pick(self.service_values(config, name)["bridges"])
            if service["bridges"] and self._random.random() < 0.3:
                service["fabric"] = False
                for key in ("offset", "addresses", "egress"):
                    service.pop(key, None)
            return f"services.{name}.bridges"
        name, bridge = self._of(config, "bridges")
        keys = self.bridge_values()
        key = self._pick(sorted(keys))
        self._set(bridge, key, keys[key])
        return f"bridges.{name}.{key}"

    def bridge_values(self) -> dict[str, Sequence[Any]]:
        """Return the keys of a bridge, with values."""
        return {
            "name": [f"shop-{self._random.randrange(1, 4)}"],
            "internal": [True, False],
            "subnet": [f"172.30.{self._random.randrange(1, 9)}.0/24"],
            "options": [{"com.docker.network.driver.mtu": "1400"}, {"com.docker.network.bridge.enable_icc": "false"}],
            "labels": [{"team": "web"}, {"team": "ops"}],
            "external": [True, False],
        }

    def _secret_value(self, config: Config) -> str:
        secrets = sorted(set(config) - set(SECTIONS))
        if not secrets or len(self._secrets) < 2:
            return ""
        name = self._random.choice(secrets)
        config[name] = self._pick(self._secrets)
        return name


def plan_of(config: Config) -> Plan:
    """Return the plan of a config."""
    return make_plan(parse({key: value for key, value in config.items() if key in SECTIONS}))


def new_secrets(before: Config, after: Config) -> set[str]:
    """Return the secrets of both whose encrypted values differ."""
    keys = set(before) & set(after) - set(SECTIONS)
    return {key for key in keys if before[key] != after[key]}
