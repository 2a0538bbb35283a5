"""The previous container runs again, and makes room again, against a substitute for Docker's Engine."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import bridge, restore
from ipvlan.hosts.bridge import BoundPort, BridgeAttachment
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.engine_writes import EngineWrites
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, NAME_TAKEN, NOT_RESTORED, HostError
from ipvlan.hosts.restore import Restored
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.container_engine import Clock, ContainerEngine, open_directly, set_state
from tests.support.containers import FABRIC, IMAGE, OURS, RECORD, VOLUME, container, stopped
from tests.support.fake_engine import serve

CONNECTION = HostConnection(name="docker-1", command=("ssh", "docker-1"))
LOOPS: dict[str, Any] = {"State__Status": "restarting", "State__Restarting": True, "State__ExitCode": 1}
SPARE, REPLACED = "web.ipvlan-previous", "web.ipvlan-failed"
OTHERS: dict[str, Any] = {"Config__Labels": {OWNER_LABEL: "ffffffffffffffff/docker-1/web"}}
COPY: dict[str, Any] = {"Config__Labels": {OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)}}
RESTORED = {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ContainerEngine]:
    """Serve a Docker without a container; nobody waits for it really."""
    engine = ContainerEngine(tmp_path / "engine.sock", caller=Clock())
    engine.images[IMAGE] = {"Id": IMAGE, "Config": {"Labels": None}}
    open_directly(monkeypatch, engine, restore)
    monkeypatch.setattr(restore, "time", engine.caller)
    with serve(engine):
        yield engine


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[BridgeAttachment]:
    """Return the attachments that are connected to the bridge after the start, by what `pulumi up` connects with too."""
    attachments: list[BridgeAttachment] = []
    monkeypatch.setattr(bridge, "connect", attachments.append)
    return attachments


def run(grace: int = 3) -> Restored | None:
    """Restore the container web."""
    return restore.restore(CONNECTION, "web", OURS, grace=grace)


def code(raised: pytest.ExceptionInfo[HostError]) -> str:
    """Return the code of the only problem."""
    (problem,) = raised.value.problems
    return problem.code


def failed_change() -> list[dict[str, Any]]:
    """Return the containers of a change that failed: its replacement, the spare, and the replacement of an earlier one."""
    return [container("22", "web", **LOOPS), stopped("33", SPARE, record=RECORD), stopped("11", REPLACED)]


def test_the_spare_takes_the_place_of_the_failed_one(docker: ContainerEngine) -> None:
    """By their ids: the failed one is stopped, kept and does not start at boot; the spare has its name and its policy.

    The failed one has ended before the spare starts, which has its policy by then. The failed one gets its own last: a loop takes
    none, and the service is down meanwhile.
    """
    docker.inspected = failed_change()[:2]
    assert run() == Restored(id="33" * 32, failed_id="22" * 32, of=RECORD.of)
    assert docker.summary == RESTORED
    assert docker.changes == [
        "stop 22 t=3",
        f"rename 22 name={REPLACED}",
        "update 33",
        "rename 33 name=web",
        "start 33",
        "update 22",
    ]


@pytest.mark.parametrize(("grace", "given"), [(0, 0), (-1, 0), (restore.LONGEST_GRACE, 5), (600, 5)])
def test_a_failed_one_ends_soon(docker: ContainerEngine, grace: int, given: int) -> None:
    """The previous one waits for its address."""
    docker.inspected = failed_change()
    run(grace)
    assert docker.changes[0] == f"stop 22 t={given}"


def test_a_policy_with_tries_comes_back(docker: ContainerEngine) -> None:
    """`on-failure:3` is what the copied container had."""
    docker.inspected = [stopped("33", SPARE, record=replace(RECORD, restart="on-failure:3"))]
    assert run() == Restored(id="33" * 32, failed_id="", of=RECORD.of)
    assert docker.inspected[0]["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_an_earlier_failed_one_is_removed(docker: ContainerEngine) -> None:
    """Only the last one is kept; the other goes with its own volumes, and without those that are in use."""
    mounts = [{"Type": "volume", "Name": name, "Destination": name} for name in (VOLUME, "0b" * 32)]
    docker.volumes = {VOLUME, "0b" * 32}
    docker.inspected = failed_change()
    docker.inspected[1]["Mounts"], docker.inspected[2]["Mounts"] = mounts[:1], mounts
    run()
    assert docker.summary == RESTORED
    assert docker.volumes == {VOLUME}


@pytest.mark.parametrize("boots", [None, "in order", "backwards"])
@pytest.mark.parametrize("changes", range(7))
def test_it_can_end_at_any_request(docker: ContainerEngine, changes: int, boots: str | None) -> None:
    """Whatever was done when Docker, the host or this program went away: the next call completes it.

    The host may start anew meanwhile, and Docker starts what has the policy then, in any order.
    """
    docker.inspected = failed_change()
    docker.ends_after = changes
    with pytest.raises(HostError) as raised:
        run()
    assert code(raised) == DOCKER_UNAVAILABLE
    docker.ends_after = None
    if boots is not None:
        docker.inspected.sort(key=lambda each: str(each["Id"]), reverse=boots == "backwards")
        docker.boot()
    assert run() == Restored(id="33" * 32, failed_id="22" * 32, of=RECORD.of)
    assert docker.summary == RESTORED


def test_it_is_complete_after_its_last_request(docker: ContainerEngine) -> None:
    """Seven requests change something; a repetition changes nothing, but for what Docker takes without an effect."""
    docker.inspected = failed_change()
    run()
    assert len(docker.changes) == 7
    docker.changes.clear()
    before = copy.deepcopy(docker.inspected)
    assert run() == Restored(id="33" * 32, failed_id="22" * 32, of=RECORD.of)
    assert docker.inspected == before
    assert docker.changes == ["update 33", "start 33"]


def test_nothing_to_restore_changes_nothing(docker: ContainerEngine) -> None:
    """Without a spare the failed one stays as it is, and so does a container that only has the spare's name.

    The same holds where what has the name is the very container of which the spare is a copy: it was not replaced.
    """
    own = stopped("33", SPARE, record=replace(RECORD, of="22" * 32))
    for spare in ([], [stopped("33", SPARE)], [own]):
        docker.inspected = [container("22", "web", **LOOPS), *spare]
        assert run() is None
    docker.inspected = []
    assert run() is None
    assert docker.changes == []
    # The container that the spare is a copy of was deleted since then: there is nobody else to run.
    docker.inspected = [own]
    assert run() == Restored(id="33" * 32, failed_id="", of="22" * 32)
    assert docker.summary == {"web": ("33", "running", "always")}


def test_it_works_in_an_open_session(docker: ContainerEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which its caller closes."""
    monkeypatch.undo()
    docker.inspected = failed_change()
    session = EngineWrites("docker-1", docker.socket, timeout=5)
    assert restore.restore(CONNECTION, "web", OURS, grace=3, session=session) is not None
    assert docker.summary == RESTORED
    assert session.container_named("web") is not None
    session.close()


@pytest.mark.parametrize(
    "containers",
    [
        (container("22", "web", **OTHERS), stopped("33", SPARE, record=RECORD)),
        # Somebody else's is not believed to be a copy.
        (container("22", "web", Config__Labels={PREVIOUS_LABEL: str(RECORD)}), stopped("33", SPARE, record=RECORD)),
        (container("22", "web"), stopped("33", SPARE, **OTHERS)),
        (container("22", "web"), stopped("33", SPARE, record=RECORD), stopped("44", REPLACED, **OTHERS)),
        # Its labels are those of an image that `docker commit` made of ours; the other's image is gone, and nobody knows.
        (container("22", "web", Image="committed"), stopped("33", SPARE, record=RECORD)),
        (container("22", "web", Image="gone"), stopped("33", SPARE, record=RECORD)),
    ],
)
def test_what_others_have_is_not_changed(docker: ContainerEngine, containers: tuple[dict[str, Any], ...]) -> None:
    """A name that somebody else has is said, and nothing is done."""
    docker.inspected = copy.deepcopy(list(containers))
    docker.images["committed"] = {"Id": "committed", "Config": {"Labels": {OWNER_LABEL: OURS}}}
    with pytest.raises(HostError) as raised:
        run()
    assert code(raised) == NAME_TAKEN
    assert docker.changes == []
    assert docker.inspected == list(containers)


def test_a_name_that_is_taken_meanwhile(docker: ContainerEngine) -> None:
    """Docker itself refuses a name that somebody took after the look."""
    docker.inspected = failed_change()[:2]
    docker.refuses["rename"] = ['Conflict. The container name "/web.ipvlan-failed" is already in use by container "44"']
    with pytest.raises(HostError, match=r"222222222222 is not renamed to web\.ipvlan-failed: Conflict") as raised:
        run()
    assert code(raised) == NOT_RESTORED
    run()
    assert docker.summary == RESTORED


@pytest.mark.parametrize("status", ["dead", "exited", "paused", "created"])
def test_a_failed_one_in_any_state(docker: ContainerEngine, status: str) -> None:
    """One that is dead takes no policy, and needs none: Docker does not start it."""
    docker.inspected = failed_change()
    docker.inspected[0]["State"].update(Status=status, Running=status == "paused", Restarting=False)
    assert run() is not None
    expected = "exited" if status == "paused" else status
    assert docker.summary["web"] == ("33", "running", "always")
    assert docker.summary[REPLACED] == ("22", expected, "always" if status == "dead" else "no")


def test_an_address_that_is_not_yet_free(docker: ContainerEngine) -> None:
    """Docker may still release it: the start is tried once more."""
    docker.inspected = failed_change()
    docker.refuses["start"] = ["failed to set up container networking: Address already in use"]
    assert run() is not None
    assert docker.summary == RESTORED
    assert docker.changes.count("start 33") == 2


def test_what_docker_refuses_is_said(docker: ContainerEngine) -> None:
    """A spare that does not start has Docker's reason; a daemon that is down is one that does not answer."""
    docker.inspected = failed_change()
    docker.refuses["start"] = ["Address already in use"] * 2
    with pytest.raises(HostError, match="333333333333 is not started: Address already in use") as raised:
        run()
    assert code(raised) == NOT_RESTORED
    docker.silent = True
    with pytest.raises(HostError, match="Docker does not answer") as raised:
        run()
    assert code(raised) == DOCKER_UNAVAILABLE
    docker.silent = False
    run()
    assert docker.summary == RESTORED


def published(**changes: Any) -> dict[str, Any]:
    """Return a spare that publishes port 80 at 8080."""
    record = replace(RECORD, bridge=True)
    ports = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}], "81/tcp": None}
    return stopped("33", SPARE, record=record, **{"HostConfig__PortBindings": ports, **changes})


def test_a_published_one_is_published_again(docker: ContainerEngine, connected: list[BridgeAttachment]) -> None:
    """It is on the bridge since it was made: its ports are bound at its start."""
    docker.inspected = [published()]
    docker.inspected[0]["NetworkSettings"]["Networks"]["bridge"] = {}
    assert run() is not None
    assert docker.inspected[0]["NetworkSettings"]["Ports"]["80/tcp"]
    assert connected == []


@pytest.mark.parametrize("bindings", [True, False])
def test_one_that_is_not_on_the_bridge_is_connected(
    docker: ContainerEngine, connected: list[BridgeAttachment], bindings: bool
) -> None:
    """With its own ports: those of its replacement may be others. One without ports has its way to the internet there."""
    docker.inspected = [published() if bindings else published(HostConfig__PortBindings={})]
    assert run() is not None
    assert connected == [
        BridgeAttachment(
            connection=CONNECTION,
            container="web",
            container_id="33" * 32,
            network=FABRIC,
            ports=(BoundPort(container_port="80/tcp", host_address="", host_port=8080),) if bindings else (),
        )
    ]


def test_a_restored_one_is_set_aside(docker: ContainerEngine) -> None:
    """It is the spare again, in place of an older one; the name is free, and a later failure brings it back."""
    docker.inspected = [container("33", "web", **COPY), stopped("44", SPARE, record=RECORD)]
    assert restore.set_aside(CONNECTION, "web", OURS)
    assert docker.summary == {SPARE: ("33", "exited", "no")}
    assert docker.changes == ["remove 44", "stop 33 t=10", "update 33", f"rename 33 name={SPARE}"]
    assert not restore.set_aside(CONNECTION, "web", OURS)
    assert run() is not None
    assert docker.summary == {"web": ("33", "running", "always")}


@pytest.mark.parametrize("changes", range(4))
def test_setting_aside_can_end_at_any_request(docker: ContainerEngine, changes: int) -> None:
    """The next call completes it; the volumes that both share stay. Also of one that Docker starts again and again."""
    mounts = [{"Type": "volume", "Name": VOLUME, "Destination": "/data"}]
    docker.volumes = {VOLUME}
    docker.inspected = [
        container("33", "web", **COPY, **LOOPS, Mounts=mounts),
        stopped("44", SPARE, record=RECORD, Mounts=mounts),
    ]
    docker.ends_after = changes
    with pytest.raises(HostError):
        restore.set_aside(CONNECTION, "web", OURS)
    docker.ends_after = None
    assert restore.set_aside(CONNECTION, "web", OURS)
    assert docker.summary == {SPARE: ("33", "exited", "no")}
    assert docker.volumes == {VOLUME}


@pytest.mark.parametrize("seconds", [0, 300])
def test_a_restored_one_has_its_own_time_to_end(docker: ContainerEngine, seconds: int) -> None:
    """It served until now."""
    docker.inspected = [container("33", "web", **COPY, Config__StopTimeout=seconds)]
    assert restore.set_aside(CONNECTION, "web", OURS)
    assert docker.changes[0] == f"stop 33 t={seconds}"


@pytest.mark.parametrize("changes", [{}, OTHERS])
def test_only_a_restored_one_is_set_aside(docker: ContainerEngine, changes: dict[str, Any]) -> None:
    """A container that the state records, or of others, stays."""
    docker.inspected = [container("22", "web", **changes)]
    assert not restore.set_aside(CONNECTION, "web", OURS)
    assert docker.changes == []


def test_the_name_of_the_spare_is_taken(docker: ContainerEngine) -> None:
    """Then the restored one goes on."""
    docker.inspected = [container("33", "web", **COPY), stopped("44", SPARE, **OTHERS)]
    with pytest.raises(HostError) as raised:
        restore.set_aside(CONNECTION, "web", OURS)
    assert code(raised) == NAME_TAKEN
    assert docker.changes == []


@pytest.mark.parametrize("name", ["web", "old-web"])
@pytest.mark.parametrize("runs", [True, False])
def test_one_that_was_stopped_and_not_deleted_runs_again(docker: ContainerEngine, name: str, runs: bool) -> None:
    """The run ended in between. The container itself is better than its copy; it may be one that was to get another name."""
    own = container("22", name)
    docker.inspected = [own, stopped("33", SPARE, record=replace(RECORD, of="22" * 32))]
    if not runs:
        set_state(own, "exited", ExitCode=0)
    assert run() is None
    assert docker.changes == ([] if runs else ["start 22"])
    assert docker.summary == {name: ("22", "running", "always"), SPARE: ("33", "created", "no")}


def test_another_name_of_the_replaced_one_does_not_matter(docker: ContainerEngine) -> None:
    """Where the new one has the name, that one failed: the copy takes its place."""
    docker.inspected = [
        container("22", "web", **LOOPS),
        stopped("33", SPARE, record=replace(RECORD, of="44" * 32)),
        stopped("44", "kept-by-hand"),
    ]
    assert run() == Restored(id="33" * 32, failed_id="22" * 32, of="44" * 32)


UNSTARTED: dict[str, Any] = {"State__StartedAt": "0001-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("name", "changes", "started"),
    [
        ("web", UNSTARTED, True),
        # Docker refused its start, it ran once, it was set aside, it runs.
        ("web", {**UNSTARTED, "State__Error": "no such device"}, False),
        ("web", {"State__StartedAt": "2026-11-26T03:00:00Z"}, False),
        (REPLACED, UNSTARTED, False),
        ("web", {**UNSTARTED, "State__Status": "running"}, False),
    ],
)
def test_what_never_started_is_started(
    docker: ContainerEngine, name: str, changes: dict[str, Any], started: bool
) -> None:
    """A power cut undoes a start. What Docker refused to start, or what ran, is not tried again."""
    docker.inspected = [stopped("22", name, **changes)]
    engine = EngineWrites("docker-1", docker.socket, timeout=5)
    restore.start_unstarted(engine, "22" * 32)
    restore.start_unstarted(engine, "99" * 32)
    engine.close()
    assert docker.changes == (["start 22"] if started else [])


def test_a_start_that_docker_refuses_is_seen_by_the_next_look(docker: ContainerEngine) -> None:
    """Docker keeps the reason with the container."""
    docker.inspected = [stopped("22", "web", **UNSTARTED)]
    docker.refuses["start"] = ["driver failed"]
    engine = EngineWrites("docker-1", docker.socket, timeout=5)
    restore.start_unstarted(engine, "22" * 32)
    engine.close()
    assert docker.changes == ["start 22"]
    assert docker.summary == {"web": ("22", "created", "no")}
