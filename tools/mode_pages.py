"""`make mode-pages`: puts what `ipvlan verify` prints for each example into its page under docs/modes, as the hosts show it today.

Owns the text between the markers of those pages and nothing else. Each example is brought up on the running lab (`make lab-up`)
as a stack of its own, the lab tests', and destroyed again. Exit status 1 when a matrix was not as the plan wants it.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Final

from rich.console import Console

ROOT: Final = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from lab.harness import INTERNET, PATIENCE, STACK, Lab, Stack, new_stack  # noqa: E402
from lab.settings import CHECKOUT, default_name  # noqa: E402

#: A page's text between these is the command's; the first names the stack file's text that it is of.
MARKED: Final = re.compile(
    r"<!-- `ipvlan verify` of (\S+), written by `make mode-pages` -->\n.*?<!-- end -->", re.DOTALL
)

#: What the examples' router holds on the LAN, where a container leaves by it.
GATEWAY: Final = "10.1.0.1/16"

console = Console()


def printed(stack: Stack, source: Path) -> tuple[str, bool]:
    """Bring the stack file's text up, and return what `verify` prints of it and whether all of it holds."""
    stack.take(source)
    by_router = any(service.get("egress") for service in stack.config["services"].values())
    if by_router:
        stack.lab.run("router-gateway", "on", GATEWAY)
    try:
        stack.up()
        done = stack.lab.exec(
            ".venv/bin/ipvlan", "--stack", STACK, "verify", "--internet", INTERNET, "--timeout", PATIENCE, check=False
        )
    finally:
        stack.pulumi("destroy", "--yes", "--skip-preview", check=False)
        if by_router:
            stack.lab.run("router-gateway", "off", GATEWAY)
    # Rich fills a title's line with blanks.
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()), done.returncode == 0


def main() -> int:
    """Write the pages; 0 when every matrix was as planned."""
    wrong = 0
    with new_stack(Lab(os.environ.get("LAB_NAME") or default_name(CHECKOUT))) as stack:
        for page in sorted((ROOT / "docs" / "modes").glob("*.md")):
            text = page.read_text(encoding="utf-8")
            for match in MARKED.finditer(text):
                console.print(f"== {match[1]} for {page.relative_to(ROOT)}")
                said, holds = printed(stack, ROOT / match[1])
                wrong += not holds
                head = match[0].partition("\n")[0]
                text = text.replace(match[0], f"{head}\n```text\n{said.strip()}\n```\n<!-- end -->")
            page.write_text(text, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
