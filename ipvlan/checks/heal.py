"""Repairing what `ipvlan status` reports, with the smallest change that does it.

Which kind of difference is repaired how is in `drift_kinds`. A connection or a stopped container is repaired on the host itself,
with the container that is there. What has an id in Pulumi's state is created by `pulumi up`, for exactly those resources. The rest
is for a person. No container of others is changed.

After it `pulumi preview` shows no changes: what is repaired on the host was never missing from the state.

Out of scope: finding the differences (`drift`), and the conversation with the user (`ipvlan.cli`).
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ipvlan.checks.drift import Difference
from ipvlan.checks.drift_kinds import REPAIRERS, DriftKind, Repairer
from ipvlan.hosts import bridge
from ipvlan.hosts.connection import HostConnection, connection_to, run_on_host
from ipvlan.hosts.docker_environment import without_redirection
from ipvlan.hosts.errors import DOCKER_REFUSED, HostError
from ipvlan.hosts.networking import apply, planned_networking
from ipvlan.hosts.session import HOSTS_AT_ONCE
from ipvlan.plan import resource_names
from ipvlan.plan.model import ContainerPlan, Plan
from ipvlan.plan.resource_names import COMPONENT
from ipvlan.problems import Problem, ToolError

CHANGE_SECONDS: Final = 90.0
"""Time limit of one change on a host, in seconds: a stop may wait ten for the process, and a busy host needs more."""

PULUMI_SECONDS: Final = 1800.0
"""Time limit of `pulumi up` for a few resources, in seconds; it may pull images."""

_DESCRIPTIONS: Final[Mapping[DriftKind, str]] = {
    DriftKind.ROUTE_MISSING: "set the routes of {host} again",
    DriftKind.SHIM_MISSING: "set up the shim of {host} again",
    DriftKind.FABRIC_DISCONNECTED: "connect {container} to {fabric} at {address}",
    DriftKind.ADDRESS_DIFFERENT: "connect {container} to {fabric} at {address}",
    DriftKind.CONTAINER_STOPPED: "start {container}",
    DriftKind.BRIDGE_DISCONNECTED: "connect {container} to the bridge",
    DriftKind.PORTS_UNBOUND: "connect {container} to the bridge again",
    DriftKind.BRIDGE_CONNECTED: "disconnect {container} from the bridge",
    DriftKind.NETWORK_ON_PARENT: "remove the network {network} on {host}, if no container uses it",
    DriftKind.NETWORK_MISSING: "pulumi up: create network {fabric} on {host} again, and its containers with it",
    DriftKind.NETWORK_DIFFERENT: "pulumi up: create network {fabric} on {host} again, and its containers with it",
    DriftKind.CONTAINER_MISSING: "pulumi up: create {container} again",
    DriftKind.CONTAINER_RECREATED: "remove {container}, which was recreated by hand, and pulumi up: create it as planned",
    DriftKind.IMAGE_DIFFERENT: "pulumi up: create {container} again",
    DriftKind.PORTS_DIFFERENT: "pulumi up: create {container} again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairStep:
    """The repair of one difference."""

    difference: Difference
    description: str
    """What will be done."""

    @property
    def by(self) -> Repairer:
        """Who does it."""
        return self.difference.kind.repair.by


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairPlan:
    """Everything that will be done, in order."""

    steps: tuple[RepairStep, ...]
    targets: tuple[str, ...]
    """The resources that `pulumi up` is run for, as patterns of URNs."""

    def by(self, repairer: Repairer) -> tuple[RepairStep, ...]:
        """Return the steps of one repairer."""
        return tuple(step for step in self.steps if step.by == repairer)


def plan_repair(plan: Plan, differences: Iterable[Difference]) -> RepairPlan:
    """Decide what to do about each difference whose severity is `error`."""
    errors = [difference for difference in differences if difference.severity == "error"]
    new_networks = {error.host for error in errors if error.kind.repair.recreates == "network"}
    new_containers = {(error.host, error.service) for error in errors if error.kind.repair.recreates == "container"}

    def comes_with_another(error: Difference) -> bool:
        """Whether what Pulumi creates again repairs this difference too."""
        repairer = error.kind.repair.by
        if repairer == "pulumi" or error.service is None:
            return False
        return error.host in new_networks or (repairer == "host" and (error.host, error.service) in new_containers)

    steps = [
        RepairStep(difference=error, description=_description(plan, error))
        for error in errors
        if not comes_with_another(error)
    ]
    steps.sort(
        key=lambda step: (
            REPAIRERS.index(step.by),
            step.difference.host,
            step.difference.kind.repair.order,
            step.difference.service or "",
        )
    )
    return RepairPlan(steps=tuple(steps), targets=tuple(_targets(plan, steps)))


def repair_on_hosts(
    plan: Plan, steps: Sequence[RepairStep], done: Callable[[RepairStep], None]
) -> Mapping[RepairStep, HostError]:
    """Do the steps that are done on hosts, all hosts in parallel, and return those that failed with the reason.

    `done` is called with each step that succeeded.
    """
    if not steps:
        return {}
    by_host: dict[str, list[RepairStep]] = {}
    for step in steps:
        by_host.setdefault(step.difference.host, []).append(step)

    def repair_host(host: str) -> dict[RepairStep, HostError]:
        failed = {}
        connection = connection_to(plan.host(host), plan.ssh)
        for step in by_host[host]:
            try:
                _repair(plan, connection, step.difference)
            except HostError as error:
                failed[step] = error
            else:
                done(step)
        return failed

    with ThreadPoolExecutor(max_workers=min(len(by_host), HOSTS_AT_ONCE)) as pool:
        failures = list(pool.map(repair_host, by_host))
    return {step: error for failed in failures for step, error in failed.items()}


def remove_unmanaged_containers(plan: Plan, steps: Sequence[RepairStep]) -> None:
    """Remove the containers that somebody recreated by hand: Pulumi needs their names. Raises HostError."""
    for step in steps:
        if step.difference.kind is DriftKind.CONTAINER_RECREATED:
            connection = connection_to(plan.host(step.difference.host), plan.ssh)
            _docker(connection, "rm", "--force", step.difference.container or "")


def pulumi_command(stack: str, targets: Sequence[str]) -> tuple[str, ...]:
    """Return the `pulumi up` that creates exactly the `targets` again."""
    command = ["pulumi", "up", "--stack", stack, "--yes", "--skip-preview", "--refresh"]
    for target in targets:
        command += ["--target", target]
    return tuple(command)


def run_pulumi(command: Sequence[str], root: Path, *, to_stderr: bool) -> int:
    """Run pulumi in the folder `root`, pass its output on, and return its exit status. Raises ToolError without pulumi."""
    try:
        return subprocess.run(
            list(command),
            cwd=root,
            env=without_redirection(os.environ),
            timeout=PULUMI_SECONDS,
            check=False,
            stdout=sys.stderr if to_stderr else None,
        ).returncode
    except FileNotFoundError:
        raise pulumi_failure(
            "IPF914", "there is no `pulumi` on PATH", f"run it where Pulumi is installed: {shlex.join(command)}"
        ) from None
    except subprocess.TimeoutExpired:
        raise pulumi_failure(
            "IPF915",
            f"`{shlex.join(command)}` took more than {PULUMI_SECONDS / 60:.0f} minutes and was ended",
            "run `pulumi cancel`, then `ipvlan status`",
        ) from None


def pulumi_failure(code: str, problem: str, fix: str) -> ToolError:
    """Return why `pulumi up` did not repair its part, and the fix."""
    return ToolError(
        [
            Problem(
                code=code,
                key="pulumi",
                value="",
                problem=problem,
                effect="what only Pulumi can repair is not repaired",
                fix=fix,
            )
        ]
    )


def _description(plan: Plan, difference: Difference) -> str:
    if difference.kind.repair.by == "person":
        return difference.fix
    return _DESCRIPTIONS[difference.kind].format(
        host=difference.host,
        container=f"{difference.container} on {difference.host}",
        fabric=plan.network_name,
        address="" if difference.service is None else _container(plan, difference).address,
        network=difference.network,
    )


def _targets(plan: Plan, steps: Iterable[RepairStep]) -> list[str]:
    targets: set[str] = set()
    for step in steps:
        if step.by != "pulumi":
            continue
        difference = step.difference
        if plan.probe_addresses:
            # Everything depends on it. When it stopped the last `up`, it is not in the state.
            targets.add(resource_names.target(resource_names.address_check(COMPONENT)))
        host_slice = resource_names.host_slice(COMPONENT, difference.host)
        if difference.service is None:
            targets.add(resource_names.targets_below(host_slice))
            continue
        names = [resource_names.container(host_slice, difference.service), resource_names.network(host_slice)]
        container = _container(plan, difference)
        if container.bridged:
            bridge_component = resource_names.bridge_component(
                COMPONENT, difference.host, difference.service, published=container.published
            )
            names += [bridge_component, resource_names.bridge_connection(bridge_component)]
        targets |= {resource_names.image_targets(host_slice), *map(resource_names.target, names)}
    return sorted(targets)


def _container(plan: Plan, difference: Difference) -> ContainerPlan:
    return plan.host(difference.host).container(difference.service or "")


def _repair(plan: Plan, connection: HostConnection, difference: Difference) -> None:
    """Repair one difference on its host. Raises HostError."""
    host = plan.host(difference.host)
    match difference.kind:
        case DriftKind.FABRIC_DISCONNECTED | DriftKind.ADDRESS_DIFFERENT:
            planned = _container(plan, difference)
            # A connection to a deleted network of that name can only be removed with force.
            _docker(connection, "network", "disconnect", "--force", plan.network_name, planned.name, may_fail=True)
            _docker(connection, "network", "connect", "--ip", str(planned.address), plan.network_name, planned.name)
        case DriftKind.CONTAINER_STOPPED:
            name = _container(plan, difference).name
            _docker(connection, "unpause", name, may_fail=True)
            _docker(connection, "start", name)
        case DriftKind.BRIDGE_DISCONNECTED:
            bridge.connect(_attachment(plan, connection, difference))
        case DriftKind.PORTS_UNBOUND:
            attachment = _attachment(plan, connection, difference)
            bridge.disconnect(attachment)
            bridge.connect(attachment)
        case DriftKind.BRIDGE_CONNECTED:
            bridge.disconnect(_attachment(plan, connection, difference))
        case DriftKind.ROUTE_MISSING | DriftKind.SHIM_MISSING:
            networking = planned_networking(host, connection)
            if networking is None:
                raise RuntimeError(
                    f"{difference.kind} on {host.name}, and the plan has neither routes nor a shim there"
                )
            apply(networking)
        case DriftKind.NETWORK_ON_PARENT:
            _docker(connection, "network", "rm", difference.network or "")
        case _:
            raise RuntimeError(f"{difference.kind} is not repaired on a host")


def _attachment(plan: Plan, connection: HostConnection, difference: Difference) -> bridge.BridgeAttachment:
    container = _container(plan, difference)
    live_id = _docker(connection, "container", "inspect", "--format", "{{.Id}}", container.name)
    return bridge.planned_attachment(plan.host(difference.host), container, connection, live_id)


def _docker(connection: HostConnection, *arguments: str, may_fail: bool = False) -> str:
    """Run Docker's command line on the host and return what it prints. Raises HostError, unless it may fail."""
    command = shlex.join(["docker", *arguments])
    completed = run_on_host(connection, command, timeout=CHANGE_SECONDS)
    if completed.returncode != 0 and not may_fail:
        raise HostError.on(
            connection.name,
            DOCKER_REFUSED,
            problem=f"`{command}` failed: {completed.stderr.strip() or completed.stdout.strip()}",
            effect="the difference is still there",
            fix="fix what Docker names on the host, then run `ipvlan heal` again",
        )
    return completed.stdout.strip()
