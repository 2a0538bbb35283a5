"""Write what `ipvlan verify` prints for each example on the lab's hosts into its page under docs/modes.

Usage: python -m tools.mode_pages   (make mode-pages, on the running lab)
Responsible for the text between the markers of those pages. Each example becomes a stack of its own, the one of the lab tests,
and is destroyed afterwards. Exit status 1 when an observed connection differs from the expected one.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

from lab.harness import HOST_TIMEOUT, INTERNET, STACK, Lab, Stack, new_stack
from lab.settings import CHECKOUT, default_name

ROOT: Final = Path(__file__).resolve().parent.parent

MARKED: Final = re.compile(
    r"<!-- `ipvlan verify` of (\S+), written by `make mode-pages` -->\n.*?<!-- end -->", re.DOTALL
)
"""The part of a page that this tool writes; its first line names the stack file."""
GATEWAY: Final = "10.1.0.1/16"
"""The address of the examples' router on the LAN, for containers that reach the internet through it."""

console = Console()


def verify_example(stack: Stack, source: Path) -> tuple[str, bool]:
    """Apply the stack file to the lab; return what `verify` prints for it and whether every connection is as expected."""
    stack.use_config_of(source)
    address = stack.config["fabric"].get("gateway")
    by_router = address == GATEWAY.partition("/")[0] and any(
        service.get("egress") for service in stack.config["services"].values()
    )
    if by_router:
        stack.lab.run("router-gateway", "on", GATEWAY)
    try:
        stack.up()
        done = stack.lab.exec(
            *(".venv/bin/ipvlan", "--stack", STACK, "verify", "--format", "markdown"),
            *("--internet", INTERNET, "--timeout", HOST_TIMEOUT),
            check=False,
        )
    finally:
        stack.pulumi("destroy", "--yes", "--skip-preview", check=False)
        if by_router:
            stack.lab.run("router-gateway", "off", GATEWAY)
    return done.stdout, done.returncode == 0


def main() -> int:
    """Write the pages; return 0 when every connection is as expected."""
    different = 0
    with new_stack(Lab(os.environ.get("LAB_NAME") or default_name(CHECKOUT))) as stack:
        for page in sorted((ROOT / "docs" / "modes").glob("*.md")):
            text = page.read_text(encoding="utf-8")
            for match in MARKED.finditer(text):
                console.print(f"== {match[1]} for {page.relative_to(ROOT)}")
                output, as_expected = verify_example(stack, ROOT / match[1])
                different += not as_expected
                head = match[0].partition("\n")[0]
                text = text.replace(match[0], f"{head}\n\n{output.strip()}\n\n<!-- end -->")
            page.write_text(text, encoding="utf-8")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
