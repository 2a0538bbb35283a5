"""The forms that values of compose have, as plain values: texts, switches, lists of words, mappings, sizes, durations.

Each function raises LeftOutError where a value has none of the forms that compose takes.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import Final

from ipvlan.config.compose.merge import keyed
from ipvlan.config.compose.node import Hole, LeftOutError, Node
from ipvlan.config.durations import NANOSECONDS, nanoseconds
from ipvlan.config.types.sizes import MEBIBYTE, bytes_of

_BOOLEANS: Final = {
    **dict.fromkeys(("true", "y", "yes", "on"), True),
    **dict.fromkeys(("false", "n", "no", "off"), False),
}
"""compose-go 2.16, toBoolean."""
_SMALLEST: Final = 1e-4
_LARGEST: Final = 1e6
"""Numbers between these have no exponent in Go's `%v` (fmt and strconv, format 'g')."""
_SPLIT_ALIKE: Final = re.compile(r"""(?:'[^']*'|"(?:[^"\\]|\\["\\])*"|\\.|[^'"\\;&|<>()`])*""", re.DOTALL)
"""A text of which compose (mattn/go-shellwords 1.0.12, Parse) and a POSIX shell make the same words. Compose ends
the command at a sign of the shell that is in no quotes, and takes every backslash in double quotes out."""
_GIBIBYTE: Final = 1024 * MEBIBYTE


def text(node: Node) -> str:
    """Return a text; a number or a switch is the text that compose makes of it."""
    value = node.value
    if isinstance(value, Hole):
        raise LeftOutError(value.reason)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _of_float(value)
    if isinstance(value, str | int):
        return str(value)
    raise LeftOutError("it has no value" if value is None else "this is not one value")


def _of_float(value: float) -> str:
    """Return what Go prints of a number with a point: 1.0 is 1, and a large or small one has an exponent."""
    if value and not _SMALLEST <= abs(value) < _LARGEST:
        raise LeftOutError("compose writes such a number with an exponent, as 1.5e+08: put it in quotes")
    return str(int(value)) if value == int(value) else str(value)


def flag(node: Node) -> bool:
    """Return a switch."""
    value = _BOOLEANS.get(text(node).lower())
    if value is None:
        raise LeftOutError("this is neither true nor false")
    return value


def number(node: Node) -> int:
    """Return a whole number."""
    shown = text(node)
    if not re.fullmatch(r"-?[0-9]{1,18}", shown):
        raise LeftOutError("this is not a whole number")
    return int(shown)


def listed(node: Node) -> list[Node]:
    """Return the entries of a list; one value is a list of it."""
    return node.entries if isinstance(node.value, list) else [node]


def only(node: Node) -> Node:
    """Return the one entry of a list, or the value itself."""
    entries = listed(node)
    if len(entries) != 1:
        raise LeftOutError("only one value can be written here")
    return entries[0]


def words(node: Node) -> list[str]:
    """Return the words of a command; a text is split as a shell splits it, where compose does so too."""
    if isinstance(node.value, list):
        return [text(word) for word in node.value]
    shown = text(node)
    try:
        split = shlex.split(shown)
    except ValueError:
        raise LeftOutError("a quote in it has no end") from None
    if not _SPLIT_ALIKE.fullmatch(shown):
        raise LeftOutError(
            "compose starts no shell: it ends the command at a sign such as ; & | < > that is in no quotes, and takes a backslash "
            "in double quotes out: write [sh, -c, TEXT] where a shell is meant, or the words"
        )
    return split


def pairs(node: Node, signs: str = "=") -> Iterator[tuple[str, Node]]:
    """Yield the entries of a mapping, or of a list of `NAME=VALUE` (`signs` are what may be between the two)."""
    yield from keyed(node, signs).items.items()


def whole_size(node: Node) -> tuple[str, bool]:
    """Return a size in whole MiB, rounded up, and whether it was rounded."""
    count = _bytes(text(node).strip())
    if not count or count % MEBIBYTE == 0:
        return size(node), False
    return f"{-(-count // MEBIBYTE)}m", True


def size(node: Node) -> str:
    """Return a size as the stack file has it: in GiB, MiB or bytes. What is none is returned as it is."""
    shown = text(node).strip()
    count = _bytes(shown)
    if count is None:
        # -1 is no limit, which has a meaning of its own for some keys.
        return shown
    if count and count % _GIBIBYTE == 0:
        return f"{count // _GIBIBYTE}g"
    return f"{count // MEBIBYTE}m" if count and count % MEBIBYTE == 0 else str(count)


def _bytes(shown: str) -> int | None:
    count = bytes_of(shown)
    return None if count is None else int(count)


def seconds(node: Node) -> int:
    """Return a duration in whole seconds, rounded up."""
    total = nanoseconds(text(node))
    if total is None:
        raise LeftOutError("this is not a duration")
    return -(-total // NANOSECONDS["s"])
