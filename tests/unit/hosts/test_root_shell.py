"""Running text as root on a host: by the ssh user, by sudo, or from a helper container in the host's namespaces.

The session and the client of the Engine API are the real ones; ssh runs the shell here, and Docker's socket is a fake's. `docker`
and `sudo` are programs of the tests; what a helper may do on a host was shown on the lab (docs/decisions/0023-forget-helper.md).
"""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.hosts import root_shell as module
from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import NOT_ROOT, VISIT_TOO_LONG, HostError
from ipvlan.hosts.root_shell import _by_sudo, no_root, root_for_files, root_shell
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot
from ipvlan.plan.ownership import Ownership
from tests.support.fake_engine import FakeEngine, fake_engine
from tests.support.live_parts import live_host, reference_plan

SSH = """#!/bin/sh
for last; do :; done
[ "$1" != -L ] || ln -s SOCKET "${2%%:*}"
case "$*" in *"-O cancel"*) exit 0 ;; esac
exec sh -c "$last"
"""

DOCKER = """#!/bin/sh
printf '%s\\n' "$@" >>CALLS
echo -- >>CALLS
case "$*" in *" run "*) exec RUN ;; esac
"""
"""A `docker` that notes its arguments, one a line; `run` reads the text from its standard input."""

SUDO = """#!/bin/sh
[ "$1" = -n ] || exit 1
shift
export AS_ROOT=1
exec "$@"
"""

IMAGE = "sha256:1"
INSPECT = "GET /images/sha256:1/json"
ENV = ["PATH=/evil", "LD_PRELOAD=/evil.so", "BASH_ENV=/evil", "GREETING=a\nb", "EMPTY="]


def put(folder: Path, name: str, text: str) -> None:
    """Write a program that the host has."""
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(text)
    program.chmod(0o755)


def put_docker(folder: Path, run: str = "sh -s") -> Path:
    """Write a `docker` whose `run` runs that command, and return the file that has its calls."""
    calls = folder / "docker-calls"
    put(folder, "docker", DOCKER.replace("CALLS", str(calls)).replace("RUN", run))
    return calls


def calls_in(file: Path) -> list[list[str]]:
    """Return the arguments of each call."""
    return [call.splitlines() for call in file.read_text().split("--\n")[:-1]] if file.exists() else []


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[FakeEngine]:
    """Serve a fake Docker."""
    with fake_engine(tmp_path / "docker") as engine:
        yield engine


@pytest.fixture
def session(engine: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[HostSession]:
    """Open a session through an `ssh` that runs the shell here and leads to the fake Docker's socket."""
    put(tmp_path, "ssh", SSH.replace("SOCKET", str(engine.socket)))
    put(tmp_path, "sudo", "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    monkeypatch.setenv("DOCKER_CONTEXT", "elsewhere")
    engine.answers[INSPECT] = (200, {"Id": IMAGE, "Config": {"Env": ENV}})
    monkeypatch.setenv("HOME", str(tmp_path))
    plan = reference_plan()
    with HostSession(connection_to(plan.hosts[0], plan.ssh), timeout=5) as session:
        yield session


@pytest.fixture
def live() -> HostSnapshot:
    """Return the host as planned, for an ssh user who is not root."""
    return replace(live_host(reference_plan().host("docker-1")), root=False)


def own(live: HostSnapshot, *, owner: str = "0123456789abcdef", read: bool = True) -> Callable[[], Ownership]:
    """Return what the stack owns: all containers of the host."""
    ids = frozenset(container.id for container in live.containers.values())
    return lambda: Ownership(stack="dev", read=read, owner=owner, ids=ids)


def nothing_owned() -> Ownership:
    """Return what a stack without a container owns."""
    return Ownership(stack="dev", read=True)


def not_asked() -> Ownership:
    """Fail: the state need not be read."""
    raise AssertionError("the state was read")


def after(arguments: list[str], option: str) -> list[str]:
    """Return the values of an option that may be repeated."""
    return [value for name, value in itertools.pairwise(arguments) if name == option]


def test_root_needs_no_helper(session: HostSession, engine: FakeEngine, live: HostSnapshot) -> None:
    """Where the ssh user is root, the text runs in the session; neither Docker nor the state is asked."""
    run = root_shell(session, replace(live, root=True), not_asked)
    assert run is not None
    assert run("echo hello; echo problem >&2", 5) == "hello\nproblem\n"
    assert engine.requests == []


def test_sudo_needs_no_helper(session: HostSession, engine: FakeEngine, live: HostSnapshot, tmp_path: Path) -> None:
    """Where sudo asks for no password, it runs the text; a command in the text that reads finds nothing."""
    put(tmp_path, "sudo", SUDO)
    put(tmp_path, "id", '#!/bin/sh\n[ -n "$AS_ROOT" ] && echo 0 || echo 1000\n')
    calls = put_docker(tmp_path)
    run = root_shell(session, live, not_asked)
    assert run is not None
    assert run("id -u; cat; echo 'a quote'; echo problem >&2", 5) == "0\na quote\nproblem\n"
    assert (engine.requests, calls_in(calls)) == ([], [])


def test_the_text_for_sudo_is_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bash keeps long here documents in /tmp, and the text may have secrets; it is no argument either."""
    note = tmp_path / "stdin"
    put(
        tmp_path,
        "sudo",
        SUDO.replace("export", f'readlink "/proc/$$/fd/0" >{note}\nprintf "%s\\n" "$@" >>{note}\nexport'),
    )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    text = f"echo 'it works: %s \\n'\n: {'x' * 100_000}"
    done = subprocess.run(
        ["bash", "-c", 'eval "$(cat)"'], input=_by_sudo(text), capture_output=True, text=True, check=True
    )
    assert (
        done.stdout.strip()
        == subprocess.run(["sh"], input=text, capture_output=True, text=True, check=True).stdout.strip()
    )
    stdin, *arguments = note.read_text().splitlines()
    assert stdin.startswith("pipe:")
    assert arguments == ["sh", "-s"]


def test_a_helper_container_runs_the_text(session: HostSession, live: HostSnapshot, tmp_path: Path) -> None:
    """It has the image of a container of the stack, by id, and as few rights as entering the host needs; Docker removes it."""
    calls = put_docker(tmp_path)
    run = root_shell(session, live, own(live))
    assert run is not None
    # Longer than one argument of a command may be.
    assert run("echo 'as root'; cat; : " + "x" * 200_000, 30) == "as root\n"
    [call] = calls_in(calls)
    assert call[:3] == ["-H", "unix:///var/run/docker.sock", "run"]
    assert set(call) >= {"--rm", "--read-only", "--no-healthcheck", "--interactive"}
    assert "--privileged" not in call
    assert after(call, "--pull") == ["never"]
    assert after(call, "--cap-drop") == ["ALL"]
    assert after(call, "--cap-add") == ["SYS_ADMIN", "SYS_PTRACE", "SYS_CHROOT", "NET_RAW"]
    assert "no-new-privileges" in after(call, "--security-opt")
    assert (after(call, "--network"), after(call, "--pid"), after(call, "--user")) == (["none"], ["host"], ["0:0"])
    assert after(call, "--log-driver") == ["none"]
    assert after(call, "--label") == ["ipvlan-fabric.helper=0123456789abcdef/30"]
    assert all(mount.endswith(",readonly") for mount in after(call, "--mount"))
    assert call[call.index("--entrypoint") :] == [
        "--entrypoint",
        "/usr/bin/timeout",
        IMAGE,
        *("-k", "5", "30", "/usr/bin/nsenter", "-t", "1", "-m", "-u", "-n", "-i", "sh", "-s"),
    ]


def test_the_image_decides_nothing_in_a_helper(session: HostSession, live: HostSnapshot, tmp_path: Path) -> None:
    """Each variable of the image is overridden, and those that a loader or shell reads; its own lists of libraries are covered."""
    calls = put_docker(tmp_path)
    run = root_shell(session, live, own(live))
    assert run is not None
    run("true", 5)
    [call] = calls_in(calls)
    variables = dict(variable.split("=", 1) for variable in after(call, "--env"))
    assert len(variables) == len(after(call, "--env"))
    assert variables.items() >= {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "GREETING": "", "EMPTY": ""}.items()
    assert {variables[name] for name in ("LD_PRELOAD", "LD_AUDIT", "BASH_ENV", "ENV", "GLIBC_TUNABLES")} == {""}
    mounts = after(call, "--mount")
    assert "type=bind,src=/dev/null,dst=/etc/ld.so.preload,readonly" in mounts
    assert any("dst=/etc/ld.so.cache" in mount for mount in mounts)
    # Read-only, and only the folders that this machine, as the host, has.
    assert {mount for mount in mounts if "/etc/" not in mount} == {
        f"type=bind,src={folder},dst={folder},readonly"
        for folder in ("/usr", "/lib", "/lib64")
        if Path(folder).is_dir()
    }


def test_the_helper_ignores_the_ssh_users_docker(session: HostSession, live: HostSnapshot, tmp_path: Path) -> None:
    """The ssh user's DOCKER_HOST would lead to another machine's Docker."""
    put(tmp_path, "docker", '#!/bin/sh\necho "host=$DOCKER_HOST context=$DOCKER_CONTEXT"\n')
    run = root_shell(session, live, own(live))
    assert run is not None
    assert run("true", 5) == "host= context=\n"


def test_only_what_the_state_records_gives_an_image(session: HostSession, live: HostSnapshot) -> None:
    """A container of others gives none, whatever its labels; nor does any container while the state was not read."""
    assert root_shell(session, live, nothing_owned) is None
    assert root_shell(session, live, own(live, read=False)) is None
    assert root_shell(session, replace(live, containers={}), own(live)) is None
    (problem,) = no_root("docker-1", "operator").problems
    assert (problem.code, problem.key) == (NOT_ROOT, 'host "docker-1"')
    assert problem.problem.startswith("operator is not root")
    assert "ipvlan-fabric:hosts.docker-1.ssh" in problem.fix


def test_a_helper_that_docker_refuses(session: HostSession, live: HostSnapshot, tmp_path: Path) -> None:
    """The error names the host and Docker's reason."""
    put_docker(tmp_path, "sh -c 'echo docker: exec /usr/bin/timeout: no such file >&2; exit 125'")
    run = root_shell(session, live, own(live))
    assert run is not None
    with pytest.raises(HostError) as refused:
        run("id -u", 5)
    assert refused.value.summary == (
        'host "docker-1": Docker refused the helper container: docker: exec /usr/bin/timeout: no such file'
    )


@pytest.mark.parametrize(
    ("run_of_docker", "started"),
    [
        # What `docker run` passes on from the `timeout` in the container.
        ("sh -c 'echo half; exit 124'", 20),
        ("sh -c 'echo half; exit 137'", 20),
        # Docker itself is too slow, on a busy host.
        ("sh -c 'exec sleep 30'", 0),
    ],
    ids=["text", "text killed", "start"],
)
def test_a_helper_that_takes_too_long_is_no_answer(
    session: HostSession,
    live: HostSnapshot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    run_of_docker: str,
    started: int,
) -> None:
    """What was not run to its end in time proves nothing: it is an error of the host, and not an empty or half an output."""
    monkeypatch.setattr(module, "START_SECONDS", started)
    put_docker(tmp_path, run_of_docker)
    run = root_shell(session, live, own(live))
    assert run is not None
    with pytest.raises(HostError, match=f"did not end within 1 seconds, and {started} for its start") as late:
        run("id -u", 1)
    assert late.value.problems[0].code == VISIT_TOO_LONG


def with_helper(live: HostSnapshot, name: str, label: str, age: int) -> HostSnapshot:
    """Add a helper container of that age, in seconds, to a host."""
    container = replace(
        next(iter(live.containers.values())),
        id=f"id-{name}",
        name=name,
        image_id="",
        labels={"ipvlan-fabric.helper": label},
        created=1_000_000 - age,
    )
    return replace(live, now=1_000_000.0, containers={**live.containers, name: container})


@pytest.mark.parametrize(
    ("helper", "removed"),
    [
        (("ipvlan-fabric-helper-1", "0123456789abcdef/30", 1000), True),
        # One that may still run.
        (("ipvlan-fabric-helper-1", "0123456789abcdef/30", 100), False),
        (("ipvlan-fabric-helper-1", "0123456789abcdef/900", 1000), False),
        # One of another stack.
        (("ipvlan-fabric-helper-1", "fedcba9876543210/30", 1000), False),
        # The label was copied.
        (("web", "0123456789abcdef/30", 1000), False),
        (("ipvlan-fabric-helper-1", "true", 1000), False),
    ],
)
def test_helpers_that_were_left(
    session: HostSession, live: HostSnapshot, tmp_path: Path, helper: tuple[str, str, int], *, removed: bool
) -> None:
    """One that a killed run left is removed, by its id, before the next one is made."""
    calls = put_docker(tmp_path)
    live = with_helper(live, *helper)
    run = root_shell(session, live, own(live))
    assert run is not None
    assert run("echo done", 5) == "done\n"
    removals = [call[2:] for call in calls_in(calls) if "rm" in call]
    assert removals == ([["rm", "--force", f"id-{helper[0]}"]] if removed else [])


def test_an_older_docker_is_asked_in_its_own_version(
    session: HostSession, engine: FakeEngine, live: HostSnapshot, tmp_path: Path
) -> None:
    """A Docker that refuses our API version is asked once more in the version that it names."""
    put_docker(tmp_path)
    engine.server, engine.newest_api = "Docker/20.10.24 (linux)", "1.41"
    run = root_shell(session, live, own(live))
    assert run is not None
    assert run("echo done", 5) == "done\n"
    assert engine.requests[:2] == ["GET /v1.44/images/sha256:1/json", "GET /v1.41/images/sha256:1/json"]


@pytest.fixture
def writes(session: HostSession, engine: FakeEngine) -> Iterator[EngineWrites]:
    """Open the fake Docker for requests."""
    client = EngineWrites("docker-1", engine.socket, timeout=5)
    yield client
    client.close()


def test_files_are_written_by_sudo(session: HostSession, writes: EngineWrites, tmp_path: Path) -> None:
    """Where it asks for no password no container is made, and Docker is not asked for an image."""
    put(tmp_path, "sudo", SUDO)
    put(tmp_path, "id", '#!/bin/sh\necho "$((1 - ${AS_ROOT:-0}))"\n')
    run = root_for_files(session, writes, "nginx:1", "0123456789abcdef")
    assert run is not None
    assert run("echo $AS_ROOT", 5) == "1\n"


def test_a_helper_for_files_may_write_those_of_any_owner(
    session: HostSession, writes: EngineWrites, engine: FakeEngine, tmp_path: Path
) -> None:
    """It is made of the service's own image, by its id, and has three capabilities more."""
    put(tmp_path, "id", "#!/bin/sh\necho 1000\n")
    calls = put_docker(tmp_path)
    engine.answers["GET /images/nginx:1/json"] = (200, {"Id": IMAGE, "Config": {"Env": ENV}})
    run = root_for_files(session, writes, "nginx:1", "0123456789abcdef")
    assert run is not None
    assert run("echo 'as root'", 30) == "as root\n"
    [call] = calls_in(calls)
    assert after(call, "--cap-add")[4:] == ["CHOWN", "FOWNER", "DAC_OVERRIDE"]
    assert after(call, "--label") == ["ipvlan-fabric.helper=0123456789abcdef/30"]
    assert "BASH_ENV=" in after(call, "--env")
    assert IMAGE in call


def test_without_the_image_nothing_writes_files(session: HostSession, writes: EngineWrites, tmp_path: Path) -> None:
    """Nothing is pulled for a helper."""
    put(tmp_path, "id", "#!/bin/sh\necho 1000\n")
    assert root_for_files(session, writes, "nginx:1", "0123456789abcdef") is None
