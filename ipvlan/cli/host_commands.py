"""The words of the `ipvlan` command that read the hosts.

Owns their options and exit status. Imports little before a word is used: `ipvlan plan` must not wait for what asks hosts.
"""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated

import typer
from netaddr import IPAddress
from pydantic_core import PydanticCustomError
from rich.console import Console
from rich.status import Status

from ipvlan.cli.context import print_warnings, printer, selected
from ipvlan.config.values import parse_address
from ipvlan.plan.model import Plan

Timeout = Annotated[
    float, typer.Option(metavar="SECONDS", min=1, max=600, help="For reaching a host, and for each answer of it.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Host = Annotated[str | None, typer.Option(metavar="NAME", help="Only what concerns this host.")]
Service = Annotated[str | None, typer.Option(metavar="NAME", help="Only what concerns this service.")]


def verify(  # noqa: PLR0917  # typer reads the options from the signature
    context: typer.Context,
    service: Service = None,
    host: Host = None,
    source: Annotated[
        str | None,
        typer.Option("--from", metavar="NAME", help="Only from here: client, a host, a service or HOST/CONTAINER."),
    ] = None,
    internet: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS|NAME",
            help="An address or a name beyond the LAN, for the internet's column; nothing is sent without. Several times: several.",
        ),
    ] = None,
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Prove on the hosts who reaches whom, expected beside observed; exit status 0 only when all holds."""
    from ipvlan.checks.verify import verify_plan  # noqa: PLC0415
    from ipvlan.plan.reachability import CLIENT, Filter, place  # noqa: PLC0415
    from ipvlan.views import verify as verify_view  # noqa: PLC0415

    chosen = selected(context)
    plan = chosen.plan()
    _known("--host", host, [found.name for found in plan.hosts])
    services = sorted({found.service for found in plan.containers()})
    _known("--service", service, services)
    _known("--from", source, [CLIENT, *(found.name for found in plan.hosts), *services, *map(place, plan.containers())])
    beyond = [_place("--internet", text) for text in internet or ()]
    if not as_json:
        print_warnings(plan.warnings)
    with progress(f"looking from {_count(plan)} at who reaches whom", quiet=as_json):
        found = verify_plan(
            plan, internet=beyond, wanted=Filter(service=service, host=host, source=source), timeout=timeout
        )
    if as_json:
        typer.echo(json.dumps(verify_view.as_document(found, chosen.stack), indent=2))
    else:
        verify_view.show(found, plan, printer(), internet=bool(beyond))
    raise typer.Exit(0 if found.ok else 1)


def progress(text: str, *, quiet: bool) -> AbstractContextManager[Status]:
    """A moving line on standard error while hosts are asked; nothing where that is no terminal."""
    return Console(stderr=True, quiet=quiet, highlight=False).status(text)


def _count(plan: Plan) -> str:
    return f"{len(plan.hosts)} host{'' if len(plan.hosts) == 1 else 's'}"


def _known(option: str, value: str | None, names: list[str]) -> None:
    if value is not None and value not in names:
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise typer.BadParameter(f"{value[:80]}: the plan has no such name; there are {shown}", param_hint=option)


def _place(option: str, text: str) -> IPAddress | str:
    """An address, or else a host's name (RFC 1123)."""
    if re.fullmatch(r"(?=.{1,253}$)[A-Za-z0-9-]{1,63}([.][A-Za-z0-9-]{1,63})*[.]?", text) and re.search(
        "[A-Za-z]", text
    ):
        return text
    try:
        return parse_address(text)
    except PydanticCustomError as error:
        raise typer.BadParameter(f"{text[:80]}: {error.message()}", param_hint=option) from None


def status(
    context: typer.Context,
    host: Host = None,
    service: Service = None,
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Compare what is declared with what is on the hosts; exit status 0 only when nothing differs."""
    from ipvlan.checks.status import read_status  # noqa: PLC0415
    from ipvlan.views import status as status_view  # noqa: PLC0415

    chosen = selected(context)
    plan = chosen.plan()
    _known("--host", host, [found.name for found in plan.hosts])
    _known("--service", service, sorted({found.service for found in plan.containers()}))
    if not as_json:
        print_warnings(plan.warnings)
    with progress(f"asking {_count(plan)}", quiet=as_json):
        found = read_status(plan, chosen.stack, host=host, service=service, timeout=timeout)
    if as_json:
        typer.echo(json.dumps(status_view.as_document(found, plan, chosen.stack), indent=2))
    else:
        status_view.show(found, plan, chosen.stack, printer())
    raise typer.Exit(0 if found.ok else 1)


def preflight(context: typer.Context, host: Host = None, timeout: Timeout = 10.0, as_json: AsJson = False) -> None:
    """Ask the hosts, before a first `pulumi up`, for all that would stand in its way; creates nothing."""
    from ipvlan.checks.preflight import check_hosts  # noqa: PLC0415
    from ipvlan.views import preflight as preflight_view  # noqa: PLC0415

    chosen = selected(context)
    plan = chosen.plan()
    _known("--host", host, [found.name for found in plan.hosts])
    if not as_json:
        print_warnings(plan.warnings)
    with progress(f"asking {_count(plan)}", quiet=as_json):
        found = check_hosts(plan, chosen.stack, host=host, timeout=timeout)
    if as_json:
        typer.echo(json.dumps(preflight_view.as_document(found, chosen.stack), indent=2))
    else:
        preflight_view.show(found, printer())
    raise typer.Exit(0 if found.ok else 1)


def heal(  # noqa: PLR0917  # typer reads the options from the signature
    context: typer.Context,
    host: Host = None,
    service: Service = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do it without asking.")] = False,
    timeout: Timeout = 10.0,
    as_json: AsJson = False,
) -> None:
    """Fix what `status` finds, with the least that does it; shows first what it will do."""
    from ipvlan.cli.heal_run import heal_plan  # noqa: PLC0415

    chosen = selected(context)
    plan = chosen.plan()
    _known("--host", host, [found.name for found in plan.hosts])
    _known("--service", service, sorted({found.service for found in plan.containers()}))
    if not as_json:
        print_warnings(plan.warnings)
    healed = heal_plan(chosen, plan, host=host, service=service, yes=yes, timeout=timeout, as_json=as_json)
    raise typer.Exit(0 if healed else 1)


def diagram(
    context: typer.Context,
    form: Annotated[str, typer.Option(metavar="mermaid|svg|png", help="What to make.")] = "mermaid",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it here instead of printing it.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Colour it by what is on the hosts.")] = False,
    timeout: Timeout = 10.0,
) -> None:
    """Draw the topology: hosts, parents, slices, containers, published ports; needs no host but with --live."""
    from ipvlan.checks.status import read_status  # noqa: PLC0415
    from ipvlan.views.diagram import as_mermaid, as_png, marks_of  # noqa: PLC0415
    from ipvlan.views.svg import PLAIN, picture  # noqa: PLC0415

    if form not in ("mermaid", "svg", "png"):
        raise typer.BadParameter(f"{form[:80]}: there are mermaid, svg and png", param_hint="--form")
    if form == "png" and output is None:
        raise typer.BadParameter("a PNG is no text: name a file with --output", param_hint="--form")
    chosen = selected(context)
    plan = chosen.plan()
    marks = PLAIN
    if live:
        with progress(f"asking {_count(plan)}", quiet=False):
            marks = marks_of(read_status(plan, chosen.stack, timeout=timeout))
    text = as_mermaid(plan, marks) if form == "mermaid" else picture(plan, chosen.stack, marks)
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_bytes(as_png(text) if form == "png" else text.encode())
    except OSError as error:
        raise typer.BadParameter(f"{output}: {error.strerror}", param_hint="--output") from None
