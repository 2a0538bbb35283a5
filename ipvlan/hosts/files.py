"""The files of a container on its host: staged, brought live, taken back, read and removed, as root (docs/decisions/0033-files.md).

A container's folder is `/var/lib/ipvlan-fabric/OWNER/HOST/SERVICE`. In it `staged/SLOT` are the bytes of the state, `live/SLOT` is
what the container mounts, `held/SLOT` the inode that a running container has of a single file, `before/SLOT` the way back, and
`spare/SLOT` what the spare mounts. Each script checks in the same visit that the folder is this stack's.

Out of scope: what is planned (`ipvlan.plan.files`), reload and proof (`ipvlan.hosts.files_in_use`), and the engine's resources.
"""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ipvlan.hosts.errors import FILES_NOT_OURS, FILES_NOT_WRITTEN, HostError
from ipvlan.hosts.script import Output, read_output, script_text
from ipvlan.plan.files import with_secrets
from ipvlan.plan.ownership import parse_owner_label

if TYPE_CHECKING:
    from ipvlan.hosts.root_shell import RunAsRoot
    from ipvlan.plan.files import FilesPlan

BASE: Final = "/var/lib/ipvlan-fabric"
"""The folder of all files of all stacks on a host."""

SECONDS: Final = 60.0
"""Time limit of one script; it covers a slow disk's `sync`."""

WAIT_SECONDS: Final = 40
"""How long a script waits for another one in the same folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileBytes:
    """One file with all its bytes, secrets included."""

    target: str
    """Its path in the container."""
    slot: str
    path: str
    """Below its folder's slot; empty for a file that is mounted alone."""
    content: bytes
    owner: str
    """UID:GID."""
    mode: str
    """Four octal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """One file as it is in one of the folders on the host."""

    digest: str
    """SHA-256 of the host's key and the bytes, hexadecimal."""
    owner: str
    mode: str
    """Four octal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFiles:
    """The files of one container as they are on the host. A target that a mapping has not is no file there."""

    staged: Mapping[str, FoundFile]
    live: Mapping[str, FoundFile]
    held: Mapping[str, FoundFile]
    """What a running container may have of single files: the bytes of `live`, unless somebody wrote there."""
    unplanned: tuple[str, ...]
    """Targets of folders in which there is something that is not staged."""
    refused: str
    """What was refused at the last try, as `files_end` wrote it; empty where nothing was."""
    pending: bool
    """Whether an activation has not ended: `before/` is there."""

    def drifted(self, digests: Mapping[str, str], files: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
        """Return the targets that are not as the state has them, sorted; unplanned files count as their folder.

        Where the last change was refused only what is staged is compared: the container has the files of before.
        """
        return tuple(
            sorted(
                {target for target in files if not self._as_recorded(target, digests.get(target, ""), files[target])}
                | {*(() if self.refused else self.unplanned)}
            )
        )

    def _as_recorded(self, target: str, digest: str, file: Mapping[str, Any]) -> bool:
        recorded = FoundFile(digest=digest, owner=file["owner"], mode=file["mode"])
        held = self.held.get(target, recorded)
        return self.staged.get(target) == recorded and (
            bool(self.refused) or (self.live.get(target) == recorded and held == recorded)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Whether a container has its staged files."""

    differs: tuple[str, ...]
    """Targets of which other bytes, owners or modes are live than staged."""
    detached: tuple[str, ...]
    """Targets of which the running container has something else than what is live."""
    left: bool
    """Whether `end` has something to remove."""
    pending: bool
    """Whether an activation has not ended."""
    refused: str
    """What `end` noted last; empty for nothing."""
    tree: str
    """A digest of all that is staged."""


def live_mounts(arguments: Mapping[str, Any], folder: str) -> dict[str, str]:
    """Return target -> slot of what a container mounts of a folder; `arguments` are in the docker provider's form."""
    prefix = f"{folder}/live/"
    return {
        mount["target"]: mount["source"].removeprefix(prefix)
        for mount in arguments.get("mounts") or ()
        if (mount.get("source") or "").startswith(prefix)
    }


def folder_of(label: str) -> str:
    """Return the folder of the files of the container with that owner label."""
    return f"{BASE}/{label}"


def file_properties(plan: FilesPlan) -> dict[str, dict[str, Any]]:
    """Return the input `files` of a Files: target -> `slot`, `path`, `owner`, `mode`, and where its bytes come from.

    That is `text`, or `base64` for what is no text; in `text` stand the names of `secrets` (NAME -> config key). `secret` is the
    config key of a value that is the whole file. Keys without a meaning for a file are left out.
    """
    files: dict[str, dict[str, Any]] = {}
    for file in plan.files:
        text = file.text
        files[file.target] = {
            "slot": file.slot,
            "path": file.path_in_folder or "",
            "owner": file.owner,
            "mode": file.mode,
            **({"secrets": dict(file.secrets)} if file.secrets else {}),
            **(
                {"secret": file.whole_secret}
                if file.whole_secret is not None
                else {"base64": base64.b64encode(file.content).decode()}
                if text is None
                else {"text": text}
            ),
        }
    return files


def bytes_of(files: Mapping[str, Mapping[str, Any]], secrets: Mapping[str, str]) -> list[FileBytes]:
    """Return the files of a Files' input with their bytes, sorted by target.

    Args:
        files: What `file_properties` returns.
        secrets: Config key -> value.
    """
    return [
        FileBytes(
            target=target,
            slot=file["slot"],
            path=file["path"],
            content=_content(file, secrets),
            owner=file["owner"],
            mode=file["mode"],
        )
        for target, file in sorted(files.items())
    ]


def _content(file: Mapping[str, Any], secrets: Mapping[str, str]) -> bytes:
    if "secret" in file:
        return secrets[file["secret"]].encode()
    content = base64.b64decode(file["base64"]) if "base64" in file else file["text"].encode()
    return with_secrets(content, {name: secrets[key] for name, key in (file.get("secrets") or {}).items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesFolder:
    """The folder of one container's files on its host, and who works there. All methods raise HostError."""

    host: str
    label: str
    """The container's owner label, OWNER/HOST/SERVICE."""
    run: RunAsRoot
    base: str = BASE

    @property
    def path(self) -> str:
        """Its path on the host."""
        return f"{self.base}/{self.label}"

    def stage(self, files: Iterable[FileBytes], *, unused: bool = False) -> Mapping[str, str]:
        """Put all files in the place of what was staged, and return target -> digest; what nothing is live of goes live too.

        Args:
            files: All files of the container.
            unused: Whether there is no container, so that nothing is live: all goes live.
        """
        listed = list(files)
        variables: dict[str, str] = {}
        for number, file in enumerate(listed):
            variables |= {
                **_where(number, file.slot, file.path),
                f"owner_{number}": file.owner,
                f"mode_{number}": file.mode,
                f"content_{number}": base64.b64encode(file.content).decode(),
            }
        with _one_at_a_time(self.host):
            output = self._script(
                "files_stage.sh", {"count": str(len(listed)), "unused": str(int(unused)), **variables}
            )
        return {file.target: output.text(f"digest_{number}") for number, file in enumerate(listed)}

    def activate(self, mounts: Mapping[str, str], *, pid: int, hold: bool, keep: bool) -> tuple[str, ...]:
        """Bring what is staged live.

        Args:
            mounts: Target in the container -> slot.
            pid: The container's first process on the host; 0 where it does not run.
            hold: Change single files in the container that runs too, for a reload.
            keep: Keep what is live as the way back, unless one is kept already. Otherwise it is all or none: what was live is so
                again where that fails, and no way back is left where it does not.

        Returns:
            The targets of which the running container has something else: only a restart lets it see them.
        """
        variables = {"keep": str(int(keep)), **_bring(mounts, pid, hold=hold)}
        return _targets(mounts, self._script("files_activate.sh", variables).lines("restart"))

    def back(self, mounts: Mapping[str, str], *, pid: int, hold: bool) -> tuple[str, ...]:
        """Bring live again what was so before the activation; arguments and result are those of `activate`."""
        return _targets(mounts, self._script("files_back.sh", _bring(mounts, pid, hold=hold)).lines("restart"))

    def end(self, mounts: Mapping[str, str], *, refused: str = "", spare: bool = False, keep: bool = False) -> None:
        """End an activation: remove the way back.

        Args:
            mounts: Target in the container -> slot; slots that it does not have are removed unless something was refused.
            refused: What was refused, in one line; empty for nothing.
            spare: Remove what a spare mounted: there is none any more.
            keep: Keep the way back, and with it that the container is to go on: only what was refused is noted.
        """
        how = {"refused": refused, "spare": str(int(spare)), "keep": str(int(keep))}
        self._script("files_end.sh", {**_mounts(mounts), **how})

    def keep_for_spare(self) -> bool:
        """Copy the files that were proven last to where the spare mounts them; nothing may mount it now.

        Returns:
            Whether there are any: somebody may have removed the folder.
        """
        return "absent" not in self._script("files_spare.sh", {})

    def compare(self, mounts: Mapping[str, str], *, pid: int) -> Comparison:
        """Return whether the container has what is staged; `mounts` and `pid` are those of `activate`."""
        output = self._script("files_compare.sh", {**_mounts(mounts), "pid": str(pid)})
        return Comparison(
            differs=_targets(mounts, output.lines("differs")),
            detached=_targets(mounts, output.lines("detached")),
            left="left" in output,
            pending="pending" in output,
            refused=output.text("refused"),
            tree=output.text("tree"),
        )

    def read(self, files: Mapping[str, Mapping[str, Any]]) -> FoundFiles:
        """Return the files as they are on the host; `files` is what `file_properties` returns, of which `slot` and `path` count."""
        listed = sorted(files)
        variables = {"count": str(len(listed))}
        for number, target in enumerate(listed):
            variables |= _where(number, files[target]["slot"], files[target]["path"])
        output = self._script("files_read.sh", variables)
        folders = {
            file["slot"]: target.removesuffix(f"/{file['path']}") for target, file in files.items() if file["path"]
        }

        def found(state: str) -> dict[str, FoundFile]:
            lines = {target: output.text(f"{state}_{number}") for number, target in enumerate(listed)}
            return {target: _found(line) for target, line in lines.items() if line}

        return FoundFiles(
            staged=found("staged"),
            live=found("live"),
            held=found("held"),
            unplanned=tuple(sorted(folders.get(slot, slot) for slot in output.lines("unplanned"))),
            refused=output.text("refused"),
            pending="pending" in output,
        )

    def remove(self) -> None:
        """Remove the folder, and its parents and the stack's key where nothing else is in them; succeed where it is gone."""
        with _one_at_a_time(self.host):
            self._script("files_remove.sh", {})

    def _script(self, file: str, variables: Mapping[str, str]) -> Output:
        label = parse_owner_label(self.label)
        if label is None or not label.place.service:
            raise ValueError(f"{self.label!r} is no owner label of a container")
        place = {"base": self.base, "owner": label.owner, "host": label.place.host, "service": label.place.service}
        place["wait"] = str(WAIT_SECONDS)
        printed = self.run(script_text(file, {**place, **variables}), SECONDS)
        output = read_output(printed)
        if "foreign" in output:
            raise self._foreign(output.text("foreign"), unlabelled="unlabelled" in output)
        if "done" not in output:
            raise self._failure(output)
        return output

    def _foreign(self, path: str, *, unlabelled: bool) -> HostError:
        # What has the label may be mounted by a container that runs, and those above have the files of others.
        advice = (
            "where nobody needs it, remove it on the host"
            if unlabelled
            else f"make it root's alone (`chown root:root {path}; chmod go-w {path}`), and a folder where it is a link; "
            "remove nothing in it"
        )
        return HostError.on(
            self.host,
            FILES_NOT_OURS,
            problem=f"{path} has no owner label of this stack, is a link, or others than root can write to it",
            effect="nothing was changed there, and the service's files are not written",
            fix=f"see whose it is (`ls -la {path}`); {advice}, then run `pulumi up` again",
        )

    def _failure(self, output: Output) -> HostError:
        # What commands complain about is paths and reasons: no script prints what is in a file.
        said = " ".join(line.strip() for line in (output.text("failed"), *output.other) if line.strip())
        return HostError.on(
            self.host,
            FILES_NOT_WRITTEN,
            problem=f"the files of {self.label.rpartition('/')[2]} are not written or read: {said[-300:] or 'it says nothing'}",
            effect="what the container had live stays so unless files before it were replaced, and it is safe to repeat",
            fix="fix what the message names on the host (`df -h /var`, read-only filesystem), then run `pulumi up` again",
        )


_GUARD: Final = threading.Lock()
_LOCKS: Final[dict[str, threading.Lock]] = {}


@contextlib.contextmanager
def _one_at_a_time(host: str) -> Iterator[None]:
    """Let one thread create or remove what the files of all containers of a host share; the host's lock keeps other runs away."""
    with _GUARD:
        lock = _LOCKS.setdefault(host, threading.Lock())
    with lock:
        yield


def _where(number: int, slot: str, path: str) -> dict[str, str]:
    return {f"slot_{number}": slot, f"path_{number}": path}


def _mounts(mounts: Mapping[str, str]) -> dict[str, str]:
    variables = {"mounts": str(len(mounts))}
    for number, (target, slot) in enumerate(sorted(mounts.items())):
        variables |= {f"mount_{number}": slot, f"target_{number}": target}
    return variables


def _bring(mounts: Mapping[str, str], pid: int, *, hold: bool) -> dict[str, str]:
    return {**_mounts(mounts), "pid": str(pid), "hold": str(int(hold))}


def _targets(mounts: Mapping[str, str], slots: Iterable[str]) -> tuple[str, ...]:
    targets = {slot: target for target, slot in mounts.items()}
    return tuple(sorted({targets[slot] for slot in slots}))


def _found(line: str) -> FoundFile:
    digest, owner, mode = line.split()
    return FoundFile(digest=digest, owner=owner, mode=mode.zfill(4))
