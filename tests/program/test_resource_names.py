"""Resource names: the program registers what `ipvlan.plan.resource_names` says, and no name ever changes.

A name is part of a URN, by which every existing stack knows its resources.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ipvlan.plan import resource_names
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.resource_names import COMPONENT, Urns
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]

IMAGE = "000000000000"


def l3(config: dict[str, Any]) -> None:
    """Routes on every host."""
    config["fabric"] = {"name": "ipvlanl3", "mode": "l3", "subnet": "10.1.0.0/16"}


def shim(config: dict[str, Any]) -> None:
    """Add a shim to one host and nothing to the other."""
    config["hosts"]["docker-1"]["shim"] = True


def internet(config: dict[str, Any]) -> None:
    """One service on the bridge for the internet alone, the other without the bridge."""
    config["services"]["centos"]["internet"] = True
    config["services"]["nginx"]["published"] = False


def no_check_of_addresses(config: dict[str, Any]) -> None:
    """No resource that checks addresses."""
    config["fabric"]["probe_addresses"] = False


def an_image_by_tag(config: dict[str, Any]) -> None:
    """Use an image without a digest, from a registry with a port."""
    config["services"]["nginx"]["image"] = "registry.lab:5000/web/nginx:1.27"


def bridges(config: dict[str, Any]) -> None:
    """Add bridge networks, and a service that is on no other network."""
    config["bridges"] = {"backend": {}, "mon": {"external": True, "name": "mon_default"}}
    config["services"]["nginx"]["bridges"] = ["backend", "mon"]
    config["services"]["app"] = {"image": config["services"]["nginx"]["image"], "fabric": False, "bridges": ["backend"]}


def reference(_: dict[str, Any]) -> None:
    """Return the reference setup."""


def names(plan: Plan) -> Iterator[str]:
    """Yield the name of every resource that the plan needs, the stack's own left out."""
    yield COMPONENT
    yield resource_names.fabric_provider(COMPONENT)
    yield resource_names.stack_identity(COMPONENT)
    if plan.probe_addresses:
        yield resource_names.address_check(COMPONENT)
    for host in plan.hosts:
        slice_ = resource_names.host_slice(COMPONENT, host.name)
        yield slice_
        yield resource_names.docker_provider(slice_)
        yield resource_names.host_check(slice_)
        yield resource_names.network(slice_)
        yield resource_names.network_removal(slice_)
        if host.routes or host.shim:
            yield resource_names.networking(slice_)
        for image in host.images:
            yield resource_names.image(slice_, image)
        yield from (resource_names.bridge_network(slice_, bridge.name) for bridge in host.bridges)
        for container in host.containers:
            name = resource_names.container(slice_, container.service)
            if container.bridges:
                yield resource_names.bridge_endpoints(name)
            yield from (name, resource_names.handover(name), resource_names.settled(name))
            if container.bridged:
                bridge = resource_names.bridge_component(
                    COMPONENT, host.name, container.service, published=container.published
                )
                yield bridge
                yield resource_names.bridge_connection(bridge)


@pytest.mark.parametrize("change", [reference, l3, shim, internet, no_check_of_addresses, an_image_by_tag, bridges])
def test_the_program_registers_the_names(
    run: RunProgram, config: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    """Each resource of the program has the name that the one module gives it, and there is no other resource."""
    change(config)
    registered = sorted(resource.name for resource in run(config).resources.values())
    assert registered == sorted(names(make_plan(parse(config))))


def test_names_never_change(run: RunProgram, config: dict[str, Any]) -> None:
    """The names, as every existing stack's state has them; another name would delete the resource and create a new one."""
    l3(config)
    shim(config)
    config["services"]["centos"]["internet"] = True
    an_image_by_tag(config)
    result = run(config)
    assert {resource.name for resource in result.resources.values()} == {
        "fabric",
        "fabric-connections",
        "fabric-identity",
        "fabric-addresses",
        *(
            f"fabric-{host}{rest}"
            for host in ("docker-1", "docker-2")
            for rest in (
                "",
                "-provider",
                "-check",
                "-network",
                "-network-removal",
                "-networking",
                f"-image-os-{IMAGE}",
                "-image-nginx-1.27",
                "-centos",
                "-centos-handover",
                "-centos-settled",
                "-centos-internet",
                "-centos-internet-bridge",
                "-nginx",
                "-nginx-handover",
                "-nginx-settled",
                "-nginx-published",
                "-nginx-published-bridge",
            )
        ),
    }
    # The state has the names of hooks too.
    network = result.named("fabric-docker-2-network")
    assert network.on_error == ("fabric-docker-2-leftovers", "fabric-docker-2-parent-holder")
    assert result.named("fabric-docker-2-nginx").on_error == ("fabric-docker-2-previous", "fabric-docker-2-leftovers")


def registered_urns(run: RunProgram, config: dict[str, Any]) -> tuple[set[str], Urns]:
    """Return the URNs of the program's resources, and what builds them for the same stack and project."""
    urns = set(run(config).resources)
    stack, project = next(iter(urns)).removeprefix("urn:pulumi:").split("::")[:2]
    return urns, Urns(stack, project)


@pytest.mark.parametrize("change", [reference, l3, shim, internet, no_check_of_addresses, an_image_by_tag, bridges])
def test_every_resource_of_a_host_has_its_exact_urn(
    run: RunProgram, config: dict[str, Any], change: Callable[[dict[str, Any]], None]
) -> None:
    """The URNs that `ipvlan heal` gives to `pulumi up` are those of the program: all of each host, nothing twice, no pattern."""
    change(config)
    urns, built = registered_urns(run, config)
    plan = make_plan(parse(config))
    of_hosts = [urn for host in plan.hosts for urn in set(built.of_host(host))]
    assert len(of_hosts) == len(set(of_hosts))
    own = {built.of_identity(), *([built.of_address_check()] if plan.probe_addresses else [])}
    fabric = {urn for urn in urns if urn.endswith(("::fabric", "::fabric-connections"))}
    assert urns == {*of_hosts} | own | fabric
    assert not any("*" in urn for urn in of_hosts)


def test_the_urns_are_those_of_a_real_state(config: dict[str, Any]) -> None:
    """URNs that the engine wrote into the state of the lab's stack; our own resources had another type then."""
    built = Urns("dev", "ipvlan-fabric")
    plan = make_plan(parse(config))
    fabric = "urn:pulumi:dev::ipvlan-fabric::ipvlan-fabric:ipvlan_fabric:IpvlanFabric"
    host = f"{fabric}$ipvlan-fabric:host_slice:HostSlice"
    assert built.of_network("docker-1") == f"{host}$docker:index/network:Network::fabric-docker-1-network"
    assert f"{host}::fabric-docker-1" in built.of_host(plan.host("docker-1"))
    assert f"{host}$docker:index/container:Container::fabric-docker-1-centos" in built.of_container(
        plan.host("docker-1").container("centos")
    )
    assert (
        f"{fabric}$ipvlan-fabric:published_service:PublishedService::fabric-docker-1-nginx-published"
        in built.of_container(plan.host("docker-1").container("nginx"))
    )


def test_names_that_continue_one_another(run: RunProgram, config: dict[str, Any]) -> None:
    """S8: what host `docker` has is nothing of host `docker-1`, and service `nginx` is not `nginx-2`."""
    config["hosts"]["docker"] = config["hosts"].pop("docker-2")
    config["services"]["nginx-2"] = {**config["services"]["nginx"], "offset": 9, "published": False, "ports": []}
    urns, built = registered_urns(run, config)
    plan = make_plan(parse(config))
    of_docker, of_docker_1 = (set(built.of_host(plan.host(name))) for name in ("docker", "docker-1"))
    assert of_docker | of_docker_1 < urns
    assert not of_docker & of_docker_1
    docker = plan.host("docker")
    nginx, other = (set(built.of_container(docker.container(service))) for service in ("nginx", "nginx-2"))
    assert nginx | other < of_docker
    assert {urn.rpartition("::")[2] for urn in nginx & other} == {f"fabric-docker-image-nginx-{IMAGE}"}


def urns(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield type and name of every resource of the plan that shares its type with another: what Pulumi knows it by."""
    for host in plan.hosts:
        slice_ = resource_names.host_slice(COMPONENT, host.name)
        yield "slice", slice_
        yield "provider", resource_names.docker_provider(slice_)
        yield "check", resource_names.host_check(slice_)
        yield "network", resource_names.network(slice_)
        yield "networking", resource_names.networking(slice_)
        for image in host.images:
            yield "image", resource_names.image(slice_, image)
        for container in host.containers:
            name = resource_names.container(slice_, container.service)
            yield "container", name
            yield "handover", resource_names.handover(name)
            yield "settled", resource_names.settled(name)
            if container.bridged:
                bridge = resource_names.bridge_component(
                    COMPONENT, host.name, container.service, published=container.published
                )
                yield "bridge component", bridge
                yield "bridge connection", resource_names.bridge_connection(bridge)


WORDS = ("web", "eu", "db", "image", "network", "networking", "published", "internet", "bridge", "provider", "check")
NAMES = st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map("-".join)
IMAGES = st.builds(
    lambda registry, name, digest: f"{registry}{name}{digest}",
    st.sampled_from(("", "alice/", "bob/", "registry.lab:5000/")),
    st.sampled_from(("app", "app:1", "app-1", "image-app", "web")),
    st.sampled_from(("", f"@sha256:{'1' * 64}", f"@sha256:{'2' * 64}")),
)


@given(
    hosts=st.lists(NAMES, min_size=1, max_size=3, unique=True),
    services=st.dictionaries(NAMES, st.tuples(IMAGES, st.booleans(), st.booleans()), max_size=5),
)
@example(hosts=["web", "web-eu"], services={"eu-db": ("app", True, False), "db": ("app", True, False)})
@example(hosts=["web"], services={"db": ("alice/app:1", False, False), "eu": ("bob/app:1", False, False)})
def test_a_plan_has_no_two_resources_of_one_urn(hosts: list[str], services: dict[str, tuple[str, bool, bool]]) -> None:
    """Whatever hosts and services are called and run: what would collide is refused, and nothing else is."""
    config = {
        "fabric": {"name": "ipvlanl2", "mode": "l2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
        "hosts": {
            host: {"address": f"192.168.140.{200 + number}", "parent": "ens33", "slice": f"10.1.{number + 1}.0/24"}
            for number, host in enumerate(hosts)
        },
        "services": {
            service: {
                "image": image,
                "offset": 1 + number,
                "ports": [f"{8000 + number}:80"],
                "published": published,
                "internet": internet,
            }
            for number, (service, (image, published, internet)) in enumerate(services.items())
        },
    }
    colliding = {
        name
        for name, count in Counter(
            [
                resource_names.container(resource_names.host_slice(COMPONENT, host), one)
                for host in hosts
                for one in services
            ]
        ).items()
        if count > 1
    }
    try:
        plan = make_plan(parse(config))
    except ConfigError as error:
        codes = {problem.code for problem in error.problems}
        assert codes <= {"IPF420", "IPF421"}
        assert ("IPF420" in codes) == bool(colliding)
        return
    names_of_plan = list(urns(plan))
    assert len(names_of_plan) == len(set(names_of_plan))


def test_labels_never_change() -> None:
    """The labels by which a stack knows what it created on a host."""
    assert resource_names.STACK_LABEL == "ipvlan-fabric.stack"
    assert resource_names.PORTS_LABEL == "ipvlan-fabric.ports"
    assert resource_names.HELPER_LABEL == "ipvlan-fabric.helper"
    assert resource_names.PREVIOUS_LABEL == "ipvlan-fabric.previous"


def test_suffixes_never_change() -> None:
    """What a change leaves on a host is found by its name, by every later version."""
    assert resource_names.PREVIOUS_SUFFIX == ".ipvlan-previous"
    assert resource_names.FAILED_SUFFIX == ".ipvlan-failed"
    assert resource_names.REHEARSAL_SUFFIX == ".ipvlan-rehearsal"
