"""Write the comment of a pull request: the report and the preview of each stack, without any host or secret.

Usage: toolchain/run .venv/bin/python -m tools.pr_preview --base REF [--out FILE] [STACK...]   (make pr-preview)

With `PULUMI_BACKEND_URL` or `PULUMI_ACCESS_TOKEN` in the environment, the preview compares with the stack's own state and needs
its passphrase. Without, as in the pull request of a fork, two previews are compared: of copies of the project as it is in the
base and as it is now, each with an empty state and with placeholders for encrypted values.
Exit status 0 when every stack has a report and a preview, otherwise 1. The comment is written in both cases.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ipvlan.cli.report import read_report
from ipvlan.config.git_commit import Commit, commit
from ipvlan.config.yaml_file import Checkout
from ipvlan.problems import UserError
from ipvlan.views.markdown import fenced
from ipvlan.views.report import as_markdown
from tools.preview_changes import PreviewError, changes, compare, errors_of, read_preview

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
NOT_INHERITED = ("DOCKER_", "PULUMI_ENABLE_STREAMING_JSON_PREVIEW")
"""Environment variables that would change what the preview is of, or its format."""


class Part(NamedTuple):
    """What the comment has about one stack."""

    report: str
    title: str = ""
    """How the preview went; empty when there is none."""
    preview: str = ""
    failed: bool = False


def main() -> int:
    """Write the comment and return the exit status."""
    options = _options()
    root: Path = options.project.resolve()
    try:
        base = commit(root, options.base)
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    stacks: list[str] = options.stacks or _stacks(root)
    parts = [_part(stack, base, root) for stack in stacks]
    text = comment(parts)
    if options.out is None:
        sys.stdout.write(text)
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{options.out}: {len(text)} characters on {', '.join(stacks)}\n")
    failed = [stack for stack, part in zip(stacks, parts, strict=True) if part.failed]
    if failed:
        sys.stderr.write(f"no report or no preview of {', '.join(failed)}: the comment says why\n")
    return 1 if failed else 0


def comment(parts: list[Part]) -> str:
    """Return the comment's text; previews are cut where all together would be too long for GitHub."""
    room = max(2000, (LONGEST_COMMENT - sum(len(part.report) for part in parts)) // max(1, len(parts)) - 500)
    lines = [MARKER]
    for part in parts:
        lines.append(part.report)
        if part.title:
            preview = part.preview
            if len(preview) > room:
                preview = f"{preview[:room]}\n... ({len(preview) - room} characters more: run `pulumi preview --diff`)"
            summary = f"<summary><code>pulumi preview</code> {part.title}</summary>"
            lines.append(f"<details>{summary}\n\n{fenced(preview)}\n\n</details>\n")
    text = "\n".join(lines)
    if len(text) > LONGEST_COMMENT:
        return f"{text[:LONGEST_COMMENT]}\n\n(cut: `ipvlan report` prints it all)\n"
    return text


def without_secrets(text: str) -> str:
    """Return a stack file whose encrypted values are placeholders, without the key that they were encrypted with."""
    yaml = YAML(pure=True)
    # Without its quotes, Pulumi reads "80:80" as a number.
    yaml.preserve_quotes = True
    yaml.width = sys.maxsize
    content = yaml.load(text)
    for key in ("encryptionsalt", "encryptedkey", "secretsprovider"):
        content.pop(key, None)
    written = io.StringIO()
    yaml.dump(_placeholders(content), written)
    return written.getvalue()


def _placeholders(node: Any) -> Any:
    if isinstance(node, dict):
        if set(node) == {"secure"}:
            return "placeholder"
        for key in node:
            node[key] = _placeholders(node[key])
    elif isinstance(node, list):
        node[:] = [_placeholders(item) for item in node]
    return node


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Write the comment of a pull request.")
    parser.add_argument("--base", required=True, help="branch, tag or commit that the pull request goes to")
    parser.add_argument("--out", type=Path, help="file for the comment; by default standard output")
    parser.add_argument("--project", type=Path, default=ROOT, help="the project's folder")
    parser.add_argument("stacks", nargs="*", help="by default every stack whose file git tracks")
    return parser.parse_args()


def _stacks(root: Path) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "Pulumi.*.yaml"], cwd=root, capture_output=True, text=True, check=True, timeout=30
    )
    return sorted(Path(name).name.split(".")[1] for name in listed.stdout.splitlines())


def _part(stack: str, base: Commit, root: Path) -> Part:
    try:
        report = as_markdown(read_report(stack, base, Checkout(root)))
    except UserError as error:
        return Part(f"## Stack `{stack}`\n\n**The config cannot be used.**\n\n{fenced(str(error))}\n", failed=True)
    try:
        return Part(report, *_preview(stack, base, root))
    except PreviewError as error:
        return Part(report, "failed", str(error), failed=True)


def _preview(stack: str, base: Commit, root: Path) -> tuple[str, str]:
    """Return how the preview went, and its text; raise PreviewError when there is no preview of the new state."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
    if os.environ.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_ACCESS_TOKEN"):
        return "passed, compared with the stack's state", _text(changes(_run_preview(stack, root, environment)))
    with tempfile.TemporaryDirectory(prefix="ipvlan-fabric-preview-") as folder:
        now, before = Path(folder, "now"), Path(folder, "base")
        shutil.copytree(root, now, ignore=NOT_COPIED)
        head = _preview_of_copy(stack, now, root, environment)
        _unpack(base, before)
        title = "passed, compared with that of the base (no state and no secret is read)"
        try:
            old = _preview_of_copy(stack, before, root, environment) if base.has(f"Pulumi.{stack}.yaml") else None
        except (PreviewError, YAMLError):
            old, title = None, "passed; that of the base failed, so all resources are listed"
    return title, _text(compare(old, head))


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
    own = copy / f"Pulumi.{stack}.yaml"
    own.write_text(without_secrets(own.read_text(encoding="utf-8")), encoding="utf-8")
    inside = {**environment, "PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "preview"}
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
