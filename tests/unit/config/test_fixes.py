"""The fix of a problem of files and bridges: it says what to write, and what it says is accepted when it is written literally."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipvlan.problems import Problem
from tools.bad_input.case import BadInput

NGINX = "services.nginx"
FILES = f"{NGINX}.files"
PROJECT = {"files/nginx.conf": b"x", "files/conf.d/a.conf": b"x", "files/conf.d/sub/b.conf": b"x"}


def problems(folder: Path, changes: Mapping[str, Any], project: Mapping[str, bytes] | None = None) -> list[Problem]:
    """Return what is wrong with the reference setup with changes, in a project with some files, and `project`."""
    case = BadInput(title="", changes=changes, expected=(), files={**PROJECT, **(project or {})})
    return list(case.problems(folder))


def one(folder: Path, changes: Mapping[str, Any], project: Mapping[str, bytes] | None = None) -> Problem:
    """Return the only problem."""
    (problem,) = problems(folder, changes, project)
    return problem


def test_a_secret_is_one_file(tmp_path: Path) -> None:
    """A path that ends in a slash is a folder of files, and a secret's value is one file."""
    problem = one(tmp_path, {FILES: {"/etc/n/": {"secret": "db_password"}}})
    assert (problem.code, problem.key) == ("IPF267", f"{FILES}./etc/n/")
    assert "a secret is one file" in problem.problem
    assert problem.fix == "write the path of a file: /etc/n/NAME"
    assert "db_password" not in str(problem)
    assert not problems(tmp_path, {FILES: {"/etc/n/NAME": {"secret": "db_password"}}})


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("./files/nginx.conf", "write files/nginx.conf"),
        ("files/../files//nginx.conf", "write files/nginx.conf"),
        ("files\\nginx.conf", "write files/nginx.conf"),
        (".env", "rename it, so that no part of the path begins with a dot: env"),
        ("files/.hidden", "rename it, so that no part of the path begins with a dot: files/hidden"),
        ("../nginx.conf", "put the file below the project's folder, and write its path there: files/nginx.conf"),
        ("/etc/nginx.conf", "put the file below the project's folder, and write its path there: files/nginx.conf"),
        ("Pulumi.dev.yaml", "put what the container needs into another file: files/NAME"),
    ],
)
def test_the_path_of_a_source(tmp_path: Path, source: str, fix: str) -> None:
    """The path that is written, cleaned, where that is one; else what to do with the file."""
    problem = one(tmp_path, {FILES: {"/etc/nginx.conf": source}})
    assert (problem.code, problem.fix) == ("IPF250", fix)
    if fix.startswith("write"):
        assert not problems(tmp_path, {FILES: {"/etc/nginx.conf": fix.removeprefix("write ")}})
