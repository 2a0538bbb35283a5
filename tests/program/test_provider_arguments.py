"""Every argument of the docker provider's container is carried, or listed with the reason why not.

A new version of the provider that has another argument fails here.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pulumi_docker as docker
import pytest

from components.container_settings import container_args
from ipvlan.plan.make import make_plan
from ipvlan.plan.provider_arguments import NOT_CARRIED
from ipvlan.plan.validate import parse
from tests.support.setting_values import SETTINGS
from tools.reference_setup import changed

_NESTED: Final = re.compile(r"Container\w+Args")
_CLASSES: Final = {name for name in dir(docker) if _NESTED.fullmatch(name)}
ONLY_WITH_OTHERS: Final = {"cpu_period", "cpu_quota"}
"""Arguments that are listed, and appear with a value of another key."""


def arguments(kind: type[Any], before: str = "") -> Iterator[str]:
    """Yield the dotted names of a class of arguments, those of the classes inside it in the place of what holds them."""
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        if name in ("__self__", "self"):
            continue
        nested = _CLASSES & set(_NESTED.findall(str(parameter.annotation)))
        yield f"{before}{name}"
        for inner in nested:
            yield from arguments(getattr(docker, inner), f"{before}{name}.")


def given(value: object, before: str = "") -> Iterator[str]:
    """Yield the dotted names that have a value."""
    if type(value).__name__ in _CLASSES or isinstance(value, docker.ContainerArgs):
        for name in inspect.signature(type(value).__init__).parameters:
            inner = getattr(value, name, None) if name not in ("__self__", "self") else None
            if inner is not None:
                yield f"{before}{name}"
                yield from given(inner, f"{before}{name}.")
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for entry in value:
            yield from given(entry, before)


def carried(service: Mapping[str, Any]) -> set[str]:
    """Return the arguments that appear for the reference setup's nginx with these keys."""
    plan = make_plan(
        parse(
            changed({"bridges": {"backend": {}}, **{f"services.nginx.{key}": value for key, value in service.items()}})
        )
    )
    container = next(container for container in plan.containers() if container.service == "nginx")

    async def built() -> docker.ContainerArgs:
        import pulumi

        owner = pulumi.Output.from_input("owner")
        return container_args(container, network_id="id", stack="dev", owner=owner, secrets={}, volumes={})

    return set(given(asyncio.run(built())))


@pytest.fixture(scope="module")
def appearing() -> set[str]:
    """Return the arguments that appear for one of the values that the generator has for each setting."""
    services: list[dict[str, Any]] = [{}]
    for key, values in SETTINGS.items():
        more = {"memory": "64m"} if key.startswith("memory_") else {}
        services += [{**more, key: value} for value in values]
    services += [
        {"bridges": ["backend"]},
        {"command": ["nginx"], "environment": {"A": "b"}, "ports": ["127.0.0.1:80:80"]},
        {
            "healthcheck": {
                "test": ["CMD", "true"],
                **dict.fromkeys(("interval", "timeout", "start_period", "start_interval"), "1s"),
                "retries": 2,
            }
        },
        {"volumes": ["/srv:/srv:z,ro", "/data:/data:rslave"]},
        {
            "mounts": [
                {"type": "bind", "source": "/a", "target": "/a", "read_only": True, "bind": {"propagation": "rslave"}},
                {"type": "volume", "source": "b", "target": "/b", "volume": {"nocopy": True, "subpath": "c"}},
                {"type": "tmpfs", "target": "/d", "tmpfs": {"size": "8m", "mode": "1777"}},
            ]
        },
        {
            "gpus": [
                {"driver": "nvidia", "count": 1, "capabilities": ["gpu"], "options": {"a": "b"}},
                {"device_ids": ["0"]},
            ]
        },
        {"cap_add": ["SYS_TIME"], "cap_drop": ["MKNOD"]},
    ]
    return set().union(*map(carried, services))


def test_every_argument_is_carried_or_listed(appearing: set[str]) -> None:
    """No argument of the provider is dropped without a word, at any depth."""
    listed = NOT_CARRIED.keys()
    inside = tuple(f"{name}." for name in listed)
    left = {name for name in arguments(docker.ContainerArgs) if name not in listed and not name.startswith(inside)}
    assert sorted(left - appearing) == []


def test_nothing_is_listed_that_is_carried_or_unknown(appearing: set[str]) -> None:
    """A row of the table goes when its argument is carried, or when the provider has it no more."""
    assert sorted(NOT_CARRIED.keys() & appearing - ONLY_WITH_OTHERS) == []
    assert sorted(NOT_CARRIED.keys() - set(arguments(docker.ContainerArgs))) == []
    assert appearing >= ONLY_WITH_OTHERS


def test_an_argument_of_a_newer_provider_is_noticed() -> None:
    """The walk sees what is inside of arguments: some are known to be there."""
    known = set(arguments(docker.ContainerArgs))
    assert {
        "image",
        "mounts.volume_options.no_copy",
        "networks_advanced.ipv4_address",
        "healthcheck.start_interval",
    } <= known
    assert len(known) > 120
