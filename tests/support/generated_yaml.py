"""Pieces of stack files in the spellings that readers of YAML differ in, made by a seed. Each piece is one key of a config.

Out of scope: whether a piece is valid YAML; many are not.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Final

SCALARS: Final = (
    *(
        "",
        "~",
        "null",
        "Null",
        "NULL",
        "nUll",
        "true",
        "True",
        "TRUE",
        "false",
        "False",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
    ),
    *(
        "0",
        "-0",
        "+0",
        "1",
        "-1",
        "+1",
        "007",
        "010",
        "0o10",
        "0O10",
        "08",
        "0x1F",
        "0X1f",
        "0b101",
        "0B1",
        "-0x1",
        "+0b1",
    ),
    *(
        "1_000",
        "1__0",
        "_1",
        "1_",
        "0_7",
        "0x_f",
        "1_0.5",
        "123456789012345678",
        "9223372036854775807",
        "18446744073709551616",
    ),
    *(
        "1.0",
        "1.50",
        "-0.0",
        "0.1",
        ".5",
        "5.",
        "+.5",
        "-.5_0",
        "1e3",
        "1E-3",
        "1e+21",
        "12e03",
        "1.e1",
        "1234567.5",
        "1e400",
    ),
    *(
        "100000000000000000000.0",
        "1000000000000000000000.0",
        "1234567890123456789012.5",
        "0.000001",
        "0.0000001",
        "1.7976931348623157",
    ),
    *(
        ".inf",
        "-.INF",
        "+.Inf",
        ".nan",
        ".NaN",
        "inf",
        "nan",
        "NaN",
        "Infinity",
        "1:30",
        "22:22",
        "190:20:30",
        "1:2:3.5",
        "80:80",
    ),
    *("2026-01-01", "2026-1-1", "2026-01-01T00:00:00Z", "2026-01-01 10:00:00", "2026-13-45", "01-01-2026", "12:00:00"),
    *(
        "<<",
        "=",
        "-",
        "--",
        "---",
        "...",
        "?",
        "- a",
        "? a",
        ": a",
        "a:",
        "a: b",
        "a:b",
        "#a",
        "a#b",
        "a #b",
        "a # b",
        "%a",
        "@a",
        "`a`",
    ),
    *(
        "&",
        "*",
        "&a",
        "*a",
        "!",
        "!a",
        "!!str 1",
        "!!int '1'",
        "!!binary aGk=",
        "!!null x",
        "!!float 1",
        "!!bool yes",
        "!<x> y",
    ),
    *(
        "[",
        "]",
        "{",
        "}",
        "[]",
        "{}",
        "[a, b]",
        "{a: b}",
        "{a}",
        "[a: b]",
        "{a: , b}",
        "[,]",
        "[a,]",
        "{a: [b, {c: d}]}",
        "a, b",
        "a]",
        "a}",
    ),
    *(
        "|",
        ">",
        "'",
        '"',
        "''",
        '""',
        "'a''b'",
        '"a\\nb"',
        '"\\x41"',
        '"\\u00e9"',
        '"\\U0001F600"',
        '"\\ud800"',
        '"\\0"',
        '"\\e"',
    ),
    *(
        '"\\_"',
        '"\\N\\L\\P"',
        '"a\\\n    b"',
        '"\\q"',
        "'a\n\n    b'",
        "a\n    b",
        "a\n\n    b",
        "'\t'",
        "a\tb",
        "\ta",
        "a\t",
        "a  b",
    ),
    *(
        "é",
        "日本",
        "\U0001f600",
        "\u00a0",
        "a\u2028b",
        "a\u0085b",
        "\ufeffa",
        "a\u200bb",
        "\x07",
        "\x7f",
        "a\x00b",
        "\ufffe",
        "$(x)",
    ),
    *(
        "nginx:1.27",
        "10.1.2.0/24",
        "10.1.0.1",
        "0.0.0.0/0",
        "00:11:22:33:44:55",
        "64m",
        "1.5g",
        "v1.2.3",
        "1.2.3",
        "on-failure:3",
    ),
    *(
        "null ",
        "true #x",
        "1 #x",
        "1#x",
        "'1' #x",
        "~a",
        "~ ",
        "0 0",
        "1,2",
        "1 ",
        "\uff11",
        "\u00b2",
        "\u0663",
        "\U0001d7d9",
        "1\u00a0",
    ),
)
"""Texts to stand behind `key: `."""

BLOCKS: Final = (
    "|\n{i}a\n{i} b\n",
    "|-\n{i}a\n\n",
    "|+\n{i}a\n\n",
    "|2\n{i}  a\n",
    ">\n{i}a\n{i}b\n\n{i}c\n",
    ">-\n{i}a\n{i}  b\n{i}c\n",
    "|\n{i}1\n",
    "|-\n{i}true\n",
    ">\n{i}\tb\n",
    "| # x\n{i}a\n",
    "|\n{i}a\n{i}#b\n",
    "\n{i}a\n{i}b\n",
    "\n{i}- 1\n{i}- true\n",
    "\n{i}a: 1\n{i}b: ~\n",
    "\n{i}- a: 1\n{i}  b: 2\n",
    "\n{i}? a\n{i}: b\n",
    "\n{i}? [a]\n{i}: b\n",
    "\n{i}a : b\n{i}'c' : d\n",
    "\n{i}&x a: b\n",
    "\n{i}-\n{i}-\n",
    "\n{i}- - a\n{i}  - b\n",
    "\n{i}a:\n{i}- b\n",
    "\n{i}a: 1\n{i}a: 2\n",
    "\n{i}1: a\n{i}'1': b\n",
    "\n{i}8: x\n",
    "\n{i}true: x\n",
    "\n{i}~: x\n",
    "\n{i}on: x\n",
    "\n{i}'on': x\n",
    "\n{i}'1e3': x\n",
    "\n{i}'<<': x\n",
    "\n{i}<<: {{a: 1}}\n{i}b: 2\n",
    "\n{i}'': x\n",
    "\n{i}? \n{i}: x\n",
    "\n{i}010: x\n",
    "\n{i}!!str a: x\n",
    "\n{i}a:b: c\n",
    "\n{i}'a: b': c\n",
    "\n{i}secure: 1\n",
    "\n{i}a: {{secure: [1]}}\n",
)
"""Values of several lines; {i} is their indentation."""

_ALPHABET: Final = "\u2028\ufeffab01-+.:,_ #'\"[]{}&*!|>%@`?~=<\\/\t$^()é"


def pieces(seed: int, count: int) -> Iterator[str]:
    """Yield texts that stand below `config:`, one key each: `  ipvlan-fabric:cN: ...`, N from 0 to count - 1."""
    for number in range(count):
        rng = random.Random(f"{seed} {number}")  # noqa: S311  # for repeatable texts
        yield f"  ipvlan-fabric:c{number}:{rng.choice(_FORMS)(rng, number)}"


def _scalar(rng: random.Random, _number: int) -> str:
    return f" {rng.choice(SCALARS)}\n"


def _mapping(rng: random.Random, _number: int) -> str:
    return f"\n    v: {rng.choice(SCALARS)}\n    w: [{_flow(rng, 2)}, {_flow(rng, 1)}]\n"


def _block(rng: random.Random, _number: int) -> str:
    return f" {rng.choice(BLOCKS).format(i='    ')}"


def _blocks(rng: random.Random, _number: int) -> str:
    first, second = (rng.choice(BLOCKS).format(i="      ") for _ in range(2))
    return f"\n    v: {first}    w: {second}"


def _alias(rng: random.Random, number: int) -> str:
    merged = f"{{<<: *x{number}, k: 1, v: {_flow(rng, 0)}}}"
    return f"\n    a: &x{number} {_flow(rng, 2)}\n    b: *x{number}\n    c: {merged}\n"


def _merge(rng: random.Random, number: int) -> str:
    first, second = (f"&{name}{number} {{k: {_flow(rng, 1)}, l: {_flow(rng, 0)}}}" for name in "yz")
    merged = f"\n      <<: [*y{number}, *z{number}]\n      l: {_flow(rng, 0)}\n"
    return f"\n    a: {first}\n    b: {second}\n    c:{merged}"


def _deep(rng: random.Random, _number: int) -> str:
    return f"\n    v: {_flow(rng, 3)}\n"


def _noise(rng: random.Random, _number: int) -> str:
    text = "".join(rng.choice(_ALPHABET) for _ in range(rng.randrange(1, 9)))
    return f"\n    v: {text}\n    w: {text[::-1]}\n"


_FORMS: Final = (_scalar, _mapping, _block, _blocks, _alias, _merge, _deep, _noise)


def _flow(rng: random.Random, depth: int) -> str:
    """Return a value in flow style."""
    kind = rng.randrange(4) if depth else 0
    if kind == 1:
        return f"[{', '.join(_flow(rng, depth - 1) for _ in range(rng.randrange(4)))}]"
    if kind == 2:
        keys = rng.sample(["k", "l", "m", "'n'", '"o"', "p q", "1", "true", "é", "k-1"], rng.randrange(4))
        return "{" + ", ".join(f"{key}: {_flow(rng, depth - 1)}" for key in keys) + "}"
    if kind == 3:
        # JSON is YAML, with escapes of its own.
        return json.dumps(rng.choice(SCALARS), ensure_ascii=rng.random() < 0.5)
    return rng.choice(SCALARS)
