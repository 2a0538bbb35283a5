"""The copy of a stack file that a preview without secrets reads."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from ipvlan.config.yaml_text import StackFileError
from tools.reference_setup import CIPHER
from tools.stack_copy import SALT, STAND_IN, without_secrets

PLACEHOLDER = {"secure": STAND_IN}
STYLES = {
    "block": f"  a:b:\n    secure: {CIPHER}\n",
    "flow": f"  a:b: {{secure: {CIPHER}}}\n",
    "flow, JSON": f'  a:b: {{"secure":"{CIPHER}"}}\n',
    "flow, several lines": f"  a:b: {{\n    secure:\n      {CIPHER}\n    }}\n",
    "quoted key": f"  a:b:\n    'secure': \"{CIPHER}\"\n",
    "explicit key": f"  a:b:\n    ? secure\n    : {CIPHER}\n",
    "anchor on the mapping": f"  a:b: &x\n    secure: {CIPHER}\n  a:c: *x\n",
    "anchor in flow style": f"  a:b: &x {{secure: {CIPHER}}}\n  a:c: *x\n",
    "anchor on the value": f"  a:b:\n    secure: &x {CIPHER}\n",
    "alias as the value": f"  a:c: {{secure: &x {CIPHER}}}\n  a:b: {{secure: *x}}\n",
    "merged": f"  a:c: &x {{secure: {CIPHER}}}\n  a:b: {{<<: *x}}\n",
    "literal": f"  a:b:\n    secure: |-\n      {CIPHER}\n",
    "folded, with a line more": f"  a:b:\n    secure: >\n      {CIPHER}\n\n",
    "double quotes over lines": f'  a:b:\n    secure: "{CIPHER[:20]}\\\n      {CIPHER[20:]}"\n',
    "comments": f"  a:b: # one\n    # two\n    secure: {CIPHER} # three\n",
}


@pytest.mark.parametrize("salt", ["encryptionsalt: v1:salt\n{}", "{}encryptionsalt: 'v1:salt'\n", "{}"], ids=str)
@pytest.mark.parametrize("style", STYLES)
def test_a_secret_in_any_style_becomes_a_placeholder(style: str, salt: str) -> None:
    """No cipher text and no salt of the file is left, and all else reads as before."""
    text = salt.format(f'config:\n  a:first: ["80:80", 1.50]\n{STYLES[style]}  a:last: "no" # kept\n')
    copy = without_secrets(text)
    assert CIPHER not in copy
    assert CIPHER[20:] not in copy
    assert "v1:salt" not in copy
    config = YAML(typ="safe", pure=True).load(copy)["config"]
    assert config["a:b"] == PLACEHOLDER
    assert {key: value for key, value in config.items() if key not in ("a:b", "a:c")} == {
        "a:first": ["80:80", 1.5],
        "a:last": "no",
    }
    assert config.get("a:c", PLACEHOLDER) == PLACEHOLDER


@pytest.mark.parametrize("style", sorted(STYLES.keys() - {"alias as the value", "merged"}))
def test_the_rest_of_the_text_stays_as_it_is(style: str) -> None:
    """Pulumi reads it itself, with all that its reader and ours read differently."""
    copy = without_secrets(f"config:\n  a:first: [1.50, ~] # here\n{STYLES[style]}  a:last: 'x'\n")
    assert copy.startswith(f"encryptionsalt: {SALT}\nconfig:\n  a:first: [1.50, ~] # here\n  a:b:")
    assert copy.endswith("  a:last: 'x'\n")


def test_a_file_in_flow_style_is_read_too() -> None:
    """It is written anew, in JSON, which is YAML."""
    copy = without_secrets(
        f'{{"encryptionsalt": "v1:salt", "config": {{"a:b": {{"secure": "{CIPHER}"}}, "a:c": "\\u007f é"}}}}'
    )
    assert YAML(typ="safe", pure=True).load(copy) == {
        "encryptionsalt": SALT,
        "config": {"a:b": PLACEHOLDER, "a:c": "\x7f é"},
    }


@pytest.mark.parametrize("text", ["config: [", "a: &x\n  b: *x\n", "- 1\n", "config: {\x07}\n", "[" * 2000], ids=repr)
def test_what_cannot_be_read_ends_in_a_sentence(text: str) -> None:
    """With the file's name in it."""
    with pytest.raises(StackFileError) as caught:
        without_secrets(text, "Pulumi.dev.yaml")
    assert "Pulumi.dev.yaml" in str(caught.value)
