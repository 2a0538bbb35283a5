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
def test_configure_names_the_variable(name: str) -> None:
    """The engine's first request fails with the variable and the fix, and nothing else; without one it succeeds."""
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
            configure = provider_pb2_grpc.ResourceProviderStub(channel).Configure
            if name:
                with pytest.raises(grpc.RpcError) as raised:
                    configure(provider_pb2.ConfigureRequest(), timeout=20)
                text = raised.value.details()
                assert text.startswith(f"IPF764 {name}\n") or f"1. IPF764 {name}\n" in text
                assert f"env -u {name} pulumi COMMAND" in text
                assert "Traceback" not in text
            else:
                assert configure(provider_pb2.ConfigureRequest(), timeout=20).acceptSecrets
    finally:
        plugin.kill()
        plugin.wait()
        plugin.stdout.close()
