"""The log of a job, in which no text of a host, a file or a program is an order to what shows it."""

from __future__ import annotations

import sys

from ipvlan.problems import plain


def say(text: str) -> None:
    """Write lines to standard output, before what a program that is started next writes there."""
    sys.stdout.write(f"{for_log(text)}\n")
    sys.stdout.flush()


def complain(text: str) -> None:
    """Write lines to standard error."""
    sys.stderr.write(f"{for_log(text)}\n")


def for_log(text: str) -> str:
    r"""Return lines that neither a terminal nor the runner of a CI obeys.

    GitHub's runner takes a line that begins with `::`, also behind blanks, and `##[` anywhere (Runner.Common/ActionCommand.cs of
    github.com/actions/runner). GitLab folds its log by escape sequences, which are no visible text.
    """
    return "\n".join(_line(line) for line in plain(text, keep="\n\t").replace("##[", "## [").split("\n"))


def _line(line: str) -> str:
    return f"| {line}" if line.lstrip().startswith("::") else line
