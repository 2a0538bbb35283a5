"""What waits for what in an `up`: the chain of hosts, the services that come before, images, and hosts that are unavailable."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pulumi
import pytest

from ipvlan.checks.stack_state import StackState, StackStateError
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import RESTORED_ON_NETWORK, HostError
from ipvlan.problems import Problem
from tests.support.live_parts import unreachable_host
from tests.support.states import OWNER, handover, read_state, settled, state_of
from tests.support.strict_monitor import Run
from tools.reference_setup import reference_config

RunProgram = Callable[..., Run]

HOSTS = ("docker-1", "docker-2", "docker-3")
IMAGE = "image-nginx-000000000000"


@pytest.fixture
def config() -> dict[str, Any]:
    """Return the reference setup with three hosts."""
    return reference_config(3)


def having(*services: str, hosts: Iterable[str] = HOSTS) -> Callable[[str], StackState]:
    """Return a state that has the containers of these services on these hosts."""
    state = read_state(state_of({(host, service): f"{host}-{service}" for host in hosts for service in services}, {}))
    return lambda _stack: state


def waits_for(run: Run, name: str) -> set[str]:
    """Return the names of what the resource depends on, directly or by way of others."""
    names = {urn: resource.name for urn, resource in run.resources.items()}
    waiting, seen = [run.named(name).urn], set[str]()
    while waiting:
        resource = run.resources[waiting.pop()]
        for urn in resource.dependencies - seen:
            seen.add(urn)
            waiting.append(urn)
    return {names[urn] for urn in seen}


def settled_before(run: Run, host: str, service: str = "nginx") -> set[str]:
    """Return the containers that must be up before this one is touched: `docker-1-nginx`."""
    before = waits_for(run, f"fabric-{host}-{service}-handover")
    return {name.removeprefix("fabric-").removesuffix("-settled") for name in before if name.endswith("-settled")}


def test_the_resources_of_a_container_are_in_this_order(run: RunProgram, config: dict[str, Any]) -> None:
    """Its image, its Handover, the container, its bridge connection, and the proof that it is up; each waits for those before."""
    result = run(config)
    order = [
        f"fabric-docker-1-{name}"
        for name in (IMAGE, "nginx-handover", "nginx", "nginx-published-bridge", "nginx-settled")
    ]
    for position, name in enumerate(order):
        assert waits_for(result, name).issuperset(order[:position]), name
    # A network that is replaced replaces the container with it.
    assert "fabric-docker-1-network" in waits_for(result, "fabric-docker-1-nginx-handover")
    for name in (order[1], order[4]):
        resource = result.named(name)
        assert resource.parent == result.named("fabric-docker-1").urn
        assert resource.provider == result.named("fabric-connections").urn


@pytest.mark.parametrize(
    ("at_once", "expected"),
    [
        (1, [set(), {"docker-1-nginx"}, {"docker-1-nginx", "docker-2-nginx"}]),
        (2, [set(), set(), {"docker-1-nginx"}]),
        ("all", [set(), set(), set()]),
    ],
)
def test_existing_containers_follow_each_other(
    run: RunProgram, config: dict[str, Any], at_once: int | str, expected: list[set[str]]
) -> None:
    """Never more than `at_once` are replaced at a time; services without a word about each other do not wait for one another."""
    config["services"]["nginx"]["rollout"] = {"at_once": at_once}
    result = run(config, recorded=having("nginx", "centos"))
    assert [settled_before(result, host) for host in HOSTS] == expected
    assert [settled_before(result, host, "centos") for host in HOSTS] == [
        set(),
        {"docker-1-centos"},
        {"docker-1-centos", "docker-2-centos"},
    ]


def test_one_at_a_time_is_the_default(run: RunProgram, config: dict[str, Any]) -> None:
    """Without a `rollout` a changed service is replaced host by host."""
    result = run(config, recorded=having("nginx"))
    assert settled_before(result, "docker-3") == {"docker-1-nginx", "docker-2-nginx"}


def test_a_first_creation_is_parallel(run: RunProgram, config: dict[str, Any]) -> None:
    """Nothing of it runs, so nothing can be taken down: no container waits for another host."""
    result = run(config)
    for host in HOSTS:
        before = waits_for(result, f"fabric-{host}-nginx-handover")
        assert not {name for name in before if any(other in name for other in HOSTS if other != host)}
        assert result.named(f"fabric-{host}-nginx-handover").inputs["existing"] is False


def test_a_new_host_has_no_place_in_the_chain(run: RunProgram, config: dict[str, Any]) -> None:
    """The container that the state has not is created at once, and those that it has follow each other."""
    result = run(config, recorded=having("nginx", hosts=("docker-1", "docker-3")))
    assert [settled_before(result, host) for host in HOSTS] == [set(), set(), {"docker-1-nginx"}]
    assert [result.named(f"fabric-{host}-nginx-handover").inputs["existing"] for host in HOSTS] == [True, False, True]


def test_a_preview_and_an_unreadable_state_take_all_for_existing(run: RunProgram, config: dict[str, Any]) -> None:
    """Where it is not known which containers run, they follow each other, and each is prepared as one of the state."""

    def unreadable(_stack: str) -> StackState:
        raise StackStateError([Problem(code="IPF917", key="state", value="", problem="no", effect="", fix="")])

    for result in (run(config, preview=True, recorded=having("nginx")), run(config, recorded=unreadable)):
        assert {"docker-1-nginx", "docker-2-nginx"} <= settled_before(result, "docker-3")
        assert all(result.named(f"fabric-{host}-nginx-handover").inputs["existing"] for host in HOSTS)


@pytest.mark.parametrize("count", [3, 8])
def test_dependencies_grow_as_the_containers_do(run: RunProgram, count: int) -> None:
    """Only the first container of a service names the images of all hosts; the others wait for it."""
    result = run(reference_config(count), preview=True)
    handovers = [each for each in result.resources.values() if each.name.endswith("-handover")]
    assert len(handovers) == 2 * count
    images = [sum("-image-" in urn for urn in each.dependencies) for each in handovers]
    assert sorted(images)[-2:] == [count, count]
    assert sum(images) <= 2 * (2 * count)


@pytest.mark.parametrize("services", [(), ("nginx", "centos")])
def test_a_service_comes_after_all_of_another(
    run: RunProgram, config: dict[str, Any], services: tuple[str, ...]
) -> None:
    """On every host, in a first creation and in a replacement: it is touched when the other is up everywhere."""
    config["services"]["centos"]["after"] = ["nginx"]
    result = run(config, recorded=having(*services))
    nginx = {f"{host}-nginx" for host in HOSTS}
    for host in HOSTS:
        assert nginx <= settled_before(result, host, "centos")
        assert not {name for name in settled_before(result, host) if name.endswith("-centos")}


def test_a_container_is_replaced_when_its_image_is_on_all_hosts(run: RunProgram, config: dict[str, Any]) -> None:
    """A registry that goes away half-way stops the `up` before anything is replaced; a first creation waits for its own image."""
    images = {f"fabric-{host}-{IMAGE}" for host in HOSTS}
    replaced = run(config, recorded=having("nginx"))
    created = run(config)
    for host in HOSTS:
        name = f"fabric-{host}-nginx-handover"
        assert images <= waits_for(replaced, name)
        assert images & waits_for(created, name) == {f"fabric-{host}-{IMAGE}"}


def test_an_unreachable_host_is_the_last_of_the_chain(run: RunProgram, config: dict[str, Any]) -> None:
    """No other host waits for it, not for its image either; it waits for all others, first by name or not."""
    visits = {"docker-1": Visit(host="docker-1", failure=unreachable_host(host="docker-1"))}
    result = run(config, visits=visits, recorded=having("nginx", "centos"))
    for host in ("docker-2", "docker-3"):
        assert not {name for name in waits_for(result, f"fabric-{host}-nginx-settled") if "docker-1" in name}
    assert settled_before(result, "docker-3") == {"docker-2-nginx"}
    assert {"docker-2-nginx", "docker-3-nginx"} <= settled_before(result, "docker-1")


def test_no_service_waits_for_an_unreachable_host(run: RunProgram, config: dict[str, Any]) -> None:
    """One that comes after another does not either: the other hosts are done without it."""
    config["services"]["centos"]["after"] = ["nginx"]
    visits = {"docker-1": Visit(host="docker-1", failure=unreachable_host(host="docker-1"))}
    result = run(config, visits=visits, recorded=having("nginx", "centos"))
    assert settled_before(result, "docker-2", "centos") == {"docker-2-nginx", "docker-3-nginx"}


def test_hosts_with_another_network_follow_each_other(
    run: RunProgram, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine deletes all containers of a network that it replaces: it is done on one host at a time."""
    # The hosts of the reference setup would be asked.
    monkeypatch.setattr("components.program_inputs.require_no_restored", lambda *_: None)
    networks = {host: f"network-of-{host}" for host in HOSTS}
    state = read_state(state_of({(host, "nginx"): f"{host}-nginx" for host in HOSTS}, networks))
    result = run(config, recorded=lambda _stack: state)
    assert "fabric-docker-1-nginx-settled" in waits_for(result, "fabric-docker-2-network")
    assert "fabric-docker-2-nginx-settled" in waits_for(result, "fabric-docker-3-network")
    assert not {name for name in waits_for(result, "fabric-docker-1-network") if "docker-2" in name}


def test_a_network_is_not_replaced_under_a_previous_container(
    run: RunProgram, config: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Docker would delete every other container of the host first: the hosts with another network are asked, and only those."""
    asked: list[list[str]] = []

    def refuse(connections: list[HostConnection], owner: str) -> None:
        asked.append([connection.name for connection in connections])
        assert owner == OWNER
        if connections:
            raise HostError.on("docker-1", RESTORED_ON_NETWORK, problem="web runs", effect="", fix="")

    monkeypatch.setattr("components.program_inputs.require_no_restored", refuse)
    same = read_state(state_of({(host, "nginx"): f"{host}-nginx" for host in HOSTS}, {}))
    run(config, recorded=lambda _stack: same)
    other = read_state(state_of({(host, "nginx"): f"{host}-nginx" for host in HOSTS}, {"docker-1": "n"}))
    declared: list[Run] = []
    with pytest.raises(pulumi.RunError, match=RESTORED_ON_NETWORK):
        run(config, recorded=lambda _stack: other, registered=declared.append)
    assert asked == [[], ["docker-1"]]
    assert not [one for one in declared[0].resources.values() if "docker" in one.name]


def proven_state(*, proven: bool, prepared: bool) -> StackState:
    """Return a state that has nginx on all hosts, with the proof that it was up and with what prepares it, or without."""
    more = [one(host, "nginx") for one, wanted in ((settled, proven), (handover, prepared)) if wanted for host in HOSTS]
    return read_state(state_of({(host, "nginx"): f"{host}-nginx" for host in HOSTS}, {}, more=more))


@pytest.mark.parametrize(
    ("proven", "on_failure", "again"),
    [(False, "restore", True), (True, "restore", False), (False, "leave", True), (True, "leave", True)],
)
def test_one_that_did_not_start_is_created_again_where_nothing_runs(
    run: RunProgram, config: dict[str, Any], proven: bool, on_failure: str, again: bool
) -> None:
    """Where the previous one runs again in its place, the same file must not interrupt that one."""
    config["services"]["nginx"]["rollout"] = {"on_failure": on_failure}
    result = run(config, recorded=lambda _stack: proven_state(proven=proven, prepared=True))
    for host in HOSTS:
        assert ("#initerror" in result.named(f"fabric-{host}-nginx").replace_on_changes) is again
        assert "#initerror" in result.named(f"fabric-{host}-centos").replace_on_changes


@pytest.mark.parametrize("prepared", [True, False])
def test_only_what_an_earlier_version_declared_is_taken_as_it_is(
    run: RunProgram, config: dict[str, Any], prepared: bool
) -> None:
    """One that this version created and that did not come up has to come up in the next run."""
    result = run(config, recorded=lambda _stack: proven_state(proven=False, prepared=prepared))
    recorded = [result.named(f"fabric-{host}-nginx-settled").inputs["recorded_id"] for host in HOSTS]
    assert recorded == (["", "", ""] if prepared else [f"{host}-nginx" for host in HOSTS])
    assert result.named("fabric-docker-1-centos-settled").inputs["recorded_id"] == ""


@pytest.mark.parametrize(("configured", "seconds"), [(45, 45), (1, 1), (None, 10)])
def test_a_handover_has_the_time_to_stop(
    run: RunProgram, config: dict[str, Any], configured: int | None, seconds: int
) -> None:
    """What ends an interrupted run waits so long."""
    if configured is not None:
        config["services"]["nginx"]["stop_timeout"] = configured
    assert run(config).named("fabric-docker-1-nginx-handover").inputs["stop_seconds"] == seconds


def test_the_inputs_of_a_handover(run: RunProgram, config: dict[str, Any]) -> None:
    """It has all arguments of its container as the docker provider gets them, how to reach the host, and the rollout."""
    config["services"]["nginx"]["rollout"] = {"healthy_within": "90s", "on_failure": "leave"}
    result = run(config, recorded=having("nginx"))
    container = result.named("fabric-docker-2-nginx")
    handover = result.named("fabric-docker-2-nginx-handover")
    inputs = dict(handover.inputs)
    assert inputs.pop("ssh")[-1] == "192.168.140.201"
    assert "StrictHostKeyChecking=yes" in inputs.pop("ssh_options")
    assert inputs == {
        "host": "docker-2",
        "service": "nginx",
        "container": "nginx",
        "owner": f"{OWNER}/docker-2/nginx",
        "healthy_within": 90,
        "on_failure": "leave",
        "docker_url": "ssh://root@192.168.140.201",
        "arguments": container.inputs,
        "trigger": container.replacement_trigger,
        "replacement": container.replacement_trigger,
        "existing": True,
        "stop_seconds": 10,
        "bridged": True,
    }
    assert handover.secret_outputs == ("arguments",)


def test_the_inputs_of_a_settled(run: RunProgram, config: dict[str, Any]) -> None:
    """It has the container's id, the ports of one that is published, and the names of secret variables, never a value."""
    config["services"]["nginx"]["secret_environment"] = {"TOKEN": "api-token"}
    result = run(config, secrets={"api-token": "hunter2"})
    settled = result.named("fabric-docker-1-nginx-settled")
    inputs = dict(settled.inputs)
    assert inputs.pop("ssh")[-1] == "192.168.140.200"
    assert inputs == {
        "host": "docker-1",
        "service": "nginx",
        "container": "nginx",
        "owner": f"{OWNER}/docker-1/nginx",
        "healthy_within": 60,
        "on_failure": "restore",
        "container_id": "fabric-docker-1-nginx-id",
        "recorded_id": "",
        "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80}],
        "secret_names": ["TOKEN"],
    }
    assert result.named("fabric-docker-1-centos-settled").inputs["ports"] == []


def test_a_secret_is_one_in_the_handover_too(run: RunProgram, config: dict[str, Any]) -> None:
    """It reaches the plugin as a secret, and what the plugin answers is one as a whole."""
    config["services"]["nginx"]["secret_environment"] = {"TOKEN": "api-token"}
    handover = run(config, secrets={"api-token": "hunter2"}).named("fabric-docker-1-nginx-handover")
    arguments = handover.inputs["arguments"]
    inner = arguments.get("secret", arguments)
    assert "secret" in arguments or inner["envs"] in ({"secret": ["TOKEN=hunter2"]}, [{"secret": "TOKEN=hunter2"}])
    assert handover.secret_outputs == ("arguments",)
