"""The workflows of pull requests, beside what `zizmor` checks in `make check`: least permissions, no secrets, work done by make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.projects import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
MAY_WRITE = {"pull-request-comment.yml": {"pull-requests"}}


def jobs(path: Path) -> Iterator[dict[str, Any]]:
    """All jobs of a workflow."""
    yield from YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))["jobs"].values()


def steps(path: Path) -> Iterator[dict[str, Any]]:
    """All steps of all jobs."""
    for job in jobs(path):
        yield from job["steps"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_jobs_have_the_least_permissions(path: Path) -> None:
    """A job writes only what it is for, ends by itself, and leaves no credentials in the checkout."""
    for job in jobs(path):
        writes = {name for name, access in job["permissions"].items() if access != "read"}
        assert writes <= MAY_WRITE.get(path.name, set())
        assert job["timeout-minutes"] <= 30
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] is False
            # The code that may write is that of the default branch, never that of the pull request.
            assert "ref" not in step["with"]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_actions_are_those_of_github_with_their_version(path: Path) -> None:
    """Every action is one of GitHub's own, and its line says the version that the commit is of."""
    lines = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert lines
    assert [line for line in lines if not re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40} # v[0-9.]+", line)] == []


def test_no_secret_reaches_the_code_of_a_fork() -> None:
    """The workflow that runs a pull request's code has no secret and no token in its environment, and is not run as the base."""
    text = (ROOT / ".github" / "workflows" / "pull-request.yml").read_text(encoding="utf-8")
    assert "secrets." not in text
    assert "github.token" not in text
    assert "pull_request_target" not in text


def test_work_is_done_by_make() -> None:
    """What the workflows and the hooks of pre-commit run are targets of the Makefile, which do the same on any machine."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for path in WORKFLOWS for step in steps(path) for line in step.get("run", "").splitlines()]
    hooks = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    lines += [hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]]
    called = {
        word for line in lines for call in re.findall(r"\bmake (.+)", line) for word in call.split() if "=" not in word
    }
    checks = {"check", "schema-check", "test-fast", "coverage", "check-wheel", "test-engine"}
    assert called == checks | {"pr-preview", "pr-comment"}
    assert called <= targets
