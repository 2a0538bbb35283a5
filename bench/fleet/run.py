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
from bench.fleet.project import STACK, addresses, chosen, environment, write_project, write_stack
from bench.fleet.steps import STEPS, allowed

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


def run_steps(hosts: int, names: Sequence[str], failures: Failures, *, filled: bool, warm: bool, show: bool) -> bool:
    """Run these steps on a new fleet and print the table; return whether all ended as they should, in time.

    Args:
        hosts: How many there are.
        names: Of the steps, in their order.
        failures: What is wrong with some of them.
        filled: Whether the hosts have all that is planned before the first step.
        warm: Whether shared ssh connections of one step are there for the next one; else each one begins without any.
        show: Whether to print what the commands print.
    """
    folder = namespace.FOLDER
    namespace.prepare(hosts)
    (folder / "hosts" / "hosts.json").write_text(json.dumps(addresses(hosts)), encoding="utf-8")
    project = write_project(folder, hosts)
    started = namespace.start_hosts()
    env = environment(folder)
    meter = Meter(hosts=[process.pid for process in started])
    _unmeasured("pulumi", "stack", "init", STACK, env=env, cwd=project)
    if filled:
        write_stack(project, 2)
        _unmeasured(*STEPS["up"].command, env=env, cwd=project)
        write_stack(project, hosts)
        state = json.loads(_unmeasured("pulumi", "stack", "export", "--stack", STACK, env=env, cwd=project))
        extend_state(state, hosts, fill(folder / "hosts", hosts))
        (folder / "tmp" / "state").write_text(json.dumps(state), encoding="utf-8")
        del state
        file = str(folder / "tmp" / "state")
        _unmeasured("pulumi", "stack", "import", "--stack", STACK, "--file", file, env=env, cwd=project)
    load = os.getloadavg()[0]
    _say(f"{hosts} hosts, 3 containers each; {os.cpu_count()} processors, load {load:.1f} before the first step\n")
    _say(_COLUMNS.format(
        "step", "seconds", "CPU s", "hosts' s", "PSS MB", "processes", "files", "of one", "asked", "promised", ""
    ))  # fmt: skip
    good = True
    for name in names:
        step = STEPS[name]
        for with_failures in (False, True) if step.with_failures and failures.dead + failures.slow else (False,):
            _fail(hosts, failures if with_failures else Failures(dead=0, slow=0, slow_seconds=0.0))
            if not warm:
                meter.end_left_over()
            before = _requests()
            with (folder / "logs" / name).open("w+b") as log:
                cost = meter.run(step.command, log=log, env=env, cwd=project, limit=step.limit)
                log.seek(0)
                printed = log.read().decode(errors="replace")
            limit = allowed(
                step,
                hosts,
                silent=failures.silent if with_failures else 0,
                slow=failures.slow_seconds if with_failures and failures.slow else 0.0,
            )
            expected = step.failed_status if with_failures and failures.dead else 0
            verdict = _verdict(cost, limit, expected)
            good = good and not verdict
            title = f"{name}, {failures.dead} dead {failures.slow} slow" if with_failures else name
            _say(_line(title, cost, limit, _requests() - before, verdict))
            if show or cost.status != expected:
                _say("\n".join(printed.splitlines()[None if show else -_LAST_LINES :]) + "\n")
            if cost.status != expected and not with_failures:
                # What follows would measure something else.
                return False
    return good


def _unmeasured(*command: str, env: Mapping[str, str], cwd: Path) -> str:
    """Run a command that prepares the steps and return what it prints; fail with it."""
    done = subprocess.run(
        command, cwd=cwd, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1800, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def _fail(hosts: int, failures: Failures) -> None:
    all_ = list(addresses(hosts))
    dead = chosen(all_, failures.dead, offset=1)
    namespace.fail_hosts(dead[failures.silent :], dead[: failures.silent])
    _delay(all_, 0.0)
    _delay(chosen(all_, failures.slow, offset=3), failures.slow_seconds)


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
