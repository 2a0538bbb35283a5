"""The check before an `up`: run as `up` runs it, against this machine instead of a host, with a Docker that is played."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ipvlan.checks.host_check import question, recorded_engine
from ipvlan.checks.host_findings import HostRequirements, host_findings, requirements_of
from ipvlan.hosts.host_facts import read_facts
from ipvlan.hosts.script import read_output, script_text
from ipvlan.plan.files import FilesPlan
from tests.support.live_parts import reference_plan
from tests.support.projects import ROOT

REQUIRED = HostRequirements(
    host="docker-1", parent="lo", ssh=("192.168.140.200",), bridge=True, docker_rules=("l3s", "too old")
)

Check = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def check(tmp_path: Path) -> Check:
    """Return what checks a host whose `docker` is the given shell text, and whose kernel has ipvlan."""

    def run(
        docker: str | None,
        required: HostRequirements = REQUIRED,
        ssh: tuple[str, ...] = (),
        previous: str = "",
    ) -> subprocess.CompletedProcess[str]:
        programs = {"modprobe": "exit 0"} | ({} if docker is None else {"docker": docker})
        for name, text in programs.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
        # Not this machine's own docker.
        for name in ("cat", "date", "find", "grep", "id", "ip", "sh", "tail", "timeout"):
            if not (tmp_path / name).is_symlink():
                (tmp_path / name).symlink_to(shutil.which(name) or "/missing")
        return subprocess.run(
            [sys.executable, "-m", "ipvlan.checks.host_check"],
            input=question(required, ssh or ("env", f"PATH={tmp_path}", "/bin/sh", "-c")),
            env={**os.environ, "PYTHONPATH": str(ROOT), "PULUMI_COMMAND_STDOUT": previous},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run


def test_a_host_that_can_carry_the_fabric(check: Check) -> None:
    """Its facts are printed, and nothing else."""
    done = check('[ "$1" = network ] || echo 28.5.2')
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("docker 28.5.2\nkernel ")


DOCKER = 'case "$*" in *ID*) echo 3cdd-27 ;; network*) ;; *) echo 28.5.2 ;; esac'


def test_the_engine_is_recorded(check: Check) -> None:
    """What it prints has the Engine's id, which `pulumi up` and a later check read from the state."""
    done = check(DOCKER)
    assert (done.returncode, done.stderr) == (0, "")
    assert recorded_engine(done.stdout) == "3cdd-27"
    assert recorded_engine("docker 28.5.2\nkernel 6.12\n") == recorded_engine("") == ""


def test_another_machine_stops_up(check: Check) -> None:
    """With another id in the state the check fails and names both; the same id, or none, is well."""
    done = check(DOCKER, previous="docker 26\nkernel 6\nengine other-1\n")
    assert done.returncode == 1
    for part in ("the state has Docker's engine other-1, and 3cdd-27 answers", "ipvlan forget docker-1"):
        assert part in done.stderr
    assert done.stdout == ""
    for previous in ("engine 3cdd-27\n", "docker 26\nkernel 6\n"):
        assert check(DOCKER, previous=previous).returncode == 0


def test_every_fault_that_stops_up_is_told_at_once(check: Check) -> None:
    """Docker and the parent are wrong: both are in the error, in the words of `ipvlan preflight`, numbered, with their fixes."""
    required = replace(REQUIRED, parent="nic99")
    done = check("echo one; echo 'Cannot connect to the daemon' >&2; exit 1", required)
    assert done.returncode == 1
    assert done.stderr.startswith('host "docker-1" cannot carry the fabric; nothing was changed on it:\n1. docker: ')
    for part in (
        "Docker does not answer on docker-1: Cannot connect to the daemon",
        "2. parent: docker-1 has no nic99",
    ):
        assert part in done.stderr
    facts = read_facts("docker-1", read_output(local_facts("nic99")), 0.0)
    parent = [finding for finding in host_findings(required, facts) if finding.check == "parent"]
    assert f"2. {parent[0]}\n" in done.stderr


def local_facts(parent: str) -> str:
    """Return what the script prints on this machine."""
    text = script_text("host_facts.sh", {"parent": parent, "docker_seconds": "5", "nftables_since": "29"})
    return subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True, timeout=30).stdout


@pytest.mark.parametrize(
    ("docker", "part"),
    [
        (None, "docker-1 has no `docker` command for "),
        ("echo 20.10.24", "docker-1 has Docker 20.10.24: a Docker older than 23 does not know mode l3s"),
        ('[ "$1" = version ] && echo 28.5.2', "no network bridge"),
    ],
)
def test_what_docker_cannot_do_stops_up(check: Check, docker: str | None, part: str) -> None:
    """A missing command, a rule about its version that refuses the plan, and a missing bridge are told apart."""
    if docker is not None and "version" in docker and Path("/sys/class/net/docker0").exists():
        pytest.skip("this machine has docker0")
    done = check(docker)
    assert done.returncode == 1
    assert part in done.stderr
    assert "2. " not in done.stderr


DOCKER_29 = """case "$*" in
  *FirewallBackend*) echo "3cdd-27 [name=seccomp]{firewall}" ;; *ID*) echo "3cdd-27 [name=seccomp]" ;;
  network*) ;; *) echo 29.8.1 ;;
esac"""
CUT = "iptables -P FORWARD ACCEPT"


@pytest.mark.parametrize(
    ("firewall", "iptables", "cut"),
    [
        (" firewall=nftables", "-P FORWARD DROP", True),
        (" firewall=nftables+firewalld", "-P FORWARD DROP", True),
        (" firewall=nftables", "-P FORWARD ACCEPT", False),
        (" firewall=iptables", "-P FORWARD DROP", False),
        # A command line that does not know the field.
        ("", "-P FORWARD DROP", False),
    ],
)
def test_a_chain_that_drops_what_dockers_nftables_accept_stops_up(
    check: Check, tmp_path: Path, firewall: str, iptables: str, cut: bool
) -> None:
    """Its name and the command are told; beside iptables the policy is Docker's own. The engine is recorded all the same."""
    for name, text in (("iptables", f"echo '{iptables}'"), ("sudo", 'shift; exec "$@"')):
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    done = check(DOCKER_29.replace("{firewall}", firewall))
    assert (CUT in done.stderr) is cut
    assert ("chain FORWARD of iptables drops everything" in done.stderr) is cut
    assert recorded_engine(done.stdout) == "3cdd-27"
    assert CUT not in check(DOCKER_29.replace("{firewall}", firewall), replace(REQUIRED, bridge=False)).stderr
    by_bridges = replace(REQUIRED, bridge=False, outside_by_bridges=True)
    assert (CUT in check(DOCKER_29.replace("{firewall}", firewall), by_bridges).stderr) is cut


def test_information_does_not_stop_up(check: Check) -> None:
    """A Docker that was never tried is no error."""
    assert check("echo 19.3.0", replace(REQUIRED, bridge=False, docker_rules=("too old",))).returncode == 0


def test_a_host_that_is_not_reached(check: Check) -> None:
    """The words of ssh are in the error, with the config key; nothing is printed as a fact."""
    done = check(None, ssh=("sh", "-c", "echo 'ssh: connect to host: No route to host' >&2; exit 255"))
    assert (done.returncode, done.stdout) == (1, "")
    for part in ("No route to host", "ipvlan-fabric:hosts.docker-1.address"):
        assert part in done.stderr


def test_a_shell_that_is_none(check: Check) -> None:
    """A host whose login shell runs nothing is an error, and never a host without faults."""
    done = check(None, ssh=("sh", "-c", "echo 'This account is not available.'"))
    assert done.returncode == 1
    assert "This account is not available." in done.stderr


def test_the_question_is_the_plans_alone() -> None:
    """It is an input of a resource: neither publishing a port nor a rule that is only information changes it."""
    command = ("ssh", "192.168.140.200")
    asked = {
        question(requirements_of(reference_plan(published=published).host("docker-1")), command)
        for published in (True, False)
    }
    assert len(asked) == 1
    document = json.loads(asked.pop())
    assert document["command"] == list(command)
    assert document["required"]["bridge"] is True
    assert "too old" not in document["required"]["docker_rules"]
    l3s = question(requirements_of(reference_plan(mode="l3s", gateway=None).host("docker-1")), command)
    assert "l3s" in json.loads(l3s)["required"]["docker_rules"]


def test_an_address_that_the_host_does_not_have(check: Check) -> None:
    """The check reads the host's addresses: an address of its loopback is there, another one is named with the service."""
    well = replace(REQUIRED, bound_addresses=(("127.0.0.1", "web"),))
    assert check(DOCKER, well).returncode == 0
    done = check(DOCKER, replace(REQUIRED, bound_addresses=(("192.0.2.77", "web"),)))
    assert done.returncode == 1
    assert "ports: docker-1 has no address 192.0.2.77, and the ports of web are to be bound there" in done.stderr


REMAPPED = 'case "$*" in *ID*) echo "3cdd-27 [name=seccomp,profile=builtin name=userns]" ;; network*) ;; *) echo 28.5.2 ;; esac'


def test_a_docker_with_users_of_its_own_gets_no_files(check: Check) -> None:
    """Files would be of users that no container has. Without files it carries the fabric, and its engine is recorded."""
    with_files = replace(REQUIRED, with_files=("web",))
    assert check(DOCKER, with_files).returncode == 0
    done = check(REMAPPED, with_files)
    assert done.returncode == 1
    assert "docker: IPF817: Docker on docker-1 has users of its own" in done.stderr
    assert "the files of web" in done.stderr
    done = check(REMAPPED)
    assert (done.returncode, done.stderr) == (0, "")
    assert recorded_engine(done.stdout) == "3cdd-27"


def test_files_with_the_hosts_users_need_nothing() -> None:
    """With `userns_mode: host` a container has the users of the host, whatever Docker has."""
    files = FilesPlan(files=(), change="restart")
    host = reference_plan().host("docker-1")
    containers = [replace(each, files=files) for each in host.containers]
    assert requirements_of(replace(host, containers=tuple(containers))).with_files == ("centos", "nginx")
    settings = containers[0].settings.model_copy(update={"userns_mode": "host"})
    containers[0] = replace(containers[0], settings=settings)
    assert requirements_of(replace(host, containers=tuple(containers))).with_files == (containers[1].service,)


def test_the_question_without_addresses_is_as_before() -> None:
    """An upgrade asks no host again: only a port that is bound at an address of the host adds to the question."""
    plan = reference_plan()
    document = json.loads(question(requirements_of(plan.host("docker-1")), ("ssh",)))
    assert sorted(document["required"]) == ["bridge", "docker_rules", "host", "parent", "ssh"]
