"""A client that asks every host for its page ten times a second, and says for how long nobody answered.

As a program (`python -m tests.support.page_recorder NAME=URL...`) it asks, and prints a line `NAME END OUTCOME` per answer: the
reading of this machine's monotonic clock when the answer came, in seconds, and `ok`, `down` or `late`. `PageRecorder` starts that
program in the client of a lab, which the hosts know, and reads its lines.

A gap lasts from the last page before a failure to the first page after it.

Out of scope: which gap a test allows.
"""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition, Thread
from typing import Final, Literal, Self
from urllib.parse import urlsplit

from lab.harness import ROOT, Lab

INTERVAL: Final = 0.1
"""Seconds between two requests to one host."""
TIMEOUT: Final = 0.5
"""Seconds for an answer."""
LATE_LIMIT: Final = 2.0
"""Seconds. A shorter gap in which every request timed out, and none was refused, is lateness and not an outage: a host under
emulation that is busy answers late. While a container is away, the host refuses at once."""

Outcome = Literal["ok", "down", "late"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request."""

    at: float
    """When it ended; seconds of the monotonic clock."""
    outcome: Outcome
    """`down`: refused, reset, or not the page; `late`: no answer within TIMEOUT."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A time without a page."""

    began: float
    """The last page before; seconds of the monotonic clock."""
    ended: float
    """The first page after; the end of the record where there is none."""
    outage: bool
    """Whether the host was down; otherwise it answered late."""

    @property
    def seconds(self) -> float:
        """Return its length in seconds."""
        return self.ended - self.began


@dataclass(frozen=True, slots=True)
class Figures:
    """What the record of one host says of a stretch of time."""

    gaps: tuple[Gap, ...]
    """Its outages, in order."""
    slowest: float
    """The longest wait for a page without an outage, in seconds; 0 where every page came in time."""
    pages: int
    """How many pages came."""

    @property
    def longest(self) -> float:
        """Return the longest outage in seconds; 0 without one."""
        return max((gap.seconds for gap in self.gaps), default=0.0)


def figures(answers: Sequence[Answer], began: float, ended: float) -> Figures:
    """Return the figures of one host between two readings of the monotonic clock.

    Args:
        answers: Of that host, in order.
        began: Answers before do not count, but the last page before is where a first gap begins.
        ended: Answers after do not count, but the first page after is where a last gap ends.
    """
    first = max((number for number, one in enumerate(answers) if one.at <= began and one.outcome == "ok"), default=0)
    found: list[Gap] = []
    failed: list[Answer] = []
    last_page = began
    pages = 0
    for one in answers[first:]:
        if one.outcome != "ok":
            if one.at <= ended:
                failed.append(one)
            continue
        if failed:
            found.append(_gap(last_page, one.at, failed))
            failed = []
        if one.at > ended:
            break
        last_page = one.at
        pages += one.at >= began
    if failed:
        found.append(_gap(last_page, ended, failed))
    # A gap that was over before the stretch is none of it.
    found = [gap for gap in found if gap.ended > began]
    late = [gap.seconds for gap in found if not gap.outage]
    return Figures(gaps=tuple(gap for gap in found if gap.outage), slowest=max(late, default=0.0), pages=pages)


def _gap(began: float, ended: float, failed: Sequence[Answer]) -> Gap:
    outage = ended - began >= LATE_LIMIT or any(one.outcome == "down" for one in failed)
    return Gap(began=began, ended=ended, outage=outage)


@dataclass(slots=True)
class Watch:
    """A stretch of the record; its figures are complete when the stretch is over."""

    began: float
    hosts: dict[str, Figures] = field(default_factory=dict)
    """Host -> its figures."""

    def longest(self, host: str) -> float:
        """Return the longest outage of a host in seconds; 0 without one."""
        return self.hosts[host].longest

    def gaps(self, host: str) -> tuple[Gap, ...]:
        """Return the outages of a host, in order."""
        return self.hosts[host].gaps


class PageRecorder:
    """The program above, running; a context manager.

    `during()` gives the figures of what is done in its block:

        with PageRecorder.of_lab(lab, urls) as recorder, recorder.during() as watch:
            ...
        assert watch.longest("docker-2") == 0
    """

    def __init__(
        self, urls: Mapping[str, str], enter: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        """Prepare.

        Args:
            urls: Host -> the page to ask for.
            enter: The command that runs a program where the hosts can be reached.
            environment: Of that command; by default this process's.
        """
        self._command = [
            *enter,
            sys.executable,
            "-m",
            "tests.support.page_recorder",
            *(f"{name}={url}" for name, url in urls.items()),
        ]
        self._environment = environment
        self._answers: dict[str, list[Answer]] = {name: [] for name in urls}
        self._news = Condition()
        """Guards the answers; notified at each."""

    @classmethod
    def of_lab(cls, lab: Lab, urls: Mapping[str, str]) -> Self:
        """Return a recorder in the client of a lab."""
        return cls(urls, enter=[str(ROOT / "lab" / "exec")], environment={**os.environ, "LAB_NAME": lab.name})

    def __enter__(self) -> Self:
        """Start it."""
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = Thread(target=self._read, daemon=True)
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # It ends by itself when its standard input does.
        self._process.stdin.close()
        self._process.wait(timeout=20)
        self._reader.join(timeout=20)
        self._process.stdout.close()

    @contextmanager
    def during(self) -> Iterator[Watch]:
        """Give the figures of what is done in the block; wait before it and after it until every host was asked once more."""
        self._wait_for_each(time.monotonic())
        watch = Watch(began=time.monotonic())
        try:
            yield watch
        finally:
            ended = time.monotonic()
            self._wait_for_each(ended)
            with self._news:
                watch.hosts = {name: figures(answers, watch.began, ended) for name, answers in self._answers.items()}

    def wait_for_pages(self, seconds: float) -> None:
        """Wait until every host gives its page; fail after `seconds`."""
        since = time.monotonic()
        self._wait(lambda answers: answers[-1].at > since and answers[-1].outcome == "ok", seconds)

    def _wait_for_each(self, moment: float) -> None:
        self._wait(lambda answers: answers[-1].at > moment, 20)

    def _wait(self, enough: Callable[[list[Answer]], bool], seconds: float) -> None:
        with self._news:
            arrived = self._news.wait_for(
                lambda: all(answers and enough(answers) for answers in self._answers.values()), timeout=seconds
            )
        last = {name: answers[-1:] for name, answers in self._answers.items()}
        assert arrived, f"not within {seconds:.0f} s; exit status {self._process.poll()}; the last answers: {last}"

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            name, at, outcome = line.split()
            with self._news:
                self._answers[name].append(Answer(float(at), _outcome(outcome)))
                self._news.notify_all()


def _outcome(text: str) -> Outcome:
    match text:
        case "ok" | "down" | "late":
            return text
        case _:
            raise ValueError(text)


def ask(url: str) -> Outcome:
    """Ask for a page, over a new connection."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        connection.request("GET", parts.path or "/")
        return "ok" if connection.getresponse().status == 200 else "down"
    except TimeoutError:
        return "late"
    except (OSError, http.client.HTTPException):
        return "down"
    finally:
        connection.close()


def record(name: str, url: str) -> None:
    """Ask for a page every INTERVAL, for ever, and print what becomes of each request."""
    due = time.monotonic()
    while True:
        outcome = ask(url)
        now = time.monotonic()
        # One write per line: the threads share the output.
        sys.stdout.write(f"{name} {now:.3f} {outcome}\n")
        sys.stdout.flush()
        due = max(due + INTERVAL, now)
        time.sleep(due - now)


def main(arguments: Sequence[str]) -> int:
    """Record every `NAME=URL`, until the standard input ends."""
    for argument in arguments:
        name, _, url = argument.partition("=")
        Thread(target=record, args=(name, url), daemon=True).start()
    sys.stdin.read()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
