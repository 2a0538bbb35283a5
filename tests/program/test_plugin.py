"""The plugin: what the engine is answered, what it is told, and how operations and the process end."""

from __future__ import annotations

import asyncio
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, provider_pb2

from provider import functions, server
from provider.kinds import KINDS
from provider.resource import Created, Operation, Properties
from provider.stack_identity import StackIdentity
from tests.support.plugin import Plugin, running_engine, running_plugin, struct, urn
from tests.support.processes import alive, pids_in, wait_for
from tests.support.projects import ROOT

UNREACHABLE = ["/bin/sh", "-c", "echo 'ssh: connect to host 192.0.2.1 port 22: No route to host' >&2; exit 255"]


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """Start one plugin for the tests that do not end it."""
    with running_plugin() as started:
        yield started


def bridge(ssh: list[str], host: str = "docker-1") -> dict[str, Any]:
    """Return the inputs of a bridge connection on a host that is reached by `ssh`."""
    return {"host": host, "ssh": ssh, "container": "nginx", "container_id": "1", "fabric": "ipvlanl2", "ports": []}


def failure(call: Callable[[], object]) -> str:
    """Return the text with which the plugin refuses the call."""
    with pytest.raises(grpc.RpcError) as error:
        call()
    return str(error.value.details())


def test_an_owner_id_is_made_once(plugin: Plugin) -> None:
    """It has 16 hexadecimal digits, another one for each stack; a refresh leaves it, and an import gives it back."""
    id_, outputs = plugin.create("StackIdentity", {})
    assert outputs == {"owner": id_}
    assert len(id_) == 16
    assert int(id_, 16) >= 0
    assert plugin.create("StackIdentity", {})[0] != id_
    request = provider_pb2.ReadRequest(urn=urn("StackIdentity"), id=id_, properties=struct({"owner": id_}))
    assert dict(plugin.stub.Read(request).properties) == {"owner": id_}
    imported = plugin.stub.Read(provider_pb2.ReadRequest(urn=urn("StackIdentity"), id=id_))
    assert (imported.id, dict(imported.properties)) == (id_, {"owner": id_})
    plugin.delete("StackIdentity", {"owner": id_})


def test_what_comes_through_the_protocol_is_what_was_sent(plugin: Plugin) -> None:
    """Lists, numbers and texts of the state are compared with the inputs as they are; a change of `host` replaces."""
    inputs = bridge(UNREACHABLE) | {
        "ports": [{"container_port": "80/tcp", "host_address": "0.0.0.0", "host_port": 80}]  # noqa: S104  # Docker's text
    }

    def diff(new: dict[str, Any]) -> Any:
        return plugin.stub.Diff(
            provider_pb2.DiffRequest(urn=urn("BridgeConnection"), id="1", olds=struct(inputs), news=struct(new))
        )

    same = diff(inputs)
    assert (same.changes, list(same.replaces)) == (provider_pb2.DiffResponse.DIFF_NONE, [])
    other = diff(inputs | {"host": "docker-2"})
    assert (other.changes, list(other.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, ["host"])
    assert other.deleteBeforeReplace
    ssh = diff(inputs | {"ssh": ["ssh", "elsewhere"]})
    assert (ssh.changes, list(ssh.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])


def test_another_ssh_command_is_recorded_and_no_more(plugin: Plugin) -> None:
    """No host is visited for it: an `up` after a change of ssh's options works, and leaves the hosts as they are."""
    networking = {"host": "docker-1", "ssh": ["old"], "parent": "ens33", "shim": {}, "routes": []}
    for kind, old in (("BridgeConnection", bridge(["old"])), ("HostNetworking", networking)):
        olds, news = struct(old), struct(old | {"ssh": UNREACHABLE})
        updated = plugin.stub.Update(provider_pb2.UpdateRequest(urn=urn(kind), id="id", olds=olds, news=news))
        assert list(updated.properties["ssh"]) == UNREACHABLE
    route = {"destination": "10.1.2.0/24", "via": "192.0.2.2"}
    news = struct(networking | {"ssh": UNREACHABLE, "routes": [route]})
    update = provider_pb2.UpdateRequest(urn=urn("HostNetworking"), id="id", olds=struct(networking), news=news)
    assert "No route to host" in failure(lambda: plugin.stub.Update(update))


def test_a_host_error_is_one_message(plugin: Plugin) -> None:
    """The engine gets the text of a HostError alone: host, reason and fix."""
    networking = {"host": "docker-1", "ssh": UNREACHABLE, "parent": "ens33", "shim": {}, "routes": []}
    for kind, inputs in (("BridgeConnection", bridge(UNREACHABLE)), ("HostNetworking", networking)):
        text = failure(lambda kind=kind, inputs=inputs: plugin.delete(kind, inputs))  # type: ignore[misc]
        assert 'host "docker-1"' in text.splitlines()[0]
        assert "No route to host" in text
        assert "Traceback" not in text


def test_any_other_error_keeps_its_traceback(plugin: Plugin) -> None:
    """A mistake in the program is shown as Python shows it, with the place."""
    text = failure(lambda: plugin.create("BridgeConnection", {"container": "nginx"}))
    assert text.startswith("Traceback (most recent call last):")
    assert "KeyError: 'host'" in text
    assert "bridge_connection.py" in text


def test_an_import_of_what_has_no_identity_of_its_own_is_refused(plugin: Plugin) -> None:
    """The text says that `pulumi up` takes what is there."""
    for kind in ("AddressClaims", "BridgeConnection", "HostNetworking"):
        request = provider_pb2.ReadRequest(urn=urn(kind), id="docker-1/1")
        text = failure(lambda request=request: plugin.stub.Read(request))  # type: ignore[misc]
        assert text.startswith(f"IPF731 {kind} docker-1/1\n")
        assert "`pulumi up` creates it" in text


def test_an_unknown_function_is_refused(plugin: Plugin) -> None:
    """A call of what the plugin does not have names it, and has no traceback."""
    text = failure(lambda: plugin.stub.Invoke(provider_pb2.InvokeRequest(tok="ipvlan-fabric:index:other")))
    assert text.startswith("IPF732 ipvlan-fabric:index:other\n")


def test_the_version_is_that_of_the_package(plugin: Plugin) -> None:
    """The plugin tells the version of pyproject.toml, and what it serves is in the namespace of the package."""
    version = plugin.stub.GetPluginInfo(empty_pb2.Empty()).version
    assert f'version = "{version}"' in (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert all(token.startswith("ipvlan-fabric:index:") for token in [*KINDS, *functions.FUNCTIONS])


def test_other_connections_update_the_provider(plugin: Plugin) -> None:
    """A change of the settings is never a replacement, which would replace every resource."""

    def diff(old: str, new: str) -> Any:
        olds, news = struct({"connections": old}), struct({"connections": new})
        return plugin.stub.DiffConfig(provider_pb2.DiffRequest(urn="urn", id="id", olds=olds, news=news))

    changed = diff('{"docker-1": ["ssh", "a"]}', '{"docker-1": ["ssh", "b"]}')
    assert (changed.changes, list(changed.replaces)) == (provider_pb2.DiffResponse.DIFF_SOME, [])
    assert diff("{}", "{}").changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_delete_goes_by_todays_connection(tmp_path: Path) -> None:
    """A host of the config is reached by the config's ssh command, any other by the one that the state has."""

    def noted(name: str) -> list[str]:
        return ["/bin/sh", "-c", f"echo {name} >>{tmp_path}/used; exit 255"]

    with running_plugin() as plugin:
        plugin.configure(json.dumps({"docker-1": noted("today")}))
        for host in ("docker-1", "gone"):
            failure(lambda host=host: plugin.delete("BridgeConnection", bridge(noted(f"state-{host}"), host)))  # type: ignore[misc]
    assert (tmp_path / "used").read_text().split() == ["today", "state-gone"]


def test_a_warning_is_shown_beside_the_resource(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operation warns of is sent to the engine with the resource's URN, before the operation ends."""

    class Warns(StackIdentity):
        def create(self, inputs: Properties, operation: Operation) -> Created:
            operation.warn("docker-2 was not asked")
            return super().create(inputs, operation)

    monkeypatch.setitem(KINDS, "ipvlan-fabric:index:StackIdentity", Warns())

    async def create(engine: str) -> Any:
        servicer = server.Servicer(engine, lambda: None)
        return await servicer.Create(provider_pb2.CreateRequest(urn=urn("StackIdentity")), None)

    with running_engine() as engine:
        assert len(asyncio.run(create(engine.address)).id) == 16
        (shown,) = engine.messages
    assert (shown.urn, shown.message) == (urn("StackIdentity"), "docker-2 was not asked")
    assert shown.severity == engine_pb2.WARNING


def test_an_interrupted_run_ends_at_once(tmp_path: Path) -> None:
    """Operations that wait for a host end with one message when the engine cancels, and leave no program behind.

    Those of one host wait for one program, which asks for its lock.
    """
    waits = ["/bin/sh", "-c", f"echo $$ >>{tmp_path}/pids; exec sleep 100"]
    texts: list[str] = []
    with running_plugin() as plugin:
        threads = [
            threading.Thread(
                target=lambda host: texts.append(
                    failure(lambda: plugin.create("BridgeConnection", bridge(waits, host)))
                ),
                args=[f"docker-{number % 6}"],
            )
            for number in range(12)
        ]
        for thread in threads:
            thread.start()
        pids = wait_for(lambda: pids_in(tmp_path / "pids", 6))
        begun = time.monotonic()
        plugin.stub.Cancel(empty_pb2.Empty())
        for thread in threads:
            thread.join(10)
        assert time.monotonic() - begun < 5
        assert wait_for(lambda: not any(alive(pid) for pid in pids))
        # An engine that is stopped goes on to end the plugin; this one is still there.
        assert plugin.process.poll() is None
    assert len(texts) == 12
    assert {text.splitlines()[0] for text in texts} == {"IPF730 the-BridgeConnection"}


def test_a_missing_python_is_named(tmp_path: Path) -> None:
    """The executable says in one sentence where it looked, and what installs the packages."""
    folder = tmp_path / "provider"
    folder.mkdir()
    copy = folder / "pulumi-resource-ipvlan-fabric"
    copy.write_text((ROOT / "provider" / copy.name).read_text(encoding="utf-8"), encoding="utf-8")
    environment = {"PATH": "/usr/bin:/bin", "PULUMI_RUNTIME_VIRTUALENV": "no/such"}
    done = subprocess.run(
        ["/bin/sh", copy, "127.0.0.1:1"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 1
    assert "no Python at no/such/bin/python" in done.stderr
    assert "make setup" in done.stderr


@pytest.mark.parametrize("project", ["own", "another"])
def test_the_python_is_the_programs(tmp_path: Path, project: str) -> None:
    """In this checkout's project it is the one that Pulumi.yaml names, elsewhere the `.venv` of the checkout, a link or not."""
    checkout = tmp_path / "checkout"
    (checkout / "provider").mkdir(parents=True)
    copy = checkout / "provider" / "pulumi-resource-ipvlan-fabric"
    copy.write_text((ROOT / "provider" / copy.name).read_text(encoding="utf-8"), encoding="utf-8")
    for name in ("linked", "checkout/named"):
        python = tmp_path / name / "bin" / "python"
        python.parent.mkdir(parents=True)
        python.write_text('#!/bin/sh\necho "$0"\n', encoding="utf-8")
        python.chmod(0o755)
    (checkout / ".venv").symlink_to(tmp_path / "linked")
    (tmp_path / "elsewhere").mkdir()
    done = subprocess.run(
        ["/bin/sh", copy, "127.0.0.1:1"],
        cwd=checkout if project == "own" else tmp_path / "elsewhere",
        env={"PATH": "/usr/bin:/bin", "PULUMI_RUNTIME_VIRTUALENV": "named"},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert done.stdout.strip() == {"own": "named/bin/python", "another": f"{checkout}/.venv/bin/python"}[project]
