"""The components in a program of one's own: examples/own_program.py, run as a whole."""

from __future__ import annotations

import runpy
from collections.abc import Callable

from tests.support.strict_monitor import ROOT, Run


def test_a_program_with_its_own_config(run: Callable[..., Run]) -> None:
    """The plan comes from a mapping, every resource's name begins with the component's, and the outputs feed other code."""
    result = run(
        {}, secrets={"web-token": "hunter2"}, main=lambda: runpy.run_path(str(ROOT / "examples" / "own_program.py"))
    )
    assert {resource.name for resource in result.resources.values() if resource.type.startswith("docker:")} == {
        f"web-fabric-docker-{number}-{rest}"
        for number in (1, 2, 3)
        for rest in ("network", "image-web-c1d2e3f4a5b6", "web")
    }
    assert all(resource.name.startswith("web-fabric") for resource in result.resources.values())
    container = result.named("web-fabric-docker-3-web")
    assert container.inputs["envs"] in ({"secret": ["TOKEN=hunter2"]}, [{"secret": "TOKEN=hunter2"}])
    assert result.exports == {
        "backends": ["server 192.168.140.200;", "server 192.168.140.201;", "server 192.168.140.202;"]
    }
