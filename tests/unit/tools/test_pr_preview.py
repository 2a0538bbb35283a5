"""The comment of a pull request: how the previews are run, what it says of each stack, and when the job fails."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ipvlan.config.git_commit import commit
from tests.support.previews import NETWORK, document, step
from tests.support.projects import commit_all, write_project
from tools import pr_preview
from tools.reference_setup import STACK_TEXT


def prepared(tmp_path: Path) -> Path:
    """Return a repository with a small project, made once."""
    project = tmp_path / "project"
    if not project.exists():
        project.mkdir()
        write_project(project, STACK_TEXT)
        commit_all(project, "base")
    return project


def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    *,
    status: int = 0,
    state: str = "",
    program: str = "",
) -> tuple[int, str, list[str]]:
    """Run the tool on a small project with a `pulumi` that only prints `answer`, or runs the shell text `program`, as preview.

    Returns:
        Status, comment and pulumi's arguments.
    """
    project, log, bin_folder = prepared(tmp_path), tmp_path / "log", tmp_path / "bin"
    bin_folder.mkdir()
    (tmp_path / "answer").write_text(answer, encoding="utf-8")
    program = program or f"cat {tmp_path / 'answer'}\nexit {status}"
    executable = bin_folder / "pulumi"
    executable.write_text(
        f'#!/bin/sh\necho "$PWD $*" >> {log}\n[ "$1" = preview ] || exit 0\n{program}\n', encoding="utf-8"
    )
    executable.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("PULUMI_BACKEND_URL", state)
    out = tmp_path / "comment.md"
    monkeypatch.setattr("sys.argv", ["pr_preview", "--base", "HEAD", "--project", str(project), "--out", str(out)])
    return pr_preview.main(), out.read_text(encoding="utf-8"), log.read_text(encoding="utf-8").splitlines()


def test_changes_without_a_resource_fail_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1, and the comment says what is wrong and what to do."""
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(document(summary={"create": 24})))
    assert status == 1
    assert "<code>pulumi preview</code> failed" in text
    assert "reports 24 changes and lists no changed resource. Adapt tools/preview_changes.py" in text


def test_a_failed_preview_shows_the_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a program that failed, the comment has the errors and not the whole document."""
    failed = {
        **document(step(NETWORK, "create", new={})),
        "diagnostics": [{"message": "error: boom\n", "severity": "error"}],
    }
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(failed), status=1)
    assert status == 1
    assert "```\nerror: boom\n```" in text


def test_without_a_state_copies_are_previewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base and head are compared, each in a folder and a state of its own."""
    status, text, calls = run(tmp_path, monkeypatch, json.dumps(document(step(NETWORK, "create", new={"name": "a"}))))
    assert status == 0
    assert text.startswith("<!-- ipvlan-fabric: pull request -->\n")
    assert "no resource differs" in text
    assert [call.split()[1:4] for call in calls] == [["stack", "init", "dev"], ["preview", "--json", "--stack"]] * 2
    assert len({call.split()[0] for call in calls}) == 2
    assert not any(call.startswith(f"{tmp_path / 'project'} ") for call in calls)


def test_with_a_state_the_project_itself_is_previewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One preview in the project's folder, and the comment says what it is compared with."""
    preview = document(step(NETWORK, "update", old={"name": "a"}, new={"name": "b"}))
    status, text, calls = run(tmp_path, monkeypatch, json.dumps(preview), state="file:///somewhere")
    assert status == 0
    assert "passed, compared with the stack's state" in text
    assert '~ docker:index/network:Network fabric-docker-1-network\n  - name: "a"\n  + name: "b"' in text
    assert [call.split()[:2] for call in calls] == [[str(tmp_path / "project"), "preview"]]


def test_stacks_are_those_of_tracked_files_in_the_folder_itself(tmp_path: Path) -> None:
    """Their names may have dots; a file in a folder below is none, and one that the base alone has is named as removed."""
    for name in ("dev", "prod.eu", "prod", "old.one"):
        write_project(tmp_path, STACK_TEXT, name)
    for folder in ("sub", "Pulumi.d"):
        (tmp_path / folder).mkdir()
        write_project(tmp_path / folder, STACK_TEXT, "below.yaml")
    commit_all(tmp_path, "base")
    write_project(tmp_path, STACK_TEXT, "untracked")
    for name in ("old.one", "prod"):
        (tmp_path / f"Pulumi.{name}.yaml").unlink()
    assert pr_preview._stacks(tmp_path, commit(tmp_path, "HEAD")) == (["dev", "prod.eu"], ["old.one", "prod"])


def test_a_removed_stack_is_in_the_comment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that what runs there stays."""
    write_project(prepared(tmp_path), STACK_TEXT, "prod.eu")
    commit_all(tmp_path / "project", "base")
    (tmp_path / "project" / "Pulumi.prod.eu.yaml").unlink()
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(document()))
    assert status == 0
    assert "## Stack `prod.eu`\n\n**Its file is removed.** Nothing on its hosts changes by that" in text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("printf '\\377\\376'; exit 1", "\ufffd\ufffd"),
        ("kill -9 $$", "<code>pulumi preview</code> failed"),
        ("printf '%s' '{}'", "no document of the known format"),
    ],
    ids=["no UTF-8", "killed", "no document"],
)
def test_a_pulumi_that_breaks_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, message: str
) -> None:
    """Exit status 1, and the comment is there."""
    status, text, _ = run(tmp_path, monkeypatch, "", program=damage)
    assert status == 1
    assert message in text


def test_a_pulumi_that_cannot_be_started_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As is a base that does not exist; the comment is written in both cases."""
    monkeypatch.setattr(pr_preview, "TIME_LIMIT", 0.2)
    status, text, _ = run(tmp_path, monkeypatch, "", program="sleep 5")
    assert status == 1
    assert "took more than 0.2 s" in text
    (tmp_path / "bin" / "pulumi").chmod(0o644)
    arguments = ["pr_preview", "--project", str(tmp_path / "project"), "--out", str(tmp_path / "comment.md"), "--base"]
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/nowhere:/usr/bin:/bin")
    monkeypatch.setattr("sys.argv", [*arguments, "HEAD"])
    assert pr_preview.main() == 1
    assert "Permission denied" in (tmp_path / "comment.md").read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", [*arguments, "no-such-branch"])
    assert pr_preview.main() == 1
    assert "no-such-branch" in (tmp_path / "comment.md").read_text(encoding="utf-8")
    assert "Traceback" not in capsys.readouterr().err


def test_the_preview_of_a_base_that_fails_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All resources are listed with their inputs, and why the base has no preview."""
    preview = json.dumps(document(step(NETWORK, "create", new={"name": "a"})))
    program = f"case $PWD in */base) echo 'base is broken'; exit 1;; *) echo '{preview}';; esac"
    status, text, _ = run(tmp_path, monkeypatch, "", program=program)
    assert status == 0
    assert "passed; that of the base failed, so all resources are listed" in text
    assert "the preview of the base failed:\nbase is broken" in text
    assert '+ docker:index/network:Network fabric-docker-1-network\n  + name: "a"' in text


def test_a_name_that_is_no_stack_s_is_one_failed_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other stacks have their report, and nothing in the name is a command to a terminal or to GitHub's runner."""
    project = prepared(tmp_path)
    names = (
        b"Pulumi..yaml",
        b"Pulumi.\xff.yaml",
        b"Pulumi.--help.yaml",
        b"Pulumi.x\x1b]0;pwn\x07\n::error::b##[error]c.yaml",
    )
    for name in names:
        (project / os.fsdecode(name)).write_text(STACK_TEXT)
    commit_all(project, "odd names")
    (project / os.fsdecode(names[2])).unlink()
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(document()))
    assert status == 1
    assert "## Stack `dev`\n\n**Nothing changes on the hosts.**" in text
    for shown in ("Pulumi..yaml", r"Pulumi.\udcff.yaml", r"Pulumi.x\x1b]0;pwn\x07 ::error::b##[error]c.yaml"):
        assert f"## File `{shown}`\n\n**Its name is not that of a stack,** so no command reads it. Rename it" in text
    assert "## File `Pulumi.--help.yaml`\n\n**Its file is removed.**" in text
    printed = "".join(capsys.readouterr())
    assert "(no name)" in printed
    assert not {"\x1b", "\x07"} & {*printed}
    assert "##[" not in printed
    assert not [line for line in printed.splitlines() if line.lstrip().startswith("::")]


def test_a_sentence_in_the_log_is_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Git's own messages, and the name of the file that cannot be written."""
    folder = tmp_path / "x\n::error::y##[error]"
    folder.touch()
    arguments = ["--project", str(prepared(tmp_path)), "--out", str(folder / "a"), "--base", "::x\n::error::y"]
    monkeypatch.setattr("sys.argv", ["pr_preview", *arguments])
    assert pr_preview.main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert "the comment cannot be written" in "".join(lines)
    assert not [line for line in lines if line.lstrip().startswith("::")]
    assert "##[" not in "".join(lines)


def test_the_copy_has_what_the_program_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared file in a folder of any name, a file that git does not have yet; links stay links, and caches stay away."""
    project = prepared(tmp_path)
    for name in ("lab/common.yaml", "tests/a", "stacks/toolchain/b", "ignored/c", ".venv/d"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x: y\n")
    (project / ".gitignore").write_text("ignored\n")
    for link, target in (("a", "."), ("b", "."), ("dangling", "nowhere"), ("absolute", "/")):
        (project / link).symlink_to(target)
    (project / "own.yaml").write_text(STACK_TEXT)
    (project / "Pulumi.dev.yaml").unlink()
    (project / "Pulumi.dev.yaml").symlink_to("own.yaml")
    (project / "moved").mkdir()
    (project / "moved" / "e").touch()
    commit_all(project, "more")
    (project / "tests" / "new").touch()
    (project / "moved" / "e").unlink()
    (project / "moved").rmdir()
    (project / "moved").symlink_to("tests")
    program = f"find . > {tmp_path}/found-$(basename $PWD); echo '{json.dumps(document())}'"
    status, text, _ = run(tmp_path, monkeypatch, "", program=program)
    assert "that of the base failed" in text, "an archive with an absolute link is not unpacked"
    assert status == 0
    found = set((tmp_path / "found-now").read_text().splitlines())
    assert {"./lab/common.yaml", "./tests/a", "./tests/new", "./stacks/toolchain/b", "./a", "./dangling"} <= found
    assert not found & {"./ignored/c", "./.venv/d", "./a/b", "./moved/e", "./.git"}
    assert (project / "own.yaml").read_text() == STACK_TEXT


NO_STACK = "echo \"error: no stack named 'dev' found\" >&2; exit 255"


@pytest.mark.parametrize("answer", [NO_STACK, "exit 6"])
def test_a_stack_that_the_backend_does_not_have_is_previewed_in_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Nothing of it runs yet, so all its resources are new, and the comment says so."""
    preview = json.dumps(document(step(NETWORK, "create", new={"name": "a"})))
    program = f"case $PULUMI_BACKEND_URL in file:///somewhere) {answer};; *) echo '{preview}';; esac"
    status, text, calls = run(tmp_path, monkeypatch, "", program=program, state="file:///somewhere")
    assert status == 0
    assert "passed, and all resources are listed: the backend of the state has no such stack yet" in text
    assert '+ docker:index/network:Network fabric-docker-1-network\n  + name: "a"' in text
    assert [call.split()[1:3] for call in calls] == [["preview", "--json"], ["stack", "init"], ["preview", "--json"]]


def test_another_failure_of_the_backend_is_no_new_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that speaks of stacks does not make the preview one of an empty state."""
    program = "printf 'warning\\nerror: no stack named x\\n' >&2; exit 255"
    status, text, calls = run(tmp_path, monkeypatch, "", program=program, state="file:///somewhere")
    assert status == 1
    assert "error: no stack named x" in text
    assert len(calls) == 1


def test_dangerous_settings_without_room_fail_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comment that hides them is no success."""
    project = prepared(tmp_path)
    sysctls = "".join(f"        net.ipv4.conf.all.{'x' * 50}{number}: '1'\n" for number in range(600))
    text = STACK_TEXT.replace(
        "      offset: 1\n", f"      offset: 1\n      privileged: true\n      sysctls:\n{sysctls}", 1
    )
    (project / "Pulumi.dev.yaml").write_text(text)
    status, written, _ = run(tmp_path, monkeypatch, json.dumps(document()))
    assert status == 1
    assert "| new | dev | centos | docker-1 and docker-2 | privileged | true |" in written
    assert "have no room, so this job fails" in written
    assert "dangerous settings have no room in the comment" in capsys.readouterr().err
