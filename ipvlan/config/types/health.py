"""Types of a healthcheck: its test and its durations."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from ipvlan.config.durations import DURATION, LONGEST_DURATION, NANOSECONDS, nanoseconds
from ipvlan.config.types.base import fail, need_text, string_schema
from ipvlan.config.types.docker import parse_words
from ipvlan.config.types.lists import AlsoAllows

SHORTEST_DURATION: Final = NANOSECONDS["ms"]
"""Nanoseconds (moby, MinimumDuration in api/types/container/config.go); 0 is Docker's default."""

FIRST_WORDS: Final = ("CMD", "CMD-SHELL", "NONE")
"""Of the test of a healthcheck (moby, getProbe in daemon/health.go)."""


def parse_duration(value: object) -> str:
    """Return a duration as it is written, if Docker takes it (moby, validateHealthCheck in daemon/container.go)."""
    text = need_text(value, "a duration")
    total = nanoseconds(text)
    if total is None or total > LONGEST_DURATION:
        fail(
            "IPF154",
            "this is not a duration",
            "the docker provider refuses the container",
            "write a number with a unit (ms, s, m, h): 30s, 1m30s",
        )
    if 0 < total < SHORTEST_DURATION:
        fail(
            "IPF155",
            "Docker's shortest duration is 1ms",
            "the daemon refuses the container",
            "write 1ms or more, or 0s for Docker's default",
        )
    return text


def parse_health_test(value: object) -> tuple[str, ...]:
    """Return the test of a healthcheck; a text is one of CMD-SHELL, as in compose.

    The first word of a list is CMD, CMD-SHELL or NONE. Docker takes another one, writes a warning into its own log and checks
    nothing. No word at all is the test of the image. A text is as in compose-go (HealthCheckTest in types/healthcheck.go).
    """
    if not isinstance(value, list | tuple):
        return "CMD-SHELL", _parse_shell_text(value)
    words = parse_words(value)
    if not words:
        return words
    if words[0] not in FIRST_WORDS:
        fail(
            "IPF152",
            "the first word is neither CMD, CMD-SHELL nor NONE",
            "Docker would check nothing, and say so only in its own log",
            "write [CMD, PROGRAM, ARGUMENT...], [CMD-SHELL, TEXT] or [NONE]",
        )
    if (words[0] == "NONE") == (len(words) > 1):
        fail(
            "IPF153",
            "NONE has nothing after it, and CMD and CMD-SHELL have something",
            "the other words would be ignored" if words[0] == "NONE" else "the check could run nothing",
            "write [NONE] to switch the image's check off, or [CMD, PROGRAM, ARGUMENT...] or [CMD-SHELL, TEXT]",
        )
    return words


def _parse_shell_text(value: object) -> str:
    """Return a command for a shell, which has no first word of its own."""
    text = need_text(value, "a test that is not a list")
    first = text.split(maxsplit=1)[:1]
    if not first or first[0] in FIRST_WORDS:
        fail(
            "IPF935",
            "a text is given to the container's shell, and this is no command",
            f"the shell would find no program {first[0]}, and the check always fail"
            if first
            else "the check would always succeed",
            "write the command alone, or a list: [CMD, PROGRAM, ARGUMENT...], [CMD-SHELL, TEXT] or [NONE]",
        )
    return text


Duration = Annotated[str, BeforeValidator(parse_duration), string_schema("A duration: 30s, 1m30s", DURATION)]
HealthTest = Annotated[
    tuple[str, ...],
    BeforeValidator(parse_health_test),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string"},
            "description": "[CMD, word...], [CMD-SHELL, text] or [NONE]",
        }
    ),
    AlsoAllows((("type", "string"), ("pattern", r"\S"), ("description", "The text of CMD-SHELL"))),
]
