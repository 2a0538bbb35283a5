"""The locks of the hosts in a run of Pulumi: the program has them taken first, the plugin's process holds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from uuid import uuid4

import pulumi
import pytest

from ipvlan.hosts import host_lock
from ipvlan.hosts.availability import Visit
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_lock import Holder, HostLocks
from provider.host_locks import RunLocks
from tests.support.live_parts import unreachable_host
from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]

HERE = HostConnection(name="docker-1", command=("sh", "-c"))


def test_an_up_locks_all_hosts_first(run: RunProgram, config: dict[str, Any]) -> None:
    """Before anything is declared on a host, with what others are told; the plugin and the component alone come before."""
    result = run(config)
    assert result.locked == {"hosts": ["docker-1", "docker-2"], "what": "pulumi up --stack test", "seconds": 15.0}
    assert list(result.resources)[: result.registered_before_locks] == [
        urn for urn in result.resources if urn.endswith(("::fabric", "::fabric-connections"))
    ]


def test_a_preview_locks_nothing(run: RunProgram, config: dict[str, Any]) -> None:
    """A preview contacts no host."""
    assert run(config, preview=True).locked == {}


def test_a_host_that_cannot_be_used_is_not_locked(run: RunProgram, config: dict[str, Any]) -> None:
    """A host that does not answer cannot be locked, and stops no other."""
    visits = {"docker-2": Visit(host="docker-2", failure=unreachable_host())}
    assert run(config, visits=visits).locked["hosts"] == ["docker-1"]


def test_an_up_where_another_run_works_declares_nothing(run: RunProgram, config: dict[str, Any]) -> None:
    """It ends with the text that says who works there, and nothing is declared on any host."""
    declared: list[Run] = []
    with pytest.raises(pulumi.RunError, match=r"ann@desk runs .*\nNothing was declared"):
        run(config, refused="ann@desk runs `ipvlan heal` there", registered=declared.append)
    (seen,) = declared
    assert {resource.name for resource in seen.resources.values()} == {"fabric", "fabric-connections"}


@pytest.fixture
def locks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[RunLocks]:
    """Return the locks of a plugin's process; the host is this machine, and its lock a file of the test."""
    file = tmp_path / "machine-id"
    file.touch()
    monkeypatch.setattr(host_lock, "LOCK_FILES", (str(file),))
    # Other tests lock files of their own on this machine at the same time.
    monkeypatch.setattr(host_lock, "LOCK_MARKER", f"test-lock-{uuid4().hex}")
    held = RunLocks()
    yield held
    held.release()


def test_an_operation_holds_its_hosts_lock(locks: RunLocks) -> None:
    """A run without a program locks a host at the first change on it, and holds the lock from then on."""
    locks.hold(HERE, "pulumi, stack dev", print)
    locks.hold(HERE, "pulumi, stack dev", print)
    with (
        HostLocks(Holder(what="ipvlan heal", token="other"), timeout=10) as other,
        pytest.raises(HostError, match="runs `pulumi, stack dev` there since"),
    ):
        other.acquire([HERE])


def test_operations_at_the_same_time_visit_a_host_once(locks: RunLocks, tmp_path: Path) -> None:
    """The containers of a host go at the same time."""
    noted = ("sh", "-c", f'echo visit >>{tmp_path}/visits; exec sh -c "$0"')
    here = HostConnection(name=HERE.name, command=noted)
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda _: locks.hold(here, "pulumi, stack dev", print), range(4)))
    assert (tmp_path / "visits").read_text().split() == ["visit"]


def test_an_operation_on_a_host_that_another_run_changes_is_refused(locks: RunLocks) -> None:
    """It fails with the text that says who works there, and goes on when the other has ended."""
    with HostLocks(Holder(what="ipvlan heal", who="ann@desk", token="other"), timeout=10) as other:
        other.acquire([HERE])
        with pytest.raises(HostError, match="ann@desk runs `ipvlan heal` there"):
            locks.hold(HERE, "pulumi, stack dev", print)
    locks.hold(HERE, "pulumi, stack dev", print)


def test_the_run_that_started_this_one_is_no_obstacle(locks: RunLocks, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ipvlan heal` has the lock, and the `pulumi up` that it starts has its token; it is asked once."""
    with HostLocks(Holder(what="ipvlan heal", token="heals"), timeout=10) as heal:
        heal.acquire([HERE])
        monkeypatch.setenv(host_lock.LOCK_TOKEN, "heals")
        assert locks.lock([HERE], "pulumi up", warn=print) == []
        monkeypatch.setattr(host_lock, "LOCK_FILES", ("/missing",))
        locks.hold(HERE, "pulumi up", print)


def test_a_lost_lock_ends_the_operations(locks: RunLocks) -> None:
    """When the connection that holds the lock ends, the next change on the host is refused."""
    locks.hold(HERE, "pulumi, stack dev", print)
    assert locks._locks is not None
    (process,) = locks._locks._kept.values()
    process.kill()
    process.wait()
    with pytest.raises(HostError, match="the connection that holds its lock has ended"):
        locks.hold(HERE, "pulumi, stack dev", print)
