"""Types of ssh destinations and host keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BeforeValidator

from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.config.types.base import as_text, fail, need_string, string_schema

SSH_PORT: Final = 22
"""Where sshd listens unless the config names another port."""

SSH_TARGET: Final = re.compile(
    r"(?:ssh://)?(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<port>[0-9]{1,5}))?"
)
HOST_KEY: Final = re.compile(
    r"(?P<kind>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|"
    r"sk-ecdsa-sha2-nistp256@openssh\.com) (?P<key>[A-Za-z0-9+/]{20,}={0,2})(?: .*)?"
)


DOCKER_SOCKET: Final = re.compile(r"(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*|/\.[A-Za-z0-9_-][A-Za-z0-9._-]*)+")
LONGEST_SOCKET: Final = 107
"""Characters: `sun_path` without its NUL (unix(7))."""


@dataclass(frozen=True, slots=True)
class SshTarget:
    """Where OpenSSH connects to for a host."""

    user: str
    """The user on the host; root unless the config names another."""
    host: str
    """An address, a DNS name, or a Host of the user's ~/.ssh/config."""
    port: int = SSH_PORT
    written: frozenset[str] = frozenset({"user", "port"})
    """Which of `user` and `port` are in the config; the others are left to the user's ~/.ssh/config."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of `ssh` that lead there; a user or port that the config does not name is not among them."""
        port = ("-p", str(self.port)) if "port" in self.written else ()
        user = ("-l", self.user) if "user" in self.written else ()
        return (*port, *user, self.host)

    @property
    def url(self) -> str:
        """`ssh://[USER@]HOST[:PORT]` as Docker takes it, again without what the config does not name."""
        user = f"{self.user}@" if "user" in self.written else ""
        port = f":{self.port}" if "port" in self.written else ""
        return f"ssh://{user}{self.host}{port}"

    def __str__(self) -> str:
        return self.url.removeprefix("ssh://")


def parse_ssh(value: object) -> SshTarget:
    """Return the target of `[ssh://][USER@]HOST[:PORT]`; HOST may be a name of the user's ~/.ssh/config."""
    if isinstance(value, SshTarget):
        return value
    text = need_string(value, "an ssh target")
    match = SSH_TARGET.fullmatch(text)
    if match is None or (match["port"] and not 1 <= int(match["port"]) <= 65535):
        fail(
            "IPF125",
            "this is not [USER@]HOST[:PORT]",
            "ssh could not connect, or would take a part of it for an option",
            "write for example root@192.168.140.200, or a Host name of your ~/.ssh/config",
        )
    return SshTarget(
        match["user"] or "root",
        match["host"],
        int(match["port"] or SSH_PORT),
        frozenset(part for part in ("user", "port") if match[part]),
    )


def parse_host_key(value: object) -> str:
    """Return `TYPE BASE64`, the second and third word of a known_hosts line; a comment after it is dropped."""
    text = need_string(value, "a host key").strip()
    match = HOST_KEY.fullmatch(text)
    if match is None:
        fail(
            "IPF126",
            "this is not a public host key",
            "ssh would refuse the host, since its key cannot match",
            "write TYPE and BASE64 as in /etc/ssh/ssh_host_ed25519_key.pub of the host (ssh-ed25519 AAAA...)",
        )
    return f"{match['kind']} {match['key']}"


def parse_docker_socket(value: object) -> str:
    """Return the path of Docker's socket on a host. It goes into an ssh option and a URL: no letter of it is special there."""
    text = need_string(value, "a path")
    if DOCKER_SOCKET.fullmatch(text) is None or len(text) > LONGEST_SOCKET:
        fail(
            "IPF140",
            f"this is not the absolute path of a socket of at most {LONGEST_SOCKET} letters, digits, dots, dashes and underscores",
            "neither ssh nor Docker's command line could reach Docker on the host",
            f"write the path after unix:// in the `--host` or `hosts` of the host's dockerd; the default is {DEFAULT_SOCKET}",
        )
    return text


Target = Annotated[SshTarget, BeforeValidator(parse_ssh), as_text, string_schema("[USER@]HOST[:PORT]", SSH_TARGET)]
HostKey = Annotated[str, BeforeValidator(parse_host_key), string_schema("TYPE BASE64", HOST_KEY)]
DockerSocket = Annotated[
    str,
    BeforeValidator(parse_docker_socket),
    string_schema("Absolute path of a socket", DOCKER_SOCKET, maxLength=LONGEST_SOCKET),
]
