"""Mistakes in the stack file itself: its YAML, its sections, the files and secrets that it refers to."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput
from tools.reference_setup import STACK_TEXT

STACK_FILES: Final = tuple(
    BadInput(title=title, changes={}, expected=((key, code),), text=text)
    for title, text, key, code in (
        ("a tab in the indentation", "config:\n\tx: 1\n", "Pulumi.test.yaml:2:1", "IPF005"),
        ("a quote that does not end", 'config:\n  x: "1\n', "Pulumi.test.yaml:", "IPF005"),
        ("a bracket that does not end", "config:\n  x: [1\n", "Pulumi.test.yaml:", "IPF005"),
        ("a control character", "config:\n  x: \x07\n", "Pulumi.test.yaml", "IPF006"),
        ("a key written twice", "config:\n  x: 1\n  x: 2\n", "Pulumi.test.yaml:3:3", "IPF011"),
        ("an alias without an anchor", "config: *nowhere\n", "Pulumi.test.yaml:1:9", "IPF035"),
        ("an alias to itself", "config: &a [*a]\n", "Pulumi.test.yaml:1:13", "IPF009"),
        ("an empty file", "", "Pulumi.test.yaml: config", "IPF014"),
        ("a list as the file", "- config\n", "Pulumi.test.yaml", "IPF008"),
        ("config is a string", "config: none\n", "Pulumi.test.yaml: config", "IPF014"),
        ("080 without quotes", "config:\n  x: 080\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("1e3 without quotes", "config:\n  x: 1e3\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("on without quotes", "config:\n  x: on\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("22:22 without quotes", "config:\n  x: [22:22]\n", "Pulumi.test.yaml:2:7", "IPF013"),
        ("0x10 without quotes", "config:\n  x: 0x10\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("1_000 without quotes", "config:\n  x: 1_000\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("a date without quotes", "config:\n  x: 2026-01-01\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("nested 500 deep", "config: " + "[" * 500, "Pulumi.test.yaml", "IPF007"),
        ("Null without quotes", "config:\n  x: Null\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("0X1F without quotes", "config:\n  x: 0X1F\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("1_0.5 without quotes", "config:\n  x: 1_0.5\n", "Pulumi.test.yaml:2:6", "IPF013"),
        ("a number as a key", "config:\n  8: x\n", "Pulumi.test.yaml:2:3", "IPF037"),
        ("a question mark between braces", "config:\n  x: {y: a?b}\n", "Pulumi.test.yaml:2:10", "IPF053"),
        ("a line separator", "config:\n  x: a\u2028b\n", "Pulumi.test.yaml:2:7", "IPF052"),
        (
            "a file of aliases",
            f"config:\n  x: &x [{'1,' * 200}]\n  y: [{'*x,' * 100}]\n",
            "Pulumi.test.yaml:3:",
            "IPF032",
        ),
        ("a tag", "config:\n  x: !!binary aGk=\n", "Pulumi.test.yaml:2:6", "IPF038"),
        ("a second document", f"{STACK_TEXT}---\nconfig: {{}}\n", "Pulumi.test.yaml:", "IPF030"),
        (
            "aliases that explode",
            "config:\n  a0: &a0 [1]\n" + "".join(f"  a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 20)),
            "Pulumi.test.yaml:",
            "IPF032",
        ),
        (
            "aliases that stand for very much",
            f"config:\n  a: &a [{'1,' * 400}]\n  b: [{'*a,' * 400}]\n",
            "Pulumi.test.yaml:",
            "IPF032",
        ),
        ("a merge of nothing", "config:\n  <<: []\n", "Pulumi.test.yaml:2:7", "IPF012"),
        ("a merge of an alias of a list", "x: &x [{}]\nconfig:\n  <<: *x\n", "Pulumi.test.yaml:3:7", "IPF012"),
        ("a quoted merge key", "config:\n  '<<': {}\n", "Pulumi.test.yaml:2:3", "IPF047"),
        ("a list as a key", "config:\n  [p, q]: 1\n", "Pulumi.test.yaml:2:3", "IPF010"),
        ("a merge of what is no mapping", "config:\n  <<: 1\n", "Pulumi.test.yaml:2:7", "IPF012"),
        (
            "a section as JSON text",
            STACK_TEXT.replace("ipvlan-fabric:services:", "ipvlan-fabric:ssh: '{}'\n  ipvlan-fabric:services:"),
            "ssh",
            "IPF102",
        ),
        (
            "an empty section",
            STACK_TEXT.replace("ipvlan-fabric:services:", "ipvlan-fabric:ssh:\n  ipvlan-fabric:services:"),
            "ssh",
            "IPF050",
        ),
        (
            "a shared file outside the project",
            f"{STACK_TEXT}  ipvlan-fabric:common: ../common.yaml\n",
            "common",
            "IPF017",
        ),
        (
            "a shared file that does not exist",
            f"{STACK_TEXT}  ipvlan-fabric:common: stacks/other.yaml\n",
            "common: stacks/other.yaml",
            "IPF001",
        ),
        (
            "a secret that is not set",
            f"{STACK_TEXT}      secret_environment: {{TOKEN: token}}\n",
            "services.nginx.secret_environment.TOKEN",
            "IPF023",
        ),
        (
            "a secret in plaintext",
            f"{STACK_TEXT}      secret_environment: {{TOKEN: token}}\n  ipvlan-fabric:token: hunter2\n",
            "ipvlan-fabric:token",
            "IPF024",
        ),
    )
)
