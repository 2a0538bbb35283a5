"""Compare a stack with its hosts and with its state, for a job that runs every night.

Usage: toolchain/run .venv/bin/python -m tools.drift STACK [--out FOLDER]   (make drift STACK=prod)

Two comparisons, of which neither shows what the other does: `ipvlan status` compares the hosts with the stack file, and
`pulumi preview --expect-no-changes` the state with it. Neither changes anything.
The folder gets `status.xml` (JUnit), `preview.txt`, and `drift.md`, the text of an issue. None has what containers printed.
Exit status 0 when nothing differs, otherwise 1; also where one of the two could not compare.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from ipvlan.problems import plain
from ipvlan.views.markdown import fenced
from tools.log import say

ROOT = Path(__file__).resolve().parent.parent
MARKER = "<!-- ipvlan-fabric: drift of {stack} -->"
"""The first line, by which tools/drift-issue finds the issue that it updates."""
LONGEST_PART = 25_000
"""Characters of each of the two parts; GitHub takes 65,536 for an issue."""
TIME_LIMIT = 900
"""Seconds for each of the two."""


class Result(NamedTuple):
    """How one of the two ended."""

    name: str
    same: bool
    text: str


def main() -> int:
    """Compare, write the files and return the exit status."""
    parser = argparse.ArgumentParser(description="Compare a stack with its hosts and with its state.")
    parser.add_argument("stack", help="the stack's name")
    parser.add_argument("--out", type=Path, default=ROOT / ".make" / "drift", help="folder for the files")
    parser.add_argument("--project", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args()
    folder: Path = options.out
    folder.mkdir(parents=True, exist_ok=True)
    for old in ("status.xml", "preview.txt", "drift.md"):
        (folder / old).unlink(missing_ok=True)
    results = [
        read_status(options.stack, options.project, folder / "status.xml"),
        read_preview(options.stack, options.project, folder / "preview.txt"),
    ]
    (folder / "drift.md").write_text(issue(options.stack, results), encoding="utf-8")
    for result in results:
        say(f"== {result.name}: {'nothing differs' if result.same else 'differs, or could not compare'}")
        say(result.text)
    return 0 if all(result.same for result in results) else 1


def read_status(stack: str, project: Path, file: Path) -> Result:
    """Compare the hosts with the stack file; write the document where there is one."""
    done = _run([sys.executable, "-m", "ipvlan.cli.main", "--stack", stack, "status", "--format", "junit"], project)
    if done.stdout:
        file.write_text(done.stdout, encoding="utf-8")
    return Result(
        "ipvlan status", done.returncode == 0, "\n".join([*findings(done.stdout), done.stderr.strip()]).strip()
    )


def read_preview(stack: str, project: Path, file: Path) -> Result:
    """Compare the state with the stack file; write what Pulumi printed, without control characters. Pulumi masks secrets."""
    command = ["pulumi", "preview", "--stack", stack, "--diff", "--expect-no-changes"]
    done = _run([*command, "--non-interactive", "--color", "never"], project)
    text = plain(f"{done.stdout}{done.stderr}", keep="\n\t")
    file.write_text(text, encoding="utf-8")
    return Result("pulumi preview", done.returncode == 0, text.strip())


def findings(document: str) -> Iterator[str]:
    """Yield what failed, as `status` says it, with the fixes."""
    if document:
        for case in ET.fromstring(document).iter("testcase"):  # noqa: S314  # our own document, just printed
            for found in (*case.iter("failure"), *case.iter("error")):
                yield found.text or ""


def issue(stack: str, results: list[Result]) -> str:
    """Return the text of an issue: what differs is text of hosts and of Pulumi, so it is in code blocks."""
    lines = [MARKER.format(stack=stack), "The hosts, the state and the stack file are not all the same.", ""]
    for result in results:
        if not result.same:
            text = result.text
            if len(text) > LONGEST_PART:
                text = f"{text[:LONGEST_PART]}\n... ({len(text) - LONGEST_PART} characters more)"
            lines += [f"## {result.name}", "", fenced(text or "no output"), ""]
    return "\n".join(lines)


def _run(command: list[str], project: Path) -> subprocess.CompletedProcess[str]:
    """Run to its end; a limit that passes is a failure with a text, as any other."""
    try:
        return subprocess.run(
            command,
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIME_LIMIT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"{command[0]} did not end within {TIME_LIMIT} s")


if __name__ == "__main__":
    sys.exit(main())
