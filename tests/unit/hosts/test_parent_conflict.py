"""A parent that another network holds: its name and stack are found by a real shell, against a stand-in for docker."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.parent_conflict import explain_parent_conflict, is_parent_taken

LABEL = "ipvlan-fabric.stack"
REFUSED = "Error response from daemon: network dm-1c0ffee is already using parent interface ens33.40"


def explain(folder: Path, *lines: str) -> str:
    """What is said of ens33.40 on docker-1, whose docker lists these networks as `parent|name|stack`."""
    docker = folder / "docker"
    listed = "\n".join(lines)
    docker.write_text(
        f"""#!/bin/sh
case "$*" in
  "network ls -q --filter driver=ipvlan") echo c0ffee beef ;;
  'network inspect --format {{{{index .Options "parent"}}}}|{{{{.Name}}}}|{{{{index .Labels "{LABEL}"}}}} c0ffee beef') cat <<'L'
{listed}
L
  ;;
  *) exit 9 ;;
esac
""",
        encoding="utf-8",
    )
    docker.chmod(0o755)
    ssh = ("env", f"PATH={folder}:{os.environ['PATH']}", "sh", "-c")
    return explain_parent_conflict(HostConnection(name="docker-1", command=ssh, parent="ens33.40"), LABEL)


def test_the_other_stack_is_named(tmp_path: Path) -> None:
    """The network on this parent, and no other, is named with its stack, the key and two ways to fix it."""
    said = explain(tmp_path, "ens33|first|dev", "ens33.40|second|staging")
    for words in (
        'network "second" of stack "staging"',
        "hosts.docker-1.parent",
        "ens33.50",
        "docker network rm second",
    ):
        assert words in said
    assert "first" not in said


def test_a_network_of_no_stack_is_named(tmp_path: Path) -> None:
    """What somebody made by hand is told as such."""
    assert 'network "by-hand" which no stack made' in explain(tmp_path, "ens33.40|by-hand|")


def test_where_docker_does_not_say_a_command_is_given(tmp_path: Path) -> None:
    """A network that has gone meanwhile leaves the sentence whole."""
    assert "carries another ipvlan network already" in explain(tmp_path, "ens33|first|dev")


@pytest.mark.parametrize(("error", "taken"), [(REFUSED, True), ("network with name ipvlanl2 already exists", False)])
def test_only_a_taken_parent_is_looked_into(error: str, taken: bool) -> None:
    """Other failures have other causes."""
    assert is_parent_taken(error) is taken
