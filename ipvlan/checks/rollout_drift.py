"""What is said of a container that does not stay up, and of the containers that a change leaves on a host.

No advice that cannot help: a container in a restart loop is not started again, and what `pulumi up` settles is not removed by hand
while it may be the only one that works.

Out of scope: finding them (`ipvlan.checks.drift`), and which container is which (`ipvlan.plan.rollout_containers`).
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from ipvlan.checks.command_lines import host_line
from ipvlan.checks.difference import Difference, difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.hosts.trouble import Trouble
from ipvlan.plan.model import ContainerPlan, HostPlan
from ipvlan.plan.resource_names import BRIDGE, FAILED_SUFFIX
from ipvlan.plan.rollout_containers import Role, planned_name

_LEFT: Final[dict[Role, DriftKind]] = {
    "spare": DriftKind.SPARE_LEFT,
    "failed": DriftKind.FAILED_LEFT,
    "rehearsal": DriftKind.REHEARSAL_LEFT,
}

_WHAT: Final[dict[DriftKind, str]] = {
    DriftKind.SPARE_LEFT: "the previous container of {name}, kept by an `up` that was cut short, or is at work now",
    DriftKind.FAILED_LEFT: "the replacement of {name} that did not come up, kept for its log",
    DriftKind.REHEARSAL_LEFT: "a trial of {name} that never runs, left by an `up` that was cut short, or is at work now",
}


def restarting(
    stack: str, host: HostPlan, planned: ContainerPlan, live: LiveContainer, trouble: Trouble | None
) -> Difference:
    """Describe a planned container that ends and is started again by Docker; `trouble` is what it shows, where it is known."""
    trouble = trouble or Trouble(looping=True)
    details = [
        *([f"{trouble.restarts} restart{'' if trouble.restarts == 1 else 's'} so far"] if trouble.restarts else []),
        *([] if trouble.exit_code is None else [f"exit code {trouble.exit_code}"]),
        *([trouble.error] if trouble.error else []),
    ]
    return difference(
        DriftKind.CONTAINER_RESTARTING,
        host,
        f"{planned.name} on {host.name} ends, and Docker starts it again, again and again"
        + (f": {', '.join(details)}" if details else ""),
        f"{_log_line(host, live)}; then {_correct(stack, planned)}",
        service=planned.service,
        container=planned.name,
        output=trouble.output,
        id_=live.id,
    )


def unhealthy(host: HostPlan, planned: ContainerPlan, live: LiveContainer, trouble: Trouble | None) -> Difference:
    """Describe a planned container whose health check fails; `trouble` is what the last check showed, where it is known."""
    code = None if trouble is None else trouble.exit_code
    return difference(
        DriftKind.CONTAINER_UNHEALTHY,
        host,
        f"{planned.name} on {host.name} runs, and its health check fails"
        + ("" if code is None else f" with exit code {code}"),
        host_line(host, f"docker logs --tail 50 {planned.name}"),
        service=planned.service,
        container=planned.name,
        output=() if trouble is None else trouble.output,
        id_=live.id,
    )


def restored(
    stack: str, host: HostPlan, planned: ContainerPlan, live: LiveContainer, snapshot: HostSnapshot
) -> Difference:
    """Describe the previous container that has the place of a replacement that did not come up."""
    failed = snapshot.containers.get(f"{planned.name}{FAILED_SUFFIX}")
    differs = list(_differs(host, planned, live))
    return difference(
        DriftKind.CONTAINER_RESTORED,
        host,
        f"{planned.name} on {host.name} is the previous container: its replacement could not be created, or did not come up"
        + (f"; it {', and '.join(differs)}" if differs else ""),
        f"{'' if failed is None else f'{_log_line(host, failed)}; then '}{_correct(stack, planned)}; "
        f"or, to try the same again: pulumi up --refresh --stack {stack}",
        service=planned.service,
        container=planned.name,
        id_=live.id,
    )


def left(stack: str, host: HostPlan, live: LiveContainer, role: Role, snapshot: HostSnapshot) -> Difference:
    """Describe a spare, a failed replacement or a rehearsal; an error only where it runs, which it must not."""
    name, kind = planned_name(live.name), _LEFT[role]
    planned = next((container for container in host.containers if container.name == name), None)
    runs = live.state in ("running", "paused", "restarting")
    problem = f"{live.name} on {host.name} is {_WHAT[kind].format(name=name)}"
    up = f"pulumi up --stack {stack}"
    current = snapshot.containers.get(name)
    if runs:
        problem, fix = f"{problem}; it is {live.state}", up
    elif kind is DriftKind.FAILED_LEFT:
        fix = f"{_log_line(host, live)}; the next pulumi up that replaces {name} removes it"
    elif planned is None or (kind is DriftKind.SPARE_LEFT and (current is None or not current.running)):
        # It may be the only one that works.
        fix = up
    else:
        fix = (
            f"the next pulumi up that replaces {name} removes it; or, if no `up` is at work: "
            f"{host_line(host, f'docker rm {short_id(live.id)}')}"
        )
    return difference(
        kind,
        host,
        problem,
        fix,
        severity="error" if runs else None,
        service=None if planned is None else planned.service,
        container=live.name,
        id_=live.id,
    )


def _differs(host: HostPlan, planned: ContainerPlan, live: LiveContainer) -> Iterator[str]:
    """Yield what keeps a restored container from doing the work of the planned one."""
    if not live.running:
        yield f"does not run: {live.status or live.state}"
    endpoint = live.endpoints.get(host.network.name)
    if endpoint is None and planned.fabric:
        yield f"is not connected to {host.network.name}"
    elif endpoint is not None and endpoint.held != planned.address:
        yield f"holds {endpoint.held or 'no address'}, planned is {planned.address_text}"
    if planned.bridged and BRIDGE not in live.endpoints:
        yield "is not connected to the bridge"


def _log_line(host: HostPlan, live: LiveContainer) -> str:
    return host_line(host, f"docker logs --tail 50 {shlex.quote(live.name)}")


def _correct(stack: str, planned: ContainerPlan) -> str:
    return f"correct ipvlan-fabric:services.{planned.service} and run pulumi up --stack {stack}"
