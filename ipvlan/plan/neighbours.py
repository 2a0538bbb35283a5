"""The other stacks of the project: the plan of each stack file beside the one that is planned.

No mistake in another stack's file is a mistake of this stack: such a file is named in a warning, and is not compared.

Out of scope: what two stacks cannot both have (`ipvlan.plan.clashes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ipvlan import PROJECT
from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.config.stack_names import short_name
from ipvlan.config.types.docker import HOST_NAME
from ipvlan.config.yaml_file import ProjectFolder
from ipvlan.config.yaml_text import StackFileError, parse_text
from ipvlan.plan.clashes import Neighbour, clashes
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_without_files
from ipvlan.problems import Problem, UserError, shorten

MOST_TEXT: Final = 1_000_000
"""Characters of other stacks' files, shared files included, that are read for one plan: about 3 s. A stack of 100 hosts has
10,000."""

FILES_NAMED: Final = 5
"""Files that one warning names."""


class _TooMuchError(StackFileError):
    """The files of the other stacks would take too long to read."""


@dataclass(slots=True)
class _Metered:
    """A folder from which at most `MOST_TEXT` characters are read."""

    folder: ProjectFolder
    characters: int = 0

    def text(self, name: str) -> str:
        """Return the text of a file: it is a `Folder`; raise _TooMuchError."""
        text = self.folder.text(name)
        if self.characters + len(text) > MOST_TEXT:
            raise _TooMuchError([])
        self.characters += len(text)
        return text

    def has(self, name: str) -> bool:
        """Return whether there is such a file."""
        return self.folder.has(name)

    def content(self, name: str) -> bytes:
        """Return the bytes of a file."""
        return self.folder.content(name)

    def below(self, name: str) -> list[str]:
        """Return the paths of the files below a folder."""
        return self.folder.below(name)


def with_clashes(plan: Plan, stack: str, folder: ProjectFolder) -> Plan:
    """Return the plan with a warning for each kind of thing that it cannot have because another stack of the project has it.

    Args:
        plan: The plan of `stack`.
        stack: The stack, in any of Pulumi's spellings.
        folder: The project's folder, which may be a commit.
    """
    return replace(plan, warnings=(*plan.warnings, *warnings_of_others(plan, stack, folder)))


def warnings_of_others(plan: Plan, stack: str, folder: ProjectFolder) -> tuple[Problem, ...]:
    """Return those warnings alone, by the names of the other stacks' files."""
    neighbours, not_compared = read_neighbours(stack, folder)
    return (*(clash for neighbour in neighbours for clash in clashes(plan, neighbour)), *not_compared)


def read_neighbours(stack: str, folder: ProjectFolder) -> tuple[Sequence[Neighbour], Sequence[Problem]]:
    """Return the other stacks of the project, and a warning about each file that is not compared, by file name.

    A file without config, as `pulumi stack init` writes it, is neither: it has nothing that could clash.
    """
    metered = _Metered(folder)
    neighbours: list[Neighbour] = []
    warnings: list[Problem] = []
    skipped: list[str] = []
    for name in folder.stack_files():
        other = _stack(name)
        # What Pulumi could not name is no stack.
        if other == short_name(stack) or not HOST_NAME.fullmatch(other):
            continue
        try:
            neighbours.append(Neighbour(stack=other, file=name, plan=make_plan(load_without_files(other, metered))))
        except _TooMuchError:
            skipped.append(name)
        except UserError as error:
            warnings += _not_compared(folder, name, error)
        except (ValueError, RecursionError) as error:
            # What a library makes of a value that nobody foresaw, such as a number of 5,000 digits: a mistake of that file too.
            warnings.append(_warning(name, f"it cannot be read: {shorten(str(error))}"))
    return neighbours, [*warnings, *([_skipped(skipped)] if skipped else [])]


def _not_compared(folder: ProjectFolder, name: str, error: UserError) -> list[Problem]:
    """Return the warning about a file with problems; none where it has no config."""
    count, first = len(error.problems), error.problems[0]
    problem = f"it has {count} problem{'' if count == 1 else 's'}, the first is {first.code} at {first.key}"
    fix = ""
    try:
        config = parse_text(folder.text(name), name).get("config")
    except UserError:
        pass
    else:
        if not config:
            return []
        if isinstance(config, dict) and not any(f"{PROJECT}:{key}" in config for key in (*SECTIONS, COMMON)):
            problem = f"its config has no key {PROJECT}:{SECTIONS[0]} and none of the other sections"
            fix = f"write the project's name before each key ({PROJECT}:), or move the file to the project that it belongs to"
    return [_warning(name, problem, fix)]


def _warning(name: str, problem: str, fix: str = "") -> Problem:
    return Problem(
        code="IPF350",
        key=shorten(name),
        value="",
        problem=problem,
        effect="this other stack of the project is not compared with the one that is planned",
        fix=fix or f"run: ipvlan --stack {shorten(_stack(name))} plan",
        severity="warning",
    )


def _stack(name: str) -> str:
    return name.removeprefix("Pulumi.").removesuffix(".yaml")


def _skipped(names: Sequence[str]) -> Problem:
    shown = ", ".join(shorten(name) for name in names[:FILES_NAMED])
    return Problem(
        code="IPF351",
        key=shown if len(names) <= FILES_NAMED else f"{shown} and {len(names) - FILES_NAMED} more",
        value="",
        problem=f"the files of the other stacks have more than {MOST_TEXT} characters together",
        effect="these stacks are not compared with the one that is planned",
        fix="move stacks that have no host in common to projects of their own",
        severity="warning",
    )
