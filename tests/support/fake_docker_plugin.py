"""A substitute for the docker provider's plugin: it creates containers in the state of `fake_docker_rehearsal`, or fails as told.

Its failures have the text that the plugin 5.2.0 gave (tests/engine/test_rehearsal.py asks the real one).
"""

from __future__ import annotations

import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, json_format  # type: ignore[import-untyped]
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from tests.support.docker_state import read_state, write_state
from tests.support.docker_substitute import ROOT

ID = "c0ffee" * 10
NEVER = "0001-01-01T00:00:00Z"
FIRST_STATE: dict[str, Any] = {
    "calls": [],
    "containers": {},
    "volumes": [],
    "used": [],
    "keeps": False,
    "down": False,
    "plugin": [],
    "refuses": "",
    "half": "",
    "check": "",
    "dies": False,
    "hangs": False,
    "deletes": True,
}
"""Nothing is on the host, and the plugin does what it is asked."""


class _Plugin(provider_pb2_grpc.ResourceProviderServicer):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _note(self, **call: Any) -> dict[str, Any]:
        """Note the call; return the state."""
        write_state(self._folder, plugin=[*read_state(self._folder)["plugin"], call])
        return read_state(self._folder)

    def Configure(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take the settings."""
        self._note(configure=json_format.MessageToDict(request.args), environment=dict(os.environ))
        return provider_pb2.ConfigureResponse(acceptSecrets=True)

    def Check(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Take all arguments, or refuse one."""
        reason = read_state(self._folder)["check"]
        failures = [provider_pb2.CheckFailure(property="", reason=reason)] if reason else []
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    def Create(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Create volumes, then the container, as Docker does."""
        arguments = json_format.MessageToDict(request.properties)
        state = self._note(create=arguments)
        named = {volume.get("volumeName", "") for volume in arguments.get("volumes", ())}
        named |= {mount["source"] for mount in arguments.get("mounts", ()) if mount["type"] == "volume"}
        named = {name for name in named if name.isalnum()}
        write_state(self._folder, volumes=sorted({*state["volumes"], *named}))
        if state["refuses"]:
            daemon = f"Unable to create container: Error response from daemon: {state['refuses']}"
            context.abort(grpc.StatusCode.UNKNOWN, f"1 error occurred:\n\t* {daemon}\n\n")
        labels = {entry["label"]: entry["value"] for entry in arguments.get("labels", ())}
        container = {"id": ID, "labels": labels, "status": "created", "started": NEVER}
        write_state(self._folder, containers={**state["containers"], arguments["name"]: container})
        if state["half"]:
            text = (
                f"creating {request.urn}: 1 error occurred:\n\t* Unable to connect to network 'n': {state['half']}\n\n"
            )
            context.abort(grpc.StatusCode.UNKNOWN, text)
        if state["dies"]:
            os._exit(1)
        if state["hangs"]:
            time.sleep(30)
        return provider_pb2.CreateResponse(id=ID, properties=request.properties)

    def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802
        """Remove the container of that id."""
        state = self._note(delete=request.id)
        if not state["deletes"]:
            context.abort(grpc.StatusCode.UNKNOWN, "1 error occurred:\n\t* Error deleting container\n\n")
        kept = {name: each for name, each in state["containers"].items() if each["id"] != request.id}
        write_state(self._folder, containers=kept)
        return empty_pb2.Empty()


def put_plugin(folder: Path, state: Path) -> None:
    """Write the plugin's executable to the folder; it acts on the state in the other folder."""
    executable = folder / "pulumi-resource-docker"
    command = f"PYTHONPATH={ROOT} exec {sys.executable} -m tests.support.fake_docker_plugin"
    executable.write_text(f'#!/bin/sh\n{command} {state} "$@"\n')
    executable.chmod(0o755)


def _serve() -> None:
    server = grpc.server(ThreadPoolExecutor(4))
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(_Plugin(Path(sys.argv[1])), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    _serve()
