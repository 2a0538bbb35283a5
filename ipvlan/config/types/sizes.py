"""Types of sizes of memory, as Docker writes them.

Out of scope: two sizes that must fit together (`ipvlan.plan.rules.resources`).
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from ipvlan.config.types.base import fail, json_pattern, need_string

SIZE: Final = re.compile(
    # Not 0, which is none to Docker and to the docker provider, nor a text without a digit.
    r"(?=[0-9.]*[1-9])(?P<number>[0-9]{1,20}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}) ?(?P<unit>[bB]|(?:[kKmMgGtTpP](?:[iI]?[bB])?)?)"
)
"""go-units, parseSize in size.go (0.5.0): units are binary, in any case. It takes an exponent too."""
MEBIBYTE: Final = 1024**2
_FACTORS: Final = {unit: 1024**power for power, unit in enumerate(("b", "k", "m", "g", "t", "p"))}
SMALLEST_MEMORY: Final = 6 * MEBIBYTE
"""Docker's least limit and least reservation of memory, in bytes (moby, linuxMinMemory in daemon/daemon_unix.go, 20.10 to 29)."""
LARGEST_SIZE: Final = 2**62
"""Bytes. The limit of memory and swap together is twice that of memory, and Docker has 63 bits for it."""
UNLIMITED: Final = -1
"""As `memory_swap`: no limit of swap."""


def parse_size(value: object) -> int:
    """Return a size (`64mb`, `1.5g`, `64 MiB`, or bytes) in bytes; whole MiB, since the provider passes MiB to the daemon."""
    return _parse(value, MEBIBYTE)


def parse_exact_size(value: object) -> int:
    """Return a size in bytes, where the provider passes bytes."""
    return _parse(value, 1)


def bytes_of(text: str) -> Fraction | None:
    """Return the bytes that a size stands for, which may be no whole number; None for what is no size, and for 0."""
    match = SIZE.fullmatch(text)
    return None if match is None else Fraction(match["number"]) * _FACTORS[match["unit"].lower()[:1] or "b"]


def _parse(value: object, multiple: int) -> int:
    """Return a size in bytes, a multiple of a number of them."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = need_string(value, "a size")
    size = bytes_of(text)
    if size is None:
        fail(
            "IPF134",
            "this is not a size",
            "the daemon would not know the limit",
            'write for example "512m", "64mb" or "1.5g"; remove the line for Docker\'s default',
        )
    if size > LARGEST_SIZE:
        fail(
            "IPF142",
            "Docker has no room for this number",
            "the limit would be another one, or the daemon would refuse it",
            "write a size that a machine can have, such as 16g",
        )
    if size % multiple:
        exact = f"{size.numerator} bytes" if size.denominator == 1 else f"{text} in bytes"
        fail(
            "IPF135",
            f"{exact} are not a whole number of {'MiB' if multiple == MEBIBYTE else 'bytes'}",
            "the limit would be rounded to another one",
            f'write "{max(1, size // multiple)}{"m" if multiple == MEBIBYTE else ""}"',
        )
    return int(size)


def parse_memory(value: object) -> int:
    """Return a limit or a reservation of memory in bytes, not less than Docker's least."""
    size = parse_size(value)
    if size < SMALLEST_MEMORY:
        fail(
            "IPF141",
            "Docker's least amount of memory is 6 MiB",
            "the daemon refuses the container ('Minimum memory limit allowed is 6MB', or the same of the reservation)",
            'write "6m" or more, or remove the line for none',
        )
    return size


def parse_swap(value: object) -> int:
    """Return the limit of memory and swap together in bytes; -1 for none (moby, MemorySwap in api/types/container)."""
    return UNLIMITED if value in (UNLIMITED, str(UNLIMITED)) else parse_size(value)


_SCHEMA: Final = {
    "type": ["string", "integer"],
    "pattern": json_pattern(SIZE),
    "minimum": 1,
    "description": '"512m", "64mb", "1.5g", or bytes (whole MiB)',
}
Size = Annotated[int, BeforeValidator(parse_size), WithJsonSchema(_SCHEMA)]
ExactSize = Annotated[
    int,
    BeforeValidator(parse_exact_size),
    WithJsonSchema({**_SCHEMA, "description": '"512k", "64mb", "1.5g", or bytes'}),
]
Memory = Annotated[int, BeforeValidator(parse_memory), WithJsonSchema({**_SCHEMA, "minimum": SMALLEST_MEMORY})]
Swap = Annotated[
    int,
    BeforeValidator(parse_swap),
    WithJsonSchema(
        {
            **_SCHEMA,
            "pattern": f"{_SCHEMA['pattern']}|^-1$",
            "minimum": UNLIMITED,
            "not": {"const": 0},
            "description": "A size as `memory` has it, or -1 for no limit of swap",
        }
    ),
]
