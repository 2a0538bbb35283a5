"""A section that `pulumi config set` wrote as JSON text: one string in the stack file."""

from __future__ import annotations

import json
from typing import Any

from ipvlan.config.yaml_limits import MOST_VALUES, TooManyValuesError, check_count
from ipvlan.problems import shorten


class JsonTextError(Exception):
    """The text is no JSON that all readers read alike; its message is the problem."""

    def __init__(self, problem: str, effect: str) -> None:
        super().__init__(problem)
        self.effect = effect
        """What it causes."""


class TooMuchJsonError(JsonTextError):
    """The text has more values than a stack has."""


def from_json_text(value: object) -> Any:
    """Return the content of a text that begins as JSON, and any other value as it is.

    `pulumi config set --json` and a bare `pulumi config set` of a mapping both store it as text.

    Raises:
        JsonTextError: It begins as JSON, and is none; or it has what readers of JSON read differently (RFC 8259, 4 and 6).
    """
    if not isinstance(value, str) or value.lstrip()[:1] not in ("{", "["):
        return value
    try:
        content = json.loads(value, object_pairs_hook=_mapping, parse_constant=_constant)
        check_count(content)
    except TooManyValuesError:
        raise TooMuchJsonError(
            f"the JSON text has more than {MOST_VALUES} keys and values", "reading it would take long, and much memory"
        ) from None
    except json.JSONDecodeError as error:
        raise JsonTextError(
            f"the text is not JSON: {error.msg} at character {error.pos}", "Pulumi could not read the mapping either"
        ) from None
    except (ValueError, RecursionError):
        # A number of more than 4,300 digits is a ValueError.
        raise JsonTextError(
            "it is nested too deep, or has a number that is too long", "ipvlan cannot read the mapping"
        ) from None
    return content


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise JsonTextError(f"key {shorten(twice)} is there twice in one mapping", "only one of the two would count")
    return mapping


def _constant(name: str) -> Any:
    raise JsonTextError(f"{name} is no JSON", "Pulumi's readers would differ on it")
