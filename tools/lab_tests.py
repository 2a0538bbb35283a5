"""Run the lab tests of `make test` on two labs side by side, each with two hosts of its own.

Usage: python -m tools.lab_tests [PYTEST ARGUMENT...]   (make test-lab)

One lab leaves half of two cores idle: a test mostly waits for one emulated host, or for one process of Pulumi. The second lab has
a copy of this checkout, since stacks of one project are compared with each other. Tests of speed (ALONE) come after the others,
on one lab. The output of the second lab is printed when it has ended.

Out of scope: which tests are run, which the arguments say.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from lab.settings import default_name
from tools.log import say

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
COPY: Final = ROOT / ".make" / "second-lab"
LAB_SECONDS: Final = 4800
"""Time limit of one lab."""
BUILD_SECONDS: Final = 1500
"""In which the hosts are built and started."""
END_SECONDS: Final = 240
"""In which a run that is interrupted takes its stack and its lab down."""
NO_TESTS: Final = 5
"""Exit status of pytest where the arguments leave none (docs.pytest.org, "Exit codes")."""

ALONE: Final = ("tests/lab/day_two/test_faults.py", "tests/lab/test_rollout.py")
"""What measures times."""

MINUTES: Final[Mapping[str, float]] = {
    "tests/lab/day_two": 9,
    "tests/lab/test_settings.py": 8,
    "tests/lab/test_neighbours.py": 8,
    "tests/lab/test_chaos.py": 8,
    "tests/lab/test_files.py": 7,
    "tests/lab/test_prediction.py": 7,
    "tests/lab/test_bridges.py": 6,
    "tests/lab/test_modes.py": 6,
    "tests/lab/test_scenario.py": 6,
    "tests/lab/test_compose.py": 5,
    "tests/lab/test_bad_input.py": 4,
    "tests/lab/test_lan.py": 4,
    "tests/lab/test_ports.py": 4,
    "tests/lab/test_volumes.py": 4,
    "tests/lab/test_pr_preview.py": 1,
    "tests/lab/test_forget.py": 0,
    "tests/lab/test_nftables.py": 0,
    "tests/lab/test_rollout_interrupted.py": 0,
    "tests/lab/test_rollout_long.py": 0,
    "tests/lab/test_upgrade.py": 0,
}
"""Unit -> how long it takes beside another lab; what is not here takes USUAL."""
USUAL: Final = 3.0


def units(root: Path) -> list[str]:
    """Return what is run on one lab as a whole, below `root`: modules, and folders whose modules share a stack; sorted."""
    tests = root / "tests" / "lab"
    modules = [path.relative_to(root).as_posix() for path in tests.glob("test_*.py")]
    folders = [path.parent.relative_to(root).as_posix() for path in tests.glob("*/conftest.py")]
    return sorted([*modules, *folders])


def halves(names: Iterable[str], minutes: Mapping[str, float]) -> tuple[list[str], list[str]]:
    """Return the units for each of two labs, so that both take about as long: the longest first, each to the one with less."""
    groups: tuple[list[str], list[str]] = ([], [])
    sums = [0.0, 0.0]
    for name in sorted(names, key=lambda name: (-minutes.get(name, USUAL), name)):
        shorter = sums.index(min(sums))
        groups[shorter].append(name)
        sums[shorter] += minutes.get(name, USUAL)
    return groups


def copy_checkout(copy: Path) -> None:
    """Make `copy` a copy of the checkout as it is, without what git ignores; the virtual environment is this one's."""
    shutil.rmtree(copy, ignore_errors=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, timeout=60,
    ).stdout  # fmt: skip
    for name in os.fsdecode(listed).split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name, follow_symlinks=False)
    (copy / ".venv").symlink_to(ROOT / ".venv")


def command(arguments: Sequence[str], tests: Sequence[str], *, without: Sequence[str] = ()) -> list[str]:
    """Return the command that runs some tests."""
    left_out = [f"--ignore={name}" for name in without]
    return [sys.executable, "-m", "pytest", *arguments, *left_out, *tests]


@contextmanager
def running(argv: Sequence[str], folder: Path, lab: str, log: IO[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command on a lab of that name; if it still runs at the end, it is interrupted, so that it takes its lab down."""
    process = subprocess.Popen(
        argv,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "LAB_TEST_NAME": lab},
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            process.wait(END_SECONDS)


def build(lab: str) -> None:
    """Start a lab of that name, so that what both labs need is built once."""
    environment = {**os.environ, "LAB_NAME": lab}
    subprocess.run([ROOT / "lab" / "up"], cwd=ROOT, env=environment, check=True, timeout=BUILD_SECONDS)


def run(argv: Sequence[str], lab: str) -> int:
    """Run a command on a lab of that name in this checkout and return its exit status."""
    environment = {**os.environ, "LAB_TEST_NAME": lab}
    return subprocess.run(argv, cwd=ROOT, env=environment, check=False, timeout=LAB_SECONDS).returncode


def main(arguments: Sequence[str]) -> int:
    """Run all lab tests with these arguments of pytest; return 0 where all passed."""
    names = [name for name in units(ROOT) if name not in ALONE]
    # pytest leaves out what is ignored also where its folder is named.
    first, second = halves(names, MINUTES)
    copy_checkout(COPY)
    name = f"{os.environ.get('LAB_NAME') or default_name(ROOT)}-test"
    began = time.monotonic()
    build(name)
    report = COPY / "output.txt"
    with (
        report.open("w+", encoding="utf-8", errors="replace") as log,
        running(command(arguments, second, without=ALONE), COPY, f"{name}-2", log) as beside,
    ):
        statuses = [run(command(arguments, first, without=ALONE), name)]
        statuses.append(beside.wait(max(1.0, LAB_SECONDS - (time.monotonic() - began))))
        log.seek(0)
        say(f"== the second lab, side by side with the first: {len(second)} modules and folders")
        say(log.read().rstrip("\n"))
    say("== alone on this machine: what measures times")
    statuses.append(run(command(arguments, ALONE), name))
    say(f"== all lab tests: {(time.monotonic() - began) / 60:.0f} min")
    failed = [status for status in statuses if status not in (0, NO_TESTS)]
    return failed[0] if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
