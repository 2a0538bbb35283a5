"""Writes a new key into a YAML file and leaves every other byte of it alone.

Owns the edit of the text. Places come from ruamel.yaml's nodes; the text between them is not written anew, because a writer
of whole documents would change quotes, line ends and the layout of maps that nobody asked it to touch.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from ipvlan.config.yaml_file import parse_text
from ipvlan.problems import ConfigError, Problem


@dataclass(frozen=True, slots=True)
class Edit:
    """One key to be added."""

    path: tuple[str, ...]
    """Keys from the top of the file to the map that gets the new key; the map must be there."""
    key: str
    value: str | int


def has(text: str, path: tuple[str, ...]) -> bool:
    """Whether the text has a map at that path, written out there (and not by an alias)."""
    return _find(text, path) is not None


def insert(text: str, edits: list[Edit], name: str) -> str:
    """The text with the keys added; raises `ConfigError` when a place cannot be written to without touching others."""
    for edit in edits:
        text = _insert(text, edit, name)
    return text


def write(path: Path, text: str) -> None:
    """Replace the file's content at once: a reader sees the old text or the new one, never a part."""
    mode = path.stat().st_mode
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        Path(temporary).chmod(mode & 0o7777)
        Path(temporary).replace(path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)
        raise


def _insert(text: str, edit: Edit, name: str) -> str:
    node = _find(text, edit.path)
    where = ".".join(edit.path)
    if node is None:
        raise _refusal(where, f"{name} has no map there that is written out")
    # Through JSON, so that an alias and its anchor become two maps and only the one meant is changed.
    expected = json.loads(json.dumps(parse_text(text, name)))
    place = expected
    for part in edit.path:
        place = place[part]
    place[edit.key] = edit.value
    entry = f"{edit.key}: {edit.value}"
    changed = _into_flow(text, node, entry) if node.flow_style else _into_block(text, node, entry)
    # An anchor that other maps share, or a layout not foreseen here, shows as another content: then nothing is written.
    if parse_text(changed, name) != expected:
        raise _refusal(where, "adding the key would change other parts of the file, which share this map")
    return changed


def _into_flow(text: str, node: MappingNode, entry: str) -> str:
    # The end mark is behind the closing brace.
    end = node.end_mark.index - 1
    inside = text[node.start_mark.index + 1 : end].rstrip()
    at = node.start_mark.index + 1 + len(inside)
    separator = "" if not inside.strip() else " " if inside.endswith(",") else ", "
    return text[:at] + separator + entry + text[at:]


def _into_block(text: str, node: MappingNode, entry: str) -> str:
    last_key, last_value = node.value[-1]
    line_end = "\r\n" if "\r\n" in text else "\n"
    # A block map or list ends where the next token begins, comments included: its last scalar says where its text ends.
    at = text.find("\n", _text_end(last_value, last_key))
    indent = " " * last_key.start_mark.column
    if at < 0:
        return f"{text}{line_end}{indent}{entry}{line_end}"
    return f"{text[: at + 1]}{indent}{entry}{line_end}{text[at + 1 :]}"


def _text_end(node: Node, before: Node) -> int:
    """Index behind the last character of a node's own text."""
    if isinstance(node.value, list) and node.value and not getattr(node, "flow_style", False):
        last = node.value[-1]
        key, value = last if isinstance(last, tuple) else (before, last)
        return _text_end(value, key)
    end: int = node.end_mark.index
    if node.value == "" and getattr(node, "style", None) is None:
        # An empty value is found where the next token begins.
        end = 0
    if getattr(node, "style", None) in ("|", ">"):
        # The end of a block scalar is the start of what follows it.
        end -= 1
    behind_key: int = before.end_mark.index
    return max(end, behind_key)


def _find(text: str, path: tuple[str, ...]) -> MappingNode | None:
    node = YAML(typ="safe", pure=True).compose(text)
    for part in path:
        if not isinstance(node, MappingNode):
            return None
        node = next((value for key, value in node.value if key.value == part), None)
    return node if isinstance(node, MappingNode) and node.value else None


def _refusal(where: str, why: str) -> ConfigError:
    return ConfigError(
        [
            Problem(
                key=where,
                value="",
                problem=why,
                effect="the file is left as it is",
                fix="write the key by hand, or write the map out as YAML below its name",
            )
        ]
    )
