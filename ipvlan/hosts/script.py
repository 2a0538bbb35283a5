"""Shell scripts that run on a host: how their variables are set, how they are run, and how their output is read.

The scripts are the files in `scripts/`, in POSIX shell. Each one states its variables and its output at its top:

- Variables are set before the text, quoted. A script checks them by `: "${name?}"`.
- Output is one `key=value` per line. A value of several lines is several lines of one key, in order.
- A line `. ./other.sh` includes another script of the folder.

Out of scope: what a script does, and what its output means.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.errors import NOT_SENDABLE, UNREADABLE, HostError
from ipvlan.hosts.visit import visit
from ipvlan.problems import shorten

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_INCLUDE: Final = re.compile(r"^\. \./([a-z0-9_]+\.sh)$", re.MULTILINE)
_LINE: Final = re.compile(r"([a-z][A-Za-z0-9_.-]*)=(.*)")


@dataclass(frozen=True, slots=True)
class Output:
    """What a script printed."""

    values: Mapping[str, tuple[str, ...]]
    """Key -> the values of its lines, in order."""
    other: tuple[str, ...] = ()
    """Lines without a key: complaints of commands that the script ran."""

    def __contains__(self, key: str) -> bool:
        """Return whether a line of that key was printed."""
        return key in self.values

    def lines(self, key: str) -> tuple[str, ...]:
        """Return the values of all lines of that key, in order."""
        return self.values.get(key, ())

    def text(self, key: str) -> str:
        """Return the key's value, its lines joined; empty when the key was not printed."""
        return "\n".join(self.lines(key))


@dataclass(frozen=True, slots=True)
class ScriptResult:
    """How a script ended on a host."""

    status: int
    """Its exit status."""
    output: Output
    stderr: str
    """What it printed on standard error."""

    @property
    def complaints(self) -> str:
        """All that was printed and is no `key=value`, in one line."""
        return " ".join(line.strip() for line in (*self.output.other, *self.stderr.splitlines()) if line.strip())


def script_text(file: str, variables: Mapping[str, str] | None = None) -> str:
    """Return the text of a script with its variables set: to be run by an open session or as root (`root_shell`).

    Args:
        file: Name of a file in `scripts/`.
        variables: Name -> value, any text but NUL.
    """
    return "".join(_assignment(name, value) for name, value in (variables or {}).items()) + _read(file)


def run_script(
    connection: HostConnection,
    file: str,
    variables: Mapping[str, str] | None = None,
    *,
    timeout: float,
    as_root: bool = False,
) -> ScriptResult:
    """Run a script on the host.

    Args:
        connection: The host.
        file: Name of a file in `scripts/`.
        variables: Name -> value, any text but NUL.
        timeout: Seconds for all of it, here and on the host: nothing that the script starts outlives them.
        as_root: Run it as root: as the ssh user where that is root, else by sudo without a password.

    Raises:
        HostUnreachableError: ssh failed, or the host was not ready in time.
        HostError: The time was over on the host; or a value is none that a shell can hold.
    """
    for name, value in (variables or {}).items():
        if not _is_sendable(value):
            raise HostError.on(
                connection.name,
                NOT_SENDABLE,
                problem=f"the value of {name} has a character that no shell can hold: {shorten(value)}",
                effect="nothing was sent to the host",
                fix="remove the character from the config",
            )
    text = script_text("visit.sh") + script_text(file, variables)
    done = visit(connection, text, timeout=timeout, as_root=as_root)
    return ScriptResult(status=done.status, output=read_output(done.stdout), stderr=done.stderr.strip())


def read_output(text: str) -> Output:
    """Return what a script printed, by key."""
    values: dict[str, list[str]] = {}
    other: list[str] = []
    for line in text.split("\n"):
        match = _LINE.fullmatch(line)
        if match:
            values.setdefault(match[1], []).append(match[2])
        elif line.strip():
            other.append(line)
    return Output({key: tuple(lines) for key, lines in values.items()}, tuple(other))


def read_json(host: str, output: Output, key: str) -> Any:
    """Return what a key's value says in JSON; None where the script did not print it, or printed nothing for it.

    Raises:
        HostError: It is no JSON.
    """
    text = output.text(key)
    try:
        return json.loads(text) if text.strip() else None
    except (ValueError, RecursionError):
        raise HostError.on(
            host,
            UNREADABLE,
            problem=f"its Docker's answer is no JSON ({key}): {shorten(text)}",
            effect="what is there is not known, and nothing was changed",
            fix="make sure that `docker` on the host is Docker's own command line",
        ) from None


def _is_sendable(value: str) -> bool:
    # Half a surrogate pair comes out of JSON text, and is no UTF-8.
    return "\0" not in value and not any("\ud800" <= letter <= "\udfff" for letter in value)


def _assignment(name: str, value: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is no name for a shell variable")
    if "\0" in value:
        raise ValueError(f"the value of {name} has a NUL character, which no shell variable can hold")
    return f"{name}={shlex.quote(value)}\n"


@functools.cache
def _read(file: str) -> str:
    text = resources.files("ipvlan.hosts").joinpath("scripts", file).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: _read(match[1]), text)
