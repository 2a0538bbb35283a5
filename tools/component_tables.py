"""The tables of docs/reference.md: type tokens, arguments and outputs of the components, read from their source.

Out of scope: where the tables go. `tools/generate.py` writes them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ipvlan.views import markdown

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
        yield ""
        yield from markdown.table(
            (f"Argument (`{arguments}`)", "Type", "Default", "What it is"),
            ((_name(field), _type(field), _default(field), text) for field, text in _fields(classes[arguments])),
        )
        yield ""
        yield from markdown.table(
            ("Output", "Type", "What it is"),
            ((_name(field), _type(field), text) for field, text in _fields(classes[component])),
        )


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
    return f"`{ast.unparse(field.target)}`"


def _type(field: ast.AnnAssign) -> str:
    return f"`{ast.unparse(field.annotation)}`"


def _default(field: ast.AnnAssign) -> str:
    """Return the default as Python writes it; `field(default_factory=dict)` is `{}`."""
    if field.value is None:
        return "required"
    text = ast.unparse(field.value)
    return f"`{'{}' if text == 'field(default_factory=dict)' else text}`"
