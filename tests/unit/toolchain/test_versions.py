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


def required(module: str) -> dict[str, str]:
    """Return Go module -> version, as toolchain/<module>/go.mod requires them."""
    text = (TOOLCHAIN / module / "go.mod").read_text()
    return dict(re.findall(r"^(?:require )?\s*(\S+\.\S+/\S+) (v\d\S*)", text, re.MULTILINE))


def in_order(version: str) -> tuple[int, int, int, str]:
    """Return what versions of Go modules are ordered by; one before a release, and one of a commit, comes before the release."""
    parts = re.fullmatch(r"v(\d+)\.(\d+)\.(\d+)(?:-(\S+?))?(?:\+incompatible)?", version)
    assert parts, version
    return int(parts[1]), int(parts[2]), int(parts[3]), parts[4] or "~"


@pytest.mark.parametrize(
    "module",
    ["language-host", "command-provider", "docker-provider", "languages/yaml", "languages/nodejs"],
)
def test_what_the_cli_has_too_is_compiled_once(module: str) -> None:
    """No other program has an older version of a module of the CLI; only Pulumi's own code in the language hosts is older."""
    cli, keeps = required("cli"), "github.com/pulumi/" if "language" in module else "nothing"
    older = [
        f"{path}@{cli[path]}"
        for path, version in required(module).items()
        if path in cli and not path.startswith(keeps) and in_order(version) < in_order(cli[path])
    ]
    assert older == [], f"cd toolchain/{module} && go get {' '.join(older)} && go mod tidy"
