"""What the plugin uses of Pulumi's SDK and of gRPC, pinned: with another version of the SDK this is the first to look at.

Subclassing the SDK's server for components is not documented, so a new version may change what is used here without a word.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from importlib.metadata import version
from typing import Any

import pytest
from pulumi.provider import Provider
from pulumi.provider.server import ProviderServicer
from pulumi.runtime import _grpc_settings, proto, rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2_grpc

from provider.server import CHANNEL_OPTIONS, Servicer

SDK_VERSION = "3.272.0"
WHAT_TO_DO = (
    "provider/server.py was written for the pulumi SDK 3.272.0. Compare this part of the SDK in the two versions, "
    "fix provider/server.py if it needs it, then this test."
)

FIELDS = {
    "GetSchemaRequest": ["version", "subpackage_name", "subpackage_version"],
    "GetSchemaResponse": ["schema"],
    "ConfigureRequest": ["args"],
    "ConfigureResponse": ["acceptSecrets", "acceptResources", "supportsPreview"],
    "CheckRequest": ["urn", "news"],
    "CheckResponse": ["inputs"],
    "DiffRequest": ["urn", "id", "olds", "news"],
    "DiffResponse": ["changes", "replaces", "deleteBeforeReplace", "diffs"],
    "CreateRequest": ["urn", "properties", "preview"],
    "CreateResponse": ["id", "properties"],
    "ReadRequest": ["urn", "id", "properties", "inputs"],
    "ReadResponse": ["id", "properties", "inputs"],
    "UpdateRequest": ["urn", "id", "olds", "news", "preview"],
    "UpdateResponse": ["properties"],
    "DeleteRequest": ["urn", "id", "properties"],
    "InvokeRequest": ["tok", "args"],
    "InvokeResponse": ["return"],
    "PluginInfo": ["version"],
}
"""Message -> the fields that the plugin reads or writes."""


def test_the_sdk_is_the_one_that_the_plugin_was_written_for() -> None:
    """Another version of the SDK is a reason to read this file."""
    assert version("pulumi") == SDK_VERSION, WHAT_TO_DO


@pytest.mark.parametrize("message", FIELDS)
def test_the_messages_have_the_fields(message: str) -> None:
    """Every field that the plugin reads or writes is in the protocol."""
    descriptor: Any = getattr(proto, message).DESCRIPTOR
    assert set(FIELDS[message]) <= set(descriptor.fields_by_name), WHAT_TO_DO


def test_the_engine_takes_messages() -> None:
    """The engine's `Log` has a severity, the URN and the text."""
    descriptor: Any = engine_pb2.LogRequest.DESCRIPTOR
    assert {"severity", "urn", "message"} <= set(descriptor.fields_by_name), WHAT_TO_DO
    assert "Log" in methods(engine_pb2_grpc.EngineServicer), WHAT_TO_DO
    assert engine_pb2.WARNING == 2, WHAT_TO_DO


def test_the_methods_are_those_of_the_protocol() -> None:
    """What the plugin answers are methods of the protocol, and the SDK's server answers what the plugin leaves to it."""
    own = methods([name for name in vars(Servicer) if name[0].isupper()])
    assert own == {
        "Cancel", "Check", "CheckConfig", "Configure", "Construct", "Create", "Delete", "Diff", "DiffConfig", "Handshake",
        "Invoke", "Read", "Update",
    }  # fmt: skip
    assert own <= methods(provider_pb2_grpc.ResourceProviderServicer), WHAT_TO_DO
    served = methods([name for name in vars(ProviderServicer) if name[0].isupper()])
    assert {"Construct", "Call", "GetPluginInfo", "GetSchema"} <= served, WHAT_TO_DO
    # A method that the SDK's server answers from now on may be one that the plugin needs to answer by itself.
    assert served - own == {"Call", "GetPluginInfo", "GetSchema", "List"}, WHAT_TO_DO
    assert inspect.iscoroutinefunction(ProviderServicer._construct), WHAT_TO_DO


def test_the_server_is_made_of_a_provider_and_an_address() -> None:
    """The arguments of the SDK's server and of its Provider, by position."""
    assert list(inspect.signature(ProviderServicer.__init__).parameters)[1:] == [
        "provider",
        "args",
        "engine_address",
    ], WHAT_TO_DO
    assert list(inspect.signature(Provider.__init__).parameters)[1:3] == ["version", "schema"], WHAT_TO_DO


def test_properties_are_read_and_written_by_the_sdk() -> None:
    """The SDK's own functions for the protocol's values, which Pulumi does not document for plugins."""
    assert list(inspect.signature(rpc.deserialize_properties).parameters)[:2] == ["props_struct", "keep_unknowns"], (
        WHAT_TO_DO
    )
    assert list(inspect.signature(rpc.serialize_properties).parameters)[:2] == ["inputs", "property_deps"], WHAT_TO_DO
    assert inspect.iscoroutinefunction(rpc.serialize_properties), WHAT_TO_DO
    assert callable(rpc.is_rpc_secret), WHAT_TO_DO
    assert callable(rpc.unwrap_rpc_secret), WHAT_TO_DO


def test_the_limits_of_a_message_are_the_sdks() -> None:
    """The plugin takes messages as long, and lets them wait as long, as the SDK does."""
    assert dict(CHANNEL_OPTIONS) == dict(_grpc_settings._GRPC_CHANNEL_OPTIONS), WHAT_TO_DO


def methods(servicer: type | Iterable[str]) -> set[str]:
    """Return the names of the protocol's methods: they begin with a capital."""
    names = dir(servicer) if isinstance(servicer, type) else servicer
    return {name for name in names if name[0].isupper()}
