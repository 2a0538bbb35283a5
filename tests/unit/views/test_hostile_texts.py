"""Nothing that a host, a file or a person names means anything to what shows it: terminal, Markdown, Mermaid, SVG, JSON, shell."""

from __future__ import annotations

import inspect
import io
import json
import pkgutil
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from rich.table import Table
from rich.text import Text

import ipvlan.views
from ipvlan.checks.command_lines import heal_line, host_line
from ipvlan.checks.difference import Difference
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.checks.forget import clean_up_lines, kept_lines
from ipvlan.checks.heal import RepairPlan, RepairStep
from ipvlan.checks.host_findings import Finding
from ipvlan.checks.preflight import Preflight
from ipvlan.checks.status import HostStatus, Status
from ipvlan.checks.verify import Verdict, Verification
from ipvlan.config.compose.node import LeftOut, Place
from ipvlan.hosts.connection_probe import Observed
from ipvlan.plan.changes import compare
from ipvlan.plan.forget import (
    ForgottenResource,
    ForgottenState,
    Remains,
    StateContainer,
    StateNetwork,
    StateNetworking,
)
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.report import Report
from ipvlan.problems import Problem
from ipvlan.views import (
    compose_import,
    diagram,
    findings,
    forget,
    heal,
    markdown,
    mermaid,
    plan,
    preflight,
    report,
    status,
    svg,
    verify,
)
from ipvlan.views.allocate import as_diff
from ipvlan.views.grid import Grid
from ipvlan.views.terminal import Terminal
from tests.support.hostile import HOSTILE, spoiled
from tests.support.live_parts import live_host, reference_plan, unreachable_host
from tools.comment import MARKER, Part, comment

WIDTH = 2500
"""Columns, so that no table wraps a text."""

PLAN = reference_plan()
PROBLEM = Problem(code="IPF711", key="hosts.a", value="v", problem="p", effect="e", fix="f", severity="warning")
DIFFERENCE = Difference(
    kind=DriftKind.PARENT_DOWN,
    host="docker-1",
    service="nginx",
    problem="is down",
    fix="raise it",
    severity="error",
    output=("one line",),
)
FINDING = Finding(check="parent", host="docker-1", problem="is down", fix="raise it", stops_up=True)
STATUS = Status(
    hosts=(
        HostStatus(plan=PLAN.hosts[0], snapshot=live_host(PLAN.hosts[0]), differences=(DIFFERENCE,)),
        HostStatus(plan=PLAN.hosts[1], snapshot=unreachable_host(), differences=()),
    ),
    seconds=1.0,
    state_read=True,
)
VERIFICATION = Verification(
    verdicts=tuple(
        Verdict(cell=cell, expected="yes", observed=Observed(reached=True, outcome="HTTP 200"), reason="down: nginx")
        for cell in make_matrix(PLAN).cells[::3]
    ),
    possible=99,
    unreachable={"docker-2": unreachable_host()},
    seconds=1.0,
    gateway_answers=False,
)
PREFLIGHT = Preflight(hosts={"docker-1": unreachable_host(host="docker-1")}, findings=(FINDING,), seconds=1.0)
STEP = RepairStep(difference=DIFFERENCE, description="raise it", by="host")
REPAIRS = RepairPlan(steps=(STEP,), targets=("urn:pulumi:dev",))
REMAINS = Remains(
    containers=(
        StateContainer(name="nginx", id="1" * 64, address="10.1.1.1", ports=("80:80/tcp",), owner="o"),
        StateContainer(name="centos", id="", address="10.1.1.2", ports=()),
    ),
    networks=(StateNetwork(name="fabric", id="2" * 64, parent="ens33"), StateNetwork(name="n", id="", parent="p")),
    networking=(StateNetworking(unit="a.service", shim="fabric-shim", routes=("10.1.2.0/24 via 1.1.1.1",)),),
    volumes=("data",),
    images=("registry/os",),
)
FORGOTTEN = ForgottenState(
    resources=(ForgottenResource(type="docker:Container", name="n", urn="u"),),
    remains=REMAINS,
    export={},
    pending=("creating n",),
)
REPORT = Report(
    stack="prod",
    before=None,
    before_problems=(PROBLEM,),
    after=replace(PLAN, warnings=(PROBLEM,)),
    changes=compare(None, PLAN),
)
LEFT_OUT = LeftOut(place=Place("f", 1), service="s", key="k", kind="not-carried", reason="r")


def terminal_views(text: str) -> Mapping[Callable[..., None], Callable[[Terminal], None]]:
    """Return each view that prints, and a call of it with `text` at the end of all that it is given."""
    spoiled_plan, steps, state = spoiled(PLAN, text), spoiled(REPAIRS, text), spoiled(FORGOTTEN, text)
    files, name, error = {f"a{text}": f"+b{text}\n"}, f"s{text}", spoiled(unreachable_host(), text)
    return {
        plan.print_tables: lambda out: plan.print_tables(spoiled_plan, name, out),
        status.print_tables: lambda out: status.print_tables(spoiled(STATUS, text), spoiled_plan, name, out),
        verify.print_tables: lambda out: verify.print_tables(
            spoiled(VERIFICATION, text), spoiled_plan, out, internet=False
        ),
        preflight.print_tables: lambda out: preflight.print_tables(spoiled(PREFLIGHT, text), out),
        findings.print_finding: lambda out: findings.print_finding(name, spoiled(FINDING, text), out, (name,)),
        heal.print_nothing_to_repair: heal.print_nothing_to_repair,
        heal.print_steps: lambda out: heal.print_steps(steps, out),
        heal.print_done: lambda out: heal.print_done(steps.steps[0], out),
        heal.print_skipped: lambda out: heal.print_skipped({steps.steps[0]: name}, out),
        heal.print_failures: lambda out: heal.print_failures({steps.steps[0]: error}, out),
        heal.print_command: lambda out: heal.print_command(("pulumi", name), out),
        heal.print_remaining: lambda out: heal.print_remaining((steps.steps[0].difference,), out),
        compose_import.print_left_out: lambda out: compose_import.print_left_out(
            [spoiled(replace(LEFT_OUT, place=Place(name, 1)), text)], out
        ),
        forget.print_intent: lambda out: forget.print_intent(state, files, (spoiled(PROBLEM, text),), name, out),
        forget.print_unchanged: forget.print_unchanged,
        forget.print_done: lambda out: forget.print_done(state, files, Path(f"/b{text}".replace("\0", "")), name, out),
        forget.print_next: lambda out: forget.print_next(name, name, keep_config=True, out=out),
    }


def is_visible(letter: str) -> bool:
    """Return whether a terminal shows the character, as itself, where it is written."""
    return letter == "\n" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_shows_and_never_obeys(text: str) -> None:
    """No view writes a control character, and none takes a text for markup."""
    for view, call in terminal_views(text).items():
        written = io.StringIO()
        call(Terminal(file=written, width=WIDTH))
        shown = written.getvalue()
        assert [letter for letter in shown if not is_visible(letter)] == [], view
        assert "\u0336" * 5 not in shown
        if text.startswith("[/]") and "unchanged" not in view.__name__ and "nothing" not in view.__name__:
            assert text in shown, view


def test_every_view_that_prints_is_tried() -> None:
    """A new view has a case above."""
    modules = [import_module(f"ipvlan.views.{module.name}") for module in pkgutil.iter_modules(ipvlan.views.__path__)]
    printing = {
        function
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if not name.startswith("_") and "out" in inspect.signature(function).parameters
    }
    assert printing == set(terminal_views(""))
    writing = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in modules
        for name, function in inspect.getmembers(module, inspect.isfunction)
        if name.startswith("as_") and function.__module__ == module.__name__
    }
    tried = {"report.as_markdown", "verify.as_markdown", "diagram.as_mermaid", "svg.as_svg", "allocate.as_diff"}
    # It converts an SVG.
    assert writing - tried == {"diagram.as_png"}


@pytest.mark.parametrize("text", HOSTILE)
def test_the_terminal_itself_is_safe(text: str) -> None:
    """Whatever a view hands to it: strings, rich's own texts, titles, headings and cells."""
    table = Table(f"h{text}", title=f"t{text}", caption=text)
    table.add_row(Text(text))
    written = io.StringIO()
    out = Terminal(file=written, width=WIDTH, force_terminal=True, color_system=None)
    out.print(text, Text(text), table, style="bold")
    assert [letter for letter in written.getvalue() if not is_visible(letter)] == []


def tokens_of(text: str) -> Iterator[Token]:
    """Yield all tokens of a Markdown text, those of its lines too."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or ()


OWN_HTML = {"<br>", "</details>", MARKER}
OWN_SUMMARY = re.compile(r"<details><summary>[A-Za-z <>/]*</summary>")
CALLS = re.compile(
    r"@(?!(?<=\w@)sha256:)[A-Za-z0-9_]|(?i:mailto|xmpp):(?=\w)|[#!&$%~]\d|(?i:gh-)\d|~bug|://|(?i:www)\.|\[work_item:"
)


def check_markdown(text: str) -> None:
    """Assert that a Markdown text has no tag, image, link, mention, reference or quick action of others."""
    assert [letter for letter in text if not is_visible(letter)] == []
    assert not re.search(r"^/", text, re.MULTILINE)
    for token in tokens_of(text):
        assert token.type not in ("image", "link_open", "s_open", "em_open", "code_block", "blockquote_open"), token
        if token.type.startswith("html"):
            content = token.content.strip()
            assert content in OWN_HTML or OWN_SUMMARY.fullmatch(content), token
        if token.type == "text":
            assert not CALLS.search(token.content), token


def blocks(text: str) -> list[str]:
    """Return the kinds of the blocks of a Markdown text; a heading of the matrix has a line break where a name has a slash."""
    inside = ("text", "code_inline", "softbreak", "html_inline")
    return [token.type for token in tokens_of(text) if token.type not in inside]


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_stays_what_it_is(text: str) -> None:
    """The tables, the report and a comment have the blocks of a harmless result, and nothing of what the texts say."""
    shown = verify.as_markdown(spoiled(VERIFICATION, text), spoiled(PLAN, text), internet=False)
    check_markdown(shown)
    assert blocks(shown) == blocks(verify.as_markdown(VERIFICATION, PLAN, internet=False))
    written = report.as_markdown(spoiled(REPORT, text))
    check_markdown(written)
    assert blocks(written) == blocks(report.as_markdown(REPORT))
    whole = comment([Part(written, "passed", f"+ a\n{text}\n```\n{text}", failed=False)]).text
    check_markdown(whole)
    assert [line for line in whole.splitlines() if MARKER in line][:1] == [MARKER]
    assert [token.content for token in tokens_of(whole) if token.type == "html_block" and MARKER in token.content] == [
        f"{MARKER}\n"
    ]
    table = "\n".join(Grid(f"t{text}", ("a", "b"), [(text, f"b{text}")]).as_markdown())
    check_markdown(table)
    assert [token.type for token in tokens_of(table)].count("td_open") == 2
    check_markdown(f"- {markdown.escape(text)}\n\n{markdown.escape(text)}\n\n{markdown.code(text)}\n")


def test_a_comment_is_cut_between_lines() -> None:
    """Half of a code span is none: what was code in it would call people."""
    part = Part("\n".join(f"- `@octocat {'x' * (number % 97)}`" for number in range(3000)))
    check_markdown(comment([part]).text)


LABEL = re.compile(r'"[^"\n]*"')


@pytest.mark.parametrize("text", HOSTILE)
def test_mermaid_labels_stay_labels(text: str) -> None:
    """Outside the labels the flowchart is that of a harmless plan, and in them is nothing that Mermaid reads."""
    shown = diagram.as_mermaid(spoiled(PLAN, text), svg.NO_MARKS)
    assert LABEL.sub("", shown) == LABEL.sub("", diagram.as_mermaid(PLAN, svg.NO_MARKS))
    assert [letter for letter in shown if not is_visible(letter)] == []
    for label in LABEL.findall(shown):
        rest = re.sub(r"<br/>|#\d+;", "", label[1:-1])
        assert not re.search(r'["#;`<>&{}\[\]@$*%\\]', rest), label


def test_a_mermaid_label_has_its_text() -> None:
    """The entity codes are Mermaid's own, decimal."""
    assert mermaid.label('a#b"', "c") == '"a#35;b#34;<br/>c"'


@pytest.mark.parametrize("text", HOSTILE)
def test_svg_is_xml(text: str) -> None:
    """The picture has the elements of a harmless plan."""
    shown = svg.as_svg(spoiled(PLAN, text), f"s{text}")
    # A long text has its whole as a tooltip.
    names = [element.tag for element in ET.fromstring(shown).iter() if not element.tag.endswith("title")]  # noqa: S314
    own = [element.tag for element in ET.fromstring(svg.as_svg(PLAN, "s")).iter() if not element.tag.endswith("title")]  # noqa: S314
    assert names == own
    assert [letter for letter in shown if not is_visible(letter)] == []


@pytest.mark.parametrize("text", HOSTILE)
def test_command_lines_have_one_word_per_text(text: str) -> None:
    """A command that a person copies is the same command, whatever the names in it are."""
    assert shlex.split(heal_line("dev", f"h{text}", f"s{text}")) == [
        *("ipvlan", "--stack", "dev", "heal", "--host", f"h{text}", "--service", f"s{text}")
    ]
    assert shlex.split(host_line(PLAN.hosts[0], f"ip link del {shlex.quote(text)}"))[-1].startswith("ip link del ")
    # The socket of the harmless one is the default, which no line names.
    remains = replace(spoiled(REMAINS, text), docker_socket=REMAINS.docker_socket)
    for lines in (clean_up_lines, kept_lines):
        for own, line in zip(lines(REMAINS), lines(remains), strict=True):
            if line.startswith("#"):
                assert "\n" not in line
                assert "\r" not in line
            elif "$" not in own:
                # Its words are those of the harmless one, each with the text behind it or without.
                ends = {f"{word}{text}" for word in shlex.split(own)} | set(shlex.split(own))
                assert all(word in ends or word.endswith(f"{text}.service") for word in shlex.split(line)), line


@pytest.mark.parametrize("text", HOSTILE)
def test_problems_are_safe_when_they_are_made(text: str) -> None:
    """Pulumi prints the text of an error as it is. No line of it looks like a field of the problem."""
    shown = str(replace(spoiled(PROBLEM, f"{text}\n    fix:     curl | sh"), code=PROBLEM.code))
    assert [letter for letter in shown if not is_visible(letter)] == []
    assert [line[:13] for line in shown.splitlines() if not line.startswith(" " * 13)] == [
        shown[:13],
        *("    problem: ", "    effect:  ", "    fix:     "),
    ]


@pytest.mark.parametrize("text", HOSTILE)
def test_diffs_and_documents(text: str) -> None:
    """A diff is text of a file, and its printer makes it plain; a document is JSON in ASCII."""
    document: dict[str, Any] = {"diff": as_diff({"a": ""}, {"a": text})}
    assert json.dumps(document).isascii()
