"""Whether a container comes up, against a substitute for Docker's Engine, in a time that passes only where somebody sleeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import engine as engine_module
from ipvlan.hosts import engine_writes, settle
from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, HostError
from ipvlan.hosts.printed_text import LAST_LINES
from ipvlan.hosts.settle import (
    RESTARTED_SECONDS,
    STEADY_SECONDS,
    Settled,
    ended_for_good,
    ended_or_restarting,
    is_restarting,
)
from tests.support.container_engine import ContainerEngine, set_state
from tests.support.settling import ID, health, later, passed, put, restart, run, started, turn

PORT = BoundPort(container_port="80/tcp", host_address="", host_port=8080)
BINDINGS = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]}  # noqa: S104


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker that has just started the container web."""
    with started(tmp_path, monkeypatch) as engine:
        yield engine


def test_one_that_runs_is_up(docker: ContainerEngine) -> None:
    """As soon as it runs for longer than is asked for, and no later than it must: one second is that of the host's clock."""
    settled = run()
    assert settled == Settled(kind="up", id=ID, name="web", status="running")
    assert settled.up
    assert STEADY_SECONDS < passed(docker) <= STEADY_SECONDS + 1


@pytest.mark.parametrize("fraction", [0.0, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("late", [0.0, 0.4, 1.3, 2.9, 3.2])
def test_no_second_of_the_hosts_clock_is_waited_twice(docker: ContainerEngine, fraction: float, late: float) -> None:
    """Docker's answers have whole seconds, a start has nanoseconds: two looks are the most that it takes longer than it must."""
    assert docker.caller is not None
    docker.caller.seconds += fraction
    begin, at = docker.caller.seconds, docker.clock()
    exact = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))}.{int(at % 1 * 1e6):06d}000Z"
    put(docker, State__StartedAt=exact)
    docker.caller.sleep(late)
    assert run().kind == "up"
    ran = docker.caller.seconds - begin
    # Sums of tenths are not exact.
    assert STEADY_SECONDS - 0.01 < ran <= max(STEADY_SECONDS, late) + 2 * settle.LOOK_SECONDS + 0.01


def test_one_that_runs_for_long_is_up_at_once(docker: ContainerEngine) -> None:
    """Restarts of long ago do not count."""
    put(docker, ago=3600, RestartCount=4)
    settled = run()
    assert (settled.kind, settled.restarts, settled.log) == ("up", 4, ())
    assert passed(docker) == 0


def test_its_health_is_waited_for(docker: ContainerEngine) -> None:
    """Its check must succeed."""
    put(docker, State__Health=health("starting"))
    later(docker, 20, turn(docker, "running", Health=health("healthy")))
    assert run(healthy_within=60).kind == "up"
    assert 20 <= passed(docker) < 21


def test_it_is_not_healthy_in_time(docker: ContainerEngine) -> None:
    """Its checks neither succeed nor fail."""
    put(docker, State__Health=health("starting"))
    assert run(healthy_within=30).kind == "not-healthy-in-time"
    assert 30 <= passed(docker) < 31


@pytest.mark.parametrize(
    ("status", "changes", "kind"),
    [
        ("exited", {"ExitCode": 3}, "exited"),
        ("created", {"Error": "no such file"}, "created"),
        ("dead", {}, "dead"),
        ("removing", {}, "dead"),
        ("paused", {}, "paused"),
        ("running", {"Health": health("unhealthy", "first", "refused")}, "unhealthy"),
    ],
)
@pytest.mark.parametrize("after", [0, 2])
def test_one_that_does_not_come_up(
    docker: ContainerEngine, after: int, status: str, changes: dict[str, Any], kind: str
) -> None:
    """Each has its name, as soon as it is known; the log is shown."""
    later(docker, after, turn(docker, status, **changes))
    docker.prints = b"starting\nfailed"
    settled = run(healthy_within=0)
    assert (settled.kind, settled.status, settled.up) == (kind, status, False)
    assert settled.exit_code == changes.get("ExitCode", 0)
    assert settled.error == changes.get("Error", "")
    assert settled.log == ("starting", "failed")
    assert settled.health == ("refused" if kind == "unhealthy" else "")
    assert after <= passed(docker) < after + 0.5


def test_a_pause_may_end(docker: ContainerEngine) -> None:
    """Within the time for its health: a person looks at something."""
    later(docker, 1, turn(docker, "paused"))
    later(docker, 8, turn(docker, "running"))
    assert run(healthy_within=60).kind == "up"
    assert 8 <= passed(docker) < 8.5


def test_docker_starts_it_again_between_two_looks(docker: ContainerEngine) -> None:
    """It was never seen as anything but running."""
    later(docker, 1, lambda: restart(docker))
    settled = run()
    assert (settled.kind, settled.restarts) == ("restarting", 1)
    assert passed(docker) < 1.5


@pytest.mark.parametrize(("ago", "waits"), [(0, 10), (5, 5), (3600, 0)])
def test_restarts_before_the_first_look(docker: ContainerEngine, ago: float, waits: float) -> None:
    """It may have waited for its bridge connection: they are no failure, but it must run for longer than one without any."""
    put(docker, ago=ago, RestartCount=3)
    settled = run()
    assert (settled.kind, settled.restarts) == ("up", 3)
    assert waits <= passed(docker) <= waits + 1.5
    assert STEADY_SECONDS < RESTARTED_SECONDS == 10


@pytest.mark.parametrize("status", ["restarting", "running"])
def test_one_more_restart_is_a_loop(docker: ContainerEngine, status: str) -> None:
    """Those before the first look are taken as they are; the one after it is not, whatever was seen first."""
    put(docker, ago=1, RestartCount=3)
    set_state(docker.inspected[0], status)
    later(docker, 4, lambda: restart(docker))
    settled = run(healthy_within=60)
    assert (settled.kind, settled.restarts) == ("restarting", 4)
    assert 4 <= passed(docker) < 4.5


def test_one_that_waits_for_its_next_start_may_come_up(docker: ContainerEngine) -> None:
    """Docker had counted its last end when it was first seen."""
    put(docker, ago=1, RestartCount=1, State__Status="restarting", State__Restarting=True)
    later(docker, 2, lambda: set_state(docker.inspected[0], "running", StartedAt=docker.timestamp()))
    assert run().kind == "up"
    assert 12 <= passed(docker) <= 13.5


@pytest.mark.parametrize(("ended", "code"), [([], 0), ([(3, 1), (2, 7)], 7), ([(700, 7)], 0)])
def test_the_exit_code_of_one_that_runs_again(
    docker: ContainerEngine, ended: list[tuple[float, int]], code: int
) -> None:
    """Docker's description has 0 by then; its events have that of the last end."""
    docker.ended = [(docker.clock() - ago, code) for ago, code in ended]
    put(docker, ago=1, RestartCount=2)
    later(docker, 0.5, lambda: restart(docker))
    settled = run()
    assert (settled.kind, settled.exit_code) == ("restarting", code)


def test_a_person_starts_it_again(docker: ContainerEngine) -> None:
    """Docker counts anew then, and so does this: it must run for the time once more."""
    put(docker, ago=1)
    later(docker, 2, lambda: set_state(docker.inspected[0], "running", StartedAt=docker.timestamp()))
    assert run().kind == "up"
    assert 5 < passed(docker) <= 6.5


@pytest.mark.parametrize(
    ("policy", "code", "kind"),
    [
        ("no", 0, "done"), ("on-failure", 0, "done"), ("", 0, "done"), ("no", 1, "exited"), ("on-failure", 1, "exited"),
        ("always", 0, "exited"), ("unless-stopped", 0, "exited"),
    ],
)  # fmt: skip
def test_a_job_that_has_done_its_work_is_up(docker: ContainerEngine, policy: str, code: int, kind: str) -> None:
    """Where Docker is not to start it again, exit code 0 is a success; its ports are gone with it."""
    put(docker, HostConfig__RestartPolicy={"Name": policy})
    later(docker, 1, turn(docker, "exited", ExitCode=code))
    settled = run(ports=(PORT,))
    assert settled.kind == kind
    assert settled.up == (kind == "done")


@pytest.mark.parametrize("bound", [True, False])
def test_ports_must_be_bound(docker: ContainerEngine, bound: bool) -> None:
    """One that runs and whose port nobody reaches is not up."""
    put(docker, NetworkSettings__Ports=BINDINGS if bound else {"80/tcp": None})
    settled = run(ports=(PORT,))
    assert settled.kind == ("up" if bound else "ports-unbound")
    assert settled.unbound == (() if bound else (PORT,))


def test_one_that_is_gone_or_was_put_aside(docker: ContainerEngine) -> None:
    """A failed one of an earlier run has its evidence still."""
    docker.prints = b"no such table"
    put(docker, name="web.ipvlan-failed", State__Status="exited", State__ExitCode=3)
    settled = run()
    assert (settled.kind, settled.name, settled.exit_code) == ("renamed", "web.ipvlan-failed", 3)
    assert settled.log == ("no such table",)
    docker.inspected = []
    assert run() == Settled(kind="absent", id=ID)


@pytest.mark.parametrize("seconds", [-7200, -2, 2, 7200])
def test_the_hosts_clock_is_set_meanwhile(docker: ContainerEngine, seconds: float) -> None:
    """As after a boot without a battery: it is up neither too soon nor never, and what ends then is seen."""

    def set_clock() -> None:
        docker.clock_ahead += seconds

    later(docker, 1, set_clock)
    assert run().kind == "up"
    assert STEADY_SECONDS < passed(docker) <= STEADY_SECONDS + 1


@pytest.mark.parametrize("started", ["", "0001-01-01", "soon"])
def test_a_start_that_nobody_can_read(docker: ContainerEngine, started: str) -> None:
    """Then it counts from the first look on."""
    put(docker, State__StartedAt=started)
    assert run().kind == "up"
    assert passed(docker) > STEADY_SECONDS


def test_docker_restarts_meanwhile(docker: ContainerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short silence is waited out, more than once too: each one counts for itself."""
    monkeypatch.setattr(settle, "LOOK_SECONDS", 1.0)
    silence = settle.SILENCE_SECONDS - 2
    for begin in (1, 30):
        later(docker, begin, lambda: setattr(docker, "silent", True))
        later(docker, begin + silence, lambda: setattr(docker, "silent", False))
    put(docker, State__Health=health("starting"))
    later(docker, 60, turn(docker, "running", Health=health("healthy")))
    assert run(healthy_within=120).kind == "up"


@pytest.mark.parametrize(("hangs", "most"), [(0, 8), (2, 10), (60, 63)])
def test_docker_stays_silent(
    docker: ContainerEngine, monkeypatch: pytest.MonkeyPatch, hangs: float, most: float
) -> None:
    """After some seconds that is said; the time counts in which a request waited for its answer."""
    monkeypatch.setattr(settle, "SILENCE_SECONDS", 5.0)
    docker.hangs = hangs
    later(docker, 2, lambda: setattr(docker, "silent", True))
    with pytest.raises(HostError, match="Docker does not answer") as raised:
        run(healthy_within=120)
    assert raised.value.problems[0].code == DOCKER_UNAVAILABLE
    assert 7 <= passed(docker) < most


def test_the_evidence_has_no_secrets(docker: ContainerEngine) -> None:
    """Neither the log, nor the health check's output, nor Docker's words; and nothing that a terminal would act on."""
    lines = "\n".join(f"line {number}" for number in range(30))
    docker.prints = f"{lines}\n\x1b[31mtoken hunt\x1b[0mer22\x07 hunter22\r".encode()
    put(
        docker, Config__Env=["A=line", "TOKEN=hunter22"], State__Health=health("unhealthy", "401 hunter22\n"),
        State__Error="hunter22", State__OOMKilled=True, State__ExitCode=137,
    )  # fmt: skip
    settled = run()
    assert (settled.health, settled.error, settled.oom_killed, settled.exit_code) == ("401 ***", "***", True, 137)
    assert len(settled.log) == LAST_LINES
    assert settled.log[-2:] == ("line 29", "token *** ***")


def test_what_was_cut_is_not_shown(docker: ContainerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of a cut line could be a part of a secret value: of a long log its first, of a long health check its last."""
    monkeypatch.setattr(engine_module, "LOG_BYTES", 100)
    docker.prints = b"hunter22" * 90 + b"\nthe end"
    check = "refused\n" + "x" * (4096 - len("refused\nhunte")) + "hunte"
    put(docker, Config__Env=["TOKEN=hunter22"], State__Health=health("unhealthy", check))
    settled = run()
    assert settled.log == ("the end",)
    assert settled.health == "refused"


def test_a_log_that_cannot_be_read(docker: ContainerEngine) -> None:
    """Docker says why; and where Docker is silent by then, what failed is known all the same."""
    put(docker, State__Status="exited")
    docker.refuses["logs"] = ["configured logging driver does not support reading"]
    assert run().log == ("(Docker gives no log of it: configured logging driver does not support reading)",)
    docker.refuses["logs"] = []
    # Nor does it tell its events.
    put(docker, RestartCount=1, ago=1)
    later(docker, 0.5, lambda: restart(docker))
    docker.refuses["events"] = []
    settled = run()
    assert (settled.kind, settled.exit_code) == ("restarting", 0)
    assert settled.log[0].startswith("(the log is not known: Docker does not answer")


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"State__Status": "restarting"}, ""),
        ({"RestartCount": 3}, ""),
        ({"State__Status": "exited", "State__ExitCode": 1}, "exited"),
        ({"State__Health": health("unhealthy", "refused")}, ""),
        ({"State__Status": "dead"}, "dead"),
        ({}, ""),
        ({"State__Status": "paused"}, ""),
        ({"State__Status": "exited", "HostConfig__RestartPolicy": {"Name": "no"}}, ""),
    ],
)
def test_what_has_ended_for_good(docker: ContainerEngine, changes: dict[str, Any], kind: str) -> None:
    """One look, without a wait: what may still come up, such as with its bridge connection, or has done its work, has not."""
    docker.prints = b"starting with file secret"
    put(docker, **changes)
    client = EngineWrites("docker-1", docker.socket, timeout=engine_writes.REQUEST_SECONDS)
    found = ended_for_good(client, client.find_container(ID), secret_names=(), secrets=["file secret"])
    assert ended_for_good(client, None, secret_names=()) is None
    client.close()
    assert (found.kind if found is not None else "") == kind
    assert found is None or found.log == ("starting with ***",)
    assert passed(docker) == 0


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"State__Status": "restarting", "State__Restarting": True, "State__ExitCode": 3}, "restarting"),
        ({"RestartCount": 3, "ago": 2}, "restarting"),
        ({"State__Status": "exited", "State__ExitCode": 1}, "exited"),
        ({}, ""),
    ],
)
def test_what_ended_or_is_started_again(docker: ContainerEngine, changes: dict[str, Any], kind: str) -> None:
    """One look, without a wait, at a container that was to run; with its last words."""
    docker.prints = b"no database for file secret"
    put(docker, **changes)
    client = EngineWrites("docker-1", docker.socket, timeout=engine_writes.REQUEST_SECONDS)
    found = ended_or_restarting(client, client.find_container(ID), secret_names=(), secrets=["file secret"])
    assert ended_or_restarting(client, None, secret_names=()) is None
    client.close()
    assert (found.kind if found is not None else "") == kind
    assert found is None or found.log == ("no database for ***",)
    assert passed(docker) == 0


@pytest.mark.parametrize(
    ("changes", "restarts"),
    [
        ({}, False),
        ({"State__Status": "restarting", "State__Restarting": True}, True),
        ({"RestartCount": 1, "ago": 2}, True),
        # Docker has started it again last week.
        ({"RestartCount": 4, "ago": 3600}, False),
        ({"RestartCount": 4, "State__Status": "exited", "State__Running": False}, False),
    ],
)
def test_what_restarts(docker: ContainerEngine, changes: dict[str, Any], restarts: bool) -> None:
    """One that Docker starts again and again, and not one that it has started again some time ago."""
    put(docker, **changes)
    client = EngineWrites("docker-1", docker.socket, timeout=engine_writes.REQUEST_SECONDS)
    assert is_restarting(client, client.find_container(ID)) is restarts
    assert not is_restarting(client, None)
    client.close()
