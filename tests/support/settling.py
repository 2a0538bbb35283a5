"""A substitute for Docker's Engine with one container, and the wait until that is up, for tests.

The time passes only where somebody sleeps. Out of scope: what the container does, which each test says.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from ipvlan.hosts import engine_writes, settle
from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.settle import Settled, Since
from tests.support.container_engine import Clock, ContainerEngine, open_directly, set_state
from tests.support.containers import container
from tests.support.fake_engine import serve

ID: Final = "22" * 32
"""The container's id."""


@contextmanager
def started(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker that has just started the container web, on a socket in that folder."""
    engine = ContainerEngine(folder / "engine.sock", caller=Clock())
    open_directly(monkeypatch, engine, engine_writes)
    monkeypatch.setattr(settle, "time", engine.caller)
    put(engine)
    with serve(engine):
        yield engine


def put(docker: ContainerEngine, *, name: str = "web", ago: float = 0, **changes: Any) -> dict[str, Any]:
    """Let Docker have that container alone, started so many seconds ago."""
    docker.inspected = [container("22", name, **{"State__StartedAt": docker.timestamp(ago), **changes})]
    return docker.inspected[0]


def run(*, healthy_within: int = 0, ports: tuple[BoundPort, ...] = (), since: Since | None = None) -> Settled:
    """Wait for the container."""
    with engine_writes.open_engine(HostConnection(name="docker-1", command=("ssh", "docker-1"))) as engine:
        return settle.settle(
            engine,
            ID,
            healthy_within=healthy_within,
            ports=ports,
            secret_names={"TOKEN"},
            since=since,
            secrets=["file secret"],
        )


def passed(docker: ContainerEngine) -> float:
    """Return the seconds that were waited."""
    assert docker.caller is not None
    return docker.caller.seconds - Clock().seconds


def later(docker: ContainerEngine, seconds: float, event: Callable[[], None]) -> None:
    """Let something happen on the host after so many seconds."""
    docker.events.append((Clock().seconds + seconds, event))


def health(status: str, *outputs: str) -> dict[str, Any]:
    """Return Docker's record of health checks."""
    return {"Status": status, "Log": [{"ExitCode": 1, "Output": output} for output in outputs]}


def turn(docker: ContainerEngine, status: str, **changes: Any) -> Callable[[], None]:
    """Return the event that the container gets that state."""
    return lambda: set_state(docker.inspected[0], status, **changes)


def restart(docker: ContainerEngine) -> None:
    """Let Docker start the container again by itself."""
    docker.inspected[0]["RestartCount"] += 1
    set_state(docker.inspected[0], "running", StartedAt=docker.timestamp())
