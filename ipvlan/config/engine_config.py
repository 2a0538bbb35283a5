"""Compares what Pulumi's engine gave the program with what is in the stack file, value by value.

The program plans from the file, as every command does. So where the engine has other values, from `--config-file`, an
environment or a newer way to set config, somebody would expect these, or reviewed those: nothing is deployed then.

Out of scope: the ways that a file shows already (`ipvlan.config.project_file`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping

from ipvlan import PROJECT
from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.problems import Problem

_NOTHING = ("", "null", "{}")
"""What the engine has for a key without a value, or whose declaration in Pulumi.yaml has an empty default."""


def differences(
    name: str, sections: Mapping[str, object], given: Mapping[str, str | None], plain: Collection[str]
) -> Iterator[Problem]:
    """Yield the keys whose value is not the one in the stack file.

    Args:
        name: The stack file's name.
        sections: The sections and `common` as they are in the file.
        given: The same keys -> the texts that the engine gave the program; None for none.
        plain: Keys that services refer to as secrets, and that are no secrets to the engine.
    """
    for key in (*SECTIONS, COMMON):
        if not _same(sections.get(key), given.get(key), is_text=key == COMMON):
            yield Problem(
                code="IPF045",
                key=f"{PROJECT}:{key}",
                value="",
                problem=f"Pulumi gave the program another value than {name} has",
                effect="what was planned and reviewed is the value in the file, and it is not what would be deployed",
                fix="run pulumi without --config-file, PULUMI_CONFIG and other sources of config; the stack file is the only one",
            )
    for key in sorted(plain):
        yield Problem(
            code="IPF046",
            key=f"{PROJECT}:{key}",
            value="(not shown)",
            problem=f"Pulumi gave the program a plaintext, and in {name} it is a secret",
            effect="the value would stand in plaintext in the state, and in the output of every preview",
            fix=f"run pulumi without other sources of config than {name}; set it by pulumi config set --secret {key}",
        )


def _same(in_file: object, given: str | None, *, is_text: bool) -> bool:
    if given is None or given in _NOTHING:
        return in_file in (None, "", {})
    if is_text:
        return in_file == given
    try:
        # Through JSON, so that true is not 1.
        return json.dumps(in_file, sort_keys=True) == json.dumps(json.loads(given), sort_keys=True)
    except (ValueError, RecursionError):
        return False
