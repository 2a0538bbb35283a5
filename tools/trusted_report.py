"""Write the comment of a pull request by code that the pull request did not change.

Usage: .venv/bin/python -m tools.trusted_report --base REF --head REF [--preview FILE] --out FILE   (make pr-report)

It runs in a checkout of the default branch. Base and head are commits of this repository whose files are only read, by git: the
report of each stack compares the base with what merging the head into it gives. A preview runs the change's own program, so it is
taken from the comment that make pr-preview wrote in the job of the change, as text in a code block.
Exit status 0 when the comment is written, whatever it says.

Out of scope: fetching the commits, and putting the comment anywhere.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from ipvlan.cli.report import read_report
from ipvlan.config.git_commit import Commit, commit
from ipvlan.config.project_file import PROJECT_FILE
from ipvlan.config.yaml_file import STACK_FILES
from ipvlan.problems import UserError, plain
from ipvlan.views import markdown
from ipvlan.views.report import as_markdown
from tools.comment import MARKER, Part, comment
from tools.log import complain, say

ROOT: Final = Path(__file__).resolve().parent.parent
LONGEST: Final = 65_536
"""Characters of the job's comment; what is longer was not written by make pr-preview."""
MOST_FILES: Final = 10
"""Changed files that are named."""
TITLE: Final = "as the code of this change wrote it"
"""What stands above a preview, in place of its own title."""
NOTICE: Final = (
    "The reports are made by the default branch's code from the files of this change. "
    "Each `pulumi preview` was written by the code of this change: it is only as trustworthy as that code.\n"
)
_PREVIEW: Final = re.compile(
    r"^<details><summary><code>pulumi preview</code> ([^\n]*)</summary>\n\n(`{3,})\n(.*?)\n\2\n\n</details>$",
    re.MULTILINE | re.DOTALL,
)


class NoMergeError(Exception):
    """The head cannot be merged into the base."""


def main() -> int:
    """Write the comment and return the exit status."""
    parser = argparse.ArgumentParser(description="Write the comment of a pull request by code that it did not change.")
    parser.add_argument("--base", required=True, help="branch or commit that the pull request goes to")
    parser.add_argument("--head", required=True, help="its last commit")
    parser.add_argument("--preview", type=Path, help="the comment that the job of the change wrote")
    parser.add_argument("--out", type=Path, required=True, help="file for the comment")
    parser.add_argument("--project", type=Path, default=ROOT, help="the project's folder")
    options = parser.parse_args()
    root: Path = options.project.resolve()
    try:
        text = comment(list(_parts(root, options.base, options.head, previews(options.preview)))).text
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    except (UserError, OSError, UnicodeError, subprocess.SubprocessError) as error:
        why = error.stderr.decode("utf-8", "replace") if isinstance(error, subprocess.CalledProcessError) else ""
        complain(f"there is no comment: {error}\n{why}".rstrip())
        return 1
    say(f"{options.out}: {len(text)} characters")
    return 0


def previews(file: Path | None) -> Mapping[str, str]:
    """Return the text of each stack's preview, by the stack's name as code; it is what somebody's code wrote."""
    if file is None or not file.is_file():
        return {}
    with file.open(encoding="utf-8", errors="replace") as opened:
        text = opened.read(LONGEST + 1)
    if not text.startswith(f"{MARKER}\n") or len(text) > LONGEST:
        return {}
    found = {}
    for section in re.split(r"(?m)^## Stack ", text)[1:]:
        match = _PREVIEW.search(section)
        if match:
            found[section.partition("\n")[0]] = f"pulumi preview {match[1]}\n\n{match[3]}"
    return found


def _parts(root: Path, base: str, head: str, written: Mapping[str, str]) -> Iterator[Part]:
    before, last = commit(root, base), commit(root, head, "--head")
    try:
        after = merged(before, last)
    except NoMergeError:
        yield Part("**There is no report:** the change has conflicts with its base. Resolve them first.\n")
        return
    reports = list(_reports(before, after, written))
    shown = {source for _, sources in reports for source in sources}
    yield Part("\n".join([NOTICE, *_other_files(before, after, shown)]))
    yield from (part for part, _ in reports)


def _reports(before: Commit, after: Commit, written: Mapping[str, str]) -> Iterator[tuple[Part, Collection[str]]]:
    """Yield the part of each stack, with the sources of files that its report shows."""
    now = after.stack_files()
    for file in [*now, *sorted({*before.stack_files()} - {*now})]:
        first, _, rest = STACK_FILES.partition("*")
        stack = file.removeprefix(first).removesuffix(rest)
        name = markdown.code(stack)
        if file in now:
            part, shown = _report(stack, before, after)
            yield part._replace(title=TITLE, preview=written.get(name, "the job of the change wrote none")), shown
        else:
            yield Part(f"## Stack {name}\n\n**Its file is removed.** What runs on its hosts stays there.\n"), ()


def _report(stack: str, before: Commit, after: Commit) -> tuple[Part, Collection[str]]:
    """Return the part of a stack, and the sources of files that its report shows."""
    try:
        report = read_report(stack, before, after)
    except (UserError, UnicodeError) as error:
        # A change of the models and of a stack file at once: only its own code can read the file.
        title = f"## Stack {markdown.code(stack)}\n\n**The default branch's code cannot use this config.**\n"
        return Part(title, error=str(error)), ()
    shown = {source for change in report.changes.files for source in change.sources}
    return Part(as_markdown(report), stack=stack, powers=report.powers), shown


def merged(base: Commit, head: Commit) -> Commit:
    """Return what a merge of the two gives, as a tree in git's store: nothing is checked out.

    Raises:
        NoMergeError: They conflict.
    """
    done = _git(base.root, "merge-tree", "--write-tree", "--no-messages", base.sha, head.sha)
    if done.returncode == 1:
        raise NoMergeError
    # Of a git before 2.38, or where the two have no common history.
    done.check_returncode()
    return Commit(base.root, done.stdout.decode("ascii").strip())


def _other_files(base: Commit, after: Commit, shown: Collection[str]) -> Iterator[str]:
    """Yield a sentence on the files that change and that no report is about.

    Args:
        base: The commit that the change goes to.
        after: What a merge of the change gives.
        shown: The paths below the project's folder of the files that a report shows.
    """
    listed = _git(base.root, "diff-tree", "-r", "--name-only", "--no-renames", "-z", base.sha, after.sha, check=True)
    reported = {*base.stack_files(), *after.stack_files(), PROJECT_FILE, *shown}
    prefix = _git(base.root, "rev-parse", "--show-prefix", check=True).stdout.decode("utf-8", "replace").strip()
    names = [name for name in listed.stdout.decode("utf-8", "replace").split("\0") if name]
    others = [name for name in names if not name.startswith(prefix) or name.removeprefix(prefix) not in reported]
    if others:
        shown = ", ".join(markdown.code(plain(name)[:100]) for name in others[:MOST_FILES])
        more = f" and {len(others) - MOST_FILES} more" if len(others) > MOST_FILES else ""
        yield f"**It also changes {len(others)} other files, of which the reports say nothing:** {shown}{more}.\n"


def _git(root: Path, *arguments: str, check: bool = False) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        ["git", *arguments], cwd=root, capture_output=True, check=check, timeout=60, stdin=subprocess.DEVNULL
    )


if __name__ == "__main__":
    sys.exit(main())
