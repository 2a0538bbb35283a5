"""What the substitutes for a host's `docker` command line share: the state that a test sets, and the calls that it reads.

Out of scope: what a substitute answers (`fake_docker`, `fake_docker_repair`).
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.executable} -Su"
"""Starts a program that needs the standard library alone, and prints at once, as programs in Go do.

Without the packages of the environment, which take longer to find than a substitute to run; and a `python3` of PATH may be a
script that takes 0.1 s to find one.
"""


def put_docker(folder: Path, substitute: str) -> None:
    """Write a `docker` to the folder, which is that module of tests.support, and acts on the state in the folder."""
    docker = folder / "docker"
    command = f"PYTHONPATH={ROOT} exec {PYTHON} -m tests.support.{substitute}"
    docker.write_text(f'#!/bin/sh\n{command} {folder} "$@"\n')
    docker.chmod(0o755)


def read_state(folder: Path) -> dict[str, Any]:
    """Return the substitute's state; `calls` has the command lines so far."""
    state: dict[str, Any] = json.loads((folder / "state.json").read_text())
    return state


def write_state(folder: Path, **changes: Any) -> None:
    """Change the substitute's state, or write the first one."""
    path = folder / "state.json"
    path.write_text(json.dumps((read_state(folder) if path.exists() else {"calls": []}) | changes))


def run(act: Callable[[list[str], dict[str, Any]], int]) -> int:
    """Act on the state of the folder that is the first argument, as docker would for the others; return the exit status."""
    folder, arguments = Path(sys.argv[1]), sys.argv[2:]
    state = read_state(folder)
    state["calls"].append(" ".join(arguments))
    status = act(arguments, state)
    write_state(folder, **state)
    return status


def fail(text: str) -> int:
    """Print `text` as an error."""
    print(text, file=sys.stderr)
    return 1
