"""What several subcommands share: options, the checks of their values, and the plan that they work on.

A value that cannot be right ends the command with exit status 2, as typer's own checks do.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Annotated

import typer
from netaddr import IPAddress
from pydantic_core import PydanticCustomError

from ipvlan.cli.context import SelectedStack, selected_stack
from ipvlan.cli.output import print_warnings
from ipvlan.config.types.addresses import parse_address
from ipvlan.plan.model import Plan
from ipvlan.problems import plain, shorten

NAMES_SHOWN = 20
"""Names that a message about an unknown name lists."""

TimeoutOption = Annotated[
    float,
    typer.Option(
        "--timeout", metavar="SECONDS", min=1, max=600, help="Time limit for a connection and for each answer."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HostOption = Annotated[str | None, typer.Option("--host", metavar="NAME", help="Only this host.")]
ServiceOption = Annotated[str | None, typer.Option("--service", metavar="NAME", help="Only this service.")]

DEFAULT_TIMEOUT = 10.0
"""Seconds."""


def parse_address_option(option: str, text: str) -> IPAddress:
    """Return the address in an option's value; exit with status 2 where it is none."""
    try:
        return parse_address(text)
    except PydanticCustomError as error:
        raise typer.BadParameter(plain(f"{shorten(text)}: {error.message()}"), param_hint=option) from None


def check_known(option: str, name: str | None, known: Collection[str]) -> None:
    """Exit with status 2 where the option's value is not one of the plan's names."""
    if name is None or name in known:
        return
    raise typer.BadParameter(f"{shorten(name)}: the plan has no such name; it has {listed(known)}", param_hint=option)


def listed(names: Collection[str]) -> str:
    """Return the names for a message, `none` without one."""
    return plain(", ".join([*list(names)[:NAMES_SHOWN], *(["..."] if len(names) > NAMES_SHOWN else [])])) or "none"


def planned(
    context: typer.Context, *, host: str | None = None, service: str | None = None, quiet: bool
) -> tuple[SelectedStack, Plan]:
    """Return the selected stack and its plan, and print the plan's warnings unless `quiet`.

    Exit with status 2 where `--host` or `--service` is not in the plan.
    """
    stack = selected_stack(context)
    plan = stack.plan()
    check_known("--host", host, host_names(plan))
    check_known("--service", service, service_names(plan))
    if not quiet:
        print_warnings(plan.warnings)
    return stack, plan


def host_names(plan: Plan) -> list[str]:
    """Return the names of the plan's hosts, in its order."""
    return [host.name for host in plan.hosts]


def service_names(plan: Plan) -> list[str]:
    """Return the names of the plan's services, sorted."""
    return sorted({container.service for container in plan.containers()})


def count_of_hosts(plan: Plan) -> str:
    """Return `1 host` or `5 hosts`."""
    return f"{len(plan.hosts)} host{'' if len(plan.hosts) == 1 else 's'}"
