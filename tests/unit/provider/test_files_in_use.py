"""When a container is made to use its staged files, and when nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from ipvlan.hosts.bridge import BoundPort
from ipvlan.hosts.files import FoundFiles
from ipvlan.hosts.files_in_use import Use
from provider.errors import PluginError
from provider.files_in_use import FilesInUse
from provider.resource import Properties
from tests.support.rollout_calls import Calls, silent

FILES_IN_USE = FilesInUse()


class Folder:
    """The folder on the host, with what it notes as refused."""

    refused = "mark 1"

    def read(self, files: Any) -> FoundFiles:
        """Answer."""
        assert files == {}
        return FoundFiles(staged={}, live={}, held={}, unplanned=(), refused=self.refused, pending=False)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Return what is done on the host."""
    made = Calls()
    folder = Folder()

    @contextmanager
    def open_files(_properties: Properties, _operation: Any) -> Iterator[tuple[str, Folder]]:
        yield "engine", folder

    def use_files(engine: Any, given: Any, use: Use, *, tried: str) -> tuple[str, ...]:
        assert (engine, given) == ("engine", folder)
        made.made.append(("use", {"use": use, "tried": tried}))
        if made.refusal is not None:
            raise made.refusal
        return ("a warning",)

    monkeypatch.setattr("provider.files_visit.open_files", open_files)
    monkeypatch.setattr("ipvlan.hosts.files_in_use.use_files", use_files)
    return made


def in_use_of(**changes: Any) -> Properties:
    """Return the properties, some changed."""
    return {
        "host": "docker-1",
        "ssh": ["ssh", "of the state"],
        "service": "nginx",
        "container": "web",
        "owner": "0123456789abcdef/docker-1/nginx",
        "image": "nginx:1",
        "container_id": "b" * 64,
        "generation": 1.0,
        "mounts": {"/etc/a": "a.1"},
        "change": "reload",
        "reload_signal": "",
        "reload_command": ["nginx", "-s", "reload"],
        "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80.0}],
        "healthy_within": 60.0,
        "on_failure": "restore",
        "stop_seconds": 10.0,
        "secret_names": ["TOKEN"],
        "secrets": {"db_password": "correct horse", "empty": ""},
        **changes,
    }


def test_a_new_one_is_compared(calls: Calls) -> None:
    """With the host's lock; the properties are what the work on the host gets, and what it says is shown."""
    assert FILES_IN_USE.create(in_use_of(), calls.operation()) == ("docker-1/nginx", in_use_of())
    assert calls.names == ["hold", "use"]
    assert calls.of("use")["use"] == Use(
        service="nginx", container="web", container_id="b" * 64, mounts={"/etc/a": "a.1"}, change="reload", reload_signal="",
        reload_command=["nginx", "-s", "reload"], stop_seconds=10, healthy_within=60,
        ports=(BoundPort(container_port="80/tcp", host_address="", host_port=80),), secret_names=["TOKEN"],
        secrets=("correct horse",), restore=True,
    )  # fmt: skip
    assert calls.warned == ["a warning"]


@pytest.mark.parametrize("change", [{"generation": 2.0}, {"container_id": "c" * 64}, {"mounts": {}}])
def test_other_files_or_another_container(calls: Calls, change: Properties) -> None:
    """The container takes what is staged."""
    new = in_use_of(**change)
    assert FILES_IN_USE.diff(in_use_of(), new) == ([*change], [])
    assert FILES_IN_USE.update(in_use_of(), new, calls.operation()) == new
    assert calls.names == ["hold", "use"]


def test_the_old_value_of_a_secret_is_not_shown_either(calls: Calls) -> None:
    """The container had it until now, and has it again where it does not go on with the new one: its log says it too."""
    new = in_use_of(generation=2.0, secrets={"db_password": "new", "same": "shared"})
    old = in_use_of(secrets={"db_password": "correct horse", "same": "shared", "gone": "old key"})
    FILES_IN_USE.update(old, new, calls.operation())
    assert sorted(calls.of("use")["use"].secrets) == ["correct horse", "new", "old key", "shared"]
    # A state from before has none.
    calls.made.clear()
    del old["secrets"]
    FILES_IN_USE.update(old, new, calls.operation())
    assert sorted(calls.of("use")["use"].secrets) == ["new", "shared"]


@pytest.mark.parametrize(
    "change",
    [{"change": "restart"}, {"reload_command": []}, {"healthy_within": 9.0}, {"on_failure": "leave"}, {"secrets": {}}],
)
def test_how_files_are_taken_changes_nothing_that_runs(calls: Calls, change: Properties) -> None:
    """It is recorded for the next change."""
    new = in_use_of(**change)
    assert FILES_IN_USE.diff(in_use_of(), new) == ([*change], [])
    assert FILES_IN_USE.update(in_use_of(), new, calls.operation()) == new
    assert calls.made == []


def test_a_failure_keeps_the_state(calls: Calls) -> None:
    """The generation in it is the old one, so the next run tries again."""
    calls.refusal = silent()
    with pytest.raises(type(silent()), match="does not answer"):
        FILES_IN_USE.update(in_use_of(), in_use_of(generation=2.0), calls.operation())


def test_a_refresh_lets_the_same_be_tried(calls: Calls) -> None:
    """It reads what was refused, which is no change by itself."""
    state = FILES_IN_USE.read("docker-1/nginx", in_use_of(), calls.operation())
    assert state == {**in_use_of(), "tried": "mark 1"}
    assert FILES_IN_USE.diff(state, in_use_of()) == ([], [])
    new = in_use_of(generation=2.0)
    assert FILES_IN_USE.update(state, new, calls.operation()) == new
    assert calls.of("use")["tried"] == "mark 1"


def test_its_end_touches_nothing(calls: Calls) -> None:
    """The folder is removed by what wrote it; it cannot be imported."""
    FILES_IN_USE.delete(in_use_of(), calls.operation())
    assert calls.made == []
    with pytest.raises(PluginError):
        FILES_IN_USE.read("docker-1/nginx", {}, calls.operation())
