"""The state of a stack, as `pulumi stack export` prints it: what the stack owns, and its resources one by one.

No secret is read: the export leaves secrets encrypted, and needs no passphrase. No host is contacted.

Out of scope: what follows from ownership (`ipvlan.plan.ownership`), and changing a state.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ipvlan.checks.host_check import recorded_engine
from ipvlan.config.stack_names import short_name
from ipvlan.plan.ownership import Ownership, Place, RecordedFiles
from ipvlan.plan.resource_names import (
    ADDRESSES_TYPE_END,
    BRIDGE_NETWORK_TYPE,
    COMPONENT,
    CONTAINER_TYPE,
    DYNAMIC_TYPE,
    FABRIC_TYPE,
    FILES_IN_USE_TYPE,
    FILES_TYPE,
    HANDOVER_TYPE,
    HOST_CHECK_TYPE,
    HOST_SLICE_TYPE,
    IDENTITY_TYPE,
    NETWORK_REMOVAL_TYPE,
    NETWORK_TYPE,
    SETTLED_TYPE,
    VOLUME_TYPE,
    Urns,
    host_of,
    service_of,
    stack_identity,
)
from ipvlan.problems import Problem, ToolError, shorten

STATE_SECONDS: Final = 60.0
"""Time limit of an export, in seconds: 0.2 s from a file, some seconds over a slow network."""

_NO_SUCH_STACK: Final = 6
"""Exit status of pulumi where the stack does not exist (cmd/pulumi-cli exit codes, 3.259.0); earlier ones are known by the text."""
_NO_SUCH_STACK_TEXT: Final = "no stack named"
_NOT_LOGGED_IN: Final = ("PULUMI_ACCESS_TOKEN", "pulumi login", "not logged in")


class StackStateError(ToolError):
    """The state cannot be read, so it is not known what the stack owns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StateResource:
    """One resource of a state."""

    urn: str
    type: str
    name: str
    """Its logical name, the end of its URN."""
    id: str
    """Empty for a component."""
    parent: str
    """URN of its parent; empty for the stack itself."""
    provider: str
    """Reference to its provider (`URN::ID`); empty for a component."""
    dependencies: tuple[str, ...]
    """URNs of what it depends on: its dependencies in general, those of single properties, and what it is deleted with."""
    delete: bool
    """Whether it was replaced, and is still to be deleted."""
    replacing: bool
    """Whether it was deleted for its replacement, which an interrupted run did not create; it has the deleted one's id."""
    inputs: Mapping[str, Any] = field(repr=False)
    """Secrets are encrypted in it."""
    outputs: Mapping[str, Any] = field(repr=False)
    """Secrets are encrypted in it."""


@dataclass(frozen=True)
class StackState:
    """The state of one stack."""

    stack: str
    """Its short name."""
    exists: bool
    """Whether there is such a stack; one that does not exist yet owns nothing."""
    resources: tuple[StateResource, ...] = ()
    """In the state's order: what others depend on comes first."""
    begun: Mapping[str, int] = field(default_factory=dict)
    """URN -> how many creations of it were begun and have not ended: those of runs that were interrupted, and one by the run that
    is at it now. The engine keeps the earlier ones until a refresh clears them."""

    def find(self, urn: str) -> StateResource | None:
        """Return the resource of that URN, leaving out one that is still to be deleted."""
        return next((resource for resource in self.resources if resource.urn == urn and not resource.delete), None)

    def deleted_for_replacement(self, urn: str) -> str:
        """Return the id that the resource had when it was deleted for a replacement that was not created; empty if it was not."""
        return next((resource.id for resource in self.resources if resource.urn == urn and resource.replacing), "")

    def urns(self) -> Urns:
        """Return what names the resources of the program in this stack, as the state has its names.

        Raises:
            StackStateError: There is no such stack, or nothing in it.
        """
        for resource in self.resources:
            stack, project = resource.urn.removeprefix("urn:pulumi:").split("::")[:2]
            return Urns(stack, project)
        raise _failure(self.stack, "there is nothing in it", "create the stack's resources: pulumi up")

    def proven(self) -> frozenset[Place]:
        """Return the places whose container was up once: the state has the proof."""
        return self._places(SETTLED_TYPE)

    def settled(self) -> frozenset[Place]:
        """Return the places whose container in the state is the one that was up, and no later one that was not (yet)."""
        ids = self.ownership.containers
        return frozenset(
            place
            for place, outputs in self._outputs(SETTLED_TYPE).items()
            if place in ids and outputs.get("container_id") == ids[place]
        )

    def from_before(self) -> Mapping[Place, str]:
        """Return the containers that only an earlier version declared, with their ids: this version prepares each one first.

        One that this version created and that never came up is none of them.
        """
        prepared = self._places(HANDOVER_TYPE)
        return {place: id_ for place, id_ in self.ownership.containers.items() if place not in prepared}

    def _places(self, type_: str) -> frozenset[Place]:
        return frozenset(self._outputs(type_))

    def _outputs(self, type_: str) -> Mapping[Place, Mapping[str, Any]]:
        """Return place -> outputs of its resource of that type."""
        slices = dict(_hosts_of_slices(self.resources))
        return {
            Place(slices[resource.parent][1], str(resource.outputs.get("service") or "")): resource.outputs
            for resource in self.resources
            if resource.type == type_ and resource.parent in slices and not resource.delete
        }

    def networks(self) -> Mapping[str, StateResource]:
        """Return host -> its network, leaving out those that are still to be deleted."""
        slices = dict(_hosts_of_slices(self.resources))
        return {
            slices[resource.parent][1]: resource
            for resource in self.resources
            if resource.type == NETWORK_TYPE and resource.parent in slices and not resource.delete
        }

    def removable_networks(self) -> frozenset[str]:
        """Return the hosts whose network in the state is the one that its NetworkRemoval would remove."""
        slices = dict(_hosts_of_slices(self.resources))
        removed = {
            slices[resource.parent][1]: resource.outputs.get("network_id")
            for resource in self.resources
            if resource.type == NETWORK_REMOVAL_TYPE and resource.parent in slices and not resource.delete
        }
        return frozenset(
            host for host, network in self.networks().items() if network.id and removed.get(host) == network.id
        )

    def _files(self) -> Mapping[Place, RecordedFiles]:
        in_use = self._outputs(FILES_IN_USE_TYPE)
        return {
            place: RecordedFiles(
                digests=staged.get("digests") or {},
                files=staged.get("files") or {},
                in_use=place in in_use and in_use[place].get("generation") == staged.get("generation"),
            )
            for place, staged in self._outputs(FILES_TYPE).items()
        }

    @property
    def before_plugin(self) -> bool:
        """Whether resources of this version are missing: until an `up` is complete Pulumi refuses `--target`.

        A container waits for `Settled` or `FilesInUse` of another host, which must be in the state or a target. They are missing in
        a state of an earlier version, and where a container never came up or never took its first files.
        """
        dynamic = (resource.type.startswith(f"{DYNAMIC_TYPE}:") and not resource.delete for resource in self.resources)
        files, in_use = self._places(FILES_TYPE), self._places(FILES_IN_USE_TYPE)
        return any(dynamic) or not self.ownership.containers.keys() <= self.proven() or not files <= in_use

    @cached_property
    def ownership(self) -> Ownership:
        """What the stack owns."""
        slices = dict(_hosts_of_slices(self.resources))
        containers: dict[Place, str] = {}
        networks: dict[str, str] = {}
        volumes: dict[Place, str] = {}
        bridges: dict[Place, str] = {}
        engines: dict[str, str] = {}
        ids: set[str] = set()
        owner = ""
        unchecked: dict[str, tuple[str, ...]] = {}
        for resource in self.resources:
            if resource.type.endswith(ADDRESSES_TYPE_END):
                unchecked |= _unchecked(resource.outputs)
            # A program of one's own may have a second fabric, with an id of its own.
            if resource.type == IDENTITY_TYPE and (not owner or resource.name == stack_identity(COMPONENT)):
                owner = str(resource.outputs.get("owner") or "")
            host_slice = slices.get(resource.parent)
            if host_slice is None:
                continue
            slice_name, host = host_slice
            if resource.type in (CONTAINER_TYPE, NETWORK_TYPE):
                ids.add(resource.id)
            if resource.delete:
                continue
            if resource.type == CONTAINER_TYPE:
                containers[Place(host, service_of(slice_name, resource.name))] = resource.id
            elif resource.type == NETWORK_TYPE:
                networks[host] = resource.id
            elif resource.type == VOLUME_TYPE:
                place = Place(host, str(resource.outputs.get("volume") or ""))
                volumes[place] = str(resource.outputs.get("owner_label") or "")
            elif resource.type == BRIDGE_NETWORK_TYPE and not resource.outputs.get("external"):
                bridges[Place(host, str(resource.outputs.get("network") or ""))] = str(
                    resource.outputs.get("network_id") or ""
                )
            elif resource.type == HOST_CHECK_TYPE:
                engine = recorded_engine(str(resource.outputs.get("stdout") or ""))
                if engine:
                    engines[host] = engine
        return Ownership(
            stack=self.stack,
            read=True,
            owner=owner,
            containers=containers,
            networks=networks,
            volumes=volumes,
            bridges=bridges,
            files=self._files(),
            # An import that was cut short has resources without an id.
            ids=frozenset(ids - {""}),
            engines=engines,
            unchecked=unchecked,
        )


def read_stack_state(stack: str, folder: Path, timeout: float = STATE_SECONDS) -> StackState:
    """Read the state of a stack: see `export_stack`. It is an empty one where there is no such stack."""
    document = export_stack(stack, folder, timeout)
    short = short_name(stack)
    if document is None:
        return StackState(stack=short, exists=False)
    pending = document["deployment"].get("pending_operations") or ()
    begun = Counter(operation["resource"]["urn"] for operation in pending if operation["type"] == "creating")
    return StackState(stack=short, exists=True, resources=tuple(read_resources(document)), begun=begun)


def export_stack(stack: str, folder: Path, timeout: float = STATE_SECONDS) -> dict[str, Any] | None:
    """Return what `pulumi stack export` prints, with its secrets encrypted; None where there is no such stack.

    Args:
        stack: The stack's name in any of Pulumi's spellings: STACK, ORG/STACK, ORG/PROJECT/STACK.
        folder: The project's folder.
        timeout: Seconds for all of it.

    Raises:
        StackStateError: The state cannot be read.
    """
    command = ["pulumi", "stack", "export", "--stack", stack, "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            # Set in a program that Pulumi runs: at its end the inner pulumi would wait five seconds for that address (CLI 3.259.0).
            env={name: value for name, value in os.environ.items() if name != "PULUMI_LOG_OTLP_ENDPOINT"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError:
        raise _failure(
            stack, "there is no `pulumi` on PATH", "run it where Pulumi is installed and logged in"
        ) from None
    except subprocess.TimeoutExpired:
        raise _failure(
            stack,
            f"`pulumi stack export` took more than {timeout:g} s and was ended",
            "check the connection to the state's backend: pulumi whoami -v",
        ) from None
    if done.returncode:
        # Never its standard output, which is the state.
        reply = " ".join(done.stderr.decode(errors="replace").split())
        if done.returncode == _NO_SUCH_STACK or _NO_SUCH_STACK_TEXT in reply:
            return None
        raise _unreadable(stack, reply or f"it ended with status {done.returncode}")
    try:
        document: dict[str, Any] = json.loads(done.stdout)
        # Whether it is a state shows when its resources are read.
        tuple(read_resources(document))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _failure(
            stack,
            "`pulumi stack export` printed something else than a state",
            "look at it: pulumi stack export --stack " + stack,
        ) from None
    return document


def read_resources(document: Mapping[str, Any]) -> Iterator[StateResource]:
    """Return the resources of an exported state; raise KeyError, TypeError or AttributeError where it is none."""
    for resource in document["deployment"].get("resources") or ():
        urn = resource["urn"]
        yield StateResource(
            urn=urn,
            type=resource["type"],
            name=urn.rpartition("::")[2],
            id=resource.get("id") or "",
            parent=resource.get("parent") or "",
            provider=resource.get("provider") or "",
            dependencies=tuple(dict.fromkeys(_dependencies(resource))),
            delete=bool(resource.get("delete")),
            replacing=bool(resource.get("pendingReplacement")),
            inputs=dict(resource.get("inputs") or {}),
            outputs=dict(resource.get("outputs") or {}),
        )


def _dependencies(resource: Mapping[str, Any]) -> Iterator[str]:
    yield from resource.get("dependencies") or ()
    for urns in (resource.get("propertyDependencies") or {}).values():
        yield from urns or ()
    if resource.get("deletedWith"):
        yield resource["deletedWith"]


def _unchecked(outputs: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    hosts: Mapping[str, Mapping[str, Any]] = outputs.get("asked") or {}
    return {name: tuple(host["unchecked"]) for name, host in hosts.items() if host.get("unchecked")}


def _hosts_of_slices(resources: Sequence[StateResource]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield each HostSlice's URN with its name and its host."""
    fabrics = {resource.urn: resource.name for resource in resources if resource.type == FABRIC_TYPE}
    for resource in resources:
        if resource.type == HOST_SLICE_TYPE and resource.parent in fabrics:
            yield resource.urn, (resource.name, host_of(fabrics[resource.parent], resource.name))


def _unreadable(stack: str, reply: str) -> StackStateError:
    fix = (
        "log in where the state is: pulumi login"
        if any(text in reply for text in _NOT_LOGGED_IN)
        else "fix what Pulumi names, then run the command again"
    )
    return _failure(stack, f"`pulumi stack export` failed: {shorten(reply.removeprefix('error: '))}", fix)


def _failure(stack: str, problem: str, fix: str) -> StackStateError:
    return StackStateError(
        [
            Problem(
                code="IPF917",
                key=f"state of stack {shorten(stack)}",
                value="",
                problem=problem,
                effect="what the stack owns on the hosts is not known",
                fix=fix,
            )
        ]
    )
