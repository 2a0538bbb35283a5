"""What an unquoted scalar of YAML is, where all readers agree on it.

Pulumi reads a stack file with Go's yaml.v3 (YAML 1.1 numbers: `010` is 8), other readers follow YAML 1.2 (`010` is 10). So a
reviewer, `ipvlan plan` and `pulumi up` could take one text for three values. Here such a text has no value, but a reason.
"""

from __future__ import annotations

import re
from typing import Final

PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
PLAIN_FLOAT: Final = re.compile(r"-?(0|[1-9][0-9]*)\.[0-9]+")

LARGEST_WHOLE: Final = 1e21
"""Pulumi hands floats to the program as JSON, and Go's encoding/json writes smaller whole ones without a fraction."""

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}

_WORDS: Final = re.compile(r"[yY]es|YES|[nN]o|NO|[oO]n|ON|[oO]ff|OFF|[yYnN]")
"""Booleans of YAML 1.1. As keys they are texts to Pulumi: people call hosts and variables so."""

_DATE: Final = re.compile(r"[0-9]{4}-(0?[1-9]|1[0-2])-(0?[1-9]|[12][0-9]|3[01])([Tt ]\s*[0-9].*)?")

AMBIGUOUS: Final = (
    (re.compile(r"[-+]?0[0-9]+"), "YAML 1.1 reads it as an octal number where it can, YAML 1.2 as a decimal one"),
    (re.compile(r"[-+]?0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)"), "YAML reads it as a number in another base"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "YAML 1.1 reads it as a number of base 60"),
    (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        "YAML reads it as a number in another notation",
    ),
    (re.compile(r"(?i:[-+]?\.inf|[-+]?\.nan)"), "YAML reads it as a number that is not finite"),
    (_WORDS, "YAML 1.1 reads it as a boolean, YAML 1.2 as a string"),
    (re.compile(r"True|TRUE|False|FALSE"), "YAML 1.2 reads it as a boolean, and others as a string"),
    (re.compile(r"Null|NULL"), "YAML reads some spellings of null as nothing, and others as a string"),
    (_DATE, "YAML reads it as a date"),
)
"""Unquoted scalars that two readers of YAML read differently, and how they read them. Underscores are taken out before."""

_UNDERSCORES: Final = "YAML 1.1 reads it as a number without the underscores"


def value_of(text: str) -> str | int | float | bool | None:
    """Return the value of an unquoted scalar; the text itself where `ambiguity` has a reason."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if PLAIN_INTEGER.fullmatch(text):
        return int(text)
    if PLAIN_FLOAT.fullmatch(text):
        number = float(text)
        return int(number) if number.is_integer() and abs(number) < LARGEST_WHOLE else number
    return text


def ambiguity(text: str, *, is_key: bool = False) -> str:
    """Return why readers read an unquoted scalar differently; empty where all read it alike."""
    if is_key and _WORDS.fullmatch(text):
        return ""
    if text in _CONSTANTS or PLAIN_INTEGER.fullmatch(text) or PLAIN_FLOAT.fullmatch(text):
        return ""
    # Only a text with a digit is a number.
    plain = text.replace("_", "") if text[0] in "-+0123456789" else text
    for pattern, meaning in AMBIGUOUS:
        if pattern.fullmatch(plain):
            return meaning if plain == text else _UNDERSCORES
    return ""
