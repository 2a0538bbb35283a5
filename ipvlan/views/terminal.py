"""The terminal: the one console of the program, which shows text and never obeys it.

Every text that is printed passes here, so no view has to think of it: names, labels and errors that hosts give, and what a stack
file says, may have the control characters of a terminal (ECMA-48) or the markup of rich.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, HighlighterType, JustifyMethod, OverflowMethod, RenderableType
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from ipvlan.problems import plain


class Terminal(Console):
    """A console to which a string is text: without markup, emoji names and colours of its own, and `plain`."""

    def render_str(
        self,
        text: str,
        *,
        style: str | Style = "",
        justify: JustifyMethod | None = None,
        overflow: OverflowMethod | None = None,
        emoji: bool | None = None,  # noqa: ARG002  # no text is read as a name of an emoji
        markup: bool | None = None,  # noqa: ARG002  # no text is read as markup
        highlight: bool | None = None,  # noqa: ARG002  # the views say what has a colour
        highlighter: HighlighterType | None = None,  # noqa: ARG002
    ) -> Text:
        """Return the text of a string; rich calls it for what is printed, and for titles, headings and cells of tables."""
        return Text(plain(text, keep="\n"), style=style, justify=justify, overflow=overflow)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield what is written, `plain` once more: a Text has what it was made of."""
        for segment in super().render(renderable, options):
            # Of rich's own are those that move the cursor.
            yield segment if segment.control else Segment(plain(segment.text, keep="\n"), segment.style)
