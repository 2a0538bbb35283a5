"""A container takes its staged files: they go live, it reloads them or is started again, and it goes on; where not, all goes back.

It is safe to repeat after an end at any line: what was live before is kept until the container has gone on with the new files.

Out of scope: the files themselves (`ipvlan.hosts.files`), what counts as up (`ipvlan.hosts.settle`), and a container that is
replaced: it starts with its files (`provider.handover`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.container_failure import command_evidence, evidence
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import (
    FILES_NOT_BACK,
    FILES_REFUSED,
    FILES_REFUSED_BEFORE,
    FILES_RESTARTED,
    HostError,
    HostUnreachableError,
)
from ipvlan.hosts.files import Comparison, FilesFolder
from ipvlan.hosts.ids import short_id
from ipvlan.hosts.printed_text import printable
from ipvlan.hosts.secret_values import values_of
from ipvlan.hosts.settle import Since, settle
from ipvlan.plan.resource_names import PREVIOUS_SUFFIX

RELOAD_SECONDS: Final = 30.0
"""How long the command of a reload may take."""

_LEFT: Final = " left"
"""The end of what is noted of files that a container has though it did not go on with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A container, and how it takes new files."""

    service: str
    container: str
    """Its name."""
    container_id: str
    mounts: Mapping[str, str]
    """Target in the container -> slot."""
    change: str
    """`reload`, `restart` or `replace`. With `replace` one that was not replaced is started again."""
    reload_signal: str
    """Empty where a command is run, and without a reload."""
    reload_command: Sequence[str]
    stop_seconds: int
    healthy_within: int
    """Seconds."""
    ports: Sequence[BoundPort]
    secret_names: Sequence[str]
    """Names of its environment variables whose values are not shown."""
    secrets: Sequence[str]
    """Values of secrets in its files."""
    restore: bool
    """Whether the files of before go live again where it does not go on."""

    @property
    def reloads(self) -> bool:
        """Whether it takes new files while it runs."""
        return self.change == "reload"


def use_files(engine: EngineWrites, folder: FilesFolder, use: Use, *, tried: str = "") -> tuple[str, ...]:
    """Let the container go on with its staged files; do nothing where it has them.

    Args:
        engine: Docker on the host.
        folder: The container's files.
        use: The container.
        tried: What a refresh read as refused: it is tried again.

    Returns:
        Warnings: each that the container was started again although it reloads.

    Raises:
        HostError: It does not go on with them (IPF814), and not with those of before either (IPF815), or did not at the last try
            with the same bytes (IPF818); or it is paused (IPF814); or the host or its Docker does not answer.
    """
    pid, inspected = _process(engine, use.container_id)
    compared = folder.compare(use.mounts, pid=pid)
    if not (compared.differs or compared.detached or compared.pending):
        # Each visit as root may be a helper container, which takes seconds.
        if compared.left:
            _end(engine, folder, use, inspected)
        return ()
    mark = _mark(use, compared)
    noted, left = compared.refused.split(), compared.refused.endswith(_LEFT)
    # One that is pending and was not left was tried again by a run that was cut short.
    if noted[:1] == [mark] and compared.refused != tried and (left or not compared.pending):
        raise _refused_before(folder.host, use, left=left)
    if inspected is not None and inspected["State"].get("Paused"):
        raise _paused(folder.host, use)
    runs = inspected is not None and bool(pid or inspected["State"].get("Restarting"))
    if inspected is None or not (runs or compared.pending):
        # It takes them at its next start: whoever stopped it starts it. No way back is kept: pending is what was to go on, and
        # that an earlier run stopped.
        folder.activate(use.mounts, pid=pid, hold=use.reloads, keep=False)
        folder.end(use.mounts)
        return ()
    detached = _activate(folder, use, pid)
    restarts = not use.reloads or bool(detached) or not pid
    failure = _go_on(engine, use, inspected, restarts=restarts)
    if not failure:
        _end(engine, folder, use, inspected)
        return (_restarted(folder.host, use, detached),) if use.reloads and detached else ()
    refused = f"{mark} {int(noted[1]) + 1 if noted[:1] == [mark] else 1}"
    if not use.restore:
        # The next files are the repair, also of one that ended: that it was to go on stays noted.
        folder.end(use.mounts, refused=refused + _LEFT, keep=True)
        raise _refused(folder.host, use, failure, back=False)
    try:
        back = _go_back(engine, folder, use)
    except HostError as error:
        back = error.problems[0].problem
    if back:
        raise _not_back(folder.host, use, failure, back)
    folder.end(use.mounts, refused=refused)
    raise _refused(folder.host, use, failure, back=True)


def _process(engine: EngineWrites, id_: str) -> tuple[int, dict[str, Any] | None]:
    """Return a container's first process on the host, 0 where none runs, and how Docker describes it."""
    inspected = engine.find_container(id_)
    if inspected is None or not inspected["State"]["Running"] or inspected["State"].get("Restarting"):
        return 0, inspected
    return int(inspected["State"].get("Pid") or 0), inspected


def _end(engine: EngineWrites, folder: FilesFolder, use: Use, inspected: Mapping[str, Any] | None) -> None:
    """End an activation after which the container goes on, and let its spare have the same files."""
    named = inspected is not None and inspected["Name"] == f"/{use.container}"
    # One that has another name may be a spare itself, or its spare serves.
    beside = named and engine.container_named(f"{use.container}{PREVIOUS_SUFFIX}") is not None
    folder.end(use.mounts, spare=named and not beside)
    if beside:
        # A run that ended left it, and the next change of the container keeps it; it is stopped, so nothing mounts the copy now.
        folder.keep_for_spare()


def _mark(use: Use, compared: Comparison) -> str:
    """Return what stands for these bytes in this container, taken in this way: another one of each is another try."""
    how = [compared.tree, use.container_id, use.change, use.reload_signal, [*use.reload_command]]
    return hashlib.sha256(json.dumps(how).encode()).hexdigest()


def _activate(folder: FilesFolder, use: Use, pid: int) -> tuple[str, ...]:
    """Bring the staged files live, all or none, and return what `FilesFolder.activate` does."""
    try:
        return folder.activate(use.mounts, pid=pid, hold=use.reloads, keep=True)
    except HostUnreachableError:
        raise
    except HostError as error:
        try:
            # The container was told nothing, but its next start would take those that are live. Without a way back none is.
            if folder.read({}).pending:
                folder.back(use.mounts, pid=pid, hold=use.reloads)
        except HostError as failure:
            raise HostError([*error.problems, *failure.problems]) from None
        raise


def _go_on(engine: EngineWrites, use: Use, inspected: Mapping[str, Any], *, restarts: bool) -> str:
    """Reload the container or start it again; return why it does not go on, without secret values; empty where it does."""
    secrets = (*values_of(inspected["Config"].get("Env") or (), use.secret_names), *use.secrets)
    since = None if restarts else Since(at=engine.now, restarts=inspected["RestartCount"])
    try:
        if restarts:
            engine.stop(use.container_id, use.stop_seconds)
            engine.start(use.container_id)
        elif use.reload_command:
            done = engine.execute(use.container_id, use.reload_command, seconds=RELOAD_SECONDS)
            if done.status != 0:
                output = printable(done.output.decode(errors="replace"), secrets)
                return command_evidence(done.status, output, RELOAD_SECONDS)
        else:
            engine.signal(use.container_id, use.reload_signal)
    except HostError as error:
        return printable(error.problems[0].problem, secrets)
    settled = settle(
        engine,
        use.container_id,
        healthy_within=use.healthy_within,
        ports=use.ports,
        secret_names=use.secret_names,
        since=since,
        secrets=use.secrets,
    )
    # A job that was started again may have done its work by now; one that was to reload was to go on.
    return "" if settled.kind == "up" or (restarts and settled.up) else evidence(settled, use.healthy_within)


def _go_back(engine: EngineWrites, folder: FilesFolder, use: Use) -> str:
    """Bring the files of before live, and let the container take them; return why it does not go on with them."""
    pid, inspected = _process(engine, use.container_id)
    detached = folder.back(use.mounts, pid=pid, hold=use.reloads)
    if inspected is None:
        return "the container is gone"
    # One that ended takes them when it is started.
    restarts = not use.reloads or bool(detached) or not pid
    return _go_on(engine, use, inspected, restarts=restarts)


def _refused_before(host: str, use: Use, *, left: bool) -> HostError:
    return HostError.on(
        host,
        FILES_REFUSED_BEFORE,
        problem=f'service "{use.service}" did not go on with these files at the last try',
        effect="nothing was changed: "
        + ("it has them, and is left as it is (on_failure: leave)" if left else "it runs with the files of before"),
        fix="change the files or `reload`; or run `pulumi up --refresh`, which tries the same again",
    )


def _paused(host: str, use: Use) -> HostError:
    return HostError.on(
        host,
        FILES_REFUSED,
        problem=f'service "{use.service}" does not take its new files: its container is paused',
        effect="nothing was changed",
        fix=f"run `docker unpause {short_id(use.container_id)}` on the host, then run `pulumi up` again",
    )


def _refused(host: str, use: Use, failure: str, *, back: bool) -> HostError:
    effect = (
        f"it has the files of before again, and goes on with them ({short_id(use.container_id)})"
        if back
        else "it has the new files, and is left as it is (on_failure: leave)"
    )
    return HostError.on(
        host,
        FILES_REFUSED,
        problem=f'service "{use.service}" does not go on with its new files: {failure}',
        effect=effect,
        fix=f"fix the files, or `services.{use.service}.reload`, then run `pulumi up` again",
    )


def _not_back(host: str, use: Use, failure: str, back: str) -> HostError:
    return HostError.on(
        host,
        FILES_NOT_BACK,
        problem=f'service "{use.service}" does not go on with its new files: {failure}\nand not with those of before: {back}',
        effect="the service may not run on this host",
        fix=f"see `docker logs {short_id(use.container_id)}` on the host; fix the files, then run `pulumi up` again",
    )


def _restarted(host: str, use: Use, detached: Sequence[str]) -> str:
    return (
        f'{FILES_RESTARTED}: host "{host}": service "{use.service}" was started again and did not reload: {", ".join(detached)} is '
        "not the file that this stack wrote, as somebody replaced it on the host or its path leads over a link of the image"
    )
