"""`ipvlan heal` from the command line: the question, the locks, the order, what is printed, and the exit status."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from ipvlan.checks.status import Status, read_status
from ipvlan.cli import heal as heal_command
from ipvlan.hosts import host_lock
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_lock import Holder, HostLocks
from tests.support.fake_hosts import answer
from tests.support.host_changes import change_container, disconnect, foreign, holding, without
from tests.support.live_parts import silent_docker
from tests.support.projects import Ended, ipvlan, write_project

NGINX_OFF_BRIDGE = {"docker-1": disconnect("nginx", "bridge")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with the reference setup."""
    write_project(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def hosts_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Let both hosts be this machine, whose lock is a file of the test."""
    file = tmp_path / "machine-id"
    file.touch()
    monkeypatch.setattr(host_lock, "LOCK_FILES", (str(file),))
    # Other tests lock files of their own on this machine at the same time.
    monkeypatch.setattr(host_lock, "LOCK_MARKER", f"test-lock-{uuid4().hex}")
    monkeypatch.setattr(heal_command, "connection_to", lambda host, _ssh: here(host.name))


def here(name: str) -> HostConnection:
    """Return a connection to this machine."""
    return HostConnection(name=name, command=("sh", "-c"))


@pytest.fixture
def repaired(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every repair succeed, and the hosts be as planned afterwards; returns what was done."""
    calls: list[str] = []

    def repair(_plan: Any, steps: Any, *, may_change: Any, done: Any) -> dict[Any, HostError]:
        for step in steps:
            may_change(step.difference.host)
            calls.append(f"{step.difference.kind} on {step.difference.host}")
            done(step)
            answer(monkeypatch)
        return {}

    def pulumi(command: Any, _folder: Any, environment: Any, *, to_stderr: bool) -> int:
        calls.append(" ".join(command[:2]))
        # The run that this starts finds the lock taken by itself.
        monkeypatch.setenv(host_lock.LOCK_TOKEN, environment[host_lock.LOCK_TOKEN])
        with HostLocks(Holder(what="pulumi up"), timeout=10) as nested:
            assert not isinstance(nested.acquire([here("docker-2")])["docker-2"], HostError)
        answer(monkeypatch)
        return 0

    monkeypatch.setattr(heal_command, "repair_on_hosts", repair)
    monkeypatch.setattr(heal_command, "run_pulumi", pulumi)
    return calls


def heal(project: Path, *arguments: str) -> Ended:
    """Run `ipvlan heal`."""
    return ipvlan(project, "heal", *arguments)


def test_heal_of_hosts_as_planned(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """There is nothing to repair, and the exit status is 0."""
    answer(monkeypatch)
    done = heal(project, "--yes")
    assert (done.returncode, done.stdout) == (0, "nothing to repair: all is as planned\n")
    assert repaired == []


def test_heal_without_a_terminal(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """Without --yes and a terminal to ask at, the steps are shown and none is done."""
    answer(monkeypatch, NGINX_OFF_BRIDGE)
    done = heal(project)
    assert done.returncode == 1
    assert "│ docker-1 │ bridge-disconnected │ connect nginx on docker-1 to the bridge │" in done.stdout
    assert "nothing was changed" in done.stdout
    assert repaired == []


def test_heal_on_the_host_and_by_pulumi(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """Both kinds of steps are done, in this order; what was done is printed, and the exit status is 0."""
    answer(
        monkeypatch,
        {**NGINX_OFF_BRIDGE, "docker-2": change_container("nginx", image="other@sha256:1")},
    )
    done = heal(project, "--yes")
    assert done.returncode == 0
    assert repaired == ["bridge-disconnected on docker-1", "pulumi up"]
    assert "done: connect nginx on docker-1 to the bridge" in done.stdout
    assert done.stdout.endswith("all as planned\n")


def test_heal_leaves_the_rest_to_a_person(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """What only a person can repair is shown with the command, and the exit status is 1."""
    answer(monkeypatch, {"docker-1": foreign("10.1.2.77")})
    done = heal(project, "--yes")
    assert done.returncode == 1
    assert (
        "│ docker-1 │ foreign-container │ by hand: give it an address that Docker may hand out; or, if nobody needs"
        in done.stdout
    )
    assert repaired == []


def test_heal_that_fails(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """A failed step is printed with its reason, and what remains below; a failed `pulumi up` ends the command."""
    answer(monkeypatch, NGINX_OFF_BRIDGE)

    error = silent_docker("docker-1")
    monkeypatch.setattr(heal_command, "repair_on_hosts", lambda _plan, steps, **_: dict.fromkeys(steps, error))
    done = heal(project, "--yes")
    assert done.returncode == 1
    assert (
        'failed: connect nginx on docker-1 to the bridge\n    IPF712 host "docker-1"\n    problem: Docker does not answer\n'
        in done.stdout
    )
    assert "still bridge-disconnected: nginx on docker-1 " in done.stdout
    answer(monkeypatch, {"docker-1": without("nginx")})
    monkeypatch.setattr(heal_command, "run_pulumi", lambda *_, **__: 255)
    done = heal(project, "--yes")
    assert done.returncode == 1
    assert "`pulumi up` ended with status 255" in done.stderr


def test_heal_before_the_first_up_of_the_plugin(
    project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]
) -> None:
    """What Pulumi would refuse is shown as a person's, with the command, before anything is done; hosts are repaired as ever."""
    missing = {"docker-2": without("nginx")}
    answer(monkeypatch, missing, before_plugin=True)
    done = heal(project, "--yes")
    assert done.returncode == 1
    assert (
        "│ container-missing │ by hand: run `pulumi up --refresh --stack dev` once, which repairs this too"
        in done.stdout
    )
    assert repaired == []
    answer(monkeypatch, {**NGINX_OFF_BRIDGE, **missing}, before_plugin=True)
    heal(project, "--yes")
    assert repaired == ["bridge-disconnected on docker-1"]


def test_heal_as_json_repairs(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """With --yes --json the document is alone on standard output, and what was done is on standard error."""
    answer(monkeypatch, NGINX_OFF_BRIDGE)
    done = heal(project, "--yes", "--json")
    assert done.returncode == 0
    assert done.stdout.startswith("{")
    assert "done: connect nginx on docker-1 to the bridge" in done.stderr
    assert repaired == ["bridge-disconnected on docker-1"]


def test_heal_where_another_run_works(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """A second repair says who works on the host, and changes nothing: also without a question, also as JSON."""
    answer(monkeypatch, {**NGINX_OFF_BRIDGE, "docker-2": without("nginx")})
    with HostLocks(Holder(what="ipvlan heal --stack dev", who="ann@desk", token="hers"), timeout=10) as hers:
        hers.acquire([here("docker-2")])
        for arguments in (("--yes",), ("--yes", "--json")):
            done = heal(project, *arguments)
            assert done.returncode == 1
            assert "problem: ann@desk runs `ipvlan heal --stack dev` there since " in done.stderr
        assert repaired == []
        # Only to look changes nothing, so it needs no lock.
        assert "heal --stack" not in heal(project).stderr
    heal(project, "--yes")
    assert repaired == ["bridge-disconnected on docker-1", "pulumi up"]


def test_heal_looks_again_before_it_changes(
    project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]
) -> None:
    """S25: what a colleague repaired or changed between the question and the answer is skipped, with a sentence."""
    shown = {"docker-1": holding("centos", "10.1.1.9"), "docker-2": without("nginx")}
    later = {"docker-1": holding("centos", "10.1.1.10")}
    answers = iter([shown, later, later])
    answer(monkeypatch, shown)

    def read(*arguments: Any, **options: Any) -> Status:
        answer(monkeypatch, next(answers))
        return read_status(*arguments, **options)

    monkeypatch.setattr(heal_command, "read_status", read)
    done = heal(project, "--yes")
    assert done.returncode == 1
    assert repaired == []
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert (
        "skipped: connect centos on docker-1 to ipvlanl2 at 10.1.1.1: what is there has changed since it was shown"
        in lines
    )
    assert "skipped: pulumi up: create nginx on docker-2 again: it is not so any more" in lines


def test_heal_of_one_host_knows_the_others(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """S7: with --host too an address that is held on another host is not taken."""
    answer(monkeypatch, {"docker-1": holding("centos", "10.1.1.9"), "docker-2": foreign("10.1.1.1")})
    done = heal(project, "--yes", "--host", "docker-1")
    assert done.returncode == 1
    assert "10.1.1.1 is held by guest" in " ".join(done.stdout.split())
    assert "foreign-address" not in done.stdout
    assert repaired == []


def test_heal_without_the_state(project: Path, monkeypatch: pytest.MonkeyPatch, repaired: list[str]) -> None:
    """Where the state cannot be read nobody knows what is the stack's own: nothing is changed."""
    answer(monkeypatch, NGINX_OFF_BRIDGE, state_read=False)
    done = heal(project, "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("this machine has 1 problem:\n1. IPF917 state of stack dev\n")
    assert repaired == []
