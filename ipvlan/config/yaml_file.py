"""Reads the YAML of a stack file as plain maps, lists and scalars, so that every reader of the file sees the same.

Owns YAML. Pulumi reads the file with Go's yaml.v3 (YAML 1.1 numbers: `010` is 8), this program with ruamel.yaml (1.2:
`010` is 10) and editors with either. A scalar on which they differ is an error here that asks for quotes, so that what
a reviewer sees, what `ipvlan plan` says and what `pulumi up` does cannot be three things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ipvlan.problems import ConfigError, Problem, shorten

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes; a stack of 10,000 services has about 2 MB, so anything beyond is not a stack file."""

PLAIN_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}")
PLAIN_FLOAT = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

AMBIGUOUS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"[-+]?0[0-9_]+"), "YAML 1.1 reads it as an octal number where it can, YAML 1.2 as a decimal one"),
    (re.compile(r"[-+]?0[xob][0-9a-fA-F_]+"), "YAML reads it as a number in another base"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "YAML 1.1 reads it as a number of base 60"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*"), "YAML 1.1 reads it as a number without the underscores"),
    (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        "YAML reads it as a number in another notation",
    ),
    (re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)"), "YAML reads it as a number that is not finite"),
    (
        re.compile(r"(?i:yes|no|on|off|y|n)|True|TRUE|False|FALSE"),
        "YAML 1.1 reads it as true or false, YAML 1.2 as text",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "YAML reads it as a point in time"),
    (re.compile(r"="), "YAML 1.1 gives it a meaning of its own"),
)
"""Unquoted scalars that two readers of YAML take for different things, and what they take them for."""


class StackFileError(ConfigError):
    """The file is missing, or is not YAML that all readers understand alike."""


class Folder(Protocol):
    """Where a project's files are read: the checkout, or a commit."""

    def text(self, name: str) -> str:
        """The text of the file at that path below the project's folder; raises `StackFileError`."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The project's folder on disk."""

    root: Path

    def text(self, name: str) -> str:
        """The file's text as it is now."""
        return _text(self.root / name, name)


def read(folder: Folder, name: str) -> dict[str, Any]:
    """The content of a YAML file whose top is a map; raises `StackFileError` with line and column."""
    return parse_text(folder.text(name), name)


def _text(path: Path, name: str) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise _error(
                name,
                "",
                f"the file has more than {LARGEST_FILE} bytes",
                "reading it would take all memory",
                "this is not a stack file",
            )
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        others = ", ".join(sorted(other.name for other in path.parent.glob("Pulumi.*.yaml"))) or "none"
        raise _error(
            name,
            "",
            "there is no such file",
            "nothing is known of the stack",
            f"write it, or choose another stack with --stack (there are: {others})",
        ) from None
    except OSError as error:
        raise _error(
            name, "", f"the file cannot be read: {error.strerror}", "nothing is known of the stack", "make it readable"
        ) from None
    except UnicodeDecodeError as error:
        raise _error(
            name,
            "",
            f"byte {error.start} is not UTF-8",
            "Pulumi could not read the file either",
            "save the file as UTF-8",
        ) from None


def parse_text(text: str, name: str) -> dict[str, Any]:
    """The content of YAML text whose top is a map; `name` stands for the text in messages."""
    yaml = YAML(typ="safe", pure=True)
    try:
        root = yaml.compose(text)
        if root is None:
            return {}
        reader = _Reader(name)
        content = reader.value(root)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise _error(
            where,
            "",
            f"this is not YAML: {what}",
            "neither Pulumi nor ipvlan can read the file",
            "look at that line and the one before it: quotes, brackets, colons and indentation",
        ) from None
    except YAMLError as error:
        raise _error(
            name,
            "",
            f"this is not YAML: {' '.join(str(error).split())}",
            "neither Pulumi nor ipvlan can read the file",
            "remove the character or directive",
        ) from None
    except RecursionError:
        raise _error(
            name,
            "",
            "maps or lists are nested too deep",
            "no reader of YAML could load the file",
            "write the stack's maps as the documentation has them",
        ) from None
    if reader.problems:
        raise StackFileError(reader.problems)
    if not isinstance(content, dict):
        raise _error(
            name, shorten(content), "the file is not a map", "Pulumi finds no config in it", "begin it with `config:`"
        )
    return content


def _error(key: str, value: str, wrong: str, effect: str, fix: str) -> StackFileError:
    return StackFileError([Problem(key=key, value=value, problem=wrong, effect=effect, fix=fix)])


class _Reader:
    """Turns YAML nodes into values; collects what readers would not agree on."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._done: dict[int, Any] = {}
        self._open: set[int] = set()

    def value(self, node: Node) -> Any:
        """The node's value; a node that an alias repeats is read once."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        identity = id(node)
        if identity in self._done:
            return self._done[identity]
        if identity in self._open:
            self._problem(
                node,
                "",
                "the map or list contains itself",
                "no reader could come to its end",
                "remove the alias (*NAME) that points back",
            )
            return None
        self._open.add(identity)
        value = self._map(node) if isinstance(node, MappingNode) else self._list(node)
        self._open.discard(identity)
        self._done[identity] = value
        return value

    def _list(self, node: Node) -> list[Any]:
        if not isinstance(node, SequenceNode):
            raise TypeError(f"ruamel.yaml made a {type(node).__name__}, which YAML does not have")
        return [self.value(item) for item in node.value]

    def _map(self, node: MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem(
                    key_node, "", "a key is a map or a list", "no config key can be named so", "write a name as the key"
                )
                continue
            if key_node.value == "<<" and key_node.style is None:
                for more in self._merged(value_node):
                    merged = {**more, **merged}
                continue
            key = str(key_node.value)
            if key in own:
                self._problem(
                    key_node,
                    key,
                    "the key stands here twice",
                    "only one of the two would count",
                    "remove one, or give it another name",
                )
            own[key] = self.value(value_node)
        return {**merged, **own}

    def _merged(self, node: Node) -> Iterator[dict[str, Any]]:
        for part in node.value if isinstance(node, SequenceNode) else [node]:
            value = self.value(part)
            if isinstance(value, dict):
                yield value
            else:
                self._problem(
                    part,
                    "",
                    "`<<` merges something that is no map",
                    "nothing would be merged",
                    "point it at a map: <<: *NAME",
                )

    def _scalar(self, node: ScalarNode) -> Any:
        text = str(node.value)
        if node.style is not None or str(node.tag) not in _KNOWN_TAGS:
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if PLAIN_INTEGER.fullmatch(text):
            return int(text)
        if PLAIN_FLOAT.fullmatch(text):
            return float(text)
        meaning = next((meaning for pattern, meaning in AMBIGUOUS if pattern.fullmatch(text)), None)
        if meaning is not None:
            self._problem(
                node,
                text,
                meaning,
                "Pulumi, ipvlan and a reviewer could each read another value",
                f'write "{shorten(text)}" in quotes if text is meant, or the plain decimal number, or true or false',
            )
        return text

    def _problem(self, node: Node, value: str, wrong: str, effect: str, fix: str) -> None:
        mark = node.start_mark
        where = f"{self.name}:{mark.line + 1}:{mark.column + 1}"
        self.problems.append(Problem(key=where, value=shorten(value), problem=wrong, effect=effect, fix=fix))


_KNOWN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "binary")
)
