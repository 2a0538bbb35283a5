"""The `ipvlan` command on the tests' stack, and what "all is as planned" means after a fault.

Owns the calls. Leaves to the tests what is broken and what must be said of it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lab.harness import PATIENCE, STACK, TRACEBACK, Lab, Result, Stack
from tests.support.json_documents import validate


def ipvlan(lab: Lab, *arguments: str, stack: str = STACK, timeout: float = 240) -> Result:
    """Run an ipvlan command where the hosts can be reached; `timeout` is in seconds. What --json prints fits its schema."""
    done = lab.exec(".venv/bin/ipvlan", "--stack", stack, *arguments, check=False, timeout=timeout)
    assert TRACEBACK not in done.stdout + done.stderr, done.stdout + done.stderr
    if "--json" in arguments and done.stdout.startswith("{"):
        validate(json.loads(done.stdout), arguments[0])
    return done


def document(done: Result) -> dict[str, Any]:
    """Return what a command printed with --json; its complaints where it printed none."""
    assert done.stdout.startswith("{"), f"exit {done.returncode}: {done.stdout}{done.stderr}"
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def differences(lab: Lab) -> list[tuple[str, str, str | None]]:
    """Return name, host and service of everything that `status` finds."""
    done = ipvlan(lab, "status", "--json", "--timeout", PATIENCE)
    found = document(done)
    assert (done.returncode == 0) == found["ok"]
    assert all(difference["problem"] and difference["fix"] for difference in found["differences"])
    return [(difference["name"], difference["host"], difference["service"]) for difference in found["differences"]]


def assert_whole(stack: Stack) -> None:
    """Assert that `status` finds nothing, that the matrix holds, and that Pulumi sees nothing to do."""
    side_by_side(partial(_assert_no_difference, stack.lab), partial(_assert_matrix, stack), stack.unchanged)


def _assert_no_difference(lab: Lab) -> None:
    found = differences(lab)
    assert found == []


def _assert_matrix(stack: Stack) -> None:
    found = stack.verify()
    validate(found, "verify")
    assert found["ok"], [cell for cell in found["cells"] if not cell["ok"]] or found["unreachable_hosts"]


def side_by_side(*calls: Callable[[], object]) -> None:
    """Do all at once: most of their time is waiting for a host. Raises what the first of them raised."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def image_of(stack: Stack, service: str) -> str:
    """Return the image that the stack file names."""
    image: str = stack.config["services"][service]["image"]
    return image
