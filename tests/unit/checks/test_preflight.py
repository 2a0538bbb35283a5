"""Each thing that stands in the way of a first `up` is found, with its host and how to fix it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from netaddr import IPAddress

from ipvlan.checks import preflight
from ipvlan.checks.preflight import Finding, check_hosts
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_facts import Facts, Listener
from ipvlan.hosts.snapshot import Binding
from ipvlan.plan.model import Plan
from tests.support.fake_hosts import WELL, facts
from tests.support.live_parts import (
    BRIDGE_NETWORK,
    STACK,
    live_container,
    live_host,
    live_network,
    seed,
    silent_docker,
    unreachable_host,
)


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Finding, ...]]:
    """Return what checks two hosts, docker-1 being changed, without asking anybody."""

    def run(
        change: Callable[[Facts], Facts | HostError] = lambda said: said, plan: Plan | None = None
    ) -> tuple[Finding, ...]:
        plan = plan or seed()
        said = {host.name: facts(host) for host in plan.hosts}
        answers = {**said, "docker-1": change(said["docker-1"])}
        monkeypatch.setattr(preflight, "on_hosts", lambda *_args, **_kwargs: answers)
        return check_hosts(plan, STACK).findings

    return run


def live(**fields: object) -> Callable[[Facts], Facts]:
    """Return what changes the snapshot in the facts."""
    return lambda said: replace(said, live=replace(said.live, **fields))  # type: ignore[arg-type]


def squatter(said: Facts) -> Facts:
    """Another container holds port 80."""
    host = seed().host("docker-1")
    other = replace(
        live_container(host.containers[0], host),
        name="other",
        endpoints={},
        bindings=frozenset({Binding(host_address="0.0.0.0", host_port=80, container_port=80, protocol="tcp")}),  # noqa: S104
    )
    return replace(said, live=replace(said.live, containers={"other": other}))


def thief(said: Facts) -> Facts:
    """Another container of the host holds a planned address."""
    host = seed().host("docker-1")
    other = replace(live_container(host.containers[0], host), name="other", labels={})
    return replace(said, live=replace(said.live, containers={"other": other}))


def test_nothing_stands_in_the_way(check: Callable[..., tuple[Finding, ...]]) -> None:
    """Hosts that can carry the plan have no finding, before the first up and after it."""
    assert check() == ()
    host = seed().host("docker-1")
    assert check(live(containers=live_host(host).containers, networks=live_host(host).networks)) == ()


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("ssh", lambda _said: unreachable_host("Permission denied"), "Permission denied"),
        ("docker", lambda _said: silent_docker(), "Docker does not answer"),
        ("kernel", live(kernel="3.10.0-1160.el7"), "older than 4.2"),
        ("kernel", lambda said: replace(said, has_ipvlan=False), "no ipvlan module"),
        ("parent", lambda said: replace(said, links={"lo": WELL, "eth0": WELL}), "it has eth0"),
        ("parent", lambda said: replace(said, links={"ens33": replace(WELL, up=False)}), "ip link set ens33 up"),
        ("parent", lambda said: replace(said, links={"ens33": replace(WELL, carrier=False)}), "no carrier"),
        ("parent", lambda said: replace(said, links={"ens33": replace(WELL, wireless=True)}), "wireless"),
        (
            "other networks",
            live(networks=(replace(live_network(seed().host("docker-1")), name="old"), BRIDGE_NETWORK)),
            "docker network rm old",
        ),
        ("other networks", lambda said: replace(said, macvlan_children=("mv0",)), "ip link del mv0"),
        ("forwarding", lambda said: replace(said, forwards=False), "ip_forward=1"),
        ("disk", lambda said: replace(said, free=5 * 1024 * 1024), "/var/lib/docker of docker-1 has 5 MiB free"),
        ("ports", squatter, "held by container other"),
        (
            "ports",
            lambda said: replace(said, listeners=(Listener(protocol="tcp", address="*", port=80, process="apache2"),)),
            "held by apache2",
        ),
        ("images", lambda said: replace(said, image_troubles={said.live.host: "no such host"}), "no such host"),
        (
            "addresses",
            lambda said: replace(said, answering={**said.answering, IPAddress("10.1.1.2"): "52:54:00:00:01:02"}),
            "10.1.1.2, planned for nginx on docker-1, is held already by 52:54:00:00:01:02",
        ),
        ("addresses", thief, "held by container other"),
    ],
)
def test_each_hindrance_is_found(
    check: Callable[..., tuple[Finding, ...]], name: str, change: Callable[[Facts], Facts | HostError], says: str
) -> None:
    """One hindrance is one finding of docker-1, and a reason for a bad exit status."""
    found = check(change)
    assert [(finding.check, finding.host, finding.severity) for finding in found] == [(name, "docker-1", "error")]
    assert says in f"{found[0].problem} {found[0].fix}"


@pytest.mark.parametrize(
    ("name", "change", "says"),
    [
        ("clock", lambda said: replace(said, clock_ahead=-300.0), "300 s behind"),
        (
            "forwarding",
            lambda said: replace(said, dropping=("nftables table inet fw: forward policy drop",)),
            "inet fw",
        ),
        ("addresses", lambda said: replace(said, not_probed="no arping"), "no arping"),
        ("addresses", lambda said: replace(said, answering={}), "nothing answers at the gateway"),
    ],
)
def test_what_is_worth_knowing_does_not_stop(
    check: Callable[..., tuple[Finding, ...]], name: str, change: Callable[[Facts], Facts], says: str
) -> None:
    """Some findings are told and change no exit status."""
    found = check(change)
    assert [(finding.check, finding.severity) for finding in found] == [(name, "info")]
    assert says in found[0].problem


def test_unlike_mtus_are_found(check: Callable[..., tuple[Finding, ...]]) -> None:
    """A host whose parent has another MTU than the others' is named."""
    found = check(
        lambda said: replace(said, live=replace(said.live, parent=replace(said.live.parent, mtu=1400))), seed(3)
    )
    assert [(finding.check, finding.host) for finding in found] == [("mtu", "docker-1")]


def test_a_vlan_of_a_nic_need_not_be_there(check: Callable[..., tuple[Finding, ...]]) -> None:
    """Docker makes ens33.40 itself when ens33 is there."""
    plan = seed()
    hosts = tuple(replace(host, parent="ens33.40") for host in plan.hosts)
    assert check(plan=replace(plan, hosts=hosts)) == ()


def test_an_old_docker_and_a_name_before_bridge(check: Callable[..., tuple[Finding, ...]]) -> None:
    """Before Docker 28 a fabric whose name sorts before `bridge` would publish nothing."""
    found = check(live(docker="26.1.5"), seed(name="apps"))
    assert [(finding.check, finding.host) for finding in found] == [("docker", "docker-1")]
    assert check(live(docker="26.1.5"), seed()) == ()
    assert check(live(docker="28.5.2"), seed(name="apps")) == ()


def test_a_docker_without_its_bridge(check: Callable[..., tuple[Finding, ...]]) -> None:
    """Where the daemon runs with `bridge: none`, what is to be published is told before anything is made."""
    found = check(lambda said: replace(said, live=replace(said.live, networks=())))
    assert [(finding.check, finding.host, finding.severity) for finding in found] == [("docker", "docker-1", "error")]
    assert check(lambda said: replace(said, live=replace(said.live, networks=())), seed(published=False)) == ()
