"""What a state of the time of dynamic resources still needs: the SDK's own process serves it, asked as the engine asks it."""

from __future__ import annotations

import subprocess
import sys
import traceback
from collections.abc import Iterator
from typing import Any

import grpc  # type: ignore[import-untyped]
import pytest
from google.protobuf import struct_pb2  # type: ignore[import-untyped]
from pulumi import dynamic
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from components.address_claims import AddressClaimsProvider
from components.bridge_connection import BridgeConnectionProvider
from components.host_networking import HostNetworkingProvider
from components.host_provider import OldProvider, ReadableTraceback, make_errors_readable
from tests.support.strict_monitor import ROOT

BRIDGE = "gASVQAAAAAAAAACMHGNvbXBvbmVudHMuYnJpZGdlX2Nvbm5lY3Rpb26UjBhCcmlkZ2VDb25uZWN0aW9uUHJvdmlkZXKUk5QpgZQu"
ADDRESSES = "gASVOgAAAAAAAACMGWNvbXBvbmVudHMuYWRkcmVzc19jbGFpbXOUjBVBZGRyZXNzQ2xhaW1zUHJvdmlkZXKUk5QpgZQu"
NETWORKING = "gASVPAAAAAAAAACMGmNvbXBvbmVudHMuaG9zdF9uZXR3b3JraW5nlIwWSG9zdE5ldHdvcmtpbmdQcm92aWRlcpSTlCmBlC4="


@pytest.mark.parametrize(
    ("provider", "reference"),
    [(BridgeConnectionProvider, BRIDGE), (AddressClaimsProvider, ADDRESSES), (HostNetworkingProvider, NETWORKING)],
)
def test_the_state_refers_to_the_providers(provider: type[OldProvider], reference: str) -> None:
    """`__provider` in a state of that time is this: module path and class name, pickled. They never change."""
    assert serialize_provider(provider()) == reference


@pytest.fixture(scope="module")
def served() -> Iterator[provider_pb2_grpc.ResourceProviderStub]:
    """Start the SDK's provider process in the project's folder, as the engine does, and connect to it."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield provider_pb2_grpc.ResourceProviderStub(channel)
        process.terminate()


def failure(served: provider_pb2_grpc.ResourceProviderStub, reference: str, properties: dict[str, Any]) -> str:
    """Return what the engine is told when the resource of these properties cannot be deleted."""
    struct = struct_pb2.Struct()
    struct.update({"__provider": reference, **properties})
    with pytest.raises(grpc.RpcError) as error:
        served.Delete(provider_pb2.DeleteRequest(urn="urn:pulumi:test::p::t::n", id="id", properties=struct))
    return str(error.value.details())


def unreachable(**properties: Any) -> dict[str, Any]:
    """Return the properties of a resource on a host that ssh does not reach."""
    ssh = ["/bin/sh", "-c", "echo 'ssh: connect to host 192.0.2.1 port 22: No route to host' >&2; exit 255"]
    return {"host": "docker-1", "ssh": ssh, **properties}


def test_a_host_error_is_shown_without_a_traceback(served: provider_pb2_grpc.ResourceProviderStub) -> None:
    """The engine gets the text of a HostError alone: host, reason and fix, for every provider in that process."""
    bridge = unreachable(container="nginx", container_id="1", fabric="ipvlanl2", ports=[])
    networking = unreachable(parent="ens33", shim={}, routes=[{"destination": "10.1.2.0/24", "via": "192.0.2.2"}])
    for reference, properties in ((BRIDGE, bridge), (NETWORKING, networking)):
        text = failure(served, reference, properties)
        assert 'host "docker-1"' in text.splitlines()[0]
        assert "No route to host" in text
        assert "Traceback" not in text


def test_any_other_error_keeps_its_traceback(served: provider_pb2_grpc.ResourceProviderStub) -> None:
    """A mistake in the program is shown as Python shows it, with the place."""
    text = failure(served, BRIDGE, {"container": "nginx"})
    assert text.startswith("Traceback (most recent call last):")
    assert "KeyError: 'host'" in text
    assert "bridge_connection.py" in text


def test_a_refresh_reads_the_state(served: provider_pb2_grpc.ResourceProviderStub) -> None:
    """A refresh before the first `up` reads an old resource and compares it; nothing is asked of a host for the addresses."""
    struct = struct_pb2.Struct()
    hosts = {"docker-1": {"ssh": ["false"], "parent": "ens33", "addresses": {"10.1.1.2": "nginx"}}}
    asked = {"docker-1": {"link": "l2 ens33", "addresses": ["10.1.1.2"]}}
    struct.update({"__provider": ADDRESSES, "stack": "dev", "mode": "l2", "hosts": hosts, "asked": asked})
    read = served.Read(provider_pb2.ReadRequest(urn="urn:pulumi:test::p::t::n", id="id", properties=struct))
    assert (read.id, read.properties) == ("id", struct)
    diff = served.Diff(
        provider_pb2.DiffRequest(urn="urn:pulumi:test::p::t::n", id="id", olds=struct, news=read.properties)
    )
    assert diff.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_no_other_process_is_touched() -> None:
    """In a process that is not the SDK's, such as the program itself, configuring a provider replaces nothing."""
    before = (traceback.format_exc, dict(vars(sys.modules["__main__"])))
    BridgeConnectionProvider().configure(dynamic.ConfigureRequest(dynamic.Config({}, "p")))
    make_errors_readable()
    assert (traceback.format_exc, dict(vars(sys.modules["__main__"]))) == before


def test_the_rest_of_traceback_stays() -> None:
    """What the SDK may use of the module `traceback` beside `format_exc` is the module's own."""
    assert ReadableTraceback().format_exception is traceback.format_exception
    with pytest.raises(AttributeError):
        _ = ReadableTraceback().no_such_name
