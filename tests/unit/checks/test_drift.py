"""Every kind of difference between a host and the plan has its name, its host and its command."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from netaddr import IPAddress

from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.hosts.forward_chains import DroppingChain, ForwardRules
from ipvlan.hosts.snapshot import Binding, HostSnapshot, Parent
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership, by_labels
from ipvlan.plan.resource_names import COMPOSE_PROJECT_LABEL, HELPER_LABEL, OWNER_LABEL, PORTS_LABEL, STACK_LABEL
from ipvlan.plan.validate import parse
from tests.support.host_changes import change_container, disconnect, foreign, holding, network, second_network, without
from tests.support.live_parts import (
    STACK,
    attachment,
    live_host,
    live_network,
    owned_by_plan,
    reference_plan,
    silent_docker,
    subnet,
    unreachable_host,
    with_container,
)
from tests.support.states import OWNER
from tools.reference_setup import reference_config

CUT = ForwardRules(dropping=(DroppingChain(program="iptables", accepts=False),))


def compare(
    plan: Plan, change: Callable[[HostSnapshot], HostSnapshot] = lambda snapshot: snapshot
) -> tuple[Difference, ...]:
    """Return the differences of docker-1 after a change by hand."""
    host = plan.host("docker-1")
    return Comparison(plan, owned_by_plan(plan), STACK).of_host(host, change(live_host(host)))


def test_a_host_as_planned_has_no_difference() -> None:
    """A host in the planned state: nothing is reported."""
    assert compare(reference_plan()) == ()
    assert compare(reference_plan(published=False)) == ()


def test_an_address_that_was_never_checked() -> None:
    """It is named, with the command that checks it, and is no error; one that left the plan is not named."""
    plan = reference_plan()
    host = plan.host("docker-1")
    owned = replace(owned_by_plan(plan), unchecked={"docker-1": ("10.1.1.2", "10.1.1.99"), "docker-2": ("10.1.2.2",)})
    [difference] = Comparison(plan, owned, STACK).of_host(host, live_host(host))
    assert (difference.kind, difference.severity, difference.service) == ("address-unchecked", "info", "nginx")
    assert "10.1.1.2 was never checked" in difference.problem
    assert difference.fix == f"ipvlan --stack {STACK} preflight --host docker-1"


def test_a_helper_that_a_killed_run_left() -> None:
    """It is named by its id; one that may still run is not."""
    plan = reference_plan()
    host = plan.host("docker-1")
    live = live_host(host)
    helper = replace(
        next(iter(live.containers.values())),
        id="h1",
        name="ipvlan-fabric-helper-1",
        labels={HELPER_LABEL: f"{OWNER}/30"},
        endpoints={},
        created=1_000,
    )
    live = replace(live, containers={**live.containers, helper.name: helper})
    owned = replace(owned_by_plan(plan), owner=OWNER)
    assert Comparison(plan, owned, STACK).of_host(host, replace(live, now=1_100.0)) == ()
    [difference] = Comparison(plan, owned, STACK).of_host(host, replace(live, now=9_000.0))
    assert (difference.kind, difference.severity) == ("helper-left", "info")
    assert "docker rm -f h1" in difference.fix


@pytest.mark.parametrize(
    ("name", "change", "part"),
    [
        (
            "parent-missing",
            lambda snapshot: replace(snapshot, parent=Parent(name="ens33", present=False, up=False, mtu=None)),
            "ens33",
        ),
        (
            "parent-down",
            lambda snapshot: replace(snapshot, parent=Parent(name="ens33", present=True, up=False, mtu=1500)),
            "ip link set ens33 up",
        ),
        ("forwarding-off", lambda snapshot: replace(snapshot, forwards=False), "sysctl -w net.ipv4.ip_forward=1"),
        ("forward-dropped", lambda snapshot: replace(snapshot, forward_rules=CUT), "iptables -P FORWARD ACCEPT"),
        ("network-different", network(ip_range=subnet("10.1.9.0/24")), "range 10.1.9.0/24 instead of 10.1.1.0/24"),
        ("network-different", network(gateway=IPAddress("10.1.0.2")), "gateway 10.1.0.2 instead of 10.1.0.1"),
        ("network-different", network(options={"ipvlan_mode": "l3", "parent": "ens33"}), "mode l3 instead of l2"),
        (
            "network-different",
            network(options={"ipvlan_mode": "l2", "parent": "ens34"}),
            "parent ens34 instead of ens33",
        ),
        ("network-on-parent", second_network, "docker network rm other"),
        ("container-missing", without("centos"), "heal --host docker-1 --service centos"),
        ("container-stopped", change_container("nginx", state="exited", status="Exited (1) 2 hours ago"), "Exited (1)"),
        ("container-unhealthy", change_container("nginx", status="Up 3 minutes (unhealthy)"), "docker logs"),
        ("image-different", change_container("nginx", image="other@sha256:1"), "created from other@sha256:1"),
        ("fabric-disconnected", disconnect("centos", "ipvlanl2"), "not connected to ipvlanl2"),
        ("address-different", holding("centos", "10.1.1.9"), "holds 10.1.1.9, planned is 10.1.1.1"),
        ("address-different", holding("centos", "10.1.1.1", fixed=False), "by chance"),
        ("bridge-disconnected", disconnect("nginx", "bridge"), "nobody outside reaches it"),
        ("ports-unbound", change_container("nginx", bindings=frozenset()), "80:80"),
        (
            "ports-different",
            change_container("nginx", labels={"ipvlan-fabric.stack": "dev", "ipvlan-fabric.ports": "8080:80"}),
            "created with ports 8080:80, planned are 80:80",
        ),
        ("foreign-address", foreign("10.1.2.1"), "planned for centos on docker-2"),
        ("foreign-container", foreign("10.1.2.77"), "may not hand out there"),
    ],
)
def test_each_difference_has_its_name(name: str, change: Callable[[HostSnapshot], HostSnapshot], part: str) -> None:
    """One change by hand is one difference, under its name, with the value and a command in it."""
    differences = compare(reference_plan(), change)
    assert [difference.kind for difference in differences] == [name]
    assert part in differences[0].problem + " " + differences[0].fix
    assert differences[0].fix
    assert differences[0].severity == "error"


def other(container: str, **fields: object) -> Callable[[HostSnapshot], HostSnapshot]:
    """Put a container that the state does not record in the place of a planned one, with its name."""
    return change_container(container, id="f" * 64, **fields)


def label(place: str, owner: str = OWNER) -> dict[str, str]:
    """Return labels that a stack `dev` writes."""
    return {STACK_LABEL: "dev", OWNER_LABEL: f"{owner}/{place}"}


@pytest.mark.parametrize(
    ("name", "labels", "part"),
    [
        # Another clone, backend, organisation or project with a stack of this name.
        ("container-not-ours", {STACK_LABEL: "dev"}, 'ffffffffffff, of a stack "dev")'),
        ("container-not-ours", label("docker-1/nginx", "f" * 16), "with owner id ffffffffffffffff"),
        # A container of an image that was committed from another of ours.
        ("container-not-ours", label("docker-1/centos"), f"with owner id {OWNER}"),
        ("container-not-ours", {COMPOSE_PROJECT_LABEL: "shop"}, 'of compose project "shop"'),
        ("container-recreated", {}, "was recreated by hand, at 10.1.1.2"),
        ("container-orphaned", label("docker-1/nginx"), "its state does not record it"),
    ],
)
def test_a_container_of_a_planned_name_that_the_state_does_not_record(
    name: str, labels: dict[str, str], part: str
) -> None:
    """It is not ours whatever its labels say; the first fix removes nothing, and the last names the id."""
    (difference,) = compare(reference_plan(), other("nginx", labels=labels))
    assert difference.kind == name
    assert difference.id == "f" * 64
    assert part in difference.problem
    if name == "container-not-ours":
        assert difference.fix.startswith(
            "set another name in ipvlan-fabric:services.nginx.container_name; or, if nobody"
        )
        assert "docker rm -f ffffffffffff'" in difference.fix
        assert "rm -f nginx" not in difference.fix


def test_a_container_of_a_planned_name_off_the_fabric_is_not_ours() -> None:
    """Without a label, and not on the fabric, it is nobody's copy of ours."""
    (difference,) = compare(reference_plan(), other("nginx", labels={}, endpoints={}))
    assert difference.kind == "container-not-ours"


def test_nothing_was_recreated_where_the_state_has_nothing() -> None:
    """Before the first `up` a container of a planned name on a network of the fabric's name is somebody's own."""
    plan = reference_plan()
    host = plan.host("docker-1")
    new = Ownership(stack=STACK, read=True)
    kinds = {difference.kind for difference in Comparison(plan, new, STACK).of_host(host, live_host(host))}
    assert kinds == {"network-not-ours", "container-not-ours"}
    unlabelled = change_container("nginx", labels={})(live_host(host))
    kinds = {difference.kind for difference in Comparison(plan, new, STACK).of_host(host, unlabelled)}
    assert kinds == {"network-not-ours", "container-not-ours"}


@pytest.mark.parametrize(
    ("name", "labels", "part"),
    [
        ("network-not-ours", {}, "(ffffffffffff) is not of stack dev"),
        ("network-not-ours", {STACK_LABEL: "dev"}, 'of a stack "dev"'),
        ("network-not-ours", label("docker-2"), f"with owner id {OWNER}"),
        ("network-orphaned", label("docker-1"), "its state does not record it"),
    ],
)
def test_a_network_of_the_fabrics_name_that_the_state_does_not_record(
    name: str, labels: dict[str, str], part: str
) -> None:
    """It is not ours whatever its labels say; the first fix removes nothing, and the last names the id."""
    found = [one for one in compare(reference_plan(), network(id="f" * 64, labels=labels)) if one.service is None]
    assert [difference.kind for difference in found] == [name]
    assert part in found[0].problem
    if name == "network-not-ours":
        assert found[0].fix.startswith("set another name in ipvlan-fabric:fabric.name; or, if nobody needs the network")
        assert "docker network rm ffffffffffff" in found[0].fix


def test_ours_is_ours_without_its_labels() -> None:
    """What the state records by id is ours when its labels say otherwise: a container that lost none of its settings."""
    ports = {PORTS_LABEL: "80:80"}
    assert compare(reference_plan(), change_container("nginx", labels=ports)) == ()
    assert compare(reference_plan(), change_container("nginx", labels={STACK_LABEL: "prod", **ports})) == ()
    assert compare(reference_plan(), network(labels={})) == ()


def test_a_container_that_is_not_planned_any_more() -> None:
    """It is the stack's when the state records it; a stack's label alone makes it a stranger on the fabric."""
    plan = reference_plan()
    host = plan.host("docker-1")
    snapshot = foreign("10.1.1.9", {STACK_LABEL: "dev"})(live_host(host))
    owned = owned_by_plan(plan)
    recorded = replace(owned, ids=owned.ids | {snapshot.containers["guest"].id})
    (difference,) = Comparison(plan, recorded, STACK).of_host(host, snapshot)
    assert (difference.kind, difference.fix) == ("container-not-planned", "pulumi up --stack dev")
    (difference,) = Comparison(plan, owned, STACK).of_host(host, snapshot)
    assert difference.kind == "foreign-container"
    assert 'of a stack "dev"' in difference.problem


def test_a_container_that_somebody_renamed() -> None:
    """It is found by its id, and reported once."""

    def rename(snapshot: HostSnapshot) -> HostSnapshot:
        moved = replace(snapshot.containers["nginx"], name="nginx-old")
        return with_container(without("nginx")(snapshot), moved)

    (difference,) = compare(reference_plan(), rename)
    assert difference.kind == "container-missing"
    assert "somebody renamed it to nginx-old" in difference.problem


def test_without_the_state_the_labels_decide() -> None:
    """Where the state was not read, the stack's label is what there is: the same differences as for years."""
    plan = reference_plan()
    host = plan.host("docker-1")
    unread = Comparison(plan, by_labels(STACK), STACK)
    assert unread.of_host(host, live_host(host)) == ()
    live = change_container("nginx", labels={})(live_host(host))
    assert [difference.kind for difference in unread.of_host(host, live)] == ["container-recreated"]
    live = network(labels={STACK_LABEL: "prod"})(live_host(host))
    assert [difference.kind for difference in unread.of_host(host, live)] == ["network-not-ours"]


def test_the_command_lines_have_the_users_spelling_of_the_stack() -> None:
    """Sentences have the stack's own name; command lines the name that Pulumi needs."""
    plan = reference_plan()
    host = plan.host("docker-1")
    comparison = Comparison(plan, owned_by_plan(plan), "acme/ipvlan-fabric/dev")
    (difference,) = comparison.of_host(host, without("nginx")(live_host(host)))
    assert difference.fix == "ipvlan --stack acme/ipvlan-fabric/dev heal --host docker-1 --service nginx"


def test_an_unpublished_container_on_the_bridge() -> None:
    """A bridge connection that the plan does not have is named."""
    plan = reference_plan(published=False)

    def connect(snapshot: HostSnapshot) -> HostSnapshot:
        live = snapshot.containers["nginx"]
        bridge = attachment("bridge", "bridge", "172.17.0.2", fixed=False)
        return with_container(snapshot, replace(live, endpoints={**live.endpoints, "bridge": bridge}))

    assert [difference.kind for difference in compare(plan, connect)] == ["bridge-connected"]


def test_a_network_recreated_by_hand_leaves_its_containers_disconnected() -> None:
    """The new network is not in the state, and containers of the old one count as disconnected, whatever its name is."""
    differences = compare(reference_plan(), network(id="new"))
    assert [(difference.kind, difference.service) for difference in differences] == [
        ("network-not-ours", None),
        ("fabric-disconnected", "centos"),
        ("fabric-disconnected", "nginx"),
    ]


def test_the_network_gone() -> None:
    """A missing network is named, whatever else differs."""
    assert "network-missing" in {
        difference.kind for difference in compare(reference_plan(), lambda snapshot: replace(snapshot, networks=()))
    }


def test_a_guest_where_docker_may_hand_out_addresses_is_informational() -> None:
    """A container that is not ours, at an address that Docker may assign, is reported and changes no exit status."""
    differences = compare(reference_plan(), foreign("10.1.1.77"))
    assert [(difference.kind, difference.severity) for difference in differences] == [("foreign-container", "info")]


def test_another_vlan_is_another_lan() -> None:
    """A container of another stack at the same address, on another VLAN of the NIC, is not reported; on this parent it is."""

    def guest(parent: str) -> Callable[[HostSnapshot], HostSnapshot]:
        def change(snapshot: HostSnapshot) -> HostSnapshot:
            there = replace(
                live_network(reference_plan().host("docker-1")),
                id="other", name="other", options={"ipvlan_mode": "l2", "parent": parent}, labels={STACK_LABEL: "other"},
            )  # fmt: skip
            snapshot = foreign("10.1.2.2", {STACK_LABEL: "other"})(snapshot)
            moved = {"other": attachment("other", "other", "10.1.2.2")}
            snapshot = with_container(snapshot, replace(snapshot.containers["guest"], endpoints=moved))
            return replace(snapshot, networks=(*snapshot.networks, there))

        return change

    assert compare(reference_plan(), guest("ens33.50")) == ()
    assert {difference.kind for difference in compare(reference_plan(), guest("ens33"))} == {
        "network-on-parent",
        "foreign-address",
    }


def test_a_missing_route() -> None:
    """In l3 a host without the route to another's slice is named, with the command that makes it."""
    plan = reference_plan(mode="l3", gateway=None)
    assert compare(plan) == ()
    differences = compare(plan, lambda snapshot: replace(snapshot, routes=("default via 192.168.140.1 dev ens33",)))
    assert [difference.kind for difference in differences] == ["route-missing"]
    assert "ipvlan --stack dev heal --host docker-1" in differences[0].fix


def test_a_host_that_is_not_there() -> None:
    """A dead host and a silent Docker are two names, each with the error."""
    plan = reference_plan()
    for error, name in ((unreachable_host(), "host-unreachable"), (silent_docker(), "docker-silent")):
        differences = Comparison(plan, owned_by_plan(plan), STACK).of_host(plan.host("docker-1"), error)
        assert [difference.kind for difference in differences] == [name]
        assert differences[0].problem == error.summary


def test_another_machine_at_the_address() -> None:
    """A host whose Engine is not the state's has one difference, alone: what is missing there was never this stack's."""
    plan = reference_plan()
    host = plan.host("docker-1")
    empty = replace(live_host(host), containers={}, networks=())

    def differences(engine: str) -> tuple[Difference, ...]:
        owned = replace(owned_by_plan(plan), engines={"docker-1": engine} if engine else {})
        return Comparison(plan, owned, STACK).of_host(host, empty)

    (difference,) = differences("another")
    assert difference.kind == "host-replaced"
    assert difference.kind.repair.by == "person"
    assert "engine another, and engine-of-docker-1 answers" in difference.problem
    assert "ipvlan forget docker-1 --keep-config" in difference.fix
    # As in a state from before the Engine's id was recorded.
    for engine in ("engine-of-docker-1", ""):
        assert "host-replaced" not in {difference.kind for difference in differences(engine)}
        assert "network-missing" in {difference.kind for difference in differences(engine)}


@pytest.mark.parametrize("name", ["here", "is", "no", "on", "to"])
def test_a_container_named_like_a_word_of_the_sentence(name: str) -> None:
    """The sentence about a container names it once, whatever it is called."""
    config = reference_config()
    config["services"] = {name: config["services"]["centos"]}
    assert [difference.problem for difference in compare(make_plan(parse(config)), without(name))] == [
        f"{name} on docker-1 is missing"
    ]


def test_a_range_is_named_as_a_range() -> None:
    """What is unbound in the middle of a range, and a label of many ports, are a few words each."""
    config = reference_config()
    config["services"]["nginx"]["ports"] = ["16384-32768:16384-32768/udp"]
    plan = make_plan(parse(config))

    def without_some(snapshot: HostSnapshot) -> HostSnapshot:
        live = snapshot.containers["nginx"]
        bound = frozenset(
            Binding(host_address="0.0.0.0", host_port=port, container_port=port, protocol="udp")  # noqa: S104
            for port in range(16384, 32769)
            if port not in (20000, 20001, 30000)
        )
        return with_container(snapshot, replace(live, bindings=bound))

    (difference,) = compare(plan, without_some)
    assert difference.kind == "ports-unbound"
    assert difference.problem.endswith("the host does not bind 20000-20001:20000-20001/udp, 30000:30000/udp")
    label = {"ipvlan-fabric.ports": " ".join(f"{port}:{port}/udp" for port in range(16384, 32769))}
    live = live_host(plan.host("docker-1")).containers["nginx"]
    (difference,) = compare(plan, change_container("nginx", labels={**live.labels, **label}))
    assert difference.kind == "ports-different"
    assert len(difference.problem) < 500
