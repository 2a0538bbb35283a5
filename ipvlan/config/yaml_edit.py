"""Writes a new key into a YAML text, or removes one, and changes no other byte of it.

The places come from PyYAML's nodes, and the text between them is kept. A writer of complete documents would change quotes,
line ends and the layout of other mappings.

Out of scope: files (`ipvlan.config.file_write`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

from ipvlan.config.yaml_text import LOADER, parse_text
from ipvlan.problems import ConfigError, Problem

_COMMENT: Final = re.compile(r"(?:\A|(?<=\s))#[^\n]*")
_STEP: Final = 2
"""Blanks by which a line in braces is indented more than the one with the opening brace."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One key to be added."""

    path: tuple[str, ...]
    """Keys from the top of the file to the mapping that gets the new key, which must exist."""
    key: str
    value: str | int


@dataclass(frozen=True, slots=True)
class Removal:
    """One key of a mapping, or one item of a list, to be removed. It is not the only one."""

    path: tuple[str, ...]
    """Keys from the top of the file to the mapping or list."""
    key: str
    """The key, or the item."""


def has(text: str, path: tuple[str, ...]) -> bool:
    """Return whether the text has a mapping at that path, written out there (and not by an alias)."""
    return _find(text, path) is not None


def insert(text: str, edits: list[Edit], name: str) -> str:
    """Return the text with the keys added.

    Raises:
        ConfigError: A key cannot be added without a change elsewhere.
    """
    for edit in edits:
        text = _insert(text, edit, name)
    return text


def remove(text: str, removals: list[Removal], name: str) -> str:
    """Return the text without the keys and items, and without the comments in their lines and below their keys.

    Raises:
        ConfigError: One cannot be removed without a change elsewhere.
    """
    for removal in removals:
        text = _remove(text, removal, name)
    return text


def _insert(text: str, edit: Edit, name: str) -> str:
    node = _find(text, edit.path)
    key = ".".join(edit.path)
    if node is None:
        raise _error("IPF025", key, f"{name} has no mapping there that is written out")
    # Through JSON, so that an alias and its anchor become two mappings and only one is changed.
    expected = json.loads(json.dumps(parse_text(text, name)))
    place = expected
    for part in edit.path:
        place = place[part]
    place[edit.key] = edit.value
    entry = f"{edit.key}: {edit.value}"
    changed = into_flow(text, node, entry) if node.flow_style else into_block(text, node, entry)
    # With an anchor that other mappings share, or an unforeseen layout, the content differs: then nothing is written.
    if parse_text(changed, name) != expected:
        raise _error("IPF026", key, "adding the key would change other parts of the file, which share this mapping")
    return changed


def into_flow(text: str, node: MappingNode, entry: str) -> str:
    """Return the text with an entry at the end of a mapping in braces: in a line of its own if the closing brace has one."""
    # The end mark is behind the closing brace, and an anchor may be before the opening one.
    opening, closing = text.index("{", node.start_mark.index), node.end_mark.index - 1
    begin, behind = opening, opening + 1
    if node.value:
        last_key, last_value = node.value[-1]
        begin, behind = last_key.start_mark.index, _text_end(last_value, last_key)
    # What is left of the entry, such as an alias, and the comma behind it.
    left = _COMMENT.sub(lambda comment: " " * len(comment[0]), text[behind:closing]).rstrip()
    behind += len(left)
    space = text[behind:closing]
    comma = "" if not node.value or left.endswith(",") else ","
    if "\n" not in space:
        return text[:behind] + comma + (" " if node.value else "") + entry + text[behind:]
    line_begin = text.rfind("\n", 0, begin) + 1
    line = text[line_begin:]
    indent = len(line) - len(line.lstrip(" ")) + (_STEP if line_begin <= opening else 0)
    lines = space.rstrip(" \t")
    return f"{text[:behind]}{comma}{lines}{' ' * indent}{entry}{line_end_of(text)}{space[len(lines) :]}{text[closing:]}"


def into_block(text: str, node: MappingNode, entry: str) -> str:
    """Return the text with an entry below the last one of a mapping without braces, and below the comments that are indented more.

    Further lines of the entry are indented already.
    """
    last_key, last_value = node.value[-1]
    # A block mapping or list ends where the next token begins, comments included: its last scalar says where its text ends.
    at = _behind_comments(text, _line_end(text, _text_end(last_value, last_key)), last_key.start_mark.column)
    line_end = line_end_of(text)
    break_before = "" if text[:at].endswith("\n") else line_end
    return f"{text[:at]}{break_before}{' ' * last_key.start_mark.column}{entry}{line_end}{text[at:]}"


def line_end_of(text: str) -> str:
    """Return what ends the lines of a text."""
    return "\r\n" if "\r\n" in text else "\n"


def _behind_comments(text: str, at: int, column: int) -> int:
    """Return the index behind the comments at `at` that are indented more than `column`, and the blank lines between them."""
    end = at
    while at < len(text):
        following = text[at : _line_end(text, at)]
        at += len(following)
        content = following.lstrip(" ")
        if content.startswith("#") and len(following) - len(content) > column:
            end = at
        elif content.strip():
            break
    return end


def _text_end(node: Node, before: Node) -> int:
    """Return the index behind the last character of a node's own text."""
    if isinstance(node.value, list) and node.value and not getattr(node, "flow_style", False):
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (before, last)
        return _text_end(value, key)
    end: int = node.end_mark.index
    if node.value == "" and not getattr(node, "style", None):
        # The position of an empty value is where the next token begins.
        end = 0
    if getattr(node, "style", None) in ("|", ">"):
        # The end of a block scalar is the start of what follows it.
        end -= 1
    behind_key: int = before.end_mark.index
    return max(end, behind_key)


def _remove(text: str, removal: Removal, name: str) -> str:
    key = ".".join((*removal.path, removal.key))
    failure = ConfigError(
        [
            Problem(
                code="IPF029",
                key=key,
                value="",
                problem=f"it cannot be removed from {name} without a change of other parts of the file",
                effect="the file is not changed",
                fix=f"remove {key} from {name} by hand",
            )
        ]
    )
    node = node_at(text, removal.path)
    entries = _entries(node)
    place = next((at for at, (start, _) in enumerate(entries) if start.value == removal.key), None)
    if place is None or len(entries) == 1:
        raise failure
    expected = json.loads(json.dumps(parse_text(text, name)))
    collection = expected
    for part in removal.path:
        collection = collection[part]
    if removal.key not in collection:
        # A number in a list of names.
        raise failure
    if isinstance(collection, list):
        collection.remove(removal.key)
    else:
        del collection[removal.key]
    in_brackets = isinstance(node, CollectionNode) and node.flow_style
    cut = _flow_cut(text, entries, place) if in_brackets else _block_cut(text, *entries[place])
    if cut is None:
        raise failure
    changed = text[: cut[0]] + text[cut[1] :]
    try:
        # An anchor that others use, or an unforeseen layout: nothing is written.
        if parse_text(changed, name) != expected:
            raise failure
    except (ConfigError, yaml.YAMLError):
        raise failure from None
    return changed


def _entries(node: Node | None) -> list[tuple[Node, Node]]:
    """Return the first and the last node of each entry: key and value of a mapping, an item twice."""
    if isinstance(node, MappingNode):
        return list(node.value)
    return [(item, item) for item in node.value] if isinstance(node, SequenceNode) else []


def _block_cut(text: str, key: Node, value: Node) -> tuple[int, int] | None:
    """Return where the lines of a block entry begin and end; None where another entry begins or ends in them."""
    begin = text.rfind("\n", 0, key.start_mark.index) + 1
    before = text[begin : key.start_mark.index]
    if before.strip() not in ("", "-") or (before.strip() == "-") != (key is value):
        return None
    end = _line_end(text, _text_end(value, key))
    # Comments below the key, at the end of its value.
    while key is not value:
        following = text[end : _line_end(text, end)]
        indent = len(following) - len(following.lstrip(" "))
        if not following.lstrip(" ").startswith("#") or indent <= key.start_mark.column:
            break
        end += len(following)
    return begin, end


def _line_end(text: str, at: int) -> int:
    """Return the index behind the line that has this index."""
    return text.find("\n", at) + 1 or len(text)


def _flow_cut(text: str, entries: list[tuple[Node, Node]], place: int) -> tuple[int, int] | None:
    """Return where an entry in brackets begins and ends, with the comma beside it; None where a comment is between the two."""
    first, last = entries[place]
    if place + 1 < len(entries):
        cut = (first.start_mark.index, entries[place + 1][0].start_mark.index)
        between = text[_text_end(last, first) : cut[1]]
    else:
        before = entries[place - 1]
        cut = (_text_end(before[1], before[0]), _text_end(last, first))
        between = text[cut[0] : first.start_mark.index]
    return None if "#" in between else cut


def _find(text: str, path: tuple[str, ...]) -> MappingNode | None:
    node = node_at(text, path)
    return node if isinstance(node, MappingNode) and node.value else None


def node_at(text: str, path: tuple[str, ...]) -> Node | None:
    """Return the node at that path; None where there is none."""
    node = compose(text)
    for part in path:
        if not isinstance(node, MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == part), None)
    return node


def compose(text: str) -> Node | None:
    """Return the node at the top; the texts of values, and where they are. An anchor may be there twice: the last one counts.

    `yaml.compose` refuses that, and Pulumi does not.
    """
    root: Node | None = None
    anchors: dict[str | None, Node] = {}
    waiting: list[tuple[Node, list[Node]]] = []
    for event in yaml.parse(text, Loader=LOADER):
        # The two parsers have marks of two types that are alike.
        begin: Any = event.start_mark
        end: Any = event.end_mark
        if isinstance(event, yaml.ScalarEvent):
            node: Node = ScalarNode("", event.value, begin, end, event.style)
        elif isinstance(event, yaml.CollectionStartEvent):
            kind = MappingNode if isinstance(event, yaml.MappingStartEvent) else SequenceNode
            node = kind("", [], begin, end, event.flow_style)
            anchors[event.anchor] = node
            waiting.append((node, []))
            continue
        elif isinstance(event, yaml.AliasEvent):
            node = anchors[event.anchor]
        elif isinstance(event, yaml.CollectionEndEvent):
            node, parts = waiting.pop()
            node.end_mark = end
            is_mapping = isinstance(node, MappingNode)
            node.value = list(zip(parts[::2], parts[1::2], strict=True)) if is_mapping else parts
        else:
            continue
        if isinstance(event, yaml.ScalarEvent):
            anchors[event.anchor] = node
        if waiting:
            waiting[-1][1].append(node)
        else:
            root = node
    return root


def _error(code: str, key: str, problem: str) -> ConfigError:
    return ConfigError(
        [
            Problem(
                code=code,
                key=key,
                value="",
                problem=problem,
                effect="the file is not changed",
                fix="write the key by hand, or write the mapping out as YAML below its name",
            )
        ]
    )
