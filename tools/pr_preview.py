"""Write the comment of a pull request: the report and the preview of each stack, without any host or secret.

Usage: toolchain/run .venv/bin/python -m tools.pr_preview --base REF [--out FILE] [STACK...]   (make pr-preview)

With `PULUMI_BACKEND_URL` or `PULUMI_ACCESS_TOKEN` in the environment, the preview compares with the stack's own state and needs
its passphrase. Without, as in the pull request of a fork, two previews are compared: of copies of the project as it is in the
base and as it is now, each with an empty state and with placeholders for encrypted values.
Exit status 0 when every stack has a report and a preview, otherwise 1. The comment is written in both cases, and says what failed.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml.error import YAMLError

from ipvlan.cli.report import read_report
from ipvlan.config.git_commit import Commit, commit
from ipvlan.config.load import stack_file
from ipvlan.config.yaml_file import STACK_FILES, Checkout
from ipvlan.problems import UserError
from ipvlan.views import markdown
from ipvlan.views.report import DANGEROUS, as_markdown
from tools.preview_changes import PreviewError, changes, compare, errors_of, read_preview
from tools.stack_copy import PASSPHRASE, without_secrets

ROOT = Path(__file__).resolve().parent.parent
MARKER = "<!-- ipvlan-fabric: pull request -->"
"""The first line, by which the workflow finds the comment that it updates."""
LONGEST_COMMENT = 60_000
"""Characters; GitHub takes 65,536."""
TIME_LIMIT = 600
"""Seconds for one preview; 100 hosts take 23."""
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".lab", ".*_cache", ".hypothesis", "__pycache__", "toolchain", "lab", "tests"
)
FAILURES = (OSError, UnicodeError, subprocess.SubprocessError, tarfile.TarError, YAMLError, shutil.Error)
"""What git, pulumi, files and archives can fail with, and is no fault of this program."""
NOT_INHERITED = ("DOCKER_", "PULUMI_ENABLE_STREAMING_JSON_PREVIEW")
"""Environment variables that would change what the preview is of, or its format."""


class Part(NamedTuple):
    """What the comment has about one stack."""

    report: str
    title: str = ""
    """How the preview went; empty when there is none."""
    preview: str = ""
    failed: bool = False


class _Block(NamedTuple):
    """A part of the comment that is in it complete, or not at all."""

    order: int
    """Of two blocks, the one that is left out first has the greater number."""
    text: str
    instead: str
    """What is said where the block is left out."""


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
        sys.stderr.write(f"{_sentence(error)}\n")
        text = f"## {options.base}\n\n**There is no report.**\n\n{markdown.fenced(_sentence(error))}\n"
        parts["every stack"] = Part(text, failed=True)
    text = comment([*parts.values()])
    if options.out is None:
        sys.stdout.write(text)
    else:
        try:
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(text, encoding="utf-8")
        except OSError as error:
            sys.stderr.write(f"the comment cannot be written: {_sentence(error)}\n")
            return 1
        sys.stdout.write(f"{options.out}: {len(text)} characters on {', '.join(parts)}\n")
    failed = [stack for stack, part in parts.items() if part.failed]
    if failed:
        sys.stderr.write(f"no report or no preview of {', '.join(failed)}: the comment says why\n")
    return 1 if failed else 0


def comment(parts: list[Part]) -> str:
    """Return the comment's text. Where it would be too long for GitHub, the previews are left out first, and it says so.

    What is dangerous is never left out for something else.
    """
    blocks: list[_Block] = []
    for part in parts:
        blocks += _blocks_of_report(part.report)
        if part.title:
            blocks.append(_block_of_preview(part, (LONGEST_COMMENT - 10_000) // max(1, len(parts))))
    left_out: set[int] = set()
    length = len(_joined(blocks, left_out))
    for number in sorted(range(len(blocks)), key=lambda number: -blocks[number].order):
        if length <= LONGEST_COMMENT:
            return _joined(blocks, left_out)
        left_out.add(number)
        length += len(blocks[number].instead) - len(blocks[number].text)
    if length <= LONGEST_COMMENT:
        return _joined(blocks, left_out)
    # Hundreds of stacks: not even that it was left out has room.
    note = "\n\n(cut: this is not all of it. `ipvlan report` prints the rest, for each stack.)\n"
    return _joined(blocks, left_out)[: LONGEST_COMMENT - len(note)].rpartition("\n")[0] + note


def _joined(blocks: list[_Block], left_out: set[int]) -> str:
    return "\n".join(
        [MARKER, *(block.instead if number in left_out else block.text for number, block in enumerate(blocks))]
    )


def _blocks_of_report(report: str) -> list[_Block]:
    """Return the sections of a report: its summary and what is dangerous are left out last, the topology before the tables."""
    # At the beginning of a line, no text of a config has a heading or a tag.
    first, *sections = re.split(r"(?m)^(?=### |<details>)", report)
    blocks = [_Block(0, first, "(a summary was left out)\n")]
    for section in sections:
        title = section.partition("\n")[0]
        order = 1 if title.startswith(f"### {DANGEROUS}") else 3 if title.startswith("<details>") else 2
        what = "the topology" if order == 3 else title.lstrip("# ")
        blocks.append(_Block(order, section, f"**Left out, there is no room: {what}.** `ipvlan report` prints it.\n"))
    return blocks


def _block_of_preview(part: Part, room: int) -> _Block:
    """Return the preview of a stack; of a very long one the beginning, which has the containers."""
    preview = part.preview
    if len(preview) > room:
        kept = preview[:room].rpartition("\n")[0]
        rest = preview[len(kept) :].strip("\n")
        resources = sum(not line.startswith(" ") for line in rest.splitlines())
        preview = (
            f"{kept}\n... cut: {len(rest)} characters more, on {resources} more resources: run `pulumi preview --diff`"
        )
    summary = f"<summary><code>pulumi preview</code> {part.title}</summary>"
    text = f"<details>{summary}\n\n{markdown.fenced(preview)}\n\n</details>\n"
    instead = (
        f"<code>pulumi preview</code> {part.title}. **Left out, there is no room:** run `pulumi preview --diff`.\n"
    )
    return _Block(4, text, instead)


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
    tracked = listed.stdout.decode("utf-8").split("\0")
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
        f"## Stack {markdown.code(stack)}\n\n**Its file is removed.** Nothing on its hosts changes by that: what runs there stays, "
        "and from then on no command knows it. If it is to go, run `pulumi destroy` before the merge.\n"
    )


def _part(stack: str, base: Commit, root: Path) -> Part:
    try:
        report = as_markdown(read_report(stack, base, Checkout(root)))
    except (UserError, *FAILURES) as error:
        why = markdown.fenced(_sentence(error))
        return Part(f"## Stack {markdown.code(stack)}\n\n**The config cannot be used.**\n\n{why}\n", failed=True)
    try:
        return Part(report, *_preview(stack, base, root))
    except (PreviewError, UserError, *FAILURES) as error:
        return Part(report, "failed", _sentence(error), failed=True)


def _preview(stack: str, base: Commit, root: Path) -> tuple[str, str]:
    """Return how the preview went, and its text; raise PreviewError when there is no preview of the new state."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    if os.environ.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_ACCESS_TOKEN"):
        return "passed, compared with the stack's state", _text(changes(_run_preview(stack, root, environment)))
    with tempfile.TemporaryDirectory(prefix="ipvlan-fabric-preview-") as folder:
        now, before = Path(folder, "now"), Path(folder, "base")
        shutil.copytree(root, now, ignore=NOT_COPIED)
        head = _preview_of_copy(stack, now, root, environment)
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
    own = stack_file(stack)
    (copy / own).write_text(without_secrets(Checkout(copy).text(own), own), encoding="utf-8", newline="")
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
        raise PreviewError(f"{errors_of(done.stdout)}\n{done.stderr}".strip())
    return done.stdout


def _text(lines: list[str]) -> str:
    return "\n".join(lines) or "no resource differs"


if __name__ == "__main__":
    sys.exit(main())
