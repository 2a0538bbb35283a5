"""Write the Go modules of each Docker of versions.toml: go.mod, go.sum and tools.go, which pin all that it is built from.

Usage: python -m lab.engines.pin [SUITE...]   (default: every suite; modules are fetched as the machine's Go settings say)
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import yaml

from lab.engines import ENGINES, Engine
from lab.engines.build import FETCH_LIMIT, find_go, go_environment
from lab.errors import LabError
from lab.run import run, step

_TOOLS = """\
//go:build tools

// Package tools keeps what is built in this module's requirements. Written by `python -m lab.engines.pin`.
package tools

import (
{imports}
)
"""
_MOBY = "github.com/moby/moby/v2"
_CLI = "github.com/docker/cli"


def pin(engine: Engine, go: Path) -> None:
    """Write both modules of an engine.

    Raises:
        LabError: A module cannot be fetched, or that moby is not that release.
    """
    with step(f"{engine.suite}: modules of dockerd and docker-proxy, {_MOBY} {engine.moby}"):
        source = _fetch(go, _MOBY, engine.moby)
        _check_release(engine, source)
        own = (source / "go.mod").read_text(encoding="utf-8")
        _write(
            go, engine, "engine", [f"{_MOBY}/cmd/docker-proxy", f"{_MOBY}/cmd/dockerd"], (_MOBY, engine.moby), own, ""
        )
    with step(f"{engine.suite}: modules of the docker command, {_CLI} {engine.docker}"):
        # It has no go.mod: what it is built with is in vendor.mod, in the same format.
        version = f"v{engine.docker}+incompatible"
        own = (_fetch(go, _CLI, version) / "vendor.mod").read_text(encoding="utf-8")
        _write(go, engine, "cli", [f"{_CLI}/cmd/docker"], (_CLI, version), own, requirements(own))


def requirements(text: str) -> str:
    """Return the `require` blocks of a file of go.mod's format, without its module, tools and replacements."""
    return "\n\n".join(re.findall(r"^require \($.*?^\)$", text, re.MULTILINE | re.DOTALL))


def _write(
    go: Path, engine: Engine, name: str, packages: list[str], required: tuple[str, str], source: str, more: str
) -> None:
    folder = engine.folder / name
    folder.mkdir(parents=True, exist_ok=True)
    imports = "\n".join(f'\t_ "{package}"' for package in packages)
    (folder / "tools.go").write_text(_TOOLS.format(imports=imports), encoding="utf-8")
    oldest = re.search(r"^go \S+$", source, re.MULTILINE)
    if oldest is None:
        raise LabError(f"the go.mod of {required[0]} {required[1]} names no version of Go: it cannot be built this way")
    module = f"module ipvlan-fabric/lab/engines/{engine.suite}/{name}"
    text = f"{module}\n\n{oldest[0]}\n\nrequire {required[0]} {required[1]}\n\n{more}\n"
    (folder / "go.mod").write_text(text, encoding="utf-8")
    (folder / "go.sum").unlink(missing_ok=True)
    run([go, "mod", "tidy"], cwd=folder, environment=go_environment(), limit=FETCH_LIMIT)


def _fetch(go: Path, module: str, version: str) -> Path:
    # In a folder without a go.mod: it is fetched as it is, whatever this project's modules require.
    done = run(
        [go, "mod", "download", "-json", f"{module}@{version}"],
        cwd=Path("/"),
        environment=go_environment(),
        limit=FETCH_LIMIT,
    )
    return Path(json.loads(done)["Dir"])


def _check_release(engine: Engine, source: Path) -> None:
    file = source / "releases" / "versions.yaml"
    if not file.is_file():
        return
    named = yaml.safe_load(file.read_text(encoding="utf-8"))["docker"]
    if engine.docker not in named.values():
        raise LabError(
            f"lab/engines/versions.toml: {engine.suite} is Docker {engine.docker} from moby {engine.moby}, whose "
            f"releases/versions.yaml names {' and '.join(named.values())}: the hosts would call another Docker by that name; "
            f"write the moby that {engine.docker} was made from"
        )


def main(arguments: list[str]) -> int:
    """Pin the suites named on the command line, or all."""
    unknown = [suite for suite in arguments if suite not in ENGINES]
    if unknown:
        print(f"unknown suite: {', '.join(unknown)}; versions.toml has {' '.join(ENGINES)}", file=sys.stderr)
        return 2
    try:
        go = find_go()
        for suite in arguments or ENGINES:
            pin(ENGINES[suite], go)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
