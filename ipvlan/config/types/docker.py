"""Types of what Docker takes: names, images, commands, sizes, volumes, restart policies."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from ipvlan.config.types.base import fail, json_pattern, need_string, string_schema

DOCKER_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""What the daemon accepts as the name of a container or network (moby, daemon/names/names.go)."""
SERVICE_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}")
"""A service's name is its container's by default, so Docker's rule and the length of a DNS label apply."""
HOST_NAME: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
"""A host's name becomes part of names of resources, sockets and files."""
LONGEST_NAME: Final = 63
"""Docker's embedded DNS serves the name as one label, and a DNS label has at most 63 octets (RFC 1035, 2.3.4)."""
LONGEST_IMAGE: Final = 512
"""Characters; far beyond what a registry accepts."""
IMAGE: Final = re.compile(
    # distribution/reference, grammar at the head of reference.go
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)
SIZE: Final = re.compile(r"(?P<number>[1-9][0-9]{0,11})(?P<unit>[bkmgBKMG]?)")
MEBIBYTE: Final = 1024**2
VOLUME: Final = re.compile(r"[^:]+:/[^:]*(?::[^:]+)?")
RESTART: Final = re.compile(r"no|always|unless-stopped|on-failure(?::[0-9]+)?")


def parse_name(value: object) -> str:
    """Return a name that the Docker daemon accepts for a container or network."""
    text = need_string(value, "a name")
    if not DOCKER_NAME.fullmatch(text):
        fail(
            "IPF127",
            "Docker refuses this name",
            "the daemon answers 'Invalid container name' for it, after other containers were already changed",
            "use two or more of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit",
        )
    if len(text) > LONGEST_NAME:
        fail(
            "IPF128",
            f"the name has {len(text)} characters, and a DNS label has at most {LONGEST_NAME}",
            "other containers could not find it by name",
            f"use at most {LONGEST_NAME} characters",
        )
    return text


def parse_image(value: object) -> str:
    """Return an image reference, pinned by digest or not."""
    text = need_string(value, "an image")
    if not IMAGE.fullmatch(text) or len(text) > LONGEST_IMAGE:
        fail(
            "IPF132",
            "this is not an image reference",
            "the daemon could not pull it ('invalid reference format')",
            "write REGISTRY/NAME@sha256:DIGEST or REGISTRY/NAME:TAG, the name in lower case",
        )
    return text


def parse_command(value: object) -> tuple[str, ...]:
    """Return a command as a list of words; one string would need a shell that splits it."""
    if not isinstance(value, list | tuple):
        fail(
            "IPF133",
            "this is not a list of words",
            "a shell would have to split it, and images without a shell could not run it",
            "write a list of words: [/usr/sbin/init, --flag]",
        )
    return tuple(need_string(word, "each word of a command") for word in value)


def parse_size(value: object) -> int:
    """Return Docker's size (`512m`, `2g`, or bytes) in bytes; whole MiB, since the provider passes MiB to the daemon."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = need_string(value, "a size")
    match = SIZE.fullmatch(text)
    if match is None:
        fail("IPF134", "this is not a size", "the daemon would not know the limit", 'write for example "512m" or "2g"')
    factor = {"": 1, "b": 1, "k": 1024, "m": MEBIBYTE, "g": 1024 * MEBIBYTE}[match["unit"].lower()]
    size = int(match["number"]) * factor
    if size % MEBIBYTE:
        fail(
            "IPF135",
            f"{size} bytes are not a whole number of MiB",
            "the limit would be rounded to another one",
            f'write "{max(1, size // MEBIBYTE)}m"',
        )
    return size


def parse_volume(value: object) -> str:
    """Return a volume or a bind mount as `docker run --volume` takes it, the source never left out."""
    text = need_string(value, "a volume")
    if not VOLUME.fullmatch(text):
        fail(
            "IPF136",
            "this is not SOURCE:/PATH[:OPTIONS]",
            "Docker would create an unnamed volume, which is lost when the container is recreated",
            'write "NAME:/path" or "/host/path:/path:ro"',
        )
    return text


def parse_restart(value: object) -> str:
    """Return a restart policy of Docker."""
    text = need_string(value, "a restart policy")
    if not RESTART.fullmatch(text):
        fail(
            "IPF137",
            "Docker has no such restart policy",
            "the daemon would refuse the container",
            'write "no", always, on-failure[:TIMES] or unless-stopped',
        )
    return text


Name = Annotated[str, BeforeValidator(parse_name), string_schema("A name that Docker accepts", SERVICE_NAME)]
Image = Annotated[str, BeforeValidator(parse_image), string_schema("An image reference, by digest", IMAGE)]
Command = Annotated[
    tuple[str, ...],
    BeforeValidator(parse_command),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "description": "Words, without a shell"}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema(
        {
            "type": ["string", "integer"],
            "pattern": json_pattern(SIZE),
            "description": '"512m", "2g", or bytes (whole MiB)',
        }
    ),
]
Volume = Annotated[str, BeforeValidator(parse_volume), string_schema("SOURCE:/PATH[:OPTIONS]", VOLUME)]
Restart = Annotated[str, BeforeValidator(parse_restart), string_schema("A restart policy of Docker", RESTART)]
