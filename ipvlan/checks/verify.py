"""The matrix of connections against the hosts: every cell is probed, compared with the plan, and explained where it is wrong.

Out of scope: what is expected (`ipvlan.plan.reachability`), the probes (`ipvlan.hosts.connection_probe`), the explanation
(`diagnosis`), and what people see (`ipvlan.views.verify`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final, Literal

from netaddr import IPAddress

from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.checks.host_identity import other_machine
from ipvlan.hosts.connection_probe import Ends, Observed, connect_cells, has_address, ping_cells
from ipvlan.hosts.errors import HostError, OtherMachineError
from ipvlan.hosts.loopback_probe import loopback_cells
from ipvlan.hosts.root_shell import no_root, root_shell
from ipvlan.hosts.session import HostSession, on_hosts
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.plan.cells import CLIENT, Cell, Expected, Filter
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.reachability import make_matrix

NOT_OBSERVED: Final = Observed(reached=None, outcome="not tried")
OTHER_MACHINE_ANSWERS: Final = Observed(reached=None, outcome="another machine")
"""Of a cell with an end on a host that is not the one in the state: who answered is not known."""

ExpectedResult = Literal["yes", "no", "any"]
"""Whether a connection must work; `any` where the plan does not decide."""

_EXPECTED: Final[Mapping[tuple[Expected, bool], ExpectedResult]] = {
    ("yes", False): "yes",
    ("yes", True): "yes",
    ("no", False): "no",
    ("no", True): "no",
    ("any", False): "any",
    ("any", True): "any",
    ("unless-gateway", False): "no",
    ("unless-gateway", True): "any",
}
"""What the plan expects, and whether something answers at the fabric's gateway -> what must be observed."""

_CORRECT: Final[Mapping[ExpectedResult, tuple[bool | None, ...]]] = {
    "yes": (True,),
    "no": (False,),
    "any": (True, False, None),
}
"""The observations (`Observed.reached`) that are as expected. A cell that could not be probed is as expected only where all is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One cell, expected beside observed."""

    cell: Cell
    expected: ExpectedResult
    observed: Observed
    reason: str
    """Why it is wrong; empty where it is not."""

    @property
    def ok(self) -> bool:
        """Whether it is as expected."""
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The complete matrix."""

    verdicts: tuple[Verdict, ...]
    possible: int
    """Number of cells there are; more than verdicts where these are a sample."""
    unreachable: Mapping[str, HostError]
    """Host -> why nothing could be probed from it."""
    seconds: float
    """How long it took."""
    gateway_answers: bool
    """Whether something answers at the fabric's gateway."""

    @property
    def ok(self) -> bool:
        """Whether everything is as expected."""
        return not self.unreachable and all(verdict.ok for verdict in self.verdicts)


def verify_plan(
    plan: Plan,
    owned: Callable[[], Ownership],
    *,
    internet: Sequence[IPAddress | str] = (),
    only: Filter | None = None,
    timeout: float = 10.0,
) -> Verification:
    """Probe the cells of the matrix, on all hosts in parallel, and compare them with the plan.

    Args:
        plan: What is planned.
        owned: Returns what the stack owns; called while the hosts are read, so that its state can be read meanwhile.
        internet: Addresses and names beyond the hosts' LAN. Without them nothing is sent there, and there are no such cells.
        only: Which cells to probe; None for all.
        timeout: In seconds, to connect to a host and for each answer of it.
    """
    began = time.monotonic()
    matrix = make_matrix(plan, internet=internet, only=only)
    matrix = replace(matrix, cells=tuple(_from_here(plan, matrix.cells)))
    involved = {host for cell in matrix.cells for host in (cell.source_host, cell.target_host)}
    hosts = [host for host in plan.hosts if host.name in involved]
    with ThreadPoolExecutor(max_workers=1) as client:
        from_client = client.submit(connect_cells, [cell for cell in matrix.cells if cell.source == CLIENT])
        replies = on_hosts(
            plan,
            hosts,
            lambda session: _probe(session, plan.host(session.name), matrix.cells, owned, timeout),
            timeout=timeout,
        )
        observations = dict(from_client.result())
    snapshots: dict[str, HostSnapshot | HostError] = {}
    for host, reply in replies.items():
        if isinstance(reply, HostError):
            snapshots[host] = reply
        else:
            snapshots[host], from_host = reply
            observations.update(from_host)
    replaced = {host for host, reply in replies.items() if isinstance(reply, OtherMachineError)}
    observations |= {
        cell: OTHER_MACHINE_ANSWERS for cell in matrix.cells if replaced & {cell.source_host, cell.target_host}
    }
    gateway_answers = any(cell.kind == "gateway" and observed.reached for cell, observed in observations.items())
    return Verification(
        verdicts=tuple(judge(matrix.cells, observations, Diagnosis(plan, snapshots), gateway_answers=gateway_answers)),
        possible=matrix.possible,
        unreachable={host: reply for host, reply in replies.items() if isinstance(reply, HostError)},
        seconds=time.monotonic() - began,
        gateway_answers=gateway_answers,
    )


def judge(
    cells: Iterable[Cell], observations: Mapping[Cell, Observed], diagnosis: Diagnosis, *, gateway_answers: bool
) -> Iterator[Verdict]:
    """Compare each cell's observation with the plan; a cell without one was not probed."""
    for cell in cells:
        observed = observations.get(cell, NOT_OBSERVED)
        expected = _EXPECTED[cell.expected, gateway_answers]
        if cell.port is not None and cell.port.protocol != "tcp" and observed.reached is None:
            # A datagram that nobody refused proves neither.
            expected = "any"
        correct = observed.reached in _CORRECT[expected]
        # Where the probe itself failed, the reason is looked for as if the connection must work.
        must_work = expected == "yes" or observed.reached is None
        yield Verdict(
            cell=cell,
            expected=expected,
            observed=observed,
            reason="" if correct else diagnosis.reason(cell, observed, must_work=must_work),
        )


def _from_here(plan: Plan, cells: Iterable[Cell]) -> Iterator[Cell]:
    """Yield the cells as this machine can try them: a host of the fabric does not reach the ports of its own containers."""
    here = {name for name, address in plan.lan_hosts.items() if has_address(address)}
    for cell in cells:
        isolated = cell.kind == "container-port" and cell.target_host in here
        if isolated and cell.target_host is not None and plan.host(cell.target_host).shim is None:
            yield replace(cell, expected="no")
        else:
            yield cell


def _probe(
    session: HostSession, host: HostPlan, cells: Iterable[Cell], owned: Callable[[], Ownership], timeout: float
) -> tuple[HostSnapshot, Mapping[Cell, Observed]]:
    """Read one host, and probe the cells whose source is there. Raises HostError, also where it is another machine."""
    own = [cell for cell in cells if cell.source_host == host.name]
    services = {cell.source_service for cell in own}
    sources = [container for container in host.containers if container.service in services]
    snapshot = take_snapshot(session, timeout=timeout, pids_of=sources, troubles_of=host.containers)
    replaced = other_machine(host.name, owned().engines.get(host.name, ""), snapshot.engine_id)
    if replaced is not None:
        raise replaced
    at_loopback = [cell for cell in own if cell.kind == "loopback-port"]
    observed = dict(loopback_cells(session, at_loopback, timeout=timeout))
    pings = [cell for cell in own if cell.kind != "loopback-port"]
    if not pings:
        return snapshot, observed
    run = root_shell(session, snapshot, owned)
    if run is None:
        raise no_root(host.name, host.ssh.user)
    on_bridges = dict(_on_bridges(host, snapshot, pings))
    ends = Ends(pids=snapshot.pids, resolvers=snapshot.resolvers, on_bridges=on_bridges)
    observed.update(ping_cells(host.name, run, pings, ends, timeout))
    return snapshot, observed


def _on_bridges(host: HostPlan, snapshot: HostSnapshot, cells: Iterable[Cell]) -> Iterator[tuple[Cell, IPAddress]]:
    """Yield the cells whose target is an address on a bridge, each with the address that Docker gave it there; not without one."""
    for cell in cells:
        if cell.kind != "bridge-address" or cell.target_service is None or cell.bridge is None:
            continue
        live = snapshot.containers.get(host.container(cell.target_service).name)
        endpoint = None if live is None else live.endpoints.get(cell.bridge)
        if endpoint is not None and endpoint.address is not None:
            yield cell, endpoint.address
