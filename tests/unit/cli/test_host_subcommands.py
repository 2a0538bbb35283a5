"""What the subcommands that ask hosts print for people, and their exit statuses."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts.trouble import Trouble
from tests.support.fake_hosts import answer
from tests.support.host_changes import change_container, disconnect, foreign, restored, without
from tests.support.projects import ROOT, ipvlan, write_project

NGINX_OFF_BRIDGE = {"docker-1": disconnect("nginx", "bridge")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the reference setup."""
    write_project(tmp_path)
    return tmp_path


def test_status_of_hosts_as_planned(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every host and container has a row, and the exit status is 0."""
    answer(monkeypatch)
    done = ipvlan(project, "status")
    assert (done.returncode, done.stderr) == (0, "")
    assert (
        "│ docker-1 │ 28.5.2 │ 6.12   │ ens33 up │ ipvlanl2 │ 10.1.1.0/24 │       2 │       0 │  254 │" in done.stdout
    )
    assert "│ nginx   │ docker-2 │ running │ 10.1.2.2 │ connected │ 80/tcp │ as planned │ ✓ │" in done.stdout
    assert "all as planned, in " in done.stdout


def test_status_of_hosts_that_differ(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences are printed with their fix below; what is for information is counted apart."""
    answer(
        monkeypatch,
        {"docker-1": lambda live: foreign("10.1.1.77")(without("nginx")(live))},
        unreachable=["docker-2"],
    )
    done = ipvlan(project, "status")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert "│ nginx   │ docker-1 │ missing │ -        │ -      │ -     │ -          │ ✕ │" in lines
    assert any(line.startswith("│ docker-2 │ no answer │") for line in lines)
    place = next(index for index, line in enumerate(lines) if line.startswith("container-missing: "))
    assert lines[place + 1] == "    ipvlan --stack dev heal --host docker-1 --service nginx"
    assert lines[-1].startswith("2 differences, 1 for information, in ")


def test_status_of_a_restart_loop(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last lines of the log are between the sentence and what to do; they are no markup."""
    shown = {"nginx": Trouble(looping=True, restarts=5, exit_code=1, output=("[red]no[/red] such file", "bye"))}
    answer(
        monkeypatch,
        {"docker-1": lambda live: replace(change_container("nginx", state="restarting")(live), troubles=shown)},
    )
    done = ipvlan(project, "status")
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    place = next(
        index for index, line in enumerate(lines) if line.startswith("container-restarting: nginx on docker-1")
    )
    assert lines[place + 1 : place + 3] == ["    | [red]no[/red] such file", "    | bye"]
    assert "docker logs --tail 50 nginx" in lines[place + 3]
    heal = ipvlan(project, "heal").stdout
    assert "by hand: " in heal
    assert "start nginx" not in heal


def test_status_of_a_restored_container(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table says that it is restored."""
    answer(monkeypatch, {"docker-1": restored})
    done = ipvlan(project, "status")
    assert "│ nginx   │ docker-1 │ running, restored │" in done.stdout
    assert "container-restored: nginx on docker-1 is the previous container" in done.stdout


def test_status_without_the_state(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the stack's state cannot be read, `status` goes on by the labels and says so; `heal` ends with one problem."""
    answer(monkeypatch, state_read=False)
    for command in ("status", "preflight", "verify"):
        done = ipvlan(project, command)
        assert done.returncode == 0
        assert done.stderr.startswith(
            "warning: labels alone say what is the stack's own, because its state was not read: "
        )
        assert done.stderr.count("\n") == 1
    done = ipvlan(project, "heal", "--yes")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("this machine has 1 problem:\n1. IPF917 state of stack dev\n")


def test_status_of_one_host(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--host and --service take names of the plan, and leave out everything else."""
    answer(monkeypatch, unreachable=["docker-2"])
    assert ipvlan(project, "status", "--host", "docker-1").returncode == 0
    for option in ("--host", "--service"):
        unknown = ipvlan(project, "status", option, "nowhere")
        assert unknown.returncode == 2
        assert "the plan has no such name; it has " in unknown.stderr


def test_preflight(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result says whether `pulumi up` can run."""
    answer(monkeypatch)
    done = ipvlan(project, "preflight")
    assert done.returncode == 0
    assert "ready for pulumi up, in " in done.stdout
    answer(monkeypatch, unreachable=["docker-2"])
    done = ipvlan(project, "preflight")
    assert done.returncode == 1
    assert 'ssh (stops up): host "docker-2": it cannot be reached over ssh: No route to host' in done.stdout
    assert "not ready for pulumi up, in " in done.stdout


def test_verify_in_markdown(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--format markdown prints Markdown, with the exit status of the table."""
    answer(monkeypatch)
    table, markdown = ipvlan(project, "verify"), ipvlan(project, "verify", "--format", "markdown")
    assert table.returncode == markdown.returncode == 0
    assert "│ docker-1/centos │" in table.stdout
    assert "| docker-1/centos | - | yes ✓ |" in markdown.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--from", "nowhere"), "the plan has no such name"),
        (("--internet", "10.1.2.002"), "leading zero"),
        (("--internet", "1.2.3"), "Invalid value for --internet"),
    ],
)
def test_verify_refuses_wrong_arguments(project: Path, arguments: tuple[str, ...], message: str) -> None:
    """No host is asked, and the exit status is 2."""
    done = ipvlan(project, "verify", *arguments)
    assert done.returncode == 2
    assert message in done.stderr


def test_diagram_of_the_hosts(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--live colours what differs; without it no host is asked."""
    assert ":::replace" not in ipvlan(project, "diagram").stdout
    answer(monkeypatch, NGINX_OFF_BRIDGE)
    assert ipvlan(project, "diagram", "--live").stdout.count(":::replace") == 1
    done = ipvlan(project, "diagram", "--form", "svg", "--output", str(project / "fabric.svg"))
    assert (done.returncode, done.stdout) == (0, "")
    assert (project / "fabric.svg").read_text().startswith("<svg ")


def test_a_png_needs_a_file_and_a_package(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without --output the arguments are wrong; without resvg-py something is missing on this machine."""
    assert ipvlan(project, "diagram", "--form", "png").returncode == 2
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    done = ipvlan(project, "diagram", "--form", "png", "--output", str(project / "fabric.png"))
    assert done.returncode == 1
    assert done.stderr.startswith("this machine has 1 problem:\n1. IPF913 --form: png\n")


def test_output_into_a_closed_pipe(project: Path) -> None:
    """A reader that goes away is no error to complain about."""
    text = f"{sys.executable} -m ipvlan.cli.main plan | head -c 1"
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(project), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["sh", "-c", text], cwd=project, env=environment, capture_output=True, text=True, check=False, timeout=30
    )
    assert done.stderr == ""
