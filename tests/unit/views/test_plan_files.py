"""The files of a plan: a table for people and a list for machines, with neither contents nor secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.views.plan_files import MOST_ROWS, files_table, planned_files
from tests.support.json_documents import validate
from tests.support.projects import ipvlan, write_project
from tests.unit.views.test_files import WITH, write_files
from tools.reference_setup import STACK_TEXT, changed


def test_the_plan_lists_the_files(tmp_path: Path) -> None:
    """What is where, of which owner and mode, and what a change does; once for all hosts."""
    write_files(tmp_path)
    write_project(tmp_path, WITH)
    printed = ipvlan(tmp_path, "plan").stdout
    for part in (
        "Files",
        "/etc/app/db.ini",
        "docker-1 and docker-2",
        "files/icon.png",
        "0:0",
        "0400",
        "nginx -s reload",
    ):
        assert part in printed, part
    text = ipvlan(tmp_path, "plan", "--json").stdout
    document = json.loads(text)
    validate(document, "plan")
    both = {"service": "nginx", "hosts": ["docker-1", "docker-2"], "folder": None, "owner": "0:0", "change": "reload"}
    reload = {"reload_signal": None, "reload_command": ["nginx", "-s", "reload"]}
    assert document["files"] == [
        {
            **both,
            **reload,
            "file": "/etc/app/db.ini",
            "source": "files/db.ini",
            "secrets": ["db_password"],
            "mode": "0400",
        },
        {
            **both,
            **reload,
            "file": "/etc/nginx/nginx.conf",
            "source": "files/nginx.conf",
            "secrets": [],
            "mode": "0444",
        },
        {**both, **reload, "file": "/srv/icon.png", "source": "files/icon.png", "secrets": [], "mode": "0400"},
    ]
    for content in ("listen 80", "password=", "v1:one"):
        assert content not in text + printed


def test_a_plan_without_files_has_no_table(tmp_path: Path) -> None:
    """The list is empty then."""
    write_project(tmp_path, STACK_TEXT)
    assert "Files" not in ipvlan(tmp_path, "plan").stdout
    document = json.loads(ipvlan(tmp_path, "plan", "--json").stdout)
    validate(document, "plan")
    assert document["files"] == []


def rows(folder: Path, **service: Any) -> list[tuple[str, ...]]:
    """Return the rows of the table of a service with these keys; nginx is on both hosts."""
    plan = make_plan(
        parse(changed({f"services.nginx.{key}": value for key, value in service.items()}), Checkout(folder))
    )
    table = files_table(plan)
    assert table is not None
    return [*zip(*(map(str, column.cells) for column in table.columns), strict=True)]


@pytest.mark.parametrize(
    ("keys", "change"),
    [
        ({}, "stops the container and starts it again"),
        ({"files_change": "replace"}, "replaces the container"),
        ({"reload": "HUP"}, "sends it SIGHUP"),
        ({"reload": ["app", "reload"]}, "runs in it: app reload"),
    ],
)
def test_what_a_change_of_a_file_does(tmp_path: Path, keys: dict[str, Any], change: str) -> None:
    """As the service says."""
    (tmp_path / "a.conf").write_text("x", encoding="utf-8")
    files = {"/etc/a.conf": {"source": "a.conf", "owner": "101:101", "mode": "0440"}}
    assert rows(tmp_path, files=files, **keys) == [
        ("nginx", "docker-1 and docker-2", "/etc/a.conf", "a.conf", "101:101", "0440", change)
    ]


def test_a_secret_alone_has_its_key(tmp_path: Path) -> None:
    """There is no source."""
    (row,) = rows(tmp_path, files={"/run/secrets/token": {"secret": "db_password"}})
    assert row[2:6] == ("/run/secrets/token", "secret db_password", "0:0", "0400")


def test_many_files_of_a_folder_are_counted(tmp_path: Path) -> None:
    """Few are listed one by one."""
    (tmp_path / "d" / "sub").mkdir(parents=True)
    (tmp_path / "a.conf").write_text("x", encoding="utf-8")
    files = {"/etc/d/": "d/", "/etc/a.conf": "a.conf"}
    for number in range(MOST_ROWS - 1):
        (tmp_path / "d" / "sub" / f"{number:02}").write_text("x", encoding="utf-8")
    assert len(rows(tmp_path, files=files)) == MOST_ROWS
    (tmp_path / "d" / "last").write_text("x", encoding="utf-8")
    assert [row[2:4] for row in rows(tmp_path, files=files)] == [
        ("/etc/a.conf", "a.conf"),
        ("/etc/d/", f"d/ ({MOST_ROWS} files)"),
    ]


def test_more_rows_than_a_person_reads_are_counted(tmp_path: Path) -> None:
    """The document has all of them."""
    (tmp_path / "a.conf").write_text("x", encoding="utf-8")
    files = {f"/etc/{number:02}": "a.conf" for number in range(MOST_ROWS + 5)}
    plan = make_plan(parse(changed({"services.nginx.files": files}), Checkout(tmp_path)))
    table = files_table(plan)
    assert table is not None
    assert (table.row_count, table.caption) == (MOST_ROWS, "... and 5 more: `ipvlan plan --json` lists them all")
    assert len(planned_files(plan)) == MOST_ROWS + 5
