"""Runs the commands on a simulated fleet and prints what each cost: `python -m bench.fleet --hosts 100 --dead 10 --slow 10`.

Exit status: 1 where a step took longer than is promised or ended as it should not, 2 where this machine cannot run it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from bench.fleet import namespace
from bench.fleet.run import Failures, Fleet, run_steps
from bench.fleet.steps import STEPS
from bench.project import ROOT

MOST_BROUGHT_UP: Final = 200
"""Hosts that are brought up by default: Pulumi starts a docker plugin for each (docs/scale.md)."""


def main(
    *,
    hosts: Annotated[int, typer.Option(min=2, max=16000, help="How many there are.")] = 100,
    dead: Annotated[
        int, typer.Option(min=0, help="How many do not answer; half refuse connections, half are silent.")
    ] = 10,
    slow: Annotated[int, typer.Option(min=0, help="How many are slow.")] = 10,
    slow_seconds: Annotated[float, typer.Option(min=0, help="What a slow host takes for each answer.")] = 0.5,
    steps: Annotated[
        str,
        typer.Option(
            help=f"What is run, in this order: {', '.join(STEPS)}. By default all, with --filled those that change nothing."
        ),
    ] = "",
    filled: Annotated[
        bool | None,
        typer.Option(
            help="Bring up two hosts, and let all others have the same, on them and in the state. By default for more than "
            f"{MOST_BROUGHT_UP} hosts, of which one stack needs more memory than this machine may have."
        ),
    ] = None,
    warm: Annotated[
        bool, typer.Option("--warm", help="Let a step use the shared ssh connections of the one before it.")
    ] = False,
    kex: Annotated[
        str, typer.Option(help="What the user's ssh offers as KexAlgorithms; its default without this.")
    ] = "",
    openssh: Annotated[
        Path | None,
        typer.Option(
            help="Another OpenSSH than this machine's: a folder that `bench/fleet/debian-openssh` filled.",
            exists=True,
            file_okay=False,
            resolve_path=True,
        ),
    ] = None,
    show: Annotated[bool, typer.Option("--show", help="Print what each command printed.")] = False,
) -> None:
    """Measure commands on a simulated fleet. Needs root; all of it is in namespaces that end with it."""
    filled = hosts > MOST_BROUGHT_UP if filled is None else filled
    names = steps.split(",") if steps else [name for name, step in STEPS.items() if not filled or not step.changes]
    unknown = [name for name in names if name not in STEPS]
    if unknown:
        raise typer.BadParameter(f"{', '.join(unknown)}: there are {', '.join(STEPS)}", param_hint="--steps")
    if dead + slow > hosts:
        raise typer.BadParameter(f"{dead} dead and {slow} slow hosts are more than {hosts}", param_hint="--dead")
    reason = namespace.missing()
    if reason:
        sys.stderr.write(f"a fleet cannot be simulated here: {reason}\n")
        raise typer.Exit(2)
    if namespace.INSIDE not in os.environ:
        command = namespace.command_inside([sys.executable, "-m", "bench.fleet", *sys.argv[1:]])
        os.chdir(ROOT)
        # In its place: whoever ends this process ends the fleet.
        os.execvp(command[0], command)  # noqa: S606
    failures = Failures(dead=dead, slow=slow, slow_seconds=slow_seconds)
    fleet = Fleet(hosts=hosts, filled=filled, key_exchange=kex, openssh=openssh)
    raise typer.Exit(0 if run_steps(fleet, names, failures, warm=warm, show=show) else 1)


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(main)
    app()
