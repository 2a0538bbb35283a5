"""What each input runs through, and what must hold for every output.

A step may raise `UserError`, and nothing else. Out of scope: time and memory (`tools.fuzz.measure`).
"""

from __future__ import annotations

import asyncio
import functools
import io
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from xml.etree import ElementTree as ET

import pulumi
from netaddr import IPAddress

from components.container_settings import container_args, replace_on_changes, replacement_trigger
from ipvlan.config.file_write import read_texts
from ipvlan.config.load import read_raw
from ipvlan.config.no_links import NoSuchSourceError
from ipvlan.config.shared_file import common_path
from ipvlan.config.yaml_file import Checkout, Folder
from ipvlan.plan.address_usage import who_holds
from ipvlan.plan.allocate import Allocation, allocate
from ipvlan.plan.allocation_edits import new_texts
from ipvlan.plan.changes import compare
from ipvlan.plan.clashes import Neighbour, clashes
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.report import Report
from ipvlan.plan.router_routes import router_routes
from ipvlan.plan.validate import load, parse
from ipvlan.problems import Problem, UserError
from ipvlan.views import allocate as allocate_view
from ipvlan.views import plan_json, report_json
from ipvlan.views.diagram import as_mermaid
from ipvlan.views.plan import print_tables
from ipvlan.views.report import as_markdown
from ipvlan.views.svg import NO_MARKS, as_svg
from ipvlan.views.terminal import Terminal
from tools.fuzz.corpus import COMMON_NAME, OWN_NAME, STACK, read_corpus
from tools.reference_setup import reference_config

_WIDTH: Final = 240
_LONGEST_REFUSAL: Final = 2_000_000
"""Characters of an error's text."""


class BrokenPromiseError(Exception):
    """An output is not what it must always be."""


@dataclass
class Tried:
    """One input in a folder, and what the steps made of it."""

    folder: Path
    base: str = ""
    """The valid stack file that it was made of."""
    outcome: str = "refused"
    """`planned` where there is a plan."""
    plan: Plan | None = None
    problems: tuple[Problem, ...] = ()
    """Why there is no plan."""


Step: TypeAlias = Callable[[Tried], None]


def read(tried: Tried) -> None:
    """Read the stack file, and make the plan."""
    try:
        plan = make_plan(load(STACK, Checkout(tried.folder)))
    except UserError as error:
        tried.problems = error.problems
        proper("refusal", str(error))
        if len(str(error)) > _LONGEST_REFUSAL:
            raise BrokenPromiseError("the text of the error is too long") from None
        return
    tried.plan, tried.outcome = plan, "planned"
    owners: dict[IPAddress, str] = {}
    for container in plan.on_fabric():
        place, address = f"{container.service} on {container.host}", container.fabric_address
        if (other := owners.setdefault(address, place)) != place:
            raise BrokenPromiseError(f"{place} has the address of {other}")
        if address == plan.gateway or address not in plan.subnet:
            raise BrokenPromiseError("a container has the gateway's address, or one outside the subnet")
    proper("warnings", "\n".join(map(str, plan.warnings)))
    proper("clashes", "\n".join(str(problem) for problem in clashes(plan, _neighbour())))


def plan_document(tried: Tried) -> None:
    """Make the JSON document of the plan."""
    if tried.plan is not None:
        json.dumps(plan_json.document(tried.plan, STACK), allow_nan=False).encode()
        for address in (tried.plan.subnet[0], *list(next(iter(tried.plan.addresses.values()), {}).values())[:1]):
            proper("who", "; ".join(who_holds(tried.plan, IPAddress(str(address)))))


def tables(tried: Tried) -> None:
    """Print the plan for people."""
    if tried.plan is not None:
        out = Terminal(file=io.StringIO(), width=_WIDTH)
        print_tables(tried.plan, STACK, out)
        proper("tables", out.file.getvalue())  # type: ignore[attr-defined] # the file is the StringIO above
        for kind in ("ip", "frr", "networkd"):
            proper("routes", "\n".join(router_routes(tried.plan, kind)))


def report(tried: Tried) -> None:
    """Report the change from a valid state to the input, and back."""
    other = _base(tried.base)
    if tried.plan is None:
        _report(None, other, tried.problems)
        return
    for before, after in ((other, tried.plan), (tried.plan, other), (None, tried.plan)):
        _report(before, after, ())


def pictures(tried: Tried) -> None:
    """Draw the plan."""
    if tried.plan is not None:
        proper("Mermaid", as_mermaid(tried.plan, NO_MARKS))
        svg = as_svg(tried.plan, STACK)
        proper("SVG", svg)
        try:
            ET.fromstring(svg)  # noqa: S314 (our own text)
        except ET.ParseError as error:
            raise BrokenPromiseError(f"SVG is not well formed: {error}") from None


def expected_connections(tried: Tried) -> None:
    """Find what `ipvlan verify` would try."""
    if tried.plan is not None:
        make_matrix(tried.plan, internet=[IPAddress("203.0.113.10"), "example.net"])


def provider_arguments(tried: Tried) -> None:
    """Make the arguments of each container for the docker provider, as the program does."""
    if tried.plan is not None:
        asyncio.run(_arguments(tried.plan))


def allocation(tried: Tried) -> None:
    """Fill in what is missing, and read the result again."""
    if tried.plan is None and not any(key in problem.key for problem in tried.problems for key in ("slice", "offset")):
        return
    folder = Checkout(tried.folder)
    raw = read_raw(STACK, folder)
    if raw.problems:
        return
    allocations = allocate(raw.sections, folder, [_neighbour()])
    if not allocations:
        return
    common = common_path(raw.sections)
    before = read_texts(tried.folder, [OWN_NAME] if common is None else [OWN_NAME, common])
    after = new_texts(allocations, before, own=OWN_NAME, common=common)
    allocate_view.as_diff(before, after).encode()
    json.dumps(allocate_view.document(allocations, STACK, written=False), allow_nan=False)
    _complete(allocations, {**before, **after})


STEPS: Final[tuple[Step, ...]] = (
    read,
    plan_document,
    tables,
    report,
    pictures,
    expected_connections,
    provider_arguments,
    allocation,
)


def _complete(allocations: Sequence[Allocation], texts: Mapping[str, str]) -> None:
    """Raise where what was written is not what was decided, or no valid config."""
    folder = _Texts(texts)
    raw = read_raw(STACK, folder)
    try:
        make_plan(load(STACK, folder))
        again = allocate(raw.sections, folder, [_neighbour()])
    except UserError as error:
        # Of secrets it knows nothing: a service may name one that is not set yet. And here are no files but the two.
        codes = [problem.code for problem in error.problems if problem.code not in ("IPF023", "IPF024", "IPF251")]
        if codes:
            raise BrokenPromiseError(f"what allocate wrote is refused: {codes[0]}") from None
        return
    if again:
        raise BrokenPromiseError(f"allocate has not written all of {len(allocations)}")


@dataclass(frozen=True)
class _Texts(Folder):
    """A folder of these texts."""

    texts: Mapping[str, str]

    def text(self, name: str) -> str:
        return self.texts[name].removeprefix("\ufeff")

    def has(self, name: str) -> bool:
        return name in self.texts

    def content(self, name: str) -> bytes:
        if name not in self.texts:
            raise NoSuchSourceError("there is no such file")
        return self.texts[name].encode()

    def below(self, name: str) -> list[str]:
        found = [path for path in self.texts if path.startswith(name)]
        if not found:
            raise NoSuchSourceError("there is no such folder")
        return sorted(found)


def _report(before: Plan | None, after: Plan, problems: Sequence[Problem]) -> None:
    changes = compare(before, after, new_secrets=set())
    made = Report(stack=STACK, before=before, before_problems=tuple(problems), after=after, changes=changes)
    proper("Markdown", as_markdown(made))
    json.dumps(report_json.document(made), allow_nan=False)


async def _arguments(plan: Plan) -> None:
    owner = pulumi.Output.from_input("owner")
    for host in plan.hosts:
        proper("host", f"{host.docker_url} {host.host_key} {host.network}")
    for container in plan.containers():
        secrets = {key: pulumi.Output.from_input("value") for key in container.secret_environment.values()}
        arguments = container_args(
            container, network_id="id", stack=STACK, owner=owner, secrets=secrets, volumes={"data": owner}
        )
        for value in arguments.__dict__.values():
            _sendable(value)
        replacement_trigger(container).encode()
        replace_on_changes(container.settings, restored=False)


def _sendable(value: object) -> None:
    """Raise UnicodeEncodeError for half a character, which the engine could not be sent."""
    if isinstance(value, str):
        value.encode()
    elif isinstance(value, Mapping):
        for part in (*value, *value.values()):
            _sendable(part)
    elif isinstance(value, list | tuple):
        for part in value:
            _sendable(part)
    elif not isinstance(value, pulumi.Output) and hasattr(value, "__dict__"):
        _sendable(value.__dict__)


def proper(output: str, text: str) -> None:
    """Raise where a text cannot be printed, or would work on the terminal."""
    text.encode()
    for letter in set(text):
        if letter != "\n" and unicodedata.category(letter) == "Cc":
            raise BrokenPromiseError(f"{output}: a control character, U+{ord(letter):04X}")


@functools.cache
def _base(name: str) -> Plan:
    """Return the plan of the valid stack file of that name, else of the reference setup."""
    for seed in read_corpus().seeds:
        if seed.name == name:
            return make_plan(load(STACK, _Texts({OWN_NAME: seed.text, COMMON_NAME: seed.common or ""})))
    return make_plan(parse(reference_config()))


@functools.cache
def _neighbour() -> Neighbour:
    config = reference_config()
    config["fabric"] |= {"subnet": "10.77.0.0/16", "gateway": "10.77.0.1"}
    for number, host in enumerate(config["hosts"].values()):
        host["slice"] = f"10.77.{number + 1}.0/24"
    return Neighbour(stack="other", file="Pulumi.other.yaml", plan=make_plan(parse(config)))
