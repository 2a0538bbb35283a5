"""The component as a program in another language gets it: the same resources as from a stack file."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from components.package_component import construct, whole_numbers
from ipvlan.problems import ConfigError
from tests.support.strict_monitor import Run

TYPE = "ipvlan-fabric:index:IpvlanFabric"


def through_the_protocol(value: Any) -> Any:
    """Return the value as Pulumi's protocol gives it to the plugin: every number is a float."""
    if isinstance(value, bool) or not isinstance(value, int | dict | list):
        return value
    if isinstance(value, int):
        return float(value)
    if isinstance(value, list):
        return [through_the_protocol(entry) for entry in value]
    return {key: through_the_protocol(entry) for key, entry in value.items()}


def inputs_of(run: Run) -> dict[str, Any]:
    """Return resource name -> its inputs, without what differs from run to run."""
    return {
        resource.name: (resource.type, json.dumps(resource.inputs, sort_keys=True))
        for resource in run.resources.values()
    }


def test_it_declares_what_the_stack_file_declares(run: Callable[..., Run], config: dict[str, Any]) -> None:
    """Every resource has the name, the type and the inputs that the project's own program gives it."""
    constructed = run({}, main=lambda: construct("fabric", TYPE, through_the_protocol(config), None))
    assert inputs_of(constructed) == inputs_of(run(config))
    assert len(constructed.resources) > 20


@pytest.mark.parametrize("as_output", [True, False])
def test_a_secret_reaches_the_container_as_a_secret(
    run: Callable[..., Run], config: dict[str, Any], as_output: bool
) -> None:
    """The input `secrets` has the values, as an output or as a mapping of outputs."""
    config["services"]["nginx"]["secret_environment"] = {"TOKEN": "web-token"}

    def main() -> None:
        secrets: Any = {"web-token": pulumi.Output.secret("hunter2")}
        if as_output:
            secrets = pulumi.Output.secret({"web-token": "hunter2"})
        construct("fabric", TYPE, {**through_the_protocol(config), "secrets": secrets}, None)

    envs = run({}, main=main).named("fabric-docker-1-nginx").inputs["envs"]
    assert envs in ({"secret": ["TOKEN=hunter2"]}, [{"secret": "TOKEN=hunter2"}])


def test_a_secret_without_a_value_is_named(config: dict[str, Any]) -> None:
    """The program gives no value for a name that a service refers to."""
    config["services"]["nginx"]["secret_environment"] = {"TOKEN": "web-token"}
    with pytest.raises(ConfigError, match="web-token"):
        construct("fabric", TYPE, {**config, "secrets": {"other": "x"}}, None)


def test_a_secret_of_a_volume_reaches_it_as_a_secret(run: Callable[..., Run], config: dict[str, Any]) -> None:
    """By the same input; a name without a value is named."""
    share = {"driver_opts": {"type": "cifs", "device": "//nas/x"}, "secret_driver_opts": {"o": "nas-login"}}
    config["volumes"] = {"share": {**share, "hosts": ["docker-1"]}}

    def main() -> None:
        secrets = {"nas-login": pulumi.Output.secret("hunter2")}
        construct("fabric", TYPE, {**through_the_protocol(config), "secrets": secrets}, None)

    made = run({}, main=main, preview=True)
    options = made.named("fabric-docker-1-volume-share").inputs["secret_driver_opts"]
    assert options in ({"secret": {"o": "hunter2"}}, {"o": {"secret": "hunter2"}})
    with pytest.raises(ConfigError, match="nas-login"):
        construct("fabric", TYPE, {**config, "secrets": {"other": "x"}}, None)


def test_all_mistakes_are_named_at_once(config: dict[str, Any]) -> None:
    """Wrong inputs end in the text that a stack file would get, with its keys."""
    config["hosts"]["docker-1"]["slice"] = "10.9.0.0/24"
    config["services"]["nginx"]["offset"] = 70000.0
    with pytest.raises(ConfigError) as raised:
        construct("fabric", TYPE, config, None)
    assert "hosts.docker-1.slice" in str(raised.value)


def test_another_component_is_refused() -> None:
    """The package has one component."""
    with pytest.raises(pulumi.RunError, match="no component ipvlan-fabric:index:Other"):
        construct("fabric", "ipvlan-fabric:index:Other", {}, None)


def test_numbers_are_whole_again() -> None:
    """A number that is whole stays one at any depth; others and texts are left alone."""
    assert whole_numbers({"offset": 7.0, "list": [1.0, "2.0", True], "half": 0.5}) == {
        "offset": 7,
        "list": [1, "2.0", True],
        "half": 0.5,
    }
