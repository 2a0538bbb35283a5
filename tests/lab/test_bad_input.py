"""Bad input and bad hosts: `up` fails with one clear error, and the corrected `up` completes.

The tests share one stack. The text of an error is part of the interface: it names the config key or the host, and the fix.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack


def failing_up(stack: Stack, *expected: str) -> None:
    """Assert that `up` fails and prints each text of `expected`."""
    failed = stack.up(check=False)
    output = failed.stdout + failed.stderr
    assert failed.returncode != 0, output
    for text in expected:
        assert text in output, output


@contextmanager
def changed(section: dict[str, Any], **values: Any) -> Iterator[None]:
    """Change keys of a section of the config, and restore it."""
    before = dict(section)
    section.update(values)
    try:
        yield
    finally:
        section.clear()
        section.update(before)


@contextmanager
def on_host(lab: Lab, host: str, spoil: str, fix: str) -> Iterator[None]:
    """Break something on a host by hand, and fix it again."""
    lab.ssh(host, spoil)
    try:
        yield
    finally:
        lab.ssh(host, fix)


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda config: config.pop("fabric"), ["fabric"]),
        pytest.param(
            lambda config: config["fabric"].update(subnet="10.1.0.0/33"),
            ["fabric.subnet", "10.1.0.0/33"],
            marks=pytest.mark.long,
        ),
        pytest.param(
            lambda config: config["hosts"]["docker-1"].update(parrent="ens33"),
            ["hosts.docker-1", "parrent"],
            marks=pytest.mark.long,
        ),
    ],
    ids=["missing", "malformed", "unknown"],
)
def test_wrong_config(stack: Stack, spoil: Callable[[dict[str, Any]], Any], expected: list[str]) -> None:
    """A missing, malformed or unknown key is named before any host is contacted."""
    with changed(stack.config, **copy.deepcopy(stack.config)):
        spoil(stack.config)
        failing_up(stack, *expected)


def test_parent_that_does_not_exist(stack: Stack) -> None:
    """A parent NIC that the host does not have is named, with those that it has."""
    with changed(stack.config["hosts"]["docker-2"], parent="ens99"):
        failing_up(stack, 'host "docker-2"', "has no ens99", "ipvlan-fabric:hosts.docker-2.parent", "it has ens33")


def test_wrong_host_key(stack: Stack) -> None:
    """A host whose key is not the pinned one is refused."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKOfC0mTBrNNHj0hTXgPlBDJUyVrSmvlyvpT9uWyQrGo"
    with (
        changed(stack.config["hosts"]["docker-2"], host_key=key),
        changed(stack.config, ssh={"shared_connection": False}),
    ):
        failing_up(stack, 'host "docker-2"', "its host key is not the expected one", "host_key")


def test_wrong_ssh_key(stack: Stack) -> None:
    """A user whose key the host refuses is named, with the fix."""
    with changed(stack.config["hosts"]["docker-2"], ssh="nobody@192.168.140.201"):
        failing_up(stack, 'host "docker-2"', "Permission denied", "public key")


def test_unreachable_host(stack: Stack) -> None:
    """An address without a host is named within the time limit."""
    with changed(stack.config["hosts"]["docker-2"], address="192.168.140.77"):
        failing_up(stack, 'host "docker-2"', "192.168.140.77", "ipvlan-fabric:hosts.docker-2.address")


def test_host_without_docker(lab: Lab, stack: Stack) -> None:
    """A host without the docker command, and one whose daemon does not run, have different errors."""
    with on_host(lab, "docker-2", "mv /usr/bin/docker /usr/bin/docker.away", "mv /usr/bin/docker.away /usr/bin/docker"):
        failing_up(stack, 'host "docker-2"', "no `docker` command", "install Docker Engine")
    stop, start = "systemctl stop docker.socket docker", "systemctl start docker.socket docker"
    with on_host(lab, "docker-2", stop, start):
        failing_up(stack, 'host "docker-2"', "Docker does not answer", "systemctl start docker")


def test_kernel_without_ipvlan(lab: Lab, stack: Stack) -> None:
    """A kernel without the ipvlan module is named."""
    folder = "/lib/modules/$(uname -r)/kernel/drivers/net"
    spoil = f"modprobe -r ipvlan; mv {folder}/ipvlan /root/ipvlan.away; depmod -a"
    fix = f"mv /root/ipvlan.away {folder}/ipvlan; depmod -a"
    with on_host(lab, "docker-2", spoil, fix):
        failing_up(stack, 'host "docker-2"', "has no ipvlan module", "CONFIG_IPVLAN")


@pytest.mark.long  # tests/lab/day_two/test_interrupted.py and test_secrets.py have such images too.
def test_image_that_cannot_be_pulled(stack: Stack) -> None:
    """An image that the registry does not have is named with its host."""
    nginx = stack.config["services"]["nginx"]
    with changed(nginx, image=nginx["image"].partition("@")[0] + "@sha256:" + "0" * 64):
        failing_up(stack, "docker-1", nginx["image"])


def test_port_in_use_on_the_host(lab: Lab, stack: Stack) -> None:
    """A port that another process on the host uses is named with that process; once it is free, `up` binds it."""
    nginx = stack.config["services"]["nginx"]
    with changed(nginx, published=False):
        stack.up()
    spoil = "systemd-run --unit port80 -q systemd-socket-activate -l 80 /bin/cat; sleep 1"
    with on_host(lab, "docker-1", spoil, "systemctl stop port80"), changed(nginx, published=True):
        failing_up(stack, 'host "docker-1"', "port 80 -> 80/tcp not bound", "ipvlan-fabric:services.nginx.ports")


def test_the_corrected_up_completes(lab: Lab, stack: Stack) -> None:
    """After all of these the corrected `up` completes, and the next one changes nothing."""
    stack.up()
    assert [lab.http_status(ADDRESSES[host]) for host in HOSTS] == ["200", "200"]
    stack.assert_unchanged()
