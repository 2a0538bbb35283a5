"""Secret values are not shown, in none of the usual forms."""

from __future__ import annotations

import pytest

from ipvlan.hosts.secret_values import mask, values_of

KEY = "-----BEGIN KEY-----\nMIIEvQIBADANBg\nabc\n-----END KEY-----\n"


def test_values_are_those_of_the_named_variables() -> None:
    """An empty one is no secret; a value may have an equals sign."""
    environment = ["A=1", "TOKEN=x=y", "EMPTY=", "TOKEN2=z"]
    assert values_of(environment, {"TOKEN", "EMPTY", "MISSING"}) == ("x=y",)


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        ("hunter22", "login with hunter22 (hunter222)", "login with *** (***2)"),
        # In a JSON document, in a URL, in a form.
        ('p"ss\\word', r'{"password": "p\"ss\\word"}', '{"password": "***"}'),
        ("p@ss w/rd", "postgres://me:p%40ss%20w%2Frd@db p%40ss%20w/rd p%40ss+w%2Frd", "postgres://me:***@db *** ***"),
        ("grün-geheim", r'"gr\u00fcn-geheim" grün-geheim', '"***" ***'),
        # All of it, and single lines of it.
        (KEY, f"key: {KEY}", "key: ***\n"),
        (KEY, "MIIEvQIBADANBg at line 2", "*** at line 2"),
        # A pattern is plain text.
        ("a.*b", "axxb a.*b", "axxb ***"),
        # A short one is part of much else.
        ("abc", "abc abcd /abc/ abc", "*** abcd /***/ ***"),
        ("1", "exit 1 of 10", "exit *** of 10"),
    ],
)
def test_a_value_is_masked(value: str, text: str, shown: str) -> None:
    """Wherever it is."""
    assert mask(text, [value]) == shown


def test_the_longest_is_masked_first() -> None:
    """One value may be a part of another; without any the text stays."""
    assert mask("secret-and-more secret", ["secret", "secret-and-more"]) == "*** ***"
    assert mask("secret", []) == "secret"
    assert mask("a b", [" \n "]) == "a b"
