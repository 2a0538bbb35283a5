"""The engine's side of the plugin: its protocol, translated into operations on plain dictionaries.

It is the SDK's own server for components (`pulumi.provider.server`) with the operations of resources, which that one leaves out.
What it uses of the SDK is pinned by tests/program/test_plugin_sdk.py.

Out of scope: what an operation does (`provider.kinds`, `provider.functions`), and the process (`provider.process`).
"""

from __future__ import annotations

import asyncio
import json
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final, TypeVar

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
import pulumi
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.provider.server import ProviderServicer
from pulumi.runtime import proto, rpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc
from typing_extensions import override

from ipvlan.hosts.docker_environment import check_environment
from ipvlan.problems import UserError, plain
from provider.errors import interrupted, unknown_function
from provider.functions import FUNCTIONS
from provider.host_locks import LOCKS
from provider.kinds import KINDS
from provider.package import Package
from provider.resource import Operation, Properties, Resource

T = TypeVar("T")

CONNECTIONS: Final = "connections"
"""The provider's one setting: JSON text, host -> the ssh command that reaches it today."""

THREADS: Final = 64
"""Operations at the same time, each in a thread that waits for a host. The engine asks for 4 times the CPUs, or `--parallel`."""

CHANNEL_OPTIONS: Final = (
    # 400 MB, as everywhere in Pulumi.
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    # Seconds that a request may wait for its turn, as in Pulumi's SDK; by default gRPC gives up after 30.
    ("grpc.server_max_unrequested_time_in_server", 30 * 60),
)

SECONDS_TO_LOG: Final = 10
"""Time limit for the engine to take a message."""


class Servicer(ProviderServicer):
    """What the engine calls. It is created in the event loop that serves it."""

    def __init__(self, engine: str, on_cancel: Callable[[], None]) -> None:
        """Connect to the engine.

        Args:
            engine: The engine's address.
            on_cancel: Ends what the operations wait for, after they were answered.
        """
        super().__init__(Package(), [], engine)
        self._loop = asyncio.get_running_loop()
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="operation")
        self._engine = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(engine, options=CHANNEL_OPTIONS))
        self._interrupted: asyncio.Future[None] = self._loop.create_future()
        self._on_cancel = on_cancel
        self._connections: Mapping[str, Sequence[str]] = {}

    # The provider itself.

    @override
    async def CheckConfig(self, request: proto.CheckRequest, context: Any) -> proto.CheckResponse:
        return proto.CheckResponse(inputs=request.news)

    @override
    async def DiffConfig(self, request: proto.DiffRequest, context: Any) -> proto.DiffResponse:
        """Report an update for other settings: a replacement of the provider would replace all that it serves."""
        changed = _plain(request.olds).get(CONNECTIONS) != _plain(request.news).get(CONNECTIONS)
        return proto.DiffResponse(changes=_changes(changed), diffs=[CONNECTIONS] if changed else [])

    @override
    async def Handshake(self, request: Any, context: Any) -> Any:
        """Refuse an environment that sends the docker provider to another machine; else do as if there were no handshake.

        `pulumi destroy` and `pulumi refresh` do not run the program, which refuses it too. They load the providers of all resources
        before they delete or read one, and wait for this answer. For that of Configure they do not wait: by then the operations of
        the docker provider have begun (seen with CLI 3.259).
        """
        await _refuse_redirection(context)
        await context.abort(grpc.StatusCode.UNIMPLEMENTED, "no handshake")

    @override
    async def Configure(self, request: proto.ConfigureRequest, context: Any) -> proto.ConfigureResponse:
        """Take today's connections, and refuse what Handshake refuses, for an engine that does not call it."""
        await _refuse_redirection(context)
        settings = _plain(request.args)
        self._connections = json.loads(settings.get(CONNECTIONS, "{}"))
        return proto.ConfigureResponse(acceptSecrets=True, acceptResources=True, supportsPreview=True)

    @override
    async def Cancel(self, request: Any, context: Any) -> empty_pb2.Empty:
        """End every operation, as the run was interrupted."""
        if not self._interrupted.done():
            self._interrupted.set_result(None)
            self._loop.call_soon(self._on_cancel)
        return empty_pb2.Empty()

    # Resources.

    @override
    async def Check(self, request: proto.CheckRequest, context: Any) -> proto.CheckResponse:
        """Take all inputs: the program makes them from a plan that is checked."""
        return proto.CheckResponse(inputs=request.news)

    @override
    async def Diff(self, request: proto.DiffRequest, context: Any) -> proto.DiffResponse:
        old, new = _plain(request.olds), _plain(request.news)
        difference = await self._run(request, context, lambda: _kind(request).diff(old, new))
        return proto.DiffResponse(
            changes=_changes(bool(difference.changed)),
            diffs=difference.changed,
            replaces=difference.replaces,
            deleteBeforeReplace=True,
        )

    @override
    async def Create(self, request: proto.CreateRequest, context: Any) -> proto.CreateResponse:
        if request.preview:
            return proto.CreateResponse(properties=request.properties)
        inputs, operation = _plain(request.properties), self._operation(request.urn)
        created = await self._run(request, context, lambda: _kind(request).create(inputs, operation))
        return proto.CreateResponse(id=created.id, properties=await _struct(created.outputs))

    @override
    async def Read(self, request: proto.ReadRequest, context: Any) -> proto.ReadResponse:
        """Answer no id for a resource that is not there any more."""
        state, operation = _plain(request.properties), self._operation(request.urn)
        outputs = await self._run(request, context, lambda: _kind(request).read(request.id, state, operation))
        if outputs is None:
            return proto.ReadResponse()
        return proto.ReadResponse(id=request.id, properties=await _struct(outputs), inputs=request.inputs)

    @override
    async def Update(self, request: proto.UpdateRequest, context: Any) -> proto.UpdateResponse:
        old, new, operation = _plain(request.olds), _plain(request.news), self._operation(request.urn)
        if request.preview:
            request.news.update(await self._run(request, context, lambda: _kind(request).preview(old, new)))
            return proto.UpdateResponse(properties=request.news)
        outputs = await self._run(request, context, lambda: _kind(request).update(old, new, operation))
        return proto.UpdateResponse(properties=await _struct(outputs))

    @override
    async def Delete(self, request: proto.DeleteRequest, context: Any) -> empty_pb2.Empty:
        state, operation = _plain(request.properties), self._operation(request.urn)
        await self._run(request, context, lambda: _kind(request).delete(state, operation))
        return empty_pb2.Empty()

    @override
    async def Construct(self, request: proto.ConstructRequest, context: Any) -> proto.ConstructResponse:
        """Declare a component; wrong inputs are answered by their text, without the traceback that the SDK adds."""
        try:
            return await self._construct(request, context)
        except (UserError, pulumi.RunError) as error:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, str(error))
            raise

    # Functions.

    @override
    async def Invoke(self, request: proto.InvokeRequest, context: Any) -> proto.InvokeResponse:
        arguments, operation = _plain(request.args), self._operation("")

        def call() -> Properties:
            if request.tok not in FUNCTIONS:
                raise unknown_function(request.tok)
            return FUNCTIONS[request.tok](arguments, operation)

        result = await self._run(request, context, call)
        # `return` is a word of Python, so it cannot be written as an argument.
        return proto.InvokeResponse(**{"return": await _struct(result)})

    # What all operations have in common.

    def _operation(self, urn: str) -> Operation:
        """Return what an operation on the resource of this URN has of the engine; a function has no URN."""

        def warn(text: str) -> None:
            entry = engine_pb2.LogRequest(severity=engine_pb2.WARNING, urn=urn, message=plain(text, keep="\n"))
            asyncio.run_coroutine_threadsafe(_log(self._engine, entry), self._loop).result(SECONDS_TO_LOG)

        stack = urn.removeprefix("urn:pulumi:").partition("::")[0]
        return Operation(
            warn=warn,
            connections=self._connections,
            hold=lambda connection: LOCKS.hold(connection, f"pulumi, stack {stack}", warn),
        )

    async def _run(self, request: Any, context: Any, work: Callable[[], T]) -> T:
        """Run `work` in a thread and return its result; its failure ends the request.

        A failure that a person can fix is its text alone. A mistake of this program keeps its traceback.
        """
        running = self._loop.run_in_executor(self._pool, work)
        ends: set[asyncio.Future[Any]] = {running, self._interrupted}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        error = running.exception() if running.done() else interrupted(_name(request))
        if error is not None:
            readable = isinstance(error, UserError)
            text = str(error) if readable else plain("".join(traceback.format_exception(error)), keep="\n")
            await context.abort(grpc.StatusCode.UNKNOWN, text)
        return running.result()


async def _refuse_redirection(context: Any) -> None:
    try:
        check_environment(os.environ, "pulumi COMMAND")
    except UserError as error:
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))


def _kind(request: Any) -> Resource:
    """Return the kind of the resource that the request is about; its URN has `PARENT$TYPE` before the name."""
    return KINDS[request.urn.split("::")[2].rpartition("$")[2]]


def _name(request: Any) -> str:
    """Return the name of the resource, or the token of the function, that the request is about."""
    urn: str = getattr(request, "urn", "") or request.tok
    return urn.rpartition("::")[2]


def _changes(changes: bool) -> Any:
    return proto.DiffResponse.DIFF_SOME if changes else proto.DiffResponse.DIFF_NONE


def _plain(properties: Any) -> Properties:
    return {
        key: rpc.unwrap_rpc_secret(value) if rpc.is_rpc_secret(value) else value
        for key, value in rpc.deserialize_properties(properties, keep_unknowns=True).items()
    }


async def _struct(properties: Properties) -> Any:
    return await rpc.serialize_properties(properties, {})


async def _log(engine: engine_pb2_grpc.EngineStub, entry: engine_pb2.LogRequest) -> None:
    await engine.Log(entry)
