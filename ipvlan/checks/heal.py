"""What `ipvlan heal` does about the differences that `ipvlan status` reports: the smallest change for each, or none.

Which kind of difference is repaired how is in `drift_kinds`. A connection or a stopped container is repaired on the host itself,
with the container that is there. What has an id in Pulumi's state is created by `pulumi up`, for exactly those resources. The rest
is for a person: everything that belongs to others, and every container of the stack whose planned address somebody else holds.

After it `pulumi preview` shows no changes: what is repaired on the host was never missing from the state.

Out of scope: finding the differences (`drift`), doing the repairs (`ipvlan.checks.repairs`, `ipvlan.checks.pulumi_up`), and the
conversation with the user (`ipvlan.cli`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ipvlan.checks.bridge_repair import container_obstacle, network_obstacle, wanted_connections
from ipvlan.checks.difference import Difference
from ipvlan.checks.drift_kinds import REPAIRERS, DriftKind, Repairer
from ipvlan.checks.file_drift import file_targets
from ipvlan.hosts.endpoints import Wanted
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.repair import Seen
from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.resource_names import Urns
from ipvlan.plan.rollout_containers import role_of

if TYPE_CHECKING:
    from netaddr import IPAddress

_DESCRIPTIONS: Final[Mapping[DriftKind, str]] = {
    DriftKind.ROUTE_MISSING: "set the routes of {host} again",
    DriftKind.SHIM_MISSING: "set up the shim of {host} again",
    DriftKind.FABRIC_DISCONNECTED: "connect {container} to {fabric} at {address}",
    DriftKind.ADDRESS_DIFFERENT: "connect {container} to {fabric} at {address}",
    DriftKind.CONTAINER_STOPPED: "start {container}",
    DriftKind.BRIDGE_DISCONNECTED: "connect {container} to the bridge",
    DriftKind.PORTS_UNBOUND: "connect {container} to the bridge again",
    DriftKind.BRIDGE_CONNECTED: "disconnect {container} from the bridge",
    DriftKind.NETWORK_MISSING: "pulumi up: create network {fabric} on {host} again, and its containers with it",
    DriftKind.NETWORK_DIFFERENT: "pulumi up: create network {fabric} on {host} again, and its containers with it",
    DriftKind.CONTAINER_MISSING: "pulumi up: create {container} again",
    DriftKind.IMAGE_DIFFERENT: "pulumi up: create {container} again",
    DriftKind.PORTS_DIFFERENT: "pulumi up: create {container} again",
    DriftKind.ENDPOINT_MISSING: "connect {container} to {network}",
    DriftKind.ENDPOINT_DIFFERENT: "connect {container} to {network} again, as planned",
    DriftKind.ENDPOINT_EXTRA: "disconnect {container} from {network}",
    DriftKind.BRIDGE_NETWORK_MISSING: "pulumi up: create bridge network {network} on {host} again, and connect its containers",
    DriftKind.BRIDGE_NETWORK_DIFFERENT: "pulumi up: create bridge network {network} on {host} again, and connect its containers, "
    "which run on",
    DriftKind.FILE_DIFFERENT: "pulumi up: write the files of {container} again, and have it use them",
    DriftKind.VOLUME_MISSING: "pulumi up: create volume {volume} on {host} again, {content}",
}

_ON_THE_FABRIC: Final = (DriftKind.FABRIC_DISCONNECTED, DriftKind.ADDRESS_DIFFERENT)
"""What is repaired by a connection to the fabric's network."""

_NEEDS_ITS_ADDRESS: Final = (*_ON_THE_FABRIC, DriftKind.CONTAINER_STOPPED)
"""What is repaired on the host and makes a container use its planned address."""

_ON_BRIDGES: Final = (DriftKind.ENDPOINT_MISSING, DriftKind.ENDPOINT_DIFFERENT, DriftKind.ENDPOINT_EXTRA)
"""What is repaired by a container's connections to bridge networks, all of them at once."""

_BRIDGE_NETWORKS: Final = (DriftKind.BRIDGE_NETWORK_MISSING, DriftKind.BRIDGE_NETWORK_DIFFERENT)
"""What is repaired by a bridge network that Pulumi creates again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairStep:
    """The repair of one difference."""

    difference: Difference
    description: str
    """What will be done, or what a person must decide."""
    by: Repairer
    """Who does it."""
    seen: Seen | None = None
    """The container as the user is shown it, where the step changes one on its host."""
    network_id: str = ""
    """Docker's id of the fabric's network on the host, where the step connects to it."""
    connections: Wanted | None = None
    """The container's connections to bridge networks as they are to be, where the step makes them so."""

    @property
    def confirmed(self) -> tuple[object, ...]:
        """What must be the same right before the step is done."""
        about = self.difference
        place = (about.kind, about.host, about.service, about.container, about.network, about.volume)
        return (*place, about.id, self.by, self.seen, self.network_id, self.connections)


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """Everything that will be done, in order."""

    steps: tuple[RepairStep, ...]
    targets: tuple[str, ...]
    """URNs of the resources that `pulumi up` is run for."""

    def by(self, repairer: Repairer) -> tuple[RepairStep, ...]:
        """Return the steps of one repairer."""
        return tuple(step for step in self.steps if step.by == repairer)

    @property
    def changed_hosts(self) -> tuple[str, ...]:
        """Names of the hosts on which something is changed, sorted."""
        return tuple(sorted({step.difference.host for step in self.steps if step.by != "person"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the repair is planned from, besides the differences."""

    plan: Plan
    snapshots: Mapping[str, HostSnapshot]
    """By host, of all that answered: a holder of an address may be on a host that is not repaired."""
    ownership: Ownership
    """Read from the state: without it nothing is repaired."""
    urns: Urns
    before_plugin: bool = False
    """Whether no `up` of this version was complete: Pulumi refuses `--target` then."""

    def holders(self, address: IPAddress, but: LiveContainer | None) -> Iterator[tuple[str, LiveContainer]]:
        """Yield who has the address on the fabric's LAN, or will have it at its next start, with the host; `but` left out.

        What a change of the container itself keeps stopped never starts beside it.
        """
        for host, snapshot in self.snapshots.items():
            for live in snapshot.containers.values():
                if (but is not None and live.id == but.id) or self._is_kept(host, live):
                    continue
                if any(endpoint.held == address for endpoint in snapshot.endpoints_on_lan(live)):
                    yield host, live

    def _is_kept(self, host: str, live: LiveContainer) -> bool:
        role = role_of(self.ownership, host, live)
        return role is not None and role != "restored" and not live.running

    def container(self, difference: Difference) -> ContainerPlan:
        """Return the planned container that a difference is about; KeyError where it is about a host."""
        return self.plan.host(difference.host).container(difference.service or "")

    def live(self, difference: Difference) -> LiveContainer | None:
        """Return the container of that name that is there."""
        return self.snapshots[difference.host].containers.get(difference.container or "")

    def never_started(self, difference: Difference) -> bool:
        """Return whether the container was created and never started: its connections to bridges start it."""
        live = self.live(difference)
        return live is not None and live.state == "created"


def plan_repair(known: Known, differences: Iterable[Difference]) -> RepairPlan:
    """Decide what to do about each difference whose severity is `error`."""
    errors = [difference for difference in differences if difference.severity == "error"]
    steps = [_step(known, error) for error in errors]
    new_networks = {step.difference.host for step in steps if _recreates(step) == "network"}
    new_containers = {_place(step.difference) for step in steps if _recreates(step) == "container"}
    new_bridges = {
        (step.difference.host, step.difference.network)
        for step in steps
        if step.by == "pulumi" and step.difference.kind in _BRIDGE_NETWORKS
    }

    def waits(step: RepairStep) -> bool:
        """Whether Pulumi creates a bridge network of the container again, and then makes its connections."""
        if step.difference.service is None or step.difference.kind not in (*_ON_BRIDGES, DriftKind.CONTAINER_STOPPED):
            return False
        bridges = known.container(step.difference).bridges
        return any((step.difference.host, endpoint.bridge) in new_bridges for endpoint in bridges)

    def comes_with_another(step: RepairStep) -> bool:
        """Whether what Pulumi creates again repairs this difference too."""
        if step.difference.kind is DriftKind.FILE_DIFFERENT:
            return step.difference.host in new_networks or _place(step.difference) in new_containers
        if step.by == "pulumi" or step.difference.service is None:
            return False
        if waits(step) and (step.difference.kind in _ON_BRIDGES or known.never_started(step.difference)):
            return True
        by_kind = step.difference.kind.repair.by
        with_network = step.difference.host in new_networks and known.container(step.difference).fabric
        return with_network or (by_kind == "host" and _place(step.difference) in new_containers)

    steps = [step for step in steps if not comes_with_another(step)]
    steps = [_later(step) if waits(step) else _without_target(known, step) for step in steps]
    steps.sort(
        key=lambda step: (
            REPAIRERS.index(step.by),
            step.difference.host,
            step.difference.kind.repair.order,
            step.difference.service or "",
        )
    )
    return _with_targets(known, steps)


def still_valid(
    known: Known, confirmed: RepairPlan, fresh: RepairPlan, unlocked: Mapping[str, HostError]
) -> tuple[RepairPlan, Mapping[RepairStep, str]]:
    """Compare what the user confirmed with what is planned right before it is done.

    Args:
        known: What `fresh` is planned from.
        confirmed: What the user was shown.
        fresh: What is planned now.
        unlocked: Hosts without this run's lock, with the reason.

    Returns:
        The steps that are the same, and those to skip with the reason. A step that is new is not done: nobody confirmed it.
    """
    now = {step.confirmed for step in fresh.steps}
    places = {(step.difference.kind, *_place(step.difference)) for step in fresh.steps}
    skipped: dict[RepairStep, str] = {}
    for step in confirmed.steps:
        if step.by == "person":
            continue
        if step.difference.host in unlocked:
            skipped[step] = unlocked[step.difference.host].summary
        elif step.confirmed not in now:
            there = (step.difference.kind, *_place(step.difference)) in places
            skipped[step] = "what is there has changed since it was shown" if there else "it is not so any more"
    return _with_targets(known, [step for step in confirmed.steps if step not in skipped]), skipped


def _step(known: Known, difference: Difference) -> RepairStep:
    by = difference.kind.repair.by
    if by == "person":
        return RepairStep(difference=difference, description=difference.fix, by=by)
    planned = None if difference.service is None else known.container(difference)
    description = _DESCRIPTIONS[difference.kind].format(
        host=difference.host,
        container=f"{difference.container} on {difference.host}",
        fabric=known.plan.network_name,
        network=difference.network,
        volume=difference.volume,
        content=_content(known, difference),
        address="" if planned is None else planned.address_text,
    )
    step = RepairStep(difference=difference, description=description, by=by)
    obstacle = _obstacle(known, difference, planned)
    if obstacle:
        return replace(step, by="person", description=obstacle)
    if by == "pulumi" or planned is None:
        return step
    live = known.live(difference)
    host, snapshot = known.plan.host(difference.host), known.snapshots[difference.host]
    return replace(
        step,
        connections=wanted_connections(known.ownership, host, snapshot, planned, live)
        if live is not None and difference.kind in _ON_BRIDGES
        else None,
        seen=None if live is None else Seen.of(live),
        network_id=known.ownership.networks[difference.host] if difference.kind in _ON_THE_FABRIC else "",
    )


def _obstacle(known: Known, difference: Difference, planned: ContainerPlan | None) -> str:
    """Return why the difference is left to a person though its kind is not; empty where it is not left."""
    if difference.kind in _BRIDGE_NETWORKS:
        host = known.plan.host(difference.host)
        return network_obstacle(known.ownership, host, known.snapshots[host.name], difference)
    obstacle = _of_the_fabric(known, difference)
    if obstacle:
        return obstacle
    if planned is not None:
        return _of_container(known, difference, planned)
    external = difference.volume is not None and any(
        volume.external for volume in known.plan.host(difference.host).volumes if volume.name == difference.volume
    )
    return difference.fix if external else ""


def _of_the_fabric(known: Known, difference: Difference) -> str:
    """Return what about the fabric's network is in the way of a repair."""
    kind, host = difference.kind, difference.host
    network = known.snapshots[host].network(known.plan.network_name)
    if network is None or not (kind.repair.recreates == "network" or kind in _ON_THE_FABRIC):
        return ""
    if network.id != known.ownership.networks.get(host):
        return (
            f"nothing is changed: network {network.name} on {host} ({network.id[:12]}) is not the one in the state of stack "
            f"{known.ownership.stack}"
        )
    restored = _restored(known, host) if kind.repair.recreates == "network" else ""
    if restored:
        return (
            f"nothing is changed: {restored} on {host} runs in place of a replacement that did not come up, and Docker removes "
            "no network of one that runs. Settle that first (`ipvlan status`); then run `ipvlan heal` again"
        )
    return ""


def _of_container(known: Known, difference: Difference, planned: ContainerPlan) -> str:
    """Return what about a container, its bridges or its address is in the way of a repair."""
    kind, host, live = difference.kind, difference.host, known.live(difference)
    if (kind.repair.by == "host" or kind is DriftKind.FILE_DIFFERENT) and (
        live is None or live.id not in known.ownership.ids
    ):
        return f"nothing is changed: {planned.name} on {host} is not in the state of stack {known.ownership.stack}"
    if kind in (*_ON_BRIDGES, DriftKind.CONTAINER_STOPPED):
        # Of the networks of this stack, only its bridges are left on the host.
        by_hand = difference.fix if difference.network == known.plan.network_name else ""
        bridges = container_obstacle(known.ownership, known.plan.host(host), known.snapshots[host], planned)
        if by_hand or bridges:
            return by_hand or bridges
    if planned.address is None or not (kind in _NEEDS_ITS_ADDRESS or kind.repair.recreates == "container"):
        return ""
    holders = ", ".join(
        f"{holder.name} ({holder.id[:12]}) on {place}" for place, holder in known.holders(planned.address, live)
    )
    if not holders:
        return ""
    return (
        f"{planned.name} stays as it is: its planned address {planned.address} is held by {holders}. Plan another address, or free "
        "this one; then run `ipvlan heal` again"
    )


def _content(known: Known, difference: Difference) -> str:
    """Return what a volume that is created again has in it."""
    volumes = known.plan.host(difference.host).volumes
    elsewhere = any(volume.data_elsewhere for volume in volumes if volume.name == difference.volume)
    return "whose data is where its device is" if elsewhere else "empty"


def _later(step: RepairStep) -> RepairStep:
    """Return the start of a stopped container, left to the next run: Pulumi creates a bridge network of it only after the hosts."""
    description = (
        f"{step.difference.container} is started by the next `ipvlan heal`: its bridge network is created again first"
    )
    return replace(step, by="person", description=description)


def _restored(known: Known, host: str) -> str:
    """Return the names of the host's restored containers on the fabric, which are not in the state; empty where there is none."""
    return ", ".join(
        live.name
        for live in known.snapshots[host].containers.values()
        if known.plan.network_name in live.endpoints and role_of(known.ownership, host, live) == "restored"
    )


def _without_target(known: Known, step: RepairStep) -> RepairStep:
    """Return the step, left to a person where Pulumi would refuse it."""
    if step.by != "pulumi" or not known.before_plugin:
        return step
    description = (
        f"run `pulumi up --refresh --stack {known.ownership.stack}` once, which repairs this too: the state is that of an earlier "
        "version or of an `up` that did not complete, and until one does Pulumi cannot create single resources again"
    )
    return replace(step, by="person", description=description)


def _recreates(step: RepairStep) -> str | None:
    """Return what Pulumi creates again in this step."""
    return step.difference.kind.repair.recreates if step.by == "pulumi" else None


def _place(difference: Difference) -> tuple[str, str | None]:
    return difference.host, difference.service


def _with_targets(known: Known, steps: Sequence[RepairStep]) -> RepairPlan:
    """Return the plan with the URNs of the resources that its steps need."""
    targets: set[str] = set()
    for step in steps:
        if step.by != "pulumi":
            continue
        # Everything depends on these two. After an `up` that did not finish they may be missing from the state.
        targets.add(known.urns.of_identity())
        if known.plan.probe_addresses:
            targets.add(known.urns.of_address_check())
        host = known.plan.host(step.difference.host)
        if step.difference.kind in _BRIDGE_NETWORKS:
            targets.update(_bridge_targets(known, host, step.difference.network or ""))
        elif step.difference.volume is not None:
            targets.add(known.urns.of_volume(host.name, step.difference.volume))
        elif step.difference.service is None:
            targets.update(known.urns.of_host(host))
        elif step.difference.kind is DriftKind.FILE_DIFFERENT:
            targets.update(file_targets(known.urns, known.container(step.difference)))
        else:
            targets.update((known.urns.of_network(host.name), known.urns.of_network_removal(host.name)))
            targets.update(known.urns.of_container(known.container(step.difference)))
    return RepairPlan(steps=tuple(steps), targets=tuple(sorted(targets)))


def _bridge_targets(known: Known, host: HostPlan, network: str) -> Iterator[str]:
    """Yield the URNs of a bridge network and of its containers' endpoints, with the other networks that these depend on."""
    yield known.urns.of_bridge_network(host.name, network)
    for container in host.containers:
        if any(endpoint.bridge == network for endpoint in container.bridges):
            yield known.urns.of_bridge_endpoints(container)
            yield from (known.urns.of_bridge_network(host.name, endpoint.bridge) for endpoint in container.bridges)
