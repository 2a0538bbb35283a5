"""A table of styled cells that is printed on a terminal or as Markdown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.table import Table
from rich.text import Text

from ipvlan.views import markdown


@dataclass(frozen=True, slots=True)
class Grid:
    """A table and its title."""

    title: str
    headings: Sequence[str]
    """A line break in a heading stays one."""
    rows: Sequence[Sequence[Text | str]]
    """Cells are text, never markup."""

    def as_table(self) -> Table:
        """Return the table for a terminal."""
        table = Table(title=self.title, title_justify="left")
        for heading in self.headings:
            table.add_column(Text(heading))
        for row in self.rows:
            table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
        return table

    def as_markdown(self) -> Iterator[str]:
        """Yield the lines of the table in Markdown, without the colours."""
        yield f"**{markdown.escape(self.title)}**"
        yield ""
        yield from markdown.table(
            ["<br>".join(map(markdown.escape, heading.splitlines())) for heading in self.headings],
            [[str(cell) for cell in row] for row in self.rows],
        )
