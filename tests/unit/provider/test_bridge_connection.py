"""A bridge connection that cannot be made: the previous container runs again, and the failure says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ipvlan.hosts.errors import HostError
from ipvlan.hosts.settle import Settled as Outcome
from provider.bridge_connection import BridgeConnection
from tests.support.rollout_calls import OWNER, TODAY, Calls, handover_of, noted, silent

INPUTS: dict[str, Any] = {
    "host": "docker-1",
    "ssh": ["ssh", "of the state"],
    "container": "web",
    "container_id": "b" * 64,
    "rollout": {"owner": OWNER, "healthy_within": 60.0, "on_failure": "restore", "secret_names": ["TOKEN"]},
    "fabric": "ipvlanl2",
    "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80.0}],
}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what is done on a host that refuses the connection."""
    made = noted(monkeypatch)
    made.open.begin(handover_of(), TODAY)

    def connect(_attachment: Any) -> None:
        made.made.append(("connect", {}))
        raise HostError.on(
            "docker-1", "IPF000", problem="port 80 is taken", effect="it is not published", fix="free it"
        )

    monkeypatch.setattr("ipvlan.hosts.bridge.connect", connect)
    return made


def failure(calls: Calls, **changes: Any) -> str:
    """Create it, and return the text of its failure."""
    with pytest.raises(HostError) as caught:
        BridgeConnection().create({**INPUTS, **changes}, calls.operation())
    return str(caught.value)


def test_the_previous_one_runs_again(calls: Calls) -> None:
    """It had its ports, which the new one does not get; nothing is left for another process to end."""
    text = failure(calls)
    assert calls.names == ["hold", "look", "connect", "look again", "restore"]
    assert calls.of("restore") == {"ssh": TODAY, "name": "web", "owner": OWNER, "grace": 5}
    assert "port 80 is taken" in text
    assert "it is not published; the previous container web (aaaaaaaaaaaa) runs again" in text
    assert calls.opened == []


def test_without_a_previous_one_it_is_the_failure_alone(calls: Calls) -> None:
    """A first creation, or `on_failure: leave`: there is no spare."""
    calls.restored = None
    text = failure(calls)
    assert "port 80 is taken" in text
    assert "runs again" not in text


def test_both_failures_are_said(calls: Calls) -> None:
    """Where the previous one does not run again, a person has to know both; another process tries it again afterwards."""
    calls.restored = silent()
    text = failure(calls)
    assert "port 80 is taken" in text
    assert "Docker does not answer" in text
    assert calls.opened == ["web"]


def test_leave_restores_nothing(calls: Calls) -> None:
    """There is no spare, and the new container stays as it is."""
    assert "port 80 is taken" in failure(calls, rollout={**INPUTS["rollout"], "on_failure": "leave"})
    assert calls.names == ["hold", "look", "connect", "look again"]
    assert calls.started == ["b" * 64]


def test_a_container_that_has_ended_for_good_is_not_connected(calls: Calls) -> None:
    """Docker does not start it again: it fails as `Settled` would, with the evidence, and goes back."""
    calls.outcome = Outcome(kind="exited", id="b" * 64, name="web", status="exited", exit_code=1, log=("no config",))
    text = failure(calls)
    assert calls.names == ["hold", "look", "restore"]
    assert calls.of("look") == {"ssh": TODAY, "id": "b" * 64, "secrets": ["TOKEN"]}
    for part in ('service "nginx" does not come up', "exit code 1", "| no config", "runs again"):
        assert part in text
    assert calls.opened == []


def test_the_words_of_one_that_ends_meanwhile_are_shown(calls: Calls) -> None:
    """It ran when it was looked at, and Docker has started it again since, as seen on the lab; why it has no ports is said too.

    A port of others may be why it ends: without its connection it has no route.
    """
    calls.ended = Outcome(
        kind="restarting", id="b" * 64, name="web", status="restarting", exit_code=3, restarts=3, log=("no database",)
    )
    text = failure(calls, secrets={"db_password": "correct horse"})
    assert calls.names == ["hold", "look", "connect", "look again", "restore"]
    assert calls.of("look again") == {"ssh": TODAY, "id": "b" * 64, "secrets": ["TOKEN", "correct horse"]}
    for part in ('service "nginx" does not come up', "exit code 3", "| no database", "runs again"):
        assert part in text
    assert "port 80 is taken" in text
    assert calls.opened == []


def test_what_is_not_known_of_it_hides_no_failure(calls: Calls) -> None:
    """Docker does not answer the second look: the first failure is told, and the previous one runs again."""
    calls.ended = silent()
    assert "port 80 is taken" in failure(calls)
    assert calls.names == ["hold", "look", "connect", "look again", "restore"]


def test_secrets_of_files_are_not_shown(calls: Calls) -> None:
    """They may be in the log of the container that ended. Other values are recorded alone."""
    calls.outcome = Outcome(kind="exited", id="b" * 64, name="web", status="exited", exit_code=1)
    failure(calls, secrets={"db_password": "correct horse"})
    assert calls.of("look")["secrets"] == ["TOKEN", "correct horse"]
    assert BridgeConnection().diff(INPUTS, {**INPUTS, "secrets": {"db_password": "x"}}) == (["secrets"], [])


class Engine:
    """A Docker that connects a container to the bridge, or refuses it."""

    command = TODAY

    def __init__(self, calls: Calls, *, refuses: bool) -> None:
        self.calls, self.refuses = calls, refuses

    @contextmanager
    def opened(self, _connection: Any) -> Iterator[Engine]:
        """Take the place of `open_engine`."""
        yield self

    def find_container(self, id_: str) -> dict[str, Any]:
        """Return the description of a container, with the id alone."""
        return {"Id": id_}

    def connect_bridge(self, id_: str, _priority: int) -> None:
        """Note it."""
        self.calls.made.append(("connect at once", {"id": id_}))
        if self.refuses:
            raise silent()


def restarting(calls: Calls, monkeypatch: pytest.MonkeyPatch, *, refuses: bool) -> None:
    """Let Docker start the container again and again."""
    calls.restarts = True
    monkeypatch.setattr("ipvlan.hosts.settle.ended_for_good", lambda *_, **__: None)
    monkeypatch.setattr("ipvlan.hosts.engine_writes.open_engine", Engine(calls, refuses=refuses).opened)


def test_one_that_restarts_is_connected_at_once(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may need the connection to come up: `Settled` says whether it does, with its ports. The handover stays open until then."""
    restarting(calls, monkeypatch, refuses=False)
    assert BridgeConnection().create(INPUTS, calls.operation()) == (f"docker-1/{'b' * 64}", INPUTS)
    assert calls.names == ["hold", "connect at once"]
    assert calls.of("connect at once") == {"id": "b" * 64}
    assert calls.opened == ["web"]


def test_what_docker_refuses_between_two_starts_is_waited_for(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """The usual way connects it when it runs, or fails."""
    restarting(calls, monkeypatch, refuses=True)
    assert "port 80 is taken" in failure(calls)
    assert calls.names == ["hold", "connect at once", "connect", "look again", "restore"]


def test_a_handover_is_open_until_the_previous_one_runs(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where this process is ended during the restore, another one goes on with it."""
    seen = list[list[str]]()

    def restore(*_arguments: Any, **_named: Any) -> None:
        seen.append(calls.opened)

    monkeypatch.setattr("ipvlan.hosts.restore.restore", restore)
    failure(calls)
    assert (seen, calls.opened) == ([["web"]], [])


def test_a_connection_of_an_earlier_version_restores_nothing(calls: Calls) -> None:
    """Without the owner label nobody knows whose the containers are."""
    assert "port 80 is taken" in failure(calls, rollout=None)
    assert calls.names == ["hold", "connect"]


def test_a_deletion_disconnects(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the container is about to be replaced: the container may be one that stays."""
    monkeypatch.setattr("ipvlan.hosts.bridge.disconnect", lambda _attachment: calls.made.append(("disconnect", {})))
    BridgeConnection().delete(INPUTS, calls.operation())
    assert calls.names == ["hold", "disconnect"]


def test_the_rollout_in_the_inputs_is_no_change() -> None:
    """The connections of a state from before this version stay as they are."""
    before = {key: value for key, value in INPUTS.items() if key != "rollout"}
    assert BridgeConnection().diff(before, INPUTS) == ([], [])
