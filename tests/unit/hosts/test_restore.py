"""The previous container runs again, and makes room again: through the real session and a substitute for the Engine."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.hosts import restore
from ipvlan.hosts.bridge import BoundPort, BridgeAttachment
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, NAME_TAKEN, NOT_RESTORED, HostError
from ipvlan.hosts.restore import Restored
from ipvlan.hosts.spare_copy import Record
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.containers import FABRIC, OURS, RECORD, ContainerHost, NewHost, container, stopped

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


def test_the_spare_takes_the_place_of_the_failed_one(new_host: NewHost) -> None:
    """By their ids: the failed one is stopped, kept and does not start at boot; the spare has its name and its policy."""
    host = new_host(container("22", "web", **FAILED), stopped("33", SPARE, record=RECORD))
    restored = run(host)
    assert restored == Restored(id="33" * 32, failed_id="22" * 32, of=RECORD.of)
    assert host.containers == {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}
    assert host.changes == [
        f"stop {'22' * 32} 3",
        f"rename {'22' * 32} {REPLACED}",
        f"update {'33' * 32} always",
        f"rename {'33' * 32} web",
        f"start {'33' * 32}",
        f"update {'22' * 32} no",
    ]


def test_a_policy_with_tries_comes_back(new_host: NewHost) -> None:
    """`on-failure:3` is what the copied container had."""
    record = Record(of="00" * 32, restart="on-failure:3", bridge=False, volumes=())
    host = new_host(stopped("33", SPARE, record=record))
    run(host)
    assert host.state["containers"][0]["HostConfig"]["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_an_earlier_failed_one_is_removed(new_host: NewHost) -> None:
    """Only the last one is kept."""
    host = new_host(container("22", "web", **FAILED), stopped("33", SPARE, record=RECORD), stopped("11", REPLACED))
    run(host)
    assert host.containers == {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}


def test_it_can_end_at_any_line(new_host: NewHost) -> None:
    """Whatever was done when Docker or the host went away: the next call completes it, and the same things are there."""
    expected = {REPLACED: ("22", "exited", "no"), "web": ("33", "running", "always")}
    host = new_host(container("22", "web", **FAILED), stopped("33", SPARE, record=RECORD), stopped("11", REPLACED))
    run(host)
    history = host.state["history"]
    assert len(history) == 7
    # After the stop, the first new name, the new policy, the second new name; without a boot of the host, and with one.
    for done, boots in ((2, False), (4, True), (5, True), (6, False)):
        left = history[done - 1]
        host.write(containers=booted(left) if boots else left)
        run(host)
        assert host.containers == expected, f"after {done} changes"


def booted(left: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return containers of one address after a boot of their host.

    Docker starts those with the policy, also one that never ran; the second finds the address taken.
    """
    after, is_free = [], True
    for each in left:
        starts = each["HostConfig"]["RestartPolicy"]["Name"] == "always" and is_free
        is_free = is_free and not starts
        ended = "created" if each["State"]["Status"] == "created" else "exited"
        state = {**each["State"], "Status": "running" if starts else ended, "Running": starts, "Restarting": False}
        after.append({**each, "State": state})
    return after


def test_nothing_to_restore_changes_nothing(new_host: NewHost) -> None:
    """Without a spare the failed one stays as it is, and so does a container that only has the spare's name."""
    for spare in ((), (stopped("33", SPARE),)):
        host = new_host(container("22", "web", **FAILED), *spare)
        assert run(host) is None
        assert host.changes == []


def test_what_was_not_replaced_stays(new_host: NewHost) -> None:
    """The spare is a copy of the container that has the name: the run ended before it deleted it, so it is not put aside."""
    record = Record(of="22" * 32, restart="always", bridge=False, volumes=())
    host = new_host(container("22", "web", **FAILED), stopped("33", SPARE, record=record))
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
def test_what_others_have_is_not_changed(new_host: NewHost, containers: tuple[dict[str, Any], ...]) -> None:
    """A name that somebody else has is said, and nothing is done."""
    host = new_host(*containers)
    host.write(images={**host.state["images"], "committed": {"Labels": {OWNER_LABEL: OURS}}})
    with pytest.raises(HostError) as raised:
        run(host)
    assert code(raised) == NAME_TAKEN
    assert host.changes == []


def test_what_docker_refuses_is_said(new_host: NewHost) -> None:
    """A spare that does not start has Docker's reason; a daemon that is down is one that does not answer."""
    host = new_host(stopped("33", SPARE, record=RECORD), refuses={"start": "Address already in use"})
    with pytest.raises(HostError, match="Address already in use") as raised:
        run(host)
    assert code(raised) == NOT_RESTORED
    host.write(down=True)
    with pytest.raises(HostError, match="Docker does not answer") as raised:
        run(host)
    assert code(raised) == DOCKER_UNAVAILABLE


def test_a_published_one_is_published_again(new_host: NewHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its own ports: those of its replacement may be others."""
    record = Record(of="00" * 32, restart="always", bridge=True, volumes=())
    ports = {"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}
    made: list[BridgeAttachment] = []
    monkeypatch.setattr("ipvlan.hosts.bridge.connect", made.append)
    host = new_host(stopped("33", SPARE, record=record, HostConfig__PortBindings=ports))
    assert run(host) is not None
    expected = BridgeAttachment(
        connection=host.connection,
        container="web",
        container_id="33" * 32,
        network=FABRIC,
        ports=(BoundPort(container_port="80/tcp", host_address="", host_port=8080),),
    )
    assert made == [expected]
    # A spare that is on the bridge already has its ports by its start.
    changes = {"HostConfig__PortBindings": ports, "NetworkSettings__Networks__bridge": {}}
    assert run(new_host(stopped("33", SPARE, record=record, **changes))) is not None
    assert made == [expected]


def test_a_restored_one_is_set_aside(new_host: NewHost) -> None:
    """It is the spare again, in place of an older one; the name is free."""
    labels = {OWNER_LABEL: OURS, PREVIOUS_LABEL: str(RECORD)}
    restored = container("33", "web", Config__Labels=labels)
    host = new_host(restored, stopped("44", SPARE, record=RECORD))
    assert restore.set_aside(host.connection, "web", OURS)
    assert host.containers == {SPARE: ("33", "exited", "no")}
    assert not restore.set_aside(host.connection, "web", OURS)
    assert run(host) is not None
    assert host.containers == {"web": ("33", "running", "always")}


@pytest.mark.parametrize("changes", [{}, OTHERS])
def test_only_a_restored_one_is_set_aside(new_host: NewHost, changes: dict[str, Any]) -> None:
    """A container that the state records, or of others, stays."""
    host = new_host(container("22", "web", **changes))
    assert not restore.set_aside(host.connection, "web", OURS)
    assert host.changes == []
