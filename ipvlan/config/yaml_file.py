"""Reads the YAML of a stack file as plain mappings, lists and scalars, so that every reader of the file reads the same.

Pulumi reads the file with Go's yaml.v3 (YAML 1.1 numbers: `010` is 8), this program with ruamel.yaml (1.2: `010` is 10), and
editors with either. A scalar on which they differ is an error here that asks for quotes. So a reviewer, `ipvlan plan` and
`pulumi up` cannot take it for three different values.

Out of scope: what the keys mean (`ipvlan.config.load`).
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from ruamel.yaml.composer import MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ipvlan.config.yaml_limits import DEEPEST, LARGEST_FILE, MOST_VALUES, TooManyValuesError, compose
from ipvlan.problems import ConfigError, Problem, shorten

STACK_FILES: Final = "Pulumi.*.yaml"
"""The files of a project's stacks."""

PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
PLAIN_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")
_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}

AMBIGUOUS: Final = (
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
        "YAML 1.1 reads it as a boolean, YAML 1.2 as a string",
    ),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "YAML reads it as a date"),
    (re.compile(r"="), "YAML 1.1 gives it a special meaning"),
)
"""Unquoted scalars that two readers of YAML read differently, and how they read them."""


class StackFileError(ConfigError):
    """The file is missing, or is not YAML that all readers read alike."""


class Folder(Protocol):
    """Where a project's files are read from: the checkout, or a commit."""

    def text(self, name: str) -> str:
        """Return the text of the file at that path below the project's folder; raise StackFileError."""


class ProjectFolder(Folder, Protocol):
    """A folder whose stack files can be listed."""

    def stack_files(self) -> list[str]:
        """Return the names of the files `Pulumi.*.yaml` in the folder, sorted."""


@dataclass(frozen=True, slots=True)
class Checkout:
    """The project's folder on disk."""

    root: Path

    def text(self, name: str) -> str:
        """Return the file's text as it is now."""
        return file_text(self.root / name, name)

    def stack_files(self) -> list[str]:
        """Return the stack files that are there now. What is no file is not opened: a pipe might never answer."""
        return sorted(path.name for path in self.root.glob(STACK_FILES) if _may_be_file(path))


def read(folder: Folder, name: str) -> dict[str, Any]:
    """Return the content of a YAML file whose top is a mapping; raise StackFileError with line and column."""
    return parse_text(folder.text(name), name)


def read_bytes(path: Path) -> bytes:
    """Return the content of a regular file, at most one byte more than `LARGEST_FILE`.

    Raises:
        OSError: It cannot be read, or is none: a pipe might never answer, a device might never end.
    """
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "It is a pipe, a socket or a device", str(path))
    with path.open("rb") as file:
        return file.read(LARGEST_FILE + 1)


def _may_be_file(path: Path) -> bool:
    try:
        return path.is_file()
    except PermissionError:
        # A link into a folder that is closed to this user: reading it says so.
        return True


def refuse_large(size: int, name: str) -> None:
    """Raise StackFileError where a file of that many bytes is too large."""
    if size > LARGEST_FILE:
        raise _error(
            "IPF002",
            name,
            problem=f"the file has more than {LARGEST_FILE} bytes",
            effect="reading it would take minutes, and much memory",
            fix="this is not a stack file",
        )


def file_text(path: Path, name: str, encoding: str = "utf-8-sig") -> str:
    """Return the text of a file, without its byte order mark unless the encoding is plain UTF-8; raise StackFileError."""
    try:
        content = read_bytes(path)
        refuse_large(len(content), name)
        return content.decode(encoding)
    except FileNotFoundError:
        others = ", ".join(sorted(other.name for other in path.parent.glob(STACK_FILES))) or "none"
        raise _error(
            "IPF001",
            name,
            problem="there is no such file",
            effect="nothing is known of the stack",
            fix=f"write it, or choose another stack with --stack (there are: {others})",
        ) from None
    except OSError as error:
        raise _error(
            "IPF003",
            name,
            problem=f"the file cannot be read: {error.strerror}",
            effect="nothing is known of the stack",
            fix="make it a file that can be read",
        ) from None
    except UnicodeDecodeError as error:
        raise _error(
            "IPF004",
            name,
            problem=f"byte {error.start} is not UTF-8",
            effect="Pulumi could not read the file either",
            fix="save the file as UTF-8",
        ) from None


def parse_text(text: str, name: str) -> dict[str, Any]:
    """Return the content of YAML text whose top is a mapping; messages call the text `name`."""
    try:
        root = compose(text)
        if root is None:
            return {}
        reader = _Reader(name)
        content = reader.value(root)
    except TooManyValuesError as error:
        raise _too_many(name, written_out=error.written_out) from None
    except MaxDepthExceededError as error:
        mark = error.problem_mark
        raise _too_deep(f"{name}:{mark.line + 1}:{mark.column + 1}") from None
    except RecursionError:
        # Aliases in keys make more of it than the text has.
        raise _too_deep(name) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _error(
            "IPF005",
            f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name,
            problem=f"this is not YAML: {', '.join(part for part in (error.context, error.problem) if part)}",
            effect="neither Pulumi nor ipvlan can read the file",
            fix="look at that line and the one before it: quotes, brackets, colons and indentation",
        ) from None
    except YAMLError as error:
        raise _error(
            "IPF006",
            name,
            problem=f"this is not YAML: {' '.join(str(error).split())}",
            effect="neither Pulumi nor ipvlan can read the file",
            fix="remove the character or directive",
        ) from None
    if reader.problems:
        raise StackFileError(reader.problems)
    if not isinstance(content, dict):
        raise _error(
            "IPF008",
            name,
            value=shorten(content),
            problem="the file is not a mapping",
            effect="Pulumi finds no config in it",
            fix="begin it with `config:`",
        )
    return content


def _error(code: str, key: str, *, value: str = "", problem: str, effect: str, fix: str) -> StackFileError:
    return StackFileError([Problem(code=code, key=key, value=value, problem=problem, effect=effect, fix=fix)])


def _too_deep(key: str) -> StackFileError:
    return _error(
        "IPF007",
        key,
        problem=f"more than {DEEPEST} mappings or lists are in each other",
        effect="no reader of YAML could load the file",
        fix="write the stack's mappings as docs/config.md shows them",
    )


def _too_many(name: str, *, written_out: bool) -> StackFileError:
    if written_out:
        return _error(
            "IPF032",
            name,
            problem=f"with its aliases (*NAME) written out the file has more than {MOST_VALUES} keys and values",
            effect="no reader could hold it",
            fix="use an alias for what is small, and for nothing that has aliases of aliases",
        )
    return _error(
        "IPF031",
        name,
        problem=f"the file has more than {MOST_VALUES} keys and values",
        effect="reading it would take minutes, and much memory",
        fix="split the stack into several, or make one service of those that are alike and run it on several hosts",
    )


class _Reader:
    """Turns YAML nodes into values; collects what readers would read differently."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.problems: list[Problem] = []
        self._done: dict[int, Any] = {}
        self._open: set[int] = set()

    def value(self, node: Node) -> Any:
        """Return the node's value; a node that an alias repeats is read once."""
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        identity = id(node)
        if identity in self._done:
            return self._done[identity]
        if identity in self._open:
            self._problem(
                "IPF009",
                node,
                problem="the mapping or list contains itself",
                effect="no reader could reach its end",
                fix="remove the alias (*NAME) that points back",
            )
            return None
        self._open.add(identity)
        value = self._mapping(node) if isinstance(node, MappingNode) else self._list(node)
        self._open.discard(identity)
        self._done[identity] = value
        return value

    def _list(self, node: Node) -> list[Any]:
        if not isinstance(node, SequenceNode):
            raise TypeError(f"ruamel.yaml made a {type(node).__name__}, which YAML does not have")
        return [self.value(item) for item in node.value]

    def _mapping(self, node: MappingNode) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        own: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, ScalarNode):
                self._problem(
                    "IPF010",
                    key_node,
                    problem="a key is a mapping or a list",
                    effect="no config key has such a name",
                    fix="write a name as the key",
                )
                continue
            if key_node.value == "<<" and key_node.style is None:
                for more in self._merged(value_node):
                    merged = {**more, **merged}
                continue
            key = str(key_node.value)
            if key in own:
                self._problem(
                    "IPF011",
                    key_node,
                    value=key,
                    problem="the key is here twice",
                    effect="only one of the two would count",
                    fix="remove one, or give it another name",
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
                    "IPF012",
                    part,
                    problem="`<<` merges something that is not a mapping",
                    effect="nothing would be merged",
                    fix="point it at a mapping: <<: *NAME",
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
                "IPF013",
                node,
                value=text,
                problem=meaning,
                effect="Pulumi, ipvlan and a reviewer could each read another value",
                fix=f'write "{shorten(text)}" in quotes for a string, or the plain decimal number, or true or false',
            )
        return text

    def _problem(self, code: str, node: Node, *, value: str = "", problem: str, effect: str, fix: str) -> None:
        key = f"{self.name}:{node.start_mark.line + 1}:{node.start_mark.column + 1}"
        self.problems.append(Problem(code=code, key=key, value=shorten(value), problem=problem, effect=effect, fix=fix))


_KNOWN_TAGS = frozenset(
    f"tag:yaml.org,2002:{kind}"
    for kind in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "binary")
)
