"""Why a container does not stay up: who is asked about, what is read, and what of it is never shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.printed_text import LAST_LINES, LONGEST_LINE
from ipvlan.hosts.snapshot import LiveContainer
from ipvlan.hosts.trouble import Trouble, read_troubles
from ipvlan.plan.model import ContainerPlan
from tests.support.fake_engine import FakeEngine, fake_engine
from tests.support.live_parts import live_container, reference_plan

HOST = reference_plan().host("docker-1")
PLANNED = replace(HOST.container("nginx"), environment={"MODE": "fast"}, secret_environment={"PASSWORD": "db_password"})
INSPECT, LOGS = "GET /containers/c1/json", "GET /containers/c1/logs"


def nginx(**fields: Any) -> LiveContainer:
    """Return the container as Docker lists it."""
    return replace(live_container(PLANNED, HOST), id="c1", image_id="sha256:1", **fields)


def inspected(restarts: int = 0, health: list[dict[str, Any]] | None = None, **state: Any) -> dict[str, Any]:
    """Return the container as Docker describes it."""
    return {
        "Id": "c1",
        "Created": "2026-11-26T12:00:00.123456789Z",
        "RestartCount": restarts,
        "State": {
            "Restarting": False,
            "ExitCode": 0,
            "StartedAt": "2026-11-26T12:01:00Z",
            "Health": {"Log": health},
            **state,
        },
        "Config": {"Tty": False, "Env": ["PATH=/bin", "MODE=fast", "PASSWORD=hunter22", "OLD_TOKEN=xyzzy-9"]},
    }


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[FakeEngine]:
    """Serve a Docker whose container c1 waits for its 5th start."""
    with fake_engine(tmp_path / "docker.sock") as fake:
        fake.answers = {
            INSPECT: (200, inspected(5, Restarting=True, ExitCode=1)),
            LOGS: (200, b"no such file\n"),
            "GET /images/sha256:1/json": (200, {"Config": {"Env": ["PATH=/bin"]}}),
        }
        yield fake


def read(docker: FakeEngine, live: LiveContainer) -> Trouble | None:
    """Return what is read of the container."""
    engine = Engine("docker-1", docker.socket, timeout=5)
    try:
        return read_troubles(engine, {"nginx": live}, [PLANNED]).get("nginx")
    finally:
        engine.close()


@pytest.mark.parametrize(
    "live",
    [
        nginx(status="Up 3 minutes (healthy)"),
        nginx(status="Up About a minute"),
        nginx(state="exited", status="Exited (1) 2 hours ago"),
        nginx(state="paused", status="Up 5 seconds (Paused)"),
    ],
)
def test_nothing_is_asked_about_a_container_that_does_not_restart(docker: FakeEngine, live: LiveContainer) -> None:
    """A host whose containers are well costs no request more."""
    assert read(docker, live) is None
    assert docker.requests == []


def test_a_restart_loop(docker: FakeEngine) -> None:
    """Restarts, exit code and the last lines of the log."""
    trouble = read(docker, nginx(state="restarting", status="Restarting (1) 5 seconds ago"))
    assert trouble == Trouble(looping=True, restarts=5, exit_code=1, output=("no such file",))


def test_why_docker_did_not_start_it(docker: FakeEngine) -> None:
    """Docker's own reason is read too, or that the kernel ended it."""
    live = nginx(state="restarting", status="Restarting (127) 1 second ago")
    docker.answers[INSPECT] = (200, inspected(1, Restarting=True, ExitCode=127, Error='exec "x":\n not found'))
    trouble = read(docker, live)
    assert trouble is not None
    assert trouble.error == 'exec "x":  not found'
    docker.answers[INSPECT] = (200, inspected(1, Restarting=True, ExitCode=137, OOMKilled=True))
    trouble = read(docker, live)
    assert trouble is not None
    assert trouble.error == "out of memory"


def ago(seconds: float) -> str:
    """Return the time so long ago, as Docker writes it."""
    then = datetime.now(UTC) - timedelta(seconds=seconds)
    return f"{then:%Y-%m-%dT%H:%M:%S}.123456789Z"


@pytest.mark.parametrize(
    ("restarts", "seconds", "loops"),
    [
        # It ran for 20 s on average: 10 s say nothing yet.
        (3, 10, True),
        (3, 35, True),
        # By now it runs for longer than it ever did.
        (3, 45, False),
        (20, 10, False),
        # One end can have been an accident.
        (1, 10, False),
        (0, 10, False),
    ],
)
def test_a_loop_seen_while_the_container_runs(docker: FakeEngine, restarts: int, seconds: int, loops: bool) -> None:
    """Between two ends it runs, and its exit code is not known; no log is read of one that is well."""
    container = {**inspected(restarts, StartedAt=ago(seconds)), "Created": ago(60 + seconds)}
    docker.answers[INSPECT] = (200, container)
    trouble = read(docker, nginx(status=f"Up {seconds} seconds"))
    assert (trouble is not None) is loops
    assert any("/logs" in request for request in docker.requests) is loops
    if trouble is not None:
        assert (trouble.looping, trouble.exit_code) == (True, None)


def test_a_health_check_that_fails(docker: FakeEngine) -> None:
    """The output of the last one; no log."""
    checks = [{"ExitCode": 0, "Output": "ok"}, {"ExitCode": 7, "Output": "curl: (7)\nauth hunter22 refused\n"}]
    docker.answers[INSPECT] = (200, inspected(health=checks))
    trouble = read(docker, nginx(status="Up 3 minutes (unhealthy)"))
    assert trouble == Trouble(looping=False, exit_code=7, output=("curl: (7)", "auth *** refused"))
    assert not any("/logs" in request for request in docker.requests)


def test_a_health_check_whose_output_docker_cut(docker: FakeEngine) -> None:
    """Its last line is left out: it may end within a secret."""
    output = "refused\n" + "x" * 4096 + "hunt..."
    docker.answers[INSPECT] = (200, inspected(health=[{"ExitCode": 1, "Output": output}]))
    trouble = read(docker, nginx(status="Up 3 minutes (unhealthy)"))
    assert trouble is not None
    assert trouble.output == ("refused",)


def lines(docker: FakeEngine, printed: bytes, planned: ContainerPlan = PLANNED) -> tuple[str, ...]:
    """Return what is shown of what the container printed."""
    docker.answers[LOGS] = (200, printed)
    trouble = read(docker, nginx(name=planned.name, state="restarting", status="Restarting (1) 5 seconds ago"))
    assert trouble is not None
    return trouble.output


def test_no_secret_is_shown(docker: FakeEngine) -> None:
    """Not the plan's secrets, and not those of a container that is older than the plan; what is plain stays readable."""
    assert lines(docker, b"fast /bin hunter22 xyzzy-9\nhun\x1b[31mter22\n") == ("fast /bin *** ***", "***")


def test_what_a_terminal_would_obey_is_not_shown(docker: FakeEngine) -> None:
    """Colours, titles and other control characters are left out, and what is no text is readable."""
    printed = b"\x1b[1;31mred\x1b[0m\tend\r\n\x1b]0;title\x07\n\x07\x08bell \xff\n\n"
    assert lines(docker, printed) == ("red end", "bell \N{REPLACEMENT CHARACTER}")


def test_a_log_is_short(docker: FakeEngine) -> None:
    """The last lines, and the beginning of a long one."""
    shown = lines(docker, b"\n".join(b"%d" % number for number in range(99)) + b"\n" + b"y" * 2000)
    assert len(shown) == LAST_LINES
    assert shown[-2] == "98"
    assert shown[-1] == "y" * LONGEST_LINE + "..."


def test_a_log_that_docker_does_not_give(docker: FakeEngine) -> None:
    """Its reason is shown in its place, and the loop is named all the same."""
    docker.answers[LOGS] = (501, {"message": "configured logging driver does not support reading"})
    trouble = read(docker, nginx(state="restarting", status="Restarting (1) 5 seconds ago"))
    assert trouble is not None
    assert trouble.output == ("(Docker gives no log of it: configured logging driver does not support reading)",)


def test_a_container_or_image_that_is_gone_by_then(docker: FakeEngine) -> None:
    """An `up` may run: the host is read all the same."""
    live = nginx(state="restarting", status="Restarting (1) 5 seconds ago")
    del docker.answers["GET /images/sha256:1/json"]
    assert read(docker, live) == Trouble(looping=True, restarts=5, exit_code=1, output=("no such file",))
    del docker.answers[INSPECT]
    assert read(docker, live) is None
