"""Text from hosts, files and people reaches a terminal, a log or a shell by one function each: no other module writes there."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.sources import TRACKED, read

FOLDERS = ("ipvlan/", "components/", "provider/", "tools/")
MODULES = [name for name in TRACKED if name.endswith(".py") and name.startswith(FOLDERS)]

ALLOWED: Final = {
    "ipvlan/views/terminal.py": {"rich.console"},
    "ipvlan/cli/output.py": {"typer.echo"},
    # The text of a UserError, which is plain when it is made; and a file descriptor that is closed.
    "ipvlan/cli/main.py": {"sys.stderr.write", "sys.stdout.fileno"},
    "ipvlan/checks/host_check.py": {"sys.stderr.write", "sys.stdout.writelines"},
    # Pulumi's own output, to a person who started it.
    "ipvlan/checks/pulumi_up.py": {"sys.stderr"},
    # A word of ours, to the program that it started.
    "ipvlan/hosts/host_lock.py": {"os.write"},
    # Questions to a person: one without a name, one whose text is plain.
    "ipvlan/cli/heal.py": {"typer.confirm"},
    "ipvlan/cli/forget.py": {"typer.confirm"},
    "components/messages.py": {"pulumi.log.info", "pulumi.log.warn", "pulumi.log.error"},
    # The number of its port, which Pulumi reads.
    "provider/process.py": {"print", "sys.stdout.flush", "sys.stderr.flush"},
    "tools/log.py": {"sys.stdout.write", "sys.stdout.flush", "sys.stderr.write"},
    # The comment, which is plain when it is made.
    "tools/pr_preview.py": {"sys.stdout.write"},
    # It has only the standard library, and writes one line in ASCII for each request.
    "tools/mr_comment.py": {"sys.stderr.write"},
}
"""Module -> how it writes."""

# Run by the authors, in the repository's own terminal, on texts of the repository or made by the tool.
ALLOWED_OF_AUTHORS: Final = {
    # Runs on a host of the lab, and prints JSON for tools/chaos/look.py.
    "tools/chaos/host_look.py": {"print"},
    "tools/fuzz/__main__.py": {"sys.stdout.write", "sys.stderr.write"},
    "tools/fuzz/worker.py": {"sys.stdout.write", "sys.stdout.flush"},
    "tools/generate.py": {"sys.stdout.write", "sys.stderr.write"},
    "tools/lab_matrix.py": {"print", "sys.stderr", "rich.console", "rich.markup"},
    "tools/mode_pages.py": {"rich.console"},
}

STREAM: Final = re.compile(
    r"sys\.(__)?(stdout|stderr)(__)?(\..*)?|os\.(write|writev|pwrite|system|popen)|(builtins\.)?print|pprint\.pp(rint)?"
    r"|(logging|click|curses|syslog|pulumi\.log|warnings\.warn|traceback\.print_\w+)(\..*)?"
    r"|typer\.(echo|secho|echo_via_pager|prompt|confirm|launch)|rich\.(print|print_json|inspect|get_console)"
    r"|subprocess\.(getoutput|getstatusoutput)|asyncio\.create_subprocess_shell"
)
"""What writes to a terminal, a log or a shell, by its complete name."""
FIRST: Final = {
    *(
        "sys",
        "os",
        "print",
        "builtins",
        "pprint",
        "logging",
        "click",
        "curses",
        "syslog",
        "pulumi",
        "warnings",
        "traceback",
    ),
    *("typer", "rich", "subprocess", "asyncio"),
}
"""With what such a name begins."""
ENDS: Final = {"sys.exit", "exit", "quit", "SystemExit", "builtins.SystemExit"}
"""What prints its argument where that is no number."""
WORD: Final = re.compile(
    rf"^\s*(import|from) ({'|'.join(sorted(FIRST - {'print', 'subprocess', 'asyncio', 'os'}))})\b"
    r"|\b(print\b(?!`)|getoutput|getstatusoutput|create_subprocess_shell|shell=|from_markup|from_ansi|SystemExit)"
    r"|(?<![\w.])(exit|quit)\(|(from|import) os\b(?s:.*)\b(p?writev?|system|popen)\b|import \*|/dev/|/proc/self/fd",
    re.MULTILINE,
)
"""A module without any such word does not write, and need not be parsed, which takes most of the time."""
DEVICE: Final = re.compile(r"/dev/(std(out|err)|tty|fd|console|pts)|/proc/self/fd")
RICH: Final = ("rich.table", "rich.text", "rich.status", "rich.segment", "rich.style", "rich.console")
"""What of rich a module may import, the console aside. Others read strings as markup on their own, such as Panel and Rule."""


@functools.cache
def tree_of(name: str) -> ast.Module:
    """Return the syntax tree of a tracked file."""
    return ast.parse(read(name))


def names_of(tree: ast.Module) -> dict[str, str]:
    """Return the names that the module gives to what it imports, and to those by an assignment, with what they are."""
    names: dict[str, str] = {}
    nodes = list(ast.walk(tree))
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.asname: alias.name for alias in node.names if alias.asname}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    for node in nodes:
        pairs: list[tuple[ast.expr, ast.expr | None]] = []
        if isinstance(node, ast.Assign):
            pairs = [(target, node.value) for target in node.targets]
        elif isinstance(node, ast.AnnAssign | ast.NamedExpr):
            pairs = [(node.target, node.value)]
        for target, value in pairs:
            full = dotted(value, names) if isinstance(target, ast.Name) and value is not None else ""
            if is_of_interest(full) or full in ENDS:
                names[ast.unparse(target)] = full
    return names


def is_of_interest(name: str) -> bool:
    """Return whether the complete name is a module that has a writer, or is a writer."""
    return name.partition(".")[0] in FIRST and (name in FIRST or STREAM.fullmatch(name) is not None)


def dotted(node: ast.AST, names: dict[str, str]) -> str:
    """Return the complete dotted name that an expression is; what is before it where it is none counts as empty."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, names)}.{node.attr}"
    return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""


def is_number(node: ast.expr, names: dict[str, str]) -> bool:
    """Return whether the value for the end of a program is an exit status: a number, a choice of two, or what `main` returns."""
    if isinstance(node, ast.IfExp):
        return is_number(node.body, names) and is_number(node.orelse, names)
    return (isinstance(node, ast.Constant) and isinstance(node.value, int)) or (
        isinstance(node, ast.Call) and dotted(node.func, names) == "main"
    )


def writes(tree: ast.Module) -> Iterator[str]:
    """Yield how the module writes to a terminal, a log or a shell, and what of rich it has that reads markup."""
    names = names_of(tree)
    nodes = list(ast.walk(tree))
    inner = {id(node.value) for node in nodes if isinstance(node, ast.Attribute)}
    for node in nodes:
        if isinstance(node, ast.Attribute | ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in inner:
            name = dotted(node, names)
            if name.partition(".")[0] in FIRST and STREAM.fullmatch(name):
                yield name
            elif isinstance(node, ast.Attribute) and node.attr in ("from_markup", "from_ansi"):
                yield node.attr
        elif isinstance(node, ast.Call):
            yield from _calls(node, names)
        elif isinstance(node, ast.ImportFrom):
            if any(alias.name == "*" for alias in node.names):
                yield f"{node.module}.*"
            if (node.module or "").partition(".")[0] == "rich" and (
                node.module == "rich.console" or node.module not in RICH
            ):
                yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "rich")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and DEVICE.match(node.value):
            yield node.value


def _calls(node: ast.Call, names: dict[str, str]) -> Iterator[str]:
    name = dotted(node.func, names)
    if name in ENDS and not all(is_number(argument, names) for argument in node.args):
        yield f"{name}(text)"
    if name in ("getattr", "vars") and dotted(node.args[0], names) in ("sys", "os", "builtins"):
        yield f"{name}({dotted(node.args[0], names)})"
    for keyword in node.keywords:
        if keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and keyword.value.value is False):
            yield "shell=True"


def strict_decodes(tree: ast.Module) -> Iterator[str]:
    """Yield where output of another program is decoded, and one byte that is no UTF-8 would end the run with a traceback."""
    known = names_of(tree)
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        names = {keyword.arg for keyword in node.keywords}
        strict = names & {"text", "universal_newlines", "encoding"} and "errors" not in names
        if strict and dotted(node.func, known).startswith("subprocess."):
            yield ast.unparse(node)


def test_one_place_writes_to_each_medium() -> None:
    """A view that prints in another manner than through `Terminal` fails here."""
    found = {name: set(writes(tree_of(name))) for name in MODULES if WORD.search(read(name))}
    assert {name: ways for name, ways in found.items() if ways} == ALLOWED | ALLOWED_OF_AUTHORS


@pytest.mark.parametrize(
    "source",
    [
        "print(x)",
        "say = print\nsay(x)",
        "say = print\ntell = say\ntell(x)",
        "f(key=print)",
        "from pulumi import log\nlog.warn(x)",
        "from pulumi.log import warn\nwarn(x)",
        "import pulumi as p\np.log.info(x)",
        "import sys\nsys.exit(x)",
        "import sys\nsys.exit(f'{x}')",
        "from sys import exit as end\nend(x)",
        "raise SystemExit(x)",
        "from sys import stderr\nstderr.write(x)",
        "import sys as s\ns.stdout.buffer.write(x)",
        "import sys\nf(sys.stdout)",
        "import sys\nout = sys.stdout\nout.write(x)",
        "import sys\nsys.__stderr__.write(x)",
        "import sys\ngetattr(sys, 'stdout').write(x)",
        "from sys import *\nstdout.write(x)",
        "import os\nos.write(1, x)",
        "from os import write as w\nw(1, x)",
        "import logging\nlogging.getLogger().warning(x)",
        "from logging import getLogger\ngetLogger().warning(x)",
        "import click\nclick.echo(x)",
        "from typer import secho\nsecho(x)",
        "from rich import print as show\nshow(x)",
        "import warnings\nwarnings.warn(x)",
        "open('/dev/stderr', 'w').write(x)",
        "from rich.panel import Panel",
        "import subprocess\nsubprocess.run(x, shell=True)",
        "import os\nos.system(x)",
        "from subprocess import getoutput\ngetoutput(x)",
    ],
)
def test_other_ways_to_write_are_found(source: str) -> None:
    """By another name, an import of a part, the end of the program, a stream that is handed on, or a shell."""
    assert WORD.search(source)
    assert list(writes(ast.parse(source)))


@pytest.mark.parametrize(
    "source",
    [
        "import sys\nsys.exit(1 if x else 0)",
        "import sys\nsys.exit(main())",
        "raise SystemExit",
        "out.print(x)",
        "engine.log(x)",
        "import subprocess\nsubprocess.run(x, shell=False)",
        "from rich.text import Text",
    ],
)
def test_what_does_not_write_is_not_found(source: str) -> None:
    """An exit status, and methods of the same names."""
    assert not list(writes(ast.parse(source)))


def test_no_output_of_a_program_is_decoded_strictly() -> None:
    """Names of processes, banners and paths may be any bytes."""
    found = {name: list(strict_decodes(tree_of(name))) for name in MODULES if "subprocess" in read(name)}
    assert {name: calls for name, calls in found.items() if calls} == {}
