"""Which Pulumi toolchain/setup chooses, and the environment that toolchain/env prints for it.

Nothing is built and no network is used: `pulumi` is a fake, and the cache is empty or filled by the test.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.support.toolchain import Machine, versions


def test_a_fitting_pulumi_on_path_is_used(machine: Machine) -> None:
    """Nothing is fetched or built, and the user's own PULUMI_HOME stays."""
    machine.put_pulumi("3.300.1")
    done = machine.run("setup")
    assert done.returncode == 0, done.stderr
    assert f"{machine.bin}/pulumi 3.300.1, found on PATH" in done.stdout
    environment = machine.exported(machine.run("env").stdout, PULUMI_HOME="/mine", DOCKER_HOST="tcp://elsewhere")
    assert environment["PATH"].split(":")[0] == str(machine.bin)
    assert environment["PULUMI_HOME"] == "/mine"
    assert "DOCKER_HOST" not in environment


@pytest.mark.parametrize("own", [{"GOGC": "200"}, {"GOGC": ""}, {"GOMEMLIMIT": "1GiB"}])
def test_go_keeps_less_memory_free_unless_the_user_says_how_much(machine: Machine, own: dict[str, str]) -> None:
    """Every plugin and the engine inherit it."""
    machine.put_pulumi("3.300.1")
    assert machine.exported(machine.run("env").stdout)["GOGC"] == "50"
    assert "GOGC" not in machine.run("env", **own).stdout


def test_an_old_pulumi_does_not_hide_a_newer_one(machine: Machine, tmp_path: Path) -> None:
    """When the first `pulumi` on PATH is too old, the second is used and comes first on the new PATH."""
    machine.put_pulumi("3.100.0")
    newer = machine.put_pulumi(versions()["PULUMI_MINIMUM_VERSION"], tmp_path / "newer")
    path = f"{machine.bin}:{newer.parent}"
    done = machine.run("setup", PATH=path)
    assert done.returncode == 0, done.stderr
    assert f"{machine.bin}/pulumi is 3.100.0, older than" in done.stdout
    assert machine.exported(machine.run("env", PATH=path).stdout)["PATH"].split(":")[0] == str(newer.parent)


@pytest.mark.parametrize(
    ("version", "host", "reason"),
    [
        ("3.258.9", True, "is 3.258.9, older than"),
        ("2.999.0", True, "is 2.999.0, older than"),
        ("rubbish", True, "is rubbish, older than"),
        ("3.300.0", False, "has no pulumi-language-python beside it"),
    ],
)
def test_an_unfit_pulumi_is_not_used_and_the_reason_is_printed(
    machine: Machine, version: str, host: bool, reason: str
) -> None:
    """A `pulumi` that is too old (by number, not by text) or has no language host is refused."""
    machine.put_pulumi(version, host=host)
    done = machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN="path")
    assert done.returncode == 1
    assert reason in done.stdout
    assert "IPVLAN_FABRIC_TOOLCHAIN=path, but no pulumi" in done.stderr


def test_a_replaced_pulumi_is_asked_for_its_version_again(machine: Machine) -> None:
    """The stored version belongs to one file: an upgrade and a downgrade are both noticed."""
    machine.put_pulumi("3.300.0")
    assert machine.run("env").returncode == 0
    machine.put_pulumi("3.1.0-an-older-one")
    assert machine.run("env").returncode == 1


def test_without_pulumi_env_prints_what_to_do(machine: Machine) -> None:
    """One line on standard error, and no exports that would half work."""
    done = machine.run("env")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "toolchain: no fitting pulumi yet. Run: make toolchain\n"


@pytest.mark.parametrize(
    ("environment", "error"),
    [
        ({"IPVLAN_FABRIC_TOOLCHAIN": "yes"}, "IPVLAN_FABRIC_TOOLCHAIN=yes is none of auto, path, release, build"),
        ({"IPVLAN_FABRIC_CACHE": "relative"}, "the cache folder 'relative/toolchain' is not an absolute path"),
    ],
)
def test_a_wrong_setting_is_named(machine: Machine, environment: dict[str, str], error: str) -> None:
    """The error names the setting and its value; nothing is guessed."""
    done = machine.run("setup", **environment)
    assert done.returncode == 1
    assert error in done.stderr


def test_with_nothing_to_do_setup_ends_at_once(machine: Machine) -> None:
    """Setup takes under 0.3 s: the fastest of five, for a machine that is busy with other work."""
    entry = machine.make_entry("build")
    expected = f"toolchain: pulumi {versions()['PULUMI_VERSION']} and plugins built from Go modules, in {entry}\n"
    times = []
    for _ in range(5):
        start = time.monotonic()
        done = machine.run("setup")
        times.append(time.monotonic() - start)
        assert done.stdout == expected
    assert min(times) < 0.3


def test_a_built_toolchain_never_fetches_plugins(machine: Machine) -> None:
    """The engine uses the built plugins, and the user's `pulumi login` is kept out of the cache."""
    entry = machine.make_entry("build")
    environment = machine.exported(machine.run("env").stdout)
    assert environment["PATH"].split(":")[0] == f"{entry}/bin"
    assert environment["PULUMI_HOME"] == f"{entry}/home"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert environment["PULUMI_CREDENTIALS_PATH"] == f"{machine.cache.parent}/.pulumi"
    assert not {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"} & environment.keys()


def test_our_own_build_on_path_is_not_taken_for_the_users(machine: Machine) -> None:
    """`toolchain/run toolchain/env` prints the same environment again, with the built folder on PATH once."""
    machine.make_entry("build")
    first = machine.exported(machine.run("env").stdout)
    again = machine.run("env", **{name: first[name] for name in ("PATH", "PULUMI_HOME")})
    assert machine.exported(again.stdout)["PATH"] == first["PATH"]
    assert machine.exported(again.stdout)["PULUMI_HOME"] == first["PULUMI_HOME"]


def test_a_pulumi_installed_later_is_used_instead(machine: Machine) -> None:
    """The home of the built plugins does not stay in the environment of an official pulumi."""
    entry = machine.make_entry("build")
    machine.put_pulumi("3.300.0")
    path = f"{entry}/bin:{machine.bin}"
    inherited = {"PATH": path, "PULUMI_HOME": f"{entry}/home", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    environment = machine.exported(machine.run("env", **inherited).stdout, **inherited)
    assert environment["PATH"].split(":")[0] == str(machine.bin)
    assert not {"PULUMI_HOME", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"} & environment.keys()


def test_run_passes_on_arguments_and_exit_status(machine: Machine) -> None:
    """Spaces and quotes in arguments reach the command unchanged."""
    machine.make_entry("build")
    done = machine.run("run", "sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", "it's", "")
    assert (done.returncode, done.stdout) == (7, "a b|it's||")


def test_a_path_with_a_quote_is_quoted(tmp_path: Path) -> None:
    """A folder whose name is shell text is only a folder."""
    odd = tmp_path / "it's $(touch gone)"
    odd.mkdir()
    machine = Machine(odd)
    entry = machine.make_entry("build")
    assert machine.exported(machine.run("env").stdout)["PULUMI_HOME"] == f"{entry}/home"


def test_clean_removes_the_toolchain(machine: Machine) -> None:
    """Clean removes the cache entry and nothing beside it; a second run is no error."""
    entry = machine.make_entry("build")
    beside = machine.cache / "lab"
    beside.mkdir()
    assert machine.run("clean").returncode == 0
    assert not entry.parent.exists()
    assert beside.is_dir()
    assert machine.run("clean").returncode == 0
