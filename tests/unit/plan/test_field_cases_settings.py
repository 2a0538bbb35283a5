"""Stack files with the settings that compose files have: sizes in Docker's words, CPUs, groups, namespaces, the host's address."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipvlan.plan.docker_versions import RULES
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError

IMAGE = "docker.io/example/app@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4"

RECORDER = f"""
# Camera recorder: shared memory in Docker's own spelling, a limit with a fraction, tmpfs, a runtime
config:
  ipvlan-fabric:fabric: {{name: iot, mode: l2, subnet: 10.63.0.0/24, gateway: 10.63.0.1}}
  ipvlan-fabric:hosts:
    srv: {{address: 192.168.9.20, parent: eno1.50, slice: 10.63.0.32/27}}
  ipvlan-fabric:services:
    recorder:
      image: {IMAGE}
      offset: 5
      egress: gateway
      shm_size: 64mb
      memory: 1.5g
      tmpfs: {{/tmp/cache: size=500m}}
      security_opt: [no-new-privileges:true]
      runtime: nvidia
      stop_timeout: 30
"""
NAS = f"""
# Keys of a compose file on a NAS
config:
  ipvlan-fabric:fabric: {{name: macvlan1, mode: l2, subnet: 10.66.0.0/24, gateway: 10.66.0.1}}
  ipvlan-fabric:hosts:
    NAS.example.lan: {{address: 192.168.9.27, parent: ovs_bond0, slice: 10.66.0.192/26}}
  ipvlan-fabric:services:
    pihole:
      image: {IMAGE}
      container_name: Creek-Pi.Hole_1
      hostname: pi.hole
      domainname: lan
      addresses: {{NAS.example.lan: 10.66.0.201}}
      egress: gateway
      dns: 127.0.0.1
      environment: [TZ=Europe/Berlin, WEBPASSWORD=]
      extra_hosts: ["host.docker.internal:host-gateway"]
    unbound:
      image: {IMAGE}
      offset: 3
      cpus: "0.5"
      group_add: ["44"]
      tty: true
      stdin_open: true
      pid: host
      healthcheck: {{test: [CMD, "true"], start_period: 60s, start_interval: 2s}}
"""


def plan_of(text: str, folder: Path) -> Plan:
    """Return the plan of a stack file."""
    (folder / "Pulumi.test.yaml").write_text(text, encoding="utf-8")
    return make_plan(load_stack("test", folder))


def test_a_recorder(tmp_path: Path) -> None:
    """Every size is what Docker makes of its text."""
    settings = next(plan_of(RECORDER, tmp_path).containers()).settings
    assert (settings.shm_size, settings.memory, settings.runtime) == (64 * 2**20, 1536 * 2**20, "nvidia")


def test_keys_of_a_nas(tmp_path: Path) -> None:
    """The keys arrive; the one name that leads nowhere is a warning."""
    plan = plan_of(NAS, tmp_path)
    pihole, unbound = (container.settings for container in plan.containers())
    assert (pihole.domainname, pihole.extra_hosts) == ("lan", {"host.docker.internal": "host-gateway"})
    assert (str(unbound.cpus), unbound.group_add, unbound.tty, unbound.stdin_open, unbound.pid) == (
        "0.5",
        ("44",),
        True,
        True,
        "host",
    )
    assert "IPF449" in [warning.code for warning in plan.warnings]


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ((19, 3, 0), ["start interval", "host gateway"]),
        ((20, 10, 24), ["start interval"]),
        ((24, 0, 9), ["start interval"]),
        ((25, 0, 0), []),
    ],
)
def test_what_only_newer_dockers_have(tmp_path: Path, version: tuple[int, int, int], names: list[str]) -> None:
    """A host with an older Docker is refused before anything stops."""
    [host] = plan_of(NAS, tmp_path).hosts
    assert [rule.name for rule in RULES if rule.refused and rule.holds(version) and rule.concerns(host)] == names


def test_another_containers_processes(tmp_path: Path) -> None:
    """What no plan could keep true is refused with the reason."""
    with pytest.raises(ConfigError) as error:
        plan_of(NAS.replace("pid: host", 'pid: "service:pihole"'), tmp_path)
    [problem] = error.value.problems
    assert (problem.code, problem.key) == ("IPF189", "services.unbound.pid")
    assert "id changes each time" in problem.effect
