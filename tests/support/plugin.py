"""The plugin as the engine starts it, with an engine that keeps its messages; asked over the engine's protocol."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from tests.support.projects import ROOT

EXECUTABLE = ROOT / "provider" / "pulumi-resource-ipvlan-fabric"


class Engine(engine_pb2_grpc.EngineServicer):
    """Keeps what the plugin logs."""

    def __init__(self) -> None:
        self.address = ""
        self.messages: list[engine_pb2.LogRequest] = []

    def Log(self, request: engine_pb2.LogRequest, context: Any) -> Any:  # noqa: N802
        """Keep the message."""
        self.messages.append(request)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """A running plugin."""

    process: subprocess.Popen[str]
    stub: provider_pb2_grpc.ResourceProviderStub

    def configure(self, connections: str) -> None:
        """Give it today's connections, as JSON."""
        self.stub.Configure(provider_pb2.ConfigureRequest(args=struct({"connections": connections})))

    def create(self, kind: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        """Create a resource; return its id and its outputs."""
        made = self.stub.Create(provider_pb2.CreateRequest(urn=urn(kind), properties=struct(inputs)))
        return made.id, dict(made.properties)

    def delete(self, kind: str, state: dict[str, Any]) -> None:
        """Delete a resource."""
        self.stub.Delete(provider_pb2.DeleteRequest(urn=urn(kind), id="id", properties=struct(state)))


def urn(kind: str) -> str:
    """Return the URN of a resource of this kind, in a component."""
    return f"urn:pulumi:test::ipvlan-fabric::ipvlan-fabric:m:Parent$ipvlan-fabric:index:{kind}::the-{kind}"


def struct(values: dict[str, Any]) -> Any:
    """Return the properties as the protocol has them."""
    made = struct_pb2.Struct()
    made.update(values)
    return made


@contextmanager
def running_engine() -> Iterator[Engine]:
    """Serve an engine that keeps what it is told."""
    engine = Engine()
    with ThreadPoolExecutor(2) as pool:
        server = grpc.server(pool)
        engine_pb2_grpc.add_EngineServicer_to_server(engine, server)
        engine.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
        server.start()
        yield engine
        server.stop(None).wait()


@contextmanager
def running_plugin() -> Iterator[Plugin]:
    """Start the plugin in a process group of its own, as the engine does; end it afterwards."""
    with (
        running_engine() as engine,
        subprocess.Popen(
            [EXECUTABLE, "--logflow", engine.address],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}") as channel:
                yield Plugin(process, provider_pb2_grpc.ResourceProviderStub(channel))
        finally:
            process.terminate()
