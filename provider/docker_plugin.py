"""The docker provider's own plugin, as a process of this one: it creates and removes containers exactly as `pulumi up` does.

The engine has no means for a plugin to use a resource of another one, so this starts the executable that the engine would start
(Pulumi's Go package workspace, `getPluginInfoAndPath`) and speaks its protocol (pulumi/provider.proto).

Out of scope: what is created (`provider.rehearsal`), and what a failure means.
"""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import metadata
from pathlib import Path
from typing import Any, Final, NamedTuple

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from ipvlan.hosts.docker_environment import without_redirection
from ipvlan.plan.resource_names import CONTAINER_TYPE, PACKAGE
from provider.errors import plugin_unusable

EXECUTABLE: Final = "pulumi-resource-docker"

SECONDS_TO_START: Final = 20.0
"""Time limit for the process to say where it listens. It takes 0.1 s on an idle machine."""

SECONDS_TO_END: Final = 2.0
"""How long an ended process may take before it is killed."""

_OF_OUR_OWN: Final = ("PULUMI_LOG_OTLP_ENDPOINT", "PULUMI_OTEL_EXPORTER_OTLP_ENDPOINT", "TRACEPARENT", "TRACESTATE")
"""Variables by which the engine has a plugin's log and traces: those of this process, and not of what it starts."""


class RefusedError(Exception):
    """The plugin did not do what was asked; the text is its own."""

    def __init__(self, text: str, *, code: Any = None) -> None:
        super().__init__(text)
        self.ended = code == grpc.StatusCode.UNAVAILABLE
        """Whether the plugin's process has ended."""
        self.late = code == grpc.StatusCode.DEADLINE_EXCEEDED
        """Whether the time was over."""


class Created(NamedTuple):
    """A container that the plugin created."""

    id: str
    """Docker's id."""
    outputs: struct_pb2.Struct
    """What the state would keep."""


class _Engine(engine_pb2_grpc.EngineServicer):
    """Takes the plugin's log and drops it: it has the environment of containers, and repeats each failure as an error."""

    def Log(self, request: Any, context: Any) -> empty_pb2.Empty:  # noqa: ARG002, N802
        return empty_pb2.Empty()


class DockerPlugin:
    """A running plugin that is configured for one Docker."""

    def __init__(self, url: str, options: Sequence[str]) -> None:
        """Start and configure it; Docker is not contacted.

        Args:
            url: Where Docker is, as the docker provider has it: `ssh://...`.
            options: OpenSSH's options, as separate arguments.

        Raises:
            PluginError: It is missing, or does not start.
        """
        with contextlib.ExitStack() as stack:
            address = _serve_log(stack)
            self._process = _start(address, stack)
            channel = stack.enter_context(grpc.insecure_channel(f"127.0.0.1:{_port(self._process)}"))
            self._stub = provider_pb2_grpc.ResourceProviderStub(channel)
            settings = {"host": url, "sshOpts": json.dumps(list(options))}
            variables = {f"docker:config:{name}": value for name, value in settings.items()}
            request = provider_pb2.ConfigureRequest(args=_struct(settings), variables=variables)
            try:
                with _refusals():
                    self._stub.Configure(request, timeout=SECONDS_TO_START)
            except RefusedError as error:
                raise plugin_unusable(f"it does not start: {error}") from None
            self._closing = stack.pop_all()

    @property
    def runs(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def check(self, name: str, arguments: Mapping[str, Any], *, timeout: float) -> struct_pb2.Struct:
        """Return the arguments of a container with the provider's defaults.

        Args:
            name: The resource's name.
            arguments: As the engine would send them.
            timeout: Seconds.

        Raises:
            RefusedError: The provider does not take them.
        """
        request = provider_pb2.CheckRequest(urn=_urn(name), news=_struct(arguments))
        with _refusals():
            reply = self._stub.Check(request, timeout=timeout)
        if reply.failures:
            raise RefusedError("; ".join(failure.reason for failure in reply.failures))
        checked: struct_pb2.Struct = reply.inputs
        return checked

    def create(self, name: str, checked: struct_pb2.Struct, *, timeout: float) -> Created:
        """Create a container from what `check` returned. Raises RefusedError with the reason, within `timeout` seconds."""
        request = provider_pb2.CreateRequest(urn=_urn(name), properties=checked, timeout=timeout)
        with _refusals():
            reply = self._stub.Create(request, timeout=timeout)
        return Created(reply.id, reply.properties)

    def delete(self, name: str, created: Created, *, timeout: float) -> None:
        """Remove a container by its id. Raises RefusedError with the reason, within `timeout` seconds."""
        request = provider_pb2.DeleteRequest(urn=_urn(name), id=created.id, properties=created.outputs, timeout=timeout)
        with _refusals():
            self._stub.Delete(request, timeout=timeout)

    def close(self) -> None:
        """End the process, and what belongs to it here."""
        self._closing.close()


def _serve_log(stack: contextlib.ExitStack) -> str:
    """Serve the engine that the plugin expects, until the stack is closed; return its address."""
    server = grpc.server(stack.enter_context(ThreadPoolExecutor(1, thread_name_prefix="docker-plugin-log")))
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    stack.callback(lambda: server.stop(None).wait(SECONDS_TO_END))
    return f"127.0.0.1:{port}"


def _start(engine: str, stack: contextlib.ExitStack) -> subprocess.Popen[bytes]:
    """Start the plugin's process, which ends when the stack is closed at the latest."""
    kept = without_redirection(os.environ)
    environment = {name: value for name, value in kept.items() if name not in _OF_OUR_OWN}
    executable = find_executable(environment)
    try:
        # In a process group of its own, as the engine starts it: `provider.process` ends it with what it started.
        process = subprocess.Popen(
            [executable, engine],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            # A traceback of the plugin has no place in the output of `pulumi up`, and may have the values of variables.
            stderr=subprocess.DEVNULL,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        raise plugin_unusable(f"{executable} cannot be started: {error.strerror}") from None
    stack.callback(_end, process)
    return process


def _port(process: subprocess.Popen[bytes]) -> int:
    """Return the port that the process prints in its first line."""
    assert process.stdout is not None  # noqa: S101  # a pipe, see `_start`
    printed = b""
    limit = time.monotonic() + SECONDS_TO_START
    while not printed.endswith(b"\n"):
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, limit - time.monotonic()))
        if not ready:
            raise plugin_unusable(f"it does not start within {SECONDS_TO_START:g} seconds")
        more = process.stdout.read(64)
        if not more:
            raise plugin_unusable("it does not start: it ends at once")
        printed += more
    try:
        return int(printed)
    except ValueError:
        raise plugin_unusable(f"it prints {printed[:80]!r} instead of a port") from None


class DockerPlugins:
    """The plugins of this process: one per Docker, kept until the process ends. Safe to use from several threads."""

    def __init__(self) -> None:
        """Start none."""
        self._guard = threading.Lock()
        self._locks: dict[tuple[str, ...], threading.Lock] = {}
        self._plugins: dict[tuple[str, ...], DockerPlugin] = {}

    @contextlib.contextmanager
    def use(self, url: str, options: Sequence[str]) -> Iterator[DockerPlugin]:
        """Give the running plugin for this Docker, to one thread at a time; start it where there is none.

        Args:
            url: Where Docker is.
            options: OpenSSH's options.

        Raises:
            PluginError: It cannot be started.
        """
        key = (url, *options)
        with self._guard:
            lock = self._locks.setdefault(key, threading.Lock())
        # Whoever has it keeps time limits.
        with lock:
            plugin = self._plugins.pop(key, None)
            if plugin is not None and not plugin.runs:
                plugin.close()
                plugin = None
            plugin = plugin or DockerPlugin(url, options)
            self._plugins[key] = plugin
            yield plugin

    def close(self) -> None:
        """End all of them; the end of this process does that too (`provider.process`)."""
        with self._guard:
            for plugin in self._plugins.values():
                plugin.close()
            self._plugins.clear()


PLUGINS: Final = DockerPlugins()
"""Those of this process."""


def find_executable(environment: Mapping[str, str]) -> Path:
    """Return the executable that the engine starts for pulumi_docker: the one on PATH, else the installed one of its version.

    Args:
        environment: PATH, and PULUMI_HOME and PULUMI_IGNORE_AMBIENT_PLUGINS where they are set.

    Raises:
        PluginError: There is none.
    """
    if environment.get("PULUMI_IGNORE_AMBIENT_PLUGINS", "").lower() not in ("1", "true"):
        ambient = shutil.which(EXECUTABLE, path=environment.get("PATH", os.defpath))
        if ambient:
            return Path(ambient)
    version = metadata.version("pulumi-docker")
    home = environment.get("PULUMI_HOME") or f"{pwd.getpwuid(os.getuid()).pw_dir}/.pulumi"
    installed = Path(home, "plugins", f"resource-docker-v{version}", EXECUTABLE)
    if not installed.is_file():
        raise plugin_unusable(f"there is no {EXECUTABLE} on PATH, and no {installed}")
    return installed


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    """Raise RefusedError for a call that fails."""
    try:
        yield
    except grpc.RpcError as error:
        raise RefusedError(error.details() or "", code=error.code()) from None


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the process with its group."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(SECONDS_TO_END)
            break
    if process.stdout is not None:
        process.stdout.close()


def _struct(values: Mapping[str, Any]) -> struct_pb2.Struct:
    made = struct_pb2.Struct()
    made.update(dict(values))
    return made


def _urn(name: str) -> str:
    """Return the URN of a container that is in no state."""
    return f"urn:pulumi:rehearsal::{PACKAGE}::{CONTAINER_TYPE}::{name}"
