"""The words for a container that does not come up."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.container_failure import Previous, describe, restored_text, with_restored
from ipvlan.hosts.errors import NOT_RESTORED, NOT_UP, HostError
from ipvlan.hosts.restore import Restored
from ipvlan.hosts.settle import Settled

ID = "22" * 32
FAILED: dict[str, Any] = {"kind": "exited", "id": ID, "name": "web", "status": "exited", "exit_code": 3}


def failure(previous: Previous = "restored", not_restored: HostError | None = None, **fields: Any) -> HostError:
    """Return the error of an outcome."""
    settled = Settled(**{**FAILED, **fields})
    return describe("docker-1", "web", settled, healthy_within=60, previous=previous, not_restored=not_restored)


def test_the_evidence_is_shown() -> None:
    """Host, service, exit code, the log; what serves now; and what to do."""
    text = str(failure(log=("starting", "no such file", "x" * 400)))
    assert text.startswith(
        f'{NOT_UP} host "docker-1"\n    problem: service "web" does not come up: container 222222222222 '
    )
    assert "ended (exit code 3)\n             the last lines of its log:\n               | starting\n" in text
    assert (
        "x" * 300 + "...\n    effect:  the previous container runs again at its address; the failed one is stopped, as "
        in text
    )
    assert "web.ipvlan-failed\n    fix:     correct ipvlan-fabric:services.web" in text
    assert "`pulumi up --refresh`" in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"kind": "restarting", "restarts": 1}, "ends again and again (exit code 3; Docker started it again once)"),
        ({"kind": "restarting", "restarts": 4}, "Docker started it again 4 times"),
        ({"kind": "exited", "exit_code": 137, "oom_killed": True}, "for want of memory"),
        ({"kind": "exited", "exit_code": 137}, "exit code 137, by SIGKILL"),
        ({"kind": "created", "status": "created", "error": "no such file"}, "was created, and did not start\n"),
        ({"kind": "dead", "status": "dead"}, "is dead (exit code 3)"),
        ({"kind": "unhealthy", "health": "refused"}, "its health check fails\n             the health check says:\n"),
        ({"kind": "not-healthy-in-time"}, "is not healthy within 60 seconds"),
        ({"kind": "paused"}, "is paused"),
        ({"kind": "absent", "name": ""}, "does not exist any more"),
        (
            {"kind": "renamed", "name": "web.ipvlan-failed"},
            "ended (exit code 3), and has the name web.ipvlan-failed now",
        ),
        (
            {
                "kind": "ports-unbound",
                "unbound": (BoundPort(container_port="80/tcp", host_address="", host_port=80),),
            },
            "port 80 -> 80/tcp is not bound on the host",
        ),
    ],
)
def test_what_happened(fields: dict[str, Any], words: str) -> None:
    """In one clause each."""
    assert words in str(failure(**fields))


@pytest.mark.parametrize(
    ("previous", "effect"),
    [("left", "left as it is for inspection"), ("none", "there is no previous container to run in its place")],
)
def test_what_serves_now(previous: Previous, effect: str) -> None:
    """Whether the previous one runs again."""
    assert effect in failure(previous).problems[0].effect


def test_a_previous_one_that_does_not_run_again_is_said_too() -> None:
    """Both problems are shown."""
    cause = HostError.on("docker-1", NOT_RESTORED, problem="Address already in use", effect="e", fix="f")
    error = failure("none", cause)
    assert [problem.code for problem in error.problems] == [NOT_UP, NOT_RESTORED]
    assert "Address already in use" in str(error)


RAN_AGAIN = "the previous container shop (333333333333) runs again at its address"


@pytest.mark.parametrize(
    ("failed_id", "text"), [("22" * 32, f"{RAN_AGAIN}; the new one is stopped, as shop.ipvlan-failed"), ("", RAN_AGAIN)]
)
def test_a_failure_of_another_resource_says_what_serves_now(failed_id: str, text: str) -> None:
    """After a refusal, which the engine prints, and in the failure of a bridge connection; the next run must look for it."""
    restored = Restored(id="33" * 32, failed_id=failed_id, of="11" * 32)
    assert restored_text("docker-1", "web", "shop", restored) == f'host "docker-1", service "web": {text}'
    error = HostError.on("docker-1", NOT_UP, problem="no", effect="port 80 is not bound", fix="free it")
    (problem,) = with_restored(error, "shop", restored).problems
    assert problem.effect == f"port 80 is not bound; {text}"
    assert (problem.code, problem.problem) == (NOT_UP, "no")
    assert problem.fix == ("free it, then run `pulumi up --refresh`" if failed_id else "free it")
    assert with_restored(error, "shop", restored).host == "docker-1"
