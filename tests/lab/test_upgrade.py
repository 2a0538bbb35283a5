"""Docker of running hosts becomes a newer one, host by host, with the stack up: from Debian's 28.5 to the newest of lab/engines.

The tests are steps on hosts of their own, since what is installed on one stays. A service is published, another is on a further
bridge, and a third has a named volume.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial

import pytest

from lab.engines import ENGINES, build
from lab.harness import ADDRESSES, HOSTS, Lab, Stack
from lab.settings import CHECKOUT, default_name, from_environment
from tests.support.lab_commands import assert_as_planned, in_parallel, ipvlan

pytestmark = [pytest.mark.steps, pytest.mark.long]

NEW = list(ENGINES.values())[-1]
FIRST, SECOND = HOSTS
BUILD_SECONDS = 5400
"""Time limit of the first step, in which hosts and programs may have to be built."""
GATEWAY = "10.1.0.1/16"
STORE = "docker info -f '{{.Driver}}'"


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """Start hosts with Debian's own Docker, in place of the session's lab; whatever LAB_SUITE is."""
    name = os.environ.get("LAB_TEST_NAME") or f"{os.environ.get('LAB_NAME') or default_name(CHECKOUT)}-test"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LAB_SUITE", NEW.debian)
        running = Lab(f"{name}-upgrade")
        running.run("up", timeout=1500)
        yield running
        if not os.environ.get("LAB_KEEP"):
            running.run("down", timeout=120)


def version(lab: Lab, host: str) -> str:
    """Return the versions of a host's daemon and command, without what a vendor adds."""
    return lab.ssh(host, "docker version -f '{{.Server.Version}} {{.Client.Version}}'").split("+")[0].strip()


def images(lab: Lab, host: str) -> dict[str, str]:
    """Return container -> the id of its image."""
    lines = lab.ssh(host, "docker inspect -f '{{.Name}} {{.Image}}' $(docker ps -q)").splitlines()
    return dict(line.removeprefix("/").split() for line in lines)


def upgrade(lab: Lab, host: str) -> None:
    """Install the newer programs over the packages' on a running host, and restart Docker, as a package's upgrade does."""
    programs = build.programs(from_environment(), NEW.suite)
    for path, program in programs.items():
        lab.exec("scp", "-q", str(program), f"root@{ADDRESSES[host]}:{path}.new", timeout=300)
    moves = " && ".join(f"mv {path}.new {path}" for path in programs)
    lab.ssh(host, f"{moves} && systemctl restart docker && docker version >/dev/null", timeout=300)
    assert version(lab, host).split() == [NEW.docker, NEW.docker]


@pytest.fixture(scope="module")
def before(lab: Lab, stack: Stack) -> Iterator[dict[str, str]]:
    """Bring the stack up on the older Docker, beside a router with its gateway; yield `host/name` -> id of its containers."""
    services = stack.config["services"]
    image = services["nginx"]["image"]
    stack.config["bridges"] = {"backend": {}}
    stack.config["volumes"] = {"pages": {}}
    services["app"] = {
        "image": image, "offset": 3, "bridges": ["backend"], "volumes": ["pages:/var/www/html"], "egress": "gateway",
    }  # fmt: skip
    lab.run("router-gateway", "on", GATEWAY)
    stack.up(timeout=600)
    yield lab.container_ids()
    lab.run("router-gateway", "off", GATEWAY)


@pytest.mark.timeout(BUILD_SECONDS)
def test_one_host_upgraded(lab: Lab, stack: Stack, before: dict[str, str]) -> None:
    """Containers of the upgraded host are the same ones and run, with their images' ids; nothing differs, nothing is to do."""
    ids = images(lab, FIRST)
    store = lab.ssh(FIRST, STORE)
    assert version(lab, FIRST).startswith("28.")
    upgrade(lab, FIRST)
    assert lab.container_ids() == before
    assert images(lab, FIRST) == ids
    # The image store of the older one stays; only a new host begins with containerd's.
    assert lab.ssh(FIRST, STORE) == store
    assert_as_planned(stack)
    assert version(lab, SECOND).startswith("28.")


def test_both_hosts_upgraded(lab: Lab, stack: Stack, before: dict[str, str]) -> None:
    """With the other host upgraded as well, the ports answer, the state is as the hosts are, and preflight has no error."""
    upgrade(lab, SECOND)
    assert lab.container_ids() == before
    assert [lab.http_status(address) for address in ADDRESSES.values()] == ["200", "200"]
    assert_as_planned(stack)
    stack.pulumi("refresh", "--yes", "--expect-no-changes")
    done = ipvlan(lab, "preflight")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_change_after_the_upgrade(lab: Lab, stack: Stack, before: dict[str, str]) -> None:
    """A container of the older Docker is replaced like any, its volume stays, and one that is unpublished stays the same."""
    lab.ssh(FIRST, "docker exec app sh -c 'echo of-before > /var/www/html/index.html'")
    stack.config["services"]["app"]["environment"] = {"CHANGED": "yes"}
    stack.config["services"]["nginx"]["published"] = False
    stack.up(timeout=600)
    after = lab.container_ids()
    assert {key for key in before if after[key] != before[key]} == {f"{host}/app" for host in HOSTS}
    assert lab.ssh(FIRST, "docker exec app cat /var/www/html/index.html").strip() == "of-before"
    assert [lab.http_status(address) for address in ADDRESSES.values()] == ["000", "000"]
    stack.config["services"]["nginx"]["published"] = True
    stack.up(timeout=600)
    assert_as_planned(stack)


def test_a_reboot_after_the_upgrade(lab: Lab, stack: Stack) -> None:
    """After a reboot the newer Docker starts everything again, networks of the older one included."""
    ids = lab.container_ids()
    in_parallel(*(partial(lab.run, "power", host, "reboot", timeout=400) for host in HOSTS))
    assert lab.container_ids() == ids
    assert_as_planned(stack)


def test_destroy_after_the_upgrade(lab: Lab, stack: Stack) -> None:
    """Nothing of the stack is left, apart from its volumes, which are kept."""
    stack.pulumi("destroy", "--yes", "--skip-preview")
    for host in HOSTS:
        left = lab.footprint(host)
        assert left["containers"] == ""
        assert {line.split()[0] for line in left["networks"].splitlines()} == {"bridge", "host", "none"}
        assert "pages" in left["volumes"]
