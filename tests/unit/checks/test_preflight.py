"""Each thing that prevents a first `up` is found, with its host, how to fix it, and whether it stops the `up`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest
from netaddr import IPAddress

from ipvlan.checks import preflight
from ipvlan.checks.host_findings import Finding, host_findings, requirements_of
from ipvlan.checks.preflight import NEEDS_DOCKER, HostReport, check_hosts
from ipvlan.hosts.docker_facts import DockerFacts
from ipvlan.hosts.errors import UNREADABLE, HostError
from ipvlan.hosts.forward_chains import DroppingChain, ForwardRules
from ipvlan.hosts.host_facts import Link, Listener
from ipvlan.hosts.snapshot import Binding, HostSnapshot
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL, PREVIOUS_SUFFIX
from ipvlan.plan.validate import parse
from tests.support.fake_hosts import WELL, host_facts, host_report
from tests.support.live_parts import (
    BRIDGE_NETWORK,
    live_container,
    live_host,
    live_network,
    owned_by_plan,
    reference_plan,
    silent_docker,
    unreachable_host,
)
from tests.support.states import OWNER
from tools.reference_setup import reference_config

Change = Callable[[HostReport], HostReport | HostError]
Run = Callable[..., tuple[Finding, ...]]

CUT = ForwardRules(dropping=(DroppingChain(program="iptables", accepts=False),))
MAY = ForwardRules(dropping=(DroppingChain(program="nft", table="inet fw", chain="forward", accepts=True),))

UNREADABLE_HOST = HostError.on("docker-1", UNREADABLE, problem="it printed nothing", effect="unknown", fix="look at it")


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what checks the hosts, docker-1 with a change, without asking anybody."""

    def run(
        change: Change = lambda report: report, plan: Plan | None = None, engines: Mapping[str, str] | None = None
    ) -> tuple[Finding, ...]:
        plan = plan or reference_plan()
        reports: dict[str, HostReport | HostError] = {host.name: host_report(host) for host in plan.hosts}
        reports["docker-1"] = change(host_report(plan.host("docker-1")))
        monkeypatch.setattr(preflight, "on_hosts", lambda *_args, **_kwargs: reports)
        return check_hosts(plan, lambda: replace(owned_by_plan(plan), engines=engines or {})).findings

    return run


def facts(**fields: object) -> Change:
    """Return a change of the host's own facts."""
    return lambda report: replace(report, facts=replace(report.facts, **fields))  # type: ignore[arg-type]


def docker(**fields: object) -> Change:
    """Return a change of what Docker and the LAN show."""

    def change(report: HostReport) -> HostReport:
        assert isinstance(report.docker, DockerFacts)
        return replace(report, docker=replace(report.docker, **fields))  # type: ignore[arg-type]

    return change


def snapshot(**fields: object) -> Change:
    """Return a change of the snapshot."""
    live: HostSnapshot = replace(
        live_host(reference_plan().host("docker-1")), containers={}, networks=(BRIDGE_NETWORK,)
    )
    return docker(snapshot=replace(live, **fields))  # type: ignore[arg-type]


def port_80_taken() -> Change:
    """Another container of the host holds port 80."""
    host = reference_plan().host("docker-1")
    other = replace(
        live_container(host.containers[0], host),
        name="other",
        endpoints={},
        bindings=frozenset({Binding(host_address="0.0.0.0", host_port=80, container_port=80, protocol="tcp")}),  # noqa: S104
    )
    return snapshot(containers={"other": other})


def address_taken() -> Change:
    """Another container of the host holds a planned address."""
    host = reference_plan().host("docker-1")
    other = replace(live_container(host.containers[0], host), name="other", labels={})
    return snapshot(containers={"other": other})


def test_hosts_that_can_carry_the_plan(check: Run) -> None:
    """They have no finding, before the first `up` and after it."""
    assert check() == ()
    host = reference_plan().host("docker-1")
    assert check(snapshot(containers=live_host(host).containers, networks=live_host(host).networks)) == ()


@pytest.mark.parametrize(
    ("name", "change", "part", "stops_up"),
    [
        ("ssh", lambda _: unreachable_host("Permission denied"), "Permission denied", True),
        ("ssh", lambda _: UNREADABLE_HOST, "it printed nothing", True),
        ("docker", facts(docker="", has_docker_command=False), "no `docker` command for root", True),
        ("docker", facts(docker="", docker_failure="Is it running?"), "does not answer on docker-1: Is it", True),
        ("docker", lambda report: replace(report, docker=silent_docker()), "Docker does not answer", False),
        ("docker", facts(has_docker_bridge=False), "no network bridge", True),
        ("kernel", facts(kernel="3.10.0-1160.el7"), "older than 4.2", True),
        ("kernel", facts(has_ipvlan=False), "no ipvlan module", True),
        ("parent", facts(links={"lo": WELL, "eth0": WELL}), "it has eth0", True),
        ("parent", facts(links={"ens33": replace(WELL, up=False)}), "ip link set ens33 up", True),
        ("parent", facts(links={"ens33": replace(WELL, carrier=False)}), "no carrier", True),
        ("parent", facts(links={"ens33": replace(WELL, wireless=True)}), "wireless", False),
        (
            "other networks",
            snapshot(networks=(replace(live_network(reference_plan().host("docker-1")), name="old"), BRIDGE_NETWORK)),
            "docker network rm old",
            False,
        ),
        ("other networks", facts(macvlan_children=("mv0",)), "ip link del mv0", False),
        ("forwarding", facts(forwards=False), "IPF856: docker-1 forwards no packets", False),
        ("forwarding", facts(forwards=False, forward_rules=ForwardRules()), "/etc/sysctl.d/90-ip-forward.conf", True),
        (
            "forwarding",
            facts(forward_rules=CUT),
            "IPF855: Docker on docker-1 writes its rules to nftables, and chain FORW",
            True,
        ),
        ("forwarding", facts(forward_rules=CUT), "iptables -P FORWARD ACCEPT", True),
        (
            "docker",
            facts(docker="", docker_failure="?", firewall="nftables", forwards=False),
            "IPF857: Docker does not",
            True,
        ),
        ("disk", docker(free=5 * 1024 * 1024), "/var/lib/docker of docker-1 has 5 MiB free", False),
        ("ports", port_80_taken(), "held by container other", False),
        (
            "ports",
            facts(listeners=(Listener(protocol="tcp", address="*", port=80, process="apache2"),)),
            "held by apache2",
            False,
        ),
        ("images", docker(image_failures={"nginx": "no such host"}), "no such host", False),
        (
            "addresses",
            docker(answering={IPAddress("10.1.0.1"): "other", IPAddress("10.1.1.2"): "52:54:00:00:01:02"}),
            "10.1.1.2, planned for nginx on docker-1, is held already by 52:54:00:00:01:02",
            False,
        ),
        ("addresses", address_taken(), "held by container other", False),
    ],
)
def test_each_error_is_found(check: Run, name: str, change: Change, part: str, stops_up: bool) -> None:
    """One fault is one finding of docker-1, which makes the exit status 1; some stop an `up` too."""
    (finding,) = check(change)
    assert (finding.check, finding.host, finding.severity) == (name, "docker-1", "error")
    assert finding.stops_up is stops_up
    assert part in f"{finding.problem} {finding.fix}"


@pytest.mark.parametrize(
    ("name", "change", "part"),
    [
        ("clock", facts(clock_ahead=-300.0), "300 s behind"),
        ("forwarding", facts(dropping=("nftables table inet fw: forward policy drop",)), "inet fw"),
        (
            "forwarding",
            facts(dropping=("nftables table inet fw: forward policy drop",), forward_rules=MAY),
            "chain forward of nftables' table inet fw: policy drop",
        ),
        ("forwarding", facts(forward_rules=ForwardRules(known=False)), "IPF858"),
        ("forwarding", facts(forward_rules=ForwardRules(), keeps_forwarding=False), "IPF859"),
        ("addresses", docker(not_probed="no arping"), "no arping"),
        ("addresses", docker(answering={}), "nothing answers at the gateway"),
    ],
)
def test_information_stops_nothing(check: Run, name: str, change: Change, part: str) -> None:
    """Some findings are shown and change no exit status."""
    (finding,) = check(change)
    assert (finding.check, finding.severity, finding.stops_up) == (name, "info", False)
    assert part in finding.problem


def test_all_faults_are_found_at_once(check: Run) -> None:
    """A host whose Docker does not answer is still checked for its kernel and its parent; the rest is not checked."""
    findings = check(
        lambda report: HostReport(
            facts=replace(report.facts, docker="", docker_failure="no", has_ipvlan=False, links={}),
            docker=silent_docker(),
        )
    )
    assert [finding.check for finding in findings] == ["docker", "kernel", "parent"]
    report = replace(host_report(reference_plan().host("docker-1")), docker=silent_docker())
    assert not any(report.checked(name) for name in NEEDS_DOCKER)
    assert report.checked("kernel")


def test_unlike_mtus_are_found(check: Run) -> None:
    """A host whose parent has another MTU than the others' is named."""
    parent = replace(live_host(reference_plan().host("docker-1")).parent, mtu=1400)
    findings = check(snapshot(parent=parent), reference_plan(3))
    assert [(finding.check, finding.host) for finding in findings] == [("mtu", "docker-1")]


def vlan_plan() -> Plan:
    """Return a plan on a VLAN of ens33."""
    plan = reference_plan()
    return replace(
        plan, hosts=tuple(replace(host, network=replace(host.network, parent="ens33.40")) for host in plan.hosts)
    )


def test_a_vlan_of_a_nic_need_not_be_there(check: Run) -> None:
    """Docker creates ens33.40 itself when ens33 is there."""
    assert check(plan=vlan_plan()) == ()


@pytest.mark.parametrize("fault", [{"up": False}, {"carrier": False}])
def test_a_vlan_to_be_created_needs_its_nic(check: Run, fault: dict[str, bool]) -> None:
    """A VLAN on a NIC that is down, or has no carrier, would connect nothing: that stops an `up`."""
    (finding,) = check(facts(links={"ens33": replace(WELL, **fault)}), vlan_plan())
    assert (finding.check, finding.stops_up) == ("parent", True)
    assert "ens33 of docker-1" in finding.problem


def test_an_old_docker_and_a_name_before_bridge(check: Run) -> None:
    """Before Docker 28 a fabric whose name sorts before `bridge` would publish nothing."""
    findings = check(facts(docker="26.1.5"), reference_plan(name="apps"))
    assert [(finding.check, finding.host, finding.stops_up) for finding in findings] == [("docker", "docker-1", True)]
    assert check(facts(docker="26.1.5"), reference_plan()) == ()
    assert check(facts(docker="28.5.2"), reference_plan(name="apps")) == ()


def test_a_docker_that_was_never_tried_stops_nothing(check: Run) -> None:
    """A rule about Docker that is only information does not stop an `up`."""
    (finding,) = check(facts(docker="19.3.0"))
    assert (finding.check, finding.severity, finding.stops_up) == ("docker", "info", False)


def test_a_docker_without_its_bridge(check: Run) -> None:
    """Where the daemon runs with `bridge: none`, ports are refused even before they are published; without ports nothing is."""
    for published in (True, False):
        (finding,) = check(facts(has_docker_bridge=False), reference_plan(published=published))
        assert (finding.check, finding.host, finding.stops_up) == ("docker", "docker-1", True)
    plan = reference_plan()
    hosts = tuple(
        replace(host, containers=tuple(container for container in host.containers if not container.ports))
        for host in plan.hosts
    )
    assert check(facts(has_docker_bridge=False), replace(plan, hosts=hosts)) == ()


def test_another_machine_at_the_address(check: Run) -> None:
    """A host whose Engine is not the state's has that finding alone: nothing else on it was asked of this stack's host."""
    (finding,) = check(facts(engine="now", has_ipvlan=False), engines={"docker-1": "before"})
    assert (finding.check, finding.host, finding.severity) == ("docker", "docker-1", "error")
    assert "engine before, and now answers" in finding.problem
    assert "ipvlan forget docker-1 --keep-config" in finding.fix
    assert check(facts(engine="now"), engines={"docker-1": "now"}) == check()


def of_a_change() -> Change:
    """Let the previous nginx run in place of one that failed, with a spare beside it."""
    host = reference_plan().host("docker-1")
    nginx = live_container(host.container("nginx"), host)
    labels = {OWNER_LABEL: f"{OWNER}/docker-1/nginx", PREVIOUS_LABEL: "{}"}
    restored = replace(nginx, id="restored", labels=labels)
    spare = replace(
        nginx, id="spare", name=f"nginx{PREVIOUS_SUFFIX}", labels=labels, state="exited", bindings=frozenset()
    )
    return snapshot(containers={live.name: live for live in (restored, spare)})


def test_what_a_change_made_is_the_stacks(check: Run) -> None:
    """A restored container has the planned address and ports rightly, and a spare takes them from nobody."""
    assert check(of_a_change()) == ()


@pytest.mark.parametrize(
    ("parent", "links", "part"),
    [
        ("nic9", {"ens33": WELL}, "has no nic9, and the network would have no connection; it has ens33"),
        ("ens33.4095", {"ens33": WELL}, "IPF131: 4095 is not such an id"),
        ("ens33.0", {"ens33": WELL}, "IPF131: 0 is not such an id"),
        ("ens33.0040", {"ens33": WELL}, "IPF131: 0040 has a leading zero"),
        ("ens33.dmz", {"ens33": WELL}, "ens33.dmz is not of that form"),
        ("ens33.40.50", {"ens33": WELL, "ens33.40": WELL}, "ens33.40.50 is not of that form"),
        ("bond0.40", {"ens33": WELL}, "has no bond0.40, and the network would have no connection"),
    ],
)
def test_a_link_that_docker_does_not_create(parent: str, links: dict[str, Link], part: str) -> None:
    """A missing link that is not NAME.VLAN of a link that exists stops an `up`, with what Docker creates by itself."""
    required = replace(requirements_of(reference_plan().host("docker-1")), parent=parent)
    (finding,) = host_findings(required, replace(host_facts(), links=links))
    assert (finding.check, finding.stops_up) == ("parent", True)
    assert part in finding.problem


@pytest.mark.parametrize("parent", ["bond0.100.20", "lan.dmz", "eth0.0040", "vlan4095", "br0", "ens33.4095"])
def test_a_link_that_exists_is_a_parent(parent: str) -> None:
    """Docker takes any link that exists, whatever its name says."""
    required = replace(requirements_of(reference_plan().host("docker-1")), parent=parent)
    assert list(host_findings(required, replace(host_facts(), links={parent: WELL}))) == []


def port_plan(*ports: str) -> Plan:
    """Return the reference setup's plan with other ports of nginx, on docker-1 alone."""
    config = reference_config()
    config["services"]["nginx"].update(ports=list(ports), hosts=["docker-1"])
    return make_plan(parse(config))


def test_an_address_that_the_host_does_not_have(check: Run) -> None:
    """A port at it stops an `up`; at the host's own loopback it does not, nor where a process may bind any address."""
    plan = port_plan("192.168.140.77:80:80")
    (finding,) = check(facts(), plan)
    assert (finding.check, finding.host, finding.stops_up) == ("ports", "docker-1", True)
    assert "has no address 192.168.140.77" in finding.problem
    assert "192.168.140.200" in finding.problem
    assert "services.nginx.ports" in finding.fix
    assert check(facts(binds_any_address=True), plan) == ()
    assert check(facts(addresses=frozenset()), plan) == ()
    assert check(facts(), port_plan("127.0.0.1:80:80")) == ()


def test_a_port_within_a_range_that_is_held(check: Run) -> None:
    """The one port of a range that somebody else holds is named; what another address holds is no conflict."""
    listener = Listener(protocol="udp", address="0.0.0.0", port=16400, process="rtpengine")  # noqa: S104
    (finding,) = check(facts(listeners=(listener,)), port_plan("16384-32768:16384-32768/udp"))
    assert finding.problem == "port 16400/udp of docker-1, planned for nginx, is held by rtpengine"
    elsewhere = replace(listener, address="192.168.140.200")
    assert check(facts(listeners=(elsewhere,)), port_plan("127.0.0.1:16384-32768:16384-32768/udp")) == ()
