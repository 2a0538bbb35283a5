"""Comments on merge requests, against a server that answers as GitLab does: which text is taken, which note is replaced."""

from __future__ import annotations

import http.server
import json
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tools import comment, mr_comment
from tools.mr_comment import MARKER, checked

SHA = "a" * 40
TOKEN = "the token"
REPORT = f"{MARKER}\nall well\n"


class FakeGitLab(http.server.ThreadingHTTPServer):
    """One project, with what the test puts there; it notes what is written."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.artifacts = {11: REPORT}
        self.notes: list[dict[str, Any]] = []
        self.pipelines = [{"id": 1, "sha": SHA, "project_id": 7}]
        self.written: list[tuple[str, str, str]] = []
        self.storage_headers: list[dict[str, str]] = []

    def answer(self, path: str, page: int) -> Any:
        """Return what a GET gets: a list is one page, and the page after the last is empty."""
        if path == "/user":
            return {"id": 5}
        project = path.removeprefix("/projects/7")
        if page > 2:
            return []
        # The second page of the requests, so that there is a list with more than one.
        request = {"iid": page, "sha": SHA if page == 2 else "b" * 40, "target_project_id": 7}
        lists: dict[str, list[dict[str, Any]]] = {
            "/merge_requests": [request],
            "/merge_requests/1/pipelines": self.pipelines,
            "/merge_requests/2/pipelines": self.pipelines,
            "/merge_requests/2/notes": self.notes,
            "/pipelines/1/jobs": [{"id": 10, "name": "checks"}, {"id": 11, "name": "preview", "artifacts_file": {}}],
        }
        lists["/pipelines/1/jobs"][1]["artifacts_file"] = {"filename": "artifacts.zip"}
        return lists[project]


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers, and refuses who has not the token."""

    server: FakeGitLab

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""

    def do_GET(self) -> None:
        """Answer a list, an object, or an artifact, which is in a storage elsewhere."""
        path, _, query = self.path.partition("?")
        if path == "/storage":
            self.server.storage_headers.append(dict(self.headers))
            return self._send(200, self.server.artifacts[11].encode())
        if self.headers["PRIVATE-TOKEN"] != TOKEN:
            return self._send(401, b"{}")
        if path.endswith("/artifacts/comment/comment.md"):
            return self._send(302, b"", Location="/storage")
        number = re.search(r"(?<!per_)page=(\d+)", query)
        page = int(number[1]) if number else 1
        more = "2" if path == "/projects/7/merge_requests" and page == 1 else ""
        return self._send(200, json.dumps(self.server.answer(path, page)).encode(), **{"X-Next-Page": more})

    def _write(self) -> None:
        length = int(self.headers["Content-Length"])
        body = json.loads(self.rfile.read(length))["body"]
        self.server.written.append((self.command, self.path.removeprefix("/projects/7"), body))
        self._send(201, b"{}")

    do_POST = do_PUT = _write  # noqa: N815  # the names that http.server calls

    def _send(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in ({"Content-Length": str(len(body))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def gitlab(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeGitLab]:
    """Start the server, and give the program the environment of a job."""
    with FakeGitLab() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        monkeypatch.setenv("CI_API_V4_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("CI_PROJECT_ID", "7")
        monkeypatch.setenv("MR_COMMENT_TOKEN", TOKEN)
        yield server
        server.shutdown()
        thread.join()


def note(number: int, author: int, body: str = MARKER) -> dict[str, Any]:
    """Return a note as the API has it."""
    return {"id": number, "author": {"id": author}, "system": False, "body": body}


def test_the_report_of_the_last_commit_becomes_a_note(gitlab: FakeGitLab) -> None:
    """A request whose last commit has no preview yet gets none. The token does not follow a redirect to a storage."""
    assert mr_comment.main() == 0
    assert gitlab.written == [("POST", "/merge_requests/2/notes", REPORT)]
    (headers,) = gitlab.storage_headers
    assert TOKEN not in headers.values()


def test_only_the_own_note_is_replaced(gitlab: FakeGitLab) -> None:
    """A note of somebody else with our marker stays, as does an own one without it."""
    gitlab.notes = [note(21, author=6), note(22, author=5, body="hello"), note(23, author=5)]
    assert mr_comment.main() == 0
    assert gitlab.written == [("PUT", "/merge_requests/2/notes/23", REPORT)]
    gitlab.written.clear()
    gitlab.notes[2]["body"] = REPORT.rstrip()
    assert mr_comment.main() == 0
    assert gitlab.written == []


def test_a_pipeline_in_a_fork_is_not_taken(gitlab: FakeGitLab) -> None:
    """Its project is another, whose job could be anything, and to which the token does not belong."""
    gitlab.pipelines = [{"id": 1, "sha": SHA, "project_id": 8}]
    assert mr_comment.main() == 0
    assert gitlab.written == []


@pytest.mark.parametrize("text", ["all well\n", f"{MARKER}\n{'x' * 70_000}", ""])
def test_another_text_is_refused(gitlab: FakeGitLab, capsys: pytest.CaptureFixture[str], text: str) -> None:
    """What make pr-preview did not write is not posted, and the job fails."""
    gitlab.artifacts[11] = text
    assert mr_comment.main() == 1
    assert gitlab.written == []
    assert "merge request 2: no comment: it is not what make pr-preview wrote" in capsys.readouterr().err


def test_no_line_is_a_quick_action() -> None:
    """GitLab executes a line that begins with a slash, also in a note that comes through its API; a line break may be a CR."""
    text = checked(f"{MARKER}\n/close\n  /merge\r/approve\r\n```\n/label ~x\n```\na /b\n")
    assert not re.search(r"^\s*/", text, re.MULTILINE)
    assert [line.replace("\u200b", "") for line in text.split("\n") if "/" in line] == [
        "/close",
        "  /merge",
        "/approve",
        "/label ~x",
        "a /b",
    ]


def test_the_marker_is_that_of_the_preview() -> None:
    """The tool imports nothing of the project, so it has the marker once more."""
    assert comment.MARKER == MARKER
