"""Trouble with hosts: a container removed by hand, a reboot, a host that is off.

The tests share one stack with the others of this folder; each leaves it as planned.
"""

from __future__ import annotations

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack
from tests.support.lab_commands import assert_as_planned, document, ipvlan


@pytest.mark.versions
def test_a_removed_container_is_created_again(lab: Lab, stack: Stack) -> None:
    """When a published container was removed by hand, refresh, up and later destroy succeed, and the others do not change."""
    before = lab.container_ids()
    lab.ssh("docker-1", "docker rm -f nginx")
    stack.pulumi("refresh", "--yes")
    stack.up()
    assert lab.http_status(ADDRESSES["docker-1"]) == "200"
    after = lab.container_ids()
    assert {key for key in after if before.get(key) != after[key]} == {"docker-1/nginx"}
    stack.assert_unchanged()


@pytest.mark.long  # The one above stands for it in `make test`.
def test_a_container_removed_without_refresh(lab: Lab, stack: Stack) -> None:
    """Unpublishing a container that was removed by hand succeeds, and `up --refresh` creates the container."""
    lab.ssh("docker-1", "docker rm -f nginx")
    stack.config["services"]["nginx"]["published"] = False
    stack.up()
    stack.config["services"]["nginx"]["published"] = True
    stack.up("--refresh")
    assert lab.http_status(ADDRESSES["docker-1"]) == "200"
    stack.assert_unchanged()


@pytest.mark.versions
def test_a_rebooted_host_is_as_planned(lab: Lab, stack: Stack) -> None:
    """After a reboot containers, addresses and published ports are back without any `up`, and `status` reports no difference."""
    lab.run("power", "docker-1", "reboot", timeout=400)
    assert lab.http_status(ADDRESSES["docker-1"]) == "200"
    assert_as_planned(stack)


def test_one_host_out_of_reach(lab: Lab, stack: Stack) -> None:
    """Without a host preview works, and `up` changes the other host and names this one; when it answers, `up` completes."""
    nginx = stack.config["services"]["nginx"]
    nginx["environment"] = {"CHANGED": "yes"}
    template = "{{json .Config.Env}}"
    with lab.unplugged("docker-2"):
        assert {"fabric-docker-1-nginx", "fabric-docker-2-nginx"} <= set(stack.preview())
        failed = stack.up(check=False, timeout=200)
        assert failed.returncode != 0
        assert "docker-2" in failed.stdout + failed.stderr
        assert "192.168.140.201" in failed.stdout + failed.stderr
        assert "CHANGED=yes" in lab.ssh("docker-1", f"docker inspect -f '{template}' nginx")
        assert lab.http_status(ADDRESSES["docker-1"]) == "200"
    stack.up()
    assert "CHANGED=yes" in lab.ssh("docker-2", f"docker inspect -f '{template}' nginx")
    assert lab.http_status(ADDRESSES["docker-2"]) == "200"
    stack.assert_unchanged()
    nginx.pop("environment")
    stack.up()


@pytest.mark.versions
@pytest.mark.parametrize(
    ("spoil", "fix", "reason"),
    [
        pytest.param(
            "systemctl stop docker.socket docker",
            "systemctl start docker.socket docker",
            "Docker does not answer",
            id="stopped",
            marks=pytest.mark.long,
        ),
        pytest.param(
            "kill -STOP $(pidof dockerd)",
            "kill -CONT $(pidof dockerd)",
            "Docker takes connections and does not answer",
            id="hung",
            marks=pytest.mark.long,
        ),
    ],
)
def test_docker_down_on_one_host(lab: Lab, stack: Stack, spoil: str, fix: str, reason: str) -> None:
    """With a Docker that does not answer `up` changes the other host and names this one; when it answers, `up` completes."""
    nginx = stack.config["services"]["nginx"]
    nginx["environment"] = {"CHANGED": reason}
    before = lab.container_ids()
    lab.ssh("docker-2", spoil)
    try:
        failed = stack.up(check=False, timeout=200)
        changed = lab.ssh("docker-1", "docker inspect -f '{{json .Config.Env}}' nginx")
        status = lab.http_status(ADDRESSES["docker-1"])
    finally:
        lab.ssh("docker-2", fix)
    assert failed.returncode != 0
    assert f'IPF712 host "docker-2"\n        problem: {reason}' in failed.stdout + failed.stderr
    assert (f"CHANGED={reason}" in changed, status) == (True, "200")
    if "STOP" in spoil:
        after = lab.container_ids()
        assert {key for key in before if after.get(key) != before[key]} == {"docker-1/nginx"}
    stack.up()
    assert lab.http_status(ADDRESSES["docker-2"]) == "200"
    nginx.pop("environment")
    stack.up()
    stack.assert_unchanged()


@pytest.mark.long  # An empty host at the same address, in test_faults.py, stands for it in `make test`.
def test_an_address_that_is_another_machine(lab: Lab, stack: Stack) -> None:
    """`up`, `status` and `verify` notice it by Docker's id and believe nothing; the corrected `up` changes nothing."""
    before = lab.container_ids()
    hosts = stack.config["hosts"]
    two = hosts.pop("docker-2")
    stack.up()
    alone = lab.container_ids()
    hosts["docker-1"]["address"] = ADDRESSES["docker-2"]
    try:
        failed = stack.up(check=False)
        differences = document(ipvlan(lab, "status", "--json"))["differences"]
        verified = document(ipvlan(lab, "verify", "--json"))
    finally:
        hosts["docker-1"]["address"] = ADDRESSES["docker-1"]
    assert failed.returncode != 0
    assert 'IPF762 host "docker-1"' in failed.stdout + failed.stderr
    assert [(difference["name"], difference["host"]) for difference in differences] == [("host-replaced", "docker-1")]
    assert "another machine answers" in verified["unreachable_hosts"]["docker-1"]
    assert not any(cell["reached"] for cell in verified["cells"])
    assert lab.container_ids() == alone == {key: id_ for key, id_ in before.items() if key.startswith("docker-1/")}
    stack.assert_unchanged()
    hosts["docker-2"] = two
    stack.up()


def test_preview_needs_no_host(lab: Lab, stack: Stack) -> None:
    """With both hosts out of reach a preview still shows what would change."""
    nginx = stack.config["services"]["nginx"]
    stack.config["services"]["nginx"] = {**nginx, "environment": {"CHANGED": "in a preview"}}
    try:
        with lab.unplugged(*HOSTS):
            assert {"fabric-docker-1-nginx", "fabric-docker-2-nginx"} <= set(stack.preview())
    finally:
        stack.config["services"]["nginx"] = nginx
    stack.assert_unchanged()
