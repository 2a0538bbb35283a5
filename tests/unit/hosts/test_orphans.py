"""Orphaned resources are found by name and label and removed: the real script against a substitute for docker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.orphans import Kind, is_name_taken, remove_orphan

LABEL = "ipvlan-fabric.stack=dev"
DOCKER = """#!/bin/sh
echo "$@" >> LOG
case "$*" in
  *" -aq "* | *" -q "*) LISTED ;;
  "rm -f "* | "network rm "*) REMOVE ;;
esac
"""


def remove(
    folder: Path, kind: Kind, name: str, *, listed: str, removing: str = "for last; do :; done; echo $last"
) -> tuple[str, list[str]]:
    """Return the id that was removed, and docker's calls; `listed` is the id that it lists, `removing` its text for a removal."""
    docker, log = folder / "docker", folder / "log"
    text = (
        DOCKER.replace("LOG", str(log))
        .replace("LISTED", f"echo {listed}" if listed else ":")
        .replace("REMOVE", removing)
    )
    docker.write_text(text, encoding="utf-8")
    docker.chmod(0o755)
    ssh = ("env", f"PATH={folder}:{os.environ['PATH']}", "sh", "-c")
    return remove_orphan(HostConnection(name="docker-1", command=ssh), kind, name, LABEL), log.read_text(
        encoding="utf-8"
    ).splitlines()


def test_an_orphaned_container_is_removed_by_its_id(tmp_path: Path) -> None:
    """Docker lists what has the exact name and the label, and that id is removed."""
    removed, calls = remove(tmp_path, "container", "web.1", listed="c0ffee")
    assert removed == "c0ffee"
    assert calls == [rf"ps -aq --no-trunc --filter name=^/?web\.1$ --filter label={LABEL}", "rm -f c0ffee"]


def test_an_orphaned_network_is_removed_by_its_id(tmp_path: Path) -> None:
    """The same for a network."""
    removed, calls = remove(tmp_path, "network", "ipvlanl2", listed="beef")
    assert removed == "beef"
    assert calls == [f"network ls -q --no-trunc --filter name=^ipvlanl2$ --filter label={LABEL}", "network rm beef"]


def test_what_others_made_stays(tmp_path: Path) -> None:
    """Where nothing has the label, nothing is removed."""
    removed, calls = remove(tmp_path, "container", "web", listed="")
    assert removed == ""
    assert len(calls) == 1


def test_a_network_in_use_stays(tmp_path: Path) -> None:
    """Docker refuses to remove it: nothing was removed, and the failure remains the first one."""
    removed, _ = remove(
        tmp_path, "network", "ipvlanl2", listed="beef", removing="echo 'has active endpoints' >&2; exit 1"
    )
    assert removed == ""


@pytest.mark.parametrize(
    ("kind", "error", "taken"),
    [
        ("container", 'Conflict. The container name "/web" is already in use by container "e77".', True),
        ("container", "driver failed programming external connectivity: port is already allocated", False),
        ("network", "Error response from daemon: network with name ipvlanl2 already exists", True),
        ("network", 'The container name "/web" is already in use', False),
    ],
)
def test_only_a_taken_name_is_looked_into(kind: Kind, error: str, taken: bool) -> None:
    """Other failures have other causes."""
    assert is_name_taken(kind, error) is taken
