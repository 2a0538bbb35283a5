"""The result that no other machine holds an address of the plan: asked for when an address is new.

It is a resource, and not a step of the program, so that the state records which addresses are checked. An `up` without a new
address contacts no host for it, and an address with a conflict is checked again (docs/decisions/0011-address-conflicts.md).

Out of scope: the check itself (`ipvlan.checks.address_conflicts`). The state of every stack has the properties' names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from provider.errors import not_importable
from provider.resource import Created, Difference, Operation, Properties, Resource

HOST_SECONDS: Final = 20.0
"""Time limit to connect to a host and for each answer of it, in seconds, as in `ipvlan preflight`; a busy host needs many."""

Checked = dict[str, dict[str, Any]]
"""Host -> `link` (the mode, and the NIC of the check), `addresses` (sorted), and `unchecked`: those of them that could not be
checked, left out where there are none. The state has it as the property `asked`."""


class AddressClaims(Resource):
    """Checks the addresses that are not checked yet, on the link that will carry them."""

    name: ClassVar[str] = "AddressClaims"

    def create(self, inputs: Properties, operation: Operation) -> Created:
        """Check all addresses."""
        return Created(f"addresses of {inputs['stack']}", {**inputs, "asked": _check(inputs, {}, operation)})

    def read(self, id_: str, state: Properties, operation: Operation) -> Properties:  # noqa: ARG002  # no host has it
        """Return the results as they are: the state alone has them."""
        if not state:
            raise not_importable(self.name, id_)
        return state

    def diff(self, old: Properties, new: Properties) -> Difference:
        """Report a change only when a planned address is not in the state, or one of the state is no longer planned.

        One that could not be checked is in the state: it would be a change at every `up` where nothing can be changed about it.
        """
        before = old.get("asked") or {}
        recorded = {
            name: {key: value for key, value in host.items() if key != "unchecked"} for name, host in before.items()
        }
        # `pulumi preview --diff` shows the difference of inputs: `hosts` has the addresses.
        return Difference(["hosts"] if _planned(new) != recorded else [])

    def update(self, old: Properties, new: Properties, operation: Operation) -> Properties:
        """Check the new addresses."""
        return {**new, "asked": _check(new, old.get("asked") or {}, operation)}

    def delete(self, state: Properties, operation: Operation) -> None:
        """Forget the results, with the state's entry."""


def _link(inputs: Mapping[str, Any], host: Mapping[str, Any]) -> str:
    return f"{inputs['mode']} {host['parent']}"


def _planned(inputs: Mapping[str, Any]) -> Checked:
    return {
        name: {"link": _link(inputs, host), "addresses": sorted(host["addresses"])}
        for name, host in inputs["hosts"].items()
    }


def _check(inputs: Mapping[str, Any], before: Checked, operation: Operation) -> Checked:
    """Check the planned addresses that are not checked in `before`, and return what the state records now.

    Addresses of a host that does not answer are not in it, so the next `up` checks them: nothing is created on that host meanwhile.
    Raises HostError.
    """
    # Only here: the engine starts this process at every `up`, and most of them have nothing to check.
    from netaddr import IPAddress  # noqa: PLC0415

    from ipvlan.checks.address_conflicts import NewAddresses, check_conflicts  # noqa: PLC0415
    from ipvlan.checks.state_reading import OwnershipInDoubt  # noqa: PLC0415
    from ipvlan.hosts.connection import HostConnection  # noqa: PLC0415

    planned = _planned(inputs)
    connections = {
        name: HostConnection(name=name, parent=host["parent"], command=operation.ssh(name, host["ssh"]))
        for name, host in inputs["hosts"].items()
        if name not in inputs["unreachable"]
    }
    checked = {name: _still_checked(planned[name], before.get(name, {})) for name in planned}
    new = [
        NewAddresses(
            connection=connection,
            addresses={
                IPAddress(address): service
                for address, service in inputs["hosts"][name]["addresses"].items()
                if address not in checked[name]
            },
        )
        for name, connection in connections.items()
        if set(planned[name]["addresses"]) - checked[name]
    ]
    owned = OwnershipInDoubt(
        inputs.get("qualified_stack") or inputs["stack"],
        Path.cwd(),
        lambda reason: operation.warn(f"labels alone say which containers are this stack's: {reason}"),
    )
    result = check_conflicts(
        new, list(connections.values()), owned.ownership, mode=inputs["mode"], timeout=HOST_SECONDS
    )
    for warning in result.warnings:
        operation.warn(str(warning))
    away = result.silent | set(inputs["unreachable"])
    return {
        name: {**host, "addresses": [address for address in host["addresses"] if address in checked[name]]}
        if name in away
        else host | _unchecked(map(str, result.unchecked.get(name, ())))
        for name, host in planned.items()
    }


def _unchecked(addresses: Iterable[str]) -> dict[str, Any]:
    unchecked = sorted(addresses)
    return {"unchecked": unchecked} if unchecked else {}


def _still_checked(planned: Mapping[str, Any], before: Mapping[str, Any]) -> set[str]:
    """Return the addresses of one host that are checked on its planned link."""
    if before.get("link") != planned["link"]:
        return set()
    return set(before["addresses"]) - set(before.get("unchecked") or ())
