"""Write the comment of a pull request: the report and the preview of each stack, without any host or secret.

Usage: toolchain/run .venv/bin/python -m tools.pr_preview --base REF [--out FILE] [STACK...]   (make pr-preview)

With `PULUMI_BACKEND_URL` or `PULUMI_ACCESS_TOKEN` in the environment, the preview compares with the stack's own state and needs
its passphrase. Without, as in the pull request of a fork, two previews are compared: of copies of the project as it is in the
base and as it is now, each with an empty state and with placeholders for encrypted values. A stack that the backend does not have
yet is previewed in such a copy too.
Exit status 0 when every stack has a report and a preview and nothing dangerous is left out, otherwise 1. The comment is written in
both cases, and says what failed.
"""

from __future__ import annotations

import argparse
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml.error import YAMLError

from ipvlan.cli.report import read_report
from ipvlan.config.git_commit import Commit, commit
from ipvlan.config.load import stack_file
from ipvlan.config.yaml_file import STACK_FILES, Checkout
from ipvlan.problems import UsageError, UserError, plain
from ipvlan.views import markdown
from ipvlan.views.report import as_markdown
from tools.comment import Part, comment
from tools.log import complain, say
from tools.preview_changes import NoStackError, PreviewError, changes, compare, errors_of, read_preview
from tools.stack_copy import PASSPHRASE, copy_files, write_without_secrets

ROOT = Path(__file__).resolve().parent.parent
TIME_LIMIT = 600
"""Seconds for one preview; 100 hosts take 23."""
FAILURES = (OSError, UnicodeError, subprocess.SubprocessError, tarfile.TarError, YAMLError)
"""What git, pulumi, files and archives can fail with, and is no fault of this program."""
NO_SUCH_STACK, NO_SUCH_STACK_TEXT = 6, "error: no stack named"
"""Exit status of pulumi where the backend has no such stack (cmd/pulumi-cli exit codes, 3.259.0), and its text."""
NOT_INHERITED = ("DOCKER_", "PULUMI_ENABLE_STREAMING_JSON_PREVIEW")
"""Environment variables that would change what the preview is of, or its format."""


def main() -> int:
    """Write the comment and return the exit status."""
    options = _options()
    root: Path = options.project.resolve()
    parts: dict[str, Part] = {}
    try:
        base = commit(root, options.base)
        now, removed = _stacks(root, base)
        for stack in options.stacks or [*now, *removed]:
            parts[stack] = _removed(stack) if stack in removed else _part(stack, base, root)
    except (UserError, *FAILURES) as error:
        complain(_sentence(error))
        head = f"## {markdown.escape(options.base)}\n\n**There is no report.**\n"
        parts["every stack"] = Part(head, error=_sentence(error), failed=True)
    text, lost = comment([*parts.values()])
    if options.out is None:
        sys.stdout.write(text)
    else:
        try:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(text, encoding="utf-8")
        except OSError as error:
            complain(f"the comment cannot be written: {_sentence(error)}")
            return 1
        say(f"{options.out}: {len(text)} characters on {_listed(parts)}")
    failed = [stack for stack, part in parts.items() if part.failed]
    if failed:
        complain(f"no report or no preview of {_listed(failed)}: the comment says why")
    if lost:
        complain(f"{lost} dangerous settings have no room in the comment: make several smaller changes of this one")
    return 1 if failed or lost else 0


def _listed(stacks: Iterable[str]) -> str:
    return ", ".join(plain(stack) or "(no name)" for stack in stacks)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the comment of a pull request.")
    parser.add_argument("--base", required=True, help="branch, tag or commit that the pull request goes to")
    parser.add_argument("--out", type=Path, help="file for the comment; by default standard output")
    parser.add_argument("--project", type=Path, default=ROOT, help="the project's folder")
    parser.add_argument("stacks", nargs="*", help="by default every stack whose file git tracks")
    return parser.parse_args()


def _stacks(root: Path, base: Commit) -> tuple[list[str], list[str]]:
    """Return the stacks whose files git tracks in the project's folder itself, and those that only the base has; sorted."""
    # In a pathspec without `glob`, a star goes into folders too.
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", f":(glob){STACK_FILES}"], cwd=root, capture_output=True, check=True, timeout=30
    )
    tracked = os.fsdecode(listed.stdout).split("\0")
    now = {name for name in tracked if name and (root / name).is_file()}
    return _names(now), _names(set(base.stack_files()) - now)


def _names(files: set[str]) -> list[str]:
    """Return the stacks of files; a name may have dots."""
    first, _, last = STACK_FILES.partition("*")
    return sorted(name.removeprefix(first).removesuffix(last) for name in files)


def _sentence(error: BaseException) -> str:
    """Return what a person can act on."""
    match error:
        case subprocess.CalledProcessError():
            messages = (
                (error.stderr or b"").decode("utf-8", "replace") if isinstance(error.stderr, bytes) else error.stderr
            )
            return f"`{_command(error.cmd)}` failed with exit status {error.returncode}: {(messages or '').strip()}"
        case subprocess.TimeoutExpired():
            return f"`{_command(error.cmd)}` took more than {error.timeout:.0f} s"
        case OSError():
            return f"{error.filename or 'a file'}: {error.strerror or error}"
        case UnicodeDecodeError():
            return f"byte {error.start} of a file's name or text is no UTF-8"
        case _:
            return str(error)


def _command(arguments: Any) -> str:
    return " ".join(map(str, arguments[:2]))


def _removed(stack: str) -> Part:
    return Part(
        f"{_heading(stack)}\n\n**Its file is removed.** Nothing on its hosts changes by that: what runs there stays, "
        "and from then on no command knows it. If it is to go, run `pulumi destroy` before the merge.\n"
    )


def _heading(stack: str) -> str:
    """Return the heading of a stack, or of a file that belongs to none."""
    return f"## Stack {markdown.code(stack)}" if _is_stack(stack) else f"## File {markdown.code(_file_of(stack))}"


def _is_stack(stack: str) -> bool:
    try:
        stack_file(stack)
    except UsageError:
        return False
    return True


def _file_of(stack: str) -> str:
    return STACK_FILES.replace("*", stack)


def _part(stack: str, base: Commit, root: Path) -> Part:
    if not _is_stack(stack):
        return Part(
            f"{_heading(stack)}\n\n**Its name is not that of a stack,** so no command reads it. "
            "Rename it to `Pulumi.STACK.yaml`, or remove it.\n",
            failed=True,
        )
    try:
        found = read_report(stack, base, Checkout(root))
        report = as_markdown(found)
    except (UserError, *FAILURES) as error:
        head = f"{_heading(stack)}\n\n**The config cannot be used.**\n"
        return Part(head, error=_sentence(error), failed=True)
    part = Part(report, stack=stack, powers=found.powers)
    try:
        title, preview = _preview(stack, base, root)
    except (PreviewError, UserError, *FAILURES) as error:
        return part._replace(title="failed", preview=_sentence(error), failed=True)
    return part._replace(title=title, preview=preview)


def _preview(stack: str, base: Commit, root: Path) -> tuple[str, str]:
    """Return how the preview went, and its text; raise PreviewError when there is no preview of the new state."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    has_backend = os.environ.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_ACCESS_TOKEN")
    if has_backend:
        try:
            return "passed, compared with the stack's state", _text(changes(_run_preview(stack, root, environment)))
        except NoStackError:
            pass
    with tempfile.TemporaryDirectory(prefix="ipvlan-fabric-preview-") as folder:
        now, before = Path(folder, "now"), Path(folder, "base")
        copy_files(root, now)
        head = _preview_of_copy(stack, now, root, environment)
        if has_backend:
            title = "passed, and all resources are listed: the backend of the state has no such stack yet"
            return title, _text(compare(None, head))
        title, failure, old = "passed, compared with that of the base (no state and no secret is read)", "", None
        try:
            if base.has(stack_file(stack)):
                _unpack(base, before)
                old = _preview_of_copy(stack, before, root, environment)
        except (PreviewError, UserError, *FAILURES) as error:
            title = "passed; that of the base failed, so all resources are listed"
            failure = f"the preview of the base failed:\n{_sentence(error)}\n\n"
    return title, failure + _text(compare(old, head))


def _unpack(base: Commit, folder: Path) -> None:
    """Write the project as it is in the commit into a new folder."""
    folder.mkdir()
    archive = subprocess.run(
        ["git", "archive", "--format=tar", base.sha], cwd=base.root, capture_output=True, check=True, timeout=60
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


def _preview_of_copy(stack: str, copy: Path, root: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    state = copy.parent / f"{copy.name}-state"
    state.mkdir()
    # Pulumi.yaml names the virtual environment of the project, which a project elsewhere need not have.
    (copy / ".venv").symlink_to((root if (root / ".venv").exists() else ROOT) / ".venv")
    write_without_secrets(copy, stack_file(stack))
    inside = {**environment, "PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE}
    inside.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    _pulumi(["stack", "init", stack], copy, inside)
    return _run_preview(stack, copy, inside)


def _run_preview(stack: str, folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    return read_preview(_pulumi(["preview", "--json", "--stack", stack], folder, environment))


def _pulumi(arguments: list[str], folder: Path, environment: Mapping[str, str]) -> str:
    """Run pulumi and return its output; raise PreviewError with its messages when it fails."""
    try:
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
            timeout=TIME_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise PreviewError("pulumi is not installed: run `make pr-preview`, which has one") from None
    except subprocess.TimeoutExpired:
        raise PreviewError(f"pulumi {arguments[0]} took more than {TIME_LIMIT} s") from None
    if done.returncode:
        if done.returncode == NO_SUCH_STACK or done.stderr.startswith(NO_SUCH_STACK_TEXT):
            raise NoStackError(done.stderr.strip())
        raise PreviewError(f"{errors_of(done.stdout)}\n{done.stderr}".strip())
    return done.stdout


def _text(lines: list[str]) -> str:
    return "\n".join(lines) or "no resource differs"


if __name__ == "__main__":
    sys.exit(main())
