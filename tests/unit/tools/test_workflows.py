"""The workflows of pull requests: pinned, with the least permissions, and doing what the Makefile does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[3]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAY_WRITE = {"pull-request-comment.yml": {"pull-requests"}}


def load(path: Path) -> dict[str, Any]:
    """The workflow's content."""
    content: dict[str, Any] = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    return content


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """All steps of all jobs."""
    for job in load(path)["jobs"].values():
        yield from job["steps"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_pinned(path: Path) -> None:
    """Every action is named by a commit, with its version beside it."""
    text = path.read_text(encoding="utf-8")
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    for action in used:
        assert re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", action)
        assert re.search(rf"{re.escape(action)} # v[0-9.]+$", text, re.MULTILINE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_permissions_are_the_least(path: Path) -> None:
    """Nothing is allowed by default, a job writes only what it is for, ends by itself, and leaves no credentials behind."""
    workflow = load(path)
    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        writes = {name for name, access in job["permissions"].items() if access != "read"}
        assert writes <= MAY_WRITE.get(path.name, set())
        assert job["timeout-minutes"] <= 30
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
                # The code that may write is the default branch's, never the pull request's.
                assert "ref" not in step["with"]


def test_no_secret_reaches_the_code_of_a_fork() -> None:
    """The workflow that runs a pull request's code has no secret and no token in its environment, and is not run as the base."""
    text = (ROOT / ".github" / "workflows" / "pull-request.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "github.token" not in text
    assert "pull_request_target" not in text


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_text_of_a_person_is_pasted_into_a_shell(path: Path) -> None:
    """Expressions reach shell lines through the environment only, so that a title or branch name cannot be run."""
    for step in steps(path):
        assert "${{" not in step.get("run", "")


def test_work_is_done_by_make() -> None:
    """What the workflow checks and previews are targets of the Makefile, which do the same on any machine."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    called = [
        word
        for path in WORKFLOWS
        for step in steps(path)
        for line in re.findall(r"\bmake ([^\n]+)", step.get("run", ""))
        for word in line.split()
        if "=" not in word
    ]
    assert {"check", "schema-check", "test-fast", "pr-preview", "pr-comment"} == set(called)
    assert set(called) <= targets
