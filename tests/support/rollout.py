"""A service that is changed on both hosts of the lab while a client asks for its page, and the figures of each change.

The service is `web`: Debian's nginx on both hosts, published on port 80. `Rollouts.up` runs one `pulumi up` and says what came of
it: the gaps per host, the container that runs afterwards, the printed text.

Out of scope: which outcome is right; the tests say that.
"""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal

from lab.harness import ADDRESSES, HOSTS, TRACEBACK, Lab, Result, Stack
from tests.support.lab_commands import in_parallel
from tests.support.page_recorder import Gap, PageRecorder, Watch

# Written out, and not those of the code: hosts have them, so no later version may change them.
PREVIOUS_LABEL: Final = "ipvlan-fabric.previous"
"""Label of a copy of a container; the one that runs under the service's name was restored."""
OURS_BESIDE: Final = re.compile(r"\.ipvlan-(previous|failed|rehearsal)$")
"""The names that a rollout gives to what it keeps beside a container."""

WEB: Final = "web"
PLANNED: Final = {"docker-1": "10.1.1.2", "docker-2": "10.1.2.2"}
"""The addresses of `web` in the fabric."""
MOST_GAP: Final = 60.0
"""The longest gap where a container is replaced, and where one is restored whose replacement fails at once. Docker alone takes up
to 14 s here to stop one container and start another: the hosts are emulated. The figures are in docs/rollout.md."""
STARTS: Final = 120.0
"""Seconds until a page comes after an `up` that succeeded; the hosts are emulated."""

Action = Literal["same", "new", "restored", "restarted", "stopped", "missing"]
"""What a change did to a container: it runs on untouched, another runs, the previous one runs again, it was started again; or it
does not run, or is not there."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container on a host, running or not."""

    id: str
    started: str
    """When it was started, as Docker writes it."""
    running: bool
    restarts: int
    """How often Docker started it again."""
    command: tuple[str, ...]
    environment: tuple[str, ...]
    """`NAME=VALUE` of each variable."""
    labels: Mapping[str, str]
    address: str
    """In the fabric, as Docker has it; "" while it is stopped."""
    policy: str
    """Restart policy."""


def containers(lab: Lab) -> dict[str, dict[str, Container]]:
    """Return host -> name -> every container, the stopped ones too."""
    found: dict[str, dict[str, Container]] = {}
    in_parallel(*(partial(_inspect, lab, host, found) for host in HOSTS))
    return found


def _inspect(lab: Lab, host: str, found: dict[str, dict[str, Container]]) -> None:
    documents = json.loads(lab.ssh(host, "docker ps -aq --no-trunc | xargs -r docker inspect") or "[]")
    found[host] = {document["Name"].removeprefix("/"): _container(document) for document in documents}


def _container(document: Mapping[str, Any]) -> Container:
    config, state = document["Config"], document["State"]
    network = document["NetworkSettings"]["Networks"].get("ipvlanl2") or {}
    return Container(
        id=document["Id"],
        started=state["StartedAt"],
        running=state["Running"] and not state["Restarting"],
        restarts=document["RestartCount"],
        command=tuple(config["Cmd"] or ()),
        environment=tuple(config["Env"] or ()),
        labels=config["Labels"] or {},
        address=network.get("IPAddress") or "",
        policy=document["HostConfig"]["RestartPolicy"]["Name"],
    )


def beside(lab: Lab) -> list[str]:
    """Return `host/name` of every container that a rollout keeps beside another."""
    return [f"{host}/{name}" for host, found in containers(lab).items() for name in found if OURS_BESIDE.search(name)]


def action_on(before: Container | None, after: Container | None) -> Action:
    """Return what happened to a container between two looks."""
    if after is None:
        return "missing"
    if not after.running:
        return "stopped"
    if before is not None and (before.id, before.started) == (after.id, after.started):
        return "same"
    # Before the id: one that was restored, set aside and restored again keeps it.
    if PREVIOUS_LABEL in after.labels:
        return "restored"
    return "restarted" if before is not None and before.id == after.id else "new"


@dataclass(frozen=True, slots=True)
class Case:
    """One `up`, and what came of it."""

    name: str
    output: str
    """What it printed."""
    watch: Watch
    before: Mapping[str, Mapping[str, Container]]
    after: Mapping[str, Mapping[str, Container]]
    """Host -> name -> container."""

    @property
    def actions(self) -> dict[str, Action]:
        """Return host -> what happened to its `web`."""
        return {host: action_on(self.before[host].get(WEB), self.after[host].get(WEB)) for host in HOSTS}

    @property
    def problem(self) -> str:
        """Return the printed text from the first error of ours on; "" without one."""
        found = re.search(r"IPF\d{3} ", self.output)
        return self.output[found.start() :] if found else ""

    def longest(self, host: str) -> float:
        """Return the longest gap of a host in seconds; 0 without one."""
        return self.watch.longest(host)

    def away(self, host: str) -> Gap:
        """Return the time from a host's first page that was missing to its last one, as one gap; fail where none was missing."""
        gaps = self.watch.gaps(host)
        assert gaps, f"{self.name}: no page of {host} was missing; {self.actions}\n{self.output}"
        return Gap(began=gaps[0].began, ended=gaps[-1].ended, outage=True)

    def assert_untouched(self, *hosts: str) -> None:
        """Assert that `web` of these hosts is the same and was not started again, and that no page was missing there."""
        for host in hosts:
            assert (self.actions[host], self.longest(host)) == ("same", 0.0), f"{self.name}, {host}:\n{self.output}"

    def assert_restored(self, host: str) -> None:
        """Assert that the previous `web` of a host runs again: its command and environment, at its address."""
        assert self.actions[host] == "restored", f"{self.name}, {host}: {self.actions}\n{self.output}"
        before, after = self.before[host][WEB], self.after[host][WEB]
        assert (after.command, after.environment) == (before.command, before.environment)
        assert after.address == PLANNED[host]

    def assert_named(self, *texts: str) -> None:
        """Assert that an error of ours has each text."""
        missing = [text for text in texts if text not in self.problem]
        assert not missing, f"{self.name}: not printed: {missing}\n{self.output}"


@dataclass(slots=True)
class FiguresTable:
    """The figures of every case of a session, as a Markdown table."""

    rows: list[str] = field(default_factory=list)
    file: Path | None = None
    """Where the table is kept as it grows: a run that is ended leaves what it has seen."""

    def add(self, case: Case) -> None:
        """Add a case, to the file too."""
        cells = [case.name]
        for host in HOSTS:
            figures = case.watch.hosts[host]
            web = case.after[host].get(WEB)
            late = f" (slowest page {figures.slowest:.1f} s)" if figures.slowest else ""
            cells += [
                f"{figures.longest:.1f} s in {len(figures.gaps)}{late}",
                f"{case.actions[host]} {'' if web is None else web.id[:12]}".strip(),
            ]
        # The host, and what is wrong: the layout of every error of ours.
        printed = " ".join(line.strip() for line in case.problem.splitlines()[:2])
        cells.append(printed.replace("|", "\\|"))
        self.rows.append(f"| {' | '.join(cells)} |")
        if self.file is not None:
            self.file.parent.mkdir(exist_ok=True)
            self.file.write_text(f"{self.text()}\n", encoding="utf-8")

    def text(self) -> str:
        """Return the table; "" without a case."""
        if not self.rows:
            return ""
        head = ["case", *(f"{host}: {what}" for host in HOSTS for what in ("longest gap, gaps", "runs")), "printed"]
        return "\n".join([f"| {' | '.join(head)} |", "|---" * len(head) + "|", *self.rows])


class Rollouts:
    """The service on the lab, the client that asks for its page, and the table of figures."""

    def __init__(self, lab: Lab, stack: Stack, recorder: PageRecorder, table: FiguresTable) -> None:
        self.lab = lab
        self.stack = stack
        self.recorder = recorder
        self.table = table

    @property
    def services(self) -> dict[str, Any]:
        """Return the services of the config, to change."""
        mapping: dict[str, Any] = self.stack.config["services"]
        return mapping

    @property
    def web(self) -> dict[str, Any]:
        """Return the config of `web`, to change."""
        mapping: dict[str, Any] = self.services[WEB]
        return mapping

    @contextmanager
    def changed(self, **settings: Any) -> Iterator[None]:
        """Change keys of `web`; at the end the config is as before, and so are the hosts."""
        before = copy.deepcopy(self.services)
        self.web.update(settings)
        try:
            yield
        finally:
            self.stack.config["services"] = before
            self.stack.up()
            self.assert_clean()

    def up(self, name: str, *arguments: str, fails: bool = False, timeout: float = 600) -> Case:
        """Run `pulumi up`, which succeeds unless it `fails`; return what came of it, and add it to the table."""
        with self.watched(name) as watched:
            watched.done = self.stack.up(*arguments, check=False, timeout=timeout)
        assert (watched.done.returncode != 0) == fails, f"{name}: {watched.case.actions}\n{watched.case.output}"
        return watched.case

    @contextmanager
    def watched(self, name: str) -> Iterator[Watched]:
        """Record what is done in the block as a case, which is complete after it."""
        watched = Watched()
        before = containers(self.lab)
        with self.recorder.during() as watch:
            yield watched
        assert watched.done is not None
        output = watched.done.stdout + (watched.done.stderr or "")
        assert TRACEBACK not in output, output
        watched.case = Case(name, output, watch, before, containers(self.lab))
        self.table.add(watched.case)

    def assert_clean(self) -> None:
        """Assert that every page comes, at its address, and that a rollout keeps nothing beside a container."""
        self.recorder.wait_for_pages(STARTS)
        found = containers(self.lab)
        assert [f"{host}/{name}" for host in HOSTS for name in found[host] if OURS_BESIDE.search(name)] == []
        assert {host: found[host][WEB].address for host in HOSTS} == PLANNED
        assert not any(PREVIOUS_LABEL in found[host][WEB].labels for host in HOSTS)


def ended(process: subprocess.Popen[str], seconds: float) -> Result:
    """Return the result of a started `up`, when it ends within that time."""
    output, _ = process.communicate(timeout=seconds)
    return subprocess.CompletedProcess(process.args, process.returncode, output, "")


def after_power_cut(lab: Lab, host: str, process: subprocess.Popen[str]) -> Result:
    """Cut the power of a host, and boot it again when the `up` has ended; return that `up`'s result."""
    lab.run("power", host, "cut", timeout=60)
    try:
        return ended(process, 400)
    finally:
        lab.run("power", host, "on", timeout=400)


class Watched:
    """A case that is being recorded."""

    done: Result | None = None
    """The finished `up`; the block sets it."""
    case: Case


@contextmanager
def begin(lab: Lab, stack: Stack, table: FiguresTable) -> Iterator[Rollouts]:
    """Bring `web` up on both hosts, with a client that asks for its page."""
    nginx = stack.config["services"]["nginx"]
    stack.config["services"] = {
        WEB: {"image": nginx["image"], "offset": 2, "ports": ["80:80"], "published": True},
    }
    stack.up()
    urls = {host: f"http://{address}/" for host, address in ADDRESSES.items()}
    with PageRecorder.of_lab(lab, urls) as recorder:
        recorder.wait_for_pages(STARTS)
        yield Rollouts(lab, stack, recorder, table)
