"""A host that never comes back is forgotten, the rest goes on, and the list of what stays on it is complete."""

from __future__ import annotations

import json
import os

import pytest

from lab.harness import HOSTS, Lab, Result, Stack
from tests.support.lab_commands import in_parallel

NOBODY = "192.168.140.222"
"""An address of the LAN that no machine has: what is left of a host that is gone."""


def forget(lab: Lab, stack: Stack, *arguments: str, check: bool = True) -> Result:
    """Run `ipvlan forget docker-2`; its backup goes where git ignores it."""
    state = f"XDG_STATE_HOME={os.path.realpath('.lab')}"
    command = ("env", state, ".venv/bin/ipvlan", "--stack", stack.name, "forget", "docker-2")
    return lab.exec(*command, *arguments, check=check)


@pytest.mark.long  # test_forget of tests/lab/test_neighbours.py stands for it in `make test`.
def test_a_host_that_never_comes_back(lab: Lab, stack: Stack) -> None:
    """No other host's container changes, `up` and `destroy` succeed, and the printed lines leave nothing on the machine."""
    before = {host: lab.footprint(host) for host in HOSTS}
    for host in stack.config["hosts"].values():
        host["shim"] = True
    stack.config["services"]["nginx"].update(published=True, volumes=["site:/data"])
    stack.up()
    running = {key: id_ for key, id_ in lab.container_ids().items() if key.startswith("docker-1/")}
    stack.config["hosts"]["docker-2"]["address"] = NOBODY
    stack.write()
    document = json.loads(forget(lab, stack, "--json", check=False).stdout)
    assert [container["address"] for container in document["remains"]["containers"]] == ["10.1.2.1", "10.1.2.2"]
    assert document["remains"]["volumes"] == ["site"]
    forget(lab, stack, "--yes")
    assert "docker-2" not in stack.file.read_text(encoding="utf-8")
    del stack.config["hosts"]["docker-2"]
    stack.up()
    assert {key: id_ for key, id_ in lab.container_ids().items() if key.startswith("docker-1/")} == running
    stack.assert_unchanged()
    stack.pulumi("destroy", "--yes", "--skip-preview")
    lines = [*document["clean_up"], *(line for line in document["clean_up_kept"] if " volume " in line)]
    in_parallel(
        lambda: lab.ssh("docker-1", "docker volume rm site"), lambda: lab.ssh("docker-2", "set -e\n" + "\n".join(lines))
    )
    assert {host: lab.footprint(host) for host in HOSTS} == before
    assert lab.ssh("docker-2", "find /etc/systemd -name '*ipvlan*'") == ""
