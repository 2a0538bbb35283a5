"""What holds for every valid config."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.allocate import allocate, filled
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tests.support.config_of_plan import as_config
from tests.support.configs import raw_configs


def plan_of(raw: dict[str, Any]) -> Plan:
    """Return the plan of plain mappings."""
    return make_plan(parse(raw))


def refusals(raw: dict[str, Any]) -> tuple[Problem, ...]:
    """Return why the config is refused; nothing if it is planned."""
    try:
        plan_of(raw)
    except ConfigError as error:
        return error.problems
    return ()


@given(raw_configs())
def test_no_two_containers_share_an_address(raw: dict[str, Any]) -> None:
    """Every container of the fabric has an address of its own, which is not the gateway's."""
    plan = plan_of(raw)
    addresses = [container.address for container in plan.on_fabric()]
    assert len(addresses) == len(set(addresses))
    assert {host.network.gateway for host in plan.hosts}.isdisjoint(addresses)


@given(raw_configs())
def test_every_address_is_usable(raw: dict[str, Any]) -> None:
    """Every address lies in its host's slice, is neither its first nor its last, and is not reserved."""
    plan = plan_of(raw)
    for host in plan.hosts:
        for container in host.on_fabric:
            [block] = host.slices
            assert block.first < int(container.fabric_address) < block.last
            assert not any(container.fabric_address in entry for entry in plan.reserved)


@given(raw_configs())
def test_dynamic_range_and_statics_never_meet(raw: dict[str, Any]) -> None:
    """No container has an address that the plan lets Docker assign; with `none` Docker has nothing to assign."""
    plan = plan_of(raw)
    for host in plan.hosts:
        dynamic = raw["hosts"][host.name].get("dynamic")
        statics = {int(container.fabric_address) for container in host.on_fabric}
        if dynamic is None:
            assert host.dynamic is None
            assert (host.network.ip_range,) == host.slices
            continue
        free = set(range(host.network.ip_range.first, host.network.ip_range.last + 1))
        free -= {int(address) for address in host.network.auxiliary.values()}
        if host.network.gateway is not None:
            free.discard(int(host.network.gateway))
        assert not free & statics
        assert host.static_only == (dynamic == "none")
        if host.static_only:
            assert free == set()
        else:
            assert free | {int(host.network.gateway or 0)} >= set(range(*_bounds(dynamic)))


def _bounds(network: str) -> tuple[int, int]:
    return IPNetwork(network).first, IPNetwork(network).last + 1


@given(raw_configs(), st.randoms())
def test_order_of_keys_means_nothing(raw: dict[str, Any], random: Any) -> None:
    """The same config with its keys in another order gives the same plan."""

    def shuffled(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        keys = list(value)
        random.shuffle(keys)
        return {key: shuffled(value[key]) for key in keys}

    assert plan_of(shuffled(raw)) == plan_of(raw)


@given(raw_configs(), st.integers(min_value=0, max_value=2), st.integers(min_value=0, max_value=2))
def test_adding_moves_nothing(raw: dict[str, Any], hosts: int, services: int) -> None:
    """Hosts and services that are added, and filled in by allocate, leave every existing address as it was."""
    before = make_plan(parse(raw))
    more = copy.deepcopy(raw)
    more["fabric"]["slice_prefix"] = IPNetwork(str(before.hosts[0].slices[0])).prefixlen
    for number in range(hosts):
        more["hosts"][f"new-host-{number}"] = {"address": f"198.51.100.{1 + number}", "parent": "ens33"}
    for number in range(services):
        more["services"][f"new-service-{number}"] = {"image": "registry/new@sha256:" + "0" * 64}
    after = plan_of(filled(more, allocate(more, Checkout(Path()))))
    assert len(after.hosts) == len(before.hosts) + hosts
    for service, addresses in before.addresses.items():
        for host, address in addresses.items():
            assert after.addresses[service][host] == address
    assert len(after.addresses) == len(before.addresses) + services


@given(raw_configs())
def test_plan_to_config_to_plan_is_stable(raw: dict[str, Any]) -> None:
    """A plan written back as config gives the same plan again, also through JSON."""
    plan = plan_of(raw)
    again = plan_of(json.loads(json.dumps(as_config(plan))))
    # What the config warned of (ports that are not published) is explicit now.
    assert replace(again, warnings=()) == replace(plan, warnings=())


@given(raw_configs())
def test_routes_reach_every_other_slice(raw: dict[str, Any]) -> None:
    """In l3 and l3s each host has one route to every other host's slice by that host's address; in l2 none."""
    plan = plan_of(raw)
    for host in plan.hosts:
        expected = {(o.slices[0], o.address) for o in plan.hosts if o.name != host.name} if plan.mode != "l2" else set()
        assert {(route.destination, route.via) for route in host.routes} == expected


@given(raw_configs(), st.data())
def test_a_clash_is_never_planned(raw: dict[str, Any], data: st.DataObject) -> None:
    """If a container gets the address of another one, the config is refused."""
    pairs = [(c.service, c.host, c.fabric_address) for c in plan_of(raw).on_fabric()]
    assume(len(pairs) > 1)
    (service, host, _), (_, _, address) = data.draw(
        st.tuples(st.sampled_from(pairs), st.sampled_from(pairs)).filter(lambda two: two[0] != two[1])
    )
    raw["services"][service].setdefault("addresses", {})[host] = str(IPAddress(address))
    assert any("have one address" in problem.problem for problem in refusals(raw))


# Cheap, and of a wide space.
@settings(max_examples=3 * settings().max_examples)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just({"secure": "x"}),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    st.sampled_from(
        [
            "fabric",
            "fabric.subnet",
            "fabric.reserved",
            "hosts",
            "hosts.a1",
            "hosts.a1.slice",
            "hosts.a1.dynamic",
            "services",
            "services.web",
            "services.web.ports",
            "services.web.offset",
            "services.web.addresses",
            "services.web.healthcheck",
            "services.web.memory",
            "services.web.environment",
            "ssh",
        ]
    ),
)
def test_nonsense_is_an_error_or_a_plan(value: Any, where: str) -> None:
    """Whatever is at a key, the config is planned or refused with a message; no other exception is raised."""
    raw: dict[str, Any] = {
        "fabric": {"name": "net", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
        "hosts": {"a1": {"address": "192.0.2.1", "parent": "eth0", "slice": "10.1.1.0/24"}},
        "services": {"web": {"image": "registry/web:1", "offset": 1}},
    }
    *parents, last = where.split(".")
    place = raw
    for part in parents:
        place = place[part]
    place[last] = value
    assert all(problem.problem and problem.fix for problem in refusals(raw))
