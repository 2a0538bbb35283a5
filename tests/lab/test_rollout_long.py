"""More changes that go wrong, and the settings of a rollout, while a client asks for the page.

The tests share one service with a container on both hosts; each leaves it as planned.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack
from tests.support.host_events import HostEvents
from tests.support.rollout import MOST_GAP, STARTS, WEB, Rollouts, after_power_cut, beside, containers

pytestmark = pytest.mark.long

FIRST, SECOND = HOSTS
LAST_WORDS = "cannot-open-the-database"
EXITS = ["sh", "-c", f"echo {LAST_WORDS}; exit 3"]
WAITS = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 1; done"]
"""A command that runs and never listens, and stops within a second."""
HEALTHY_WITHIN = 8
"""Seconds; a limit that a container which hangs reaches soon."""
SETTLES = 3
"""Seconds that a container runs until it counts as up."""
PORT = 8081


@contextmanager
def on_host(lab: Lab, host: str, spoil: str, fix: str) -> Iterator[None]:
    """Break something on a host by hand, and fix it again."""
    lab.ssh(host, spoil)
    try:
        yield
    finally:
        lab.ssh(host, fix)


@contextmanager
def powered_off(lab: Lab, host: str) -> Iterator[None]:
    """Cut the power of a host, and boot it again."""
    lab.run("power", host, "cut", timeout=60)
    try:
        yield
    finally:
        lab.run("power", host, "on", timeout=400)


def test_it_hangs_before_it_listens(rollouts: Rollouts) -> None:
    """A container that is not healthy within `healthy_within` is replaced by the previous one; the other host is untouched."""
    check = {
        "test": ["CMD-SHELL", "wget -q -O /dev/null http://127.0.0.1/"],
        "interval": "1s",
        "timeout": "10s",
        # Failures do not count for so long: it stays "starting".
        "start_period": "300s",
    }
    with rollouts.changed(command=WAITS, healthcheck=check, rollout={"healthy_within": f"{HEALTHY_WITHIN}s"}):
        case = rollouts.up("hangs before it listens", fails=True)
        case.assert_restored(FIRST)
        case.assert_untouched(SECOND)
        assert HEALTHY_WITHIN <= case.longest(FIRST) < HEALTHY_WITHIN + MOST_GAP
        case.assert_named(FIRST, WEB, f"healthy within {HEALTHY_WITHIN} seconds")


def test_the_registry_goes_away_half_way(lab: Lab, rollouts: Rollouts) -> None:
    """An image that docker-2 cannot pull: nothing is replaced on docker-1 either, though it has the image."""
    image = lab.images()["nginx-next"]
    lab.ssh(FIRST, f"docker pull -q {image}")
    lab.ssh(SECOND, f"docker image rm -f {image} 2>/dev/null || true")
    route = "ip route {} unreachable 192.168.140.5"
    with rollouts.changed(image=image):
        with on_host(lab, SECOND, route.format("add"), route.format("del")):
            case = rollouts.up("the registry goes away half-way", fails=True)
        case.assert_untouched(*HOSTS)
        assert image in case.output
        assert f"fabric-{SECOND}-image-nginx" in case.output


def test_on_failure_leave(lab: Lab, rollouts: Rollouts) -> None:
    """With `on_failure: leave` the failed container keeps its name for inspection; the other host is untouched."""
    with rollouts.changed(command=EXITS, rollout={"on_failure": "leave"}):
        case = rollouts.up("exits at once, on_failure: leave", fails=True)
        left = case.after[FIRST][WEB]
        assert (left.id != case.before[FIRST][WEB].id, left.command) == (True, tuple(EXITS))
        case.assert_untouched(SECOND)
        case.assert_named(FIRST, WEB, LAST_WORDS)
        assert beside(lab) == []


def test_all_at_once(rollouts: Rollouts) -> None:
    """With `at_once: all` the second host does not wait until the first one's container is up."""
    with rollouts.changed(environment={"CHANGED": "at once"}, rollout={"at_once": "all"}):
        case = rollouts.up("a good change, at_once: all")
        assert case.actions == {FIRST: "new", SECOND: "new"}
        first, second = sorted((case.away(host) for host in HOSTS), key=lambda gap: gap.began)
        assert second.began < first.ended + SETTLES


@pytest.mark.parametrize(
    ("settings", "refusal"),
    [
        pytest.param({"devices": ["/dev/nonesuch"]}, "/dev/nonesuch", id="device"),
        pytest.param({"entrypoint": ["/no/such/program"]}, "/no/such/program", id="entrypoint"),
    ],
)
def test_docker_refuses_the_start(lab: Lab, rollouts: Rollouts, settings: dict[str, Any], refusal: str) -> None:
    """A container that Docker creates and does not start: the previous one runs again, with Docker's sentence printed."""
    with rollouts.changed(**settings):
        case = rollouts.up(f"refused at the start: {next(iter(settings))}", fails=True)
        case.assert_restored(FIRST)
        case.assert_untouched(SECOND)
        assert case.longest(FIRST) < MOST_GAP
        assert refusal in case.output
        assert FIRST in case.output


def test_a_port_of_another_program(lab: Lab, rollouts: Rollouts) -> None:
    """A new port that another program on docker-1 has: the previous container has its own port again."""
    spoil = f"systemd-run --unit taken -q systemd-socket-activate -l {PORT} /bin/cat; sleep 1"
    with (
        rollouts.changed(ports=[f"{PORT}:80"]),
        on_host(lab, FIRST, spoil, "systemctl stop taken"),
    ):
        case = rollouts.up("a port of another program", fails=True)
        assert case.actions[FIRST] in {"restored", "same"}
        case.assert_untouched(SECOND)
        assert case.longest(FIRST) < MOST_GAP
        assert f"port {PORT}" in case.output
        assert lab.http_status(ADDRESSES[FIRST]) == "200"


def test_a_target(rollouts: Rollouts) -> None:
    """`--target` replaces the container of one host alone; the next `up` does the other."""
    with rollouts.changed(environment={"CHANGED": "target"}):
        case = rollouts.up("--target of docker-2", "--target", f"**fabric-{SECOND}-{WEB}**")
        case.assert_untouched(FIRST)
        assert case.actions[SECOND] == "new"
        case = rollouts.up("then the other")
        case.assert_untouched(SECOND)
        assert case.actions[FIRST] == "new"
        rollouts.stack.assert_unchanged()


def test_a_target_that_fails(rollouts: Rollouts) -> None:
    """A container that `--target` names and that does not come up is restored too."""
    with rollouts.changed(command=EXITS):
        case = rollouts.up("exits at once, --target of docker-2", "--target", f"**fabric-{SECOND}-{WEB}**", fails=True)
        case.assert_untouched(FIRST)
        case.assert_restored(SECOND)
        case.assert_named(SECOND, WEB, LAST_WORDS)


def test_one_operation_at_a_time(rollouts: Rollouts) -> None:
    """`--parallel 1` goes through, and restores a container that does not come up."""
    with rollouts.changed(environment={"CHANGED": "in a row"}):
        case = rollouts.up("a good change, --parallel 1", "--parallel", "1")
        assert case.actions == {FIRST: "new", SECOND: "new"}
        rollouts.web["command"] = EXITS
        case = rollouts.up("exits at once, --parallel 1", "--parallel", "1", fails=True)
        case.assert_restored(FIRST)
        case.assert_untouched(SECOND)


def test_the_same_file_with_refresh(rollouts: Rollouts) -> None:
    """`up --refresh` with the same file tries again, and restores again; the corrected file goes through."""
    with rollouts.changed(command=EXITS):
        rollouts.up("exits at once, before a refresh", fails=True)
        case = rollouts.up("exits at once, up --refresh", "--refresh", fails=True)
        # The restored container ran, and a copy of it runs now.
        case.assert_restored(FIRST)
        case.assert_untouched(SECOND)
        assert case.longest(FIRST) < MOST_GAP
        case.assert_named(FIRST, WEB, LAST_WORDS)


def test_a_host_goes_off_during_a_rollout(lab: Lab, stack: Stack, rollouts: Rollouts) -> None:
    """docker-2 loses its power while docker-1 is replaced: docker-1 goes through, and the next `up` does docker-2."""
    with rollouts.changed(environment={"CHANGED": "power"}):
        with HostEvents.of_lab(lab, FIRST) as events, rollouts.watched("the other host goes off") as watched:
            process = stack.start_up()
            events.wait_for(f"start {WEB}")
            watched.done = after_power_cut(lab, SECOND, process)
        assert watched.done.returncode != 0, watched.case.output
        assert SECOND in watched.case.output
        assert watched.case.actions[FIRST] == "new"
        assert watched.case.longest(FIRST) < MOST_GAP
        case = rollouts.up("after a power cut of the other host")
        case.assert_untouched(FIRST)
        rollouts.assert_clean()
        found = containers(lab)
        assert all("CHANGED=power" in found[host][WEB].environment for host in HOSTS)


def test_the_first_host_is_off(lab: Lab, rollouts: Rollouts) -> None:
    """With docker-1 off from the start, `up` fails and names it, and docker-2 has a page; with it on, `up` completes."""
    with rollouts.changed(environment={"CHANGED": "off"}):
        with rollouts.watched("the first host is off") as watched, powered_off(lab, FIRST):
            watched.done = rollouts.stack.up(check=False)
            status = lab.http_status(ADDRESSES[SECOND])
        assert watched.done.returncode != 0, watched.case.output
        watched.case.assert_named(f'host "{FIRST}"')
        assert (status, watched.case.longest(SECOND) < MOST_GAP) == ("200", True)
        rollouts.recorder.wait_for_pages(STARTS)
        rollouts.up("after the first host was off")
        rollouts.assert_clean()


READY_AFTER = 5
"""Seconds that a container takes at least until it is healthy."""
READY = {
    "command": [
        "sh",
        "-c",
        f"sleep {READY_AFTER + 1}; touch /tmp/ready; trap 'exit 0' TERM; while :; do sleep 1; done",
    ],
    "healthcheck": {"test": ["CMD-SHELL", "test -f /tmp/ready"], "interval": "1s", "timeout": "20s", "retries": 60},
}


def test_after(lab: Lab, rollouts: Rollouts) -> None:
    """`after: [database]`: created, replaced and removed in order, across hosts, and each healthy before the next."""
    services = rollouts.services
    image = rollouts.web["image"]
    with rollouts.changed():
        services["database"] = {"image": image, "offset": 11, "hosts": [SECOND], **READY}
        services["shop"] = {"image": image, "offset": 12, "hosts": [FIRST], "after": ["database"]}
        with HostEvents.of_lab(lab, FIRST) as shop, HostEvents.of_lab(lab, SECOND) as database:
            rollouts.up("after: created")
            assert database.at("start database") + READY_AFTER < shop.at("create shop")
        for name in ("database", "shop"):
            services[name]["environment"] = {"CHANGED": "once"}
        with HostEvents.of_lab(lab, FIRST) as shop, HostEvents.of_lab(lab, SECOND) as database:
            rollouts.up("after: replaced")
            assert database.at("start database") + READY_AFTER < shop.at("destroy shop")
        for name in ("database", "shop"):
            del services[name]
        with HostEvents.of_lab(lab, FIRST) as shop, HostEvents.of_lab(lab, SECOND) as database:
            rollouts.up("after: removed")
            assert shop.at("destroy shop") < database.at("kill database")


def test_after_a_service_that_does_not_come_up(lab: Lab, rollouts: Rollouts) -> None:
    """Where the database does not come up, the shop that is after it is not created."""
    services = rollouts.services
    image = rollouts.web["image"]
    with rollouts.changed():
        services["database"] = {"image": image, "offset": 11, "hosts": [SECOND], "command": EXITS}
        services["shop"] = {"image": image, "offset": 12, "hosts": [FIRST], "after": ["database"]}
        case = rollouts.up("after a service that does not come up", fails=True)
        case.assert_named(SECOND, "database", LAST_WORDS)
        assert "shop" not in case.after[FIRST]
        case.assert_untouched(*HOSTS)


def test_destroy_leaves_nothing(lab: Lab, stack: Stack, rollouts: Rollouts) -> None:
    """After a rollout that failed, with the previous container running, `destroy` leaves no container and no volume of ours."""
    rollouts.web.update(command=EXITS, volumes=["site:/data"])
    rollouts.up("exits at once, then destroy", fails=True)
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert containers(lab) == {host: {} for host in HOSTS}
    for host in HOSTS:
        assert "ipvlanl2" not in lab.ssh(host, "docker network ls --format '{{.Name}}'")
        # A named volume is the user's, and `destroy` keeps it; nothing else is there.
        assert set(lab.ssh(host, "docker volume ls -q").split()) <= {"site"}
        lab.ssh(host, "docker volume rm -f site")
