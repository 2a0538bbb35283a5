"""Run the lab tests marked `versions` on each supported Docker version, and print the table feature x version.

Usage: python -m tools.lab_matrix [--resume] [SUITE...]   (make test-lab-matrix)
With --resume, a suite that an earlier run left a report of is shown and not run again.

Responsible for the order of the suites and the table. Each suite gets a lab of its own, one after the other.
Out of scope: what passes, which pytest's own report says.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lab.engines import ENGINES

ROOT: Final = Path(__file__).resolve().parent.parent

SUITES: Final = {
    "bookworm": "20.10",
    "trixie": "26.1",
    "forky": "28.5",
    "forky,bookworm": "28.5 + 20.10",
    **{suite: engine.minor for suite, engine in ENGINES.items()},
    **{f"trixie,{suite}": f"26.1 + {engine.minor}" for suite, engine in ENGINES.items()},
}
"""LAB_SUITE -> its Docker version, the heading of its column."""
SUITE_SECONDS: Final = 5400
"""Time limit of one suite, with the building of its hosts."""

Outcome = dict[str, str]
"""Test -> passed, failed, error or skipped."""


def run_suite(suite: str, reports: Path, *, resume: bool = False) -> Outcome:
    """Run the tests on hosts of one suite and return each test's outcome; nothing when pytest itself did not finish.

    With `resume`, return the outcomes of an earlier report if there is one.
    """
    name = f"matrix-{suite.replace(',', '-')}"
    report = reports / f"{name}.xml"
    if resume and report.exists():
        return read_report(report)
    report.unlink(missing_ok=True)
    subprocess.run(
        [
            sys.executable, "-m", "pytest", "-v", "-m", "versions", f"--junitxml={report}", str(ROOT / "tests" / "lab"),
        ],
        cwd=ROOT,
        env={**os.environ, "LAB_SUITE": suite, "LAB_NAME": name, "LAB_TEST_NAME": name},
        timeout=SUITE_SECONDS,
        check=False,
    )  # fmt: skip
    return read_report(report) if report.exists() else {}


def read_report(report: Path) -> Outcome:
    """Return each test's outcome in pytest's JUnit report. A test that passed and whose cleanup failed is an error."""
    outcomes: Outcome = {}
    # The file was written by our own pytest.
    for case in ET.parse(report).iter("testcase"):  # noqa: S314
        file = case.get("classname", "").rpartition(".")[2].removeprefix("test_")
        test = f"{file}: {re.sub('^test_', '', case.get('name', '')).replace('_', ' ')}"
        outcome = next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), "passed")
        if outcomes.get(test, "passed") == "passed":
            outcomes[test] = outcome
    return outcomes


def show(outcomes: dict[str, Outcome], out: Console) -> bool:
    """Print the table; return whether everything passed everywhere."""
    table = Table("feature", *(SUITES[suite] for suite in outcomes), title="Docker", title_justify="left")
    marks = {
        "passed": "[green]passed",
        "skipped": "[dim]skipped",
        "failure": "[bold red]failed",
        "error": "[bold red]error",
    }
    tests = list(dict.fromkeys(test for outcome in outcomes.values() for test in outcome))
    for test in tests:
        table.add_row(
            escape(test), *(marks.get(outcome.get(test, ""), "[bold red]not run") for outcome in outcomes.values())
        )
    out.print(table)
    return bool(tests) and all(
        outcome.get(test) in ("passed", "skipped") for outcome in outcomes.values() for test in tests
    )


def main() -> int:
    """Run the suites named on the command line, or all, and print the table."""
    arguments = sys.argv[1:]
    resume = "--resume" in arguments
    chosen = [argument for argument in arguments if argument != "--resume"] or list(SUITES)
    unknown = [suite for suite in chosen if suite not in SUITES]
    if unknown:
        print(f"unknown suite: {', '.join(unknown)}; the suites are {' '.join(SUITES)}", file=sys.stderr)
        return 2
    reports = ROOT / ".make"
    reports.mkdir(exist_ok=True)
    outcomes = {suite: run_suite(suite, reports, resume=resume) for suite in chosen}
    return 0 if show(outcomes, Console(width=140)) else 1


if __name__ == "__main__":
    sys.exit(main())
