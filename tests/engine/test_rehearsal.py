"""The docker provider's real plugin, asked by ours for a rehearsal, against a daemon on a socket that a test tells what to say."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pulumi_docker as docker
import pytest
from google.protobuf import json_format  # type: ignore[import-untyped]
from pulumi.runtime import rpc

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.create_refusals import refused
from ipvlan.hosts.errors import HostError
from provider import rehearsal
from provider.docker_plugin import DockerPlugins, RefusedError, find_executable
from provider.errors import PluginError
from provider.rehearsal import RehearsalRequest, rehearse
from tests.support.docker_state import read_state, write_state
from tests.support.docker_substitute import put_docker
from tests.support.fake_docker_plugin import FIRST_STATE
from tests.support.fake_engine import CONTAINER_ID, FakeEngine, fake_engine
from tests.support.processes import alive, wait_for
from tests.support.projects import ROOT

SECRET = "correct-horse"
IMAGE_ID = f"sha256:{'a' * 64}"
CREATED = {
    "Id": CONTAINER_ID,
    "Name": "/shop.ipvlan-rehearsal",
    "State": {"Running": False, "ExitCode": 0},
    "Config": {"Image": "nginx:1", "Env": [f"PASSWORD={SECRET}"]},
    "HostConfig": {"RestartPolicy": {"Name": "no"}, "LogConfig": {}},
    "NetworkSettings": {"Networks": {}},
}
ARGUMENTS = docker.ContainerArgs(
    name="shop",
    image="nginx:1",
    restart="on-failure",
    max_retry_count=3,
    networks_advanced=[docker.ContainerNetworksAdvancedArgs(name="fabric-id", ipv4_address="10.0.0.2")],
    ports=[docker.ContainerPortArgs(internal=80, external=8080, protocol="tcp")],
    envs=[f"PASSWORD={SECRET}"],
    volumes=[docker.ContainerVolumeArgs(volume_name="data", container_path="/data", read_only=True)],
    capabilities=docker.ContainerCapabilitiesArgs(adds=["NET_ADMIN"]),
    memory=64,
    destroy_grace_seconds=10,
)


@pytest.fixture(scope="module")
def toolchain() -> dict[str, str]:
    """Return the environment of the engine of these tests, where the docker provider's plugin is installed."""
    run = [str(ROOT / "toolchain" / "run")]
    printed = subprocess.run([*run, "env", "-0"], capture_output=True, text=True, check=True, timeout=50).stdout
    environment = dict(line.split("=", 1) for line in printed.split("\0") if line)
    try:
        find_executable(environment)
    except PluginError:
        install = ["pulumi", "plugin", "install", "resource", "docker", metadata.version("pulumi-docker")]
        subprocess.run([*run, *install], check=True, timeout=50)
    return environment


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeEngine]:
    """Return a daemon that has the image and creates what it is asked for."""
    with fake_engine(tmp_path / "socket") as engine:
        engine.answers |= {
            "HEAD /_ping": (200, "OK"),
            "GET /_ping": (200, "OK"),
            "GET /version": (200, {"ApiVersion": "1.51"}),
            "GET /images/json": (200, [{"Id": IMAGE_ID, "RepoTags": ["nginx:1"]}]),
            "GET /images/nginx:1/json": (200, {"Id": IMAGE_ID}),
            "GET /containers/json": (200, [{"Id": CONTAINER_ID}]),
            f"GET /containers/{CONTAINER_ID}/json": (200, CREATED),
            f"POST /containers/{CONTAINER_ID}/stop": (304, {}),
            "POST /networks/bridge/disconnect": (200, {}),
            "POST /networks/fabric-id/connect": (200, {}),
        }
        yield engine


@pytest.fixture
def plugins(toolchain: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[DockerPlugins]:
    """Return the processes of the docker provider's plugin: none yet."""
    for name in ("PATH", "PULUMI_HOME"):
        if name in toolchain:
            monkeypatch.setenv(name, toolchain[name])
    made = DockerPlugins()
    yield made
    made.close()


@pytest.fixture
def try_it(
    daemon: FakeEngine, plugins: DockerPlugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Return what rehearses ARGUMENTS on that daemon, as a plugin under the engine would."""
    put_docker(tmp_path, "fake_docker_rehearsal")
    write_state(tmp_path, **FIRST_STATE)
    ssh = ("env", f"PATH={tmp_path}:{os.environ['PATH']}", "sh", "-c")
    monkeypatch.setattr(rehearsal, "PLUGINS", plugins)
    request = RehearsalRequest(
        connection=HostConnection(name="docker-1", command=ssh),
        docker_url=f"unix://{daemon.socket}",
        ssh_options=("-o", "BatchMode=yes"),
        arguments=as_sent(ARGUMENTS),
        owner="0123/docker-1/web",
        service="web",
    )
    return lambda: rehearse(request)


def as_sent(arguments: docker.ContainerArgs) -> dict[str, Any]:
    """Return the arguments as our plugin gets them, as an input of a resource of ours."""
    struct = asyncio.run(rpc.serialize_properties({"arguments": arguments}, {}))
    sent: dict[str, Any] = json_format.MessageToDict(struct)["arguments"]
    return sent


def test_docker_gets_what_pulumi_would_send(
    try_it: Callable[[], None], daemon: FakeEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    """Name and restart policy apart; it is not started, it is removed with its volumes, and nothing is printed."""
    try_it()
    (body,) = daemon.created
    on_host = body["HostConfig"]
    assert (body["Image"], body["Env"], on_host["Memory"]) == ("nginx:1", [f"PASSWORD={SECRET}"], 64 * 1024 * 1024)
    assert [port["HostPort"] for port in on_host["PortBindings"]["80/tcp"]] == ["8080"]
    assert on_host["Binds"] == ["data:/data:ro"]
    # The provider's own doing, which nobody else would know of.
    assert on_host["CapAdd"] == ["CAP_NET_ADMIN"]
    assert on_host["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    actions = [request.rpartition("/")[2] for request in daemon.requests if request.startswith("POST")]
    assert actions[:4] == ["create", "disconnect", "connect", "stop"]
    # The provider asks it beside the removal: sometimes the container is gone before the question arrives.
    assert actions[4:] in (["wait"], [])
    assert daemon.containers == set()
    assert capfd.readouterr() == ("", "")


def test_a_refusal_is_docker_s_sentence(
    try_it: Callable[[], None], daemon: FakeEngine, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without what the provider and Pulumi's bridge put around it; nothing is printed beside it."""
    daemon.answers["POST /containers/create"] = (400, {"message": "invalid mode: ro,foo"})
    with pytest.raises(HostError) as caught:
        try_it()
    (problem,) = caught.value.problems
    assert problem.code == "IPF733"
    assert problem.problem == 'Docker refuses the new container of service "web": invalid mode: ro,foo'
    assert "ipvlan-fabric:services.web.volumes;" in problem.fix
    assert capfd.readouterr() == ("", "")


def test_a_container_that_is_created_in_part_is_looked_for(
    try_it: Callable[[], None], daemon: FakeEngine, tmp_path: Path
) -> None:
    """The plugin fails after the creation; the host is visited once more, to remove what is there."""
    daemon.answers["POST /networks/fabric-id/connect"] = (400, {"message": "invalid endpoint settings: no such subnet"})
    with pytest.raises(HostError, match="invalid endpoint settings: no such subnet") as caught:
        try_it()
    assert "services.web.addresses" in str(caught.value)
    looked = [call for call in read_state(tmp_path)["calls"] if call.endswith("shop.ipvlan-rehearsal")]
    assert len(looked) == 2


def test_a_daemon_that_does_not_answer_is_no_refusal(try_it: Callable[[], None], daemon: FakeEngine) -> None:
    """The config is not to be corrected then."""
    daemon.socket.unlink()
    with pytest.raises(HostError) as caught:
        try_it()
    assert caught.value.problems[0].code == "IPF712"
    assert SECRET not in json.dumps([problem.problem for problem in caught.value.problems])


def test_a_host_is_reached_with_the_options_of_the_docker_provider(
    plugins: DockerPlugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plugin starts ssh itself, with the options that the stack's docker provider has."""
    ssh = tmp_path / "ssh"
    ssh.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/used\necho "no route" >&2\nexit 255\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    options = ("-o", "BatchMode=yes", "-o", "KnownHostsCommand=/bin/echo %H ssh-ed25519 AAAA")
    with plugins.use("ssh://root@192.0.2.1", options) as plugin:
        checked = plugin.check("shop", as_sent(ARGUMENTS), timeout=20)
        with pytest.raises(RefusedError) as caught:
            plugin.create("shop", checked, timeout=20)
    used = (tmp_path / "used").read_text().splitlines()[0]
    assert " ".join(options) in used
    refusal = refused(HostConnection(name="docker-1", command=("false",)), "web", str(caught.value), {})
    assert refusal.problems[0].code == "IPF712"


def test_it_ends_with_our_process(toolchain: dict[str, str]) -> None:
    """The engine ends our plugin; what that started ends too."""
    program = """
from provider.docker_plugin import PLUGINS
from provider.process import _end
with PLUGINS.use("unix:///nowhere", ()) as plugin:
    print(plugin._process.pid, flush=True)
_end()
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, env=toolchain, capture_output=True, text=True, check=True, timeout=50)
    assert done.stderr == ""
    assert wait_for(lambda: not alive(int(done.stdout)))
