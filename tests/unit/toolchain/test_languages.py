"""The language hosts beside Python's: their versions, and what setup and run do for each kind of Pulumi."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.support.toolchain import TOOLCHAIN, Machine, versions

LANGUAGES = TOOLCHAIN / "languages"


def language_versions() -> dict[str, str]:
    """Return the settings of toolchain/languages/versions.env."""
    lines = (LANGUAGES / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


@pytest.mark.parametrize(
    ("module", "path", "setting"),
    [
        ("yaml", "github.com/pulumi/pulumi-yaml", "YAML_HOST_VERSION"),
        ("nodejs", "github.com/pulumi/pulumi/sdk/v3", "NODEJS_HOST_SDK_VERSION"),
        ("gen-sdk", "github.com/pulumi/pulumi/pkg/v3", "GEN_SDK_PULUMI_VERSION"),
    ],
)
def test_go_modules_have_the_versions_of_versions_env(module: str, path: str, setting: str) -> None:
    """The go.mod files require the versions that versions.env names, and the oldest Go that setup accepts."""
    text = (LANGUAGES / module / "go.mod").read_text()
    required = re.search(rf"^(?:require )?\s*{re.escape(path)} v(\S+)", text, re.MULTILINE)
    assert required
    assert required[1] == language_versions()[setting]
    assert f"\ngo {versions()['GO_MINIMUM_VERSION']}\n" in text
    assert (LANGUAGES / module / "go.sum").stat().st_size > 0


def test_an_sdk_is_made_by_the_code_of_the_cli() -> None:
    """gen-sdk has the version of the CLI, which would make the SDK otherwise."""
    assert language_versions()["GEN_SDK_PULUMI_VERSION"] == versions()["PULUMI_VERSION"]


def test_with_an_official_pulumi_nothing_is_built(machine: Machine) -> None:
    """Its language hosts are beside it."""
    machine.put_pulumi("3.300.1")
    done = machine.run("languages/setup")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"languages: pulumi in {machine.bin} has its language hosts beside it\n"


def test_without_a_pulumi_the_fix_is_named(machine: Machine) -> None:
    """The language hosts are nothing without a Pulumi."""
    done = machine.run("languages/setup")
    assert done.returncode == 1
    assert done.stderr == "toolchain: no fitting pulumi yet. Run: make toolchain\n"


def test_run_without_a_command_says_how_it_is_used() -> None:
    """One line on standard error, and exit status 2."""
    done = subprocess.run([LANGUAGES / "run"], capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: toolchain/languages/run COMMAND")
