"""ssh on the operator's machine: where shared connections have their sockets, what stops ssh here, and what is left of it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts import shared_connection
from ipvlan.hosts.connection import HostConnection, connection_to, run_on_host
from ipvlan.hosts.errors import HostUnreachableError
from ipvlan.hosts.script import run_script
from ipvlan.hosts.session import HostSession, on_hosts
from ipvlan.hosts.shared_connection import SOCKET_CHARACTERS, on_this_machine, socket_path
from ipvlan.hosts.ssh import require_connections
from ipvlan.plan.model import HostPlan
from ipvlan.problems import ToolError
from provider.bridge_connection import BridgeConnection
from provider.host_networking import HostNetworking
from tests.support.live_parts import reference_plan

ROOT = Path(__file__).parents[3]
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKOfC0mTBrNNHj0hTXgPlBDJUyVrSmvlyvpT9uWyQrGo"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIE0mTBrNNHj0hTXgPlBDJUyVrSmvlyvpT9uWyQrGoKOf"
PLAN = reference_plan()
HOST = PLAN.hosts[0]

FakeSsh = Callable[[str], HostConnection]


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSsh:
    """Return what puts an ssh with the given shell text on PATH, and returns the connection that uses it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def write(text: str) -> HostConnection:
        (folder / "ssh").write_text(f"#!/bin/sh\n{text}\n")
        (folder / "ssh").chmod(0o755)
        return connection_to(HOST, PLAN.ssh)

    return write


@pytest.fixture
def set_home(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path | None], None]]:
    """Return what gives the user another folder in passwd; None: passwd does not know the user."""

    def give(home: Path | None) -> None:
        monkeypatch.setattr(shared_connection, "home", lambda: home)
        shared_connection.obstacle.cache_clear()

    yield give
    shared_connection.obstacle.cache_clear()


@pytest.fixture
def short() -> Iterator[Path]:
    """Return an empty folder with a short path."""
    with tempfile.TemporaryDirectory(prefix="h", dir="/tmp") as folder:
        yield Path(folder)


def resolved(command: tuple[str, ...], option: str, **environment: str) -> str:
    """Return what the real ssh makes of an option of the command."""
    done = subprocess.run(
        [command[0], "-G", *command[1:]],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
        env={**os.environ, **environment},
    )
    return next(line.partition(" ")[2] for line in done.stdout.splitlines() if line.startswith(f"{option} "))


def test_ssh_finds_the_socket_in_the_home_of_passwd_whatever_home_is_set() -> None:
    """The real ssh resolves the path to the same folder as this program, with HOME elsewhere too, and it is short."""
    home = shared_connection.home()
    assert home is not None
    command = connection_to(HOST, PLAN.ssh).command
    for value in (str(home), "/github/home", "/nonexistent"):
        path = resolved(command, "controlpath", HOME=value)
        assert Path(path).parent == home / ".ssh"
        assert len(path) - len(str(home)) == 20


def test_a_socket_belongs_to_one_target_and_one_pinned_key() -> None:
    """Another key, no key, user, port or host: another socket, so nothing rides on a connection made under the old key."""
    other = PLAN.hosts[1]
    hosts: list[HostPlan] = [
        HOST,
        other,
        replace(HOST, host_key=KEY),
        replace(HOST, host_key=OTHER_KEY),
        replace(HOST, ssh=replace(HOST.ssh, user="operator")),
        replace(HOST, ssh=replace(HOST.ssh, port=2222, written=frozenset({"user", "port"}))),
    ]
    assert len({socket_path(host) for host in hosts}) == len(hosts)
    assert socket_path(replace(HOST, name="renamed")) == socket_path(HOST)


def test_where_ssh_has_its_socket_is_no_change_of_a_resource() -> None:
    """A state of an older version has another path, or none: no connection, route or shim is touched for it; for a host it is."""
    command = connection_to(HOST, PLAN.ssh).command
    old = [text.replace(socket_path(HOST), "~/.ssh/ipvlan-fabric-%C") for text in command]
    unshared = connection_to(HOST, replace(PLAN.ssh, shared_connection=False)).command
    other = connection_to(PLAN.hosts[1], PLAN.ssh).command
    assert old != list(command)
    for kind in (BridgeConnection(), HostNetworking()):
        for before, changes in ((old, False), (unshared, False), (other, True)):
            difference = kind.diff({"ssh": list(before)}, {"ssh": list(command)})
            assert (bool(difference.changed), list(difference.replaces)) == (changes, [])


def test_a_home_of_sixty_characters_has_room(short: Path, set_home: Callable[[Path | None], None]) -> None:
    """A home of up to 70 characters can have the socket; a longer one is named, with both lengths."""
    for length, fits in ((60, True), (SOCKET_CHARACTERS - 37, True), (SOCKET_CHARACTERS - 36, False), (80, False)):
        home = short / ("x" * (length - len(str(short)) - 1))
        home.mkdir()
        set_home(home)
        assert (not shared_connection.obstacle()) == fits
        if fits:
            assert (home / ".ssh").stat().st_mode & 0o777 == 0o700
        else:
            assert f"path of {length + 37} characters, and the system allows {SOCKET_CHARACTERS}" in (
                shared_connection.obstacle()
            )


def a_file(home: Path) -> Path:
    """Make ~/.ssh a file."""
    (home / ".ssh").write_text("")
    return home


def an_open_folder(home: Path) -> Path:
    """Let other users write to ~/.ssh."""
    (home / ".ssh").mkdir()
    (home / ".ssh").chmod(0o777)
    return home


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (a_file, "cannot be created (File exists)"),
        (an_open_folder, "other users can write to"),
        (lambda home: home / "missing", "cannot be created (No such file or directory)"),
        (lambda _: Path("/proc"), "cannot be created"),
        (lambda _: None, "passwd has no user with the number"),
    ],
)
def test_where_sharing_is_impossible_commands_go_on_and_an_up_says_why(
    short: Path,
    set_home: Callable[[Path | None], None],
    fake_ssh: FakeSsh,
    make: Callable[[Path], Path | None],
    says: str,
) -> None:
    """Own commands connect without sharing; an `up`, whose docker provider could not, ends before anything is declared."""
    set_home(make(short))
    connection = connection_to(HOST, PLAN.ssh)
    assert "ControlMaster=auto" in connection.options, "the text in the state is the same on every machine"
    own = on_this_machine(connection.command)
    assert resolved(own, "controlmaster") == "false"
    assert (
        "controlpath" not in subprocess.run(["ssh", "-G", *own[1:]], capture_output=True, text=True, check=True).stdout
    )
    assert run_on_host(fake_ssh('for last; do :; done; exec sh -c "$last"'), "echo well", timeout=5).stdout == "well\n"
    with pytest.raises(ToolError) as error:
        require_connections(PLAN.ssh)
    assert says in str(error.value)
    assert "shared_connection: false" in str(error.value)
    require_connections(replace(PLAN.ssh, shared_connection=False))


def test_home_elsewhere_stops_no_command(fake_ssh: FakeSsh, monkeypatch: pytest.MonkeyPatch) -> None:
    """HOME names a folder that does not exist, as in a container of CI: the hosts are asked all the same."""
    monkeypatch.setenv("HOME", "/github/home")
    fake_ssh('for last; do :; done; exec sh -c "$last"')
    results = on_hosts(PLAN, PLAN.hosts, lambda session: session.run("echo well", timeout=5), timeout=5)
    assert set(results.values()) == {"well\n"}


def test_without_ssh_every_caller_has_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ssh on PATH: a visit of one host names the host, one of all hosts says it once."""
    monkeypatch.setenv("PATH", str(tmp_path))
    connection = connection_to(HOST, PLAN.ssh)
    with pytest.raises(HostUnreachableError, match=r'host "docker-1"\n.*there is no `ssh` on PATH'):
        run_on_host(connection, "true", timeout=5)
    with pytest.raises(HostUnreachableError, match="there is no `ssh` on PATH"):
        run_script(connection, "free_space.sh", {"folder": "/"}, timeout=5)
    with (
        pytest.raises(HostUnreachableError, match="there is no `ssh` on PATH"),
        HostSession(connection, timeout=5),
    ):
        pass
    with pytest.raises(ToolError, match="there is no `ssh` on PATH") as error:
        on_hosts(PLAN, PLAN.hosts, lambda session: session.name, timeout=5)
    assert len(error.value.problems) == 1
    with pytest.raises(ToolError, match="there is no `ssh` on PATH"):
        require_connections(PLAN.ssh)


@pytest.mark.parametrize("subcommand", ["status", "preflight", "verify", "heal"])
def test_a_command_without_ssh_ends_in_one_sentence(tmp_path: Path, subcommand: str) -> None:
    """The whole command line, with no ssh installed."""
    done = subprocess.run(
        [sys.executable, "-m", "ipvlan.cli.main", "--project", str(ROOT), "--stack", "dev", subcommand],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "PATH": str(tmp_path), "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert done.stderr.count("there is no `ssh` on PATH") == 1


def test_an_ssh_that_cannot_be_started_has_a_sentence(
    fake_ssh: FakeSsh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is no program, and a text with NUL, which no argument can have."""
    connection = fake_ssh("exit 0")
    with pytest.raises(HostUnreachableError, match="cannot be started on this machine: embedded null byte"):
        run_on_host(connection, "echo a\0b", timeout=5)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin" / "ssh").write_bytes(b"\0not a program")
    with pytest.raises(HostUnreachableError, match="cannot be started on this machine: Exec format error"):
        run_on_host(connection, "true", timeout=5)
    assert {path.name for path in tmp_path.iterdir()} == {"bin"}


def test_output_that_is_no_utf8_is_read(fake_ssh: FakeSsh) -> None:
    """A process name or a banner in another encoding is replaced letter by letter, on both outputs."""
    connection = fake_ssh(r"""printf 'listen=\377\n'; printf 'caf\351\n' >&2""")
    completed = run_on_host(connection, "true", timeout=5)
    assert (completed.stdout, completed.stderr) == ("listen=\ufffd\n", "caf\ufffd\n")


def test_a_banner_cannot_write_to_the_terminal(fake_ssh: FakeSsh) -> None:
    """What ssh printed is repeated without control characters, and without bytes that are no text."""
    connection = fake_ssh(r"""printf 'caf\351 \033c\nPermission denied (publickey).\n' >&2; exit 255""")
    with pytest.raises(HostUnreachableError) as error:
        run_on_host(connection, "true", timeout=5)
    assert "caf\ufffd \\x1bc Permission denied" in str(error.value)
    assert "authorized_keys" in str(error.value)


def test_the_frame_of_a_warning_is_left_out(fake_ssh: FakeSsh) -> None:
    """A changed host key: the sentence begins with what ssh says, not with its frame."""
    connection = fake_ssh(
        "printf '@@@@\\n@  WARNING: CHANGED!  @\\n@@@@\\nHost key verification failed.\\n' >&2; exit 255"
    )
    with pytest.raises(HostUnreachableError, match="over ssh: Host key verification failed"):
        run_on_host(connection, "true", timeout=5)


CHANGED_KEY = """\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:iZ86EV4IkQpTYNVxkgvEne6SVZOv35Cqmtwe2f9hY8c.
Please contact your system administrator.
Add correct host key in /dev/null to get rid of this message.
Offending ED25519 key in KnownHostsCommand-HOSTNAME:1
  remove with:
  ssh-keygen -f "KnownHostsCommand-HOSTNAME" -R "192.168.140.200"
Host key for 192.168.140.200 has changed and you have requested strict checking.
Host key verification failed.
"""
"""What OpenSSH 9.2 printed on the lab."""


def test_a_changed_host_key_is_one_sentence(fake_ssh: FakeSsh) -> None:
    """It names the key that the host showed, and repeats none of ssh's advice, which does not fit a pinned key."""
    connection = fake_ssh(f"printf %s {shlex.quote(CHANGED_KEY)} >&2; exit 255")
    with pytest.raises(HostUnreachableError) as refused:
        run_on_host(connection, "true", timeout=5)
    assert refused.value.summary.endswith(
        ": it cannot be reached over ssh: its host key is not the expected one, it showed the ED25519 key "
        "SHA256:iZ86EV4IkQpTYNVxkgvEne6SVZOv35Cqmtwe2f9hY8c"
    )
    assert "host_key" in refused.value.problems[0].fix


def alive(pid_file: Path) -> bool:
    """Return whether the process whose id is in the file still runs."""
    try:
        return Path(f"/proc/{pid_file.read_text().strip()}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def open_session(connection: HostConnection) -> None:
    """Open a session with a second's patience."""
    with HostSession(connection, timeout=1):
        pass


@pytest.mark.parametrize(
    "visit",
    [
        lambda connection: run_on_host(connection, "true", timeout=1),
        lambda connection: run_script(connection, "free_space.sh", {"folder": "/"}, timeout=1),
        open_session,
    ],
)
def test_nothing_is_left_of_a_visit_that_took_too_long(
    fake_ssh: FakeSsh, tmp_path: Path, visit: Callable[[HostConnection], object]
) -> None:
    """A host that answers nothing: ssh is ended at the limit, with the proxy command that it started."""
    pid_file = tmp_path / "proxy.pid"
    connection = fake_ssh(f"case \"$*\" in *'-O cancel'*) exit 0 ;; esac\nsleep 300 & echo $! >{pid_file}\nwait")
    began = time.monotonic()
    with pytest.raises(HostUnreachableError, match="no answer within 1 seconds"):
        visit(connection)
    assert time.monotonic() - began < 5
    time.sleep(0.1)
    assert not alive(pid_file)


def test_a_shared_connection_in_the_background_delays_nothing(fake_ssh: FakeSsh, tmp_path: Path) -> None:
    """OpenSSH before 8.5 leaves standard error open in the background process; the visit ends with ssh, and it lives on."""
    pid_file = tmp_path / "master.pid"
    connection = fake_ssh(f"setsid sleep 300 </dev/null >/dev/null & echo $! >{pid_file}\necho well")
    began = time.monotonic()
    try:
        assert run_on_host(connection, "true", timeout=20).stdout == "well\n"
        assert time.monotonic() - began < 5
        assert alive(pid_file)
    finally:
        os.kill(int(pid_file.read_text()), 9)


def test_a_closed_connection_is_noticed_though_standard_error_is_open(fake_ssh: FakeSsh, tmp_path: Path) -> None:
    """The same in a session: it ends with the reason that ssh gave, and not at the time limit."""
    pid_file = tmp_path / "master.pid"
    connection = fake_ssh(
        "case \"$*\" in *'-O cancel'*) exit 0 ;; esac\n"
        f"setsid sleep 300 </dev/null >/dev/null & echo $! >{pid_file}\necho 'Connection reset' >&2"
    )
    began = time.monotonic()
    try:
        with pytest.raises(HostUnreachableError, match="Connection reset"), HostSession(connection, timeout=20):
            pass
        assert time.monotonic() - began < 5
    finally:
        os.kill(int(pid_file.read_text()), 9)


def test_a_long_temporary_folder_has_a_short_socket(
    fake_ssh: FakeSsh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The forwarded Docker socket has a path that the system allows, and nothing of it stays."""
    long = tmp_path / ("t" * 80)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    connection = fake_ssh('for last; do :; done\ncase "$*" in *"-O cancel"*) exit 0 ;; esac\nexec sh -c "$last"')
    with HostSession(connection, timeout=5) as session:
        assert len(str(session.socket)) <= SOCKET_CHARACTERS
        assert session.socket.parent.stat().st_mode & 0o777 == 0o700
    assert not session.socket.parent.exists()
    assert list(long.iterdir()) == []
