"""`pulumi up` is interrupted: a host's network is cut, the process dies, a disk is full, the registry is unreachable.

The error names host and cause, other resources do not change, and the next `up` completes. Each test leaves the stack as planned.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

import pytest

from lab.faults import EMPTY, FILL
from lab.harness import ADDRESSES, HOSTS, TRACEBACK, Lab, Stack
from tests.support.lab_commands import assert_as_planned, document, image_of, in_parallel, ipvlan, kill_up

MOST_SECONDS = 120
"""Until `up` fails for a host that vanished: ssh takes 15 s (ipvlan.hosts.ssh), and some resources wait one after the other."""


@pytest.fixture
def web(lab: Lab, stack: Stack) -> Iterator[str]:
    """Add a published service on both hosts, with an image that no host has; remove it at the end."""
    image = lab.images()["nginx-next"]
    remove = f"docker image rm -f {image} 2>/dev/null || true"
    in_parallel(*(partial(lab.ssh, host, remove) for host in HOSTS))
    stack.config["services"]["web"] = {
        "image": image, "offset": 7, "ports": ["8080:80"], "published": True,
    }  # fmt: skip
    yield image
    stack.config["services"].pop("web")
    stack.up()


def assert_untouched(lab: Lab, before: dict[str, str]) -> None:
    """Assert that the containers of `before` still run, with the same ids."""
    after = lab.container_ids()
    assert {key: after.get(key) for key in before} == before


def assert_completes(lab: Lab, stack: Stack, before: dict[str, str]) -> None:
    """Assert that the next `up` completes, and that everything is as planned then."""
    stack.up()
    assert_as_planned(stack)
    assert_untouched(lab, before)
    assert [lab.http_status(address, 8080) for address in ADDRESSES.values()] == ["200", "200"]


def test_an_image_that_cannot_be_pulled(lab: Lab, stack: Stack, web: str) -> None:
    """Without the registry, and then with a full disk, the error names host and image, and nothing else changes.

    The provider does not report that a disk is full; the visit before an `up` and `preflight` do. With the registry and free space
    `up` completes.
    """
    before = lab.container_ids()
    unreachable = "ip route {} unreachable 192.168.140.5"
    in_parallel(*(partial(lab.ssh, host, unreachable.format("add")) for host in HOSTS))
    try:
        failed = stack.up(check=False)
    finally:
        in_parallel(*(partial(lab.ssh, host, unreachable.format("del")) for host in HOSTS))
    assert failed.returncode != 0
    output = failed.stdout + failed.stderr
    assert web in output
    assert "192.168.140.5:5000" in output
    assert any(f"fabric-{host}-image-nginx" in output for host in HOSTS)
    assert lab.container_ids() == before
    lab.ssh("docker-2", FILL, check=False)
    try:
        failed = stack.up(check=False)
        findings = document(ipvlan(lab, "preflight", "--host", "docker-2", "--json"))["findings"]
    finally:
        lab.ssh("docker-2", EMPTY)
    assert failed.returncode != 0
    output = failed.stdout + failed.stderr
    assert "IPF763" in output
    assert "Docker's folder /var/lib/docker has no space left" in output
    assert ("disk", "docker-2") in {(finding["check"], finding["host"]) for finding in findings}
    assert_completes(lab, stack, before)


@pytest.mark.long  # test_one_host_down of tests/lab/day_two/test_trouble.py stands for it in `make test`.
def test_a_host_vanishes_during_up(lab: Lab, stack: Stack, web: str) -> None:
    """When a host vanishes while `up` works on it, `up` fails and names it; when it can be reached again, `up` completes."""
    before = lab.container_ids()
    process = stack.start_up()
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if "Container fabric-docker-2-web" in line:
            break
    began = time.monotonic()
    with lab.unplugged("docker-2"):
        printed.append(process.communicate(timeout=300)[0])
    took = time.monotonic() - began
    output = "".join(printed)
    assert process.returncode != 0, output
    assert "fabric-docker-2-web" in output
    assert TRACEBACK not in output
    assert took < MOST_SECONDS
    assert_completes(lab, stack, before)


@pytest.mark.long  # test_an_interrupted_up of tests/lab/test_neighbours.py stands for it in `make test`.
def test_up_is_killed_while_it_creates(lab: Lab, stack: Stack, web: str) -> None:
    """After `kill -9`, with a container created and not in the state: `pulumi cancel`, `up`, and everything is as planned.

    The orphaned container, known by its owner label and by the creation that the state has as begun, is removed and created again.
    """
    before = lab.container_ids()
    kill_up(
        stack,
        "fabric-docker-1-web creating",
        partial(lab.ssh, "docker-1", "until docker ps -aq -f name=^web$ | grep -q .; do sleep 0.1; done"),
    )
    locked = stack.up(check=False)
    assert locked.returncode != 0
    assert "pulumi cancel" in locked.stdout + locked.stderr
    stack.pulumi("cancel", "--yes")
    # If the other host's container was not created yet, create it: as a kill between creation and state would leave it.
    resources = json.loads(stack.pulumi("stack", "export").stdout)["deployment"]["resources"]
    (owner,) = (one["outputs"]["owner"] for one in resources if one["type"] == "ipvlan-fabric:index:StackIdentity")
    label = f"ipvlan-fabric.owner={owner}/docker-2/web"
    lab.ssh("docker-2", f"docker create --name web --label {label} {image_of(stack, 'nginx')}", check=False)
    done = stack.up()
    assert "removed the orphaned container web" in done.stdout + done.stderr
    # The state keeps the pending operations, and every `up` warns of them, until they are cleared.
    stack.pulumi("refresh", "--yes", "--clear-pending-creates")
    assert_as_planned(stack)
    assert "pending operations" not in stack.pulumi("preview").stdout
    assert_untouched(lab, before)
    assert [lab.http_status(address, 8080) for address in ADDRESSES.values()] == ["200", "200"]


def test_up_is_killed_while_it_replaces(lab: Lab, stack: Stack) -> None:
    """After `kill -9` between deletion and replacement of a container: `pulumi cancel`, `up`, and everything is as planned."""
    before = lab.container_ids()
    stack.config["services"]["nginx"]["environment"] = {"CHANGED": "once"}
    kill_up(stack, "fabric-docker-1-nginx deleting")
    stack.pulumi("cancel", "--yes")
    stack.up()
    assert_as_planned(stack)
    after = lab.container_ids()
    assert {key for key in before if before[key] != after.get(key)} == {f"{host}/nginx" for host in HOSTS}
