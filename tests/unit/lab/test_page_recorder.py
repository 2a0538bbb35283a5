"""What the lab tests of a rollout measure with: the recorder of pages, the events of a host, and the kill of a process tree."""

from __future__ import annotations

import subprocess
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Self

import pytest

from lab.faults import kill_tree
from tests.support.host_events import HostEvents
from tests.support.page_recorder import INTERVAL, LATE_LIMIT, TIMEOUT, Answer, Outcome, PageRecorder, ask, figures
from tests.support.processes import alive, pids_in, wait_for

OFF = 0.8
"""Seconds for which the server of a test is away."""


class Page(BaseHTTPRequestHandler):
    """A server of one page; `/slow` answers too late, `/wrong` with an error."""

    def do_GET(self) -> None:
        """Answer."""
        if self.path == "/slow":
            time.sleep(2 * TIMEOUT)
        self.send_response(500 if self.path == "/wrong" else 200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the base class
        """Print nothing."""


class Server:
    """The page on a port of this machine; a context manager, and it can go away in between."""

    def __enter__(self) -> Self:
        """Serve on any free port."""
        self.port = 0
        self.come()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self.leave()

    @property
    def url(self) -> str:
        """Return the page."""
        return f"http://127.0.0.1:{self.port}/"

    def come(self) -> None:
        """Serve."""
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Page)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def leave(self) -> None:
        """Serve no more: connections are refused."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def test_each_outage_is_measured() -> None:
    """The recorder finds the one outage of the server that went away, with its length, and none of the server that stayed."""
    with (
        Server() as stays,
        Server() as leaves,
        PageRecorder({"stays": stays.url, "leaves": leaves.url}) as recorder,
    ):
        recorder.wait_for_pages(10)
        with recorder.during() as before:
            time.sleep(0.3)
        with recorder.during() as watch:
            began = time.monotonic()
            leaves.leave()
            time.sleep(OFF)
            leaves.come()
            recorder.wait_for_pages(10)
            ended = time.monotonic()
    assert before.longest("stays") == before.longest("leaves") == watch.longest("stays") == 0
    (gap,) = watch.gaps("leaves")
    # The last page before may be an interval old.
    assert OFF <= gap.seconds <= ended - began + 2 * INTERVAL + TIMEOUT
    assert watch.hosts["stays"].pages >= OFF / INTERVAL / 2


def test_what_counts_as_a_page() -> None:
    """Status 200 in time is a page; another status and a refusal are an outage, and silence is lateness."""
    with Server() as page:
        assert ask(page.url) == "ok"
        assert ask(f"{page.url}wrong") == "down"
        assert ask(f"{page.url}slow") == "late"
    assert ask(page.url) == "down"


def answers(*outcomes: tuple[float, Outcome]) -> list[Answer]:
    """Return answers with their times."""
    return [Answer(at, outcome) for at, outcome in outcomes]


def test_figures_of_a_stretch() -> None:
    """A gap counts from the last page before to the first one after, and only where it touches the stretch."""
    record = answers(
        (1.0, "ok"), (1.1, "down"), (1.2, "ok"), (2.0, "ok"), (2.1, "down"), (2.2, "late"), (2.5, "ok"), (2.6, "ok"),
        (3.0, "down"), (3.1, "ok"),
    )  # fmt: skip
    whole = figures(record, 0.0, 9.0)
    assert [round(gap.seconds, 3) for gap in whole.gaps] == [0.2, 0.5, 0.5]
    middle = figures(record, 1.5, 2.7)
    assert ([(gap.began, gap.ended) for gap in middle.gaps], middle.pages) == ([(2.0, 2.5)], 3)
    # It begins before the stretch, and ends after it.
    assert [(gap.began, gap.ended) for gap in figures(record, 2.15, 2.3).gaps] == [(2.0, 2.5)]
    assert figures(record, 2.55, 2.9).gaps == ()
    # It has no end.
    assert figures(answers((1.0, "ok"), (1.1, "down")), 0.5, 4.0).longest == 3.0


def test_lateness_is_no_outage() -> None:
    """Requests that time out are lateness, until they last longer than a busy host explains."""
    short = figures(answers((1.0, "ok"), (1.5, "late"), (1.9, "ok")), 0.5, 2.0)
    assert (short.gaps, round(short.slowest, 3)) == ((), 0.9)
    long = figures(answers((1.0, "ok"), (1.5, "late"), (1.0 + LATE_LIMIT, "ok")), 0.5, 9.0)
    assert (long.longest, long.slowest) == (LATE_LIMIT, 0.0)


def test_events_are_waited_for() -> None:
    """An event is found when it has come or comes later; one that does not come is an error that lists the others."""
    text = "echo create web; sleep 0.3; echo start web; exec sleep 60"
    with HostEvents(["sh", "-c", text]) as events:
        started = events.wait_for("start web", 10)
        assert events.at("create web") < started.at
        with pytest.raises(AssertionError, match=r"no `destroy web` within 0 s, but: \['create web', 'start web'\]"):
            events.wait_for("destroy web", 0.1)


def test_a_killed_tree_is_gone(tmp_path: Path) -> None:
    """A process, its child and its grandchild in a process group of its own are killed, and this process is not."""
    note = f"echo $$ >>{tmp_path}/pids"
    text = f"{note}; setsid sh -c '{note}; sleep 60; true' & sh -c '{note}; sleep 60; true'"
    with subprocess.Popen(["sh", "-c", text]) as process:
        pids = wait_for(lambda: pids_in(tmp_path / "pids", 3))
        killed = kill_tree(process.pid)
        assert set(pids) <= set(killed)
    wait_for(lambda: not any(alive(pid) for pid in killed))
