"""What is said of containers and networks that are not the stack's: which difference it is, whose they are, what to do about them.

The first fix never removes what belongs to others; the one that does names it by Docker's id.

Out of scope: finding them (`ipvlan.checks.drift`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ipvlan.checks.command_lines import heal_line, host_line
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.snapshot import LiveContainer, LiveNetwork
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Ownership, Place, known_owner
from ipvlan.plan.resource_names import COMPOSE_PROJECT_LABEL, OWNER_LABEL, STACK_LABEL
from ipvlan.problems import Severity

if TYPE_CHECKING:
    from netaddr import IPAddress


@dataclass(frozen=True, slots=True, kw_only=True)
class NotOurs:
    """One difference about what is not the stack's."""

    kind: DriftKind
    problem: str
    """A sentence; of a container at a planned place, its predicate."""
    fix: str
    severity: Severity | None = None
    """None where the kind has one."""


def described(live: LiveContainer | LiveNetwork) -> str:
    """Return the id, and whose it is where its labels say so: `0123456789ab, of a stack "prod"`."""
    owner = known_owner(live)
    return f"{short_id(live.id)}, of {owner}" if owner else short_id(live.id)


def unneeded(host: HostPlan, live: LiveContainer | LiveNetwork) -> str:
    """Return the fix that removes it, for a person who knows that nobody needs it."""
    what, command = ("network", "network rm") if isinstance(live, LiveNetwork) else ("container", "rm -f")
    return f"if nobody needs the {what}: {host_line(host, f'docker {command} {short_id(live.id)}')}"


def network_at_place(ownership: Ownership, stack: str, host: HostPlan, live: LiveNetwork) -> NotOurs:
    """Describe a network of the fabric's name; `stack` is the stack's name as a command line takes it."""
    if ownership.bears_label(live, Place(host.name)):
        return _orphaned(DriftKind.NETWORK_ORPHANED, f"network {live.name} on {host.name} ", stack)
    return NotOurs(
        kind=DriftKind.NETWORK_NOT_OURS,
        problem=f"network {live.name} on {host.name} ({described(live)}) is not of stack {ownership.stack}",
        fix=f"set another name in ipvlan-fabric:fabric.name; or, {unneeded(host, live)}, then pulumi up",
    )


def network_on_parent(ownership: Ownership, stack: str, host: HostPlan, live: LiveNetwork) -> NotOurs:
    """Describe another network on the fabric's parent; `stack` is the stack's name as a command line takes it."""
    ours = ownership.owns(live)
    return NotOurs(
        kind=DriftKind.NETWORK_ON_PARENT,
        problem=f"network {live.name} ({live.driver}, {described(live)}) on {host.name} uses {host.parent} too; only one network "
        f"can, so {host.network.name} or its containers may fail to start",
        fix=f"pulumi up --stack {stack}" if ours else f"give one of them another parent; or, {unneeded(host, live)}",
    )


def container_at_place(
    plan: Plan, ownership: Ownership, stack: str, planned: ContainerPlan, live: LiveContainer
) -> NotOurs:
    """Describe a container of a planned name; `stack` is the stack's name as a command line takes it."""
    place, host = Place(planned.host, planned.service), plan.host(planned.host)
    if ownership.bears_label(live, place):
        return _orphaned(DriftKind.CONTAINER_ORPHANED, "", stack)
    heal = heal_line(stack, planned.host, planned.service)
    by_hand = not {STACK_LABEL, OWNER_LABEL, COMPOSE_PROJECT_LABEL} & live.labels.keys()
    # Where the state has no container at this place, nothing of the stack's was recreated.
    ours_before = place in ownership.containers or not ownership.read
    networks = {plan.network_name} if planned.fabric else {endpoint.bridge for endpoint in planned.bridges}
    if by_hand and ours_before and networks & live.endpoints.keys():
        at = ""
        if planned.fabric:
            held = live.endpoints[plan.network_name].held
            at = f", at {held or 'no address'}, planned is {planned.address}"
        return NotOurs(
            kind=DriftKind.CONTAINER_RECREATED,
            problem=f"({described(live)}) was recreated by hand{at}",
            fix=f"{unneeded(host, live)}, then {heal}",
        )
    return NotOurs(
        kind=DriftKind.CONTAINER_NOT_OURS,
        problem=f"({described(live)}) is not of stack {ownership.stack}, and has the name of a planned container",
        fix=f"set another name in ipvlan-fabric:services.{planned.service}.container_name; or, {unneeded(host, live)}, "
        f"then {heal}",
    )


def container_on_fabric(
    plan: Plan,
    stack: str,
    host: HostPlan,
    live: LiveContainer,
    *,
    held: IPAddress | None,
    planned: ContainerPlan | None,
) -> NotOurs:
    """Describe a container at no planned place; it holds `held`, which is planned for `planned`."""
    about = f"{live.name} on {host.name} ({described(live)}) is not of this stack, and"
    if planned is not None:
        return NotOurs(
            kind=DriftKind.FOREIGN_ADDRESS,
            problem=f"{about} holds {held}, which is planned for {planned.name} on {planned.host}",
            fix=f"plan another address in ipvlan-fabric:services.{planned.service}; or, {unneeded(host, live)}, then "
            f"{heal_line(stack, planned.host, planned.service)}",
        )
    by_docker = held is None or plan.address_space.assignable(held, host.name)
    return NotOurs(
        kind=DriftKind.FOREIGN_CONTAINER,
        problem=f"{about} is on the fabric with {held or 'no address while it does not run'}"
        + ("" if by_docker else ", an address that Docker may not hand out there"),
        fix=f"{'leave it' if by_docker else 'give it an address that Docker may hand out'}; or, {unneeded(host, live)}",
        severity="info" if by_docker else "error",
    )


def _orphaned(kind: DriftKind, subject: str, stack: str) -> NotOurs:
    return NotOurs(
        kind=kind,
        problem=f"{subject}bears this stack's owner label, and its state does not record it",
        fix=f"pulumi up --stack {stack}",
    )
