"""The programs of a Docker of versions.toml, built once from Go modules into the lab's cache.

Where the modules come from, the machine's Go settings say. The compiler is the one that toolchain/find-go finds or fetches.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lab.cache import entry
from lab.engines import ENGINES, Engine
from lab.errors import LabError
from lab.run import run, say, step

if TYPE_CHECKING:
    from lab.settings import Settings

PROGRAMS: Final = {
    "/usr/sbin/dockerd": "dockerd",
    "/usr/sbin/docker-proxy": "docker-proxy",
    "/usr/bin/docker": "docker",
}
"""Path on a host -> name in the cache entry. The paths are those of Debian's packages docker.io and docker-cli."""
FIND_GO: Final = Path(__file__).resolve().parents[2] / "toolchain" / "find-go"
GO_LIMIT: Final = 700.0
"""Seconds for fetching a compiler."""
FETCH_LIMIT: Final = 1200.0
"""Seconds for fetching the modules of one program."""
BUILD_LIMIT: Final = 3600.0
"""Seconds for compiling one module. Measured on 2 cores: the engine 6 to 7 minutes of processor time, the command one."""
REPORT_EVERY: Final = 10.0
"""Seconds between two lines of progress."""
_TAGS: Final = ("netgo", "osusergo", "static_build", "nri_no_wasm")
"""Static, with Go's own resolver; nri_no_wasm leaves out a runtime for plugins in WebAssembly, which no host here has."""


def place(settings: Settings, suite: str) -> Path:
    """Return the folder of the programs of a suite of `ENGINES`, built or not."""
    return settings.cache / "engines" / f"{suite}-{ENGINES[suite].key}"


def programs(settings: Settings, suite: str) -> dict[str, Path]:
    """Return path on a host -> the program for it; build them if they are missing. Empty for a suite that is Debian's alone.

    Raises:
        LabError: They cannot be built, or one is gone from the cache.
    """
    if suite not in ENGINES:
        return {}
    engine = ENGINES[suite]
    folder = entry(place(settings, suite), lambda folder: _build(folder, engine))
    found = {path: folder / name for path, name in PROGRAMS.items()}
    for program in found.values():
        if not os.access(program, os.X_OK):
            raise LabError(f"{program} is missing: remove {folder}, then lab/up builds Docker {engine.docker} again")
    return found


def find_go(minimum: str = "") -> Path:
    """Return a Go compiler of that version or newer (default: the toolchain's), fetched if the machine has none.

    Raises:
        LabError: There is none; with the reason and the fix.
    """
    return Path(run([FIND_GO, *([minimum] if minimum else [])], limit=GO_LIMIT).strip())


def go_environment() -> dict[str, str]:
    """Return the environment for Go: this compiler, static programs, no workspace around the module."""
    environment = {name: value for name, value in os.environ.items() if name not in {"GOOS", "GOARCH"}}
    return environment | {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}


def go_line(module: Path) -> str:
    """Return the `go` line of a module's go.mod, the oldest compiler for it."""
    for line in (module / "go.mod").read_text(encoding="utf-8").splitlines():
        if line.startswith("go "):
            return line.split()[1]
    raise LabError(f"{module}/go.mod has no line `go VERSION`: run python -m lab.engines.pin")


def watched(
    command: Sequence[str | Path], *, cwd: Path, log: Path, limit: float, progress: Callable[[str], str], what: str
) -> None:
    """Run a command with its output in `log`, and say every ten seconds what `progress` makes of that output.

    Raises:
        LabError: It fails or takes more than `limit` seconds, with the end of its output; everything it started is ended.
    """
    begin = reported = time.monotonic()
    with log.open("wb") as output:
        # A session of its own, so that the compilers end with it.
        process = subprocess.Popen(
            [str(part) for part in command], cwd=cwd, env=go_environment(),
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            while process.poll() is None and time.monotonic() - begin < limit:
                time.sleep(0.2)
                if time.monotonic() - reported >= REPORT_EVERY:
                    reported = time.monotonic()
                    say(f"  {what}: {progress(log.read_text(encoding='utf-8', errors='replace'))}")
        finally:
            ended = process.poll() is not None
            if not ended:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    if process.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-12:])
        why = f"exit status {process.returncode}" if ended else f"ended after {limit:.0f} s, its limit"
        raise LabError(f"{what}: {why}\n{tail}\nFix what Go reports, then run lab/up again; what is compiled stays.")


def _build(folder: Path, engine: Engine) -> None:
    newest = max(map(go_line, (engine.folder / "engine", engine.folder / "cli")), key=_numbers)
    go = find_go(newest)
    with step(f"Docker {engine.docker} 1/2: dockerd and docker-proxy from Go modules (8 to 15 min on 2 cores, once)"):
        _compile(
            go, engine.folder / "engine", folder,
            ["github.com/moby/moby/v2/cmd/dockerd", "github.com/moby/moby/v2/cmd/docker-proxy"],
            [
                "-tags", " ".join(_TAGS),
                "-ldflags", f"-s -w -X github.com/moby/moby/v2/dockerversion.Version={engine.docker}",
            ],
        )  # fmt: skip
    with step(f"Docker {engine.docker} 2/2: the docker command (1 to 2 min)"):
        # The command's module has no go.mod, for which Go assumes the language of Go 1.16.
        language = ".".join(go_line(engine.folder / "cli").split(".")[:2])
        _compile(
            go, engine.folder / "cli", folder,
            ["github.com/docker/cli/cmd/docker"],
            [
                "-tags", " ".join(_TAGS), f"-gcflags=github.com/docker/cli/...=-lang=go{language}",
                "-ldflags", f"-s -w -X github.com/docker/cli/cli/version.Version={engine.docker}",
            ],
        )  # fmt: skip
    for name in PROGRAMS.values():
        check(folder / name, engine.docker)


def _compile(go: Path, module: Path, folder: Path, packages: Sequence[str], arguments: Sequence[str]) -> None:
    log = folder / "log"
    watched(
        [go, "list", "-mod=readonly", "-deps", *arguments[:2], *packages],
        cwd=module, log=log, limit=FETCH_LIMIT, what="modules",
        progress=lambda text: f"{text.count('go: downloading')} fetched",
    )  # fmt: skip
    total = sum(not line.startswith("go: ") for line in log.read_text(encoding="utf-8").splitlines())
    watched(
        [go, "build", "-mod=readonly", "-buildvcs=false", "-trimpath", "-v", *arguments, "-o", f"{folder}/", *packages],
        cwd=module, log=log, limit=BUILD_LIMIT, what="packages",
        progress=lambda text: f"{sum(not line.startswith('go: ') for line in text.splitlines())} of at most {total} compiled",
    )  # fmt: skip
    log.unlink()


def check(program: Path, version: str) -> None:
    """Check that a program says it is of that version.

    Raises:
        LabError: It does not start, or is of another one.
    """
    printed = run([program, "--version"]).strip()
    if f"version {version}" not in printed:
        raise LabError(f"{program.name} was built and says {printed!r}, not {version}: check lab/engines/versions.toml")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
