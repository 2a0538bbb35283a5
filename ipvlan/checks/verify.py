"""Proving the matrix: every cell looked at on the hosts, compared with the plan, and explained where it is wrong.

Owns the order of the work and the judgement. What is expected stands in `matrix`, how it is looked at in `probes`, why it is
wrong in `diagnosis`, what people see in `verify_view`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from netaddr import IPAddress

from ipvlan.checks.diagnosis import Diagnosis
from ipvlan.hosts.connection_probe import Observed, connect_cells, ping_cells
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.root_shell import no_root, root_shell
from ipvlan.hosts.session import HostSession, on_hosts
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.plan.model import HostPlan, Plan
from ipvlan.plan.reachability import CLIENT, Cell, Filter, make_matrix

NOT_SEEN = Observed(reached=None, outcome="not tried")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One cell, expected beside observed."""

    cell: Cell
    wanted: str
    """yes, no, or any where the plan does not decide."""
    observed: Observed
    reason: str
    """Why it is wrong; empty where it is not."""

    @property
    def ok(self) -> bool:
        """Whether it is as it must be."""
        return not self.reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """The whole matrix."""

    verdicts: tuple[Verdict, ...]
    possible: int
    """Number of cells there are; more than verdicts where these are a sample."""
    dead: Mapping[str, HostError]
    """Host -> why nothing could be looked at from it."""
    seconds: float
    gateway_answers: bool

    @property
    def ok(self) -> bool:
        """Whether all holds."""
        return not self.dead and all(verdict.ok for verdict in self.verdicts)


def verify_plan(
    plan: Plan, *, internet: Sequence[IPAddress | str] = (), wanted: Filter | None = None, timeout: float = 10.0
) -> Verification:
    """Look at every cell that `wanted` takes, on all hosts at once.

    `internet` are addresses and names beyond the hosts' LAN; without them nothing is sent there and the cells do not exist.
    `timeout` is in seconds, for reaching a host and for each question to it.
    """
    began = time.monotonic()
    matrix = make_matrix(plan, internet=internet, only=wanted)
    involved = {name for cell in matrix.cells for name in (cell.source_host, cell.target_host)}
    hosts = [host for host in plan.hosts if host.name in involved]
    seen: dict[Cell, Observed] = {}
    with ThreadPoolExecutor(max_workers=1) as client:
        doors = client.submit(connect_cells, [cell for cell in matrix.cells if cell.source == CLIENT])
        answers = on_hosts(
            plan, hosts, lambda session: _look(session, plan.host(session.name), matrix.cells, timeout), timeout=timeout
        )
        seen.update(doors.result())
    said: dict[str, HostSnapshot | HostError] = {}
    for name, answer in answers.items():
        if isinstance(answer, HostError):
            said[name] = answer
        else:
            said[name] = answer[0]
            seen.update(answer[1])
    gateway_answers = any(cell.kind == "gateway" and observed.reached for cell, observed in seen.items())
    return Verification(
        verdicts=tuple(judge(matrix.cells, seen, Diagnosis(plan, said), gateway_answers=gateway_answers)),
        possible=matrix.possible,
        dead={name: answer for name, answer in said.items() if isinstance(answer, HostError)},
        seconds=time.monotonic() - began,
        gateway_answers=gateway_answers,
    )


def judge(
    cells: Iterable[Cell], seen: Mapping[Cell, Observed], diagnosis: Diagnosis, *, gateway_answers: bool
) -> Iterable[Verdict]:
    """Compare what was seen with what the plan wants, cell by cell."""
    for cell in cells:
        observed = seen.get(cell, NOT_SEEN)
        wanted: str = cell.expected
        if wanted == "unless-gateway":
            wanted = "any" if gateway_answers else "no"
        if cell.port is not None and cell.port.protocol != "tcp" and observed.reached is None:
            # A datagram that nobody refused proves neither.
            wanted = "any"
        right = wanted == "any" or observed.reached is (wanted == "yes")
        if right and observed is NOT_SEEN and wanted != "any":
            right = False
        yield Verdict(
            cell=cell,
            wanted=wanted,
            observed=observed,
            reason="" if right else diagnosis.reason(cell, observed, "yes" if observed.reached is None else wanted),
        )


def _look(
    session: HostSession, host: HostPlan, cells: Iterable[Cell], timeout: float
) -> tuple[HostSnapshot, Mapping[Cell, Observed]]:
    own = [cell for cell in cells if cell.source_host == host.name]
    sources = {cell.source_service for cell in own}
    snapshot = take_snapshot(
        session, timeout=timeout, pids_of=[found for found in host.containers if found.service in sources]
    )
    if not own:
        return snapshot, {}
    run = root_shell(session, snapshot)
    if run is None:
        raise no_root(host.name, host.ssh.user)
    return snapshot, ping_cells(host.name, run, own, snapshot.pids, snapshot.resolvers)
