"""The state that a substitute for `docker` acts on, and the process that does.

A test starts hundreds of them: what takes longer to import than a substitute to run (pathlib, json, re, typing) is not imported
here, and in a substitute only where it answers with it.
"""

from __future__ import annotations

import marshal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def read_state(folder: Path | str) -> dict[str, Any]:
    """Return the substitute's state; `calls` has the command lines so far."""
    with open(f"{folder}/state", "rb") as file:  # noqa: PTH123
        state: dict[str, Any] = marshal.load(file)  # noqa: S302  # written by write_state
    return state


def write_state(folder: Path | str, **changes: Any) -> None:
    """Change the substitute's state, or write the first one: numbers, texts, lists, tuples and dictionaries."""
    try:
        before = read_state(folder)
    except FileNotFoundError:
        before = {"calls": []}
    with open(f"{folder}/state", "wb") as file:  # noqa: PTH123
        marshal.dump(before | changes, file)


def act_on_state(act: Callable[[list[str], dict[str, Any]], int]) -> int:
    """Act on the state of the folder that is the first argument, as docker would for the others; return the exit status."""
    folder, arguments = sys.argv[1], sys.argv[2:]
    state = read_state(folder)
    state["calls"].append(" ".join(arguments))
    status = act(arguments, state)
    write_state(folder, **state)
    return status


def fail(text: str) -> int:
    """Print `text` as an error."""
    print(text, file=sys.stderr)
    return 1
