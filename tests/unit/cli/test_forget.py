"""`ipvlan forget`: what it shows, in which order it writes, and what stops it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.json_documents import validate
from tests.support.projects import ipvlan, write_project
from tests.support.states import pulumi_on_path
from tests.unit.plan.test_forget import STATE
from tools.reference_setup import STACK_TEXT

CLI = """\
case "$2" in
  export) cat '{state}' ;;
  import) cat > '{state}.new' && mv '{state}.new' '{state}' ;;
esac"""
"""A `pulumi stack` whose state is a file."""

LOCKED = "the stack is currently locked by 1 lock(s)"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with the reference setup, whose state has both hosts."""
    write_project(tmp_path)
    (tmp_path / "state.json").write_text(STATE.read_text())
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    pulumi_on_path(tmp_path, monkeypatch, CLI.format(state=tmp_path / "state.json"))
    return tmp_path


def stack_file(project: Path) -> str:
    """Return the text of the stack's file."""
    return (project / "Pulumi.dev.yaml").read_text()


def state(project: Path) -> str:
    """Return the state as it is now."""
    return (project / "state.json").read_text()


def calls(project: Path) -> list[str]:
    """Return the pulumi commands that ran."""
    file = project / "pulumi-calls"
    return [" ".join(line.split()[:2]) for line in file.read_text().splitlines()] if file.exists() else []


def test_shows_and_changes_nothing_without_a_terminal(project: Path) -> None:
    """The resources, what stays and how it is removed, the lines of the file; then it says that it did nothing."""
    done = ipvlan(project, "forget", "docker-2")
    assert (done.returncode, done.stderr) == (1, "")
    for text in (
        "fabric-docker-2-nginx-published-bridge",
        "10.1.2.2 80:80/tcp",
        "When the machine runs again, its containers have 10.1.2.1, 10.1.2.2 again.",
        "systemctl disable --now ipvlan-fabric-ens33.service",
        "-    docker-2: {address: 192.168.140.201",
        "nothing was changed: there is no terminal to ask at.",
    ):
        assert text in done.stdout
    assert (stack_file(project), state(project)) == (STACK_TEXT, STATE.read_text())
    assert calls(project) == ["stack export"]


def test_state_and_file(project: Path) -> None:
    """Neither has the host afterwards; the state before is in a file that only the user can read."""
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert "docker-2" not in stack_file(project)
    assert "fabric-docker-2" not in state(project)
    assert calls(project) == ["stack export", "stack export", "stack import"]
    [backup] = (project / "xdg" / "ipvlan-fabric").iterdir()
    assert str(backup) in done.stdout
    assert backup.stat().st_mode & 0o777 == 0o600
    assert json.loads(backup.read_text()) == json.loads(STATE.read_text())
    again = ipvlan(project, "forget", "docker-2", "--yes")
    assert again.returncode == 2
    assert "neither the state nor the stack file has this host; they have docker-1" in " ".join(again.stderr.split())


def test_only_the_state(project: Path) -> None:
    """--keep-config leaves the file: the next `up` creates everything on the rebuilt machine. It needs no stack file."""
    assert ipvlan(project, "forget", "docker-2", "--keep-config", "--yes").returncode == 0
    assert stack_file(project) == STACK_TEXT
    assert "fabric-docker-2" not in state(project)
    (project / "Pulumi.dev.yaml").unlink()
    assert ipvlan(project, "forget", "docker-1", "--keep-config", "--yes").returncode == 0
    assert "fabric-docker-1" not in state(project)


def test_a_host_that_left_the_config_before(project: Path) -> None:
    """Today's trap: removed from the config while dead, its deletes fail at every `up`."""
    write_project(project, "".join(line for line in STACK_TEXT.splitlines(keepends=True) if "docker-2:" not in line))
    before = stack_file(project)
    assert ipvlan(project, "forget", "docker-2", "--yes").returncode == 0
    assert (stack_file(project), "fabric-docker-2" in state(project)) == (before, False)


def test_a_host_that_only_the_config_has(project: Path) -> None:
    """What a run that was cut off between state and file leaves; the state is not written again, and no stack need exist."""
    (project / "state.json").write_text('{"version": 3, "deployment": {"manifest": {}}}')
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert (done.returncode, calls(project)) == (0, ["stack export"])
    assert "docker-2" not in stack_file(project)
    assert not (project / "xdg").exists()


def test_cut_off_between_state_and_file(project: Path) -> None:
    """The state is written first, and a second run does the rest."""
    (project / "Pulumi.dev.yaml").write_text(
        STACK_TEXT.replace("      offset: 1\n", "      offset: 1\n      hosts: [docker-2]\n")
    )
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert done.returncode == 1
    assert "IPF792 services.centos.hosts: docker-2" in done.stdout
    assert ("fabric-docker-2" in state(project), "docker-2:" in stack_file(project)) == (False, True)
    (project / "Pulumi.dev.yaml").write_text(STACK_TEXT)
    assert ipvlan(project, "forget", "docker-2", "--yes").returncode == 0
    assert "docker-2" not in stack_file(project)


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (f"if [ $2 = export ]; then cat STATE; else echo 'error: {LOCKED}' >&2; exit 255; fi", "IPF918", LOCKED),
        ("cat STATE; sed -i 's/docker-1/docker-9/' STATE", "IPF919", "an update changed the state"),
        ("echo 'error: PULUMI_ACCESS_TOKEN must be set' >&2; exit 1", "IPF917", "pulumi login"),
    ],
    ids=["locked", "changed meanwhile", "not logged in"],
)
def test_what_stops_it(project: Path, monkeypatch: pytest.MonkeyPatch, text: str, code: str, said: str) -> None:
    """Another update that runs or ran meanwhile, and a state that cannot be read: one sentence, and the file is as it was."""
    pulumi_on_path(project, monkeypatch, text.replace("STATE", f"'{project / 'state.json'}'"))
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert done.returncode == 1
    assert code in done.stderr
    assert said in done.stderr
    assert stack_file(project) == STACK_TEXT
    assert ("stack import" in calls(project)) == (code == "IPF918")


def test_a_backup_that_cannot_be_written(project: Path) -> None:
    """The state is not touched then."""
    (project / "xdg").write_text("a file")
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert (done.returncode, "IPF920" in done.stderr) == (1, True)
    assert (stack_file(project), state(project)) == (STACK_TEXT, STATE.read_text())


def test_a_stack_file_that_cannot_be_written(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says what is done and what is not; a second run does the rest."""

    def full(_path: Path, _text: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("ipvlan.config.file_write._replace", full)
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert (done.returncode, "IPF921" in done.stderr) == (1, True)
    assert ("fabric-docker-2" in state(project), stack_file(project)) == (False, STACK_TEXT)
    monkeypatch.undo()
    monkeypatch.setenv("XDG_STATE_HOME", str(project / "xdg"))
    pulumi_on_path(project, monkeypatch, CLI.format(state=project / "state.json"))
    assert ipvlan(project, "forget", "docker-2", "--yes").returncode == 0
    assert "docker-2" not in stack_file(project)


def test_a_stack_file_that_changes_while_the_question_is_open(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The change of somebody else is not lost, and the state is not touched."""
    theirs = STACK_TEXT.replace("offset: 2", "offset: 3")

    def answer(_question: str) -> bool:
        (project / "Pulumi.dev.yaml").write_text(theirs)
        return True

    monkeypatch.setattr("typer.confirm", answer)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    done = ipvlan(project, "forget", "docker-2")
    assert (done.returncode, "IPF621" in done.stderr) == (1, True)
    assert (state(project), stack_file(project)) == (STATE.read_text(), theirs)


def document(project: Path, *arguments: str, exit_status: int) -> dict[str, Any]:
    """Run it with --json and return what it printed."""
    done = ipvlan(project, "forget", *arguments, "--json")
    assert (done.returncode, done.stderr) == (exit_status, "")
    printed: dict[str, Any] = json.loads(done.stdout)
    validate(printed, "forget")
    return printed


def test_document(project: Path) -> None:
    """Without --yes it is a plan; with it the path of the backup is in it."""
    planned = document(project, "docker-2", exit_status=1)
    assert (planned["ok"], planned["applied"], planned["backup"]) == (False, False, None)
    assert state(project) == STATE.read_text()
    applied = document(project, "docker-2", "--yes", exit_status=0)
    assert (applied["ok"], applied["applied"]) == (True, True)
    assert Path(applied["backup"]).is_file()
    assert {key: applied[key] for key in ("resources", "remains", "files")} == {
        key: planned[key] for key in ("resources", "remains", "files")
    }
    assert list(planned["files"]) == ["Pulumi.dev.yaml"]


@pytest.mark.parametrize(("path", "code"), [("nowhere.yaml", "IPF001"), (".", "IPF003"), ("../x.yaml", "IPF017")])
def test_a_shared_file_that_cannot_be_read(project: Path, path: str, code: str) -> None:
    """It is an error before anything is changed: the host may be in it."""
    write_project(project, STACK_TEXT.replace("config:\n", f"config:\n  ipvlan-fabric:common: {path}\n"))
    (project.parent / "x.yaml").write_text("hosts: {}\n")
    done = ipvlan(project, "forget", "docker-2", "--yes")
    assert (done.returncode, code in done.stderr) == (1, True), done
    assert state(project) == STATE.read_text()
