"""Builds a fleet, runs the steps on it, and prints the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.fleet import namespace
from bench.fleet.fill import Socket, extend_state, fill
from bench.fleet.measure import Cost, Meter
from bench.fleet.project import SERVICES, STACK, addresses, chosen, environment, write_project, write_stack
from bench.fleet.server import write_hosts
from bench.fleet.steps import STEPS, Step, allowed

_COLUMNS: Final = "{:<26} {:>9} {:>8} {:>8} {:>8} {:>9} {:>7} {:>7} {:>6} {:>8}  {}\n"
_LAST_LINES: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """What is wrong with some hosts, in the steps that are measured with failures too."""

    dead: int
    """How many do not answer: of these half refuse connections, and half are silent."""
    slow: int
    """How many are slow."""
    slow_seconds: float
    """What those take for each answer."""

    @property
    def silent(self) -> int:
        """How many do not answer at all."""
        return self.dead // 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What is simulated."""

    hosts: int
    """How many there are."""
    filled: bool
    """Whether they have all that is planned before the first step."""
    key_exchange: str
    """What the user's ssh offers; empty for its default."""
    openssh: Path | None = None
    """A folder with another OpenSSH than the machine's."""


def run_steps(fleet: Fleet, names: Sequence[str], failures: Failures, *, warm: bool, show: bool) -> bool:
    """Run these steps on a new fleet and print the table; return whether all ended as they should, in time.

    Args:
        fleet: What is simulated.
        names: Of the steps, in their order.
        failures: What is wrong with some hosts in those steps that are measured twice.
        warm: Whether shared ssh connections of one step are there for the next one; else each one begins without any.
        show: Whether to print what the commands print.
    """
    bench = _build(fleet)
    _say(f"{fleet.hosts} hosts, {len(SERVICES)} containers each; {_machine(fleet)}\n")
    _say(_COLUMNS.format(
        "step", "seconds", "CPU s", "hosts' s", "PSS MB", "processes", "files", "of one", "asked", "promised", ""
    ))  # fmt: skip
    good = True
    for name in names:
        step = STEPS[name]
        for now in (None, failures) if step.with_failures and failures.dead + failures.slow else (None,):
            bench.fail(now)
            if not warm:
                bench.meter.end_left_over()
            cost, asked, printed = bench.run(name, step)
            expected = step.failed_status if now is not None and now.dead else 0
            limit = allowed(
                step,
                fleet.hosts,
                silent=0 if now is None else now.silent,
                slow=now.slow_seconds if now is not None and now.slow else 0.0,
            )
            verdict = _verdict(cost, limit, expected)
            good = good and not verdict
            title = name if now is None else f"{name}, {now.dead} dead {now.slow} slow"
            _say(_line(title, cost, limit, asked, verdict))
            if show or cost.status != expected:
                _say("\n".join(printed.splitlines()[None if show else -_LAST_LINES :]) + "\n")
            if cost.status != expected and now is None:
                # What follows would measure something else.
                return False
    return good


@dataclass(frozen=True, slots=True)
class _Bench:
    """A fleet that runs, and the commands' place."""

    addresses: Sequence[str]
    project: Path
    env: Mapping[str, str]
    meter: Meter

    def run(self, name: str, step: Step) -> tuple[Cost, int, str]:
        """Run a step; return what it cost, how many requests the hosts answered, and what it printed."""
        before = _requests()
        with (namespace.FOLDER / "logs" / name).open("w+b") as log:
            cost = self.meter.run(step.command, log=log, env=self.env, cwd=self.project, limit=step.limit)
            log.seek(0)
            return cost, _requests() - before, log.read().decode(errors="replace")

    def fail(self, failures: Failures | None) -> None:
        """Let some hosts fail, or none."""
        dead = [] if failures is None else chosen(self.addresses, failures.dead, offset=1)
        silent = 0 if failures is None else failures.silent
        namespace.fail_hosts(dead[silent:], dead[:silent])
        _delay(self.addresses, 0.0)
        if failures is not None:
            _delay(chosen(self.addresses, failures.slow, offset=3), failures.slow_seconds)


def _build(fleet: Fleet) -> _Bench:
    folder, hosts = namespace.FOLDER, fleet.hosts
    namespace.prepare(hosts, key_exchange=fleet.key_exchange, openssh=fleet.openssh)
    write_hosts(folder / "hosts", addresses(hosts))
    project, env = write_project(folder, hosts), environment(folder)
    started = namespace.start_hosts()
    _unmeasured("pulumi", "stack", "init", STACK, env=env, cwd=project)
    if fleet.filled:
        write_stack(project, 2)
        _unmeasured(*STEPS["up"].command, env=env, cwd=project)
        write_stack(project, hosts)
        state = json.loads(_unmeasured("pulumi", "stack", "export", "--stack", STACK, env=env, cwd=project))
        extend_state(state, hosts, fill(folder / "hosts", hosts))
        file = folder / "tmp" / "state"
        file.write_text(json.dumps(state), encoding="utf-8")
        _unmeasured("pulumi", "stack", "import", "--stack", STACK, "--file", str(file), env=env, cwd=project)
    return _Bench(list(addresses(hosts)), project, env, Meter(hosts=[process.pid for process in started]))


def _machine(fleet: Fleet) -> str:
    ssh = subprocess.run(["ssh", "-V"], capture_output=True, text=True, timeout=20, check=False).stderr.partition(" ")[
        0
    ]
    offered = f", key exchange {fleet.key_exchange}" if fleet.key_exchange else ""
    return f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} before the first step; {ssh}{offered}"


def _unmeasured(*command: str, env: Mapping[str, str], cwd: Path) -> str:
    """Run a command that prepares the steps and return what it prints; fail with it."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def _delay(of_hosts: Iterable[str], seconds: float) -> None:
    control = Socket(namespace.FOLDER / "hosts" / "control.sock")
    control.send_json("PUT", f"/delay?seconds={seconds}", list(of_hosts))
    control.close()


def _requests() -> int:
    control = Socket(namespace.FOLDER / "hosts" / "control.sock")
    total: int = control.send_json("GET", "/requests")["requests"]
    control.close()
    return total


def _verdict(cost: Cost, limit: float | None, expected: int) -> str:
    if cost.status != expected:
        return f"exit status {cost.status} instead of {expected}"
    return f"longer than {limit:g} s" if limit is not None and cost.seconds > limit else ""


def _line(title: str, cost: Cost, limit: float | None, requests: int, verdict: str) -> str:
    return _COLUMNS.format(
        title,
        f"{cost.seconds:.1f}",
        f"{cost.cpu:.1f}",
        f"{cost.hosts_cpu:.1f}",
        f"{cost.memory / 1e6:.0f}",
        cost.processes,
        cost.files,
        cost.most_files,
        requests,
        "-" if limit is None else f"{limit:g}",
        verdict,
    )


def _say(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()
