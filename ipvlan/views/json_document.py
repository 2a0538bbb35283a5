"""What all JSON documents have in common: how their shape is declared, and the shape of a problem.

A document is a `TypedDict` in the view of its subcommand, beside the function that fills it in. `ipvlan.views.json_schemas` makes
its JSON Schema. A document never has a value of a secret: the plan has none.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import ConfigDict, with_config
from typing_extensions import TypedDict  # pydantic accepts the one of `typing` from Python 3.12 on

from ipvlan.problems import Problem

__all__ = ["ProblemEntry", "TypedDict", "document_part", "problem_entries"]

document_part: Final = with_config(ConfigDict(extra="forbid", use_attribute_docstrings=True))
"""Decorator of every TypedDict of a document: no further keys; the schema's descriptions are the docstrings below the keys."""


@document_part
class ProblemEntry(TypedDict):
    """A problem of the stack file."""

    code: str
    """The rule: docs/errors.md lists the codes."""
    key: str
    """Path of the config key."""
    value: str
    """The value, shortened; empty when there is none."""
    problem: str
    """What is wrong."""
    effect: str
    """What it would cause on the hosts."""
    fix: str
    """What to write instead."""


def problem_entries(problems: Iterable[Problem]) -> list[ProblemEntry]:
    """Return problems as they are in a document."""
    return [
        {
            "code": problem.code,
            "key": problem.key,
            "value": problem.value,
            "problem": problem.problem,
            "effect": problem.effect,
            "fix": problem.fix,
        }
        for problem in problems
    ]
