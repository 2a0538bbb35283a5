"""The command: `python -m tools.chaos --count N [--seed S] [--failed] [--again]`, on the lab LAB_NAME or one of its own.

Exit status 1 where a seed failed. Seeds that `.make/chaos.jsonl` has are not run again. A lab of that name that runs is taken down
first: the hosts begin from their saved state. LAB_KEEP=1 leaves it running at the end.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Annotated, Final

import typer

from lab.harness import ROOT
from lab.settings import CHECKOUT, default_name
from tools.chaos.logged import LoggedLab
from tools.chaos.record import Entry, Record
from tools.chaos.runner import Runner
from tools.chaos.sequences import make_sequence
from tools.log import say

FILE: Final = ROOT / ".make" / "chaos.jsonl"
LAB_SECONDS: Final = 1500.0
"""In which the hosts are built and started."""
LAB_DOWN_SECONDS: Final = 180.0


def main(
    count: Annotated[int, typer.Option(help="How many seeds, from the first one on.")] = 20,
    seed: Annotated[int, typer.Option(help="The first seed.")] = 1,
    failed: Annotated[bool, typer.Option(help="Also those that failed the last time.")] = False,
    again: Annotated[bool, typer.Option(help="All of them, finished or not.")] = False,
    show: Annotated[bool, typer.Option(help="Print the sequences, and run nothing.")] = False,
) -> None:
    """Run the sequences of seeds on a lab, and exit with 1 where one is not repaired completely."""
    record, seeds = Record(FILE), range(seed, seed + count)
    due = list(seeds) if again or show else list(record.due(seeds, failed=failed))
    if show:
        for number in due:
            say(f"{number}: {make_sequence(number)}")
        return
    say(f"{len(due)} of {count} seeds are to be run")
    problems = _run(due, record) if due else 0
    sys.exit(1 if problems else 0)


def _run(due: list[int], record: Record) -> int:
    """Run the seeds and return how many failed."""
    lab = LoggedLab(os.environ.get("LAB_NAME") or f"{default_name(CHECKOUT)}-chaos")
    commit, problems = _commit(), 0
    runner = fresh(lab)
    for number in due:
        sequence = make_sequence(number)
        say(f"{number}: {sequence}")
        outcome = runner.run(sequence)
        if outcome.problem:
            problems += 1
            folder = runner.keep(sequence, outcome)
            say(f"{number}: FAILED after {outcome.seconds:.0f} s, see {folder}\n{outcome.problem[:2000]}")
        else:
            say(f"{number}: ok, {outcome.seconds:.0f} s {outcome.times} {'; '.join(outcome.notes)}")
        record.add(
            Entry(
                seed=number,
                sequence=str(sequence),
                problem=outcome.problem[:3000],
                seconds=outcome.seconds,
                at=datetime.now(UTC).isoformat(timespec="seconds"),
                commit=commit,
                times=outcome.times,
                notes=outcome.notes,
            )
        )
        if outcome.problem and number != due[-1]:
            runner = fresh(lab)
    runner.forget()
    if not os.environ.get("LAB_KEEP"):
        lab.run("down", timeout=LAB_DOWN_SECONDS)
    return problems


def fresh(lab: LoggedLab) -> Runner:
    """Return a runner on hosts from their saved state."""
    began = time.monotonic()
    lab.run("down", timeout=LAB_DOWN_SECONDS)
    lab.run("up", timeout=LAB_SECONDS)
    runner = Runner(lab)
    runner.begin()
    say(f"the hosts are restored and the stack is up: {time.monotonic() - began:.0f} s")
    return runner


def _commit() -> str:
    def git(*words: str) -> str:
        return subprocess.run(
            ["git", *words], cwd=ROOT, capture_output=True, text=True, errors="replace", check=True, timeout=30
        ).stdout.strip()

    return git("rev-parse", "--short", "HEAD") + ("+" if git("status", "--porcelain", "--untracked-files=no") else "")


if __name__ == "__main__":
    typer.run(main)
