"""Types of what Docker takes: names, images, commands, restart policies.

Out of scope: what is mounted (`ipvlan.config.types.mounts`), health (`ipvlan.config.types.health`), sizes
(`ipvlan.config.types.sizes`), and what the kernel gives a container's processes (`ipvlan.config.types.process`).
"""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator, WithJsonSchema

from ipvlan.config.types.base import fail, need_string, need_text, string_schema

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
REFERENCE: Final = (
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)
"""A name with or without registry and tag (distribution/reference, grammar at the head of reference.go)."""
IMAGE: Final = re.compile(rf"{REFERENCE}(?:@sha256:[0-9a-f]{{64}})?")
RESTART: Final = re.compile(r"no|always|unless-stopped|on-failure(?::[0-9]{1,15})?")
"""moby, ValidateRestartPolicy in api/types/container/hostconfig.go. 15 digits: Pulumi's numbers are exact up to 2^53."""


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


def parse_words(value: object) -> tuple[str, ...]:
    """Return a list of words; one string would need a shell that splits it."""
    if not isinstance(value, list | tuple):
        fail(
            "IPF133",
            "this is not a list of words",
            "a shell would have to split it, and images without a shell could not run it",
            "write a list of words: [/usr/sbin/init, --flag]",
        )
    return tuple(need_text(word, "each word of a command") for word in value)


def parse_command(value: object) -> tuple[str, ...]:
    """Return the command of a container as a list of words.

    None is empty: the docker provider refuses the container ("values for command may not be empty", docker_container of
    terraform-provider-docker), although Docker would take it.
    """
    words = parse_words(value)
    if "" in words:
        fail(
            "IPF144",
            "the command has an empty word",
            "the docker provider refuses the container, after the one that it replaces is gone",
            "leave the word out; in a shell's text write '' for it: [sh, -c, \"program ''\"]",
        )
    return words


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
Words = Annotated[
    tuple[str, ...],
    BeforeValidator(parse_words),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "description": "Words, without a shell"}),
]
Command = Annotated[
    tuple[str, ...],
    BeforeValidator(parse_command),
    WithJsonSchema(
        {"type": "array", "items": {"type": "string", "minLength": 1}, "description": "Words, without a shell"}
    ),
]
Restart = Annotated[str, BeforeValidator(parse_restart), string_schema("A restart policy of Docker", RESTART)]
