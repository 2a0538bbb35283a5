"""Time, CPU time and memory of a real `pulumi preview` of 100 hosts, in a temporary project; no host is contacted.

It prints where the CPU time goes (the program, the engine, the plugins), the peak of the memory of all processes together as PSS
(shared pages are counted once), how many processes there are, and whether the time grows as the containers do.

Usage: python -m bench.preview [--hosts 100] [--per-host 3 --per-host 10]. Exit status 1 when a size exceeds its
limits; seconds count only on a machine that does nothing else.
"""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table

from bench.project import ROOT, link_program, many_hosts

TIME_LIMIT: Final = 1800
"""Seconds for one preview."""
EVERY: Final = 0.2
"""Seconds between two looks at the CPU time of the processes; what one uses after the last look at it is in the row `not seen`."""
MEMORY_EVERY: Final = 1.0
"""Seconds between two looks at the memory: the kernel walks all pages of a process for it."""

CREATED: Final = re.compile(r"\+ (\d+) to create")
PROGRAM: Final = "program"
OTHER: Final = "other"
KINDS: Final[Mapping[str, str]] = {
    "pulumi": "engine",
    "pulumi-language-python": "language host",
    "pulumi-resource-docker": "docker plugins",
    "pulumi-resource-command": "command plugin",
}
"""Name of an executable -> the row of its processes. The program and our plugin, both Python, are told apart by arguments."""

LIMITED: Final = (100, 1000)
"""Hosts and containers of the size that has limits."""
MOST_PROGRAM_CPU, MOST_SECONDS, MOST_PSS = 15.0, 40.0, 2000.0
"""They are: CPU seconds of the program; seconds, on two cores that do nothing else; PSS in MB."""
MOST_GROWTH: Final = 0.15
"""Limit of the growth above a linear one, from the first size to the last."""

console = Console()


def stack_config(hosts: int, per_host: int) -> dict[str, Any]:
    """Return the sections of a stack file: every service runs on every host, and the first one is published."""
    return {
        "fabric": {"name": "ipvlanl2", "mode": "l2", "subnet": "10.0.0.0/8", "gateway": "10.0.0.1"},
        "hosts": many_hosts(hosts),
        "services": {
            f"service-{number}": {
                "image": "registry.lab:5000/service@sha256:" + "0" * 64,
                "offset": number + 1,
                **({"ports": ["80:80"], "published": True} if number == 0 else {}),
            }
            for number in range(per_host)
        },
    }


@dataclass
class Usage:
    """What the processes of one preview used."""

    cpu: dict[str, float] = field(default_factory=dict)
    """Kind of process -> CPU seconds."""
    count: dict[str, int] = field(default_factory=dict)
    """Kind of process -> how many there were."""
    pss: dict[str, float] = field(default_factory=dict)
    """Kind of process -> PSS in MB when that of all together was greatest."""

    @property
    def peak(self) -> float:
        """The greatest PSS of all processes together, in MB."""
        return sum(self.pss.values())


class Watch:
    """Looks at a process and all its descendants until it is stopped."""

    def __init__(self, pid: int) -> None:
        self._root = pid
        self._seen: dict[tuple[int, str], tuple[str, float]] = {}
        self._pss: dict[str, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self) -> Usage:
        """Stop looking, and return what was seen."""
        self._stop.set()
        self._thread.join()
        usage = Usage(pss=self._pss)
        for kind, seconds in self._seen.values():
            usage.cpu[kind] = usage.cpu.get(kind, 0.0) + seconds
            usage.count[kind] = usage.count.get(kind, 0) + 1
        return usage

    def _run(self) -> None:
        memory_at = 0.0
        while not self._stop.is_set():
            pids = self._look()
            if time.monotonic() >= memory_at:
                self._look_at_memory(pids)
                memory_at = time.monotonic() + MEMORY_EVERY
            self._stop.wait(EVERY)

    def _look(self) -> dict[int, str]:
        """Note the CPU time of each process; return pid -> kind."""
        stats: dict[int, list[str]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and (text := _read(entry / "stat")):
                # The second field is the name in parentheses, which may hold anything.
                stats[int(entry.name)] = text.rpartition(")")[2].split()
        kinds = {}
        for pid in _tree(self._root, {pid: int(fields[1]) for pid, fields in stats.items()}):
            fields = stats[pid]
            seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
            # The start time tells a reused id. One that has ended has no arguments any more.
            key, arguments = (pid, fields[19]), _read(Path(f"/proc/{pid}/cmdline"))
            kinds[pid] = kind_of(arguments.split("\0")) if arguments else self._seen.get(key, (OTHER, 0.0))[0]
            # Where a process becomes another program, its time goes with it.
            self._seen[key] = (kinds[pid], seconds)
        return kinds

    def _look_at_memory(self, pids: Mapping[int, str]) -> None:
        found: dict[str, float] = {}
        for pid, kind in pids.items():
            lines = _read(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
            kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
            found[kind] = found.get(kind, 0.0) + kilobytes / 1024
        if sum(found.values()) > sum(self._pss.values()):
            self._pss = found


def _read(path: Path) -> str:
    """Return the text of a file in /proc; empty where the process is gone."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _tree(root: int, parents: Mapping[int, int]) -> list[int]:
    """Return a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    found, todo = [], [root] if root in parents else []
    while todo:
        pid = todo.pop()
        found.append(pid)
        todo += children.get(pid, [])
    return found


def kind_of(arguments: Sequence[str]) -> str:
    """Return the row of a process with these arguments; those of an interpreter have the script behind it."""
    names = [Path(argument).name for argument in arguments[:4]]
    if "pulumi-language-python-exec" in names:
        return PROGRAM
    for name in names[:2]:
        if name in KINDS:
            return KINDS[name]
    if "pulumi-resource-ipvlan-fabric" in names or any(Path(each).parent.name == "provider" for each in arguments[:4]):
        return "our plugin"
    return OTHER


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One preview."""

    containers: int
    resources: int
    seconds: float
    cpu: float
    """CPU seconds of all processes, also those that were not seen."""
    usage: Usage


def project(folder: Path, hosts: int, per_host: int) -> Mapping[str, str]:
    """Write a project with an empty stack `dev` into a folder; return the environment of its commands."""
    link_program(folder)
    config = {f"ipvlan-fabric:{key}": value for key, value in stack_config(hosts, per_host).items()}
    # JSON is YAML.
    (folder / "Pulumi.dev.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")
    (folder / "backend").mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "DOCKER_"))}
    environment = kept | {
        "PULUMI_BACKEND_URL": f"file://{folder}/backend",
        "PULUMI_CONFIG_PASSPHRASE": "bench",
    }
    _run(["stack", "init", "dev", "--no-select"], folder, environment)
    return environment


def _command(*arguments: str) -> list[str]:
    return [str(ROOT / "toolchain" / "run"), "pulumi", *arguments, "--non-interactive", "--color", "never"]


def _run(arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
    subprocess.run(
        _command(*arguments), cwd=folder, env=environment, check=True, timeout=TIME_LIMIT, stdout=subprocess.DEVNULL
    )


def measure(hosts: int, per_host: int) -> Measured:
    """Preview a new stack of that size.

    Raises:
        CalledProcessError: The preview fails; its output is printed.
    """
    with tempfile.TemporaryDirectory(prefix="ipvlan-fabric-bench-") as name:
        folder = Path(name)
        environment = project(folder, hosts, per_host)
        printed = folder / "printed"
        before, begin = _children_cpu(), time.monotonic()
        with (
            printed.open("w", encoding="utf-8") as output,
            subprocess.Popen(
                _command("preview", "--stack", "dev"), cwd=folder, env=environment, stdout=output
            ) as process,
        ):
            watch = Watch(process.pid)
            try:
                status = process.wait(TIME_LIMIT)
            except subprocess.TimeoutExpired:
                process.terminate()
                raise
            finally:
                usage = watch.end()
        seconds, cpu = time.monotonic() - begin, _children_cpu() - before
        if status:
            console.print(printed.read_text(encoding="utf-8")[-3000:], markup=False)
            raise subprocess.CalledProcessError(status, "pulumi preview")
        resources = int(CREATED.findall(printed.read_text(encoding="utf-8"))[-1])
    return Measured(containers=hosts * per_host, resources=resources, seconds=seconds, cpu=cpu, usage=usage)


def _children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def table(results: Sequence[Measured]) -> Table:
    """Return the table of all sizes."""
    made = Table("", *(f"{each.containers} containers" for each in results))
    made.add_row("resources", *(str(each.resources) for each in results))
    made.add_row("seconds", *(f"{each.seconds:.1f}" for each in results))
    made.add_row("CPU seconds", *(f"{each.cpu:.1f}" for each in results))
    kinds = sorted({kind for each in results for kind in each.usage.cpu})
    for kind in kinds:
        made.add_row(
            f"  {kind}",
            *(
                f"{each.usage.cpu.get(kind, 0):.1f} s, {each.usage.count.get(kind, 0)} processes, "
                f"{each.usage.pss.get(kind, 0):.0f} MB"
                for each in results
            ),
        )
    made.add_row("  not seen", *(f"{each.cpu - sum(each.usage.cpu.values()):.1f} s" for each in results))
    made.add_row("PSS at its peak", *(f"{each.usage.peak:.0f} MB" for each in results))
    return made


def above_linear(smaller: Measured, larger: Measured) -> float:
    """Return by how much the CPU time of the program grows more than its resources do, from one size to the other: 0 is linear.

    What both take before they declare anything counts for both, so this errs to the good side for small stacks.
    """
    times = larger.usage.cpu.get(PROGRAM, 0.0) / smaller.usage.cpu.get(PROGRAM, 0.0)
    return times / (larger.resources / smaller.resources) - 1


def missed(results: Sequence[Measured], hosts: int) -> list[str]:
    """Return which limits are exceeded; of the sizes for which there are none, nothing."""
    first, last = results[0], results[-1]
    found = []
    if len(results) > 1 and (more := above_linear(first, last)) > MOST_GROWTH:
        found.append(f"the program's CPU time grows {more:.0%} more than the resources do ({MOST_GROWTH:.0%})")
    if (hosts, last.containers) == LIMITED:
        for what, value, most in (
            ("CPU seconds of the program", last.usage.cpu.get(PROGRAM, 0.0), MOST_PROGRAM_CPU),
            ("seconds", last.seconds, MOST_SECONDS),
            ("MB of PSS", last.usage.peak, MOST_PSS),
        ):
            if value > most:
                found.append(f"{value:.1f} {what} ({most:.0f})")
    return found


def main(
    hosts: Annotated[int, typer.Option(help="Hosts of each stack.")] = 100,
    per_host: Annotated[list[int] | None, typer.Option(help="Containers on each host; each is a size.")] = None,
) -> None:
    """Measure and print the table."""
    results = []
    for count in per_host or [3, 10]:
        console.print(f"== {hosts} hosts, {hosts * count} containers")
        results.append(measure(hosts, count))
    # Wide enough for the table, also where the output goes to a file.
    Console(width=max(console.width, 110)).print(table(results))
    exceeded = missed(results, hosts)
    for each in exceeded:
        console.print(f"exceeds its limit: {each}")
    raise typer.Exit(1 if exceeded else 0)


if __name__ == "__main__":
    typer.run(main)
