"""What Pulumi.yaml adds to the config of every stack, and which keys of a stack file Pulumi reads as ours.

Pulumi fills a config from more than the stack file: from defaults and values in Pulumi.yaml, from Pulumi ESC, from another
folder or project file, and from keys without a namespace (package workspace of Pulumi's Go SDK, 3.259.0). `ipvlan` reads the
stack file and its shared file alone. What would make the two differ is refused, by the commands and by the program alike.

Out of scope: what Pulumi really gave the program (`ipvlan.config.engine_config`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ipvlan import PROJECT
from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.config.yaml_file import Folder, read
from ipvlan.problems import Problem, shorten

PROJECT_FILE: Final = "Pulumi.yaml"

_OTHER_PROJECT_FILES: Final = ("Pulumi.json",)
"""Project files that Pulumi takes before Pulumi.yaml; it reads Pulumi.STACK.json beside it then."""

_DECLARES: Final = frozenset({"type", "description", "items", "secret"})
"""Keys of a declaration that give a key no value."""


def project_problems(folder: Folder) -> Iterator[Problem]:
    """Yield what in the project's own file changes the config of its stacks; nothing where there is no such file.

    Raises:
        StackFileError: Pulumi.yaml is not YAML that all readers read alike.
    """
    for name in _OTHER_PROJECT_FILES:
        if folder.has(name):
            yield _project(
                "IPF043",
                name,
                "",
                "Pulumi would take it for the project's file",
                f"remove it: {PROJECT_FILE} is the project's file",
            )
    if not folder.has(PROJECT_FILE):
        return
    project = read(folder, PROJECT_FILE)
    if project.get("name") != PROJECT:
        yield _project(
            "IPF044",
            f"{PROJECT_FILE}: name",
            shorten(project.get("name")),
            f"Pulumi would read keys of this namespace, and the stack files have `{PROJECT}:`",
            f"write name: {PROJECT}",
        )
    if project.get("main") not in (None, "", ".", "./"):
        yield _project(
            "IPF051",
            f"{PROJECT_FILE}: main",
            shorten(project["main"]),
            "Pulumi would run the program in another folder, with the shared files of that folder",
            f"remove it, and put the program beside {PROJECT_FILE}",
        )
    if project.get("stackConfigDir"):
        yield _project(
            "IPF048",
            f"{PROJECT_FILE}: stackConfigDir",
            shorten(project["stackConfigDir"]),
            "Pulumi would read the stack files of that folder",
            f"remove it, and put the stack files beside {PROJECT_FILE}",
        )
    config = project.get("config")
    if isinstance(config, Mapping):
        yield from _values(config)
    elif config is not None:
        yield _project(
            "IPF049",
            f"{PROJECT_FILE}: config",
            shorten(config),
            "this is not a mapping, and Pulumi would read the stack files of a folder of this name",
            "remove it, or declare the stacks' keys below it",
        )


def stack_file_problems(name: str, content: Mapping[str, object]) -> Iterator[Problem]:
    """Yield what in a stack file gives the program values that `ipvlan` does not read under our keys.

    Args:
        name: The file's name.
        content: What is in it; `config` may be missing or no mapping.
    """
    if content.get("environment") not in (None, [], {}):
        yield Problem(
            code="IPF041",
            key=f"{name}: environment",
            value="",
            problem="Pulumi ESC would add values to the config that are not in this file",
            effect="`pulumi up` would deploy what no plan, report or review shows",
            fix="write the values into the stack file; for credentials alone: pulumi env run ENVIRONMENT -- pulumi up",
        )
    config = content.get("config")
    for key in config if isinstance(config, Mapping) else ():
        namespace, separator, rest = key.partition(":")
        if not separator:
            yield Problem(
                code="IPF039",
                key=f"{name}: {shorten(key)}",
                value="",
                problem="the key has no namespace",
                effect=f"Pulumi would read it as {PROJECT}:{shorten(key)}, and a reader of the file might not",
                fix=f"write {PROJECT}:{shorten(key)}, or remove it",
            )
        elif ":" in rest and (namespace == PROJECT or rest.count(":") > 1 or not rest.startswith("config:")):
            yield Problem(
                code="IPF040",
                key=f"{name}: {shorten(key)}",
                value="",
                problem="the key has more than one colon",
                effect=f"Pulumi would read {PROJECT}:config:NAME as {PROJECT}:NAME, and nothing else with two colons",
                fix=f"write {PROJECT}:NAME",
            )


def _values(config: Mapping[str, object]) -> Iterator[Problem]:
    """Yield each declaration of a key of ours that gives it a value."""
    for key, declaration in config.items():
        namespace, _, rest = key.rpartition(":")
        if namespace not in ("", PROJECT, f"{PROJECT}:config"):
            continue
        declared = declaration if isinstance(declaration, Mapping) else {"default": declaration}
        empty: dict[str, object] = {"default": ""} if rest == COMMON else {"default": {}} if rest in SECTIONS else {}
        if any(
            part not in _DECLARES and not (part in empty and value in (None, empty[part]))
            for part, value in declared.items()
        ):
            yield _project(
                "IPF042",
                f"{PROJECT_FILE}: config.{shorten(key)}",
                "",
                "it has a value or a default of its own",
                "write the value into the stack files, or into the file that `common` names",
            )


def _project(code: str, key: str, value: str, problem: str, fix: str) -> Problem:
    return Problem(
        code=code,
        key=key,
        value=value,
        problem=problem,
        effect="`pulumi up` would deploy what is in no stack file, and no plan, report or review would show it",
        fix=fix,
    )
