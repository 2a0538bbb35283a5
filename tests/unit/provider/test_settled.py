"""The proof that a container is up: what is cleared, what is restored, and what the failure says."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.settle import Kind
from ipvlan.hosts.settle import Settled as Outcome
from provider.errors import PluginError
from provider.settled import Settled
from tests.support.rollout_calls import OWNER, TODAY, Calls, handover_of, noted, settled_of, silent

SETTLED = Settled()
EXITED = Outcome(kind="exited", id="b" * 64, name="web", status="exited", exit_code=1, log=("no config",))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what is done on the host, whose container has an open handover."""
    made = noted(monkeypatch)
    made.open.begin(handover_of(), TODAY)
    return made


def failure(calls: Calls, **changes: Any) -> str:
    """Create it, and return the text of its failure."""
    with pytest.raises(HostError) as caught:
        SETTLED.create(settled_of(**changes), calls.operation())
    return str(caught.value)


@pytest.mark.parametrize("kind", ["up", "done"])
def test_a_container_that_is_up_needs_no_spare(calls: Calls, kind: Kind) -> None:
    """It is waited for by its id with its own limits, and what the change left is removed; a restored container is not."""
    calls.outcome = Outcome(kind=kind, id="b" * 64)
    created = SETTLED.create(settled_of(), calls.operation())
    assert created == ("docker-1/nginx", settled_of())
    assert calls.names == ["hold", "settle", "clear"]
    assert calls.started == ["b" * 64]
    assert calls.of("settle") == {
        "ssh": TODAY,
        "id": "b" * 64,
        "healthy_within": 60,
        "ports": [BoundPort(container_port="80/tcp", host_address="", host_port=80)],
        "secrets": ["TOKEN"],
    }
    assert calls.of("clear") == {"ssh": TODAY, "name": "web", "owner": OWNER, "also_restored": False}
    assert calls.opened == []


def test_the_previous_one_runs_again_where_it_is_not_up(calls: Calls) -> None:
    """The evidence is taken first, nothing is cleared, and the failure has both; the handover has ended."""
    calls.outcome = EXITED
    text = failure(calls)
    assert calls.names == ["hold", "settle", "restore"]
    assert calls.of("restore") == {"ssh": TODAY, "name": "web", "owner": OWNER, "grace": 5}
    for part in ('host "docker-1"', 'service "nginx" does not come up', "exit code 1", "| no config", "runs again"):
        assert part in text
    assert calls.opened == []


def test_an_update_fails_in_the_same_way(calls: Calls) -> None:
    """Another container is one that has to prove itself."""
    calls.outcome = EXITED
    with pytest.raises(HostError, match="does not come up"):
        SETTLED.update(settled_of(container_id="a" * 64), settled_of(), calls.operation())
    assert calls.names == ["hold", "settle", "restore"]


def test_secrets_of_files_are_not_shown(calls: Calls) -> None:
    """A program may print the line of its file that it refuses; other values are recorded alone."""
    calls.outcome = EXITED
    failure(calls, secrets={"db_password": "correct horse", "none": ""})
    assert calls.of("settle")["secrets"] == ["TOKEN", "correct horse"]
    assert SETTLED.diff(settled_of(), settled_of(secrets={"db_password": "x"})) == (["secrets"], [])


def test_without_a_previous_one_there_is_nothing_to_run(calls: Calls) -> None:
    """A first creation: the text says that the service does not run."""
    calls.outcome, calls.restored = EXITED, None
    text = failure(calls)
    assert "there is no previous container" in text
    assert "the service does not run on this host" in text


def test_leave_restores_nothing(calls: Calls) -> None:
    """The failed container stays as it is, for a person."""
    calls.outcome = EXITED
    assert "on_failure: leave" in failure(calls, on_failure="leave")
    assert calls.names == ["hold", "settle"]


def test_a_previous_one_that_does_not_run_is_said_too(calls: Calls) -> None:
    """Both failures are shown; the process that is started at the end of this one tries it again."""
    calls.outcome, calls.restored = EXITED, silent()
    text = failure(calls)
    assert "does not come up" in text
    assert "Docker does not answer" in text
    assert "runs again" not in text
    assert calls.opened == ["web"]


@pytest.mark.parametrize(
    "change", [{"healthy_within": 90.0}, {"ports": []}, {"secret_names": []}, {"on_failure": "leave"}]
)
def test_other_properties_are_recorded_alone(calls: Calls, change: dict[str, Any]) -> None:
    """The same container was proved to be up: nothing is done on the host, and an open handover stays open."""
    new = settled_of(**change)
    assert SETTLED.diff(settled_of(), new) == ([*change], [])
    assert SETTLED.update(settled_of(), new, calls.operation()) == new
    assert calls.made == []
    assert calls.opened == ["web"]


def test_what_is_compared() -> None:
    """Another container is an update, nothing is a replacement, and the same properties are no change."""
    assert SETTLED.diff(settled_of(), settled_of()) == ([], [])
    assert SETTLED.diff(settled_of(), settled_of(container_id="c" * 64)) == (["container_id"], [])


def test_its_end_takes_the_lock_alone(calls: Calls) -> None:
    """A delete takes the host's lock, before the container goes; a refresh leaves the host alone; it cannot be imported."""
    SETTLED.delete(settled_of(), calls.operation())
    assert calls.made == [("hold", {"host": "docker-1"})]
    calls.made.clear()
    assert SETTLED.read("docker-1/nginx", settled_of(), calls.operation()) == settled_of()
    with pytest.raises(PluginError, match="IPF731 Settled docker-1/nginx"):
        SETTLED.read("docker-1/nginx", {}, calls.operation())
    assert calls.made == []


def test_one_of_an_earlier_version_is_taken_as_it_is(calls: Calls) -> None:
    """It was not replaced, so nobody waits for it; what the preparation made is removed, and the handover has ended."""
    calls.outcome = EXITED
    inputs = settled_of(recorded_id="b" * 64)
    assert SETTLED.create(inputs, calls.operation()) == ("docker-1/nginx", inputs)
    assert calls.names == ["hold", "clear"]
    assert calls.of("clear") == {"ssh": TODAY, "name": "web", "owner": OWNER, "also_restored": False}
    assert calls.opened == []


def test_one_that_replaced_that_of_an_earlier_version_proves_itself(calls: Calls) -> None:
    """Its id is another one."""
    calls.outcome = EXITED
    assert "does not come up" in failure(calls, recorded_id="a" * 64)
    assert calls.names == ["hold", "settle", "restore"]


def test_a_handover_is_open_until_the_previous_one_runs(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this process is ended during the restore, another one goes on with it."""
    calls.outcome, seen = EXITED, list[list[str]]()

    def restore(*_arguments: Any, **_named: Any) -> None:
        seen.append(calls.opened)

    monkeypatch.setattr("ipvlan.hosts.restore.restore", restore)
    failure(calls)
    assert (seen, calls.opened) == ([["web"]], [])
