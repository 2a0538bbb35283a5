"""The plugin's process refuses the variables that send Docker elsewhere: `pulumi destroy` and `refresh` run no program."""

from __future__ import annotations

import os
import subprocess
import sys

import grpc  # type: ignore[import-untyped]
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from ipvlan.hosts.docker_environment import REDIRECTING
from tests.support.projects import ROOT


@pytest.mark.parametrize("name", [*REDIRECTING, ""])
def test_the_first_answer_names_the_variable(name: str) -> None:
    """The engine's first two requests fail with the variable and the fix, and nothing else; without one it succeeds."""
    environment = {key: value for key, value in os.environ.items() if key not in REDIRECTING}
    plugin = subprocess.Popen(
        [sys.executable, str(ROOT / "provider"), "127.0.0.1:1"],
        env=environment | ({name: "elsewhere"} if name else {}),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert plugin.stdout is not None
    try:
        with grpc.insecure_channel(f"127.0.0.1:{plugin.stdout.readline().strip()}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            with pytest.raises(grpc.RpcError) as raised:
                stub.Handshake(provider_pb2.ProviderHandshakeRequest(), timeout=20)
            if not name:
                assert raised.value.code() == grpc.StatusCode.UNIMPLEMENTED
                assert stub.Configure(provider_pb2.ConfigureRequest(), timeout=20).acceptSecrets
                return
            with pytest.raises(grpc.RpcError) as configured:
                stub.Configure(provider_pb2.ConfigureRequest(), timeout=20)
            text = raised.value.details()
            assert text == configured.value.details()
            assert f"IPF764 {name}\n" in text
            assert f"env -u {name} pulumi COMMAND" in text
            assert "Traceback" not in text
    finally:
        plugin.kill()
        plugin.wait()
        plugin.stdout.close()
