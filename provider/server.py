"""The engine's side of the plugin: its protocol, translated into operations on plain dictionaries.

It is the SDK's own server for components (`pulumi.provider.server`) with the operations of resources, which that one leaves out.

Out of scope: what an operation does (`provider.kinds`).
"""

from __future__ import annotations

import asyncio
import os
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
import pulumi
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.provider.server import ProviderServicer
from pulumi.runtime import proto, rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc, provider_pb2, provider_pb2_grpc
from typing_extensions import override

from ipvlan.hosts.docker_environment import check_environment
from ipvlan.problems import UserError
from provider.kinds import KINDS
from provider.package import Package
from provider.resource import Operation, Properties, Resource

T = TypeVar("T")

THREADS: Final = 64
"""Operations at the same time, each in a thread that waits for a host. The engine asks for 4 times the CPUs, or `--parallel`."""

LONGEST_MESSAGE: Final = 400 * 1024 * 1024
"""Bytes of one message, as everywhere in Pulumi."""

LONGEST_WAIT: Final = 30 * 60
"""Seconds that a request may wait for its turn, as in Pulumi's SDK; gRPC gives up after 30 by default."""

CHANNEL_OPTIONS: Final = (
    ("grpc.max_receive_message_length", LONGEST_MESSAGE),
    ("grpc.max_send_message_length", LONGEST_MESSAGE),
    ("grpc.server_max_unrequested_time_in_server", LONGEST_WAIT),
)

SECONDS_TO_LOG: Final = 10
"""Time limit for the engine to take a message."""


class Servicer(ProviderServicer):
    """What the engine calls. Created in the event loop that serves it."""

    def __init__(self, engine: str) -> None:
        """Connect to the engine at this address."""
        super().__init__(Package(), [], engine)
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="operation")
        self._engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(engine, options=CHANNEL_OPTIONS))
        self._interrupted: asyncio.Future[None] = self._loop.create_future()

    @override
    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """End every operation: the user interrupted the run."""
        if not self._interrupted.done():
            self._interrupted.set_result(None)
        return empty_pb2.Empty()

    @override
    async def Configure(self, request: Any, context: Any) -> provider_pb2.ConfigureResponse:
        """Refuse an environment that sends the docker provider to another machine.

        `pulumi destroy` and `pulumi refresh` do not run the program, which refuses it too. They configure the providers of all
        resources before they delete or read one.
        """
        try:
            check_environment(os.environ, "pulumi COMMAND")
        except UserError as error:
            await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
        return await super().Configure(request, context)

    @override
    async def Check(self, request: provider_pb2.CheckRequest, context: Any) -> provider_pb2.CheckResponse:
        """Take all inputs: the program made them of a plan that is checked."""
        return proto.CheckResponse(inputs=request.news)

    @override
    async def Diff(self, request: provider_pb2.DiffRequest, context: Any) -> provider_pb2.DiffResponse:
        """Compare the outputs in the state with the new inputs."""
        old, new = _plain(request.olds), _plain(request.news)
        difference = await self._run(context, lambda: _kind(request).diff(old, new))
        return proto.DiffResponse(
            changes=proto.DiffResponse.DIFF_SOME if difference.changes else proto.DiffResponse.DIFF_NONE,
            replaces=difference.replaces,
            deleteBeforeReplace=True,
        )

    @override
    async def Create(self, request: provider_pb2.CreateRequest, context: Any) -> provider_pb2.CreateResponse:
        """Create a resource. In a preview it is not called: Configure does not claim `supportsPreview`."""
        inputs, operation = _plain(request.properties), self._operation(request)
        created = await self._run(context, lambda: _kind(request).create(inputs, operation))
        return proto.CreateResponse(id=created.id, properties=await _struct(created.outputs))

    @override
    async def Read(self, request: provider_pb2.ReadRequest, context: Any) -> provider_pb2.ReadResponse:
        """Answer no id for a resource that is not there any more."""
        state, operation = _plain(request.properties), self._operation(request)
        exists = await self._run(context, lambda: _kind(request).read(request.id, state, operation))
        if not exists:
            return proto.ReadResponse()
        return proto.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    @override
    async def Update(self, request: provider_pb2.UpdateRequest, context: Any) -> provider_pb2.UpdateResponse:
        """Update a resource."""
        old, new, operation = _plain(request.olds), _plain(request.news), self._operation(request)
        outputs = await self._run(context, lambda: _kind(request).update(old, new, operation))
        return proto.UpdateResponse(properties=await _struct(outputs))

    @override
    async def Delete(self, request: provider_pb2.DeleteRequest, context: Any) -> empty_pb2.Empty:
        """Delete a resource."""
        state, operation = _plain(request.properties), self._operation(request)
        await self._run(context, lambda: _kind(request).delete(state, operation))
        return empty_pb2.Empty()

    @override
    async def Construct(self, request: provider_pb2.ConstructRequest, context: Any) -> provider_pb2.ConstructResponse:
        """Declare a component; wrong inputs are answered by their text, without the traceback that the SDK adds."""
        try:
            return await self._construct(request, context)
        except (UserError, pulumi.RunError) as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            raise

    def _operation(self, request: Any) -> Operation:
        """Return what an operation on the resource of this request has of the engine."""

        def warn(text: str) -> None:
            entry = engine_pb2.LogRequest(severity=engine_pb2.WARNING, urn=request.urn, message=text)
            asyncio.run_coroutine_threadsafe(_log(self._engine, entry), self._loop).result(SECONDS_TO_LOG)

        return Operation(warn=warn)

    async def _run(self, context: Any, work: Callable[[], T]) -> T:
        """Run `work` in a thread and return its result; its failure ends the request.

        A failure that a user can read is its text alone. A mistake of this program keeps its traceback.
        """
        running = self._loop.run_in_executor(self._pool, work)
        ends: set[asyncio.Future[Any]] = {running, self._interrupted}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not running.done():
            await context.abort(grpc.StatusCode.CANCELLED, "interrupted")
        error = running.exception()
        if error is not None:
            readable = isinstance(error, UserError)
            text = str(error) if readable else "".join(traceback.format_exception(error))
            await context.abort(grpc.StatusCode.UNKNOWN, text)
        return running.result()


def _kind(request: Any) -> Resource:
    """Return the kind of the resource that the request is about; its URN ends in `PARENT$TYPE::NAME`."""
    return KINDS[request.urn.split("::")[2].rpartition("$")[2]]


def _plain(properties: Any) -> Properties:
    return {
        key: rpc.unwrap_rpc_secret(value) if rpc.is_rpc_secret(value) else value
        for key, value in rpc.deserialize_properties(properties, keep_unknowns=True).items()
    }


async def _struct(properties: Properties) -> Any:
    return await rpc.serialize_properties(properties, {})


async def _log(engine: engine_pb2_grpc.EngineStub, entry: engine_pb2.LogRequest) -> None:
    await engine.Log(entry)


async def _serve(engine: str) -> None:
    server = grpc.aio.server(options=CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(engine), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    # The engine reads the port from the first line.
    print(port, flush=True)
    await server.wait_for_termination()


def main(arguments: Sequence[str]) -> None:
    """Serve the engine whose address is the argument that is not an option, until the engine ends this process."""
    engine = next(argument for argument in arguments if not argument.startswith("-"))
    asyncio.run(_serve(engine))
