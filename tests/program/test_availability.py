"""What the program does with hosts that cannot be used, that are another machine, or are one: what it declares, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pulumi
import pytest

from ipvlan.checks.stack_state import StackState, StackStateError
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.docker_environment import REDIRECTING
from ipvlan.problems import Problem
from tests.support.live_parts import silent_docker, unreachable_host
from tests.support.states import read_state, state_of
from tests.support.strict_monitor import NOTHING_RECORDED, Run

RunProgram = Callable[..., Run]


def test_an_unreachable_host_comes_last(run: RunProgram, config: dict[str, Any]) -> None:
    """Resources of an unreachable host depend on everything that is done on the others, and on nothing else."""
    reachable = run(config)
    result = run(config, visits={"docker-1": Visit(host="docker-1", failure=unreachable_host(host="docker-1"))})
    plugin = result.named("fabric-connections").urn
    others = {
        result.named(f"fabric-docker-2-{name}").urn
        for name in (*("network", "centos", "centos-settled", "nginx", "nginx-settled", "nginx-published-bridge"),)
    }
    for name in ("fabric-docker-1-provider", "fabric-docker-1-check"):
        assert result.named(name).dependencies == {*others, plugin}
        assert reachable.named(name).dependencies == {plugin}
    address_check = result.named("fabric-addresses")
    assert address_check.inputs.pop("unreachable") == ["docker-1"]
    assert reachable.named("fabric-addresses").inputs.pop("unreachable") == []
    assert {urn: r.inputs for urn, r in result.resources.items()} == {
        urn: r.inputs for urn, r in reachable.resources.items()
    }
    assert result.exports == reachable.exports


def test_a_host_whose_docker_cannot_be_used_is_left_out(run: RunProgram, config: dict[str, Any]) -> None:
    """It is not declared; everything of the other host is, and then the run ends with the reason, without a traceback."""
    declared: list[Run] = []
    failure = silent_docker("docker-2")
    with pytest.raises(pulumi.RunError) as raised:
        run(
            config,
            visits={"docker-2": Visit(host="docker-2", boot_id="b", failure=failure)},
            registered=declared.append,
        )
    assert str(raised.value) == f"everything on the other hosts is done; these could not be used:\n1. {failure}"
    names = {resource.name for resource in declared[0].resources.values()}
    assert "fabric-docker-1-nginx-published-bridge" in names
    assert not [name for name in names if "docker-2" in name]


def test_every_host_unavailable(run: RunProgram, config: dict[str, Any]) -> None:
    """The run ends with all reasons: the host that ssh does not reach is tried, the other is not."""
    declared: list[Run] = []
    visits = {
        "docker-1": Visit(host="docker-1", failure=unreachable_host(host="docker-1")),
        "docker-2": Visit(host="docker-2", boot_id="b", failure=silent_docker("docker-2")),
    }
    with pytest.raises(pulumi.RunError, match="Docker does not answer"):
        run(config, visits=visits, registered=declared.append)
    names = {resource.name for resource in declared[0].resources.values()}
    assert "fabric-docker-1-nginx" in names
    assert "fabric-docker-2-nginx" not in names
    with pytest.raises(pulumi.RunError, match="these could not be used"):
        run(config, visits={name: Visit(host=name, boot_id=name, failure=silent_docker(name)) for name in visits})


def test_two_hosts_that_are_one_machine(run: RunProgram, config: dict[str, Any]) -> None:
    """Nothing is declared, and both are named."""
    declared: list[Run] = []
    visits = {name: Visit(host=name, boot_id="1f", engine_id="e") for name in ("docker-1", "docker-2")}
    with pytest.raises(pulumi.RunError, match=r'IPF761 hosts "docker-1" and "docker-2"\n.*one machine.*one Docker'):
        run(config, visits=visits, registered=declared.append)
    assert [resource.type for resource in declared[0].resources.values()] == []


def test_another_machine_is_left_out(run: RunProgram, config: dict[str, Any]) -> None:
    """A host whose Engine is not the one in the state is not declared, and the run ends with both ids and the fix."""
    visits = {name: Visit(host=name, boot_id=name, engine_id=f"engine-of-{name}") for name in ("docker-1", "docker-2")}
    declared: list[Run] = []
    with pytest.raises(
        pulumi.RunError, match=r"engine old, and engine-of-docker-2 answers(.|\n)*ipvlan forget docker-2"
    ):
        run(
            config,
            visits=visits,
            recorded=lambda _stack: read_state(state_of({}, {}, engines={"docker-2": "old"})),
            registered=declared.append,
        )
    names = {resource.name for resource in declared[0].resources.values()}
    assert "fabric-docker-1-nginx" in names
    assert "fabric-docker-2-nginx" not in names
    same = read_state(state_of({}, {}, engines={name: visit.engine_id for name, visit in visits.items()}))
    assert run(config, visits=visits, recorded=lambda _stack: same).named("fabric-docker-2-nginx")


def test_a_state_that_cannot_be_read(
    run: RunProgram, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The run goes on, with one warning that says what was not checked."""
    warnings: list[str] = []
    # Where no other stack is beside it.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pulumi.log.warn", warnings.append)

    def recorded(_stack: str) -> StackState:
        about = Problem(code="IPF917", key="state", value="", problem="no `pulumi`", effect="unknown", fix="install it")
        raise StackStateError([about])

    visits = {name: Visit(host=name, boot_id=name, engine_id="e") for name in ("docker-1", "docker-2")}
    assert run(config, visits=visits, recorded=recorded).named("fabric-docker-2-nginx")
    assert len(warnings) == 1
    assert "no `pulumi`" in warnings[0]
    assert warnings[0].endswith(
        "Whether each host is still the machine in the state was not checked, and all containers of a service are created one "
        "after another."
    )


def test_what_is_off_the_fabric_is_said(
    run: RunProgram, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A container of the state that does not run on the network is named once a host, and the run goes on; no other one is."""
    warnings: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pulumi.log.warn", warnings.append)
    containers = {
        (host, service): f"{service}{number}" for number, host in enumerate(("docker-1", "docker-2"), 1)
        for service in ("centos", "nginx")
    }  # fmt: skip
    state = read_state(state_of(containers, {}))
    on_network = {"docker-1": frozenset({"centos1", "theirs"}), "docker-2": None}
    visits = {name: Visit(host=name, boot_id=name, engine_id="e", on_network=ids) for name, ids in on_network.items()}
    assert run(config, visits=visits, recorded=lambda _stack: state).named("fabric-docker-1-nginx")
    (warning,) = warnings
    assert warning.startswith('IPF846 host "docker-1"')
    assert "not connected to ipvlanl2: nginx\n" in warning
    assert "heal --host docker-1" in warning
    warnings.clear()
    # A job may have ended.
    for policy in ("no", "on-failure", "on-failure:3"):
        config["services"]["nginx"]["restart"] = policy
        run(config, visits=visits, recorded=lambda _stack: state)
    assert warnings == []
    config["services"]["nginx"].pop("restart")
    everything = {
        name: Visit(host=name, boot_id=name, on_network=frozenset(containers.values())) for name in on_network
    }
    run(config, visits=everything, recorded=lambda _stack: state)
    assert warnings == []


@pytest.mark.parametrize("preview", [True, False])
@pytest.mark.parametrize("name", REDIRECTING)
def test_a_variable_that_sends_docker_elsewhere(
    run: RunProgram, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch, name: str, *, preview: bool
) -> None:
    """A preview and an `up` end before anything is declared, with the variable and the command that runs without it."""
    monkeypatch.setenv(name, "elsewhere")
    declared: list[Run] = []
    with pytest.raises(
        pulumi.RunError, match=f"IPF764 {name}\n(.|\n)*env -u {name} pulumi {'preview' if preview else 'up'}`"
    ):
        run(config, preview=preview, registered=declared.append)
    assert declared[0].resources == {}


def test_the_state_is_that_of_the_running_stack(run: Callable[..., Run], config: dict[str, Any]) -> None:
    """The state is read in a thread of its own, and the SDK knows the running stack in the main thread only."""
    asked: list[str] = []

    def recorded(stack: str) -> StackState:
        asked.append(stack)
        return NOTHING_RECORDED

    visits = {"docker-1": Visit(host="docker-1", boot_id="one", engine_id="first")}
    run(config, visits=visits, recorded=recorded, stack="prod")
    assert asked == ["prod"]
