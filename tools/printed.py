"""What `ipvlan` prints in the pages of docs/: run again, and written between its marks.

A mark names the command and the stack file: "the stack file above" is the page's first YAML block.

Out of scope: what hosts print. `tools/mode_pages.py` writes that.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
MARKED: Final = re.compile(
    r"(<!-- `ipvlan ([^`]+)` of (the stack file above|\S+), written by `make schema` -->)\n.*?<!-- end -->", re.DOTALL
)
COLUMNS: Final = "110"
"""Width of the terminal that the command is told of."""


def with_printed(page: str) -> str:
    """Return the page's text with what each marked command prints."""

    def run(mark: re.Match[str]) -> str:
        source = _first_yaml(page) if mark[3].startswith("the ") else (ROOT / mark[3]).read_text(encoding="utf-8")
        return f"{mark[1]}\n```text\n$ ipvlan {mark[2]}\n{_printed(mark[2].split(), source)}\n```\n<!-- end -->"

    return MARKED.sub(run, page)


def _first_yaml(page: str) -> str:
    return page.partition("```yaml\n")[2].partition("```")[0]


def _printed(arguments: list[str], stack_file: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "Pulumi.yaml").write_text("name: ipvlan-fabric\n", encoding="utf-8")
        (Path(folder) / "Pulumi.dev.yaml").write_text(stack_file, encoding="utf-8")
        printed = subprocess.run(
            [sys.executable, "-m", "ipvlan.cli.main", "--project", folder, "--stack", "dev", *arguments],
            cwd=ROOT,
            env={**os.environ, "COLUMNS": COLUMNS, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
            errors="strict",
            timeout=60,
        ).stdout
    # Rich fills the line of a title with blanks.
    return "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
