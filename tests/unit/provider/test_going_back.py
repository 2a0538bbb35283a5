"""What is open when the plugin's process ends: it is given to another process, and that one ends it."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from ipvlan.hosts import bridge
from ipvlan.hosts import restore as restore_module
from ipvlan.hosts import settle as settle_module
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_lock import HostLockedError
from ipvlan.hosts.settle import Settled as Outcome
from ipvlan.hosts.spare import Holder
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from provider import going_back, open_handovers, process
from provider.open_handovers import OpenHandovers
from tests.support.container_engine import Clock, ContainerEngine, open_directly, put_ssh, set_state
from tests.support.containers import IMAGE, OURS, RECORD, container, stopped
from tests.support.fake_engine import serve
from tests.support.rollout_calls import OWNER, TODAY, Calls, handover_of, noted, silent

EXITED = Outcome(kind="exited", id="b" * 64)
HOLDER = Holder(id="b" * 64, ours=True, record=None, inspected={})
NAMES = ("web", "shop")
SPARE = "web.ipvlan-previous"


class Locks:
    """The locks of a run that ends: some hosts are refused a few times, some for good."""

    def __init__(self, calls: Calls, refusals: dict[str, list[HostError]]) -> None:
        self.calls, self.refusals = calls, refusals

    def __call__(self, _holder: Any, *, timeout: float) -> Locks:
        """Take the place of the class."""
        assert timeout > 0
        return self

    def __enter__(self) -> Locks:
        return self

    def __exit__(self, *_: object) -> None:
        self.calls.made.append(("release", {}))

    def acquire(self, connections: list[HostConnection]) -> dict[str, Any]:
        """Take the lock of one host."""
        (connection,) = connections
        waiting = self.refusals.get(connection.name) or []
        if waiting:
            refusal = waiting.pop(0)
            if isinstance(refusal, HostLockedError):
                raise refusal
            return {connection.name: refusal}
        self.calls.made.append(("lock", {"host": connection.name}))
        return {connection.name: None}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what is done on hosts whose locks are free."""
    made = noted(monkeypatch)
    monkeypatch.setattr(going_back, "open_engine", made.open_engine)
    monkeypatch.setattr(going_back, "holder_of", lambda _engine, name, _owner: HOLDER if name in NAMES else None)
    monkeypatch.setattr(going_back, "start_unstarted", lambda _engine, id_: made.started.append(id_))
    monkeypatch.setattr(going_back, "settle", made.settle)
    monkeypatch.setattr(going_back, "restore", made.restore)
    monkeypatch.setattr(going_back, "HostLocks", Locks(made, {}))
    return made


def entries(*handovers: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the plugin gives away when these are open."""
    open_ = OpenHandovers()
    for handover in handovers:
        open_.begin(handover, TODAY)
    return list(open_._open.values())


@pytest.fixture
def end(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return the function that runs the process's program with these open handovers."""

    def run(*handovers: dict[str, Any]) -> None:
        monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(entries(*handovers))))
        going_back.main()

    return run


def test_what_is_up_stays(calls: Calls, end: Callable[..., None]) -> None:
    """It is found by its name: the run may have ended before anybody knew its id. Its ports are not asked for."""
    end(handover_of())
    assert calls.names == ["lock", "settle", "release"]
    assert calls.of("settle") == {"ssh": TODAY, "id": "b" * 64, "healthy_within": 60, "ports": [], "secrets": []}


@pytest.mark.parametrize("kind", ["absent", "created", "exited", "restarting", "unhealthy", "done"])
def test_what_is_not_up_goes_back(calls: Calls, end: Callable[..., None], kind: Any) -> None:
    """Also where the new one was never created; while the lock of the host is held."""
    calls.outcome = Outcome(kind=kind, id="web")
    end(handover_of())
    assert calls.names == ["lock", "settle", "restore", "release"]
    assert calls.of("restore") == {"ssh": TODAY, "name": "web", "owner": OWNER, "grace": 5}


def test_one_container_that_fails_stops_no_other(calls: Calls, end: Callable[..., None]) -> None:
    """Nobody reads an error of this process: it goes on with the next one, and every host has its turn."""
    calls.outcome, calls.restored = EXITED, silent()
    end(handover_of(), handover_of(container="shop"), handover_of(host="docker-2"))
    names = [arguments["name"] for made, arguments in calls.made if made == "restore"]
    assert sorted(names) == ["shop", "web", "web"]
    assert {arguments["host"] for made, arguments in calls.made if made == "lock"} == {"docker-1", "docker-2"}


def test_it_waits_for_the_lock_of_the_run_that_ended(
    calls: Calls, end: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lock is tried again: the run has it for some seconds more, or the host does not answer for a moment."""
    locked = HostLockedError(silent().problems)
    monkeypatch.setattr(going_back, "HostLocks", Locks(calls, {"docker-1": [locked, silent()]}))
    monkeypatch.setattr("time.sleep", lambda _seconds: None)
    end(handover_of())
    assert calls.names == ["lock", "settle", "release"]


def test_without_the_lock_nothing_is_done(
    calls: Calls, end: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another run works on the host by then; the other hosts are no less done."""
    locked: list[HostError] = [HostLockedError(silent().problems)]
    monkeypatch.setattr(going_back, "HostLocks", Locks(calls, {"docker-1": locked}))
    monkeypatch.setattr(going_back, "SECONDS_FOR_LOCKS", -1.0)
    end(handover_of(), handover_of(host="docker-2"))
    assert [arguments["host"] for made, arguments in calls.made if made == "lock"] == ["docker-2"]
    assert calls.names.count("settle") == 1


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker whose container web is to be replaced: it runs, and has a spare that is on the bridge."""
    engine = ContainerEngine(tmp_path / "engine.sock", caller=Clock(), images={IMAGE: {"Id": IMAGE, "Config": {}}})
    own = container("22", "web", State__StartedAt=engine.timestamp(3600))
    engine.inspected = [own, stopped("33", SPARE, record=replace(RECORD, of="22" * 32, bridge=True))]
    open_directly(monkeypatch, engine, going_back, restore_module)
    for module in (going_back, restore_module, settle_module):
        monkeypatch.setattr(module, "time", engine.caller)
    with serve(engine):
        yield engine


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the ids of the containers that are connected to the bridge after their start."""
    ids: list[str] = []
    monkeypatch.setattr(bridge, "connect", lambda attachment: ids.append(attachment.container_id))
    return ids


def go_back(*, stop_seconds: float = 30, bridged: bool = True) -> None:
    """End the handover of the container web, which is planned on the bridge or not."""
    (entry,) = entries(handover_of(owner=OURS, stop_seconds=stop_seconds, bridged=bridged))
    going_back.go_back(HostConnection(name="docker-1", command=("ssh", "docker-1")), entry)


def passed(docker: ContainerEngine) -> float:
    """Return the seconds that were waited."""
    assert docker.caller is not None
    return docker.caller.seconds - Clock().seconds


def after(docker: ContainerEngine, seconds: float, event: Callable[[], None]) -> None:
    """Let something happen on the host after so many seconds."""
    docker.events.append((Clock().seconds + seconds, event))


@pytest.mark.parametrize("name", ["web", "old-web"])
def test_one_that_docker_stops_after_the_run_has_ended(
    docker: ContainerEngine, connected: list[str], name: str
) -> None:
    """The deletion goes on by itself: the spare runs when it is complete, and not beside the one that is being stopped."""
    own = docker.inspected[0]
    own["Name"] = f"/{name}"
    after(docker, 29, lambda: set_state(own, "exited"))
    after(docker, 30, lambda: docker.inspected.remove(own))
    go_back()
    assert docker.summary == {"web": ("33", "running", "always")}
    assert connected == ["33" * 32]
    assert 35 <= passed(docker) < 45


@pytest.mark.parametrize("policy", ["always", "no"])
def test_one_that_was_stopped_and_not_deleted_runs_again(
    docker: ContainerEngine, connected: list[str], policy: str
) -> None:
    """Also where its end looks like that of a job that has done its work."""
    own = docker.inspected[0]
    own["HostConfig"]["RestartPolicy"]["Name"] = policy
    after(docker, 20, lambda: set_state(own, "exited", ExitCode=0))
    go_back()
    assert docker.summary == {"web": ("22", "running", policy), SPARE: ("33", "created", "no")}


def test_one_that_nobody_stopped_goes_on(docker: ContainerEngine, connected: list[str]) -> None:
    """The run ended before the deletion began: nothing is changed, and the next `up` finds the spare."""
    go_back()
    assert docker.summary == {"web": ("22", "running", "always"), SPARE: ("33", "created", "no")}
    assert docker.changes == []
    assert passed(docker) >= 35


def test_a_restored_one_that_is_about_to_be_set_aside(docker: ContainerEngine, connected: list[str]) -> None:
    """It is waited for too: it runs again under its name whether Docker stopped it or not."""
    restored = container("33", "web", Config__Labels={OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)})
    docker.inspected = [restored]
    after(docker, 20, lambda: set_state(restored, "exited"))
    go_back()
    assert docker.changes == ["update 33", "start 33"]
    assert docker.summary == {"web": ("33", "running", "always")}
    assert passed(docker) >= 35


def put_new(docker: ContainerEngine) -> None:
    """Let Docker have the new container in place of the old one; it runs for long."""
    docker.inspected[0] = container("44", "web", State__StartedAt=docker.timestamp(3600))


def test_a_new_one_that_is_up_is_published(docker: ContainerEngine, connected: list[str]) -> None:
    """Nobody else is there to connect it; and nobody waits, because Docker is not stopping it."""
    put_new(docker)
    go_back()
    assert connected == ["44" * 32]
    assert docker.changes == []
    assert passed(docker) < 1


def test_a_new_one_whose_start_a_power_cut_undid_is_started(docker: ContainerEngine, connected: list[str]) -> None:
    """Nothing is wrong with it: it was created, and Docker says of no start and of no refusal."""
    docker.inspected[0] = stopped("44", "web", State__StartedAt="0001-01-01T00:00:00Z")
    go_back()
    assert docker.changes == ["start 44"]
    assert docker.summary["web"][:2] == ("44", "running")
    assert connected == ["44" * 32]


def test_a_restoring_that_was_cut_short_is_completed(docker: ContainerEngine, connected: list[str]) -> None:
    """The previous one has its name back and never ran: what failed must not start with the host any more."""
    docker.inspected = [
        stopped("33", "web", record=RECORD, State__StartedAt="0001-01-01T00:00:00Z"),
        container("44", "web.ipvlan-failed", State__Status="exited", State__Running=False, State__ExitCode=3),
    ]
    go_back()
    assert docker.summary == {"web": ("33", "running", "always"), "web.ipvlan-failed": ("44", "exited", "no")}


def test_a_new_one_without_the_bridge_is_not_connected(docker: ContainerEngine, connected: list[str]) -> None:
    """The plan decides: the one before may have been published, and the new one is not to be."""
    put_new(docker)
    go_back(bridged=False)
    assert connected == []


def test_a_new_one_that_is_not_published_goes_back(docker: ContainerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a run that is not interrupted: something else has its port."""
    put_new(docker)
    tried: list[str] = []

    def connect(attachment: bridge.BridgeAttachment) -> None:
        tried.append(attachment.container_id[:2])
        if len(tried) == 1:
            raise silent()

    monkeypatch.setattr(bridge, "connect", connect)
    go_back()
    assert docker.summary == {"web": ("33", "running", "always"), "web.ipvlan-failed": ("44", "exited", "no")}
    assert tried == ["44", "33"]


def test_what_others_have_is_not_judged(docker: ContainerEngine, connected: list[str]) -> None:
    """Nothing is changed where somebody else took the name."""
    docker.inspected[0] = container("44", "web", Config__Labels={})
    with pytest.raises(HostError, match="is not this stack's"):
        go_back()
    assert docker.changes == []


def test_nothing_open_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every preview and every `up` without a replacement ends without another process, and so does one whose handovers ended."""
    monkeypatch.setattr(
        open_handovers, "subprocess", Mock(Popen=Mock(side_effect=AssertionError("a process is started")))
    )
    open_ = OpenHandovers()
    open_.give_away()
    open_.begin(handover_of(), TODAY)
    open_.end("docker-1", "web")
    open_.end("docker-1", "web")
    open_.give_away()


def test_the_plugin_ends_its_children_before_it_starts_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """So the process that it leaves behind is none of those that it ends."""
    done: list[str] = []
    monkeypatch.setattr(process, "end_children", lambda: done.append("children"))
    monkeypatch.setattr(open_handovers.OPEN_HANDOVERS, "give_away", lambda: done.append("give away"))
    monkeypatch.setattr("os._exit", lambda status: done.append(f"exit {status}"))
    process._end()
    assert done == ["children", "give away", "exit 0"]


def test_the_process_runs_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a given-away handover to the container that runs again: another process, and a substitute for Docker's Engine."""
    failing = container("22", "web", State__Status="exited", State__Running=False, State__ExitCode=1)
    docker = ContainerEngine(
        tmp_path / "engine.sock",
        inspected=[failing, stopped("33", "web.ipvlan-previous", record=RECORD)],
        images={IMAGE: {"Id": IMAGE, "Config": {"Labels": None}}},
    )
    # The lock of this machine is for others.
    flock = tmp_path / "flock"
    flock.write_text("#!/bin/sh\nexit 0\n")
    flock.chmod(0o755)
    assert failing["Config"]["Labels"][OWNER_LABEL] == OURS
    started: list[subprocess.Popen[bytes]] = []

    def popen(*arguments: Any, **options: Any) -> subprocess.Popen[bytes]:
        started.append(subprocess.Popen(*arguments, **options))
        return started[0]

    monkeypatch.setattr(
        open_handovers, "subprocess", Mock(Popen=popen, PIPE=subprocess.PIPE, DEVNULL=subprocess.DEVNULL)
    )
    open_ = OpenHandovers()
    open_.begin(handover_of(owner=OURS), (put_ssh(tmp_path, docker), "docker-1"))
    with serve(docker):
        open_.give_away()
        (process_,) = started
        # Neither a Ctrl-C nor the engine, which signal process groups, reach it.
        assert os.getsid(process_.pid) == process_.pid
        assert process_.wait(30) == 0
    assert docker.summary == {"web": ("33", "running", "always"), "web.ipvlan-failed": ("22", "exited", "no")}
