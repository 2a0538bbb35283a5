"""What the script of a host's facts prints, and how it is read."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_facts import Link, Listener, facts_of_host, read_facts
from ipvlan.hosts.script import read_output

PRINTED = """user=deploy
clock=1000
kernel=6.12.48+deb13-amd64
ipvlan=yes
docker_command=yes
docker=28.5.2
docker_bridge=no
link=name=ens33 flags=0x1003 carrier=1 wireless=0
link=name=wlan=0 flags=0x1002 carrier=0 wireless=1
macvlan=mv0
address=127.0.0.1
address=192.168.140.200
nonlocal_bind=1
forward=1
drop=iptables -A DOCKER-USER -j DROP
listen=protocol=tcp address=0.0.0.0:80 process=users:(("nginx: master",pid=12,fd=3))
listen=protocol=udp address=127.0.0.53%lo:53 process=
"""


def test_facts_are_read_by_name() -> None:
    """Each line is in its place, whatever characters a name has."""
    facts = read_facts("docker-1", read_output(PRINTED), 990.0)
    assert (facts.user, facts.docker, facts.docker_failure, facts.has_docker_bridge) == ("deploy", "28.5.2", "", False)
    assert facts.links == {
        "ens33": Link(up=True, carrier=True, wireless=False),
        "wlan=0": Link(up=False, carrier=False, wireless=True),
    }
    assert facts.listeners == (
        Listener(protocol="tcp", address="0.0.0.0", port=80, process="nginx: master"),  # noqa: S104  # compared, not bound
        Listener(protocol="udp", address="127.0.0.53", port=53, process=""),
    )
    assert facts.macvlan_children == ("mv0",)
    assert facts.addresses == {"127.0.0.1", "192.168.140.200"}
    assert facts.binds_any_address
    assert facts.dropping == ("iptables -A DOCKER-USER -j DROP",)
    assert facts.forwards
    assert facts.has_ipvlan
    assert facts.clock_ahead == 10.0


def test_a_script_that_did_not_run_is_an_error() -> None:
    """Nothing printed is not "no ipvlan, no NIC, no Docker"."""
    with pytest.raises(HostError, match="it printed sh: not found"):
        read_facts("docker-1", read_output("sh: not found\n"), 0.0)


def test_this_machine_has_facts() -> None:
    """The script runs in this machine's own shell: its loopback is up, its clock is right."""
    here = HostConnection(name="here", command=("sh", "-c"), parent="lo")
    facts = facts_of_host(here, timeout=30, docker_seconds=5)
    assert facts.links["lo"].up
    assert facts.kernel
    assert abs(facts.clock_ahead) < 5


def test_nothing_in_the_visit_is_without_a_limit(tmp_path: Path) -> None:
    """A command of the host that hangs ends with the visit: here `modprobe`, which no limit of its own has."""
    for name in ("modprobe", "id"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 61\n")
        (tmp_path / name).chmod(0o755)
    hanging = HostConnection(
        name="docker-1", command=("env", f"PATH={tmp_path}:{os.environ['PATH']}", "sh", "-c"), parent="lo"
    )
    start = time.monotonic()
    with pytest.raises(HostError, match="took more than 1 seconds, and was ended there"):
        facts_of_host(hanging, timeout=1, docker_seconds=30)
    assert time.monotonic() - start < 5


def test_a_port_that_is_no_number_is_none() -> None:
    """`²` is a digit to Python and no number: a process may print anything in the place of a port."""
    printed = PRINTED + "listen=protocol=tcp address=0.0.0.0:² process=\n"
    assert read_facts("docker-1", read_output(printed), 990.0).listeners[-1].port == 0
