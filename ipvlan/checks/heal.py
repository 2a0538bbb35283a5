"""Fixing what `status` found, with the least that does it.

Owns which difference is fixed how, and the order. A connection or a stopped container is fixed on the host itself, without a
new container; what Pulumi's state must know of is left to `pulumi up`, for exactly those resources; what belongs to others, or
needs a decision, is left to a person. It never touches a container of others.

After it `pulumi preview` shows no changes: what is fixed on the host was never gone from the state.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from ipvlan.checks.drift import Difference
from ipvlan.hosts import bridge
from ipvlan.hosts.connection import connection_to, run_on_host
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.networking import apply, planned_networking
from ipvlan.hosts.session import HOSTS_AT_ONCE
from ipvlan.hosts.ssh import prepare_shared_connections
from ipvlan.plan import resource_names
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.resource_names import COMPONENT

How = Literal["host", "pulumi", "person"]

#: Seconds for one change on a host; a stop may wait ten for the process, and a busy host for its turn.
CHANGE_SECONDS: Final = 90.0

#: Seconds for `pulumi up` of a few resources, images to be pulled included.
PULUMI_SECONDS: Final = 1800.0

_ON_HOST: Final = ("route-missing", "shim-missing",
                   "fabric-disconnected", "address-different", "container-stopped", "bridge-disconnected", "ports-unbound",
                   "bridge-connected", "network-on-parent")  # fmt: skip
"""Fixed on the host, in this order: a container that starts binds its ports only when it is connected."""

_BY_PULUMI: Final = (
    "container-missing",
    "image-different",
    "ports-different",
    "network-missing",
    "network-different",
    "container-remade",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing to do about one difference."""

    how: How
    difference: Difference
    description: str
    """What will be done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Healing:
    """All that will be done, in order."""

    actions: tuple[Step, ...]
    targets: tuple[str, ...]
    """The resources that `pulumi up` is run for, as patterns of URNs."""

    def by(self, how: How) -> tuple[Step, ...]:
        """The actions of one kind."""
        return tuple(action for action in self.actions if action.how == how)


def plan_healing(plan: Plan, differences: Iterable[Difference]) -> Healing:
    """Decide what to do about each difference that is not tolerated."""
    all_ = [found for found in differences if found.severity == "error"]
    # A network made anew gets its containers made anew: nothing of such a host is fixed piece by piece.
    whole = {found.host for found in all_ if found.name in ("network-missing", "network-different")}
    remade = {
        (found.host, found.service)
        for found in all_
        if found.name in ("container-missing", "container-remade", "image-different", "ports-different")
    }
    actions: list[Step] = []
    for found in all_:
        if found.name in _BY_PULUMI:
            actions.append(Step(how="pulumi", difference=found, description=_pulumi_description(plan, found)))
        elif found.host in whole and found.service is not None:
            continue
        elif (found.host, found.service) in remade and found.name in _ON_HOST:
            # The new container comes with its connections.
            continue
        elif found.name in _ON_HOST:
            actions.append(Step(how="host", difference=found, description=_host_description(plan, found)))
        else:
            actions.append(Step(how="person", difference=found, description=found.fix))
    order = {"host": 0, "pulumi": 1, "person": 2}
    actions.sort(
        key=lambda action: (
            order[action.how],
            action.difference.host,
            _ON_HOST.index(action.difference.name) if action.how == "host" else 0,
            action.difference.service or "",
        )
    )
    return Healing(actions=tuple(actions), targets=tuple(_targets(plan, actions)))


def fix_on_hosts(plan: Plan, actions: Sequence[Step], done: Callable[[Step], None]) -> Mapping[Step, HostError]:
    """Do what is done on hosts, all hosts side by side, and return what failed and why. `done` hears of each that did not."""
    prepare_shared_connections()
    by_host: dict[str, list[Step]] = {}
    for action in actions:
        by_host.setdefault(action.difference.host, []).append(action)

    def fix(host: str) -> dict[Step, HostError]:
        failed = {}
        for action in by_host[host]:
            try:
                _fix(plan, action)
            except HostError as error:
                failed[action] = error
            else:
                done(action)
        return failed

    if not by_host:
        return {}
    with ThreadPoolExecutor(max_workers=min(len(by_host), HOSTS_AT_ONCE)) as pool:
        failures = list(pool.map(fix, by_host))
    return {action: error for failed in failures for action, error in failed.items()}


def remove_stand_ins(plan: Plan, actions: Sequence[Step]) -> None:
    """Remove containers that somebody made by hand in place of ours, so that Pulumi can make ours. Raises HostError."""
    for action in actions:
        if action.difference.name == "container-remade":
            host = plan.host(action.difference.host)
            _docker(plan, host, "rm", "--force", action.difference.container or "")


def pulumi_command(stack: str, targets: Sequence[str]) -> tuple[str, ...]:
    """The `pulumi up` that makes exactly the `targets` again."""
    command = ["pulumi", "up", "--stack", stack, "--yes", "--skip-preview", "--refresh"]
    for target in targets:
        command += ["--target", target]
    return tuple(command)


def run_pulumi(command: Sequence[str], root: Path, *, to_stderr: bool) -> int:
    """Run pulumi in the project's folder and return its exit status; its output goes on at once. Raises HostError without it."""
    try:
        return subprocess.run(
            list(command), cwd=root, timeout=PULUMI_SECONDS, check=False, stdout=sys.stderr if to_stderr else None
        ).returncode
    except FileNotFoundError:
        raise HostError(
            f"there is no `pulumi` on PATH, and the rest is its to fix. Run it where it is: {shlex.join(command)}"
        ) from None
    except subprocess.TimeoutExpired:
        raise HostError(
            f"`{shlex.join(command)}` took more than {PULUMI_SECONDS / 60:.0f} minutes and was ended. Run `pulumi cancel`, "
            f"then `ipvlan status`."
        ) from None


def _host_description(plan: Plan, found: Difference) -> str:
    where = f"{found.container} on {found.host}"
    if found.name in ("fabric-disconnected", "address-different"):
        address = _container(plan, found).address
        return f"connect {where} to {plan.network_name} at {address}"
    return {
        "route-missing": f"make the routes of {found.host} again",
        "shim-missing": f"make the shim of {found.host} again",
        "container-stopped": f"start {where}",
        "bridge-disconnected": f"connect {where} to the bridge",
        "ports-unbound": f"connect {where} to the bridge again",
        "bridge-connected": f"disconnect {where} from the bridge",
    }.get(found.name, f"remove the network {found.network} on {found.host}, if no container uses it")


def _pulumi_description(plan: Plan, found: Difference) -> str:
    if found.name in ("network-missing", "network-different"):
        return f"pulumi up: make network {plan.network_name} on {found.host} again, and its containers with it"
    if found.name == "container-remade":
        return f"remove {found.container} on {found.host}, made by hand, and pulumi up: make it as planned"
    return f"pulumi up: make {found.container} on {found.host} again"


def _targets(plan: Plan, actions: Iterable[Step]) -> list[str]:
    targets: set[str] = set()
    for action in actions:
        if action.how != "pulumi":
            continue
        found = action.difference
        if plan.probe_addresses:
            # Everything depends on it, and it is not in the state of an `up` that it has stopped.
            targets.add(resource_names.target(resource_names.address_check(COMPONENT)))
        slice_ = resource_names.host_slice(COMPONENT, found.host)
        if found.service is None:
            targets.add(resource_names.targets_below(slice_))
            continue
        names = [resource_names.container(slice_, found.service), resource_names.network(slice_)]
        container = _container(plan, found)
        if container.bridged:
            bridged = resource_names.bridge_component(
                COMPONENT, found.host, found.service, published=container.published
            )
            names += [bridged, resource_names.bridge_connection(bridged)]
        targets |= {resource_names.image_targets(slice_), *map(resource_names.target, names)}
    return sorted(targets)


def _container(plan: Plan, found: Difference) -> ContainerPlan:
    return next(planned for planned in plan.host(found.host).containers if planned.service == found.service)


def _fix(plan: Plan, action: Step) -> None:
    found = action.difference
    host = plan.host(found.host)
    match found.name:
        case "fabric-disconnected" | "address-different":
            planned = _container(plan, found)
            # Also a connection to a network of that name that is gone: only force takes it away.
            _docker(plan, host, "network", "disconnect", "--force", plan.network_name, planned.name, may_fail=True)
            _docker(plan, host, "network", "connect", "--ip", str(planned.address), plan.network_name, planned.name)
        case "container-stopped":
            name = _container(plan, found).name
            _docker(plan, host, "unpause", name, may_fail=True)
            _docker(plan, host, "start", name)
        case "bridge-disconnected":
            bridge.connect(_attachment(plan, host, _container(plan, found)))
        case "ports-unbound":
            attachment = _attachment(plan, host, _container(plan, found))
            bridge.disconnect(attachment)
            bridge.connect(attachment)
        case "bridge-connected":
            bridge.disconnect(_attachment(plan, host, _container(plan, found)))
        case "route-missing" | "shim-missing":
            beside = planned_networking(host, connection_to(host, plan.ssh))
            if beside is None:
                raise AssertionError(f"{found.name} on {host.name}, where the plan has neither routes nor a shim")
            apply(beside)
        case "network-on-parent":
            _docker(plan, host, "network", "rm", found.network or "")
        case _:
            raise AssertionError(f"{found.name} is not fixed on a host")


def _docker(plan: Plan, host: HostPlan, *arguments: str, may_fail: bool = False) -> None:
    command = shlex.join(["docker", *arguments])
    done = run_on_host(connection_to(host, plan.ssh), command, timeout=CHANGE_SECONDS)
    if done.returncode != 0 and not may_fail:
        raise HostError(f'host "{host.name}": `{command}` failed: {done.stderr.strip() or done.stdout.strip()}')


def _attachment(plan: Plan, host: HostPlan, planned: ContainerPlan) -> bridge.BridgeAttachment:
    return bridge.planned_attachment(host, planned, connection_to(host, plan.ssh))
