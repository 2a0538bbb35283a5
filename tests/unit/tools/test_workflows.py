"""The workflows of GitHub and GitLab, beside what linters find: least permissions, no secrets for forks, work done by make."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tests.support.projects import ROOT, commit_all, git

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITLAB = ROOT / ".gitlab-ci.yml"
MAY_WRITE = {"pull-request-comment.yml": {"pull-requests"}, "drift.yml": {"issues"}}
MINUTES = {"deploy.yml": 120}
"""An `up` that is cut short costs more than one that waits."""


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
        assert job["timeout-minutes"] <= MINUTES.get(path.name, 30)
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


@pytest.mark.parametrize("name", ["drift.yml", "deploy.yml"])
def test_secrets_are_of_an_environment_and_the_default_branch(name: str) -> None:
    """A job with secrets has an environment, runs on the default branch alone, one at a time, and may write nothing."""
    path = ROOT / ".github" / "workflows" / name
    workflow = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert set(workflow[True] if True in workflow else workflow["on"]) <= {"schedule", "workflow_dispatch"}
    assert workflow["permissions"] == {}
    assert workflow["concurrency"]["group"]
    (job,) = [job for job in jobs(path) if "secrets." in str(job)]
    assert job["environment"]
    assert "github.ref == format('refs/heads/{0}', github.event.repository.default_branch)" in job["if"]
    assert job["permissions"] == {"contents": "read"}
    # Only the step that needs them has them, and it begins with the tool that keeps the key.
    (step,) = [step for step in job["steps"] if "secrets." in str(step)]
    assert step["run"].startswith("tools/with-ssh-key make ")
    assert "${{" not in step["run"]


def test_only_the_job_without_secrets_writes_the_issue() -> None:
    """What the hosts answered reaches the job with the token as a file."""
    (writer,) = [job for job in jobs(ROOT / ".github" / "workflows" / "drift.yml") if "issues" in job["permissions"]]
    assert "secrets." not in str(writer)
    assert not any("${{" in step.get("run", "") for step in writer["steps"])


def gitlab_jobs() -> dict[str, dict[str, Any]]:
    """Return GitLab's jobs by their names."""
    everything = YAML(typ="safe", pure=True).load(GITLAB.read_text(encoding="utf-8"))
    return {name: job for name, job in everything.items() if name not in ("workflow", "default", "variables")}


def test_gitlabs_jobs_with_secrets_are_of_the_default_branch() -> None:
    """A merge request's pipeline runs two jobs without an environment; all others run on the default branch, one at a time."""
    for name, job in gitlab_jobs().items():
        (rule,) = job["rules"]
        if name in ("checks", "preview"):
            assert rule == {"if": '$CI_PIPELINE_SOURCE == "merge_request_event"'}
            assert "environment" not in job
        else:
            assert "$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH" in rule["if"]
            assert "merge_request_event" not in rule["if"]
            assert job["environment"]["name"]
            assert job["resource_group"]
        assert job["timeout"]
    assert "TOKEN" not in GITLAB.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["drift", "deploy"])
def test_a_stacks_name_is_checked_before_make_reads_it(name: str) -> None:
    """`$(info x)` as a name would be make's, and `a';touch x;'` the shell's."""
    (job,) = [job for job in jobs(ROOT / ".github" / "workflows" / f"{name}.yml") if "environment" in job]
    runs = [step["run"].splitlines()[0] for step in job["steps"] if "run" in step]
    script = gitlab_jobs()[name]["script"]
    for first, second in ((runs[0], runs[1]), (script[0], script[1])):
        assert second.endswith("make setup")
        for stack, passes in (("prod.eu-1", True), ("$(info x)", False), ("a';touch x;'", False), ("", False)):
            done = subprocess.run(["bash", "-ec", first], env={"STACK": stack, "PATH": "/usr/bin:/bin"}, check=False)
            assert (done.returncode == 0) == passes, (first, stack)


def test_gitlab_installs_without_the_secrets() -> None:
    """GitLab gives them to all commands of a job, and packages have build steps."""
    for job in gitlab_jobs().values():
        if "environment" in job:
            installs = [line for line in job["script"] if re.search("make (setup|packages)", line)]
            assert installs
            assert all(line.startswith("tools/without-secrets make ") for line in installs)
    used = {
        name for path in WORKFLOWS for name in re.findall(r"secrets\.([A-Z_]+)", path.read_text(encoding="utf-8"))
    } | {"MR_COMMENT_TOKEN"}
    done = subprocess.run(
        [ROOT / "tools" / "without-secrets", "env"],
        env={**dict.fromkeys(used, "secret"), "PATH": "/usr/bin:/bin", "OTHER": "stays"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "secret" not in done.stdout
    assert "OTHER=stays" in done.stdout


def test_github_comments_on_the_pull_requests_of_the_commit(tmp_path: Path) -> None:
    """The steps themselves, with git and a `gh` that knows pull request 7: its commit is fetched, and the checkout stays main's."""
    origin, clone, bin_ = tmp_path / "origin", tmp_path / "clone", tmp_path / "bin"
    for folder in (origin, bin_):
        folder.mkdir()
    (origin / "Makefile").write_text(
        "pr-%:\n\t@echo '$@ base=$(BASE) head=$(HEAD) pr=$(PR) $(COMMENT)' token=$$GH_TOKEN\n"
    )
    base = commit_all(origin, "base")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    (origin / "Makefile").write_text("pr-%:\n\t@echo evil\n")
    head = commit_all(origin, "change")
    git(origin, "update-ref", "refs/pull/7/head", "HEAD")
    git(origin, "reset", "--quiet", "--hard", base)
    (bin_ / "gh").write_text('#!/bin/sh\ncase "$1" in api) echo "7 main";; *) exit 1;; esac\n')
    (bin_ / "gh").chmod(0o755)
    printed = ""
    environment = {"PATH": f"{bin_}:{os.environ['PATH']}", "GITHUB_REPOSITORY": "o/r", "RUNNER_TEMP": str(tmp_path)}
    for step in steps(ROOT / ".github" / "workflows" / "pull-request-comment.yml"):
        if "run" in step:
            values = {
                "github.token": "T",
                "github.event.workflow_run.head_sha": head,
                "github.event.workflow_run.id": "1",
            }
            own = {name: values[value.strip("${} ")] for name, value in step["env"].items()}
            assert "${{" not in step["run"]
            printed += subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=clone,
                env={**environment, **own},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
    file = f"{tmp_path}/report-7.md"
    assert printed.splitlines() == [
        "there is no preview",
        f"pr-report base=refs/reviewed/7/base head={head} pr= {file} token=",
        f"pr-comment base= head= pr=7 {file} token=T",
    ]
    assert git(clone, "rev-parse", "HEAD", "refs/reviewed/7/base", "refs/reviewed/7/head").split() == [base, base, head]


def test_work_is_done_by_make() -> None:
    """What the workflows and the hooks of pre-commit run are targets of the Makefile, which do the same on any machine."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    lines = [line for path in WORKFLOWS for step in steps(path) for line in step.get("run", "").splitlines()]
    hooks = YAML(typ="safe", pure=True).load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    lines += [line for job in gitlab_jobs().values() for line in job["script"]]
    lines += [hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]]
    called = {
        word
        for line in lines
        for call in re.findall(r"\bmake ([^<\\]+)", line)
        for word in call.split()
        if "=" not in word
    }
    checks = {"check", "schema-check", "test-fast", "coverage", "check-wheel", "test-engine"}
    stacks = {"setup", "packages", "drift", "drift-issue", "deploy"}
    assert called == checks | stacks | {"pr-preview", "pr-report", "pr-comment", "mr-comment"}
    assert called <= targets
