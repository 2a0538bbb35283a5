"""What the measurements have in common: a project folder that runs this checkout's program, and the hosts of a large stack.

Out of scope: the stack files, which each measurement writes itself.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LINKED: Final = ("Pulumi.yaml", "__main__.py", ".venv", "components", "ipvlan", "provider")
"""What a project folder has of the checkout: all but the stack files."""


def link_program(project: Path) -> None:
    """Let a folder run this checkout's program, with stack files of its own."""
    for name in LINKED:
        (project / name).symlink_to(ROOT / name)


def many_hosts(count: int) -> dict[str, Any]:
    """Return the section `hosts` of a stack with so many of them, in the subnet 10.0.0.0/8; each has a slice of 256 addresses."""
    return {
        f"host-{number}": {
            "address": f"192.168.{number // 200}.{number % 200 + 1}",
            "parent": "ens33",
            "slice": f"10.{1 + number // 250}.{number % 250}.0/24",
        }
        for number in range(count)
    }
