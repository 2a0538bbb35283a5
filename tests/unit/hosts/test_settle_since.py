"""Whether a container that runs goes on with something new, such as files: as a wait for one that was started, from then on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ipvlan.hosts.settle import STEADY_SECONDS, Since
from tests.support.container_engine import ContainerEngine
from tests.support.settling import later, passed, put, run, started


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker that has just started the container web."""
    with started(tmp_path, monkeypatch) as engine:
        yield engine


def since_now(docker: ContainerEngine, restarts: int = 0) -> Since:
    """Return that the container got something new at this moment."""
    return Since(at=float(int(docker.clock())), restarts=restarts)


def check(docker: ContainerEngine, code: int, status: str = "healthy") -> Callable[[], None]:
    """Return the event that a health check begins and ends at once."""

    def run_check() -> None:
        start = docker.timestamp().removesuffix("Z") + "12345678+00:00"
        docker.inspected[0]["State"]["Health"] = {
            "Status": status,
            "Log": [{"Start": start, "ExitCode": code, "Output": "file secret is wrong"}],
        }

    return run_check


def test_one_that_got_something_new_goes_on(docker: ContainerEngine) -> None:
    """It runs for hours, and is looked at for some seconds more."""
    put(docker, ago=3600, RestartCount=4)
    assert run(since=since_now(docker, 4)).kind == "up"
    assert passed(docker) >= STEADY_SECONDS


def test_one_that_ended_before_the_first_look_is_seen(docker: ContainerEngine) -> None:
    """Docker may have started it again by then: the number of its starts says so."""
    put(docker, RestartCount=5)
    assert run(since=since_now(docker, 4)).kind == "restarting"


def test_a_health_check_of_before_proves_nothing(docker: ContainerEngine) -> None:
    """Healthy since long ago; the next check, later than it had time to become healthy, decides."""
    interval = {"Interval": 20 * 10**9, "Timeout": 5 * 10**9}
    put(docker, ago=3600, State__Health={"Status": "healthy", "Log": []}, Config__Healthcheck=interval)
    check(docker, 0)()
    later(docker, 19, check(docker, 0))
    assert run(healthy_within=5, since=since_now(docker)).kind == "up"
    assert passed(docker) >= 19


def test_a_failing_check_is_waited_for_until_it_is_unhealthy(docker: ContainerEngine) -> None:
    """Docker calls it healthy until its retries are over; what the check says has no secret of a file."""
    put(docker, ago=3600, State__Health={"Status": "healthy", "Log": []})
    later(docker, 10, check(docker, 1))
    later(docker, 20, check(docker, 1, "unhealthy"))
    settled = run(healthy_within=60, since=since_now(docker))
    assert (settled.kind, settled.health) == ("unhealthy", "*** is wrong")


def test_no_health_check_in_time(docker: ContainerEngine) -> None:
    """Docker's own interval and time for a check are over, and some seconds more."""
    put(docker, ago=3600, State__Health={"Status": "healthy", "Log": []})
    assert run(healthy_within=5, since=since_now(docker)).kind == "not-healthy-in-time"
    assert 60 <= passed(docker) < 80


def test_unhealthy_of_before_proves_nothing(docker: ContainerEngine) -> None:
    """The files were wrong, and what is new repairs them: the next check says so, and a failing one that it does not."""
    interval = {"Interval": 20 * 10**9, "Timeout": 5 * 10**9}
    for code, status, kind in ((0, "healthy", "up"), (1, "unhealthy", "unhealthy")):
        put(docker, ago=3600, Config__Healthcheck=interval)
        check(docker, 1, "unhealthy")()
        begin = passed(docker)
        later(docker, begin + 19, check(docker, code, status))
        assert run(healthy_within=5, since=since_now(docker)).kind == kind
        assert passed(docker) - begin >= 19


def test_unhealthy_and_no_check_in_time(docker: ContainerEngine) -> None:
    """It is given up as late as one that was healthy; one that was started, and has become unhealthy, at once."""
    put(docker, ago=3600, State__Health={"Status": "unhealthy", "Log": [{"ExitCode": 1, "Output": "refused"}]})
    assert run(healthy_within=5, since=since_now(docker)).kind == "not-healthy-in-time"
    assert 60 <= passed(docker) < 80
    assert run(healthy_within=5).kind == "unhealthy"
