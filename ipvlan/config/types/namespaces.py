"""Types of what a container shares with its host, or does not: namespaces, groups, the address of the host itself.

Each rule refuses what Docker refuses for certain, and what no plan could keep true.

Out of scope: control groups' namespaces, which have two values (`ipvlan.config.models`).
"""

from __future__ import annotations

import re
from typing import Annotated, Final, NoReturn

from netaddr import IPAddress
from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ipvlan.config.host_gateway import HOST_GATEWAY
from ipvlan.config.types.addresses import DOTTED, parse_address
from ipvlan.config.types.base import fail, json_pattern, need_text
from ipvlan.config.types.process import LARGEST_ID

IPC_MODES: Final = ("private", "shareable", "host", "none")
"""moby, IpcMode in api/types/container/hostconfig.go."""


def parse_pid(value: object) -> str:
    """Return whose processes a container sees: `host` (moby, PidMode in api/types/container/hostconfig.go)."""
    return _mode(value, "pid", ("host",))


def parse_ipc(value: object) -> str:
    """Return with whom a container shares memory and semaphores."""
    return _mode(value, "ipc", IPC_MODES)


def parse_userns(value: object) -> str:
    """Return whose users a container has: `host` (moby, UsernsMode in api/types/container/hostconfig.go)."""
    return _mode(value, "userns_mode", ("host",))


def _mode(value: object, key: str, modes: tuple[str, ...]) -> str:
    text = need_text(value, "this value")
    # An empty text is Docker's own default, as none is.
    if text and text not in modes:
        _no_mode(text, key, modes)
    return text


def _no_mode(text: str, key: str, modes: tuple[str, ...]) -> NoReturn:
    if key != "userns_mode" and text.partition(":")[0] in ("container", "service"):
        fail(
            "IPF189",
            "a container cannot share this with another container here",
            "the other one's id changes each time it is replaced: this one could not start again, or would have to be replaced too",
            f"write {' or '.join(modes)}, or run both programs in one container",
        )
    fail(
        "IPF190",
        f"there is no such value of {key}",
        "the daemon refuses the container",
        f"write {', '.join(modes)}, or remove the line for Docker's default",
    )


def parse_group(value: object) -> str:
    """Return a group: a number, or a name in the image (moby/sys, GetAdditionalGroups in user/user.go)."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = need_text(value, "a group")
    number = re.fullmatch(r"[+-]?[0-9]+", text)
    if not text or (number and not (len(text) <= 20 and 0 <= int(text) <= LARGEST_ID)):
        fail(
            "IPF191",
            f"{text[:25] or 'an empty text'} is not a group",
            "Docker creates the container and cannot start it ('Unable to find group', or 'gids must be in range')",
            f"write a number from 0 to {LARGEST_ID}, or the name of a group in the image",
        )
    return text


def parse_stop_timeout(value: object) -> object:
    """Refuse 0, which does not arrive; the rest is pydantic's.

    To the docker provider 0 is no value (GetOk of `stop_timeout` in resource_docker_container_funcs.go, 4.5.0).
    """
    if value == 0 and not isinstance(value, bool):
        fail(
            "IPF192",
            "the docker provider cannot tell 0 from no value, and passes none on",
            "Docker would give the container its 10 seconds, not 0",
            "write 1, the shortest; to be killed at once, a program can have stop_signal: SIGKILL",
        )
    return value


def parse_extra_address(value: object) -> IPAddress | str:
    """Return an address for the container's /etc/hosts, or `host-gateway`."""
    return HOST_GATEWAY if value == HOST_GATEWAY else parse_address(value)


def _one_of(*modes: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "enum": [*modes, ""]})


PidMode = Annotated[str, BeforeValidator(parse_pid), _one_of("host")]
IpcMode = Annotated[str, BeforeValidator(parse_ipc), _one_of(*IPC_MODES)]
UsernsMode = Annotated[str, BeforeValidator(parse_userns), _one_of("host")]
Group = Annotated[
    str,
    BeforeValidator(parse_group),
    WithJsonSchema({"type": ["string", "integer"], "minLength": 1, "minimum": 0, "maximum": LARGEST_ID}),
]
ExtraAddress = Annotated[
    IPAddress | str,
    BeforeValidator(parse_extra_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": json_pattern(DOTTED, re.compile(HOST_GATEWAY)),
            "description": "An IPv4 address, or host-gateway",
        }
    ),
]
