"""Put the report of each open merge request on it, in place of the previous one (make mr-comment).

GitLab runs it in a scheduled pipeline of the default branch (.gitlab-ci.yml, docs/pull-requests.md). It takes comment/comment.md of
the job `preview` in the newest pipeline of the merge request's last commit, as data: nothing of it is run.
Needs CI_API_V4_URL and CI_PROJECT_ID, which GitLab sets, and MR_COMMENT_TOKEN: a project access token with the scope `api` and
the role Reporter, in a protected variable. Uses the standard library only, so that nothing else has the token.
Exit status 1 when a merge request could not be given its comment; the others have theirs.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

MARKER = "<!-- ipvlan-fabric: pull request -->"
"""The first line of what make pr-preview writes."""
JOB, ARTIFACT = "preview", "comment/comment.md"
LONGEST = 65_536
"""Characters of a comment; what is longer was not written by make pr-preview."""
SECONDS = 30
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


def comment_of(gitlab: GitLab, request: dict[str, Any]) -> str | None:
    """Return what the preview of the merge request's last commit wrote; None while there is none."""
    for pipeline in gitlab.pages(f"/merge_requests/{request['iid']}/pipelines"):
        # A pipeline of a fork is in the fork's project.
        if pipeline["sha"] != request["sha"] or pipeline["project_id"] != request["target_project_id"]:
            continue
        for job in gitlab.pages(f"/pipelines/{pipeline['id']}/jobs"):
            if job["name"] == JOB and job.get("artifacts_file"):
                with gitlab.raw(f"/jobs/{job['id']}/artifacts/{ARTIFACT}") as answer:
                    text: str = answer.read(4 * LONGEST + 1).decode(errors="replace")
                return checked(text)
    return None


def checked(text: str) -> str:
    """Return the text as a comment that gives no command, or fail."""
    if text.partition("\n")[0] != MARKER or len(text) > LONGEST:
        raise ValueError("it is not what make pr-preview wrote")
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
            text = comment_of(gitlab, request)
            if text is not None:
                put(gitlab, user, request, text)
        except (OSError, ValueError, KeyError) as error:
            failed = True
            sys.stderr.write(f"merge request {request['iid']}: no comment: {error}\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
