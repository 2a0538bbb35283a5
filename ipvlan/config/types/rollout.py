"""Types of a rollout: how many hosts at once, and how long a container may take until it is up."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ipvlan.config.types.base import fail, need_string, string_schema

Otherwise = Literal["restore", "leave"]
"""What happens where a replacement does not come up: the previous container runs again, or the failed one is left in its place."""

ALL: Final = "all"
"""The value of `at_once` that replaces the containers of all hosts at the same time."""
DURATION: Final = re.compile(r"(?P<number>[1-9][0-9]{0,5})(?P<unit>[sm])")
SECONDS: Final = {"s": 1, "m": 60}
"""Unit of a duration -> seconds."""
LONGEST: Final = 3600
"""Seconds; a rollout that waits longer for one container looks like one that hangs."""


def parse_at_once(value: object) -> int | Literal["all"]:
    """Return the number of hosts on which a service is replaced at the same time, or `all`."""
    if value == ALL:
        return ALL
    if isinstance(value, bool) or not isinstance(value, int):
        fail(
            "IPF320",
            "this is neither a whole number nor `all`",
            "it would be unclear how many containers of the service are down at the same time",
            "write 1 for one host after the other, a larger number without quotes, or all",
        )
    if value < 1:
        fail(
            "IPF321",
            "fewer than one host at once",
            "no container of the service could ever be replaced",
            "write 1 or more, or all",
        )
    return value


def parse_duration(value: object) -> int:
    """Return a duration such as `60s` or `5m` in seconds, from one second to one hour."""
    if isinstance(value, int) and not isinstance(value, bool):
        fail(
            "IPF322",
            "the unit is missing",
            "seconds or minutes may be meant",
            f"write {value}s for seconds" if 1 <= value <= LONGEST else "write for example 60s or 5m",
        )
    text = need_string(value, "a duration")
    match = DURATION.fullmatch(text)
    if match is None:
        fail(
            "IPF323",
            "this is not a duration",
            "it would be unclear when a container that is not up has failed",
            "write a whole number, not 0, and the unit s or m: 60s or 5m",
        )
    seconds = int(match["number"]) * SECONDS[match["unit"]]
    if seconds > LONGEST:
        fail(
            "IPF324",
            f"{seconds} seconds are longer than an hour",
            "`pulumi up` would look as if it hangs",
            f"write {LONGEST // 60}m or less",
        )
    return seconds


def parse_on_failure(value: object) -> Otherwise:
    """Return what happens where a replacement does not come up."""
    if value not in ("restore", "leave"):
        fail(
            "IPF325",
            "this is neither restore nor leave",
            "it would be unclear what runs after a replacement that does not come up",
            "write restore to run the previous container again, or leave to keep the failed one in its place",
        )
    return "restore" if value == "restore" else "leave"


def written_duration(seconds: int) -> str:
    """Return a duration as the config writes it: whole minutes in minutes, but one minute as 60s."""
    return f"{seconds // 60}m" if seconds > 60 and seconds % 60 == 0 else f"{seconds}s"


AtOnce = Annotated[
    int | Literal["all"],
    BeforeValidator(parse_at_once),
    WithJsonSchema(
        {
            "anyOf": [{"type": "integer", "minimum": 1}, {"type": "string", "const": ALL}],
            "description": "A number of hosts, or all",
        }
    ),
]
UpWithin = Annotated[
    int,
    BeforeValidator(parse_duration),
    PlainSerializer(written_duration, return_type=str),
    string_schema("A duration in seconds or minutes: 60s, 5m", DURATION),
]
OnFailure = Annotated[
    Otherwise,
    BeforeValidator(parse_on_failure),
    WithJsonSchema({"type": "string", "enum": ["restore", "leave"], "description": "restore or leave"}),
]
