"""`pulumi up` that does not come to its end: the way to a host is cut, the process dies, a disk is full, the registry is away.

Each time the error names host and cause, what was not meant is untouched, and the next `up` completes.
One stack; the tests go on from each other in their order, each leaves it whole.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from tests.lab.day_two import assert_whole
from tests.lab.harness import ADDRESSES, HOSTS, TRACEBACK, Lab, Stack

#: Seconds that the way to a host stays cut: longer than ssh waits for a host that stops answering (ipvlan.ssh, 3 times 5).
CUT_SECONDS = 25


@pytest.fixture(scope="module", autouse=True)
def started(stack: Stack) -> None:
    """Bring the seed up, published."""
    stack.config["services"]["nginx"]["published"] = True
    stack.up()


@pytest.fixture
def web(lab: Lab, stack: Stack) -> Iterator[str]:
    """Plan a further published service on both hosts, of an image that no host has; it is taken away at the end."""
    images = dict(line.split() for line in lab.run("images").stdout.splitlines())
    for host in HOSTS:
        lab.ssh(host, f"docker image rm -f {images['nginx-next']} 2>/dev/null || true")
    stack.config["services"]["web"] = {
        "image": images["nginx-next"], "offset": 7, "ports": ["8080:80"], "published": True,
    }  # fmt: skip
    yield images["nginx-next"]
    stack.config["services"].pop("web")
    stack.up()
    stack.unchanged()


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


def test_the_registry_is_away(lab: Lab, stack: Stack, web: str) -> None:
    """An image that cannot be pulled: host and image are named, nothing else is touched; with the registry back `up` completes."""
    before = lab.container_ids()
    for host in HOSTS:
        lab.ssh(host, "ip route add unreachable 192.168.140.5")
    try:
        failed = stack.up(check=False)
    finally:
        for host in HOSTS:
            lab.ssh(host, "ip route del unreachable 192.168.140.5")
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert web in said
    assert "192.168.140.5:5000" in said
    assert any(f"fabric-{host}-image-nginx" in said for host in HOSTS)
    assert lab.container_ids() == before
    assert_completes(lab, stack, before)


def test_a_disk_is_full(lab: Lab, stack: Stack, web: str) -> None:
    """On a host without space Docker's words and the host are named; with space again `up` completes."""
    before = lab.container_ids()
    # All that is free, root's reserve too.
    fill = "fallocate -l $(stat -f -c '%f * %S' /var/lib/docker | xargs -I: sh -c 'echo $((:))') /var/lib/docker/filler"
    lab.ssh(
        "docker-2",
        f"{fill}; dd if=/dev/zero of=/var/lib/docker/filler2 bs=4k 2>/dev/null; df /var/lib/docker",
        check=False,
    )
    try:
        failed = stack.up(check=False)
    finally:
        lab.ssh("docker-2", "rm -f /var/lib/docker/filler /var/lib/docker/filler2")
    assert failed.returncode != 0
    said = failed.stdout + failed.stderr
    assert "no space left on device" in said
    assert "fabric-docker-2-image-nginx" in said
    assert_untouched(lab, before)
    assert_completes(lab, stack, before)


def test_ssh_is_cut_in_the_middle(lab: Lab, stack: Stack, web: str) -> None:
    """A host that vanishes while `up` works on it: `up` ends and names it; when it can be reached again `up` completes."""
    before = lab.container_ids()
    process = stack.up_in_the_background()
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if "fabric-docker-2-image-nginx" in line:
            rule = "INPUT -p tcp --dport 22 -j DROP"
            lab.ssh(
                "docker-2",
                f"nohup sh -c 'sleep 1; iptables -I {rule}; sleep {CUT_SECONDS}; iptables -D {rule}' >/dev/null 2>&1 &",
            )
            break
    printed.append(process.communicate(timeout=300)[0])
    said = "".join(printed)
    assert process.returncode != 0, said
    assert "docker-2" in said
    assert TRACEBACK not in said
    assert_completes(lab, stack, before)


@pytest.mark.parametrize(
    "moment", ["fabric-docker-1-image-nginx", "fabric-docker-1-web ", "fabric-docker-1-web-published"]
)
def test_up_is_killed_in_the_middle(lab: Lab, stack: Stack, web: str, moment: str) -> None:
    """After `kill -9` of `up` in the middle: `pulumi cancel`, `up`, and all is as planned."""
    before = lab.container_ids()
    process = stack.up_in_the_background()
    assert process.stdout is not None
    for line in process.stdout:
        if moment in line:
            process.send_signal(signal.SIGKILL)
            break
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    locked = stack.up(check=False)
    assert locked.returncode != 0
    assert "pulumi cancel" in locked.stdout + locked.stderr
    stack.pulumi("cancel", "--yes")
    assert_completes(lab, stack, before)
