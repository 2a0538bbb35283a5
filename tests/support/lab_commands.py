"""The `ipvlan` command on the tests' stack, and the assertion that everything is as planned.

Out of scope: which faults there are, and what the command must print about them. The tests have that.
"""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from lab.harness import HOST_TIMEOUT, STACK, TRACEBACK, Lab, Result, Stack
from tests.support.json_documents import validate


def ipvlan(lab: Lab, *arguments: str, stack: str = STACK, timeout: float = 240) -> Result:
    """Run an ipvlan command in the client, for at most `timeout` seconds; what --json prints is validated by its schema."""
    done = lab.exec(".venv/bin/ipvlan", "--stack", stack, *arguments, check=False, timeout=timeout)
    assert TRACEBACK not in done.stdout + done.stderr, done.stdout + done.stderr
    if "--json" in arguments and done.stdout.startswith("{"):
        validate(json.loads(done.stdout), arguments[0])
    return done


def document(done: Result) -> dict[str, Any]:
    """Return the document that a command printed with --json; fail with its output if there is none."""
    assert done.stdout.startswith("{"), f"exit {done.returncode}: {done.stdout}{done.stderr}"
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def differences(lab: Lab) -> list[tuple[str, str, str | None]]:
    """Return name, host and service of each difference that `status` reports."""
    done = ipvlan(lab, "status", "--json", "--timeout", HOST_TIMEOUT)
    printed = document(done)
    assert (done.returncode == 0) == printed["ok"]
    assert all(difference["problem"] and difference["fix"] for difference in printed["differences"])
    return [(difference["name"], difference["host"], difference["service"]) for difference in printed["differences"]]


def assert_as_planned(stack: Stack) -> None:
    """Assert that `status` reports no difference, that every connection is as planned, and that `up` changes nothing."""
    in_parallel(partial(_assert_no_difference, stack.lab), partial(_assert_matrix, stack), stack.assert_unchanged)


def _assert_no_difference(lab: Lab) -> None:
    assert differences(lab) == []


def _assert_matrix(stack: Stack) -> None:
    document = stack.verify()
    validate(document, "verify")
    assert document["ok"], [cell for cell in document["cells"] if not cell["ok"]] or document["unreachable_hosts"]


def in_parallel(*calls: Callable[[], object]) -> None:
    """Make all calls in parallel, since most of their time they wait for a host; raise what the first of them raises."""
    with ThreadPoolExecutor(len(calls)) as pool:
        for done in [pool.submit(call) for call in calls]:
            done.result()


def image_of(stack: Stack, service: str) -> str:
    """Return the image of a service in the stack's config."""
    image: str = stack.config["services"][service]["image"]
    return image


def kill_up(stack: Stack, moment: str, and_then: Callable[[], object] | None = None) -> None:
    """Start `up`, and kill it with SIGKILL when it has printed `moment` and `and_then` has returned."""
    process = stack.start_up()
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if moment in line:
            if and_then:
                and_then()
            process.kill()
            break
    printed.append(process.communicate(timeout=60)[0])
    assert process.returncode == -signal.SIGKILL, "".join(printed)
