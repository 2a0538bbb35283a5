"""What people and machines read of a change of files: the report, its limits, and that no line leaves its block."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.changes import Changes
from ipvlan.plan.file_changes import FileChange
from ipvlan.plan.file_diff import unified_diff
from ipvlan.plan.report import Report
from ipvlan.views import file_contents
from ipvlan.views.report import as_markdown
from tests.support.hostile import HOSTILE
from tests.support.json_documents import validate
from tests.support.live_parts import reference_plan
from tests.support.projects import commit_all, ipvlan, write_project
from tests.unit.views.test_hostile_texts import blocks, check_markdown, is_visible
from tools.comment import LONGEST_COMMENT, Part, comment
from tools.reference_setup import STACK_TEXT

FILES = """\
      files:
        /etc/nginx/nginx.conf: files/nginx.conf
        /srv/icon.png: {source: files/icon.png, mode: "0400"}
        /etc/app/db.ini: {source: files/db.ini, template: true, secrets: {password: db_password}}
"""
SECRET = "  ipvlan-fabric:db_password: {secure: v1:one}\n"
WITH = (
    STACK_TEXT.replace("      offset: 2\n", f"      offset: 2\n      reload: [nginx, -s, reload]\n{FILES}", 1) + SECRET
)


def write_files(folder: Path, **texts: bytes) -> None:
    """Write the files of the project, with these in the place of others."""
    (folder / "files").mkdir(exist_ok=True)
    own = {"nginx.conf": b"listen 80;\n", "icon.png": b"\x89\xff", "db.ini": b"a\npassword=${secrets.password}\n"}
    for name, content in {**own, **{f"{key}.conf": text for key, text in texts.items()}}.items():
        (folder / "files" / name).write_bytes(content)


def report(folder: Path) -> tuple[str, dict[str, Any]]:
    """Return the report of what differs from the last commit, as Markdown and as JSON."""
    document: dict[str, Any] = json.loads(ipvlan(folder, "report", "--base", "HEAD", "--json").stdout)
    validate(document, "report")
    return ipvlan(folder, "report", "--base", "HEAD").stdout, document


def test_a_change_of_a_file_alone(tmp_path: Path) -> None:
    """No key of the stack file differs: the report has the lines, the reload, and no downtime."""
    write_files(tmp_path)
    write_project(tmp_path, WITH)
    commit_all(tmp_path, "before")
    write_files(tmp_path, nginx=b"listen 81;\n")
    text, document = report(tmp_path)
    assert "**No downtime.** containers: 2 with other files while running. files: 1 changed." in text
    assert "- nginx on docker-1, then on docker-2: one at a time; each reloads its files, and runs on" in text
    row = r"| nginx | docker-1 and docker-2 | \/etc/nginx/nginx.conf | change | lines: +1 -1 | takes it while it runs |"
    assert row in text
    assert (
        "`/etc/nginx/nginx.conf` of `nginx` on docker-1 and docker-2:\n\n"
        "```diff\n@@ -1 +1 @@\n-listen 80;\n+listen 81;\n```\n" in text
    )
    assert document["files"] == [
        {
            "service": "nginx",
            "hosts": ["docker-1", "docker-2"],
            "file": "/etc/nginx/nginx.conf",
            "action": "change",
            "effect": "reload",
            "details": [],
            "diff": ["@@ -1 +1 @@", "-listen 80;", "+listen 81;"],
            "sources": ["files/nginx.conf"],
        }
    ]
    assert [entry["action"] for entry in document["containers"]] == ["reload", "reload"]
    assert [entry["action"] for entry in document["rollout"]["steps"]] == ["reload"]
    assert document["downtime"] is False


def test_other_bytes_owners_and_secrets_are_rows(tmp_path: Path) -> None:
    """A secret that was set again is a row without its value, and so are bytes that are no text."""
    write_files(tmp_path)
    path = write_project(tmp_path, WITH)
    commit_all(tmp_path, "before")
    (tmp_path / "files" / "icon.png").write_bytes(b"\x89\xff\xff")
    path.write_text(WITH.replace("v1:one", "v1:two").replace('"0400"', '"0440"'), encoding="utf-8")
    text, document = report(tmp_path)
    assert "/srv/icon.png | change | mode: 0400 -> 0440; binary, 2 bytes -> binary, 3 bytes |" in text
    assert "/etc/app/db.ini | change | secret db_password has a new value |" in text
    assert file_contents.CONTENTS not in text
    assert "v1:two" not in text
    assert [entry["diff"] for entry in document["files"]] == [[], []]


def test_a_service_that_is_started_again(tmp_path: Path) -> None:
    """Its container keeps its id and is down: the report says so at once."""
    before = WITH.replace("      reload: [nginx, -s, reload]\n", "")
    write_files(tmp_path)
    write_project(tmp_path, before)
    commit_all(tmp_path, "before")
    write_files(tmp_path, nginx=b"listen 81;\n")
    text, document = report(tmp_path)
    assert "**Downtime.** containers: 2 stopped and started again." in text
    assert "### Stopped and started again, with downtime; each keeps its id (2)" in text
    assert "is stopped and started again, and keeps its id |" in text
    assert document["downtime"] is True


def change(diff: list[str] | None = None, **keys: Any) -> FileChange:
    """Return a change of a file."""
    own: dict[str, Any] = {
        "service": "nginx",
        "hosts": ("docker-1",),
        "target": "/etc/a.conf",
        "action": "change",
        "effect": "reload",
        "details": (),
        "diff": tuple(diff or ()),
        "sources": (),
    }
    return FileChange(**{**own, **keys})


def of(*changes: FileChange) -> str:
    """Return the report of these changes."""
    plan = reference_plan()
    found = Changes(hosts=(), containers=(), files=changes)
    return as_markdown(Report(stack="dev", before=plan, before_problems=(), after=plan, changes=found))


@pytest.mark.parametrize(
    "text", [*HOSTILE, "### Dangerous settings", "<details>", "## Stack `x`", "```\n### x\n```", "/approve"]
)
def test_no_line_of_a_file_leaves_its_block(text: str) -> None:
    """Fences, headings, tags, quick actions and what turns the text around: the report has the blocks of a harmless one."""
    before, after = f"a\n{text}\nb\n{text}", f"{text}\n```\n~~~\n{text}\nc\n    {text}\n"
    diff = list(unified_diff(before, after))
    written = of(change(diff, target=f"/etc/{text}"), change([*unified_diff("", after)]))
    check_markdown(written)
    assert blocks(written) == blocks(of(change(["@@ -1 +1 @@"]), change(["@@ -1 +1 @@"])))
    body = written[written.index(file_contents.CONTENTS) :].split("\n<details>")[0]
    for fence in re.findall(r"(?ms)^(`{3,})diff\n(.*?)^\1$", body):
        assert {line[0] for line in fence[1].splitlines()} <= set("@ -+\\")
    whole = comment([Part(written, "passed", "+ a", failed=False)]).text
    check_markdown(whole)
    assert [line for line in whole.splitlines() if line.startswith("### Dangerous")] == []
    assert [letter for letter in written if not is_visible(letter)] == []


def test_the_limits_are_said() -> None:
    """Lines of a file, characters of a line, lines of all files: what is not shown is counted."""
    line = f"+{'x' * 500}"
    written = of(change(["@@ -0,0 +1 @@", line]))
    assert f"+{'x' * 199}... 301 more characters\n" in written
    many = [f"+{number}" for number in range(1000)]
    written = of(change(many), change(many, target="/b"), change(many, target="/c"), change(many, target="/d"))
    assert written.count("\n\\ 800 more lines are not shown: `ipvlan report --json` lists them all\n") == 2
    assert "**2 more files with 2000 lines are not shown:**" in written
    assert "+199\n" in written
    assert "+200\n" not in written
    # Many characters count as well.
    written = of(change([line] * 199), change(many, target="/b"))
    assert len(written) < 2 * file_contents.MOST_CHARACTERS
    assert written.count("more lines are not shown") == 2
    check_markdown(written)


def test_files_are_left_out_after_previews_and_before_tables() -> None:
    """A comment that is too long loses the previews, then the lines of files, then tables."""
    lines = [f"+{'x' * 150}" for _ in range(150)]
    reports = [of(change(lines)) for _ in range(2)]
    long = "+ a\n" * 20_000
    whole = comment([Part(text, "passed", long) for text in reports]).text
    assert len(whole) <= LONGEST_COMMENT
    assert f"Left out, there is no room: {file_contents.CONTENTS}" not in whole
    whole = comment([Part(text, "passed", "+ a") for text in reports * 3]).text
    assert len(whole) <= LONGEST_COMMENT
    assert f"**Left out, there is no room: {file_contents.CONTENTS} (1).**" in whole
    assert "Left out, there is no room: Files" not in whole
    assert whole.count("### Files (1)") == 6


def test_a_line_keeps_its_mark() -> None:
    """What is not visible is shown as an escape, and a carriage return is a difference that a person sees."""
    diff = list(unified_diff("a\nb\n", "a\r\nb\u202e\n"))
    assert "-a\n-b\n+a\\r\n+b\\u202e\n" in of(replace(change(diff)))
