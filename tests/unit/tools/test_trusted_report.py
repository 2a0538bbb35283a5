"""The comment that the default branch's code writes: the report of two commits, and the preview as text of others."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.hostile import HOSTILE
from tests.support.projects import commit_all, git, write_project
from tests.unit.views.test_hostile_texts import check_markdown
from tools import comment, trusted_report
from tools.comment import MARKER, Part
from tools.reference_setup import STACK_TEXT

WITH_HOST_PATH = STACK_TEXT.replace("offset: 2", "offset: 2\n      volumes: ['/:/host']", 1)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project on branch main, and its branch `change` at the same commit."""
    folder = tmp_path / "project"
    folder.mkdir()
    write_project(folder)
    commit_all(folder, "base")
    git(folder, "checkout", "--quiet", "-b", "change")
    return folder


def change(project: Path, **files: str | None) -> None:
    """Commit files on branch `change`, by their names without a suffix; None removes one. Go back to main."""
    for name, text in files.items():
        path = project / (f"{name}.py" if name.startswith("code") else f"Pulumi.{name}.yaml")
        path.unlink() if text is None else path.write_text(text, encoding="utf-8")
    commit_all(project, "change")
    git(project, "checkout", "--quiet", "main")


def written(project: Path, monkeypatch: pytest.MonkeyPatch, preview: str | None = None) -> str:
    """Run the tool, and return the comment."""
    out, file = project.parent / "out.md", project.parent / "preview.md"
    if preview is not None:
        file.write_text(preview, encoding="utf-8")
    arguments = ["--base", "main", "--head", "change", "--preview", str(file), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", ["trusted_report", *arguments, "--project", str(project)])
    assert trusted_report.main() == 0
    return out.read_text(encoding="utf-8")


def test_a_forged_comment_hides_nothing(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The job of the change says that nothing changes; the comment has the report of what the commit has."""
    assert WITH_HOST_PATH != STACK_TEXT
    change(project, dev=WITH_HOST_PATH, code="print()\n", new=STACK_TEXT)
    forged = comment.comment(
        [Part("## Stack `dev`\n\n**Nothing changes on the hosts.**\n", "passed", "no resource")]
    ).text
    text = written(project, monkeypatch, forged)
    assert text.startswith(f"{MARKER}\n")
    assert "Nothing changes" not in text
    assert "### Dangerous settings" in text
    assert "`code.py`" in text
    assert "## Stack `new`\n\nThe stack is new." in text
    assert "pulumi preview passed\n\nno resource\n```" in text
    assert "it is only as trustworthy as that code" in text
    # The checkout is as it was: nothing of the change is in it.
    assert not (project / "code.py").exists()
    assert git(project, "status", "--porcelain") == ""


@pytest.mark.parametrize("hostile", [*HOSTILE, f"{MARKER}\n@all ![x](https://evil/x.png)\n/close"])
@pytest.mark.parametrize("where", ["preview", "title", "everything"])
def test_a_preview_is_text(tmp_path: Path, hostile: str, where: str) -> None:
    """No mention, image, tag or command, wherever in the artifact it is."""
    title, preview = (hostile if where == place else "x" for place in ("title", "preview"))
    artifact = f"{MARKER}\n## Stack `dev`\n<details><summary><code>pulumi preview</code> {title}</summary>\n\n"
    artifact += f"```\n{preview}\n```\n\n</details>\n"
    file = tmp_path / "comment.md"
    file.write_text(hostile if where == "everything" else artifact, encoding="utf-8", errors="backslashreplace")
    found = trusted_report.previews(file)
    if where == "preview":
        assert set(found) == {"`dev`"}
    check_markdown(
        comment.comment([Part("## Stack `dev`\n", trusted_report.TITLE, text) for text in found.values()]).text
    )


def test_the_preview_of_the_real_comment_is_found(tmp_path: Path) -> None:
    """In the format that make pr-preview writes, by stack; another file and a very long one have none."""
    parts = [Part(f"## Stack `{name}`\n", "passed, so", f"+ {name}\n````\n") for name in ("a", "b")]
    file = tmp_path / "comment.md"
    file.write_text(comment.comment(parts).text, encoding="utf-8")
    assert trusted_report.previews(file) == {
        f"`{name}`": f"pulumi preview passed, so\n\n+ {name}\n````\n" for name in ("a", "b")
    }
    file.write_text("x" + comment.comment(parts).text, encoding="utf-8")
    assert trusted_report.previews(file) == {}
    file.write_text(comment.comment(parts).text + "x" * 70_000, encoding="utf-8")
    assert trusted_report.previews(file) == {}
    assert trusted_report.previews(tmp_path / "none") == {}


def test_the_report_is_of_the_merge(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What main did since is no part of the change; a change that conflicts has no report."""
    change(project, old=STACK_TEXT)
    write_project(project, WITH_HOST_PATH)
    commit_all(project, "main goes on")
    text = written(project, monkeypatch)
    assert "Dangerous settings" not in text.partition("## Stack `old`")[0]
    assert "the job of the change wrote none" in text
    git(project, "checkout", "--quiet", "change")
    change(project, dev=STACK_TEXT.replace("offset: 2", "offset: 3", 1))
    assert "the change has conflicts with its base" in written(project, monkeypatch)


def test_a_removed_stack_and_one_that_cannot_be_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are named, and the others have their reports."""
    write_project(project, STACK_TEXT, "prod")
    change(project, dev=None, bad="config: [`]\n@all\n")
    text = written(project, monkeypatch)
    assert "## Stack `dev`\n\n**Its file is removed.**" in text
    assert "## Stack `bad`\n\n**The default branch's code cannot use this config.**" in text
    assert "## Stack `prod`\n\nThe stack is new." in text
    check_markdown(text)


def test_no_common_history_is_said(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is no conflict; the exit status is 1, with what git said."""
    git(project, "checkout", "--quiet", "--orphan", "other")
    commit_all(project, "of its own")
    out = str(project.parent / "out.md")
    arguments = ["--base", "main", "--head", "other", "--out", out, "--project", str(project)]
    monkeypatch.setattr(sys, "argv", ["trusted_report", *arguments])
    assert trusted_report.main() == 1
    assert "unrelated histories" in capsys.readouterr().err


def test_no_commit_is_said(project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status is 1, and no line begins with a command of the CI."""
    out = str(project.parent / "out.md")
    arguments = ["--base", "main", "--head", "x\n::error::y\x1b[2J", "--out", out, "--project", str(project)]
    monkeypatch.setattr(sys, "argv", ["trusted_report", *arguments])
    assert trusted_report.main() == 1
    shown = capsys.readouterr().err
    assert "IPF903" in shown
    assert "\n::" not in shown
    assert "\x1b" not in shown


def test_a_source_that_a_report_shows_is_no_other_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its lines are in the report of the merge; a file that no stack has is named, in a folder of the same name too."""
    git(project, "checkout", "--quiet", "main")
    (project / "files").mkdir()
    (project / "files" / "a.conf").write_text("listen 80;\n", encoding="utf-8")
    with_file = STACK_TEXT.replace("offset: 2\n", "offset: 2\n      files: {/etc/a.conf: files/a.conf}\n", 1)
    (project / "Pulumi.dev.yaml").write_text(with_file, encoding="utf-8")
    commit_all(project, "with files")
    git(project, "branch", "--force", "change")
    git(project, "checkout", "--quiet", "change")
    (project / "files" / "a.conf").write_text("listen 81;\n", encoding="utf-8")
    (project / "files" / "b.conf").write_text("x\n", encoding="utf-8")
    commit_all(project, "change")
    git(project, "checkout", "--quiet", "main")
    text = written(project, monkeypatch)
    assert "It also changes 1 other files, of which the reports say nothing:** `files/b.conf`." in text
    assert "-listen 80;\n+listen 81;\n" in text
    check_markdown(text)
