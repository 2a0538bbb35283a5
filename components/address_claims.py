"""The resource that checks new addresses for conflicts before they are used: whatever depends on it waits for the result.

It is a resource, and not a step of the program, so that the state records which addresses are checked. An `up` without a new
address contacts no host for it, and an address with a conflict is checked again (docs/decisions/0011-address-conflicts.md).

The state of existing stacks refers to the names in this module: the provider's class, its path, and the properties.

Out of scope: the check itself (`ipvlan.checks.address_conflicts`).
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

HOST_SECONDS: Final = 20.0
"""Time limit to connect to a host and for each answer of it, in seconds, as in `ipvlan preflight`; a busy host needs many."""

Checked = dict[str, dict[str, Any]]
"""Host -> `link` (the mode, and the NIC of the check) and `addresses` (sorted). The state has it as the property `asked`."""


class AddressClaimsProvider(HostProvider):
    """Checks the addresses that are not checked yet, on the link that will carry them."""

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Check all addresses."""
        return dynamic.CreateResult(f"addresses of {props['stack']}", {**props, "asked": _check(props, {})})

    def diff(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.DiffResult:
        """Report a change only when a planned address is not checked, or a checked one is no longer planned."""
        return dynamic.DiffResult(changes=_planned(_news) != _olds.get("asked"))

    def update(self, _id: str, _olds: dict[str, Any], _news: dict[str, Any]) -> dynamic.UpdateResult:
        """Check the new addresses."""
        return dynamic.UpdateResult({**_news, "asked": _check(_news, _olds.get("asked") or {})})


def _link(props: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    return f"{props['mode']} {host['parent']}"


def _planned(props: Mapping[str, Any]) -> Checked:
    return {
        name: {"link": _link(props, host), "addresses": sorted(host["addresses"])}
        for name, host in props["hosts"].items()
    }


def _check(props: Mapping[str, Any], before: Checked) -> Checked:
    """Check the planned addresses that are not in `before`, and return all that are checked now.

    Addresses of a host that does not reply are not among them, so the next `up` checks them. Raises HostError.
    """
    # Only here: the engine starts this process at every `up`, and most of them have nothing to check.
    from netaddr import IPAddress  # noqa: PLC0415

    from ipvlan.checks.address_conflicts import NewAddresses, check_conflicts  # noqa: PLC0415
    from ipvlan.hosts.connection import HostConnection  # noqa: PLC0415

    planned = _planned(props)
    connections = {
        name: HostConnection(name=name, parent=host["parent"], command=tuple(host["ssh"]))
        for name, host in props["hosts"].items()
        if name not in props["unreachable"]
    }
    checked = {name: _still_checked(planned[name], before.get(name, {})) for name in planned}
    new = [
        NewAddresses(
            connection=connection,
            addresses={
                IPAddress(address): service
                for address, service in props["hosts"][name]["addresses"].items()
                if address not in checked[name]
            },
        )
        for name, connection in connections.items()
        if set(planned[name]["addresses"]) - checked[name]
    ]
    result = check_conflicts(new, list(connections.values()), props["stack"], mode=props["mode"], timeout=HOST_SECONDS)
    for warning in result.warnings:
        # The engine shows what a provider's process prints.
        print(warning, file=sys.stderr, flush=True)
    return {
        name: host
        if name in result.hosts
        else {**host, "addresses": [address for address in host["addresses"] if address in checked[name]]}
        for name, host in planned.items()
    }


def _still_checked(planned: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    """Return the addresses of one host that are checked on its planned link."""
    return set(before["addresses"]) if before.get("link") == planned["link"] else set()


class AddressClaims(dynamic.Resource, module=PACKAGE, name="AddressClaims"):
    """The result that no other machine holds an address of the plan."""

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
        """Declare the check.

        Args:
            name: The resource's name.
            plan: The planned addresses.
            stack: The stack's name.
            connections: Host -> its connection.
            unreachable: Hosts that do not answer in this run, and are not checked.
            opts: Its options.
            provider: What serves the resource.
        """
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
