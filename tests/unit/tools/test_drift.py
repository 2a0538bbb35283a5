"""The drift job: what `make drift` writes and how it ends, the key that it is given, and the one issue about it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from junitparser import JUnitXml

from ipvlan.views.junit import junit_xml
from tests.support.host_changes import without
from tests.support.live_parts import STACK, live_host, reference_plan
from tests.support.projects import ROOT, write_project
from tests.unit.views.test_junit import status_of
from tools import drift

PLAN = reference_plan()
AS_PLANNED = junit_xml(status_of(PLAN, {}), PLAN, STACK)
DIFFERENT = junit_xml(status_of(PLAN, {"docker-1": without("nginx")(live_host(PLAN.hosts[0]))}), PLAN, STACK)


def command(folder: Path, name: str, text: str) -> None:
    """Write a command of POSIX shell."""
    (folder / name).write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    (folder / name).chmod(0o755)


def run_drift(
    monkeypatch: pytest.MonkeyPatch, out: Path, *, status: tuple[int, str] = (0, AS_PLANNED), preview: int = 0
) -> int:
    """Run the tool where the two commands end so, and return its exit status."""

    def ended(arguments: list[str], _project: Path) -> subprocess.CompletedProcess[str]:
        if arguments[0] == "pulumi":
            assert "--expect-no-changes" in arguments
            return subprocess.CompletedProcess(arguments, preview, "1 to update\n````\n@all", "")
        return subprocess.CompletedProcess(arguments, status[0], status[1], "" if status[1] else "IPF001 no plan\n")

    monkeypatch.setattr(drift, "_run", ended)
    monkeypatch.setattr(sys, "argv", ["drift", "dev", "--out", str(out)])
    return drift.main()


def test_nothing_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The exit status is 0 only when both found nothing; the document is the one that `status` printed."""
    assert run_drift(monkeypatch, tmp_path) == 0
    assert (tmp_path / "status.xml").read_text() == AS_PLANNED
    assert run_drift(monkeypatch, tmp_path, preview=1) == 1
    assert run_drift(monkeypatch, tmp_path, status=(1, DIFFERENT)) == 1
    assert JUnitXml.fromfile(str(tmp_path / "status.xml")).failures == 1


def test_the_issue_has_what_differs_as_text(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The finding and its fix; Pulumi's text in a code block that it cannot end; and only the part that differs."""
    run_drift(monkeypatch, tmp_path, status=(1, DIFFERENT), preview=1)
    text = (tmp_path / "drift.md").read_text()
    assert text.startswith("<!-- ipvlan-fabric: drift of dev -->\n")
    assert "container-missing: nginx on docker-1" in text
    assert "ipvlan --stack dev heal --host docker-1 --service nginx" in text
    assert "`````\n1 to update\n````\n@all\n`````" in text
    run_drift(monkeypatch, tmp_path, status=(1, DIFFERENT))
    assert "pulumi preview" not in (tmp_path / "drift.md").read_text()


def test_no_text_is_an_order_to_the_log(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What Pulumi printed moves no cursor, in the log and in the file, and is no command to GitHub's runner."""
    text = "\x1b]0;pwn\x07ok\r\n \t::error::boo\nsee ##[error]boo\n::add-mask::x"
    monkeypatch.setattr(drift, "_run", lambda arguments, _project: subprocess.CompletedProcess(arguments, 1, "", text))
    monkeypatch.setattr(sys, "argv", ["drift", "dev", "--out", str(tmp_path)])
    assert drift.main() == 1
    logged = capsys.readouterr().out
    for shown in (logged, (tmp_path / "preview.txt").read_text(), (tmp_path / "drift.md").read_text()):
        assert r"\x1b]0;pwn\x07ok\r" in shown
        assert all(line.isprintable() for line in shown.replace("\t", " ").split("\n"))
    assert not [line for line in logged.splitlines() if line.strip().startswith("::") or "##[" in line]
    assert "::error::boo" in logged


def test_what_could_not_be_compared_is_drift(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without a plan there is no document: the old one is gone, the job fails, and the issue says why."""
    run_drift(monkeypatch, tmp_path)
    assert run_drift(monkeypatch, tmp_path, status=(1, "")) == 1
    assert not (tmp_path / "status.xml").exists()
    assert "IPF001 no plan" in (tmp_path / "drift.md").read_text()


def test_the_real_commands_are_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A stack file with a mistake: `ipvlan` says so without asking a host, and `pulumi` is the one on PATH."""
    project, programs, out = tmp_path / "project", tmp_path / "bin", tmp_path / "out"
    project.mkdir()
    programs.mkdir()
    write_project(project, "config:\n  ipvlan-fabric:hosts: 7\n")
    command(programs, "pulumi", 'echo "called: $*"; exit 1')
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "argv", ["drift", "dev", "--out", str(out), "--project", str(project)])
    assert drift.main() == 1
    assert "IPF" in (out / "drift.md").read_text()
    assert (out / "preview.txt").read_text().startswith("called: preview --stack dev --diff --expect-no-changes ")


@pytest.fixture
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the home folder that ssh's user seems to have."""
    programs = tmp_path / "bin"
    programs.mkdir()
    command(programs, "getent", f"echo user:x:0:0::{tmp_path}/home:/bin/sh")
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def with_key(script: str, key: str, known_hosts: str = "") -> subprocess.CompletedProcess[str]:
    """Run a shell script by tools/with-ssh-key."""
    return subprocess.run(
        [ROOT / "tools" / "with-ssh-key", "sh", "-c", script],
        env={**os.environ, "IPVLAN_SSH_KEY": key, "IPVLAN_SSH_KNOWN_HOSTS": known_hosts},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )


@pytest.mark.parametrize("form", ["text", "file"])
def test_the_key_is_in_an_agent_and_gone_afterwards(home: Path, tmp_path: Path, form: str) -> None:
    """The command has the agent and the known hosts, not the key; afterwards the agent is gone and known_hosts as it was."""
    key = tmp_path / "key"
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "of-the-test", "-f", key], check=True, timeout=20
    )
    (home / ".ssh").mkdir()
    known = home / ".ssh" / "known_hosts"
    if form == "file":
        known.write_text("old key\n")
    script = f"ssh-add -l; cat {known}; env; echo agent=$SSH_AGENT_PID; exit 7"
    done = with_key(script, key.read_text() if form == "text" else str(key), "docker-1 ssh-ed25519 AAAA")
    assert done.returncode == 7, done.stderr
    assert "of-the-test" in done.stdout
    assert "docker-1 ssh-ed25519 AAAA\n" in done.stdout
    assert "IPVLAN_SSH_KEY" not in done.stdout
    assert "PRIVATE KEY" not in done.stdout
    agent = done.stdout.rpartition("agent=")[2].strip()
    assert (
        not Path(f"/proc/{agent}/cmdline").exists() or b"ssh-agent" not in Path(f"/proc/{agent}/cmdline").read_bytes()
    )
    assert (known.read_text() == "old key\n") if form == "file" else not known.exists()


def test_no_key_is_said(home: Path) -> None:
    """Without a key, or with something else in its place, the command does not run."""
    for key, reason in (("", "IPVLAN_SSH_KEY is empty"), ("no key", "it must be a private key")):
        done = with_key("echo ran", key, "docker-1 ssh-ed25519 AAAA")
        assert done.returncode == 1
        assert reason in done.stderr
        assert done.stdout == ""
    assert not (home / ".ssh" / "known_hosts").exists()


@pytest.mark.parametrize(
    ("found", "file", "call"),
    [
        ("", True, "--method POST repos/o/r/issues -f title=Stack prod differs from its hosts or its state -F body=@"),
        ("12", True, "--method PATCH repos/o/r/issues/12 -F body=@"),
        ("12", False, "--method PATCH repos/o/r/issues/12 -f state=closed"),
        ("", False, ""),
    ],
)
def test_there_is_one_issue(home: Path, found: str, file: bool, call: str) -> None:
    """It is opened once, then updated, and closed when nothing differs."""
    calls, text = home / "calls", home / "drift.md"
    text.write_text("<!-- ipvlan-fabric: drift of prod -->\n$(touch ran) `touch ran`\n")
    command(
        home.parent / "bin",
        "gh",
        f'case "$*" in *--paginate*) printf "%s\\n" {found};; *) echo "$*" >>{calls};; esac',
    )
    subprocess.run(
        [ROOT / "tools" / "drift-issue", "prod", *([text] if file else [])],
        env={**os.environ, "GITHUB_REPOSITORY": "o/r"},
        cwd=home,
        check=True,
        timeout=20,
    )
    done = calls.read_text() if calls.exists() else ""
    assert call in done if call else done == ""
    assert done.count("\n") <= 1
    assert not (home / "ran").exists()


def test_another_file_makes_no_issue(home: Path) -> None:
    """A file that make drift did not write, or one about another stack, is refused before GitHub is asked."""
    text = home / "drift.md"
    text.write_text("<!-- ipvlan-fabric: drift of dev -->\n")
    done = subprocess.run(
        [ROOT / "tools" / "drift-issue", "prod", text],
        env={**os.environ, "GITHUB_REPOSITORY": "o/r"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.returncode == 1
    assert "it is not what make drift wrote" in done.stderr
