"""The resource that asks for addresses before they are given out: whoever depends on it waits for its answer.

A resource and not a step of the program, because the state then knows which addresses were asked for: an `up` that brings no new
address visits no host for it, and an address that was refused is asked for again (docs/decisions/0011-address-conflicts.md). What
is asked stands in ipvlan.checks.address_conflicts.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any, Final

import pulumi
from pulumi import dynamic

from components.host_provider import DynamicProvider, HostProvider
from ipvlan.plan.resource_names import PACKAGE

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection
    from ipvlan.plan.model import Plan

#: Seconds for reaching a host and for each question to it, as `ipvlan preflight` has them; a busy host needs many.
QUESTION_SECONDS: Final = 20.0

Asked = dict[str, dict[str, Any]]
"""Host -> `link`, the mode and the NIC through which was asked, and `addresses`, sorted."""


class AddressClaimsProvider(HostProvider):
    """Asks for the addresses that were not asked for before, on the link that they are for."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Ask for all."""
        return dynamic.CreateResult(f"addresses of {props['stack']}", {**props, "asked": _ask(props, {})})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Differ by what is planned and was not asked for, or is no longer planned, and by nothing else."""
        return dynamic.DiffResult(changes=_planned(_news) != _olds.get("asked"))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Ask for what is new."""
        return dynamic.UpdateResult({**_news, "asked": _ask(_news, _olds.get("asked") or {})})


def _link(props: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    return f"{props['mode']} {host['parent']}"


def _planned(props: Mapping[str, Any]) -> Asked:
    return {
        name: {"link": _link(props, host), "addresses": sorted(host["addresses"])}
        for name, host in props["hosts"].items()
    }


def _ask(props: Mapping[str, Any], before: Asked) -> Asked:
    """Ask for what is planned and not among `before`, and return what is known to be free now.

    Addresses of a host that does not answer stay unasked: the next `up` asks for them. Raises HostError.
    """
    # Only here: the process that serves it starts at every `up`, and mostly has nothing to ask.
    from netaddr import IPAddress  # noqa: PLC0415

    from ipvlan.checks.address_conflicts import Claim, check_claims  # noqa: PLC0415
    from ipvlan.hosts.connection import HostConnection  # noqa: PLC0415

    planned = _planned(props)
    connections = {
        name: HostConnection(name=name, parent=host["parent"], command=tuple(host["ssh"]))
        for name, host in props["hosts"].items()
        if name not in props["unreachable"]
    }
    known = {
        name: set(before[name]["addresses"]) if before.get(name, {}).get("link") == entry["link"] else set()
        for name, entry in planned.items()
    }
    claims = [
        Claim(
            connection=connection,
            addresses={
                IPAddress(address): service
                for address, service in props["hosts"][name]["addresses"].items()
                if address not in known[name]
            },
        )
        for name, connection in connections.items()
        if set(planned[name]["addresses"]) - known[name]
    ]
    answer = check_claims(
        claims, list(connections.values()), props["stack"], mode=props["mode"], timeout=QUESTION_SECONDS
    )
    for doubt in answer.doubts:
        # The engine shows what a provider's process prints.
        print(doubt, file=sys.stderr, flush=True)
    return {
        name: entry
        if name in answer.hosts
        else {**entry, "addresses": [address for address in entry["addresses"] if address in known[name]]}
        for name, entry in planned.items()
    }


class AddressClaims(dynamic.Resource, module=PACKAGE, name="AddressClaims"):
    """The answer that no address of the plan is held by others, asked for when an address is new."""

    def __init__(
        self,
        name: str,
        *,
        plan: Plan,
        stack: str,
        connections: Mapping[str, HostConnection],
        unreachable: Collection[str],
        opts: pulumi.ResourceOptions,
        provider: DynamicProvider,
    ) -> None:
        """Declare it; `connections` are by host, `unreachable` hosts are not asked, `provider` is what serves it."""
        super().__init__(
            AddressClaimsProvider(),
            name,
            {
                "stack": stack,
                "mode": plan.mode,
                "unreachable": sorted(unreachable),
                "hosts": {
                    host.name: {
                        "ssh": list(connections[host.name].command),
                        "parent": host.parent,
                        "addresses": {str(container.address): container.service for container in host.containers},
                    }
                    for host in plan.hosts
                },
                "asked": None,
            },
            pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=provider)),
        )
