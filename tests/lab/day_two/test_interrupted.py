"""`pulumi up` that does not come to its end: the way to a host is cut, the process dies, a disk is full, the registry is away.

Each time the error names host and cause, what was not meant is untouched, and the next `up` completes.
Each test leaves the stack whole.
"""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from lab.harness import ADDRESSES, HOSTS, STACK, TRACEBACK, Lab, Stack
from tests.support.lab_commands import assert_whole, document, image_of, ipvlan, side_by_side

#: Seconds until `up` gives a host up that vanished: ssh needs 15 (ipvlan.hosts.ssh), and some resources wait one after the other.
MOST_SECONDS = 120


FILL = """
cd /var/lib/docker
fallocate -l $(($(stat -f -c '%f * %S' .) - 64 * 1024 * 1024)) filler
cat /dev/zero >> filler
"""
"""All that is free, root's reserve too: most of it without writing it."""


@pytest.fixture
def web(lab: Lab, stack: Stack) -> Iterator[str]:
    """Plan a further published service on both hosts, of an image that no host has; it is taken away at the end."""
    images = dict(line.split() for line in lab.run("images").stdout.splitlines())
    forget = f"docker image rm -f {images['nginx-next']} 2>/dev/null || true"
    side_by_side(*(partial(lab.ssh, host, forget) for host in HOSTS))
    stack.config["services"]["web"] = {
        "image": images["nginx-next"], "offset": 7, "ports": ["8080:80"], "published": True,
    }  # fmt: skip
    yield images["nginx-next"]
    stack.config["services"].pop("web")
    stack.up()


def assert_untouched(lab: Lab, before: dict[str, str]) -> None:
    """Assert that the containers from before run on, as the same ones."""
    after = lab.container_ids()
    assert {key: after.get(key) for key in before} == before


def assert_completes(lab: Lab, stack: Stack, before: dict[str, str]) -> None:
    """Assert that the next `up` does the rest, and that all of it is as planned then."""
    stack.up()
    assert_whole(stack)
    assert_untouched(lab, before)
    assert [lab.http_status(address, 8080) for address in ADDRESSES.values()] == ["200", "200"]


def test_an_image_that_cannot_be_had(lab: Lab, stack: Stack, web: str) -> None:
    """With the registry away, and then with a disk full, host and image are named and nothing else is touched.

    Why a disk is full the provider does not say: `preflight` does. With the registry back and space again `up` completes.
    """
    before = lab.container_ids()
    away = "ip route {} unreachable 192.168.140.5"
    side_by_side(*(partial(lab.ssh, host, away.format("add")) for host in HOSTS))
    try:
        failed = stack.up(check=False)
    finally:
        side_by_side(*(partial(lab.ssh, host, away.format("del")) for host in HOSTS))
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert web in said
    assert "192.168.140.5:5000" in said
    assert any(f"fabric-{host}-image-nginx" in said for host in HOSTS)
    assert lab.container_ids() == before
    # All that is free, root's reserve too.
    lab.ssh("docker-2", FILL, check=False)
    try:
        failed = stack.up(check=False)
        findings = document(ipvlan(lab, "preflight", "--host", "docker-2", "--json"))["findings"]
    finally:
        lab.ssh("docker-2", "rm -f /var/lib/docker/filler")
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert "fabric-docker-2-image-nginx" in said
    assert f"unable to find or pull image {web}" in said
    assert ("disk", "docker-2") in {(found["check"], found["host"]) for found in findings}
    assert_completes(lab, stack, before)


def test_the_way_to_a_host_is_cut_in_the_middle(lab: Lab, stack: Stack, web: str) -> None:
    """A host that vanishes while `up` works on it: `up` ends and names it; when it can be reached again `up` completes."""
    before = lab.container_ids()
    switch = ("ip", "-n", f"ipvlan-lab-{lab.name}-switch", "link", "set", "docker-2")
    process = stack.up_in_the_background()
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if "Container fabric-docker-2-web" in line:
            subprocess.run([*switch, "down"], check=True, timeout=10)
            break
    began = time.monotonic()
    try:
        printed.append(process.communicate(timeout=300)[0])
        took = time.monotonic() - began
    finally:
        subprocess.run([*switch, "up"], check=True, timeout=10)
    said = "".join(printed)
    assert process.returncode != 0, said
    assert "fabric-docker-2-web" in said
    assert TRACEBACK not in said
    assert took < MOST_SECONDS
    assert_completes(lab, stack, before)


def test_up_is_killed_in_the_middle(lab: Lab, stack: Stack, web: str) -> None:
    """After `kill -9` of `up`, a container made and not written down: `pulumi cancel`, `up`, and all is as planned.

    What the state does not know is removed by its name and this stack's label, and made again.
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
    # When the other host's was not begun, it is left as a kill between making and writing down leaves it.
    label = f"ipvlan-fabric.stack={STACK}"
    lab.ssh("docker-2", f"docker create --name web --label {label} {image_of(stack, 'nginx')}", check=False)
    done = stack.up()
    assert "removed container web" in done.stdout + done.stderr
    # The state keeps what was begun, and every `up` warns of it, until somebody says that it is settled.
    stack.pulumi("refresh", "--yes", "--clear-pending-creates")
    assert_whole(stack)
    assert "pending operations" not in stack.pulumi("preview").stdout
    assert_untouched(lab, before)
    assert [lab.http_status(address, 8080) for address in ADDRESSES.values()] == ["200", "200"]


def test_up_is_killed_while_it_replaces(lab: Lab, stack: Stack) -> None:
    """After `kill -9` between the end of an old container and the new one: `pulumi cancel`, `up`, and all is as planned."""
    before = lab.container_ids()
    stack.config["services"]["nginx"]["environment"] = {"CHANGED": "once"}
    kill_up(stack, "fabric-docker-1-nginx deleting")
    stack.pulumi("cancel", "--yes")
    stack.up()
    assert_whole(stack)
    after = lab.container_ids()
    assert {key for key in before if before[key] != after.get(key)} == {f"{host}/nginx" for host in HOSTS}


def kill_up(stack: Stack, moment: str, and_then: Callable[[], object] | None = None) -> None:
    """Begin an `up` and kill it, as `kill -9` does, when it prints `moment` and `and_then` has returned."""
    process = stack.up_in_the_background()
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if moment in line:
            if and_then:
                and_then()
            process.kill()
            break
    printed.append(process.communicate(timeout=60)[0])
    assert process.returncode == -signal.SIGKILL, "".join(printed)
