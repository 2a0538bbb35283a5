"""What bench.preview counts, and what it holds against the limits. It runs no pulumi here."""

from __future__ import annotations

import subprocess
import sys

import pytest

from bench.preview import PROGRAM, Measured, Usage, Watch, kind_of, missed, stack_config
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["/cache/bin/pulumi", "preview"], "engine"),
        (["/project/.venv/bin/python", "-u", "/cache/language-host/pulumi-language-python-exec", "--project"], PROGRAM),
        (["/cache/language-host/pulumi-language-python", "127.0.0.1:1"], "language host"),
        (["/plugins/resource-docker-v5.2.0/pulumi-resource-docker", "127.0.0.1:1"], "docker plugins"),
        ([".venv/bin/python", "/project/provider/__main__.py", "127.0.0.1:1"], "our plugin"),
        (["/bin/sh", "/project/provider/pulumi-resource-ipvlan-fabric", "127.0.0.1:1"], "our plugin"),
        (["bash", "/project/toolchain/run", "pulumi", "preview"], "other"),
    ],
)
def test_a_process_is_known_by_its_arguments(arguments: list[str], kind: str) -> None:
    """Also where an interpreter runs it."""
    assert kind_of(arguments) == kind


def test_descendants_count_with_their_time_and_memory() -> None:
    """A shell whose child computes for a second."""
    burn = "import time\nwhile time.process_time() < 1: pass\ntime.sleep(1)"
    with subprocess.Popen(["/bin/sh", "-c", '"$0" -c "$1"; exit', sys.executable, burn]) as process:
        watch = Watch(process.pid)
        process.wait(timeout=60)
        usage = watch.end()
    assert usage.count == {"other": 2}
    assert usage.cpu["other"] == pytest.approx(1, abs=0.3)
    assert 2 < usage.peak < 100


def test_every_size_is_a_valid_stack() -> None:
    """Every container has an address."""
    plan = make_plan(parse(stack_config(100, 10)))
    assert sum(len(addresses) for addresses in plan.addresses.values()) == 1000


def measured(containers: int, *, program: float, seconds: float = 30, megabytes: float = 1500) -> Measured:
    """Return what was measured of a size with two resources for each container."""
    usage = Usage(cpu={PROGRAM: program}, pss={"engine": megabytes})
    return Measured(containers=containers, resources=2 * containers, seconds=seconds, cpu=50, usage=usage)


@pytest.mark.parametrize(
    ("larger", "words"),
    [
        (measured(1000, program=14), []),
        (measured(1000, program=14.9, seconds=41), ["41.0 seconds (40)"]),
        (measured(1000, program=14, megabytes=2100), ["2100.0 MB of PSS (2000)"]),
        (measured(1000, program=16), ["grows 20% more", "16.0 CPU seconds of the program (15)"]),
    ],
)
def test_what_exceeds_its_limit_is_named(larger: Measured, words: list[str]) -> None:
    """At the size that has limits; the growth at any size."""
    found = missed([measured(300, program=4), larger], 100)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))
