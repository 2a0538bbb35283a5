"""Docker's nftables backend, switched on as its documentation says: what is cut is named, the printed command ends it.

For a Docker from 29 on. The host has iptables again at the end, whatever fails.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from ipvlan.plan.docker_versions import NFTABLES_SINCE, parse_version
from lab.harness import ADDRESSES, HOST_TIMEOUT, Lab, Stack
from tests.support.lab_commands import assert_as_planned, differences, document, ipvlan

pytestmark = [pytest.mark.steps, pytest.mark.versions, pytest.mark.long]

HOST, OTHER = "docker-1", "docker-2"
CONFIG = "/etc/docker/daemon.json"
KEPT = "/etc/sysctl.d/90-ip-forward.conf"
RESTART = (
    "systemctl reset-failed docker.socket docker 2>/dev/null; systemctl restart docker && docker version >/dev/null"
)


@pytest.fixture(scope="module", autouse=True)
def nftables(lab: Lab, stack: Stack) -> Iterator[None]:
    """Bring the reference setup up, then have Docker on one host write its rules to nftables, without a reboot."""
    version = parse_version(lab.ssh(HOST, "docker version --format '{{.Server.Version}}'"))
    if version is None or version[0] < NFTABLES_SINCE:
        pytest.skip("this Docker has no nftables backend")
    stack.up()
    text = lab.ssh(HOST, f"cat {CONFIG}")
    chosen = json.dumps(json.loads(text) | {"firewall-backend": "nftables"})
    # As Docker itself leaves it when it switches forwarding on.
    lab.ssh(HOST, "iptables -P FORWARD DROP")
    try:
        lab.ssh(HOST, f"printf %s {shlex.quote(chosen)} >{CONFIG}; {RESTART}", timeout=200)
        yield
    finally:
        restore = f"printf %s {shlex.quote(text)} >{CONFIG}; rm -f {KEPT}; sysctl -qw net.ipv4.ip_forward=1"
        lab.ssh(HOST, f"{restore}; iptables -P FORWARD DROP; {RESTART}", timeout=200)
        # Docker removes its tables of nftables when it goes back to iptables.
        assert "docker-bridges" not in lab.ssh(HOST, "nft list tables")
        assert_as_planned(stack)


def found(lab: Lab) -> dict[str, Any]:
    """Return the only difference that `status` has."""
    printed = document(ipvlan(lab, "status", "--json", "--timeout", HOST_TIMEOUT))
    (difference,) = printed["differences"]
    assert difference["host"] == HOST
    return dict(difference)


def test_the_backend_is_nftables_and_iptables_policy_stays(lab: Lab) -> None:
    """What the other tests are about: Docker's own table is there, and the chain that Docker left."""
    assert lab.ssh(HOST, "docker info --format '{{.FirewallBackend.Driver}}'").strip() == "nftables"
    assert "table ip docker-bridges" in lab.ssh(HOST, "nft list tables")
    assert lab.ssh(HOST, "iptables -S FORWARD").splitlines() == ["-P FORWARD DROP", "-A FORWARD -j DOCKER-USER"]


def test_what_is_cut_is_named(lab: Lab, stack: Stack) -> None:
    """By status, by preflight with the host's name only, and by verify as the reason of the port that does not answer."""
    assert lab.http_status(ADDRESSES[HOST]) == "000"
    assert lab.http_status(ADDRESSES[OTHER]) == "200"
    difference = found(lab)
    assert difference["name"] == "forward-dropped"
    assert "IPF855" in difference["problem"]
    assert "iptables -P FORWARD ACCEPT" in difference["fix"]
    preflight = ipvlan(lab, "preflight")
    assert preflight.returncode == 1
    words = " ".join(preflight.stdout.split())
    assert f"IPF855: Docker on {HOST} writes its rules to nftables" in words
    assert f"IPF855: Docker on {OTHER}" not in words
    # Nothing keeps ip_forward over a reboot yet.
    assert "IPF859" in words
    wrong = {
        cell["target"]: cell["reason"] for cell in stack.verify()["cells"] if not cell["ok"] and cell["kind"] == "port"
    }
    assert list(wrong) == [f"{HOST}/nginx"]
    assert "chain FORWARD of iptables drops everything" in wrong[f"{HOST}/nginx"]


def test_the_printed_command_ends_it(lab: Lab, stack: Stack) -> None:
    """Ports answer, everything is as planned, and preflight has no error."""
    lab.exec("sh", "-c", found(lab)["fix"])
    assert lab.http_status(ADDRESSES[HOST]) == "200"
    assert_as_planned(stack)
    assert ipvlan(lab, "preflight").returncode == 0


def test_a_docker_that_waits_for_forwarding(lab: Lab, stack: Stack) -> None:
    """As after a reboot: it does not start, status says why, and the printed command starts it and keeps forwarding."""
    lab.ssh(HOST, "sysctl -qw net.ipv4.ip_forward=0; systemctl restart docker", check=False, timeout=200)
    difference = found(lab)
    assert difference["name"] == "docker-silent"
    assert "net.ipv4.ip_forward is 0" in difference["problem"]
    assert "IPF857" in " ".join(ipvlan(lab, "preflight").stdout.split())
    lab.exec("sh", "-c", difference["fix"], timeout=200)
    assert lab.ssh(HOST, f"cat {KEPT}") == "net.ipv4.ip_forward=1\n"
    assert differences(lab) == []
    assert lab.http_status(ADDRESSES[HOST]) == "200"
    assert "IPF859" not in ipvlan(lab, "preflight").stdout
