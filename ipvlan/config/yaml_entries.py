"""Writes complete entries, such as services, into a mapping of a YAML text, and changes no other byte of it.

Out of scope: single keys (`ipvlan.config.yaml_edit`), and files (`ipvlan.config.file_write`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

import yaml
from yaml import MappingNode

from ipvlan.config.yaml_edit import into_block, into_flow, line_end_of, node_at
from ipvlan.config.yaml_scalars import ambiguity, value_of
from ipvlan.config.yaml_text import parse_text
from ipvlan.problems import ConfigError, Problem, shorten

_STEP: Final = 2
"""Blanks by which a mapping is indented more than the one it is in."""
_LONGEST_LINE: Final = 100
"""Characters of a list that is written in one line, in brackets."""


class _Dumper(yaml.SafeDumper):
    """Writes texts so that all readers of YAML read them alike, and short lists in brackets."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
        """Indent lists too; PyYAML would not."""
        super().increase_indent(flow, indentless=False)

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002
        """Write each value out: a change of one entry must not change another."""
        return True

    def choose_scalar_style(self) -> str:
        """Use one kind of quotes."""
        style: str = super().choose_scalar_style()
        return '"' if style == "'" else style


def _text(dumper: _Dumper, text: str) -> yaml.Node:
    # Some readers end a line at signs that are not printable, and take a `?` in brackets for a mark of YAML.
    needs_quotes = not isinstance(value_of(text), str) or ambiguity(text) or not text.isprintable() or "?" in text
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if needs_quotes or text == "<<" else None)


def _list(dumper: _Dumper, entries: list[Any]) -> yaml.Node:
    in_line = all(isinstance(entry, str | int) for entry in entries) and len(str(entries)) <= _LONGEST_LINE
    return dumper.represent_sequence("tag:yaml.org,2002:seq", entries, flow_style=in_line)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)


def add_entries(text: str, path: tuple[str, ...], entries: Mapping[str, Mapping[str, Any]], name: str) -> str:
    """Return the text with new entries at the end of a mapping; where the mapping is missing, it is made.

    Args:
        text: The file's text.
        path: Keys from the top of the file to the mapping; the mapping before it is there, and has entries.
        entries: Entry -> its keys, as plain mappings, lists, texts, numbers and switches.
        name: The file's name, for messages.

    Raises:
        ConfigError: The entries cannot be written without a change elsewhere.
    """
    *above, key = path
    # Through JSON, so that an alias and its anchor become two mappings and only one is changed.
    expected = json.loads(json.dumps(parse_text(text, name)))
    place = expected
    for part in above:
        place = place[part]
    place[key] = {**(place.get(key) or {}), **json.loads(json.dumps(entries))}
    changed = _changed(text, tuple(above), key, entries)
    if changed is None or not _has_content(changed, expected, name):
        raise ConfigError(
            [
                Problem(
                    code="IPF926",
                    key=f"{name}: {key}",
                    value=shorten(", ".join(entries)),
                    problem="the entries cannot be written there without a change of other parts of the file",
                    effect="the file is not changed",
                    fix=f"write `{key}:` and one entry below it as YAML without braces and aliases, then run the command again",
                )
            ]
        )
    return changed


def _has_content(text: str, expected: object, name: str) -> bool:
    try:
        return bool(parse_text(text, name) == expected)
    except ConfigError:
        return False


def _changed(text: str, above: tuple[str, ...], key: str, entries: Mapping[str, Any]) -> str | None:
    line_end = line_end_of(text)
    parent = node_at(text, above)
    if not isinstance(parent, MappingNode) or not parent.value:
        return None
    node = next((value for name, value in parent.value if name.value == key), None)
    if node is None:
        new = {key: dict(entries)}
        return (
            into_flow(text, parent, _in_line(new))
            if parent.flow_style
            else into_block(text, parent, _lines(new, parent, line_end))
        )
    if not isinstance(node, MappingNode):
        return None
    if node.value and not node.flow_style:
        return into_block(text, node, _lines(entries, node, line_end))
    if node.value or parent.flow_style:
        return into_flow(text, node, _in_line(entries))
    # Empty braces below a mapping without: the entries begin in the next line, behind the comments.
    indent = parent.value[0][0].start_mark.column + _STEP
    opening, closing = text.index("{", node.start_mark.index), node.end_mark.index - 1
    inside = text[opening + 1 : closing] if text[opening + 1 : closing].strip() else ""
    rest, _, below = text[closing + 1 :].partition("\n")
    head = text[:opening].rstrip(" \t") + (" " if inside.startswith("#") else "") + inside.rstrip(" \t")
    if head.endswith("\n"):
        head += " " * indent + rest.strip() if rest.strip() else ""
    else:
        head += rest.rstrip()
    line_break = "" if head.endswith("\n") else line_end
    return f"{head}{line_break}{_indented(_dump(entries), indent, line_end)}{line_end}{below}"


def _lines(entries: Mapping[str, Any], node: MappingNode, line_end: str) -> str:
    """Return entries as lines below the others of a mapping; the first one gets its indentation from the caller."""
    return _indented(_dump(entries), node.value[-1][0].start_mark.column, line_end).lstrip(" ")


def _dump(entries: Mapping[str, Any]) -> str:
    return yaml.dump(
        dict(entries),
        Dumper=_Dumper,
        default_flow_style=False,
        sort_keys=False,
        allow_unicode=True,
        indent=_STEP,
        width=10**6,
    ).rstrip("\n")


def _in_line(entries: Mapping[str, Any]) -> str:
    flow = yaml.dump(
        dict(entries), Dumper=_Dumper, default_flow_style=True, sort_keys=False, allow_unicode=True, width=10**6
    )
    return flow.rstrip("\n")[1:-1]


def _indented(text: str, indent: int, line_end: str) -> str:
    # A line break in a value is an escape in quotes, so each line begins with a key or an entry.
    return line_end.join(" " * indent + line for line in text.split("\n"))
