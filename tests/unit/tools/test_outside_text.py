"""Text from hosts, files and people reaches a terminal, a log or a shell by one function each: no other module writes there."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator

from tests.support.sources import TRACKED, read

MODULES = [
    name for name in TRACKED if name.endswith(".py") and name.startswith(("ipvlan/", "components/", "provider/"))
]

ALLOWED = {
    "ipvlan/views/terminal.py": {"rich.console"},
    "ipvlan/cli/output.py": {"typer.echo"},
    # The text of a UserError, which is plain when it is made.
    "ipvlan/cli/main.py": {"sys.stderr.write"},
    "ipvlan/checks/host_check.py": {"sys.stderr.write", "sys.stdout.writelines"},
    "components/messages.py": {"pulumi.log"},
    # The number of its port, which Pulumi reads.
    "provider/process.py": {"print"},
}
"""Module -> how it writes."""

WRITERS = {"typer.echo", "typer.secho", "print", "rich.print"} | {
    f"sys.{stream}.{name}" for stream in ("stdout", "stderr") for name in ("write", "writelines")
}
RICH = ("rich.table", "rich.text", "rich.status", "rich.segment", "rich.style", "rich.console")
"""What of rich a module may import, the console aside. Others read strings as markup on their own, such as Panel and Rule."""


def dotted(node: ast.expr) -> str:
    """Return the dotted name that an expression is; what is before it where it is none counts as empty."""
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


@functools.cache
def tree_of(name: str) -> ast.Module:
    """Return the syntax tree of a tracked file."""
    return ast.parse(read(name))


def writes(tree: ast.Module) -> Iterator[str]:
    """Yield how the module writes to a terminal or a log, and what of rich it has that reads markup."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and dotted(node.func) in WRITERS:
            yield dotted(node.func)
        elif isinstance(node, ast.Attribute) and dotted(node) == "pulumi.log":
            yield "pulumi.log"
        elif isinstance(node, ast.Attribute) and node.attr in ("from_markup", "from_ansi"):
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "rich":
            if node.module == "rich.console" or node.module not in RICH:
                yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "rich")


def strict_decodes(tree: ast.Module) -> Iterator[str]:
    """Yield where output of another program is decoded, and one byte that is no UTF-8 would end the run with a traceback."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        names = {keyword.arg for keyword in node.keywords}
        strict = names & {"text", "universal_newlines", "encoding"} and "errors" not in names
        if strict and dotted(node.func).startswith("subprocess."):
            yield ast.unparse(node)


def test_one_place_writes_to_each_medium() -> None:
    """A view that prints in another manner than through `Terminal` fails here."""
    found = {name: set(writes(tree_of(name))) for name in MODULES}
    assert {name: ways for name, ways in found.items() if ways} == ALLOWED


def test_no_output_of_a_program_is_decoded_strictly() -> None:
    """Names of processes, banners and paths may be any bytes."""
    names = [*MODULES, "tools/pr_preview.py"]
    found = {name: list(strict_decodes(tree_of(name))) for name in names}
    assert {name: calls for name, calls in found.items() if calls} == {}
