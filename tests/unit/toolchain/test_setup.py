"""What toolchain/setup makes: the official release, checked and complete, or a build whose failure is readable.

The release comes from a server of the test's own, and the Go compiler is a fake.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import os
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.toolchain import TOOLCHAIN, Machine, versions


class QuietServer(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and logs nothing."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Start a server of releases on this machine; yield its folder and its address."""
    folder = tmp_path / "releases"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: QuietServer(*arguments, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def release_archive(installs: str = "exit 0") -> bytes:
    """Return an archive with the layout of Pulumi's own and fakes in it; `installs` is what `pulumi plugin install` does."""
    stream = io.BytesIO()
    pulumi = f'#!/bin/sh\necho "$PULUMI_HOME $*" >>"$HOME/calls"\n{installs}\n'
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in (("pulumi", pulumi), ("pulumi-language-python", "#!/bin/sh\n")):
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


MACHINE = {"x86_64": "X64", "aarch64": "ARM64"}[os.uname().machine]
DOCKER_SUM, COMMAND_SUM = "d" * 64, "c" * 64


def publish(folder: Path, archive: bytes) -> str:
    """Put a release and a checksum file that says it is the right one where setup looks; return its checksum."""
    version = versions()["PULUMI_VERSION"]
    name = f"pulumi-v{version}-linux-{MACHINE.lower()}.tar.gz"
    (folder / name).write_bytes(archive)
    checksum = hashlib.sha256(archive).hexdigest()
    (folder / f"pulumi-{version}-checksums.txt").write_text(f"{'0' * 64}  other.tar.gz\n{checksum}  {name}\n")
    return checksum


def pin(machine: Machine, checksum: str, docker: str = DOCKER_SUM, command: str = COMMAND_SUM) -> None:
    """Have the machine's versions.env name these checksums."""
    machine.copy_toolchain(
        **{
            f"PULUMI_SHA256_LINUX_{MACHINE}": checksum,
            f"DOCKER_PLUGIN_SHA256_LINUX_{MACHINE}": docker,
            f"COMMAND_PLUGIN_SHA256_LINUX_{MACHINE}": command,
        }
    )


def setup_release(machine: Machine, address: str, mode: str = "release") -> subprocess.CompletedProcess[str]:
    """Run `toolchain/setup` with the address of these releases instead of the official one."""
    return machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN=mode, IPVLAN_FABRIC_RELEASES=address)


def test_the_release_is_fetched_checked_and_given_its_plugins(machine: Machine, releases: tuple[Path, str]) -> None:
    """Both plugins are installed in the exact versions, into the home that env names."""
    folder, address = releases
    pin(machine, publish(folder, release_archive()))
    done = setup_release(machine, address)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = [line.split(" ", 1)[1] for line in (machine.cache.parent / "calls").read_text().splitlines()]
    pinned = versions()
    assert calls == [
        f"plugin install resource docker v{pinned['DOCKER_PLUGIN_VERSION']} --checksum {DOCKER_SUM}",
        f"plugin install resource command v{pinned['COMMAND_PLUGIN_VERSION']} --checksum {COMMAND_SUM}",
    ]
    environment = machine.exported(machine.run("env").stdout)
    assert environment["PULUMI_HOME"].endswith("-release/home")
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment
    # pulumi writes no debug log of each run (docs/decisions/0043-engine-work.md), also where one from before did.
    logs = Path(environment["PULUMI_HOME"]) / "logs"
    assert logs.is_char_device()
    logs.unlink()
    logs.mkdir()
    (logs / "pulumi.log").touch()
    assert setup_release(machine, "http://127.0.0.1:1").returncode == 0
    assert logs.is_char_device()


def test_a_release_with_another_checksum_is_refused(machine: Machine, releases: tuple[Path, str]) -> None:
    """Whatever the server of the archive says its checksum is: it is not unpacked, and nothing is built quietly instead of it."""
    folder, address = releases
    publish(folder, release_archive())
    pin(machine, "1" * 64)
    done = setup_release(machine, address, mode="auto")
    assert done.returncode == 1
    assert f"not {'1' * 64}: it is not the release" in done.stderr
    assert machine.cached == ["log"]


@pytest.mark.parametrize("missing", ["release", "docker", "command"])
def test_a_release_that_is_not_pinned_is_not_used(machine: Machine, releases: tuple[Path, str], missing: str) -> None:
    """Without one of the three checksums nothing is fetched, even where the server publishes a checksum."""
    folder, address = releases
    sums = {"release": publish(folder, release_archive()), "docker": DOCKER_SUM, "command": COMMAND_SUM} | {missing: ""}
    pin(machine, sums["release"], sums["docker"], sums["command"])
    done = setup_release(machine, address)
    assert done.returncode == 1
    assert "has no pinned checksum in toolchain/versions.env: not used" in done.stdout
    assert machine.cached == ["log"]
    assert not (machine.cache.parent / "calls").exists()


@pytest.mark.parametrize(
    ("missing", "reason"),
    [("server", "cannot be reached"), ("archive", "File not found"), ("plugin", "no such plugin")],
)
def test_a_failed_download_is_reported_within_seconds(
    machine: Machine, releases: tuple[Path, str], missing: str, reason: str
) -> None:
    """Without the server, the archive or a plugin, setup prints the reason and leaves nothing half made."""
    folder, address = releases
    pin(machine, publish(folder, release_archive("echo no such plugin; exit 1")))
    if missing == "server":
        address = "http://127.0.0.1:1"
    if missing == "archive":
        next(folder.glob("*.tar.gz")).unlink()
    start = time.monotonic()
    done = setup_release(machine, address)
    assert time.monotonic() - start < 10
    assert done.returncode == 1
    assert reason in done.stdout
    assert machine.cached == ["log"]


def test_a_failed_build_prints_the_compilers_output(machine: Machine) -> None:
    """Setup prints the end of the log, its path and what to do, and makes no cache entry."""
    machine.put(
        machine.bin, "go", 'if [ "$1" = env ]; then echo go1.99.0; else echo "module lookup disabled" >&2; exit 1; fi'
    )
    done = machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN="build")
    assert done.returncode == 1
    assert "module lookup disabled" in done.stderr
    assert "the Go modules of toolchain/language-host could not be fetched" in done.stderr
    assert "Traceback" not in done.stderr
    assert machine.cached == ["log"]


GO = """
[ "$1" = env ] && echo go1.99.0 && exit
if [ "$1 $3" = "list -m" ]; then echo MODULE; exit; fi
module=${PWD##*/toolchain/}
echo "begin $1 $module" >>LOG
[ "$1" = list ] && echo a && echo "go: downloading b" >&2 && exit
case $module in
  cli | docker-provider) until [ "$(grep -c "begin build [cd][lo][ic]" LOG)" = 2 ]; do sleep 0.05; done ;;
esac
case $module in FAILS) echo "# cannot compile" >&2; exit 1 ;; esac
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\necho vVERSION\n' >"$2"
chmod 755 "$2"
"""
"""Lists one package for each program, and compiles a program that prints the CLI's version; FAILS is compiled by none."""


def put_go(machine: Machine, folder: Path, fails: str = "none") -> Path:
    """Give the machine that Go; return the file of what it was asked for."""
    python = folder / "module" / "python"
    for part in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        machine.put((python / part).parent, Path(part).name, "exit 0")
    values = {
        "MODULE": folder / "module",
        "LOG": folder / "asked",
        "VERSION": versions()["PULUMI_VERSION"],
        "FAILS": fails,
    }
    text = GO
    for name, value in values.items():
        text = text.replace(name, str(value))
    machine.put(machine.bin, "go", text)
    install = shutil.which("install")
    assert install
    (machine.bin / "install").symlink_to(install)
    return folder / "asked"


def test_a_build_makes_every_program(machine: Machine, tmp_path: Path) -> None:
    """CLI and docker plugin are compiled at the same time: neither would end without the other."""
    asked = put_go(machine, tmp_path)
    done = machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN="build")
    assert done.returncode == 0, done.stdout + done.stderr
    (entry,) = [name for name in machine.cached if name.endswith("-build")]
    made = machine.cache / "toolchain" / entry
    for name in ("bin/pulumi", "bin/pulumi-language-python", "language-host/pulumi-language-python"):
        assert os.access(made / name, os.X_OK), name
    assert len(list(made.glob("home/plugins/resource-*/pulumi-resource-*"))) == 2
    lines = asked.read_text().splitlines()
    programs = ["cli", "command-provider", "docker-provider", "language-host"]
    assert sorted(line for line in lines if " build " in line) == [f"begin build {name}" for name in programs]
    assert {line for line in lines if " list " in line} == {f"begin list {name}" for name in programs}
    assert len(machine.cached) == 2


@pytest.mark.parametrize("fails", ["cli", "docker-provider"])
def test_the_failure_of_one_of_two_is_told(machine: Machine, tmp_path: Path, fails: str) -> None:
    """What its compiler says is printed, and there is no cache entry without it."""
    put_go(machine, tmp_path, fails)
    done = machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN="build")
    assert done.returncode == 1
    assert "# cannot compile" in done.stderr
    assert "toolchain/docker-provider does not build (log: " in done.stderr
    assert machine.cached == ["log"]


def runs(process: int) -> bool:
    """Return whether a process is alive; one that ended and whose parent has not noticed yet is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_stopped_setup_ends_the_compiler(machine: Machine, tmp_path: Path) -> None:
    """Ctrl-C and `kill` leave no process and no half-made folder, and free the lock."""
    alive = tmp_path / "alive"
    machine.put(machine.bin, "go", f'[ "$1" = env ] && echo go1.99.0 && exit; echo $$ >{alive}; sleep 300 & wait')
    setup = subprocess.Popen(
        [TOOLCHAIN / "setup"],
        env=machine.environment(IPVLAN_FABRIC_TOOLCHAIN="build"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (alive.exists() and alive.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    compiler = int(alive.read_text())
    setup.terminate()
    assert setup.wait(timeout=20) == 143
    assert not runs(compiler)
    assert not list((machine.cache / "toolchain").glob(".work-*"))
    assert machine.run("clean").returncode == 0
