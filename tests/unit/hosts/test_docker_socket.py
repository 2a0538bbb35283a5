"""A Docker that listens elsewhere: every connection of a host reaches it, by its socket and by its command line."""

from __future__ import annotations

import json
import os
import socketserver
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread
from unittest import mock

import pytest

from ipvlan.checks.command_lines import host_line
from ipvlan.checks.drift import Comparison
from ipvlan.checks.drift_kinds import DriftKind
from ipvlan.hosts.availability import visit_host
from ipvlan.hosts.connection import HostConnection, connection_to, run_on_host
from ipvlan.hosts.docker_silence import reason_of_silence
from ipvlan.hosts.errors import DOCKER_NEEDS_FORWARDING, ROOTLESS, DockerNeedsForwardingError, HostError
from ipvlan.hosts.script import read_output, run_script, script_text
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import take_snapshot
from ipvlan.plan.ownership import Ownership
from tests.support.fake_engine import fake_engine
from tests.support.live_parts import reference_plan

PLAN = reference_plan()
HOST = PLAN.hosts[0]
MOVED = replace(HOST, docker_socket="/run/other/docker.sock")

SSH = """#!/bin/sh
case "$*" in *"-O cancel"*) exit 0 ;; esac
if [ "$1" = -L ]; then echo "${2#*:}" >FOLDER/forwarded; [ ! -e FOLDER/docker.sock ] || ln -s FOLDER/docker.sock "${2%%:*}"; fi
unset DOCKER_HOST
for last; do :; done
exec sh -c "$last"
"""
"""An ssh whose host does not take a variable over, as most do not; it notes which socket is forwarded."""


@pytest.fixture(autouse=True)
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put that ssh on PATH, and a `docker` that says where it is sent; return their folder."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (
        ("ssh", SSH.replace("FOLDER", str(tmp_path))),
        ("docker", '#!/bin/sh\necho "docker=${DOCKER_HOST:-default} $*"\n'),
    ):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return folder


def by_command(connection: HostConnection) -> str:
    """Return where a single command goes."""
    return run_on_host(connection, "docker rm 'a b'", timeout=10).stdout


def by_session(connection: HostConnection) -> str:
    """Return where the second text of a session goes."""
    with HostSession(connection, timeout=10) as session:
        session.run(":", timeout=10)
        return session.run("docker rm 'a b'", timeout=10)


def by_script(connection: HostConnection) -> str:
    """Return where a script goes."""
    output = run_script(connection, "bridge_read.sh", {"id": "a b"}, timeout=10).output
    return f"docker={output.text('container').removeprefix('docker=').partition(' ')[0]} rm a b\n"


@pytest.mark.parametrize("way", [by_command, by_session, by_script])
def test_docker_commands_on_the_host_use_the_socket(way: Callable[[HostConnection], str]) -> None:
    """Commands, sessions and scripts, whatever the host's ssh server does with the variable; the usual socket needs nothing."""
    assert way(connection_to(MOVED, PLAN.ssh)) == "docker=unix:///run/other/docker.sock rm a b\n"
    assert way(connection_to(HOST, PLAN.ssh)) == "docker=default rm a b\n"


def test_whoever_has_the_ssh_command_has_the_socket(tmp_path: Path) -> None:
    """The plugin and the check of a host get the command alone; the session forwards the socket; the real ssh takes the option."""
    command = connection_to(MOVED, PLAN.ssh).command
    again = HostConnection(name="docker-1", command=tuple(json.loads(json.dumps(command))))
    assert again.docker_socket == "/run/other/docker.sock"
    with HostSession(again, timeout=10):
        assert (tmp_path / "forwarded").read_text() == "/run/other/docker.sock\n"
    done = subprocess.run(["/usr/bin/ssh", "-G", *command[1:]], capture_output=True, text=True, check=True, timeout=10)
    assert "setenv DOCKER_HOST=unix:///run/other/docker.sock\n" in done.stdout


def test_the_docker_provider_has_the_socket_in_its_url() -> None:
    """`ssh://HOST/SOCKET` as Docker's connection helper reads it; the usual socket leaves the URL as it always was."""
    assert HOST.docker_url == HOST.ssh.url == "ssh://root@192.168.140.200"
    assert MOVED.docker_url == "ssh://root@192.168.140.200/run/other/docker.sock"


@pytest.fixture
def reset(tmp_path: Path) -> Iterator[Path]:
    """Let every connection end at once, as ssh does where the host has no such socket; return the socket."""
    path = tmp_path / "docker.sock"
    with socketserver.UnixStreamServer(str(path), socketserver.BaseRequestHandler) as server:
        thread = Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield path
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("name", "problem", "fix"),
    [
        # Docker was moved, or `docker_socket` is wrong: a restart would end the containers of others for nothing.
        ("nowhere.sock", "its ssh user finds no Docker socket at ", "set ipvlan-fabric:hosts.docker-1.docker_socket"),
        ("docker.sock", "Docker does not answer", "systemctl restart docker"),
    ],
)
def test_status_tells_a_missing_socket_from_a_silent_docker(reset: Path, name: str, problem: str, fix: str) -> None:
    """Both are `docker-silent`; the fix of the first is the path."""
    host = replace(HOST, docker_socket=str(reset.with_name(name)))
    with HostSession(connection_to(host, PLAN.ssh), timeout=10) as session, pytest.raises(HostError) as failed:
        take_snapshot(session, timeout=10)
    assert problem in failed.value.summary
    [difference] = Comparison(PLAN, Ownership(stack="dev", read=True), "dev").of_host(host, failed.value)
    assert difference.kind is DriftKind.DOCKER_SILENT
    assert fix in difference.fix


@pytest.mark.parametrize(
    ("config", "forward", "found"),
    [
        ('{"firewall-backend":\t"nftables"}', "0", {"needs_forwarding": ("yes",)}),
        ('{"firewall-backend": "nftables"}', "1", {}),
        ('{"firewall-backend": "iptables"}', "0", {}),
        (None, "0", {}),
    ],
)
def test_a_docker_that_waits_for_forwarding(
    tmp_path: Path, config: str | None, forward: str, found: dict[str, tuple[str, ...]]
) -> None:
    """With its rules in nftables it does not start while the kernel does not forward."""
    (tmp_path / "forward").write_text(f"{forward}\n")
    if config is not None:
        (tmp_path / "daemon.json").write_text(config)
    text = script_text("docker_silence.sh", {"socket": str(tmp_path)})
    for path, own in (("/proc/sys/net/ipv4/ip_forward", "forward"), ("/etc/docker/daemon.json", "daemon.json")):
        assert path in text
        text = text.replace(path, str(tmp_path / own))
    done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, text=True, check=False, timeout=10)
    assert (dict(read_output(done.stdout).values), done.stderr) == (found, "")


def test_status_says_that_docker_waits_for_forwarding() -> None:
    """The fix switches it on, keeps it, and starts Docker."""
    session = mock.Mock(docker_socket="/run/docker.sock")
    session.name = "docker-1"
    session.run_script.return_value = read_output("needs_forwarding=yes\n")
    error = reason_of_silence(session, 5.0)
    assert isinstance(error, DockerNeedsForwardingError)
    [difference] = Comparison(PLAN, Ownership(stack="dev", read=True), "dev").of_host(HOST, error)
    assert difference.kind is DriftKind.DOCKER_SILENT
    assert error.problems[0].code == DOCKER_NEEDS_FORWARDING
    assert "net.ipv4.ip_forward is 0" in difference.problem
    for part in ("/etc/sysctl.d/90-ip-forward.conf && sysctl -qw net.ipv4.ip_forward=1 ", "systemctl restart docker"):
        assert part in difference.fix


def test_a_command_to_copy_reaches_that_docker() -> None:
    """What a message tells a person to run names the socket, if Docker is in it."""
    assert "export DOCKER_HOST=unix:///run/other/docker.sock; docker ps" in host_line(MOVED, "docker ps")
    assert "DOCKER_HOST" not in host_line(MOVED, "ip link") + host_line(HOST, "docker ps")


@pytest.mark.parametrize(("options", "refused"), [([], False), (["name=seccomp", "name=rootless"], True)])
def test_a_rootless_docker_is_refused_before_an_up(tmp_path: Path, options: list[str], refused: bool) -> None:
    """It has no NIC of the host: the host is unavailable, with that reason, before anything is declared."""
    info = {"ID": "engine", "DockerRootDir": str(tmp_path), "SecurityOptions": options}
    with fake_engine(tmp_path / "docker.sock") as engine:
        engine.answers["GET /info"] = (200, info)
        visit = visit_host(connection_to(MOVED, PLAN.ssh), connect_timeout=5)
    assert visit.engine_id == "engine"
    assert (visit.failure is not None) == refused
    if visit.failure is not None:
        assert visit.failure.problems[0].code == ROOTLESS
        assert "hosts.docker-1.docker_socket" in str(visit.failure)
