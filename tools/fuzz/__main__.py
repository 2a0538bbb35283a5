"""The command: `python -m tools.fuzz --count N | --seconds S [--seed X] [--jobs 2]`, or `--replay FILE`.

Exit status 1 where an input failed. `.make/fuzz/` has each kind of failure with the files that show it.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Final

import typer

from tools.fuzz.corpus import ROOT, read_corpus
from tools.fuzz.inputs import Input, make_input
from tools.fuzz.measure import Limits, Meter
from tools.fuzz.supervisor import Found, Run

FOLDER: Final = ROOT / ".make" / "fuzz"
KEPT: Final = 3
"""Inputs of one signature that are written to files."""


def main(
    count: Annotated[int | None, typer.Option(help="How many inputs.")] = None,
    seconds: Annotated[float | None, typer.Option(help="How long.")] = None,
    seed: Annotated[str, typer.Option(help="Which inputs: each seed has others.")] = "1",
    jobs: Annotated[int, typer.Option(help="Processes.")] = 1,
    replay: Annotated[
        Path | None, typer.Option(help="Run this stack file alone; FILE.common is its shared file.")
    ] = None,
) -> None:
    """Try mutated stack files, and exit with 1 where one is answered by anything but a sentence."""
    if replay is not None:
        sys.exit(1 if replayed(replay) else 0)
    if count is None and seconds is None:
        count = 1000
    shutil.rmtree(FOLDER, ignore_errors=True)
    found = Run(seed=seed, count=count, seconds=seconds, jobs=jobs, tell=_tell).go()
    sys.stdout.write(written(found, seed, FOLDER))
    sys.exit(1 if found.failures else 0)


def replayed(file: Path) -> bool:
    """Run the steps on one stack file in this process; print what fails, and return whether something does."""
    from tools.fuzz.steps import STEPS  # noqa: PLC0415 (the supervisor needs none of it)

    common = file.with_name(f"{file.name}.common")
    one = Input(file.name, file.read_bytes(), common.read_bytes() if common.exists() else None)
    with tempfile.TemporaryDirectory() as folder, Meter(Path(folder), STEPS, Limits()) as meter:
        result = meter.run(one)
    sys.stdout.write(f"{file.name}: {result.outcome}\n")
    for failure in result.failures:
        sys.stdout.write(f"{failure.signature}\n{failure.details}\n")
    return bool(result.failures)


def written(found: Found, seed: str, folder: Path) -> str:
    """Write the failures to files, grouped by signature, and return the summary."""
    lines = [
        f"seed {seed}: {found.count} inputs: " + ", ".join(f"{n} {what}" for what, n in sorted(found.outcomes.items()))
    ]
    corpus = read_corpus() if found.failures else None
    for signature, failed in sorted(found.failures.items(), key=lambda item: -len(item[1])):
        lines.append(f"{len(failed):6} {signature}")
        group = folder / re.sub(r"[^A-Za-z0-9._-]+", "-", signature)[:100]
        group.mkdir(parents=True, exist_ok=True)
        for number, details in sorted(failed)[:KEPT]:
            if corpus is None:
                break
            one = make_input(corpus, seed, number)
            (group / f"{number}.yaml").write_bytes(one.stack)
            if one.common is not None:
                (group / f"{number}.yaml.common").write_bytes(one.common)
            (group / f"{number}.txt").write_text(
                f"{signature}\nseed {seed}, input {number}, made of {one.base}\n\n{details}",
                encoding="utf-8",
                errors="replace",
            )
        lines.append(f"       {group}: " + ", ".join(str(number) for number, _ in sorted(failed)[:KEPT]))
    return "\n".join(lines) + "\n"


def _tell(found: Found) -> None:
    sys.stderr.write(f"\r{found.count} inputs, {len(found.failures)} kinds of failure ")


if __name__ == "__main__":
    typer.run(main)
