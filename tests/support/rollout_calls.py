"""What the resources around a container do on its host, noted instead of done, and the properties of such a container.

Out of scope: the work on the host itself, which has tests of its own (tests/unit/hosts).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import DOCKER_UNAVAILABLE, HostError
from ipvlan.hosts.restore import Restored
from ipvlan.hosts.settle import Settled
from provider.open_handovers import OpenHandovers
from provider.rehearsal import RehearsalRequest
from provider.resource import Operation, Properties

OWNER: Final = "0123456789abcdef/docker-1/nginx"
TODAY: Final = ("ssh", "today")
"""The ssh command of this run; the state has another one."""
RESTORED: Final = Restored(id="a" * 64, failed_id="b" * 64, of="c" * 64)

ARGUMENTS: Final = {
    "name": "web",
    "image": "nginx:1",
    "envs": ["TOKEN=correct horse"],
    "restart": "always",
    "labels": [{"label": "ipvlan-fabric.stack", "value": "dev"}],
    "ports": [{"internal": 80.0, "external": 80.0}],
}


COMMON: Final[Properties] = {
    "host": "docker-1",
    "ssh": ["ssh", "of the state"],
    "service": "nginx",
    "container": "web",
    "owner": OWNER,
    "healthy_within": 60.0,
    "on_failure": "restore",
}
"""The properties that a Handover and a Settled have in common."""


def handover_of(*, arguments: dict[str, Any] | None = None, **changes: Any) -> Properties:
    """Return the properties of a Handover, some of its container's arguments and its own changed."""
    return {
        **COMMON,
        "docker_url": "ssh://root@192.0.2.1",
        "ssh_options": ["-o", "BatchMode=yes"],
        "arguments": {**ARGUMENTS, **(arguments or {})},
        "trigger": "{}",
        "replacement": "{}",
        "existing": False,
        "stop_seconds": 10.0,
        "bridged": False,
        **changes,
    }


def recorded(inputs: Properties, *, generation: int = 0) -> Properties:
    """Return the outputs of a Handover with these inputs, after so many replacements."""
    replacement = f"{generation} {inputs['trigger']}" if generation else inputs["trigger"]
    return {**inputs, "generation": generation, "replacement": replacement}


def settled_of(**changes: Any) -> Properties:
    """Return the properties of a Settled, some changed."""
    return {
        **COMMON,
        "container_id": "b" * 64,
        "recorded_id": "",
        "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80.0}],
        "secret_names": ["TOKEN"],
        **changes,
    }


def silent(host: str = "docker-1") -> HostError:
    """Return the failure of a host whose Docker does not answer."""
    return HostError.on(host, DOCKER_UNAVAILABLE, problem="Docker does not answer", effect="none", fix="see systemctl")


@dataclass(frozen=True)
class NotedDocker:
    """What has the place of a host's Docker."""

    command: Sequence[str]
    """The ssh command to the host."""

    def find_container(self, id_: str) -> dict[str, Any]:
        """Return the description of a container, with the id alone."""
        return {"Id": id_}


@dataclass
class Calls:
    """What was done, in order; and what the host answers."""

    made: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """Each call's name and arguments."""
    outcome: Settled = field(default_factory=lambda: Settled(kind="up", id="b" * 64))
    restored: Restored | HostError | None = RESTORED
    refusal: HostError | None = None
    """Why the rehearsal fails."""
    missing: str = ""
    """Why there is no spare."""
    ended: Settled | HostError | None = None
    """What became of the container meanwhile, where its bridge connection fails."""
    restarts: bool = False
    """Whether Docker starts the container again and again."""
    warned: list[str] = field(default_factory=list)
    """The warnings of the operations."""
    started: list[str] = field(default_factory=list)
    """Ids of the containers that were started where they never had been, before they were looked at."""
    open: OpenHandovers = field(default_factory=OpenHandovers)
    """The handovers of the process."""

    @property
    def names(self) -> list[str]:
        """What was done."""
        return [name for name, _ in self.made]

    def of(self, name: str) -> dict[str, Any]:
        """Return the arguments of the one call of that name."""
        (arguments,) = (arguments for made, arguments in self.made if made == name)
        return arguments

    @property
    def opened(self) -> list[str]:
        """The containers whose handover is open."""
        return [container for _, container in self.open._open]

    def operation(self) -> Operation:
        """Return what an operation has of the engine; the lock of a host is noted as `hold`."""
        return Operation(
            connections={"docker-1": TODAY},
            warn=self.warned.append,
            hold=lambda connection: self.made.append(("hold", {"host": connection.name})),
        )

    def rehearse(self, request: RehearsalRequest) -> None:
        """Note a rehearsal."""
        self.made.append(("rehearse", {"request": request}))
        if self.refusal is not None:
            raise self.refusal

    def make_spare(
        self, connection: HostConnection, name: str, owner: str, *, running: str = "", files: object = None
    ) -> str:
        """Note that a spare is made."""
        more = {} if files is None else {"files": files}
        arguments = {"ssh": connection.command, "name": name, "owner": owner, "running": running, **more}
        self.made.append(("make_spare", arguments))
        return self.missing

    @contextmanager
    def open_engine(self, connection: HostConnection) -> Iterator[NotedDocker]:
        """Open a session to the host."""
        yield NotedDocker(connection.command)

    def clear(self, connection: HostConnection, name: str, owner: str, *, also_restored: bool) -> None:
        """Note that what a change left is removed."""
        arguments = {"ssh": connection.command, "name": name, "owner": owner, "also_restored": also_restored}
        self.made.append(("clear", arguments))

    def settle(
        self,
        connection: NotedDocker,
        id_: str,
        *,
        healthy_within: int,
        ports: Sequence[Any],
        secret_names: Sequence[str],
        secrets: Sequence[str] = (),
    ) -> Settled:
        """Note that the container is waited for."""
        arguments = {
            "id": id_,
            "healthy_within": healthy_within,
            "ports": list(ports),
            "secrets": [*secret_names, *secrets],
        }
        self.made.append(("settle", {"ssh": connection.command, **arguments}))
        return self.outcome

    def start_unstarted(self, _connection: NotedDocker, id_: str) -> dict[str, Any]:
        """Note that the container is started where it never was; return its description, with the id alone."""
        self.started.append(id_)
        return {"Id": id_}

    def ended_for_good(
        self,
        connection: NotedDocker,
        inspected: dict[str, Any],
        *,
        secret_names: Sequence[str],
        secrets: Sequence[str] = (),
    ) -> Settled | None:
        """Note that the container is looked at once."""
        hidden = [*secret_names, *secrets]
        self.made.append(("look", {"ssh": connection.command, "id": inspected["Id"], "secrets": hidden}))
        return None if self.outcome.up else self.outcome

    def ended_or_restarting(
        self,
        connection: NotedDocker,
        inspected: dict[str, Any],
        *,
        secret_names: Sequence[str],
        secrets: Sequence[str] = (),
    ) -> Settled | None:
        """Note that the container is looked at again."""
        hidden = [*secret_names, *secrets]
        self.made.append(("look again", {"ssh": connection.command, "id": inspected["Id"], "secrets": hidden}))
        if isinstance(self.ended, HostError):
            raise self.ended
        return self.ended

    def restore(
        self, connection: HostConnection, name: str, owner: str, *, grace: int, session: object = None
    ) -> Restored | None:
        """Note that the previous container runs again."""
        self.made.append(("restore", {"ssh": connection.command, "name": name, "owner": owner, "grace": grace}))
        if isinstance(self.restored, HostError):
            raise self.restored
        return self.restored


def noted(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Note what is done on hosts instead of doing it, with open handovers of the test's own."""
    calls = Calls()
    monkeypatch.setattr("provider.rehearsal.rehearse", calls.rehearse)
    monkeypatch.setattr("ipvlan.hosts.engine_writes.open_engine", calls.open_engine)
    monkeypatch.setattr("ipvlan.hosts.spare.make_spare", calls.make_spare)
    for name in ("clear", "clear_with"):
        monkeypatch.setattr(f"ipvlan.hosts.spare.{name}", calls.clear)
    monkeypatch.setattr("ipvlan.hosts.restore.start_unstarted", calls.start_unstarted)
    monkeypatch.setattr("ipvlan.hosts.bridge_visit.attach", lambda *_: False)
    monkeypatch.setattr("ipvlan.hosts.settle.settle", calls.settle)
    monkeypatch.setattr("ipvlan.hosts.settle.ended_for_good", calls.ended_for_good)
    monkeypatch.setattr("ipvlan.hosts.settle.ended_or_restarting", calls.ended_or_restarting)
    monkeypatch.setattr("ipvlan.hosts.settle.is_restarting", lambda _engine, _id: calls.restarts)
    monkeypatch.setattr("ipvlan.hosts.restore.restore", calls.restore)
    for module in ("handover", "settled", "not_up"):
        monkeypatch.setattr(f"provider.{module}.OPEN_HANDOVERS", calls.open)
    return calls
