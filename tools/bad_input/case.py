"""One bad input, and the problems that the program finds in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.make import make_plan
from ipvlan.plan.neighbours import warnings_of_others
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import ConfigError, Problem
from tools.reference_setup import changed


@dataclass(frozen=True, kw_only=True)
class BadInput:
    """One bad input."""

    title: str
    """What is bad about it, as the documentation calls it."""
    changes: Mapping[str, Any]
    """Key path in the reference setup's config -> the value to put there."""
    expected: tuple[tuple[str, str], ...]
    """The beginning of the key, and the code, of exactly the problems that the program must find."""
    warning: bool = False
    """Whether they are warnings, and the config is planned."""
    text: str | None = None
    """A complete stack file instead of changes to the reference setup."""
    project: str | None = None
    """The text of Pulumi.yaml."""
    beside: str | None = None
    """The file of another stack of the project; the problems are then what the two have with each other."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Path below the project's folder -> bytes, for the files of services."""

    @classmethod
    def of(cls, title: str, changes: Mapping[str, Any], *expected: tuple[str, str], warning: bool = False) -> BadInput:
        """Return a bad input that is the reference setup with changes."""
        return cls(title=title, changes=changes, expected=expected, warning=warning)

    def problems(self, folder: Path) -> tuple[Problem, ...]:
        """Return what the program finds: the errors, or the warnings of the plan. `folder` is for the stack file."""
        for path, content in self.files.items():
            place = folder / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        try:
            if self.text is None:
                config = parse(changed(self.changes), Checkout(folder))
            else:
                (folder / "Pulumi.test.yaml").write_text(self.text, encoding="utf-8")
                if self.project is not None:
                    (folder / "Pulumi.yaml").write_text(self.project, encoding="utf-8")
                config = load_stack("test", folder)
            plan = make_plan(config)
            if self.beside is None:
                return plan.warnings
            (folder / "Pulumi.other.yaml").write_text(self.beside, encoding="utf-8")
            return warnings_of_others(plan, "test", Checkout(folder))
        except ConfigError as error:
            return error.problems
