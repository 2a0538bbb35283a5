"""What all types share: how a value is rejected, what a string is, how a pattern gets into the JSON Schema; the base of models."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final, NoReturn

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError


class Model(BaseModel):
    """Frozen, and strict about keys and numbers: `"1"` is not 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)


Flag = Annotated[bool, Field(strict=True)]

ERROR_TYPE: Final = "ipvlan"
"""Type of the pydantic errors that `fail` raises, by which `ipvlan.config.messages` recognizes them."""

NO_STRING: Final = "IPF111"
"""Code of a value that is no string where one is meant."""

TEXT: Final = "[a text]"
MAP: Final = "[a map]"
LIST: Final = "[a list]"
FORMS: Final = frozenset({TEXT, MAP, LIST})
"""Tags of the forms in which a value may be written. Pydantic has them in the place of an error; no key is named so."""


def fail(code: str, problem: str, effect: str, fix: str) -> NoReturn:
    """Reject a value.

    Pydantic collects the error, and `ipvlan.config.messages` adds the key and the value. The arguments are those of
    `ipvlan.problems.Problem`.
    """
    raise PydanticCustomError(ERROR_TYPE, "{problem}", {"code": code, "problem": problem, "effect": effect, "fix": fix})


def need_string(value: object, what: str) -> str:
    """Return the value if it is a string; else reject it with the reason why YAML read something else."""
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple | dict):
        kind = "a mapping" if isinstance(value, dict) else "a list"
        effect, fix = "one value is meant here, and it is unclear which one", "write one value, in quotes"
    elif value is None:
        kind, effect, fix = "empty", "what was meant is not in the file", "write a value, or remove what is empty"
    else:
        kinds = {bool: "a boolean", int: "a number", float: "a number"}
        kind = kinds.get(type(value), "not a string")
        effect = (
            "YAML changes unquoted values (080, 1e3, on and 22:22 become something else), so the hosts would not get what the "
            "file shows"
        )
        fix = "put the value in quotes"
    fail(NO_STRING, f"{what} is a string, and this is {kind}", effect, fix)


def need_text(value: object, what: str) -> str:
    """Return the value if it is a string that a process can be given; else reject it.

    A NUL byte ends a string in execve(2), open(2) and every other call of the kernel, so nothing that has one arrives complete.
    Other control characters do: a certificate in a variable has line breaks.
    """
    text = need_string(value, what)
    if "\0" in text:
        fail(
            "IPF143",
            f"{what} has a NUL byte",
            "the kernel ends a text at a NUL byte, so Docker could not start the container",
            "remove it; a file with binary content is mounted as a volume",
        )
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        fail(
            "IPF173",
            f"{what} has half a character (\\ud800 to \\udfff stand in pairs only)",
            "no UTF-8 exists for it: neither Pulumi nor Docker could be given the text",
            "write the character itself",
        )
    return text


def any_case(*words: str) -> str:
    """Return a pattern of one of the words, in upper or lower case or a mix; ECMAScript, of JSON Schemas, has no flag for it."""
    return "|".join(
        "".join(f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else re.escape(letter) for letter in word)
        for word in words
    )


def json_pattern(*expressions: re.Pattern[str]) -> str:
    """Return the pattern of a JSON Schema that matches what one of the expressions matches completely."""
    # ECMAScript has named groups too, but not by Python's syntax.
    alternatives = "|".join(re.sub(r"\(\?P<\w+>", "(?:", expression.pattern) for expression in expressions)
    return f"^(?:{alternatives})$"


def string_schema(description: str, *expressions: re.Pattern[str], **more: Any) -> WithJsonSchema:
    """Return the JSON Schema of a string that one of the expressions matches; `more` are further keywords of it."""
    return WithJsonSchema({"type": "string", "pattern": json_pattern(*expressions), "description": description, **more})


def _parse_text(value: object) -> str:
    return need_text(value, "this value")


as_text: Final = PlainSerializer(str, return_type=str)
"""Serializes a value as the config writes it."""

Text = Annotated[str, BeforeValidator(_parse_text)]
"""A string without a NUL byte, and nothing that YAML read as a number or a boolean."""
