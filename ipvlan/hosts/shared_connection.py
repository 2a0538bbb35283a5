"""The socket of a shared ssh connection: where it is, and whether this machine can have it there.

The path is the same text on every machine, because the docker provider's `ssh_opts` are part of the stack's state. It is in the
~/.ssh of the user's entry in passwd: no other user can create a socket there, and every ssh finds it, also one that Pulumi starts
without this program (docs/decisions/0022-control-sockets.md).

Out of scope: ssh's other options (`ipvlan.hosts.ssh`).
"""

from __future__ import annotations

import base64
import functools
import hashlib
import os
import pwd
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ipvlan.plan.model import HostPlan

SHARING: Final = "ControlMaster=auto"
"""The option that every command with a shared connection has."""

_NOT_SHARED: Final = ("-o", "ControlMaster=no", "-o", "ControlPath=none")
"""Options that switch sharing off for one command: the first value of an option wins (ssh_config(5))."""

NOT_OPENED: Final = ("-o", "ControlMaster=no")
"""Options with which a command uses a shared connection that is open, and opens none (ssh_config(5), ControlMaster)."""

_PATH: Final = "ControlPath="

_SHARING_OPTIONS: Final = ("ControlMaster=", "ControlPath=", "ControlPersist=")

_NAME: Final = "ipf-"
_NAME_CHARACTERS: Final = 10
"""Of five bits each: a thousand hosts have one name twice in one of two thousand million cases."""

SOCKET_CHARACTERS: Final = 103 if sys.platform == "darwin" else 107
"""Longest path of a Unix socket: `sun_path` without its NUL (unix(7); sys/un.h)."""

_WHILE_OPENING: Final = 17
"""Characters that ssh appends to the path while it opens the connection (OpenSSH, mux.c, `muxserver_listen`)."""


def socket_path(host: HostPlan) -> str:
    """Return the value of ssh's `ControlPath` for `host`: short, and another one for another target or another pinned key.

    A connection that was opened under one `host_key` is never used under another. ssh's own `%C` does not know the key, and has
    40 characters: too many for a home of more than 30.
    """
    connected = "\n".join([*host.ssh.arguments, host.host_key or ""])
    digest = base64.b32encode(hashlib.sha256(connected.encode()).digest()).decode().lower()
    return f"~/.ssh/{_NAME}{digest[:_NAME_CHARACTERS]}"


def home() -> Path | None:
    """Return the folder that ssh takes for `~`: the one in passwd, not $HOME; None where passwd does not know the user."""
    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


@functools.cache
def obstacle() -> str:
    """Return why this machine cannot share connections, one clause; empty where it can. Create ~/.ssh if it is missing.

    It is asked once per process.
    """
    user_home = home()
    if user_home is None:
        return f"passwd has no user with the number {os.getuid()}"
    folder = user_home / ".ssh"
    length = len(os.fsencode(folder)) + 1 + len(_NAME) + _NAME_CHARACTERS + _WHILE_OPENING
    if length > SOCKET_CHARACTERS:
        return (
            f"a socket in {folder} would have a path of {length} characters, and the system allows {SOCKET_CHARACTERS}"
        )
    return _not_private(folder)


def _not_private(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        return f"{folder} cannot be created ({error.strerror})"
    if found.st_uid != os.getuid():
        return f"{folder} belongs to the user with the number {found.st_uid}"
    if not os.access(folder, os.W_OK | os.X_OK):
        return f"{folder} cannot be written"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return f"other users can write to {folder}, and could put a socket of their own there"
    return ""


def same_connection(one: Sequence[str], other: Sequence[str]) -> bool:
    """Return whether two ssh commands reach the same host in the same manner; whether and where they share does not count."""
    return _unshared(one) == _unshared(other)


def _unshared(command: Sequence[str]) -> list[str]:
    kept: list[str] = []
    for argument in command:
        if argument.startswith(_SHARING_OPTIONS) and kept[-1:] == ["-o"]:
            kept.pop()
        else:
            kept.append(argument)
    return kept


def is_open(command: Sequence[str]) -> bool:
    """Return whether there is the socket of a shared connection that this ssh command would use."""
    path = next((argument.removeprefix(_PATH) for argument in command if argument.startswith(_PATH)), "")
    user_home = home()
    return bool(path) and user_home is not None and Path(path.replace("~", str(user_home), 1)).exists()


def on_this_machine(command: Sequence[str]) -> tuple[str, ...]:
    """Return an ssh command as this machine can run it: without sharing where it cannot share.

    The text in the state stays the same; only this run opens a connection of its own.
    """
    if SHARING not in command or not obstacle():
        return tuple(command)
    return (command[0], *_NOT_SHARED, *command[1:])
