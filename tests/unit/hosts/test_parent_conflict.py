"""Which network is on a parent, read by the real script from a substitute for docker."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.parent_conflict import find_parent_conflict, is_parent_taken

LABEL = "ipvlan-fabric.stack"
REFUSED = "Error response from daemon: network dm-1c0ffee is already using parent interface ens33.40"


def conflict(folder: Path, *networks: tuple[str, str, str]) -> HostError:
    """Return the conflict over ens33.40 of docker-1, whose docker has these networks: parent, name, stack or nothing."""
    inspected = [
        {
            "Id": name[0] * 64,
            "Containers": {"c0": {}},
            "Name": name,
            "Options": {"parent": parent},
            "Labels": {LABEL: stack} if stack else {},
        }
        for parent, name, stack in networks
    ]
    docker = folder / "docker"
    docker.write_text(
        f"""#!/bin/sh
case "$*" in
  "network ls -q --filter driver=ipvlan") {"echo c0ffee; echo beef" if networks else ":"} ;;
  "network inspect c0ffee beef") cat <<'NETWORKS'
{json.dumps(inspected, indent=4)}
NETWORKS
  ;;
  *) exit 9 ;;
esac
""",
        encoding="utf-8",
    )
    docker.chmod(0o755)
    command = ("env", f"PATH={folder}:{os.environ['PATH']}", "sh", "-c")
    return find_parent_conflict(HostConnection(name="docker-1", command=command, parent="ens33.40"), LABEL)


def test_the_other_stack_is_named(tmp_path: Path) -> None:
    """The network on this parent, and no other, is named with its stack, the key and two fixes."""
    error = conflict(tmp_path, ("ens33", "first", "dev"), ("ens33.40", "second", "staging"))
    (problem,) = error.problems
    assert error.host == "docker-1"
    assert 'network "second" (ssssssssssss) of stack "staging"' in problem.problem
    assert "ipvlan-fabric:hosts.docker-1.parent" in problem.problem
    assert "nothing was created" in problem.effect
    assert "ens33.50" in problem.fix
    assert (
        'let stack "staging" remove it (`docker network rm ssssssssssss` on the host) if nobody needs it' in problem.fix
    )
    assert "1 running container of it now" in problem.fix
    assert "first" not in str(error)


def test_a_network_of_no_stack_is_named(tmp_path: Path) -> None:
    """A network that somebody created by hand is reported as such."""
    error = str(conflict(tmp_path, ("ens33.40", "by-hand", "")))
    assert 'network "by-hand" (bbbbbbbbbbbb) which belongs to no stack' in error
    assert "let whoever created it by hand remove it" in error


@pytest.mark.parametrize("networks", [[("ens33", "first", "dev")], []])
def test_where_docker_does_not_know_a_command_is_given(tmp_path: Path, networks: list[tuple[str, str, str]]) -> None:
    """A network that has been removed since leaves a complete message."""
    (problem,) = conflict(tmp_path, *networks).problems
    assert "already has another ipvlan network" in problem.problem
    assert "docker network ls --filter driver=ipvlan" in problem.fix


@pytest.mark.parametrize(("error", "taken"), [(REFUSED, True), ("network with name ipvlanl2 already exists", False)])
def test_only_a_taken_parent_is_looked_into(error: str, taken: bool) -> None:
    """Other failures have other causes."""
    assert is_parent_taken(error) is taken
