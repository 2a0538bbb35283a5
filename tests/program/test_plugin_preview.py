"""What the plugin answers in a preview: the inputs as they came, and the trigger of a container's replacement; no host is asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2

from provider.kinds import KINDS
from tests.support.plugin import Plugin, running_plugin, struct, urn
from tests.support.rollout_calls import OWNER, handover_of, recorded

UNREACHABLE = ["/bin/sh", "-c", "echo 'ssh: connect to host 192.0.2.1 port 22: No route to host' >&2; exit 255"]
SECRET = {rpc._special_sig_key: rpc._special_secret_sig}
"""What marks a secret in the engine's protocol."""
KIND_NAMES = sorted(kind.name for kind in KINDS.values())

FILES: dict[str, Any] = {
    "host": "docker-1",
    "ssh": UNREACHABLE,
    "service": "nginx",
    "container": "web",
    "owner": OWNER,
    "image": "nginx:1",
    "files": {
        "/etc/app/db.ini": {
            "slot": "db.ini.1",
            "path": "",
            "owner": "0:0",
            "mode": "0400",
            "secrets": {"pw": "db_password"},
            "text": "pw=${secrets.pw}",
        }
    },
    "secrets": {**SECRET, "value": {"db_password": "battery-staple"}},
    "userns_host": False,
    "drifted": [],
}
"""The inputs of a container's files."""
FOLDER = f"/var/lib/ipvlan-fabric/{OWNER}"
NETWORK: dict[str, Any] = {
    "host": "docker-1",
    "ssh": UNREACHABLE,
    "network": "backend",
    "internal": False,
    "subnet": "",
    "options": {},
    "labels": {},
    "external": False,
    "owner": "0123456789abcdef",
    "stack": "dev",
    "missing": False,
}
"""The inputs of a bridge network."""
NETWORK_OUTPUTS = {"network_id": "c1" * 32, "owner_label": "0123456789abcdef/docker-1/backend"}


@pytest.fixture(scope="module")
def plugin() -> Iterator[Plugin]:
    """Return a plugin that was told of a host which does not answer."""
    with running_plugin() as started:
        started.configure('{"docker-1": ["false"]}')
        yield started


def arguments_of(**changed: Any) -> dict[str, Any]:
    """Return a container's arguments in a preview: its network is to be replaced, and a variable is secret."""
    return {
        "name": "web",
        "image": "nginx:1",
        "envs": ["MODE=fast", {**SECRET, "value": "TOKEN=correct-horse"}],
        "labels": [{"label": "ipvlan-fabric.owner", "value": rpc.UNKNOWN}],
        "networksAdvanced": [{"name": "d0c5", "ipv4Address": "10.1.1.2"}],
        **changed,
    }


def updated(plugin: Plugin, kind: str, old: dict[str, Any], new: dict[str, Any]) -> struct_pb2.Struct:
    """Return the plugin's answer to an update in a preview."""
    request = provider_pb2.UpdateRequest(urn=urn(kind), id="id", olds=struct(old), news=struct(new), preview=True)
    properties: struct_pb2.Struct = plugin.stub.Update(request).properties
    return properties


def foreseen(plugin: Plugin, old: dict[str, Any], new: dict[str, Any]) -> struct_pb2.Struct:
    """Return the answer for a Handover with these arguments, the old ones recorded after one replacement."""
    state = recorded(handover_of(), generation=1) | {"arguments": {**SECRET, "value": old}}
    return updated(plugin, "Handover", state, handover_of() | {"arguments": new})


def test_the_engine_asks_for_previews(plugin: Plugin) -> None:
    """Without it the engine takes the inputs for the outputs, and asks nobody."""
    settings = struct({"connections": "{}"})
    assert plugin.stub.Configure(provider_pb2.ConfigureRequest(args=settings)).supportsPreview


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_creation_is_answered_by_its_inputs(plugin: Plugin, kind: str) -> None:
    """Of any kind, as the engine does for a plugin that answers no previews: no id, and unknown and secret values as they are."""
    inputs = struct({"host": "docker-1", "ssh": UNREACHABLE, "owner": None, "arguments": arguments_of()})
    made = plugin.stub.Create(provider_pb2.CreateRequest(urn=urn(kind), properties=inputs, preview=True))
    assert (made.id, made.properties) == ("", inputs)


@pytest.mark.parametrize("kind", [kind for kind in KIND_NAMES if kind not in {"BridgeNetwork", "Files", "Handover"}])
def test_an_update_of_another_kind_is_answered_by_its_inputs(plugin: Plugin, kind: str) -> None:
    """What they say of a host may be unknown: the id of a container that is to be replaced."""
    old = {"host": "docker-1", "ssh": UNREACHABLE, "container_id": "5cafe", "secret": "battery-staple"}
    new = old | {"container_id": rpc.UNKNOWN, "secret": {**SECRET, "value": "correct-horse"}, "owner": None}
    assert updated(plugin, kind, old, new) == struct(new)


def test_a_replacement_is_foreseen_and_secrets_stay_secret(plugin: Plugin) -> None:
    """The id of a network that is to be replaced is unknown; all else of the answer is what came."""
    unknown = arguments_of(networksAdvanced=[{"name": rpc.UNKNOWN, "ipv4Address": "10.1.1.2"}])
    answer = foreseen(plugin, arguments_of(user="1"), unknown)
    assert answer == struct(handover_of() | {"arguments": unknown, "generation": 2, "replacement": "2 {}"})
    assert answer["arguments"]["envs"][1][rpc._special_sig_key] == rpc._special_secret_sig


def test_a_command_that_is_left_out_is_foreseen(plugin: Plugin) -> None:
    """The docker provider sees no difference there."""
    assert foreseen(plugin, arguments_of(command=["nginx"]), arguments_of())["replacement"] == "2 {}"


def test_no_replacement_is_foreseen_of_what_docker_updates(plugin: Plugin) -> None:
    """The trigger is the one of the state; an owner id that is not known yet is in a label, which replaces nothing."""
    answer = foreseen(plugin, arguments_of(labels=[]), arguments_of(memory=64))
    assert (answer["generation"], answer["replacement"]) == (1, "1 {}")


def test_a_secret_that_is_not_known_yet(plugin: Plugin) -> None:
    """It stays unknown and secret; the docker provider shows the replacement."""
    new = {**SECRET, "value": rpc.UNKNOWN}
    answer = foreseen(plugin, arguments_of(), arguments_of(envs=["MODE=fast", new]))
    assert answer["replacement"] == "1 {}"
    assert answer["arguments"]["envs"][1] == struct(new)


@pytest.mark.parametrize(
    ("recorded_changes", "changes", "generation"),
    [
        ({}, {"image": "nginx:2", "ssh": ["ssh", "today"]}, 3),
        (
            {},
            {"files": {"/etc/app/db.ini": {**FILES["files"]["/etc/app/db.ini"], "text": "password=${secrets.pw}"}}},
            4,
        ),
        ({}, {"secrets": {**SECRET, "value": {"db_password": "correct-horse"}}}, 4),
        # Another name of the same value.
        (
            {},
            {
                "files": {"/etc/app/db.ini": {**FILES["files"]["/etc/app/db.ini"], "secrets": {"pw": "db_pw"}}},
                "secrets": {**SECRET, "value": {"db_pw": "battery-staple"}},
            },
            3,
        ),
        ({"drifted": ["/etc/app/db.ini"]}, {}, 4),
    ],
)
def test_files_say_their_folder_and_their_generation(
    plugin: Plugin, recorded_changes: dict[str, Any], changes: dict[str, Any], generation: int
) -> None:
    """Other bytes, and what a refresh found, are another generation; another name of a secret is not. Secrets stay secret."""
    state = {**FILES, "folder": FOLDER, "generation": 3, "digests": {"/etc/app/db.ini": "d" * 64}, **recorded_changes}
    new = {**FILES, **changes}
    answer = updated(plugin, "Files", state, new)
    assert answer == struct({**new, "folder": FOLDER, "generation": generation})
    assert answer["secrets"][rpc._special_sig_key] == rpc._special_secret_sig


def test_files_of_an_owner_that_is_not_known_yet(plugin: Plugin) -> None:
    """Their folder is not known either; the bytes are the same."""
    state = {**FILES, "folder": FOLDER, "generation": 3, "digests": {}}
    new = {**FILES, "owner": rpc.UNKNOWN}
    assert updated(plugin, "Files", state, new) == struct({**new, "generation": 3})


@pytest.mark.parametrize(
    "changes", [{"ssh": ["ssh", "today"]}, {"labels": {"team": "web"}}, {"owner": rpc.UNKNOWN}], ids=str
)
def test_a_bridge_network_that_stays_keeps_its_id(plugin: Plugin, changes: dict[str, Any]) -> None:
    """So what is connected to it is no change in the preview."""
    new = {**NETWORK, **changes}
    assert updated(plugin, "BridgeNetwork", NETWORK | NETWORK_OUTPUTS, new) == struct(new | NETWORK_OUTPUTS)


@pytest.mark.parametrize("changes", [{"internal": True}, {"subnet": "172.30.5.0/24"}, {"missing": True}], ids=str)
def test_a_bridge_network_that_is_created_again_has_no_id_yet(plugin: Plugin, changes: dict[str, Any]) -> None:
    """The engine takes what is left out for unknown."""
    new = {**NETWORK, **changes}
    assert updated(plugin, "BridgeNetwork", NETWORK | NETWORK_OUTPUTS, new) == struct(new)
