"""Whether a container comes up: through the real session and a substitute for the Engine."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, HostError
from ipvlan.hosts.settle import LOG_LINES, Settled, settle
from tests.support.containers import ContainerHost, NewHost, container

PORT = BoundPort(container_port="80/tcp", host_address="", host_port=8080)


def run(host: ContainerHost, *, healthy_within: int = 0, ports: tuple[BoundPort, ...] = ()) -> Settled:
    """Wait for the container, which must run for one second."""
    return settle(
        host.connection, "22" * 32, steady=1, healthy_within=healthy_within, ports=ports, secret_names={"TOKEN"}
    )


def health(status: str, *outputs: str) -> dict[str, Any]:
    """Return Docker's record of health checks."""
    return {"Status": status, "Log": [{"ExitCode": 1, "Output": output} for output in outputs]}


def test_one_that_runs_is_up(new_host: NewHost) -> None:
    """Without a restart since its start, for the time that is asked for; earlier restarts do not count."""
    host = new_host(container("22", "web", RestartCount=4, State__StartedAt="2020-01-01T00:00:00Z"))
    settled = run(host)
    assert settled.up
    assert (settled.kind, settled.name, settled.restarts, settled.log) == ("up", "web", 4, ())
    assert host.state["looks"] == 1


def test_it_is_waited_for(new_host: NewHost) -> None:
    """One that has just started must run for a while, and its health check must succeed."""
    steps = [{"started_ago": 0, "Health": health("starting")}, {"Health": health("starting")}]
    host = new_host(container("22", "web"), steps=[*steps, *({},) * 3, {"Health": health("healthy")}])
    assert run(host, healthy_within=60).kind == "up"
    assert host.state["steps"] == []


@pytest.mark.parametrize(
    ("steps", "kind"),
    [
        ([{"Status": "exited", "ExitCode": 3}], "exited"),
        ([{"started_ago": 0}, {"Status": "restarting", "RestartCount": 1}], "restarting"),
        # Docker may start it again between two looks.
        ([{"started_ago": 0}, {"started_ago": 0, "RestartCount": 1}], "restarting"),
        ([{"started_ago": 5, "RestartCount": 3}], "restarting"),
        ([{"Status": "created"}], "created"),
        ([{"Status": "dead"}], "dead"),
        ([{"Status": "paused"}], "paused"),
        ([{"started_ago": 0, "Health": health("unhealthy", "first", "refused")}], "unhealthy"),
        ([{"started_ago": 9, "Health": health("starting")}], "not-healthy-in-time"),
    ],
)
def test_one_that_does_not_come_up(new_host: NewHost, steps: list[dict[str, Any]], kind: str) -> None:
    """Each has its name, as soon as it is known."""
    host = new_host(container("22", "web"), steps=steps, log="starting\nfailed")
    settled = run(host)
    assert settled.kind == kind
    assert not settled.up
    assert settled.log == ("starting", "failed")
    assert settled.health == ("refused" if kind == "unhealthy" else "")


@pytest.mark.parametrize(
    ("policy", "code", "kind"),
    [
        ("no", 0, "done"), ("on-failure", 0, "done"), ("", 0, "done"), ("no", 1, "exited"), ("on-failure", 1, "exited"),
        ("always", 0, "exited"),
    ],
)  # fmt: skip
def test_a_job_that_has_done_its_work_is_up(new_host: NewHost, policy: str, code: int, kind: str) -> None:
    """Where Docker is not to start it again, exit code 0 is a success; its ports are gone with it."""
    state = {"State__Status": "exited", "State__ExitCode": code, "HostConfig__RestartPolicy": {"Name": policy}}
    settled = run(new_host(container("22", "web", **state)), ports=(PORT,))
    assert settled.kind == kind
    assert settled.up == (kind == "done")


@pytest.mark.parametrize("bound", [True, False])
def test_ports_must_be_bound(new_host: NewHost, bound: bool) -> None:
    """One that runs and whose port nobody reaches is not up."""
    ports = {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}]} if bound else {}  # noqa: S104
    settled = run(new_host(container("22", "web", NetworkSettings__Ports=ports)), ports=(PORT,))
    assert settled.kind == ("up" if bound else "ports-unbound")
    assert settled.unbound == (() if bound else (PORT,))


def test_one_that_is_gone_or_was_put_aside(new_host: NewHost) -> None:
    """A failed one of an earlier run has its evidence still."""
    host = new_host(container("22", "web.ipvlan-failed", State__Status="exited", State__ExitCode=3))
    settled = run(host)
    assert (settled.kind, settled.name, settled.exit_code) == ("renamed", "web.ipvlan-failed", 3)
    host.write(containers=[])
    assert run(host) == Settled(kind="absent", id="22" * 32)


def test_the_evidence_has_no_secrets(new_host: NewHost) -> None:
    """Neither the log, nor the health check's output, nor Docker's words; and nothing that a terminal would act on."""
    log = "\n".join(f"line {number}" for number in range(30)) + "\n\x1b[31mtoken hunt\x1b[0mer22\x07 hunter22\r"
    host = new_host(container(
            "22", "web", Config__Env=["A=line", "TOKEN=hunter22"], State__Health=health("unhealthy", "401 hunter22\n"),
            State__Error="hunter22", State__OOMKilled=True, State__ExitCode=137,
        ),
        log=log,
    )  # fmt: skip
    settled = run(host)
    assert (settled.health, settled.error, settled.oom_killed, settled.exit_code) == ("401 ***", "***", True, 137)
    assert len(settled.log) == LOG_LINES
    assert settled.log[-2:] == ("line 29", "token *** ***")


def test_a_long_line_has_no_secrets_either(new_host: NewHost) -> None:
    """It is read whole: what is left of a line that is cut could be the end of a secret value."""
    host = new_host(
        container("22", "web", Config__Env=["TOKEN=hunter22"], State__Status="exited"),
        log="hunter22" * 9000 + "\nthe end",
    )
    first, last = run(host).log
    assert set(first) == {"*"}
    assert last == "the end"


def test_docker_that_does_not_answer(new_host: NewHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be restarted meanwhile; after some seconds that is said."""
    monkeypatch.setattr("ipvlan.hosts.settle.SILENCE_SECONDS", 0.6)
    host = new_host(container("22", "web", State__Status="exited"), down=True)
    with pytest.raises(HostError, match="Docker does not answer") as raised:
        run(host)
    assert raised.value.problems[0].code == DOCKER_UNAVAILABLE
    monkeypatch.setattr("ipvlan.hosts.settle.SILENCE_SECONDS", 20.0)
    comes_back = threading.Timer(0.3, lambda: host.write(down=False))
    comes_back.start()
    assert run(host).kind == "exited"
    comes_back.join()
