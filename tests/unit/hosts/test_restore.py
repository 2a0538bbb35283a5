"""The previous container runs again, and makes room again: the real scripts against a substitute for the docker command line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts import restore
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, NAME_TAKEN, NOT_RESTORED, HostError
from ipvlan.hosts.restore import Restored
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.containers import OURS, RECORD, ContainerHost, container, stopped

FAILED = {"State__Status": "restarting", "State__ExitCode": 1}
SPARE, REPLACED = "web.ipvlan-previous", "web.ipvlan-failed"
OTHERS: dict[str, Any] = {"Config__Labels": {OWNER_LABEL: "ffffffffffffffff/docker-1/web"}}


def run(host: ContainerHost) -> Restored | None:
    """Restore the container web."""
    return restore.restore(host.connection, "web", OURS, grace=3)


def code(raised: pytest.ExceptionInfo[HostError]) -> str:
    """Return the code of the only problem."""
    (problem,) = raised.value.problems
    return problem.code


def test_the_spare_takes_the_place_of_the_failed_one(tmp_path: Path) -> None:
    """By their ids: the failed one is stopped, kept and does not start at boot; the spare has its name and its policy."""
    host = ContainerHost(tmp_path, container("22", "web", **FAILED), stopped("33", SPARE, record=RECORD))
    restored = run(host)
    assert restored == Restored(id="33" * 32, failed_id="22" * 32, of=RECORD.of)
    assert host.containers == {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}
    assert host.changes[:3] == [
        f"update --restart no {'22' * 32}",
        f"stop -t 3 {'22' * 32}",
        f"rename {'22' * 32} {REPLACED}",
    ]


def test_a_policy_with_tries_comes_back(tmp_path: Path) -> None:
    """`on-failure:3` is what the copied container had."""
    record = Record(of="00" * 32, restart="on-failure:3", bridge=False, volumes=())
    host = ContainerHost(tmp_path, stopped("33", SPARE, record=record))
    run(host)
    assert host.state["containers"][0]["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_an_earlier_failed_one_is_removed(tmp_path: Path) -> None:
    """Only the last one is kept."""
    host = ContainerHost(
        tmp_path, container("22", "web", **FAILED), stopped("33", SPARE, record=RECORD), stopped("11", REPLACED)
    )
    run(host)
    assert host.containers == {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}


def test_it_can_end_at_any_line(tmp_path: Path) -> None:
    """Whatever was done when Docker or the host went away: the next call completes it, and the same things are there."""
    expected = {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}
    host = ContainerHost(
        tmp_path, container("22", "web", **FAILED), stopped("33", SPARE, record=RECORD), stopped("11", REPLACED)
    )
    run(host)
    history = host.state["history"]
    assert len(history) == 7
    # After the stop, the first new name, the new policy, the second new name; without a boot of the host, and with one.
    for done, boots in ((2, False), (4, True), (5, True), (6, False)):
        left = history[done - 1]
        host.write(containers=[booted(each) for each in left] if boots else left)
        run(host)
        assert host.containers == expected, f"after {done} changes"


def booted(left: dict[str, Any]) -> dict[str, Any]:
    """Return a container after a boot of its host: Docker starts those with the policy, also one that never ran."""
    starts = left["HostConfig"]["RestartPolicy"]["Name"] == "always"
    ended = "created" if left["State"]["Status"] == "created" else "exited"
    return {**left, "State": {**left["State"], "Status": "running" if starts else ended, "Running": starts}}


def test_nothing_to_restore_changes_nothing(tmp_path: Path) -> None:
    """Without a spare the failed one stays as it is, and so does a container that only has the spare's name."""
    for spare in ((), (stopped("33", SPARE),)):
        host = ContainerHost(tmp_path, container("22", "web", **FAILED), *spare)
        assert run(host) is None
        assert host.changes == []


def test_what_was_not_replaced_stays(tmp_path: Path) -> None:
    """The spare is a copy of the container that has the name: the run ended before it deleted it, so it is not put aside."""
    record = Record(of="22" * 32, restart="always", bridge=False, volumes=())
    host = ContainerHost(tmp_path, container("22", "web", **FAILED), stopped("33", SPARE, record=record))
    assert run(host) is None
    assert host.changes == []
    # Deleted since then: there is nobody else to run.
    host.write(containers=host.state["containers"][1:])
    assert run(host) == Restored(id="33" * 32, failed_id="", of="22" * 32)
    assert host.containers == {"web": ("33", "running", "always")}


@pytest.mark.parametrize(
    "containers",
    [
        (container("22", "web", **OTHERS), stopped("33", SPARE, record=RECORD)),
        (container("22", "web"), stopped("33", SPARE, **OTHERS)),
        (container("22", "web"), stopped("33", SPARE, record=RECORD), stopped("44", REPLACED, **OTHERS)),
        # Its labels are those of an image that `docker commit` made of ours.
        (container("22", "web", Image="committed"), stopped("33", SPARE, record=RECORD)),
    ],
)
def test_what_others_have_is_not_changed(tmp_path: Path, containers: tuple[dict[str, Any], ...]) -> None:
    """A name that somebody else has is said, and nothing is done."""
    host = ContainerHost(tmp_path, *containers)
    host.write(images={**host.state["images"], "committed": {"Labels": {OWNER_LABEL: OURS}}})
    with pytest.raises(HostError) as raised:
        run(host)
    assert code(raised) == NAME_TAKEN
    assert host.changes == []


def test_what_docker_refuses_is_said(tmp_path: Path) -> None:
    """A spare that does not start has Docker's reason; a daemon that is down is one that does not answer."""
    host = ContainerHost(tmp_path, stopped("33", SPARE, record=RECORD), refuses={"start": "Address already in use"})
    with pytest.raises(HostError, match="Address already in use") as raised:
        run(host)
    assert code(raised) == NOT_RESTORED
    host.write(down=True)
    with pytest.raises(HostError, match="Cannot connect") as raised:
        run(host)
    assert code(raised) == DOCKER_UNAVAILABLE


def test_a_published_one_is_published_again(tmp_path: Path) -> None:
    """With its own ports: those of its replacement may be others."""
    record = Record(of="00" * 32, restart="always", bridge=True, volumes=())
    ports = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    host = ContainerHost(tmp_path, stopped("33", SPARE, record=record, HostConfig__PortBindings=ports))
    assert run(host) is not None
    assert host.state["containers"][0]["NetworkSettings"]["Ports"] == ports
    assert host.changes[-1].startswith("network connect")


def test_a_restored_one_is_set_aside(tmp_path: Path) -> None:
    """It is the spare again, in place of an older one; the name is free."""
    labels = {OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)}
    restored = container("33", "web", Config__Labels=labels)
    host = ContainerHost(tmp_path, restored, stopped("44", SPARE, record=RECORD))
    assert restore.set_aside(host.connection, "web", OURS)
    assert host.containers == {SPARE: ("33", "exited", "no")}
    assert not restore.set_aside(host.connection, "web", OURS)
    assert run(host) is not None
    assert host.containers == {"web": ("33", "running", "always")}


@pytest.mark.parametrize("changes", [{}, OTHERS])
def test_only_a_restored_one_is_set_aside(tmp_path: Path, changes: dict[str, Any]) -> None:
    """A container that the state records, or of others, stays."""
    host = ContainerHost(tmp_path, container("22", "web", **changes))
    assert not restore.set_aside(host.connection, "web", OURS)
    assert host.changes == []
