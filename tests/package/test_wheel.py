"""A wheel of the project, installed where nothing else is: the command works, and the package has all its files."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.projects import ROOT
from tests.support.sources import TRACKED

pytestmark = pytest.mark.timeout(600)

PINNED = re.compile(r"^[A-Za-z][\w.-]*==.+$", re.MULTILINE)


def run(*command: str | Path, cwd: Path, timeout: int = 60) -> str:
    """Return what the command prints; the checkout is not on Python's path."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pip(*arguments: str | Path, python: str | Path = sys.executable) -> None:
    """Run pip, which keeps its own configuration and cache."""
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with its extra `png`, at the pinned versions; return the `bin` of the virtual environment."""
    folder = tmp_path_factory.mktemp("wheel")
    pip("wheel", "--no-deps", "--wheel-dir", folder, ROOT)
    (wheel,) = folder.glob("*.whl")
    # The pins of the tests keep a new release of a dependency from failing this one; pip checks them against the wheel's ranges.
    files = ("requirements.txt", "requirements-dev.txt", "constraints.txt")
    pins = [line for name in files for line in PINNED.findall((ROOT / name).read_text(encoding="utf-8"))]
    (folder / "pins.txt").write_text("\n".join(pins), encoding="utf-8")
    run(sys.executable, "-m", "venv", folder / "venv", cwd=folder)
    python = folder / "venv" / "bin" / "python"
    pip("install", "--constraint", folder / "pins.txt", f"{wheel}[png]", python=python)
    pip("check", python=python)
    return python.parent


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project folder that has the files of a user, and not the program."""
    for name in TRACKED:
        if re.fullmatch(r"Pulumi\.(\w+\.)?yaml|stacks/.+", name):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    """`ipvlan --help` lists the subcommands, outside of any project."""
    text = run(installed / "ipvlan", "--help", cwd=tmp_path)
    assert all(
        subcommand in text
        for subcommand in ("plan", "allocate", "report", "preflight", "verify", "status", "heal", "diagram")
    )


@pytest.mark.parametrize("stack", ["dev", "staging", "prod"])
def test_the_command_plans(installed: Path, project: Path, stack: str) -> None:
    """`ipvlan plan` prints the same document as the checkout's own command."""
    arguments = ("--stack", stack, "plan", "--json")
    document = json.loads(run(installed / "ipvlan", *arguments, cwd=project))
    own = subprocess.run(
        [Path(sys.executable).with_name("ipvlan"), *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert document["hosts"]
    assert document == json.loads(own.stdout)


def test_the_plugin_serves(installed: Path, tmp_path: Path) -> None:
    """The plugin is a command of the package, where a program's Pulumi.yaml can name its folder: it starts and prints its port."""
    with subprocess.Popen(
        [installed / "pulumi-resource-ipvlan-fabric", "127.0.0.1:1"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
    ) as plugin:
        assert plugin.stdout is not None
        port = plugin.stdout.readline()
        plugin.terminate()
    assert 0 < int(port) < 65536
    assert plugin.returncode == 0


def test_the_extra_png_draws(installed: Path, project: Path) -> None:
    """With the extra, `ipvlan diagram` writes a PNG."""
    run(installed / "ipvlan", "--stack", "dev", "diagram", "--form", "png", "--output", "fabric.png", cwd=project)
    assert (project / "fabric.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_the_package_has_every_file_of_its_folders(installed: Path, tmp_path: Path) -> None:
    """The host scripts are in it, and so is all else that git tracks in `ipvlan`, `components` and `provider`."""
    program = "import ipvlan, pathlib; print(pathlib.Path(ipvlan.__file__).parent.parent)"
    packages = Path(run(installed / "python", "-c", program, cwd=tmp_path).strip())
    assert installed.parent in packages.parents
    expected = {name for name in TRACKED if re.match(r"(ipvlan|components|provider)/.*\.(py|sh)$", name)}
    assert any(name.endswith(".sh") for name in expected)
    assert {name for name in expected if not (packages / name).is_file()} == set()
    assert not {"tests", "lab", "tools", "bench"} & {path.name for path in packages.iterdir()}
