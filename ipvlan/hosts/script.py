"""Shell scripts that run on a host: how their variables are set, how they are run, and how their output is read.

The scripts are the files in `scripts/`, in POSIX shell. Each one states its variables and its output at its top:

- Variables are set before the text, quoted. A script checks them by `: "${name?}"`.
- Output is one `key=value` per line. A value of several lines is several lines of one key, in order.
- A line `. ./other.sh` includes another script of the folder.

Out of scope: what a script does, and what its output means.
"""

from __future__ import annotations

import functools
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.connection import run_on_host

if TYPE_CHECKING:
    from ipvlan.hosts.connection import HostConnection

_VARIABLE: Final = re.compile(r"[a-z][a-z0-9_]*")
_INCLUDE: Final = re.compile(r"^\. \./([a-z0-9_]+\.sh)$", re.MULTILINE)
_LINE: Final = re.compile(r"([a-z][A-Za-z0-9_.-]*)=(.*)")

# The login shell of the ssh user may be any; the scripts are written for a POSIX one.
_SHELL: Final = "exec sh -s"
# A user who is not root may be allowed to become root; without a password, since nobody is there to type one.
_ROOT_SHELL: Final = "exec sh -c 'if [ \"$(id -u)\" -eq 0 ]; then exec sh -s; else exec sudo -n sh -s; fi'"


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
        timeout: Seconds for all of it.
        as_root: Run it as root: as the ssh user where that is root, else by sudo without a password.

    Raises:
        HostUnreachableError: ssh failed, or the time is over.
    """
    # The shell reads the whole group before it runs it. A command that reads its standard input finds it empty.
    stdin = f"(\n{script_text(file, variables)}\n) </dev/null\n"
    completed = run_on_host(connection, _ROOT_SHELL if as_root else _SHELL, timeout=timeout, stdin=stdin)
    return ScriptResult(
        status=completed.returncode, output=read_output(completed.stdout), stderr=completed.stderr.strip()
    )


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
