"""Named volumes in the program: what is registered, what containers wait for, and what ends a run before anything is declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pulumi
import pytest

from ipvlan.checks import volume_check
from ipvlan.checks.volume_check import Found, VolumesRefusedError
from ipvlan.hosts.errors import HostError, HostUnreachableError
from tests.support.states import OWNER
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]

URN = (
    "urn:pulumi:test::ipvlan-fabric::ipvlan-fabric:ipvlan_fabric:IpvlanFabric$ipvlan-fabric:host_slice:HostSlice"
    "$ipvlan-fabric:index:Volume::fabric-docker-1-volume-wiki_data"
)
CIFS = {"type": "cifs", "device": "//nas/share"}


@pytest.fixture
def volume(config: dict[str, Any]) -> dict[str, Any]:
    """Return the config of a volume that nginx mounts; both are part of `config`."""
    config["services"]["nginx"]["volumes"] = ["data:/data:ro", "plain:/plain", "/srv:/srv"]
    config["volumes"] = {"data": {"name": "wiki_data", "labels": {"team": "web"}}}
    section: dict[str, Any] = config["volumes"]["data"]
    return section


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return what each host answers to the look at its volumes, to fill: host -> names of those that are missing, or a failure."""
    given: dict[str, Any] = {}

    def on_all(connections: Any, _work: Any, **_: Any) -> Mapping[str, Any]:
        return {connection.name: given[connection.name] for connection in connections}

    monkeypatch.setattr(volume_check, "on_all", on_all)
    return given


def test_a_volume_is_registered_on_each_host(run: RunProgram, config: dict[str, Any], volume: dict[str, Any]) -> None:
    """Below the host's component, by its name in Docker, served by our plugin; the token is part of every state."""
    registered = run(config, preview=True).resources[URN]
    assert registered.inputs == {
        "host": "docker-1",
        "ssh": registered.inputs["ssh"],
        "volume": "wiki_data",
        "driver": "local",
        "driver_opts": {},
        "secret_driver_opts": {},
        "labels": {"team": "web"},
        "external": False,
        "delete": False,
        "owner": OWNER,
        "stack": "test",
        "missing": False,
    }
    assert registered.provider.endswith("::fabric-connections")
    assert any(urn.endswith("::fabric-docker-1-check") for urn in registered.dependencies)
    assert not registered.delete_before_replace
    volume["hosts"] = ["docker-1"]
    config["services"]["nginx"]["volumes"] = []
    names = {each.name for each in run(config, preview=True).resources.values()}
    assert "fabric-docker-1-volume-wiki_data" in names
    assert "fabric-docker-2-volume-wiki_data" not in names


@pytest.mark.usefixtures("volume")
def test_containers_refer_to_their_volumes(run: RunProgram, config: dict[str, Any]) -> None:
    """By Docker's name, as an output: so they come after it, and the engine deletes them before a volume that is replaced."""
    made = run(config, preview=True)
    for name, key in (("fabric-docker-1-nginx", "volumes"), ("fabric-docker-1-nginx-handover", "arguments")):
        assert URN in made.named(name).property_dependencies[key]
        assert URN in made.named(name).dependencies
    assert [
        (volume.get("volumeName"), volume.get("hostPath"), volume["containerPath"])
        for volume in made.named("fabric-docker-1-nginx").inputs["volumes"]
    ] == [("wiki_data", None, "/data"), ("plain", None, "/plain"), (None, "/srv", "/srv")]
    assert URN not in made.named("fabric-docker-1-centos").dependencies


def test_without_the_section_nothing_is_registered(run: RunProgram, config: dict[str, Any]) -> None:
    """A service that mounts a name is what it was before there was a section."""
    config["services"]["nginx"]["volumes"] = ["data:/data"]
    made = run(config)
    assert not any("Volume" in resource.type for resource in made.resources.values())
    assert made.named("fabric-docker-1-nginx").inputs["volumes"] == [{"containerPath": "/data", "volumeName": "data"}]


def test_a_secret_option_is_a_secret_to_the_engine(
    run: RunProgram, config: dict[str, Any], volume: dict[str, Any]
) -> None:
    """Its value is encrypted in the state, as an input and as an output, and the options in plaintext are readable."""
    volume |= {"driver_opts": CIFS, "secret_driver_opts": {"o": "login"}}
    registered = run(config, secrets={"login": "password=hunter2"}, preview=True).resources[URN]
    assert registered.inputs["secret_driver_opts"] == {"secret": {"o": "password=hunter2"}} or registered.inputs[
        "secret_driver_opts"
    ] == {"o": {"secret": "password=hunter2"}}
    assert registered.secret_outputs == ("secret_driver_opts",)
    assert registered.inputs["driver_opts"] == CIFS


def test_a_secret_that_is_not_set_ends_the_run(run: RunProgram, config: dict[str, Any], volume: dict[str, Any]) -> None:
    """With the key of the volume."""
    volume |= {"driver_opts": CIFS, "secret_driver_opts": {"o": "login"}}
    with pytest.raises(pulumi.RunError, match=r"IPF023 volumes\.data\.secret_driver_opts\.o"):
        run(config, preview=True)


@pytest.mark.usefixtures("volume")
def test_what_is_missing_on_a_host_is_declared_so(
    run: RunProgram, config: dict[str, Any], answers: dict[str, Any]
) -> None:
    """An `up` looks at the hosts; the resource creates the volume where the state has it."""
    answers |= {"docker-1": Found(missing=frozenset({"wiki_data"})), "docker-2": Found()}
    made = run(config)
    assert made.resources[URN].inputs["missing"] is True
    assert made.named("fabric-docker-2-volume-wiki_data").inputs["missing"] is False


@pytest.mark.usefixtures("volume")
def test_a_volume_that_cannot_be_ends_the_run_before_anything(
    run: RunProgram, config: dict[str, Any], answers: dict[str, Any]
) -> None:
    """All of them in one text, and nothing is registered: every container runs on."""
    answers |= {
        host: VolumesRefusedError.on(
            host, "IPF795", problem="volume wiki_data has another driver", effect="none", fix="none"
        )
        for host in ("docker-1", "docker-2")
    }
    registered: list[Run] = []
    with pytest.raises(pulumi.RunError) as caught:
        run(config, registered=registered.append)
    assert str(caught.value).count("volume wiki_data has another driver") == 2
    assert registered[0].resources == {}


@pytest.mark.usefixtures("volume")
def test_a_host_out_of_reach_ends_no_run(run: RunProgram, config: dict[str, Any], answers: dict[str, Any]) -> None:
    """It is worked on last, as for all that it has."""
    answers |= {
        "docker-1": HostUnreachableError.on("docker-1", "IPF711", problem="no answer", effect="none", fix="none"),
        "docker-2": Found(),
    }
    assert run(config).resources[URN].inputs["missing"] is False


@pytest.mark.usefixtures("volume")
def test_a_host_whose_docker_fails_then_is_left_out(
    run: RunProgram, config: dict[str, Any], answers: dict[str, Any]
) -> None:
    """Everything is done on the others first, as for one whose Docker failed before."""
    failure = HostError.on("docker-1", "IPF712", problem="Docker does not answer", effect="none", fix="none")
    answers |= {"docker-1": failure, "docker-2": Found()}
    registered: list[Run] = []
    with pytest.raises(pulumi.RunError, match="everything on the other hosts is done"):
        run(config, registered=registered.append)
    names = {resource.name for resource in registered[0].resources.values()}
    assert "fabric-docker-2-volume-wiki_data" in names
    assert "fabric-docker-1-volume-wiki_data" not in names


@pytest.mark.usefixtures("volume")
def test_hosts_with_a_replaced_volume_follow_each_other(
    run: RunProgram, config: dict[str, Any], answers: dict[str, Any]
) -> None:
    """Its containers are deleted first, whatever their rollout says: nothing is tried on the next host before all is up again."""
    replaced = Found(replaced=frozenset({"wiki_data"}))
    answers |= {"docker-1": replaced, "docker-2": replaced}
    provider = run(config).named("fabric-docker-2-provider")
    assert any(urn.endswith("::fabric-docker-1-nginx-settled") for urn in provider.dependencies)
    volume = run(config).named("fabric-docker-2-volume-wiki_data")
    assert any(urn.endswith("::fabric-docker-2-check") for urn in volume.dependencies)
    answers |= {"docker-1": Found(), "docker-2": Found()}
    provider = run(config).named("fabric-docker-2-provider")
    assert not any("docker-1" in urn for urn in provider.dependencies)
