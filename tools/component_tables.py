"""The tables of docs/reference.md: type tokens, arguments and outputs of the components, read from their source.

Out of scope: where the tables go. `tools/generate.py` writes them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent

COMPONENTS: Final = {
    "ipvlan_fabric": ("IpvlanFabric", "FabricArgs"),
    "host_slice": ("HostSlice", "HostSliceArgs"),
    "published_service": ("PublishedService", "PublishedServiceArgs"),
}
"""Module -> the component and the class of its arguments."""


def component_tables() -> Iterator[str]:
    """Return the lines of the tables, Markdown."""
    for module, (component, arguments) in COMPONENTS.items():
        classes = _classes(ROOT / "components" / f"{module}.py")
        yield from ("", f"### {component}", "")
        yield from (f"`ipvlan-fabric:{module}:{component}`, in `components/{module}.py`.", _summary(classes[component]))
        yield from ("", f"| Argument (`{arguments}`) | Type | Default | What it is |", "|---|---|---|---|")
        for field, text in _fields(classes[arguments]):
            default = "required" if field.value is None else f"`{_default(field.value)}`"
            yield f"| `{_name(field)}` | `{_cell(ast.unparse(field.annotation))}` | {default} | {_cell(text)} |"
        yield from ("", "| Output | Type | What it is |", "|---|---|---|")
        for field, text in _fields(classes[component]):
            yield f"| `{_name(field)}` | `{_cell(ast.unparse(field.annotation))}` | {_cell(text)} |"


def _classes(path: Path) -> dict[str, ast.ClassDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}


def _summary(class_: ast.ClassDef) -> str:
    return (ast.get_docstring(class_) or "").partition("\n\n")[0].replace("\n", " ")


def _fields(class_: ast.ClassDef) -> Iterator[tuple[ast.AnnAssign, str]]:
    """Return the fields of a class that have a string below them, with that string."""
    for field, below in zip(class_.body, class_.body[1:], strict=False):
        if (
            isinstance(field, ast.AnnAssign)
            and isinstance(below, ast.Expr)
            and isinstance(below.value, ast.Constant)
            and isinstance(below.value.value, str)
        ):
            yield field, below.value.value


def _name(field: ast.AnnAssign) -> str:
    return ast.unparse(field.target)


def _default(value: ast.expr) -> str:
    """Return the default as Python writes it; `field(default_factory=dict)` is `{}`."""
    text = ast.unparse(value)
    return "{}" if text == "field(default_factory=dict)" else text


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
