"""What a stack on the lab must show: every connection as planned, no difference."""

from __future__ import annotations

from lab.harness import HOST_TIMEOUT, STACK, Lab, Stack
from tests.support.json_documents import validate

INTERNET_NAME = "internet.example"
"""A name that the lab's name server knows."""


def assert_verified(stack: Stack, *kinds: str) -> dict[tuple[str, str], str]:
    """Assert that all connections are as planned, and that some are of each kind; return (source, target) -> observed."""
    document = stack.verify("--internet", INTERNET_NAME)
    validate(document, "verify")
    assert document["ok"], [cell for cell in document["cells"] if not cell["ok"]] or document["unreachable_hosts"]
    assert {cell["kind"] for cell in document["cells"]} >= set(kinds)
    return {(cell["source"], cell["target"]): cell["observed"] for cell in document["cells"]}


def assert_clean(lab: Lab, stack: str = STACK) -> None:
    """Assert that `status` reports no difference."""
    done = lab.exec(".venv/bin/ipvlan", "--stack", stack, "status", "--timeout", HOST_TIMEOUT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
