"""Write the Go modules of each Docker of versions.toml, which pin all that it is built from: go.mod, go.sum, and the imports.

Usage: python -m lab.engines.pin [SUITE...]   (default: every suite; modules are fetched as the machine's Go settings say)
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One of our modules: what is built, and of which module and version."""

    folder: Path
    packages: tuple[str, ...]
    path: str
    version: str


def pin(engine: Engine, go: Path) -> None:
    """Write both modules of an engine.

    Raises:
        LabError: A module cannot be fetched, or that moby is not that release.
    """
    moby = Module(
        folder=engine.folder / "engine",
        packages=(f"{_MOBY}/cmd/docker-proxy", f"{_MOBY}/cmd/dockerd"),
        path=_MOBY,
        version=engine.moby,
    )
    cli = Module(
        folder=engine.folder / "cli",
        packages=(f"{_CLI}/cmd/docker",),
        path=_CLI,
        version=f"v{engine.docker}+incompatible",
    )
    with step(f"{engine.suite}: modules of dockerd and docker-proxy, {moby.path} {moby.version}"):
        source = _fetch(go, moby)
        check_release(engine, source)
        _write(go, engine, moby, (source / "go.mod").read_text(encoding="utf-8"))
    with step(f"{engine.suite}: modules of the docker command, {cli.path} {cli.version}"):
        # It has no go.mod: what it is built with is in vendor.mod, in the same format.
        own = (_fetch(go, cli) / "vendor.mod").read_text(encoding="utf-8")
        _write(go, engine, cli, own, requirements(own))


def requirements(text: str) -> str:
    """Return the `require` blocks of a file of go.mod's format, without its module, tools and replacements."""
    return "\n\n".join(re.findall(r"^require \($.*?^\)$", text, re.MULTILINE | re.DOTALL))


def check_release(engine: Engine, source: Path) -> None:
    """Check that the moby in the folder `source` is the release of versions.toml: its own file names the last and the next one.

    Raises:
        LabError: It is another.
    """
    file = source / "releases" / "versions.yaml"
    if not file.is_file():
        return
    named = yaml.safe_load(file.read_text(encoding="utf-8"))["docker"]
    if engine.docker not in named.values():
        raise LabError(
            f"lab/engines/versions.toml: {engine.suite} is Docker {engine.docker} from moby {engine.moby}, whose "
            f"releases/versions.yaml names {' and '.join(named.values())}: the hosts would have another Docker under that name; "
            f"write the moby that {engine.docker} was made from"
        )


def _write(go: Path, engine: Engine, module: Module, source: str, more: str = "") -> None:
    module.folder.mkdir(parents=True, exist_ok=True)
    imports = "\n".join(f'\t_ "{package}"' for package in module.packages)
    (module.folder / "tools.go").write_text(_TOOLS.format(imports=imports), encoding="utf-8")
    oldest = re.search(r"^go \S+$", source, re.MULTILINE)
    if oldest is None:
        raise LabError(
            f"the go.mod of {module.path} {module.version} has no line `go VERSION`, so it is not known what builds it"
        )
    name = f"ipvlan-fabric/lab/engines/{engine.suite}/{module.folder.name}"
    text = f"module {name}\n\n{oldest[0]}\n\nrequire {module.path} {module.version}\n\n{more}\n"
    (module.folder / "go.mod").write_text(text, encoding="utf-8")
    (module.folder / "go.sum").unlink(missing_ok=True)
    run([go, "mod", "tidy"], cwd=module.folder, environment=go_environment(), limit=FETCH_LIMIT)


def _fetch(go: Path, module: Module) -> Path:
    # In a folder without a go.mod: it is fetched as it is, whatever our modules require.
    wanted = f"{module.path}@{module.version}"
    with TemporaryDirectory() as folder:
        done = run(
            [go, "mod", "download", "-json", wanted], cwd=Path(folder), environment=go_environment(), limit=FETCH_LIMIT
        )
    return Path(json.loads(done)["Dir"])


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
