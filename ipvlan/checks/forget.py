"""Forgetting a host that never comes back: the new state is imported, after a backup of the old one. No host is contacted.

Out of scope: what leaves the state (`ipvlan.plan.forget`) and the stack file (`ipvlan.plan.forget_edits`).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ipvlan.checks.stack_state import export_stack
from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.hosts.files import BASE, folder_of
from ipvlan.hosts.networking import FOLDERS
from ipvlan.plan.forget import Remains, StateBridge, StateNetwork, StateNetworking
from ipvlan.plan.resource_names import FAILED_SUFFIX, OWNER_LABEL, PREVIOUS_LABEL, REHEARSAL_SUFFIX
from ipvlan.problems import Problem, ToolError, plain

IMPORT_SECONDS: Final = 300.0
"""Time limit of `pulumi stack import`, in seconds: 1 s with a local backend, and minutes for a large state over a slow network."""


class ForgetError(ToolError):
    """The state was not changed."""


def write_backup(stack: str, export: Mapping[str, Any]) -> Path:
    """Write a state to a new file that only the user can read, and return its path. It holds secrets encrypted only.

    Raises:
        ForgetError: The file cannot be written.
    """
    state_home = os.environ.get("XDG_STATE_HOME", "")
    # The specification has relative paths ignored (XDG Base Directory Specification, 0.8).
    base = Path(state_home) if state_home.startswith("/") else Path.home() / ".local" / "state"
    folder = base / "ipvlan-fabric"
    prefix = f"{stack.replace('/', '_')}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # For its owner alone.
        descriptor, path = tempfile.mkstemp(dir=folder, prefix=prefix, suffix=".json")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(export, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _failure(
            "IPF920",
            f"no backup can be written to {folder}: {error.strerror}",
            "make the folder writable, or set XDG_STATE_HOME to another one",
        ) from None
    return Path(path)


def replace_state(stack: str, folder: Path, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Import the state `after`, if the state is still `before`.

    Pulumi locks the stack for the import, and refuses it while another update runs and for a state that contradicts itself.

    Args:
        stack: The stack's name, in any of Pulumi's spellings.
        folder: The project's folder.
        before: What `after` was made of.
        after: The new document.

    Raises:
        ForgetError: Nothing was imported.
        StackStateError: The state cannot be read again.
    """
    if export_stack(stack, folder) != before:
        raise _failure(
            "IPF919", "an update changed the state in the meantime", "wait for its end, then run the command again"
        )
    command = ["pulumi", "stack", "import", "--stack", stack, "--non-interactive", "--color", "never"]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            input=json.dumps(after).encode(),
            capture_output=True,
            timeout=IMPORT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise _not_imported(f"it took more than {IMPORT_SECONDS / 60:.0f} minutes and was ended") from None
    if done.returncode != 0:
        reply = " ".join((done.stderr or done.stdout).decode(errors="replace").split())
        # Warnings come before it.
        raise _not_imported(reply.rpartition("error: ")[2])


def clean_up_lines(remains: Remains) -> tuple[str, ...]:
    """Return the shell lines that, as root on the machine, remove what `pulumi destroy` would have removed there."""
    return tuple(_clean_up_lines(remains))


def kept_lines(remains: Remains) -> tuple[str, ...]:
    """Return the shell lines that remove what `pulumi destroy` leaves on a host: named volumes, with their data, and images."""
    lines = []
    if remains.volumes:
        lines.append(_docker(remains, "volume", "rm", *remains.volumes))
    if remains.images:
        lines.append(_docker(remains, "image", "rm", *remains.images))
    return tuple(lines)


def _clean_up_lines(remains: Remains) -> Iterator[str]:
    if any(container.owner for container in remains.containers):
        yield _rollout_line(remains)
    ids = [container.id for container in remains.containers if container.id]
    if ids:
        yield _docker(remains, "stop", *ids)
        yield _docker(remains, "rm", "--volumes", *ids)
    for container in remains.containers:
        if not container.id:
            yield _interrupted(container.name, _docker(remains, "inspect", container.name))
    yield from _files_lines(remains.files)
    # Before the network, with which Docker removes a parent that is a VLAN it made.
    for networking in remains.networking:
        yield from _networking_lines(networking)
    networks: tuple[StateNetwork | StateBridge, ...] = (*remains.networks, *remains.bridges)
    for network in networks:
        if network.id:
            yield _docker(remains, "network", "rm", network.id)
        else:
            yield _interrupted(network.name, _docker(remains, "network", "inspect", network.name))


def _rollout_line(remains: Remains) -> str:
    """Return the line that removes what changes of the containers left, of which the state has no id.

    Before the containers of the state: a spare or a restored one uses their anonymous volumes, which go with them.
    """
    owners = shlex.join(dict.fromkeys(container.owner for container in remains.containers if container.owner))
    listing = _docker(remains, "ps", "--all", "--quiet", "--no-trunc")
    names = "|".join(suffix.removeprefix(".") for suffix in (FAILED_SUFFIX, REHEARSAL_SUFFIX))
    # A failed one that the state has is among the others.
    recorded = [part for container in remains.containers if container.id for part in ("-e", container.id)]
    others = f"{shlex.join(['grep', '-vxF', *recorded])} | " if recorded else ""
    of_owner = f'{listing} --filter label={OWNER_LABEL}="$owner"'
    return (
        f"for owner in {owners}; do {of_owner} --filter label={PREVIOUS_LABEL}; "
        f"{of_owner} --filter 'name=[.]({names})$'; done | "
        f"{others}sort -u | xargs --no-run-if-empty {_docker(remains, 'rm', '--force', '--volumes')}"
    )


def _files_lines(labels: Iterable[str]) -> Iterator[str]:
    """Yield the lines that remove containers' files, and, where they were the last, the stack's key and the folders above."""
    folders = [folder_of(label) for label in labels]
    if not folders:
        return
    yield shlex.join(["rm", "-r", *folders])
    hosts = sorted({folder.rpartition("/")[0] for folder in folders})
    yield shlex.join(["rmdir", "--ignore-fail-on-non-empty", *hosts])
    for stack in sorted({host.rpartition("/")[0] for host in hosts}):
        yield f'[ "$(ls -A {shlex.quote(stack)})" != key ] || rm -r {shlex.quote(stack)}'
    yield shlex.join(["rmdir", "--ignore-fail-on-non-empty", BASE])


def _interrupted(name: str, look: str) -> str:
    # A line break would end the comment.
    return plain(f"# an `up` was interrupted while it created {name}: {look}")


def _docker(remains: Remains, *arguments: str) -> str:
    """Return a `docker` command line, for the Docker that the host had."""
    socket = remains.docker_socket
    return shlex.join(["docker", *(() if socket == DEFAULT_SOCKET else ("--host", f"unix://{socket}")), *arguments])


def _networking_lines(networking: StateNetworking) -> Iterator[str]:
    # Its stop removes the routes and the shim.
    yield shlex.join(["systemctl", "disable", "--now", networking.unit])
    yield shlex.join(["rm", f"{FOLDERS['units']}/{networking.unit}"])
    if networking.routes:
        drop_in = shlex.quote(f"{networking.unit.removesuffix('.service')}.conf")
        yield (
            f'for file in {FOLDERS["networks"]}/*.network.d/{drop_in}; do [ -e "$file" ] && rm "$file" && '
            'rmdir --ignore-fail-on-non-empty "${file%/*}"; done'
        )
    yield "systemctl daemon-reload"


def _not_imported(reason: str) -> ForgetError:
    return _failure(
        "IPF918",
        f"`pulumi stack import` failed: {reason}",
        "wait for the update that runs, or, where it was killed, run `pulumi cancel`; then run the command again",
    )


def _failure(code: str, problem: str, fix: str) -> ForgetError:
    return ForgetError(
        [Problem(code=code, key="state", value="", problem=problem, effect="nothing is forgotten", fix=fix)]
    )
