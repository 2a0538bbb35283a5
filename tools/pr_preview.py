"""Writes the comment of a pull request: for each stack the report and `pulumi preview --diff`, with no host and no secret.

Usage: toolchain/run .venv/bin/python -m tools.pr_preview --base REF [--out FILE] [STACK...]   (make pr-preview)

With `PULUMI_BACKEND_URL` or `PULUMI_ACCESS_TOKEN` in the environment the preview is against the stack's own state (and its
passphrase is needed). Without, as in a fork's pull request, it runs twice, on copies of the project as it is in the base and as
it is now, each against an empty state and with placeholders for encrypted values; what differs between the two is shown,
resource by resource.
Exit status 0 when every stack has a plan and a preview, 1 otherwise; the comment is written in both cases.
"""

from __future__ import annotations

import argparse
import difflib
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

from ipvlan.cli.report import read_report
from ipvlan.config.git_commit import Commit, commit
from ipvlan.config.yaml_file import Checkout
from ipvlan.problems import ConfigError
from ipvlan.views.report import as_markdown

ROOT = Path(__file__).resolve().parent.parent

MARKER = "<!-- ipvlan-fabric: pull request -->"
"""By this line the workflow finds the comment that it updates."""
LONGEST_COMMENT = 60_000
"""Characters; GitHub takes 65,536."""
TIME_LIMIT = 600
"""Seconds for one preview; 100 hosts take 23."""
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv", ".lab", ".*_cache", ".hypothesis", "__pycache__", "toolchain", "lab", "tests"
)
URN = re.compile(r"\[urn=urn:pulumi:[^:]*::[^:]*::(?P<urn>.*)\]")
HEADER = re.compile(r"[+~-] \S+: \(|Resources:|Previewing |Outputs:|Diagnostics:|\+ \d+ to create")
ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
SECURE = re.compile(r"^(?P<indent>\s+)secure:\s*\S.*$", re.MULTILINE)


def main() -> int:
    """Write the comment; the exit status of the module's docstring."""
    options = _options()
    root: Path = options.project.resolve()
    stacks: list[str] = options.stacks or _stacks(root)
    sections = [MARKER]
    failed = False
    try:
        base = commit(root, options.base)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    reports: list[str] = []
    previews: list[str] = []
    for stack in stacks:
        report, report_failed = _report(stack, base, root)
        preview, preview_failed = ("", False) if report_failed else _preview(stack, base, root)
        failed = failed or report_failed or preview_failed
        reports.append(report)
        previews.append(preview)
    room = max(2000, (LONGEST_COMMENT - sum(map(len, reports))) // max(1, len(stacks)) - 500)
    sections += [
        f"{report}\n{_details(preview, room)}" if preview else report
        for report, preview in zip(reports, previews, strict=True)
    ]
    text = _shortened("\n".join(sections))
    if options.out is None:
        sys.stdout.write(text)
    else:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
        sys.stdout.write(f"{options.out}: {len(text)} characters on {', '.join(stacks)}\n")
    return 1 if failed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="The comment of a pull request.")
    parser.add_argument("--base", required=True, help="branch, tag or commit that the pull request goes to")
    parser.add_argument("--out", type=Path, help="file for the comment; by default standard output")
    parser.add_argument("--project", type=Path, default=ROOT, help="the project's folder")
    parser.add_argument(
        "stacks", nargs="*", help="by default every stack that the commit of the base or the folder tracks"
    )
    return parser.parse_args()


def _stacks(root: Path) -> list[str]:
    """The stacks that git tracks: a file that a test left behind is no stack of the pull request."""
    listed = subprocess.run(
        ["git", "ls-files", "Pulumi.*.yaml"], cwd=root, capture_output=True, text=True, check=True, timeout=30
    )
    return sorted(Path(name).name.split(".")[1] for name in listed.stdout.splitlines())


def _report(stack: str, base: Commit, root: Path) -> tuple[str, bool]:
    try:
        return as_markdown(read_report(stack, base, Checkout(root))), False
    except ConfigError as error:
        return f"## Stack `{stack}`\n\n**The config cannot be used.**\n\n{_fenced(str(error))}\n", True


def _preview(stack: str, base: Commit, root: Path) -> tuple[str, bool]:
    """A title line and the text below it; whether the preview of the new state failed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DOCKER_")}
    if os.environ.get("PULUMI_BACKEND_URL") or os.environ.get("PULUMI_ACCESS_TOKEN"):
        text, failed = _run_preview(stack, root, environment)
        return f"{'failed' if failed else 'passed'}, against the stack's state\n{text}", failed
    with tempfile.TemporaryDirectory(prefix="ipvlan-fabric-preview-") as folder:
        now = Path(folder, "now")
        shutil.copytree(root, now, ignore=NOT_COPIED)
        text, failed = _preview_of_copy(stack, now, root, environment)
        if failed:
            return f"failed\n{text}", True
        before = Path(folder, "base")
        _unpack(base, before)
        old, old_failed = ("", False)
        if base.has(f"Pulumi.{stack}.yaml"):
            old, old_failed = _preview_of_copy(stack, before, root, environment)
    if old_failed:
        return f"passed; that of the base failed, so all resources are listed\n{_difference('', text)}", False
    return f"passed, compared with that of the base (no state and no secret is read)\n{_difference(old, text)}", False


def _unpack(base: Commit, folder: Path) -> None:
    """The project as it is in the commit."""
    folder.mkdir()
    archive = subprocess.run(
        ["git", "archive", "--format=tar", base.sha], cwd=base.root, capture_output=True, check=True, timeout=60
    )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")


def _preview_of_copy(stack: str, copy: Path, root: Path, environment: Mapping[str, str]) -> tuple[str, bool]:
    state = copy.parent / f"{copy.name}-state"
    state.mkdir()
    # Pulumi.yaml names the project's own virtual environment, which need not be in the project that is looked at.
    (copy / ".venv").symlink_to((root if (root / ".venv").exists() else ROOT) / ".venv")
    own = copy / f"Pulumi.{stack}.yaml"
    own.write_text(_without_secrets(own.read_text(encoding="utf-8")), encoding="utf-8")
    inside = {**environment, "PULUMI_BACKEND_URL": f"file://{state}", "PULUMI_CONFIG_PASSPHRASE": "preview"}
    inside.pop("PULUMI_CONFIG_PASSPHRASE_FILE", None)
    made = _run(["pulumi", "stack", "init", stack, "--non-interactive"], copy, inside)
    if made.returncode:
        return _said(made), True
    return _run_preview(stack, copy, inside)


def _difference(old: str, new: str) -> str:
    """What differs between two previews, resource by resource; the order in which they were made means nothing."""
    before, after = _resources(old), _resources(new)
    lines: list[str] = []
    for urn in sorted(before.keys() | after.keys()):
        if before.get(urn) == after.get(urn):
            continue
        kind, _, name = urn.rpartition("::")
        title = f"{kind.rpartition('$')[2].rpartition('::')[2]} {name}"
        if urn not in before or urn not in after:
            lines.append(f"{'+' if urn in after else '-'} {title}")
            continue
        lines.append(f"~ {title}")
        compared = difflib.unified_diff(before[urn], after[urn], lineterm="", n=1)
        lines += [f"  {line}" for line in compared if not line.startswith(("---", "+++", "@@"))]
    return "\n".join(lines) or "no resource differs"


def _resources(text: str) -> dict[str, list[str]]:
    """URN -> the lines of its inputs, in the text of `pulumi preview --diff` against an empty state."""
    found: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in text.splitlines():
        plain = ID.sub("(id)", line.strip())
        if match := URN.fullmatch(plain):
            lines = found.setdefault(match["urn"], [])
        elif plain.startswith("--outputs"):
            lines = found.setdefault("outputs::of the stack", [])
        elif HEADER.match(plain):
            lines = []
        elif not plain.startswith("[provider="):
            lines.append(plain)
    return found


def _without_secrets(text: str) -> str:
    """A stack file whose encrypted values are plain placeholders, and whose key is gone."""
    lines = [
        line
        for line in text.splitlines()
        if not line.startswith(("encryptionsalt:", "encryptedkey:", "secretsprovider:"))
    ]
    # The key's line ends with a colon, the value stands below it: both become one line.
    joined = SECURE.sub(r"\g<indent>PLACEHOLDER", "\n".join(lines))
    return re.sub(r":\s*\n\s+PLACEHOLDER$", ": placeholder", joined, flags=re.MULTILINE) + "\n"


def _run_preview(stack: str, folder: Path, environment: Mapping[str, str]) -> tuple[str, bool]:
    done = _run(
        [
            "pulumi",
            "preview",
            "--diff",
            "--stack",
            stack,
            "--non-interactive",
            "--color",
            "never",
            "--suppress-progress",
        ],
        folder,
        environment,
    )
    return _said(done), bool(done.returncode)


def _run(command: list[str], folder: Path, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            env=dict(environment),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIME_LIMIT,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        return subprocess.CompletedProcess(command, 127, "", "there is no pulumi: run this by `make pr-preview`")
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 124, "", f"{' '.join(command[:2])} took more than {TIME_LIMIT} s")


def _details(preview: str, room: int) -> str:
    """The preview folded away, cut to that many characters."""
    title, _, text = preview.partition("\n")
    if len(text) > room:
        text = f"{text[:room]}\n... ({len(text) - room} characters more, which `pulumi preview --diff` prints)"
    return f"<details><summary><code>pulumi preview --diff</code> {title}</summary>\n\n{_fenced(text)}\n\n</details>\n"


def _said(done: subprocess.CompletedProcess[str]) -> str:
    return f"{done.stdout}\n{done.stderr}".strip()


def _fenced(text: str) -> str:
    # Longer than any run of backticks inside, so that nothing in the text can end the block.
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=2))
    return f"{fence}\n{text}\n{fence}"


def _shortened(text: str) -> str:
    """The last resort for a report that is too long by itself."""
    if len(text) <= LONGEST_COMMENT:
        return text
    return f"{text[:LONGEST_COMMENT]}\n\n(cut: `ipvlan report` prints it all)\n"


if __name__ == "__main__":
    sys.exit(main())
