"""The error hooks: after which refusals of Docker they look at the host, and whether the engine tries again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pulumi
import pytest

from components import error_hooks
from ipvlan.checks.stack_state import StackState, StackStateError, StateResource, read_resources
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.orphans import Found
from ipvlan.hosts.restore import Restored
from ipvlan.problems import Problem
from tests.support.live_parts import unreachable_host

CONTAINER = "docker:index/container:Container"
NETWORK = "docker:index/network:Network"
NAME_TAKEN = 'Conflict. The container name "/web" is already in use by container "47765b78a062"'
NETWORK_TAKEN = "network with name ipvlanl2 already exists"
PARENT_TAKEN = "network dm-1 is already using parent interface ens33"
OWNER_LABEL = "0123456789abcdef/docker-1/web"
REMOVED = Found(id="0123456789abcdef", labels={}, kept="")
HOST = HostConnection(name="docker-1", command=("ssh", "docker-1"), parent="ens33")


class Hook:
    """Takes the place of `pulumi.ErrorHook`, which needs a running engine."""

    def __init__(self, name: str, callback: Callable[[pulumi.ErrorHookArgs], Awaitable[bool]]) -> None:
        self.name, self.callback = name, callback

    def after(self, *errors: str, type_: str = CONTAINER, name: str = "web", operation: str = "create") -> bool:
        """Return whether the engine is to try again after these errors."""
        labels = [{"label": "ipvlan-fabric.owner", "value": OWNER_LABEL}, {"label": "a", "value": "b"}]
        inputs = {"name": name, "labels": labels} if operation == "create" else None
        arguments = pulumi.ErrorHookArgs(
            urn="u",
            id="",
            name="fabric-docker-1-web",
            type=type_,
            new_inputs=inputs,
            failed_operation=operation,
            errors=list(errors),
        )

        async def call() -> bool:
            return await self.callback(arguments)

        return asyncio.run(call())


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the list of everything that the hooks write to Pulumi's log."""
    messages: list[str] = []
    monkeypatch.setattr(pulumi.log, "warn", messages.append)
    monkeypatch.setattr(pulumi.log, "error", messages.append)
    monkeypatch.setattr(pulumi, "ErrorHook", Hook)
    return messages


def orphans(
    monkeypatch: pytest.MonkeyPatch,
    found: Found | Exception | None,
    begun: int | Exception = 1,
    resources: tuple[StateResource, ...] = (),
) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return the hook, and the list of calls that it makes; each finds `found` or raises it.

    `begun` is how many creations of the resource the state has as begun, that of this run among them, or why it is not read;
    `resources` are in the state.
    """
    calls: list[tuple[Any, ...]] = []

    def remove(*arguments: Any, interrupted: bool, deleted: str) -> Found | None:
        calls.append((*arguments, interrupted, deleted))
        if isinstance(found, Exception):
            raise found
        return found

    def state(stack: str, _folder: Any) -> Any:
        assert stack == "organization/ipvlan-fabric/dev"
        if isinstance(begun, Exception):
            raise begun
        return StackState(stack="dev", exists=True, begun={"u": begun}, resources=resources)

    monkeypatch.setattr(error_hooks, "remove_orphan", remove)
    monkeypatch.setattr(error_hooks, "read_stack_state", state)
    return error_hooks.orphans_hook("fabric-docker-1", HOST, "organization/ipvlan-fabric/dev"), calls


@pytest.mark.parametrize(
    ("type_", "error", "orphan"),
    [(CONTAINER, NAME_TAKEN, ("container", "web")), (NETWORK, NETWORK_TAKEN, ("network", "ipvlanl2"))],
)
def test_an_orphan_is_removed_and_created_again(
    monkeypatch: pytest.MonkeyPatch, log: list[str], type_: str, error: str, orphan: tuple[str, str]
) -> None:
    """A name that is taken is looked up with the planned owner label; what is removed is logged, and the engine tries again."""
    hook, calls = orphans(monkeypatch, REMOVED)
    assert hook.after(error, type_=type_, name=orphan[1])
    assert calls == [(HOST, *orphan, OWNER_LABEL, False, "")]
    assert 'host "docker-1"' in log[0]
    assert f"{' '.join(orphan)} (0123456789ab)" in log[0]


@pytest.mark.parametrize(("begun", "interrupted"), [(0, False), (1, False), (2, True), (3, True)])
def test_the_state_says_whether_an_earlier_creation_was_interrupted(
    monkeypatch: pytest.MonkeyPatch, log: list[str], begun: int, interrupted: bool
) -> None:
    """One creation that has begun is the one that just failed; a second one is of an interrupted run."""
    hook, calls = orphans(monkeypatch, REMOVED, begun)
    assert hook.after(NAME_TAKEN)
    assert [call[-2] for call in calls] == [interrupted]
    assert log


@pytest.mark.parametrize(("replacing", "deleted"), [(True, REMOVED.id), (False, "")])
def test_the_state_says_which_container_was_deleted_for_its_replacement(
    monkeypatch: pytest.MonkeyPatch, log: list[str], replacing: bool, deleted: str
) -> None:
    """A power cut of the host may bring it back; the text says so."""
    one = {"urn": "u", "type": CONTAINER, "id": REMOVED.id, "pendingReplacement": replacing}
    resources = tuple(read_resources({"deployment": {"resources": [one]}}))
    hook, calls = orphans(monkeypatch, REMOVED, resources=resources)
    assert hook.after(NAME_TAKEN)
    assert [call[-1] for call in calls] == [deleted]
    assert ("as after a power cut" in log[0]) == replacing


@pytest.mark.parametrize(
    ("type_", "error", "key"),
    [
        (CONTAINER, NAME_TAKEN, "ipvlan-fabric:services.web.container_name"),
        (NETWORK, NETWORK_TAKEN, "ipvlan-fabric:fabric.name"),
    ],
)
def test_what_stays_is_explained(
    monkeypatch: pytest.MonkeyPatch, log: list[str], type_: str, error: str, key: str
) -> None:
    """The engine does not try again, and the log has the id, the key that sets the name, and why the state was not read."""
    unread = StackStateError([Problem(code="", key="", value="", problem="not logged in", effect="", fix="")])
    hook, calls = orphans(monkeypatch, replace(REMOVED, kept="running"), unread)
    assert not hook.after(error, type_=type_)
    assert [call[-2:] for call in calls] == [(False, "")]
    for part in ("IPF751", "0123456789ab", key, "not logged in"):
        assert part in log[0]


def test_what_is_no_orphan_stays(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """Where nothing has the name any more, or the host does not answer, the engine does not try again."""
    hook, calls = orphans(monkeypatch, None)
    assert not hook.after(NAME_TAKEN)
    assert len(calls) == 1
    assert log == []
    hook, _ = orphans(monkeypatch, unreachable_host(host="docker-1"))
    assert not hook.after(NAME_TAKEN)
    assert log == [str(unreachable_host(host="docker-1"))]


def test_other_failures_ask_no_host(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """Another error, operation or type, or a network's error on a container, leads to no visit."""
    hook, calls = orphans(monkeypatch, REMOVED)
    assert not hook.after("Error response from daemon: no space left on device")
    assert not hook.after(NAME_TAKEN, operation="update")
    assert not hook.after(NAME_TAKEN, type_="docker:index/remoteImage:RemoteImage")
    assert not hook.after(NETWORK_TAKEN)
    assert not hook.after()
    assert calls == []
    assert log == []


def previous(
    monkeypatch: pytest.MonkeyPatch, *, aside: bool | Exception = False, restored: Restored | Exception | None = None
) -> tuple[Any, list[tuple[Any, ...]]]:
    """Return the hook, and the list of calls that it makes; `aside` and `restored` are what they find, or raise."""
    calls: list[tuple[Any, ...]] = []

    def answer(value: Any, *call: Any) -> Any:
        calls.append(call)
        if isinstance(value, Exception):
            raise value
        return value

    monkeypatch.setattr(error_hooks, "set_aside", lambda *arguments: answer(aside, "set_aside", *arguments))
    monkeypatch.setattr(
        error_hooks, "restore", lambda *arguments, grace: answer(restored, "restore", *arguments, grace)
    )
    return error_hooks.previous_hook("fabric-docker-1", HOST), calls


def test_a_restored_container_makes_room(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """It is in no state, so the corrected one finds its name taken: it is set aside, and the engine tries again."""
    hook, calls = previous(monkeypatch, aside=True)
    assert hook.after(NAME_TAKEN)
    assert calls == [("set_aside", HOST, "web", OWNER_LABEL)]
    assert log == []


def test_another_container_of_that_name_is_for_the_next_hook(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """Nothing is restored: the container that has the name may be the one that serves."""
    hook, calls = previous(monkeypatch, aside=False)
    assert not hook.after(NAME_TAKEN)
    assert [call[0] for call in calls] == ["set_aside"]
    assert log == []


@pytest.mark.parametrize(
    "error", ["invalid mount config", "failed to set up container networking: Address already in use"]
)
def test_the_previous_container_runs_again_after_another_refusal(
    monkeypatch: pytest.MonkeyPatch, log: list[str], error: str
) -> None:
    """The engine does not try again: Docker would refuse the same. It prints the refusal, and the log what serves now."""
    restored = Restored(id="a" * 64, failed_id="b" * 64, of="c" * 64)
    hook, calls = previous(monkeypatch, restored=restored)
    assert not hook.after(error)
    assert calls == [("restore", HOST, "web", OWNER_LABEL, 5)]
    assert log == [
        (
            'host "docker-1", service "web": the previous container web (aaaaaaaaaaaa) runs again at its address; '
            "the new one is stopped, as web.ipvlan-failed"
        )
    ]


def test_a_refusal_without_a_previous_container_adds_nothing(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """A first creation, or `on_failure: leave`: there is no spare, and the engine has said it all."""
    hook, calls = previous(monkeypatch)
    assert not hook.after("invalid mount config")
    assert [call[0] for call in calls] == ["restore"]
    assert log == []


@pytest.mark.parametrize("error", [NAME_TAKEN, "invalid mount config"])
def test_a_host_that_does_not_answer_is_said(monkeypatch: pytest.MonkeyPatch, log: list[str], error: str) -> None:
    """What could not be done on it is in the log, and the engine does not try again."""
    failure = unreachable_host(host="docker-1")
    hook, _ = previous(monkeypatch, aside=failure, restored=failure)
    assert not hook.after(error)
    assert log == [str(failure)]


def test_only_a_creation_that_was_refused_brings_it_back(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """An update or a deletion that fails leaves a container that runs, and no error is none."""
    hook, calls = previous(monkeypatch)
    assert not hook.after("no space left on device", operation="update")
    assert not hook.after("no space left on device", operation="delete")
    assert not hook.after()
    assert calls == []
    assert log == []


def test_a_parent_in_use_is_explained(monkeypatch: pytest.MonkeyPatch, log: list[str]) -> None:
    """The network on the parent is named in the log; the engine never tries again, and other errors ask no host."""
    calls: list[tuple[Any, ...]] = []

    def explain(*arguments: Any) -> str:
        calls.append(arguments)
        return 'network "other" of stack "prod"'

    monkeypatch.setattr(error_hooks, "find_parent_conflict", explain)
    hook: Any = error_hooks.parent_conflict_hook("fabric-docker-1", HOST)
    assert not hook.after(NETWORK_TAKEN, type_=NETWORK)
    assert calls == []
    assert not hook.after(PARENT_TAKEN, type_=NETWORK)
    assert calls == [(HOST, "ipvlan-fabric.stack")]
    assert log == ['network "other" of stack "prod"']
