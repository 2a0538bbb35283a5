"""toolchain/pin-release writes what it fetched into versions.env, or nothing. The releases come from a folder of the test's own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from tests.support.toolchain import Machine, versions


def publish(folder: Path) -> dict[str, str]:
    """Put all files of a release below the folder, as GitHub has them; return the checksums by their keys."""
    pinned, sums, published = versions(), {}, []
    release = folder / "pulumi" / "releases" / "download" / f"v{pinned['PULUMI_VERSION']}"
    release.mkdir(parents=True)
    for machine in ("x64", "arm64"):
        archive = release / f"pulumi-v{pinned['PULUMI_VERSION']}-linux-{machine}.tar.gz"
        archive.write_text(f"release {machine}")
        sums[f"PULUMI_SHA256_LINUX_{machine.upper()}"] = hashlib.sha256(archive.read_bytes()).hexdigest()
        published.append(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}")
        for plugin in ("docker", "command"):
            version = pinned[f"{plugin.upper()}_PLUGIN_VERSION"]
            place = folder / f"pulumi-{plugin}" / "releases" / "download" / f"v{version}"
            place.mkdir(parents=True, exist_ok=True)
            file = place / f"pulumi-resource-{plugin}-v{version}-linux-{machine.replace('x64', 'amd64')}.tar.gz"
            file.write_text(f"{plugin} {machine}")
            sums[f"{plugin.upper()}_PLUGIN_SHA256_LINUX_{machine.upper()}"] = hashlib.sha256(
                file.read_bytes()
            ).hexdigest()
    (release / f"pulumi-{pinned['PULUMI_VERSION']}-checksums.txt").write_text("\n".join(published) + "\n")
    return sums


def pins(folder: Path) -> dict[str, str]:
    """Return the checksums of a release in the copy's versions.env."""
    lines = dict(line.split("=", 1) for line in (folder / "versions.env").read_text().splitlines() if "_LINUX_" in line)
    return {key: value for key, value in lines.items() if not key.startswith("#")}


def test_all_six_checksums_are_written(machine: Machine, tmp_path: Path) -> None:
    """They are those of the files, and nothing else of versions.env changes."""
    sums = publish(tmp_path / "site")
    folder = machine.copy_toolchain()
    done = machine.run("pin-release", IPVLAN_FABRIC_PULUMI_SITE=(tmp_path / "site").as_uri())
    assert done.returncode == 0, done.stderr
    assert pins(folder) == sums
    written, before = (folder / "versions.env").read_text(), (machine.copy_toolchain() / "versions.env").read_text()
    assert [line for line in written.splitlines() if "_LINUX_" not in line] == [
        line for line in before.splitlines() if "_LINUX_" not in line
    ]


@pytest.mark.parametrize("wrong", ["missing", "other"])
def test_a_wrong_release_pins_nothing(machine: Machine, tmp_path: Path, wrong: str) -> None:
    """Where a plugin is missing, or an archive is not the one that Pulumi's checksum file names, nothing is written."""
    publish(tmp_path / "site")
    file = next((tmp_path / "site").rglob("*command*arm64*" if wrong == "missing" else "pulumi-v*arm64*"))
    if wrong == "missing":
        file.unlink()
    else:
        file.write_text("another file")
    folder = machine.copy_toolchain()
    before = (folder / "versions.env").read_text()
    done = machine.run("pin-release", IPVLAN_FABRIC_PULUMI_SITE=(tmp_path / "site").as_uri())
    assert done.returncode == 1
    assert "Nothing was changed." in done.stderr
    assert (folder / "versions.env").read_text() == before
