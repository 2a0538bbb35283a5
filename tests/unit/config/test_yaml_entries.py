"""New entries of a YAML text: read back as they are, with every other byte of the text where it was."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ipvlan.config.yaml_entries import add_entries
from ipvlan.config.yaml_text import parse_text
from ipvlan.problems import ConfigError
from tests.support.hostile import HOSTILE
from tools.reference_setup import STACK_TEXT

PATH = ("config", "ipvlan-fabric:services")
HEAD = STACK_TEXT.partition("  ipvlan-fabric:services:")[0]
ENTRY: dict[str, Any] = {"web": {"image": "nginx:1.27", "hosts": ["docker-1"], "published": True, "offset": 3}}
LINES = "    web:\n      image: nginx:1.27\n      hosts: [docker-1]\n      published: true\n      offset: 3\n"
IN_LINE = 'web: {image: "nginx:1.27", hosts: [docker-1], published: true, offset: 3}'


def services(text: str) -> Any:
    """Return the services of a stack file's text."""
    return parse_text(text, "x")["config"]["ipvlan-fabric:services"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (STACK_TEXT, STACK_TEXT + LINES),
        (STACK_TEXT.rstrip("\n"), STACK_TEXT + LINES),
        (STACK_TEXT + "# end\n", STACK_TEXT + LINES + "# end\n"),
        (HEAD, HEAD + "  ipvlan-fabric:services:\n" + LINES),
        (HEAD + "  ipvlan-fabric:services: {}  # none\n", HEAD + "  ipvlan-fabric:services:  # none\n" + LINES),
        (HEAD + "  ipvlan-fabric:services: {}", HEAD + "  ipvlan-fabric:services:\n" + LINES),
        (
            HEAD + "  ipvlan-fabric:services: {a: {image: b}}\nx: 1\n",
            HEAD + "  ipvlan-fabric:services: {a: {image: b}, " + IN_LINE + "}\nx: 1\n",
        ),
        (
            "config: {ipvlan-fabric:services: {}}\n",
            "config: {ipvlan-fabric:services: {" + IN_LINE + "}}\n",
        ),
        (
            "config: {a: 1}\n",
            'config: {a: 1, "ipvlan-fabric:services": {' + IN_LINE + "}}\n",
        ),
    ],
)
def test_each_layout(before: str, after: str) -> None:
    """Blocks, braces, nothing yet; with comments around it, and line ends of both kinds."""
    assert add_entries(before, PATH, ENTRY, "x") == after
    crlf = before.replace("\n", "\r\n")
    if "\n" in before.rstrip("\n"):
        assert add_entries(crlf, PATH, ENTRY, "x") == after.replace("\n", "\r\n")


TOP = "config:\n  ipvlan-fabric:services:"
BLOCK = "    a:\n      image: b\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"{TOP} {{\n# inside\n}}\n", f"{TOP}\n# inside\n{LINES}"),
        (f"{TOP} {{# at once\n  }}  # end\nx: 1\n", f"{TOP} # at once\n    # end\n{LINES}x: 1\n"),
        (f"{TOP} &a {{  # first\n\n    # second\n  }}\n", f"{TOP} &a  # first\n\n    # second\n{LINES}"),
        (f"{TOP} {{\n  }}  # none\nx: 1\n", f"{TOP}  # none\n{LINES}x: 1\n"),
        (f"{TOP}\n    {{}}\nx: 1\n", f"{TOP}\n{LINES}x: 1\n"),
        (f"{TOP}  # none yet\n    {{}}  # none\n", f"{TOP}  # none yet\n    # none\n{LINES}"),
        (
            f"{TOP} {{\n    a: {{image: b}},  # one, of b\n    # c: {{image: d}},\n  }}\nx: 1\n",
            f"{TOP} {{\n    a: {{image: b}},  # one, of b\n    # c: {{image: d}},\n    {IN_LINE}\n  }}\nx: 1\n",
        ),
        (
            f"{TOP} {{\n    a: {{image: b}}  # one, of b\n  }}\nx: 1\n",
            f"{TOP} {{\n    a: {{image: b}},  # one, of b\n    {IN_LINE}\n  }}\nx: 1\n",
        ),
        (
            f"{TOP} {{ a: {{image: b}}, # one\n  }}\nx: 1\n",
            f"{TOP} {{ a: {{image: b}}, # one\n    {IN_LINE}\n  }}\nx: 1\n",
        ),
        (f"{TOP} {{\n    a: {{image: b}},\n  }}\n", f"{TOP} {{\n    a: {{image: b}},\n    {IN_LINE}\n  }}\n"),
        (f"{TOP} {{a: {{image: b}}, }}\n", f"{TOP} {{a: {{image: b}}, {IN_LINE} }}\n"),
        (
            "x: &x {image: b}\n" + f"{TOP} {{\n    a: *x # one, of b\n  }}\n",
            "x: &x {image: b}\n" + f"{TOP} {{\n    a: *x, # one, of b\n    {IN_LINE}\n  }}\n",
        ),
        (
            "config: {ipvlan-fabric:services: { # none\n}}\n",
            f"config: {{ipvlan-fabric:services: {{ # none\n  {IN_LINE}\n}}}}\n",
        ),
        (f"{TOP}\n{BLOCK}      # published: true\n", f"{TOP}\n{BLOCK}      # published: true\n{LINES}"),
        (f"{TOP}\n{BLOCK}      # published: true", f"{TOP}\n{BLOCK}      # published: true\n{LINES}"),
        (
            f"{TOP}\n{BLOCK}\n     # one\n\n        # two\n\n    # c:\n    #   image: d\n  # e\nx: 1\n",
            f"{TOP}\n{BLOCK}\n     # one\n\n        # two\n{LINES}\n    # c:\n    #   image: d\n  # e\nx: 1\n",
        ),
        (
            f"{TOP}\n{BLOCK}      user: |\n        c\n        # d\n      # published: true\nx: 1\n",
            f"{TOP}\n{BLOCK}      user: |\n        c\n        # d\n      # published: true\n{LINES}x: 1\n",
        ),
        (
            "config:\n  y:\n    z: 1\n    # of y\n# end\n",
            f"config:\n  y:\n    z: 1\n    # of y\n  ipvlan-fabric:services:\n{LINES}# end\n",
        ),
    ],
)
def test_comments_stay_where_they_are(before: str, after: str) -> None:
    """Each comment is kept, at the entry that it belongs to, and no line is left empty."""
    assert add_entries(before, PATH, ENTRY, "x") == after
    assert add_entries(before.replace("\n", "\r\n"), PATH, ENTRY, "x") == after.replace("\n", "\r\n")


@pytest.mark.parametrize(
    "text",
    [
        "a: &x {b: {c: d}}\nconfig:\n  ipvlan-fabric:services: *x\n",
        "config:\n  x: &x\n    b: {c: d}\n  ipvlan-fabric:services: *x\n",
        "config:\n  ipvlan-fabric:services: [a]\n",
        "config: {}\n",
        "config:\n  ipvlan-fabric:services: &x\n    a: {image: b}\n  y: *x\n",
    ],
)
def test_what_cannot_be_written(text: str) -> None:
    """A mapping that something else shares is not changed."""
    with pytest.raises((ConfigError, TypeError)):
        add_entries(text, PATH, ENTRY, "x")


TEXTS = st.one_of(
    st.text(max_size=20).filter(lambda text: not any("\ud800" <= letter <= "\udfff" for letter in text)),
    st.sampled_from(["yes", "y", "010", "1:30", "0x1", "1e3", "null", "~", "", "2024-01-01", "a: b", "- a", "{", "*a"]),
    st.sampled_from(["&a", "!a", "%a", "true", "1.50", "_1", "=", "\\"]),
    st.sampled_from(["'", '"', "#a", "a #b", "?", "a?b", "|", ">", "@a", "`a", " a", "a ", "a\tb", "a\nb\n"]),
)
KEYS = TEXTS.filter(lambda text: text != "<<")
"""Our reader takes no key `<<`."""
VALUES = st.recursive(
    st.one_of(TEXTS, st.integers(-(10**9), 10**9), st.booleans()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=12,
)


@given(
    st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), min_size=1, max_size=3),
    st.sampled_from(["", "{}", "{a: {b: c}}"]),
)
def test_every_value_is_read_back(entries: dict[str, Any], empty: str) -> None:
    """Whatever a text is, all readers of YAML read it alike, in lines and in braces."""
    before = f"# head\nconfig:\n  ipvlan-fabric:services: {empty}\n  last: 1\n" if empty else STACK_TEXT
    after = add_entries(before, PATH, {f"new {name}": value for name, value in entries.items()}, "x")
    added = {name: value for name, value in services(after).items() if name.startswith("new ")}
    assert added == {f"new {name}": value for name, value in entries.items()}
    assert after.startswith(before.partition("{")[0].rstrip(" ")) or not empty


INSERTS = ["", "  ", " #", "\n#", "\n    #", "\n      #", "\n          #", "\n\n"]
BETWEEN = st.lists(st.sampled_from(INSERTS), min_size=12, max_size=12)
"""What is put behind each line of a text; a comment is numbered."""


@given(
    st.sampled_from(
        [
            f"{TOP}\n{BLOCK}      ports:\n      - c\n    d:\n      e: |\n        f\n  x: 1\n",
            f"{TOP} {{\n    a: {{image: b,\n    x: [1, 2]}},\n    c: {{\n      image: d\n    }}\n  }}\n  x: 1\n",
            f"{TOP} {{\n  }}\n  x: 1\n",
            f"{TOP}\n    {{}}\n  x: 1\n",
            f"{TOP}\n    {{\n    a: {{image: b}},\n    }}\n  x: 1\n",
            "config: {\n  x: 1,\n  ipvlan-fabric:services: {\n  }\n  }\n",
            "config:\n  x:\n    y: >-\n      folded\n      text\n",
        ]
    ),
    BETWEEN,
    st.sampled_from(["\n", "\r\n"]),
)
def test_no_comment_is_lost_or_moved(layout: str, between: list[str], line_end: str) -> None:
    """Wherever comments and blank lines are, the entry is written, and no line is left empty."""
    lines = [
        f"{line}{more}{number if '#' in more else ''}"
        for number, (line, more) in enumerate(zip(layout.split("\n"), between, strict=False))
    ]
    before = "\n".join(lines).replace("\n", line_end)
    try:
        parse_text(before, "x")
    except ConfigError:
        # A comment in a text of several lines.
        assume(False)
    after = add_entries(before, PATH, ENTRY, "x")
    comments = re.compile(r"#[0-9]+")
    assert comments.findall(after) == comments.findall(before)
    empty = [sum(not line.strip() for line in text.splitlines()) for text in (before, after)]
    assert empty[1] <= empty[0]
    assert ("\r" in after) == ("\r" in before)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_values(text: str) -> None:
    """They are read back, and a text with half a character is none that a file can have."""
    if "\ud800" in text:
        return
    after = add_entries(STACK_TEXT, PATH, {"web": {"image": text, "list": [text]}}, "x")
    assert services(after)["web"] == {"image": text, "list": [text]}
    assert after.startswith(STACK_TEXT)
