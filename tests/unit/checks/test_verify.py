"""The verdict about a cell: as expected or not, and which link of the chain is broken."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.checks.verify import Verdict, judge
from ipvlan.config.types.ports import Port
from ipvlan.hosts.connection_probe import Observed, connect
from ipvlan.hosts.errors import HostUnreachableError
from ipvlan.hosts.forward_chains import DroppingChain, ForwardRules
from ipvlan.hosts.snapshot import Binding, HostSnapshot, Parent
from ipvlan.plan.cells import Cell
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.validate import parse
from tests.support.host_changes import change_container, disconnect, holding, without
from tests.support.live_parts import live_host, reference_plan, unreachable_host, with_container
from tools.reference_setup import reference_config

YES = Observed(reached=True, outcome="yes")
NO = Observed(reached=False, outcome="no")


def one(plan: Plan, source: str, target: str) -> Cell:
    """Return one cell."""
    cells = make_matrix(plan, internet=[IPAddress("203.0.113.10")]).cells
    return next(cell for cell in cells if (cell.source, cell.target) == (source, target))


def verdict(
    plan: Plan,
    cell: Cell,
    observed: Observed | None,
    change: Callable[[HostSnapshot], HostSnapshot | HostUnreachableError] = lambda snapshot: snapshot,
    *,
    gateway_answers: bool = False,
) -> Verdict:
    """Judge one cell, docker-2 being changed by hand."""
    hosts: dict[str, object] = {host.name: live_host(host) for host in plan.hosts}
    hosts["docker-2"] = change(live_host(plan.host("docker-2")))
    observations = {} if observed is None else {cell: observed}
    (result,) = judge([cell], observations, Diagnosis(plan, hosts), gateway_answers=gateway_answers)  # type: ignore[arg-type]
    return result


@pytest.mark.parametrize(
    ("source", "target", "observed", "gateway_answers", "ok"),
    [
        ("docker-1/centos", "docker-2/nginx", YES, False, True),
        ("docker-1/centos", "docker-2/nginx", NO, False, False),
        ("docker-1/centos", "docker-2/nginx", None, False, False),
        ("docker-1/centos", "docker-1", NO, False, True),
        ("docker-1/centos", "docker-1", YES, False, False),
        ("docker-1/centos", "docker-1", YES, True, True),
        ("docker-1/centos", "docker-1", None, False, False),
        ("docker-1/centos", "gateway", NO, False, True),
        ("docker-1/nginx", "internet", NO, True, False),
        ("client", "docker-1/nginx", Observed(reached=True, outcome="HTTP 200"), False, True),
        ("client", "docker-1/nginx", Observed(reached=False, outcome="refused"), False, False),
    ],
)
def test_right_and_wrong(source: str, target: str, observed: Observed | None, gateway_answers: bool, ok: bool) -> None:
    """A cell is right when the observation is the expected one; a cell that was not probed is not right."""
    plan = reference_plan()
    result = verdict(plan, one(plan, source, target), observed, gateway_answers=gateway_answers)
    assert result.ok is ok
    assert bool(result.reason) is not ok


def test_a_closed_port_that_answers_is_wrong() -> None:
    """What is not published must be refused; the reason says who answers."""
    plan = reference_plan(published=False)
    cell = one(plan, "client", "docker-2/nginx")
    assert verdict(plan, cell, Observed(reached=False, outcome="refused")).ok
    assert verdict(plan, cell, Observed(reached=True, outcome="open")).reason.startswith("another process on docker-2")


@pytest.mark.parametrize(
    ("change", "starts"),
    [
        (lambda _said: unreachable_host(), "host not reached"),
        (without("nginx"), "container missing"),
        (change_container("nginx", state="exited", status="Exited (1)"), "container down"),
        (disconnect("nginx", "ipvlanl2"), "not attached"),
        (holding("nginx", "10.1.2.9"), "wrong address"),
        (
            lambda snapshot: replace(snapshot, parent=Parent(name="ens33", present=True, up=False, mtu=1500)),
            "parent down",
        ),
        (
            lambda snapshot: replace(snapshot, parent=Parent(name="ens33", present=False, up=False, mtu=None)),
            "parent missing",
        ),
        (lambda snapshot: snapshot, "both ends are as planned"),
    ],
)
def test_the_broken_link_between_containers(
    change: Callable[[HostSnapshot], HostSnapshot | HostUnreachableError], starts: str
) -> None:
    """The first broken link between two containers is the reason."""
    plan = reference_plan()
    assert verdict(plan, one(plan, "docker-1/centos", "docker-2/nginx"), NO, change).reason.startswith(starts)


@pytest.mark.parametrize(
    ("change", "observed", "says"),
    [
        (disconnect("nginx", "bridge"), "refused", "not connected to the bridge"),
        (change_container("nginx", bindings=frozenset()), "refused", "not its gateway"),
        (lambda snapshot: snapshot, "refused", "nothing listens on 80"),
        (lambda snapshot: snapshot, "no answer", "firewalls"),
    ],
)
def test_the_broken_link_of_a_port(change: Callable[[HostSnapshot], HostSnapshot], observed: str, says: str) -> None:
    """A published port that does not answer is unbound, or bound and silent."""
    plan = reference_plan()
    cell = one(plan, "client", "docker-2/nginx")
    assert says in verdict(plan, cell, Observed(reached=False, outcome=observed), change).reason


CUT = ForwardRules(dropping=(DroppingChain(program="iptables", accepts=False),))
MAY = ForwardRules(dropping=(DroppingChain(program="nft", table="inet fw", chain="forward", accepts=True),))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"forwards": False},
            "not forwarded: Docker has bound 80:80 of nginx on docker-2, and docker-2 forwards no packets",
        ),
        ({"forward_rules": CUT}, "chain FORWARD of iptables drops everything"),
        (
            {"forward_rules": MAY},
            "chain forward of nftables' table inet fw on docker-2 drops what none of its rules accepts",
        ),
        (
            {"forward_rules": ForwardRules(known=False)},
            "whether another chain there drops what they accept is not known",
        ),
        ({"forward_rules": ForwardRules()}, "firewalls"),
    ],
)
def test_a_port_that_the_host_does_not_forward(fields: dict[str, Any], says: str) -> None:
    """What decides beside Docker's nftables is the reason, as far as it is known; a port that is refused was forwarded."""
    plan = reference_plan()
    cell = one(plan, "client", "docker-2/nginx")

    def change(snapshot: HostSnapshot) -> HostSnapshot:
        return replace(snapshot, **fields)

    assert says in verdict(plan, cell, Observed(reached=False, outcome="no answer"), change).reason
    assert "nothing listens on 80" in verdict(plan, cell, Observed(reached=False, outcome="refused"), change).reason


def test_no_route_in_l3() -> None:
    """In l3 a missing route is the reason."""
    plan = reference_plan(mode="l3", gateway=None)
    result = verdict(
        plan,
        one(plan, "docker-1/centos", "docker-2/centos"),
        NO,
        lambda snapshot: replace(snapshot, routes=("default via x",)),
    )
    assert result.reason.startswith("no route: docker-2 has none to 10.1.1.0/24")


def test_a_published_container_without_its_bridge_does_not_get_out() -> None:
    """A published container that does not get out has no bridge connection."""
    plan = reference_plan()
    reason = verdict(plan, one(plan, "docker-2/nginx", "internet"), NO, disconnect("nginx", "bridge")).reason
    assert reason.startswith("bridge not connected")


def test_a_container_that_gets_out_elsewhere() -> None:
    """A container that reaches what it must not has another network, which is named."""
    plan = reference_plan()

    def connect_other(snapshot: HostSnapshot) -> HostSnapshot:
        live = snapshot.containers["centos"]
        return with_container(
            snapshot, replace(live, endpoints={**live.endpoints, "backdoor": live.endpoints["ipvlanl2"]})
        )

    assert "backdoor" in verdict(plan, one(plan, "docker-2/centos", "internet"), YES, connect_other).reason


@contextmanager
def server(answer: bytes) -> Iterator[int]:
    """Serve one connection on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [(b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP 404"), (b"-ERR unknown command\r\n", "open"), (b"", "open, silent")],
)
def test_the_outcome_of_an_open_port(answer: bytes, outcome: str) -> None:
    """An open port is open whatever it speaks; of HTTP the status is shown."""
    with server(answer) as port:
        assert connect("127.0.0.1", Port(container_port=80, host_port=port)) == Observed(reached=True, outcome=outcome)


def test_a_closed_port_is_refused() -> None:
    """Where nothing listens, tcp and udp are refused."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert connect("127.0.0.1", Port(container_port=80, host_port=port)) == Observed(reached=False, outcome="refused")
    udp = Port(container_port=80, host_port=port, protocol="udp")
    assert connect("127.0.0.1", udp) == Observed(reached=False, outcome="refused")


@pytest.mark.parametrize(("outcome", "ok"), [("no refusal", True), ("refused", False)])
def test_a_udp_port_that_nobody_refuses_is_no_proof(outcome: str, ok: bool) -> None:
    """A datagram without a reply proves nothing, so nothing is expected of it; a refusal is wrong."""
    plan = reference_plan()
    cell = one(plan, "client", "docker-2/nginx")
    udp = replace(cell, port=Port(container_port=80, host_port=80, protocol="udp"))
    result = verdict(plan, udp, Observed(reached=None if ok else False, outcome=outcome))
    assert (result.ok, result.expected) == (ok, "any" if ok else "yes")


def loopback_plan() -> Plan:
    """Return the reference setup's plan with nginx at the hosts' own loopback."""
    config = reference_config()
    config["services"]["nginx"]["ports"] = ["127.0.0.1:80:80"]
    return make_plan(parse(config))


def test_a_port_at_the_loopback_that_clients_reach() -> None:
    """A client that is answered at the host's address is wrong: either Docker binds every address, or another process listens."""
    plan = loopback_plan()
    cell = one(plan, "client", "docker-2/nginx")
    refused, open_ = Observed(reached=False, outcome="refused"), Observed(reached=True, outcome="open")
    assert verdict(plan, cell, refused).ok
    # As live_host has it: bound at 0.0.0.0.
    assert verdict(plan, cell, open_).reason.startswith("bound at every address: Docker has bound port 80 of nginx")
    bound = Binding(host_address="127.0.0.1", host_port=80, container_port=80, protocol="tcp")
    as_planned = change_container("nginx", bindings=frozenset({bound}))
    assert verdict(plan, cell, open_, as_planned).reason.startswith("another process on docker-2 holds port 80")


def test_a_port_at_the_loopback_that_the_host_does_not_reach() -> None:
    """The host itself must be answered; where it is not, the reason is looked for as for every port."""
    plan = loopback_plan()
    cell = next(cell for cell in make_matrix(plan).cells if cell.kind == "loopback-port" and cell.source == "docker-2")
    assert verdict(plan, cell, Observed(reached=True, outcome="HTTP 200")).ok
    refused = verdict(plan, cell, Observed(reached=False, outcome="refused"))
    assert refused.reason.startswith("bound but silent")
    silent = verdict(plan, cell, Observed(reached=False, outcome="no answer")).reason
    assert "from the host itself to 127.0.0.1" in silent
    assert (
        "port not bound"
        in verdict(plan, cell, Observed(reached=False, outcome="refused"), disconnect("nginx", "bridge")).reason
    )
