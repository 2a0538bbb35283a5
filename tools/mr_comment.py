"""Put the report of each open merge request on it, in place of the previous one (make mr-comment).

GitLab runs it in a scheduled pipeline of the default branch (.gitlab-ci.yml, docs/pull-requests.md). The report is made by
tools.trusted_report, from the merge request's commit as data. Its previews are those of comment/comment.md of the job `preview` in
the newest pipeline of that commit, which the merge request's own code wrote: they are text in the comment.
Needs CI_API_V4_URL and CI_PROJECT_ID, which GitLab sets, and MR_COMMENT_TOKEN: a project access token with the scope `api` and
the role Reporter, in a protected variable. Uses the standard library only, and what it starts has not the token in its environment.
Exit status 1 when a merge request could not be given its comment; the others have theirs.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
REPORT = [str(PROJECT / ".venv" / "bin" / "python"), "-m", "tools.trusted_report"]
"""Has the packages of the project; this program has none."""
MARKER = "<!-- ipvlan-fabric: pull request -->"
"""The first line of what make pr-preview writes."""
JOB, ARTIFACT = "preview", "comment/comment.md"
LONGEST = 65_536
"""Characters of a comment."""
SECONDS = 30
TIME_LIMIT = 120
"""Seconds for fetching a merge request, and for its report."""
QUICK_ACTION = re.compile(r"^([ \t]*)/", re.MULTILINE)
"""What GitLab executes with the rights of the token, `/close` for one (Gitlab::QuickActions::Extractor), also through its API."""


class GitLab:
    """The API of one project."""

    def __init__(self, address: str, project: str, token: str) -> None:
        self._base = f"{address}/projects/{urllib.parse.quote(project, safe='')}"
        self._address, self._token = address, token

    def raw(
        self, path: str, *, method: str = "GET", data: dict[str, str] | None = None, base: str | None = None
    ) -> Any:
        """Return the open answer of a request."""
        request = urllib.request.Request(  # noqa: S310  # the address is GitLab's own, from its variable
            f"{base or self._base}{path}",
            method=method,
            data=None if data is None else json.dumps(data).encode(),
            headers={"Content-Type": "application/json"},
        )
        # Not sent on to where an answer redirects: artifacts may be in an object storage of somebody else.
        request.add_unredirected_header("PRIVATE-TOKEN", self._token)
        return urllib.request.urlopen(request, timeout=SECONDS)  # noqa: S310

    def one(self, path: str, **options: Any) -> Any:
        """Return the answer as JSON."""
        with self.raw(path, **options) as answer:
            return json.load(answer)

    def user(self) -> int:
        """Return the id of the token's user."""
        found: int = self.one("/user", base=self._address)["id"]
        return found

    def pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what a list has, page by page."""
        page: str | None = "1"
        while page:
            with self.raw(f"{path}{'&' if '?' in path else '?'}per_page=100&page={page}") as answer:
                yield from json.load(answer)
                page = answer.headers.get("X-Next-Page")


def comment_of(gitlab: GitLab, request: dict[str, Any]) -> str:
    """Return the report of the merge request's last commit, with the previews of its own code where there are any."""
    base, head = (f"refs/reviewed/{int(request['iid'])}/{name}" for name in ("base", "head"))
    fetched = [
        f"+refs/heads/{request['target_branch']}:{base}",
        f"+refs/merge-requests/{int(request['iid'])}/head:{head}",
    ]
    _run(["git", "fetch", "--quiet", "--no-tags", "origin", *fetched], PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        preview, out = Path(folder, "preview.md"), Path(folder, "comment.md")
        preview.write_bytes(preview_of(gitlab, request))
        files = ["--preview", str(preview), "--out", str(out), "--project", str(PROJECT)]
        _run([*REPORT, "--base", base, "--head", request["sha"], *files], PROJECT)
        return checked(out.read_text(encoding="utf-8"))


def preview_of(gitlab: GitLab, request: dict[str, Any]) -> bytes:
    """Return what the job of the merge request's last commit wrote, or nothing: it is no text of ours."""
    for pipeline in gitlab.pages(f"/merge_requests/{request['iid']}/pipelines"):
        # A pipeline of a fork is in the fork's project.
        if pipeline["sha"] != request["sha"] or pipeline["project_id"] != request["target_project_id"]:
            continue
        for job in gitlab.pages(f"/pipelines/{pipeline['id']}/jobs"):
            if job["name"] == JOB and job.get("artifacts_file"):
                try:
                    with gitlab.raw(f"/jobs/{job['id']}/artifacts/{ARTIFACT}") as answer:
                        return bytes(answer.read(4 * LONGEST + 1))
                except urllib.error.HTTPError as error:
                    # The job ended before it wrote the file, or the artifact is too old.
                    if error.code != 404:
                        raise
    return b""


def _run(command: list[str], folder: Path) -> None:
    """Run a program without the token; raise ValueError with what it said."""
    environment = {name: value for name, value in os.environ.items() if name != "MR_COMMENT_TOKEN"}
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        timeout=TIME_LIMIT,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise ValueError(f"{command[0]} ended with {done.returncode}: {done.stderr.decode('utf-8', 'replace').strip()}")


def checked(text: str) -> str:
    """Return the text as a comment that gives no command, or fail."""
    if text.partition("\n")[0] != MARKER or len(text) > LONGEST:
        raise ValueError("it is no comment of ours")
    # A zero-width space: it is no white space for GitLab, so the line does not begin with the slash.
    return QUICK_ACTION.sub("\\1\u200b/", text.replace("\r", "\n")).replace("\x00", "")


def put(gitlab: GitLab, user: int, request: dict[str, Any], text: str) -> None:
    """Put the comment on the merge request, in place of the token's own with our marker: anybody may write our marker."""
    notes = f"/merge_requests/{request['iid']}/notes"
    for note in gitlab.pages(f"{notes}?sort=asc&order_by=created_at"):
        if note["author"]["id"] == user and not note["system"] and note["body"].startswith(MARKER):
            if note["body"].rstrip() != text.rstrip():
                gitlab.one(f"{notes}/{note['id']}", method="PUT", data={"body": text})
            return
    gitlab.one(notes, method="POST", data={"body": text})


def main() -> int:
    """Go through the open merge requests; return the exit status."""
    missing = [name for name in ("CI_API_V4_URL", "CI_PROJECT_ID", "MR_COMMENT_TOKEN") if not os.environ.get(name)]
    if missing:
        sys.stderr.write(f"tools.mr_comment: {', '.join(missing)} not set: it runs in a job of GitLab\n")
        return 2
    gitlab = GitLab(*(os.environ[name] for name in ("CI_API_V4_URL", "CI_PROJECT_ID", "MR_COMMENT_TOKEN")))
    failed = False
    user = gitlab.user()
    for request in gitlab.pages("/merge_requests?state=opened&scope=all"):
        try:
            put(gitlab, user, request, comment_of(gitlab, request))
        except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
            failed = True
            # In ASCII and on one line: the text may be that of a server or of a file.
            sys.stderr.write(f"merge request {request['iid']}: no comment: {str(error)!a}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
