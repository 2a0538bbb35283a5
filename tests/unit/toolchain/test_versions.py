"""The versions that toolchain/ builds are written in one place: versions.env, requirements.txt and the go.mod files agree."""

from __future__ import annotations

import re

import pytest

from tests.support.projects import ROOT
from tests.support.toolchain import TOOLCHAIN, versions


def requirement(package: str) -> str:
    """Return the version that requirements.txt pins."""
    pinned = re.search(rf"^{package}==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    assert pinned, f"requirements.txt does not pin {package}"
    return pinned[1]


def module_version(module: str, path: str) -> str:
    """Return the version of the Go module `path` that toolchain/<module>/go.mod requires."""
    required = re.search(
        rf"^(?:require )?\s*{re.escape(path)} v(\S+)", (TOOLCHAIN / module / "go.mod").read_text(), re.MULTILINE
    )
    assert required, f"toolchain/{module}/go.mod does not require {path}"
    return required[1]


@pytest.mark.parametrize("plugin", ["docker", "command"])
def test_plugin_versions_are_those_of_the_python_packages(plugin: str) -> None:
    """Pulumi looks for a plugin of exactly the Python package's version: both files name the same version."""
    assert versions()[f"{plugin.upper()}_PLUGIN_VERSION"] == requirement(f"pulumi-{plugin}")


def test_go_modules_have_the_versions_of_versions_env() -> None:
    """The go.mod files require the versions that versions.env names."""
    assert module_version("cli", "github.com/pulumi/pulumi/pkg/v3") == versions()["PULUMI_VERSION"]
    assert module_version("cli", "github.com/pulumi/pulumi/sdk/v3") == versions()["PULUMI_VERSION"]
    assert module_version("language-host", "github.com/pulumi/pulumi/sdk/v3") == versions()["LANGUAGE_HOST_SDK_VERSION"]


@pytest.mark.parametrize("module", ["cli", "language-host", "command-provider", "docker-provider"])
def test_the_oldest_go_builds_every_module(module: str) -> None:
    """Every go.mod requires the oldest Go that setup accepts, and has its checksums beside it."""
    required = re.search(r"^go (\S+)$", (TOOLCHAIN / module / "go.mod").read_text(), re.MULTILINE)
    assert required
    assert required[1] == versions()["GO_MINIMUM_VERSION"]
    assert (TOOLCHAIN / module / "go.sum").stat().st_size > 0
