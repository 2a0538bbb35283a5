"""What is done before a container is replaced, and when nothing is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pulumi.output import UNKNOWN

from ipvlan.hosts.errors import HostError
from provider.errors import PluginError
from provider.handover import Handover
from provider.resource import Properties
from tests.support.rollout_calls import OWNER, TODAY, Calls, handover_of, noted, recorded, silent

HANDOVER = Handover()
OTHER_IMAGE = handover_of(arguments={"image": "nginx:2"})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what is done on the host."""
    return noted(monkeypatch)


def test_a_first_creation_does_nothing_on_the_host(calls: Calls) -> None:
    """The arguments are recorded, and the host is not even locked."""
    created = HANDOVER.create(handover_of(), calls.operation())
    assert created == ("docker-1/nginx", recorded(handover_of()))
    assert calls.made == []
    assert calls.opened == []


def test_a_container_that_the_state_has_already_is_prepared(calls: Calls) -> None:
    """The first `up` with this resource may replace the container in the same run."""
    created = HANDOVER.create(handover_of(existing=True), calls.operation())
    assert created == ("docker-1/nginx", recorded(handover_of(existing=True)))
    assert calls.names == ["hold", "rehearse", "make_spare"]
    assert calls.opened == ["web"]


def test_an_update_rehearses_before_it_makes_the_spare(calls: Calls) -> None:
    """With the host's lock, by today's connection; the new arguments are tried, and the running container is copied."""
    new = recorded(OTHER_IMAGE)
    assert HANDOVER.update(recorded(handover_of()), OTHER_IMAGE, calls.operation()) == new
    assert calls.names == ["hold", "rehearse", "make_spare"]
    request = calls.of("rehearse")["request"]
    assert request.arguments == OTHER_IMAGE["arguments"]
    assert (request.connection.name, request.connection.command) == ("docker-1", TODAY)
    assert (request.docker_url, request.ssh_options) == ("ssh://root@192.0.2.1", ("-o", "BatchMode=yes"))
    assert (request.owner, request.service) == (OWNER, "nginx")
    assert calls.of("make_spare") == {"ssh": TODAY, "name": "web", "owner": OWNER, "running": "web"}
    assert calls.opened == ["web"]


def test_a_refusal_ends_before_anything_is_made(calls: Calls) -> None:
    """No spare, no open handover: the container that runs is not going to be deleted."""
    calls.refusal = silent()
    with pytest.raises(HostError, match="does not answer"):
        HANDOVER.update(handover_of(), OTHER_IMAGE, calls.operation())
    assert calls.names == ["hold", "rehearse"]
    assert calls.opened == []


def test_a_container_that_gets_another_name_is_copied_under_the_new_one(calls: Calls) -> None:
    """The one that runs has the old name; the spare is found by the name under which it is to run again."""
    HANDOVER.update(handover_of(), handover_of(container="shop", arguments={"name": "shop"}), calls.operation())
    spare = calls.of("make_spare")
    assert (spare["name"], spare["running"]) == ("shop", "web")


def test_leave_makes_no_spare(calls: Calls) -> None:
    """The new container is rehearsed all the same, and nothing is to be ended after this process."""
    HANDOVER.update(handover_of(), {**OTHER_IMAGE, "on_failure": "leave"}, calls.operation())
    assert calls.names == ["hold", "rehearse"]
    assert calls.opened == []


def test_a_delete_removes_what_handovers_left(calls: Calls) -> None:
    """The restored container too, which no state has."""
    HANDOVER.delete(handover_of(), calls.operation())
    assert calls.names == ["hold", "clear"]
    assert calls.of("clear") == {"ssh": TODAY, "name": "web", "owner": OWNER, "also_restored": True}


IN_PLACE = (
    {"memory": 128.0},
    {"memory": 128.0, "memorySwap": 256.0},
    {"cpuShares": 512.0},
    {"restart": "on-failure", "maxRetryCount": 3.0},
    {"destroyGraceSeconds": 30.0},
)


@pytest.mark.parametrize("arguments", IN_PLACE)
def test_what_docker_updates_in_place_is_recorded_alone(calls: Calls, arguments: dict[str, Any]) -> None:
    """The container keeps running, so nothing is done on the host."""
    new = handover_of(arguments=arguments)
    assert HANDOVER.diff(handover_of(), new) == (["arguments"], [])
    for generation in (0, 3):
        state = recorded(handover_of(), generation=generation)
        assert HANDOVER.update(state, new, calls.operation()) == recorded(new, generation=generation)
    assert calls.made == []


@pytest.mark.parametrize("limit", ["memory", "cpuShares"])
def test_a_limit_that_was_set_in_place_and_is_removed_replaces(calls: Calls, limit: str) -> None:
    """Docker removes no limit from a running container. The state has the limit, although setting it replaced nothing."""
    without, with_limit = handover_of(), handover_of(arguments={limit: 64.0})
    state = recorded(without)
    if HANDOVER.diff(state, with_limit).changed:
        state = HANDOVER.update(state, with_limit, calls.operation())
    assert calls.made == []
    assert HANDOVER.diff(state, without).changed == ["arguments"]
    assert HANDOVER.update(state, without, calls.operation()) == recorded(without)
    assert calls.names == ["hold", "rehearse", "make_spare"]


REPLACING = (
    {"image": "nginx:2"},
    {"name": "shop"},
    {"envs": ["TOKEN=other"]},
    {"command": ["nginx"]},
    {"healthcheck": {"tests": ["NONE"]}},
    {"networksAdvanced": [{"name": UNKNOWN, "ipv4Address": "10.1.1.2"}]},
)


@pytest.mark.parametrize("arguments", REPLACING)
def test_what_replaces_the_container_is_prepared(calls: Calls, arguments: dict[str, Any]) -> None:
    """A value that a preview does not know counts as another one."""
    new = handover_of(arguments=arguments)
    assert HANDOVER.diff(handover_of(), new) == (["arguments"], [])
    HANDOVER.update(handover_of(), new, calls.operation())
    assert calls.names == ["hold", "rehearse", "make_spare"]


def test_each_argument_that_is_left_out_has_another_trigger(calls: Calls) -> None:
    """The first generation has the text of a stack from before this resource, so that the take-over replaces no container.

    What the docker provider sees leaves the trigger as it is: the engine asks the provider what differs only where it is the same.
    """
    state = HANDOVER.create(handover_of(arguments={"command": ["a"]}), calls.operation()).outputs
    assert state["replacement"] == "{}"
    for arguments, trigger in (
        ({"command": ["b"]}, "{}"),
        ({}, "1 {}"),
        ({"image": "nginx:2"}, "1 {}"),
        ({"user": "1", "command": ["a"]}, "1 {}"),
        ({"command": ["a"]}, "2 {}"),
    ):
        state = HANDOVER.update(state, handover_of(arguments=arguments), calls.operation())
        assert state["replacement"] == trigger


def test_a_state_without_a_generation_has_the_first(calls: Calls) -> None:
    """An in-place change of it leaves the container's trigger; an argument that is left out changes it."""
    assert HANDOVER.update(handover_of(), handover_of(healthy_within=90.0), calls.operation())["generation"] == 0
    old = handover_of(arguments={"hostname": "web"})
    assert HANDOVER.update(old, handover_of(), calls.operation())["generation"] == 1


@pytest.mark.parametrize("after", [{"image": "nginx:2"}, {"memory": 128.0}])
def test_a_preview_says_what_the_update_records(calls: Calls, after: dict[str, Any]) -> None:
    """The same trigger, and nothing is done on a host for it."""
    state, new = recorded(handover_of(), generation=1), handover_of(arguments=after)
    foreseen = HANDOVER.preview(state, new)
    assert calls.made == []
    assert HANDOVER.update(state, new, calls.operation()) == {**new, **foreseen}


def test_an_argument_that_is_left_out_replaces(calls: Calls) -> None:
    """The docker provider would keep it, and the container would run on with it."""
    state = recorded(handover_of(arguments={"command": ["nginx"]}))
    assert HANDOVER.preview(state, handover_of()) == {"generation": 1, "replacement": "1 {}"}
    assert HANDOVER.update(state, handover_of(), calls.operation()) == recorded(handover_of(), generation=1)
    assert calls.names == ["hold", "rehearse", "make_spare"]


def test_labels_and_ports_replace_by_the_trigger(calls: Calls) -> None:
    """The engine ignores both: what of them replaces the container is in its trigger."""
    changed = {"labels": [{"label": "ipvlan-fabric.stack", "value": "renamed"}], "ports": []}
    assert HANDOVER.diff(handover_of(), handover_of(arguments=changed)) == ([], [])
    triggered = handover_of(arguments=changed, trigger='{"ports": ""}')
    assert HANDOVER.diff(handover_of(), triggered) == (["trigger"], [])
    HANDOVER.update(handover_of(), triggered, calls.operation())
    assert calls.names == ["hold", "rehearse", "make_spare"]


@pytest.mark.parametrize(
    "change",
    [
        {"healthy_within": 90.0},
        {"on_failure": "leave"},
        {"ssh": ["ssh", "other"]},
        {"docker_url": "ssh://root@192.0.2.2"},
        {"ssh_options": []},
        {"owner": "another"},
    ],
)
def test_what_concerns_no_container_is_recorded(calls: Calls, change: dict[str, Any]) -> None:
    """The next change of the container uses it."""
    new = handover_of(**change)
    assert HANDOVER.diff(handover_of(), new) == ([*change], [])
    for generation in (0, 3):
        state = recorded(handover_of(), generation=generation)
        assert HANDOVER.update(state, new, calls.operation()) == recorded(new, generation=generation)
    assert calls.made == []


def test_whether_the_state_had_the_container_is_no_change() -> None:
    """The program says so of every container from the second `up` on."""
    assert HANDOVER.diff(handover_of(), handover_of(existing=True)) == ([], [])


def test_a_refresh_keeps_it_and_an_import_is_refused(calls: Calls) -> None:
    """No host has it."""
    assert HANDOVER.read("docker-1/nginx", handover_of(), calls.operation()) == handover_of()
    with pytest.raises(PluginError, match="IPF731 Handover docker-1/nginx"):
        HANDOVER.read("docker-1/nginx", {}, calls.operation())
    assert calls.made == []


def test_arguments_of_which_nothing_is_known(calls: Calls) -> None:
    """The engine asks so where it replaces the network that they refer to: they count as others, and no argument is left out."""
    state, new = (
        recorded(handover_of(arguments={"command": ["a"]}), generation=2),
        {**handover_of(), "arguments": UNKNOWN},
    )
    assert HANDOVER.diff(state, new) == (["arguments"], [])
    assert HANDOVER.preview(state, new) == {"generation": 2, "replacement": "2 {}"}
    HANDOVER.update(state, new, calls.operation())
    assert calls.names == ["hold", "rehearse", "make_spare"]


@pytest.mark.parametrize("order", [("B=2", "A=1"), ("A=1", "B=2")])
def test_another_order_of_a_set_prepares_nothing(calls: Calls, order: tuple[str, ...]) -> None:
    """The docker provider sees no change, so the container is not replaced either."""
    old, new = (handover_of(arguments={"envs": envs}) for envs in (["A=1", "B=2"], [*order]))
    assert HANDOVER.diff(old, new) == ([], [])
    HANDOVER.update(old, {**new, "healthy_within": 90.0}, calls.operation())
    assert calls.made == []


def test_that_there_is_no_spare_is_a_warning(calls: Calls) -> None:
    """The replacement goes on: the person knows what does not come back."""
    HANDOVER.update(handover_of(), OTHER_IMAGE, calls.operation())
    assert calls.warned == []
    calls.missing = "no copy of web is kept"
    HANDOVER.update(handover_of(), OTHER_IMAGE, calls.operation())
    assert calls.warned == ["no copy of web is kept"]


@pytest.mark.parametrize(("before", "after"), [(60.0, 10.0), (10.0, 60.0), (None, 60.0)])
def test_the_one_that_is_stopped_has_its_own_time(calls: Calls, before: float | None, after: float) -> None:
    """What ends an interrupted run waits for the longer of both; a state from before has none."""
    HANDOVER.update(handover_of(stop_seconds=before), {**OTHER_IMAGE, "stop_seconds": after}, calls.operation())
    (entry,) = calls.open._open.values()
    assert entry["stop_seconds"] == 60


FOLDER = f"/var/lib/ipvlan-fabric/{OWNER}"
MOUNT = {"target": "/etc/nginx.conf", "source": f"{FOLDER}/live/nginx.conf.1", "type": "bind", "readOnly": True}
OTHER_MOUNT = {"target": "/data", "source": "/srv/data", "type": "bind"}


def with_files(**changes: Any) -> Properties:
    """Return the properties of the Handover of a container with files."""
    arguments = {"mounts": [MOUNT, OTHER_MOUNT], **changes.pop("arguments", {})}
    return handover_of(arguments=arguments, **{"files_folder": FOLDER, "image": "nginx:1", **changes})


class NotedFolder:
    """The folder of the files, of which is noted what is done."""

    def __init__(self, calls: Calls) -> None:
        """Prepare."""
        self.calls = calls

    def activate(self, mounts: Any, *, pid: int, hold: bool, keep: bool) -> None:
        """Note that files go live."""
        self.calls.made.append(("activate", {"mounts": mounts, "pid": pid, "hold": hold, "keep": keep}))


@pytest.fixture
def opened(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> list[Properties]:
    """Return the properties with which the folder of the files was opened."""
    properties: list[Properties] = []

    @contextmanager
    def open_files(given: Properties, _operation: Any) -> Iterator[tuple[None, NotedFolder]]:
        properties.append(given)
        yield None, NotedFolder(calls)

    monkeypatch.setattr("provider.files_visit.open_files", open_files)
    return properties


def test_files_go_live_after_the_spare(calls: Calls, opened: list[Properties]) -> None:
    """The spare has a copy of what was live; a new image and new files start together, and nobody is told before."""
    new = with_files(arguments={"image": "nginx:2"}, image="nginx:2")
    HANDOVER.update(recorded(with_files()), new, calls.operation())
    assert calls.names == ["hold", "rehearse", "make_spare", "activate"]
    assert isinstance(calls.of("make_spare")["files"], NotedFolder)
    mounts = {"/etc/nginx.conf": "nginx.conf.1"}
    assert calls.of("activate") == {"mounts": mounts, "pid": 0, "hold": False, "keep": False}
    assert opened[0]["image"] == "nginx:2"


def test_without_a_spare_they_go_live_too(calls: Calls, opened: list[Properties]) -> None:
    """`on_failure: leave`."""
    new = with_files(arguments={"image": "nginx:2"}, on_failure="leave")
    HANDOVER.update(recorded(with_files()), new, calls.operation())
    assert calls.names == ["hold", "rehearse", "activate"]
    assert len(opened) == 1


def test_the_spare_of_one_with_files_has_them_where_the_new_one_has_none(
    calls: Calls, opened: list[Properties]
) -> None:
    """Nothing goes live then; the helper is made of the image that the one before has."""
    HANDOVER.update(recorded(with_files()), handover_of(arguments={"image": "nginx:2"}), calls.operation())
    assert calls.names == ["hold", "rehearse", "make_spare"]
    assert isinstance(calls.of("make_spare")["files"], NotedFolder)
    assert opened[0]["image"] == "nginx:1"


def test_a_refused_rehearsal_leaves_what_is_live(calls: Calls, opened: list[Properties]) -> None:
    """The folder is not even opened."""
    calls.refusal = silent()
    with pytest.raises(HostError):
        HANDOVER.update(recorded(with_files()), with_files(arguments={"image": "nginx:2"}), calls.operation())
    assert opened == []


def test_other_files_replace_where_they_are_to(calls: Calls, opened: list[Properties]) -> None:
    """Another generation is another trigger; that there is one from now on, or none any more, replaces nothing."""
    state, new = recorded(with_files(files_generation=1.0)), with_files(files_generation=2.0)
    assert HANDOVER.diff(state, new).changed == ["files_generation"]
    assert HANDOVER.preview(state, new) == {"generation": 1, "replacement": "1 {}"}
    assert HANDOVER.update(state, new, calls.operation()) == recorded(new, generation=1)
    assert calls.names == ["hold", "rehearse", "make_spare", "activate"]
    assert len(opened) == 1
    for old, other in ((with_files(), new), (new, with_files())):
        assert HANDOVER.update(recorded(old), other, calls.operation()) == recorded(other)
    assert len(opened) == 1
