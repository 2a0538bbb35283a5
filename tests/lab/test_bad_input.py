"""Bad input and bad hosts: each ends in one clear error, and the corrected `up` goes on from there.

One stack; the tests go on from each other in their order. The error's words are part of the interface: they name the config key
or the host, and what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack


def failing_up(stack: Stack, *expected: str) -> str:
    """Assert that `up` fails and says each of `expected`; return what it printed."""
    failed = stack.up(check=False)
    text = failed.stdout + failed.stderr
    assert failed.returncode != 0, text
    for words in expected:
        assert words in text, text
    return text


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (lambda config: config.pop("fabric"), ["fabric"]),
        (lambda config: config["fabric"].update(subnet="10.1.0.0/33"), ["fabric.subnet", "10.1.0.0/33"]),
        (lambda config: config["hosts"]["docker-1"].update(parrent="ens33"), ["hosts.docker-1", "parrent"]),
    ],
    ids=["missing", "malformed", "unknown"],
)
def test_wrong_config(stack: Stack, spoil: Callable[[dict[str, Any]], Any], expected: list[str]) -> None:
    """A missing or malformed key and an unknown key are named, before any host is touched."""
    good = stack.config
    stack.config = {
        key: {name: dict(v) if isinstance(v, dict) else v for name, v in value.items()} for key, value in good.items()
    }
    try:
        spoil(stack.config)
        failing_up(stack, *expected)
    finally:
        stack.config = good


def test_parent_that_does_not_exist(stack: Stack) -> None:
    """A parent NIC that the host does not have is named with those that it has."""
    host = stack.config["hosts"]["docker-2"]
    host["parent"] = "ens99"
    failing_up(stack, 'host "docker-2"', "has no ens99", "ipvlan-fabric:hosts.docker-2.parent", "it has ens33")
    host["parent"] = "ens33"


def test_wrong_host_key(stack: Stack) -> None:
    """A host whose key is not the pinned one is not spoken to."""
    host = stack.config["hosts"]["docker-2"]
    host["host_key"] = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKOfC0mTBrNNHj0hTXgPlBDJUyVrSmvlyvpT9uWyQrGo"
    stack.config["ssh"] = {"shared_connection": False}
    failing_up(stack, 'host "docker-2"', "Host key verification failed", "host_key")
    del host["host_key"], stack.config["ssh"]


def test_wrong_ssh_key(stack: Stack) -> None:
    """A user whose key the host does not take is named with what to do."""
    host = stack.config["hosts"]["docker-2"]
    host["ssh"] = "nobody@192.168.140.201"
    failing_up(stack, 'host "docker-2"', "Permission denied", "public key")
    del host["ssh"]


def test_unreachable_host(lab: Lab, stack: Stack) -> None:
    """An address where no host is, is named within the time limit."""
    host = stack.config["hosts"]["docker-2"]
    host["address"] = "192.168.140.77"
    failing_up(stack, 'host "docker-2"', "192.168.140.77", "ipvlan-fabric:hosts.docker-2.address")
    host["address"] = ADDRESSES["docker-2"]


@contextmanager
def on_host(lab: Lab, host: str, spoil: str, fix: str) -> Iterator[None]:
    """Break something on a host by hand, and fix it again."""
    lab.ssh(host, spoil)
    try:
        yield
    finally:
        lab.ssh(host, fix)


def test_host_without_docker(lab: Lab, stack: Stack) -> None:
    """A host without the docker command, and one whose daemon is down, are told apart."""
    with on_host(lab, "docker-2", "mv /usr/bin/docker /usr/bin/docker.away", "mv /usr/bin/docker.away /usr/bin/docker"):
        failing_up(stack, 'host "docker-2"', "no `docker` command", "install Docker Engine")
    stop, start = "systemctl stop docker.socket docker", "systemctl start docker.socket docker"
    with on_host(lab, "docker-2", stop, start):
        failing_up(stack, 'host "docker-2"', "Docker does not answer", "systemctl start docker")


def test_kernel_without_ipvlan(lab: Lab, stack: Stack) -> None:
    """A kernel that has no ipvlan module is named."""
    folder = "/lib/modules/$(uname -r)/kernel/drivers/net"
    spoil = f"modprobe -r ipvlan; mv {folder}/ipvlan /root/ipvlan.away; depmod -a"
    fix = f"mv /root/ipvlan.away {folder}/ipvlan; depmod -a"
    with on_host(lab, "docker-2", spoil, fix):
        failing_up(stack, 'host "docker-2"', "has no ipvlan module", "CONFIG_IPVLAN")


def test_image_that_cannot_be_pulled(stack: Stack) -> None:
    """An image that the registry does not have is named with its host; nothing else suffers."""
    nginx = stack.config["services"]["nginx"]
    good = nginx["image"]
    nginx["image"] = good.partition("@")[0] + "@sha256:" + "0" * 64
    failing_up(stack, "docker-1", nginx["image"])
    nginx["image"] = good


def test_port_taken_on_the_host(lab: Lab, stack: Stack) -> None:
    """A port that something else on the host holds is named with its holder, and the freed port is bound by the next `up`."""
    nginx = stack.config["services"]["nginx"]
    nginx["published"] = False
    stack.up()
    spoil = "systemd-run --unit port80 -q systemd-socket-activate -l 80 /bin/cat; sleep 1"
    with on_host(lab, "docker-1", spoil, "systemctl stop port80"):
        nginx["published"] = True
        failing_up(stack, 'host "docker-1"', "port 80 -> 80/tcp not bound", "ipvlan-fabric:services.nginx.ports")


def test_the_corrected_up_goes_on(lab: Lab, stack: Stack) -> None:
    """After all of these the corrected `up` completes, and the next one changes nothing."""
    stack.up()
    assert [lab.http_status(ADDRESSES[host]) for host in HOSTS] == ["200", "200"]
    stack.unchanged()
