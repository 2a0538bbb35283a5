"""Is one shared ssh connection per host reliable? Cycles of a change, nothing to do and refresh on the lab, failures counted.

It prints the table of docs/decisions/0009-shared-connection.md. A cycle gives nginx another environment on both hosts (its
container is replaced, its bridge attachment deleted and created), then runs `up` with nothing to do, then `refresh`.

Usage: python -m bench.connection [--cycles 20] [--alone 5]. Needs `make lab-up` and hosts without the fabric (`make down`). It
creates a stack of its own, with the name of the lab tests' one, and removes it. Exit status 1 when anything failed.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lab.harness import Lab, Result, Stack, new_stack
from lab.settings import CHECKOUT, default_name

STEPS = ("change", "nothing to do", "refresh")

console = Console()


def cycle(stack: Stack, number: int) -> dict[str, Callable[[], Result]]:
    """Return step -> what runs it; each returns the finished command, failed or not."""

    def change() -> Result:
        stack.config["services"]["nginx"]["environment"] = {"CYCLE": f"number {number}"}
        return stack.up(check=False)

    return {
        "change": change,
        "nothing to do": lambda: stack.up("--expect-no-changes", check=False),
        "refresh": lambda: stack.pulumi("refresh", "--yes", "--expect-no-changes", check=False),
    }


def measure(stack: Stack, cycles: int, *, shared: bool) -> tuple[dict[str, list[float]], int]:
    """Return step -> seconds of each run, and how many of them failed."""
    stack.config["ssh"] = {"shared_connection": shared}
    stack.up()
    seconds: dict[str, list[float]] = {step: [] for step in STEPS}
    failures = 0
    for number in range(cycles):
        for step, run in cycle(stack, number).items():
            begin = time.monotonic()
            done = run()
            seconds[step].append(time.monotonic() - begin)
            if done.returncode:
                failures += 1
                console.print(f"failed, {step}:", done.stdout[-2000:], done.stderr[-2000:], markup=False)
        times = ", ".join(f"{step} {seconds[step][-1]:.1f} s" for step in STEPS)
        console.print(f"   cycle {number + 1}/{cycles}: {times}; load {os.getloadavg()[0]:.1f}")
    return seconds, failures


def main(
    cycles: Annotated[int, typer.Option(help="Cycles over shared connections.")] = 20,
    alone: Annotated[int, typer.Option(help="Cycles with a connection for each request, to compare with.")] = 5,
) -> None:
    """Run the cycles and print the table."""
    table = Table("medians, seconds", *STEPS, "commands", "failed")
    failed = 0
    with new_stack(Lab(os.environ.get("LAB_NAME") or default_name(CHECKOUT))) as stack:
        for name, count, shared in (("shared", cycles, True), ("a connection each", alone, False)):
            console.print(f"== {name}")
            seconds, failures = measure(stack, count, shared=shared)
            failed += failures
            medians = (f"{statistics.median(seconds[step]):.1f}" for step in STEPS)
            table.add_row(name, *medians, str(count * len(STEPS)), str(failures))
    console.print(table)
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
