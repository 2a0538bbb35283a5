"""The documents: their links lead somewhere, what they show runs, and every page can be found."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.sources import TRACKED

ROOT: Final = Path(__file__).resolve().parents[3]

LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

DOCUMENTS: Final = [ROOT / name for name in TRACKED if name.endswith(".md")]


def anchors(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(path: Path, language: str) -> Iterator[str]:
    """The code blocks of a Markdown file in that language, without their indentation."""
    for indentation, name, code in FENCE.findall(path.read_text(encoding="utf-8")):
        if name == language:
            yield re.sub(rf"^{indentation}", "", code, flags=re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """A relative link names a file that exists, and a heading that is in it."""
    broken = []
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_decision_is_in_the_index_with_date_and_status() -> None:
    """The index lists all decisions with the titles, dates and states of their pages, numbered without gaps."""
    folder = ROOT / "docs" / "decisions"
    rows = []
    for path in sorted(folder.glob("0*.md")):
        text = path.read_text(encoding="utf-8")
        head = re.match(r"# (\d{4}): (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: (.+)\n", text)
        assert head, f"{path.name} does not begin with its title, date and status"
        number, title, date, status = head.groups()
        assert path.name.startswith(f"{number}-")
        rows.append(f"| [{number}]({path.name}) | {title} | {date} | {status} |")
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [line for line in index.splitlines() if line.startswith("| [")] == rows
    assert [row[3:7] for row in rows] == [f"{number:04}" for number in range(1, len(rows) + 1)]
