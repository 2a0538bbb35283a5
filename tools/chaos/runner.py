"""Runs sequences on a lab: the faults, the repair, the checks; keeps what the commands printed where one fails.

Out of scope: which seeds are run, and the record of them (`tools.chaos.__main__`).
"""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lab.errors import LabError
from lab.harness import HOST_TIMEOUT, HOSTS, ROOT, TRACEBACK, CommandFailedError, Result, Stack
from tools.chaos import site
from tools.chaos.faults import World, make, remove_blockers, right_clock, undo_all
from tools.chaos.logged import LoggedLab
from tools.chaos.look import HostLook, changed, ids_of_others, left_processes, look, orphans, others, read_state
from tools.chaos.sequences import Sequence

FOLDER: Final = ROOT / ".make" / "chaos"
RUN_SECONDS: Final = 420.0
"""In which a command of Pulumi ends, whatever happens to the hosts."""
COMMAND_SECONDS: Final = 240.0
LOCK_SECONDS: Final = 35.0
"""After which a host has given back the lock of a run that was killed (`ipvlan.hosts.host_lock`)."""

OTHERS: Final = """
docker image inspect {image} >/dev/null 2>&1 || docker pull -q {image} >/dev/null
docker network create shop_default >/dev/null
docker run -d --name {name} --restart always --network shop_default -v shop_data:/data -p 8090:80 {image} >/dev/null
docker exec {name} sh -c 'echo orders > /data/orders.csv'
"""
"""What others have on each host."""


class NotAsPlannedError(Exception):
    """Something is not as it must be after a sequence; the text says what."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a sequence."""

    problem: str
    """The first thing that was not as it must be; "" where all was."""
    notes: tuple[str, ...]
    times: dict[str, float]
    seconds: float


@dataclass
class Runner:
    """A stack on a lab, and the sequences that hit it."""

    lab: LoggedLab
    world: World = field(init=False)
    baseline: dict[str, HostLook] = field(init=False)
    """Host -> what is there when all is as planned."""
    times: dict[str, float] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def stack(self) -> Stack:
        """Return the stack."""
        return self.world.stack

    def begin(self) -> None:
        """Bring the stack up beside the things of others, on hosts without either."""
        images = self.lab.images()
        stack = Stack(self.lab, site.STACK_NAME)
        with suppress(CommandFailedError):
            self.lab.exec("pulumi", "stack", "rm", stack.name, "--yes", "--force", "--preserve-config")
        stack.init()
        site.configure(stack, images)
        self.world = World(self.lab, stack, images)
        text = OTHERS.format(image=images["nginx"], name=site.OTHERS_NAME)
        together(*(lambda host=host: self.lab.ssh(host, text, timeout=200) for host in HOSTS))
        stack.up(timeout=RUN_SECONDS)
        self.baseline = look(self.lab)

    def end(self) -> None:
        """Remove the stack, its volume, which `destroy` keeps, and what others have."""
        self.stack.pulumi("destroy", "--yes", "--skip-preview", check=False, timeout=RUN_SECONDS)
        self.forget()
        text = f"docker rm -f -v {site.OTHERS_NAME}; docker network rm shop_default; docker volume rm shop_data data"
        together(*(lambda host=host: self.lab.ssh(host, text, check=False) for host in HOSTS))

    def forget(self) -> None:
        """Remove the stack's file and its entry in the backend; the hosts stay as they are."""
        self.lab.exec("pulumi", "stack", "rm", self.stack.name, "--yes", "--force", check=False)
        self.stack.file.unlink(missing_ok=True)
        site.remove_files()

    def run(self, sequence: Sequence) -> Outcome:
        """Run a sequence and return what came of it."""
        self.lab.log.clear()
        self.times, self.notes = {}, []
        world, began = self.world, time.monotonic()
        world.disturbed.clear()
        problem = ""
        try:
            try:
                with self._timed("faults"):
                    for fault in sequence.idle:
                        make(world, fault)
                if sequence.in_run:
                    self._hit_a_run(sequence)
            finally:
                undo_all(world)
            before = self._others_before_repair()
            self._repair(sequence)
            for fault in sequence.faults:
                if fault.kind == "set the clock":
                    right_clock(world, fault.host)
            self._check(before)
        except (NotAsPlannedError, AssertionError, LabError, subprocess.SubprocessError) as error:
            problem = f"{type(error).__name__}: {error}"
        return Outcome(problem, tuple(self.notes), dict(self.times), round(time.monotonic() - began, 1))

    def keep(self, sequence: Sequence, outcome: Outcome) -> Path:
        """Write what shows a failure into a folder, and return it: the commands' output, the config, the state, the hosts."""
        folder = FOLDER / str(sequence.seed)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "problem.txt").write_text(f"{sequence}\n\n{outcome.problem}\n", encoding="utf-8")
        shutil.copy(self.stack.file, folder)
        # Secrets stay encrypted in it.
        with suppress(AssertionError, subprocess.SubprocessError):
            (folder / "state.json").write_text(self.stack.pulumi("stack", "export").stdout, encoding="utf-8")
        with suppress(AssertionError, subprocess.SubprocessError, ValueError):
            (folder / "hosts.json").write_text(json.dumps(look(self.lab), indent=1), encoding="utf-8")
        for host in HOSTS:
            with suppress(subprocess.SubprocessError):
                printed = self.lab.ssh(
                    host, "journalctl -u docker --since -10min --no-pager | tail -300", check=False, timeout=60
                )
                (folder / f"{host}.docker.log").write_text(printed, encoding="utf-8")
        self.lab.write_log(folder / "commands.txt")
        return folder

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self.times[part] = round(time.monotonic() - began, 1)

    def _hit_a_run(self, sequence: Sequence) -> None:
        """Run `pulumi up`, make faults within it, and wait for its end; whatever its result is, it ends and is no traceback."""
        with self._timed("run"):
            began = time.monotonic()
            process = self.stack.start_up()
            self.world.run = process
            output: list[str] = []
            reader = threading.Thread(target=_read, args=(process, output), daemon=True)
            reader.start()
            try:
                for fault in sequence.in_run:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(timeout=max(0.0, (fault.moment or 0.0) - (time.monotonic() - began)))
                    make(self.world, fault)
                try:
                    process.wait(timeout=RUN_SECONDS)
                except subprocess.TimeoutExpired as error:
                    raise NotAsPlannedError(f"hang: `up` goes on for {RUN_SECONDS:.0f} s") from error
            finally:
                self.world.run = None
                if process.poll() is None:
                    process.kill()
                reader.join(timeout=30)
                self.lab.note(("up, hit by", str(sequence)), began, f"exit {process.poll()}\n{''.join(output)}")
        printed = "".join(output)
        if TRACEBACK in printed or "panic:" in printed:
            raise NotAsPlannedError(f"traceback: {printed[-3000:]}")
        if process.returncode < 0 or read_state(self.stack).locks:
            self.stack.pulumi("cancel", "--yes", check=False)

    def _others_before_repair(self) -> dict[str, dict[str, Any]]:
        """Return what others have now; it is all still there, and runs untouched where its host was not started again."""
        now = look(self.lab)
        lines = []
        for host in HOSTS:
            gone = ids_of_others(self.baseline[host]) - ids_of_others(now[host])
            lines += [f"{host}: {thing} is gone" for thing in gone]
            if host not in self.world.disturbed:
                lines += [f"{host}: {line}" for line in changed(others(self.baseline[host]), others(now[host]))]
        if lines:
            raise NotAsPlannedError("of others, before the repair: " + "; ".join(lines))
        return {host: others(now[host]) for host in HOSTS}

    def _repair(self, sequence: Sequence) -> None:
        """Repair; with a container of others in the way it must be refused or done around it, and then a person removes it."""
        if self.world.blockers:
            with self._timed("refused"):
                refused = self._repair_once(sequence)
            if refused.returncode == 0:
                raise NotAsPlannedError(
                    f"repair: it succeeds beside {', '.join(self.world.blockers)}:\n{(refused.stdout + refused.stderr)[-4000:]}"
                )
            for host, id_ in self.world.blockers.values():
                running = self.lab.ssh(host, f"docker inspect -f '{{{{.State.Running}}}}' {id_}", check=False).strip()
                if running != "true":
                    raise NotAsPlannedError(
                        f"of others: the container {id_[:12]} on {host} that stood in the way: {running}"
                    )
            remove_blockers(self.world)
        with self._timed("repair"):
            done = self._repair_once(sequence)
        if done.returncode != 0:
            with self._timed("second repair"):
                again = self.stack.up("--refresh", check=False, timeout=RUN_SECONDS)
            raise NotAsPlannedError(
                f"repair: exit {done.returncode}, a second one by up: {again.returncode}\n"
                f"{(done.stdout + done.stderr)[-4000:]}"
            )
        if read_state(self.stack).pending:
            self.notes.append("pending operations cleared")
            self.stack.pulumi("refresh", "--yes", "--clear-pending-creates", timeout=RUN_SECONDS)

    def _repair_once(self, sequence: Sequence) -> Result:
        if sequence.repair == "up":
            done = self.stack.up("--refresh", check=False, timeout=RUN_SECONDS)
            if done.returncode != 0 or not sequence.heal_after_up:
                return done
        self.stack.write()
        return self._ipvlan("heal", "--yes", "--timeout", HOST_TIMEOUT, seconds=RUN_SECONDS)

    def _ipvlan(self, *arguments: str, seconds: float = COMMAND_SECONDS) -> Result:
        done = self.lab.exec(".venv/bin/ipvlan", "--stack", self.stack.name, *arguments, check=False, timeout=seconds)
        if TRACEBACK in done.stdout + done.stderr:
            raise NotAsPlannedError(f"traceback: {done.stdout}{done.stderr}")
        return done

    def _check(self, before: dict[str, dict[str, Any]]) -> None:
        """Raise NotAsPlannedError with all that is not as it must be."""
        with self._timed("checks"):
            parts = together(self._status, self._matrix, self._preview, lambda: self._hosts(before))
        lines = [line for part in parts for line in part]
        if lines:
            raise NotAsPlannedError("\n".join(lines))

    def _status(self) -> list[str]:
        done = self._ipvlan("status", "--json", "--timeout", HOST_TIMEOUT)
        if not done.stdout.startswith("{"):
            return [f"status: exit {done.returncode}: {done.stdout}{done.stderr}"]
        document = json.loads(done.stdout)
        found = [f"{one['name']} {one['host']} {one['service']}: {one['problem']}" for one in document["differences"]]
        if document["ok"]:
            self.notes += [f"status: {line}" for line in found]
            return []
        return [f"status: {line}" for line in found]

    def _matrix(self) -> list[str]:
        with self._timed("verify"):
            document = self.stack.verify()
        return [
            f"verify: {cell['source']} -> {cell['target']}: {cell['observed']}, {cell['reason']}"
            for cell in document["cells"]
            if not cell["ok"]
        ] + [f"verify: {host}: {reason}" for host, reason in document["unreachable_hosts"].items()]

    def _preview(self) -> list[str]:
        return [f"preview: {name}: {action}" for name, action in self.stack.preview().items()]

    def _hosts(self, before: dict[str, dict[str, Any]]) -> list[str]:
        found = look(self.lab)
        limit = time.monotonic() + LOCK_SECONDS
        while any(found[host]["locks"] for host in HOSTS) and time.monotonic() < limit:
            time.sleep(3)
            found = look(self.lab)
        state = read_state(self.stack)
        lines = []
        for host in HOSTS:
            now = others(found[host])
            lines += [f"of others: {host}: {line}" for line in changed(before[host], now)]
            left = orphans(host, found[host], state, [f"{site.FABRIC}-data", "data"], self.baseline[host]["files"])
            lines += [f"orphan: {line}" for line in left]
        lines += [f"orphan: lock file {name} of the backend" for name in state.locks]
        lines += [f"orphan: pending operation {urn}" for urn in state.pending]
        lines += [f"orphan: process {line}" for line in left_processes(self.lab)]
        if not lines:
            self.baseline = found
        return lines


def _read(process: subprocess.Popen[str], output: list[str]) -> None:
    if process.stdout is not None:
        with process.stdout:
            output.extend(process.stdout)


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls in parallel and return what they return; raise what the first of them raises."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [call.result() for call in [pool.submit(call) for call in calls]]
