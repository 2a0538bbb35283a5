"""A container that is not on the fabric has no address: it takes no place, and nothing of the fabric concerns it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netaddr import IPAddress

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.address_usage import slice_use
from ipvlan.plan.allocate import allocate
from ipvlan.plan.changes import compare
from ipvlan.plan.clashes import Neighbour, clashes
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.taken_elsewhere import TakenElsewhere
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tests.support.configs import raw_configs
from tools.bad_input.lan import ON_LAN
from tools.reference_setup import REMOVE, changed, image


def app() -> dict[str, Any]:
    """Return what adds `app` to the reference setup, which is not on the fabric; new each time, since it is changed further."""
    keys = {"fabric": False, "bridges": ["backend"], "ports": ["8080:80"], "published": False}
    return {"bridges.backend": {}, "services.app": {**image(), **keys}}


def off_the_fabric(**changes: Any) -> Plan:
    """Return the plan with `app`; `__` is the dot of a key path."""
    return make_plan(parse(changed({**app(), **{path.replace("__", "."): value for path, value in changes.items()}})))


def test_it_has_no_address_and_takes_no_place() -> None:
    """It is in no map of addresses, no slice counts it, and who asks for its address is told."""
    plan = off_the_fabric()
    container = plan.host("docker-1").container("app")
    assert (container.address, container.address_text) == (None, "none")
    assert list(plan.addresses) == ["centos", "nginx"]
    assert [one.service for one in plan.on_fabric()] == ["centos", "nginx", "centos", "nginx"]
    assert slice_use(plan, plan.host("docker-1")).used == 2
    with pytest.raises(RuntimeError, match="app on docker-1 is not on the fabric"):
        container.fabric_address  # noqa: B018 # the property raises


def test_its_published_ports_are_at_its_host() -> None:
    """As for others; without `published` it has no URL, and Docker gets no port."""
    published = off_the_fabric(services__app__published=True)
    assert published.urls["app"] == ["http://192.168.140.200:8080", "http://192.168.140.201:8080"]
    closed = off_the_fabric()
    assert "app" not in closed.urls
    assert closed.host("docker-1").container("app").docker_ports == ()


def test_on_a_lan_clients_find_it_at_its_host_alone() -> None:
    """There is no own address at which every port would answer; and none of the warnings of a LAN is about it."""
    changes = {path.replace(".", "__"): value for path, value in ON_LAN.items()}
    plan = off_the_fabric(**changes, services__app__published=True)
    container = plan.host("docker-1").container("app")
    assert plan.lan
    assert not plan.at_own_address(container)
    assert not container.on_lan
    assert plan.endpoints_of(container) == ("http://192.168.140.200:8080",)
    assert [str(one) for one in plan.warnings if "services.app" in one.key] == []


def test_an_unpublished_port_is_reached_over_its_bridges() -> None:
    """The warning does not speak of an address that it has not."""
    plan = make_plan(parse(changed({**app(), "services.app.published": REMOVE})))
    (warning,) = [one for one in plan.warnings if one.key == "services.app.ports"]
    assert warning.code == "IPF407"
    assert warning.effect == (
        "no client reaches them at the hosts' addresses, and only what is on a bridge of theirs does"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"fabric.dns": ["9.9.9.9"], "services.centos.internet": True},
        {"services.app.dns": ["9.9.9.9"]},
    ],
)
def test_name_servers_beyond_the_subnet_are_no_mistake(changes: dict[str, Any]) -> None:
    """What cannot leave the subnet is warned of, and it is not in the subnet."""
    plan = make_plan(parse(changed({**app(), **changes})))
    assert not [one for one in plan.warnings if one.code in ("IPF204", "IPF410")]


def test_nothing_is_allocated_for_it() -> None:
    """It gets no offset, and a host without a slice gets none for its sake where all others have addresses."""
    assert allocate(changed(app()), Checkout(Path())) == []
    explicit = {
        **app(),
        "hosts.docker-2.slice": REMOVE,
        "services.centos.hosts": ["docker-1"],
        "services.nginx.addresses": {"docker-2": "10.1.9.9"},
    }
    assert allocate(changed(explicit), Checkout(Path())) == []
    assert make_plan(parse(changed(explicit))).host("docker-2").slices == ()


def test_other_stacks_find_nothing_of_it() -> None:
    """Neither a clash nor an address that is taken comes of a container without one."""
    plan = off_the_fabric(services__centos=REMOVE, services__nginx=REMOVE)
    other = Neighbour(stack="blue", file="Pulumi.blue.yaml", plan=plan)
    config = parse(changed({}))
    assert TakenElsewhere(config, [other]).held("docker-1", [plan.host("docker-1").slices[0]]).size == 0
    assert not [one for one in clashes(make_plan(config), other) if one.code == "IPF357"]


def test_leaving_the_fabric_is_a_change_of_address_to_none() -> None:
    """The report never says None."""
    before = make_plan(parse(changed({**app(), "services.app": {**image(), "offset": 7, "bridges": ["backend"]}})))
    change = next(
        one for one in compare(before, off_the_fabric(), new_secrets=set()).containers if one.service == "app"
    )
    assert change.action == "replace"
    assert "address: 10.1.1.7 -> none" in change.reasons


@given(raw_configs(), st.data())
def test_a_service_off_the_fabric_moves_no_address(raw: dict[str, Any], data: st.DataObject) -> None:
    """All others keep theirs, and the addresses that it had are free."""
    if not raw["services"]:
        return
    before = make_plan(parse(raw))
    name = data.draw(st.sampled_from(sorted(raw["services"])))
    service = raw["services"][name]
    for key in ("offset", "addresses", "egress"):
        service.pop(key, None)
    raw["bridges"] = {"backend": {}}
    raw["services"][name] = {**service, "fabric": False, "bridges": ["backend"]}
    after = make_plan(parse(raw))
    assert after.addresses == {other: of for other, of in before.addresses.items() if other != name}
    for host, address in before.addresses.get(name, {}).items():
        assert after.address_space.is_free(IPAddress(address), host)
        assert after.host(host).container(name).address is None
    for planned in before.hosts:
        assert after.host(planned.name).network == planned.network
        assert after.host(planned.name).shim == planned.shim


@pytest.mark.parametrize(("service", "codes"), [({}, set()), ({"published": True}, {"IPF436"})])
def test_many_unpublished_ports_are_not_docker_s(service: dict[str, Any], codes: set[str]) -> None:
    """Docker gets none of them, so that nothing is slow."""
    changes = {f"services__app__{key}": value for key, value in service.items()}
    plan = off_the_fabric(services__app__ports=["20000-20999:20000-20999"], **changes)
    assert {one.code for one in plan.warnings if one.key == "services.app.ports"} == codes


@pytest.mark.parametrize(("last", "code"), [(20999, "IPF436"), (60000, "IPF437")])
def test_the_advice_for_many_ports_names_no_address_that_it_has_not(last: int, code: str) -> None:
    """Without the fabric no client reaches the container but by its published ports."""
    given_ports = {"services__app__ports": [f"20000-{last}:20000-{last}"], "services__app__published": True}
    if code == "IPF437":
        with pytest.raises(ConfigError) as caught:
            off_the_fabric(**given_ports)
        found = caught.value.problems
    else:
        found = off_the_fabric(**given_ports).warnings
    [problem] = [one for one in found if one.code == code]
    assert problem.key == "services.app.ports"
    assert problem.fix.startswith("name fewer ports, or give the service an address of the fabric")
    assert "own address" not in problem.fix
