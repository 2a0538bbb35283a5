"""Text in Markdown stays text."""

from __future__ import annotations

import pytest

from ipvlan.views import markdown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("10.1.1.0/24 -> 10.1.2.0/24", "10.1.1.0/24 -> 10.1.2.0/24"),
        ("secret_environment TOKEN", "secret_environment TOKEN"),
        ("_emphasis_ and *more*", r"\_emphasis\_ and \*more\*"),
        ("a | b", r"a \| b"),
        ("a \\| b", r"a \\\| b"),
        ("<img src=x> & </details>", "&lt;img src=x> &amp; &lt;/details>"),
        ("root@10.1.1.1 and `root@10.1.1.1`", "root@&#8203;10.1.1.1 and `root@10.1.1.1`"),
        ("mailto:a@evil.com o/r@0123abc", "mailto:&#8203;a@&#8203;evil.com o/r@&#8203;0123abc"),
        ("r/os@sha256:00 @sha256:x", "r/os@sha256:00 @&#8203;sha256:x"),
        ("run `a_b | <c>` there", r"run `a_b \| <c>` there"),
        ("an open ` and <b>", r"an open \` and &lt;b>"),
        ("```\n<b>", r"\`\`\` &lt;b>"),
        ("`a`` <img> ```", r"\`a\`\` &lt;img> \`\`\`"),
    ],
)
def test_escaped_text(text: str, escaped: str) -> None:
    """What Markdown reads as markup is escaped; the project's own code spans stay."""
    assert markdown.escape(text) == escaped


def test_code_span() -> None:
    """A code span cannot be ended by its text."""
    assert markdown.code("a`b | c\nd") == r"`a'b \| c d`"
    assert markdown.code("") == ""


def test_table() -> None:
    """A cell cannot end its row or its table."""
    assert list(markdown.table(("One", "Two"), [("a|b", "c\nd")])) == ["| One | Two |", "|---|---|", r"| a\|b | c d |"]
