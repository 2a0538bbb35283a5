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

_WORDS: Final = re.compile(r"(?i:yes|no|on|off|y|n)")
"""Booleans of YAML 1.1. As keys they are texts to Pulumi: people call hosts and variables so."""

AMBIGUOUS: Final = (
    (re.compile(r"[-+]?0[0-9]+"), "YAML 1.1 reads it as an octal number where it can, YAML 1.2 as a decimal one"),
    (re.compile(r"[-+]?0[xXoObB][0-9a-fA-F]*"), "YAML reads it as a number in another base"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?"), "YAML 1.1 reads it as a number of base 60"),
    (
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        "YAML reads it as a number in another notation",
    ),
    (re.compile(r"(?i:[-+]?\.inf|[-+]?\.nan)"), "YAML reads it as a number that is not finite"),
    (_WORDS, "YAML 1.1 reads it as a boolean, YAML 1.2 as a string"),
    (re.compile(r"(?i:true|false)"), "YAML reads some spellings of it as a boolean, and others as a string"),
    (re.compile(r"(?i:null)"), "YAML reads some spellings of null as nothing, and others as a string"),
    (re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}([Tt ].*)?"), "YAML reads it as a date"),
    (re.compile(r"="), "YAML 1.1 gives it a special meaning"),
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
    plain = text.replace("_", "") if text[0] in "-+.0123456789" else text
    for pattern, meaning in AMBIGUOUS:
        if pattern.fullmatch(plain):
            return meaning if plain == text else _UNDERSCORES
    return ""
