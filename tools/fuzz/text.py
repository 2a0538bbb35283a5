"""Mutations of the text of a YAML file, and of its bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Final

from tools.fuzz.values import RAWS, TEXTS

LONGEST: Final = 12_000
"""Characters of a mutated text, long values aside: reading takes 80 us for each value, so that more would show nothing new."""

TOKENS: Final = (
    *(
        ":",
        ": ",
        "- ",
        "? ",
        "#",
        " #",
        "|",
        "|+\n",
        ">",
        "%",
        "@",
        "`",
        "&a ",
        "*a",
        "!",
        "!!str ",
        "!!map ",
        "{",
        "}",
        "[",
        "]",
    ),
    *(
        ",",
        '"',
        "'",
        "\\",
        "<<: *a\n",
        "---\n",
        "...\n",
        "--- ",
        "\n",
        "\n\n",
        "\r",
        "\r\n",
        "\t",
        " ",
        "  ",
        "\x85",
        "\u2028",
    ),
    *(
        "\0",
        "\x07",
        "\x1b",
        "\x7f",
        "\ufeff",
        "\ufffe",
        "\ud800",
        "\xa0",
        "²",
        "٣",
        "null",
        "true",
        "0",
        "-",
        ".",
        "/",
        "=",
        "~",
    ),
)
_NUMBER: Final = re.compile(r"\d+")
_SPELLINGS: Final[tuple[Callable[[str], str], ...]] = (
    lambda digits: f"0{digits}",
    lambda digits: f"+{digits}",
    lambda digits: f"-{digits}",
    lambda digits: f"{digits}.0",
    lambda digits: f"{digits}e3",
    lambda digits: f"0x{digits}",
    lambda digits: f"0o{digits}",
    lambda digits: f"{digits[:1]}_{digits[1:]}",
    lambda digits: f"{digits}:30",
    lambda digits: f'"{digits}"',
    lambda digits: digits + "0" * 4400,
    lambda digits: digits.translate({48 + value: 0x660 + value for value in range(10)}),
    lambda digits: digits.translate({48 + value: 0xFF10 + value for value in range(10)}),
    lambda digits: "²" * len(digits),
    lambda digits: str(int(digits[:9]) + 1),
    lambda digits: str(2**32 + int(digits[:9])),
)


def mutate_text(text: str, rng: Random) -> str:
    """Return the text with one to six mutations."""
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 6))):
        text = rng.choice(_MUTATIONS)(text, rng)
        if len(text) > LONGEST and not any(len(line) > LONGEST // 2 for line in text.splitlines()):
            text = text[:LONGEST]
    return text


def encode(text: str, rng: Random) -> bytes:
    """Return the bytes of a text, now and then not those of UTF-8."""
    content = text.encode("utf-8", "surrogatepass")
    kind = rng.randrange(60)
    if kind == 0:
        return b"\xef\xbb\xbf" + content
    if kind == 1:
        return text.encode("utf-16", "surrogatepass")
    if kind in (2, 3) and content:
        at = rng.randrange(len(content))
        return content[:at] + bytes([rng.randrange(256)]) * rng.choice((1, 1, 3)) + content[at + rng.randrange(2) :]
    return content


def _span(text: str, rng: Random) -> tuple[int, int]:
    begin = rng.randrange(len(text) + 1)
    return begin, min(len(text), begin + rng.choice((1, 1, 2, 5, 20, 100)))


def _delete(text: str, rng: Random) -> str:
    begin, end = _span(text, rng)
    return text[:begin] + text[end:]


def _duplicate(text: str, rng: Random) -> str:
    begin, end = _span(text, rng)
    return text[:end] + text[begin:end] * rng.choice((1, 1, 2, 40)) + text[end:]


def _move(text: str, rng: Random) -> str:
    begin, end = _span(text, rng)
    rest = text[:begin] + text[end:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + text[begin:end] + rest[at:]


def _replace(text: str, rng: Random) -> str:
    begin, end = _span(text, rng)
    return text[:begin] + rng.choice(TOKENS) + text[end:]


def _insert(text: str, rng: Random) -> str:
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(TOKENS) * rng.choice((1, 1, 1, 2, 60)) + text[at:]


def _lines(text: str, rng: Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    match rng.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines[at] = " " * rng.choice((1, 2, 4)) + lines[at]
        case _:
            lines[at] = lines[at].removeprefix(" " * rng.choice((1, 2, 4)))
    return "".join(lines)


def _value(text: str, rng: Random) -> str:
    """Put something else behind one of the colons."""
    places = [*re.finditer(r"(?<=: )[^\n,{}\[\]]+", text)]
    if not places:
        return text
    place = rng.choice(places)
    value: str = rng.choice(RAWS) if rng.random() < 0.6 else rng.choice(TEXTS)
    return text[: place.start()] + value + text[place.end() :]


def _number(text: str, rng: Random) -> str:
    places = [*_NUMBER.finditer(text)]
    if not places:
        return text
    place = rng.choice(places)
    return text[: place.start()] + rng.choice(_SPELLINGS)(place[0]) + text[place.end() :]


def _line_ends(text: str, rng: Random) -> str:
    return text.replace("\n", rng.choice(("\r\n", "\r", "\x85", "\u2028", "\n\n", " \n", "\n\t")))


def _aliases(text: str, rng: Random) -> str:
    """Put in nested aliases, which stand for more than the text has, and use them."""
    depth, width = rng.choice(((2, 2), (6, 9), (40, 2), (12, 3)))
    kind = rng.choice(("[{}]", "{{a: {0}, b: {1}}}", "{{<<: {0}}}"))
    names = [f"&x0 {rng.choice(('x', '{a: 1}', '[]'))}"]
    for level in range(1, depth):
        alias = f"*x{level - 1}"
        names.append(f"&x{level} " + kind.format(", ".join([alias] * width) if kind == "[{}]" else alias, alias))
    used = _value(text, rng) if rng.random() < 0.5 else text
    at = rng.choice(("", "config:\n"))
    bomb = "".join(f"  x{level}: {value}\n" for level, value in enumerate(names))
    result = used.replace("config:\n", "config:\n" + bomb, 1) if at else f"defs:\n{bomb}{used}"
    return re.sub(r"(?<=: )[^\n&{}\[\]]+$", f"*x{depth - 1}", result, count=rng.randrange(1, 4), flags=re.M)


def _long(text: str, rng: Random) -> str:
    at = rng.randrange(len(text) + 1)
    letter = rng.choice(("x", "0", "9", " ", "#", "\\", '"', "é", "²", "\x1b"))
    return text[:at] + letter * rng.choice((300, 5000, 60_000)) + text[at:]


def _deep(text: str, rng: Random) -> str:
    at = rng.randrange(len(text) + 1)
    return (
        text[:at]
        + rng.choice(("[", "{a: ", "[{", "- ", "? ", "]", "{? ", "!!map {")) * rng.choice((10, 49, 60, 700))
        + text[at:]
    )


_MUTATIONS: Final[tuple[Callable[[str, Random], str], ...]] = (
    *(_delete, _duplicate, _move, _replace, _replace, _insert, _insert, _lines, _lines, _lines),
    *(_value, _value, _value, _value, _number, _number, _number, _line_ends, _aliases, _long, _deep),
)
