"""Secret values in what a container prints: they are replaced before anything of it is shown.

Responsible for the values of environment variables, as they are and in the forms that programs commonly print them in. A value that
a program splits, encrypts or encodes otherwise is not recognised.

Out of scope: which variables are secret (the plan).
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
"""What a secret value becomes."""

SHORTEST: Final = 4
"""Characters from which a value is replaced wherever it is; a shorter one only as a word of its own, as it is part of many."""


def values_of(environment: Iterable[str], names: Collection[str]) -> tuple[str, ...]:
    """Return the values of these variables in an environment, given as `NAME=value`; empty ones are no secret."""
    pairs = (variable.partition("=") for variable in environment)
    return tuple(value for name, _, value in pairs if name in names and value)


def mask(text: str, values: Sequence[str]) -> str:
    """Return the text with MASK for each of the values, and for each line of a value that has several."""
    forms = {form for value in values for form in _forms(value)}
    if not forms:
        return text
    # The longest first: one value may be a part of another.
    alternatives = (_pattern(form) for form in sorted(forms, key=lambda form: (-len(form), form)))
    return re.sub("|".join(alternatives), MASK, text)


def _forms(value: str) -> Iterator[str]:
    for part in (value, *value.splitlines()):
        stripped = part.strip()
        if stripped:
            yield stripped
            yield json.dumps(stripped)[1:-1]
            yield json.dumps(stripped, ensure_ascii=False)[1:-1]
            yield quote(stripped, safe="")
            yield quote(stripped)
            yield quote_plus(stripped)


def _pattern(form: str) -> str:
    return re.escape(form) if len(form) >= SHORTEST else rf"(?<!\w){re.escape(form)}(?!\w)"
