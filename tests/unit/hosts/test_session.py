"""A session with a host, through an `ssh` that runs the shell here: what it returns, how it ends, what it leaves."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest

from ipvlan.hosts import session
from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.session import HostSession, on_hosts
from tests.support.live_parts import reference_plan

SSH = """#!/bin/sh
for last; do :; done
case "$*" in
  *"-O cancel"*) exit 0 ;;
  *192.168.140.201*) MODE ;;
esac
exec sh -c "$last"
"""


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an ssh on PATH that runs the text here; what it does for docker-2 is written in by the test."""
    ssh = tmp_path / "bin" / "ssh"
    ssh.parent.mkdir()
    ssh.write_text(SSH.replace("MODE", ":"))
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{ssh.parent}:{os.environ['PATH']}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return ssh


def test_texts_run_one_after_the_other_in_one_shell(fake_ssh: Path, tmp_path: Path) -> None:
    """Each text returns what it printed, standard error too; one that fails or reads its input does not disturb the next."""
    plan = reference_plan()
    with HostSession(connection_to(plan.hosts[0], plan.ssh), timeout=5) as session:
        assert session.run("echo one; echo two >&2", timeout=5) == "one\ntwo\n"
        assert session.run("cat; exit 7", timeout=5) == ""
        assert session.run("printf 'no newline'", timeout=5) == "no newline"
        assert len(session.run("head -c 300000 /dev/zero | tr '\\0' x", timeout=5)) == 300000
    assert [path.name for path in tmp_path.iterdir()] == ["bin"]


def test_a_text_that_hangs_is_given_up(fake_ssh: Path) -> None:
    """A host that stops answering is unreachable after the time limit."""
    plan = reference_plan()
    began = time.monotonic()
    with (
        pytest.raises(HostUnreachableError, match="no answer within 1 seconds"),
        HostSession(connection_to(plan.hosts[0], plan.ssh), timeout=5) as session,
    ):
        session.run("exec sleep 60 >/dev/null", timeout=1)
    assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("mode", "says"),
    [
        ("echo 'Permission denied (publickey).' >&2; exit 255", "authorized_keys"),
        ("echo 'Host key verification failed.' >&2; exit 255", "known_hosts"),
        ("exit 1", "the connection was closed"),
        ("exec sleep 60", "no answer within 1 seconds"),
    ],
)
def test_a_dead_host_stops_no_other(fake_ssh: Path, tmp_path: Path, mode: str, says: str) -> None:
    """The dead host has its reason, the others their results, and nothing is left behind."""
    fake_ssh.write_text(SSH.replace("MODE", mode))
    plan = reference_plan(3)
    results = on_hosts(plan, plan.hosts, lambda session: session.run("echo well", timeout=5), timeout=1)
    assert results["docker-1"] == results["docker-3"] == "well\n"
    error = results["docker-2"]
    assert isinstance(error, HostError)
    assert says in str(error)
    assert "docker-2" in str(error)
    assert {entry.name for entry in tmp_path.iterdir()} == {"bin"}


def test_a_script_of_the_package_runs_in_a_session(fake_ssh: Path) -> None:
    """Its output is read by key."""
    plan = reference_plan()
    with HostSession(connection_to(plan.hosts[0], plan.ssh), timeout=5) as session:
        output = session.run_script(
            "host_snapshot.sh", {"parent": "lo", "shim": "", "files": "/missing", "nftables": ""}, timeout=5
        )
    assert output.text("uid") == str(os.getuid())
    assert "parent_mtu" in output


def test_a_second_try_of_ssh_may_bind_the_socket_again(fake_ssh: Path, tmp_path: Path) -> None:
    """Where a shared connection takes no more sessions, it has bound the socket by then, and ssh connects by itself."""
    fake_ssh.write_text(SSH.replace("MODE", ":").replace("\nfor", f'\necho "$*" >> {tmp_path}/bin/arguments\nfor', 1))
    plan = reference_plan()
    with HostSession(connection_to(plan.hosts[0], plan.ssh), timeout=5):
        pass
    opened = (tmp_path / "bin" / "arguments").read_text().splitlines()[0]
    assert "-o StreamLocalBindUnlink=yes" in opened


@pytest.mark.parametrize(("hosts", "leaves"), [(2, True), (3, False)])
def test_of_many_hosts_no_connection_is_left_open(
    fake_ssh: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: int, leaves: bool
) -> None:
    """Each shared connection is a process that stays: of more than a limit none is opened, and one that is open is used."""
    monkeypatch.setattr(session, "MOST_LEFT_OPEN", 2)
    monkeypatch.setattr(session, "is_open", lambda command: command[-1] == "192.168.140.200")
    fake_ssh.write_text(f'#!/bin/sh\necho "$@" >>{tmp_path}/bin/calls\n' + SSH.replace("MODE", ":"))
    plan = reference_plan(hosts)
    on_hosts(plan, plan.hosts, lambda each: each.run(":", timeout=5), timeout=5)
    calls = (tmp_path / "bin" / "calls").read_text().splitlines()
    opened = [call for call in calls if "-O cancel" not in call]
    # The first value of an option wins (ssh_config(5)).
    first = {re.findall(r"ControlMaster=(\w+)", call)[0] for call in opened}
    assert first == {"auto" if leaves else "no"}
    assert len(opened) == hosts
    assert len(calls) - len(opened) == (hosts if leaves else 1)
