"""The file that several stacks share: finds it by the stack's key `common`, and lays the stack's own keys over it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from ipvlan.config.messages import unknown_sections
from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.config.yaml_file import Folder, read
from ipvlan.config.yaml_text import StackFileError
from ipvlan.problems import ConfigError, Problem, shorten


def common_path(raw: Mapping[str, object]) -> str | None:
    """Return the path of the shared file below the project's folder; None where the stack has none.

    Raises:
        ConfigError: The key is no such path.
    """
    common = raw.get(COMMON)
    # Pulumi.yaml declares the empty text as the key's default.
    if common in (None, ""):
        return None
    if isinstance(common, str) and _is_below(common):
        return common
    raise ConfigError(
        [
            Problem(
                code="IPF017",
                key=COMMON,
                value=shorten(common),
                problem="this is not the path of a file in the project",
                effect="what the stacks share would be missing, or differ from checkout to checkout",
                fix="write a path below the project's folder, such as stacks/common.yaml",
            )
        ]
    )


def with_common(raw: Mapping[str, object], folder: Folder) -> tuple[dict[str, object], list[Problem]]:
    """Return the sections with what the shared file adds; the stack's own keys win, and its `null` removes an entry."""
    sections = {key: raw.get(key) for key in SECTIONS}
    try:
        common = common_path(raw)
    except ConfigError as error:
        return sections, list(error.problems)
    if common is None:
        return sections, []
    try:
        shared = read(folder, common)
    except StackFileError as error:
        return sections, [
            replace(problem, key=f"{COMMON}: {problem.key}", fix=f"correct {common}, or the path in the stack file")
            if "--stack" in problem.fix
            else problem
            for problem in error.problems
        ]
    problems = list(unknown_sections(shared, SECTIONS, f"{common}: ", "keys of a shared file"))
    # fabric and ssh are mappings of values; hosts and services are mappings of such mappings.
    return {
        key: _merge(shared.get(key), sections[key], 1 if key in ("fabric", "ssh") else 2) for key in SECTIONS
    }, problems


def _is_below(path: str) -> bool:
    """Return whether the text is the path of something below a folder: neither NUL nor half a character is in a file's name."""
    if "\0" in path or any("\ud800" <= character <= "\udfff" for character in path):
        return False
    return not Path(path).is_absolute() and ".." not in Path(path).parts


def _merge(shared: object, own: object, depth: int) -> object:
    if own is None:
        return shared
    if depth == 0 or not isinstance(shared, Mapping) or not isinstance(own, Mapping):
        return own
    merged = dict(shared)
    for key, value in own.items():
        if value is None and key in merged:
            del merged[key]
        else:
            merged[key] = _merge(merged.get(key), value, depth - 1)
    return merged
