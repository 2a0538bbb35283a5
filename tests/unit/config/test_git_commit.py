"""Files of a commit: they are read as the same files on disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipvlan.config.git_commit import commit
from ipvlan.config.yaml_file import Checkout
from ipvlan.config.yaml_text import StackFileError
from tests.support.projects import commit_all

TEXT = "config: {}\n"


def test_a_link_is_read_as_on_disk(tmp_path: Path) -> None:
    """Its target's text, also of a folder's link and of one out of the project into the repository; not the link's own text."""
    project = tmp_path / "project"
    (project / "s").mkdir(parents=True)
    for path in (project / "s" / "dev.yaml", tmp_path / "above.yaml", project / "with blank.yaml"):
        path.write_text(TEXT)
    links = {"one": "s/dev.yaml", "two": "Pulumi.one.yaml", "above": "../above.yaml", "folder": "t/dev.yaml"}
    for stack, target in links.items():
        (project / f"Pulumi.{stack}.yaml").symlink_to(target)
    (project / "t").symlink_to("s")
    commit_all(tmp_path, "links")
    found = commit(project, "HEAD")
    names = [*(f"Pulumi.{stack}.yaml" for stack in links), "t/dev.yaml", "s/dev.yaml", "with blank.yaml"]
    assert {name: found.text(name) for name in names} == {name: Checkout(project).text(name) for name in names}
    assert {found.text(name) for name in names} == {TEXT}


@pytest.mark.parametrize("target", ["nowhere", "x", "/etc/hostname", "../../../../etc/hostname", "s", "s\n"])
def test_what_leads_to_no_file_of_the_repository_is_none(tmp_path: Path, target: str) -> None:
    """Nothing, itself, a file of the machine, a folder: never the link's text."""
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "a").touch()
    (tmp_path / "x").symlink_to(target)
    commit_all(tmp_path, "link")
    found = commit(tmp_path, "HEAD")
    assert found.has("x")
    for name in ("x", "missing", "s", f"s/a\n{found.sha}:./s/a"):
        with pytest.raises(StackFileError, match="IPF027"):
            found.text(name)


def test_a_name_that_is_no_utf_8_is_the_name_on_disk(tmp_path: Path) -> None:
    """It is listed as Python has it, so that it can be compared and read."""
    name = os.fsdecode(b"Pulumi.\xff.yaml")
    (tmp_path / name).write_text(TEXT)
    commit_all(tmp_path, "odd")
    found = commit(tmp_path, "HEAD")
    assert found.stack_files() == Checkout(tmp_path).stack_files() == [name]
    assert found.text(name) == TEXT
