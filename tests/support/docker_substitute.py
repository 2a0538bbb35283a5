"""How a test puts a substitute for a host's `docker` command line on a PATH.

Out of scope: what a substitute answers (`fake_docker`, `fake_docker_repair`), and its state (`docker_state`).
"""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PYTHON = f"{sys.executable} -Su"
"""Starts a program that needs the standard library alone, and prints at once, as programs in Go do.

Without the packages of the environment, which take longer to find than a substitute to run; and a `python3` of PATH may be a
script that takes 0.1 s to find one.
"""


def put_docker(folder: Path, substitute: str) -> None:
    """Write a `docker` to the folder, which is that module of tests.support, and acts on the state in the folder."""
    docker = folder / "docker"
    # Not by -m, which imports more than a substitute does.
    program = (
        f"from tests.support import docker_state, {substitute}; "
        f"raise SystemExit(docker_state.act_on_state({substitute}.act))"
    )
    docker.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {PYTHON} -c "{program}" {folder} "$@"\n')
    docker.chmod(0o755)
