"""Reads compose files: their values with their places, the variables in them, the name of the project.

A compose file is read as strictly as a stack file (`ipvlan.config.yaml_text`): within the same limits, and what readers of YAML
differ on is an error. The tags !reset and !override are refused as every other tag.

Out of scope: laying one file over another (`ipvlan.config.compose.merge`).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from yaml import MappingNode, SequenceNode
from yaml import Node as YamlNode

from ipvlan.config.compose.dotenv import DotenvError, parse_dotenv
from ipvlan.config.compose.interpolation import substitute
from ipvlan.config.compose.merge import merged
from ipvlan.config.compose.node import Hole, LeftOut, LeftOutError, Node, Place, Variables
from ipvlan.config.shown_values import shown
from ipvlan.config.yaml_edit import compose
from ipvlan.config.yaml_file import read_bytes, refuse_large
from ipvlan.config.yaml_text import StackFileError, parse_text
from ipvlan.problems import Problem, UserError, shorten

DOTENV: Final = ".env"
PROJECT_VARIABLE: Final = "COMPOSE_PROJECT_NAME"
_FILE_VARIABLE: Final = "COMPOSE_FILE"
_DEFAULT_FILES: Final = ("compose", "docker-compose")
"""Names of the files that compose reads where none is named, without their ends."""
_PROJECT_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]*")
"""compose-go 2.16, NormalizeProjectName in loader/loader.go."""

_NOTHING: Final = "nothing is imported"


class ComposeError(UserError):
    """Compose files, or files of variables, cannot be read."""

    subject = "what is to be imported"


@dataclass(frozen=True, slots=True)
class ComposeProject:
    """One or more compose files, laid over each other."""

    name: str
    """Of the project; compose begins the names of volumes with it."""
    content: Node
    variables: Variables
    notices: tuple[LeftOut, ...] = ()
    """Files that compose would read too."""


def read_project(
    files: Sequence[Path],
    *,
    name: str | None = None,
    env_files: Sequence[Path] | None = None,
    folder: str | None = None,
) -> ComposeProject:
    """Return the content of compose files, a later one laid over those before it.

    Args:
        files: One or more.
        name: The project's name; None takes COMPOSE_PROJECT_NAME of the variables, `name` of a file, or the folder's name.
        folder: Their folder on the host, where it is known: its name counts, and not that of the folder that they are in here.
        env_files: Files of variables, a later one wins; None takes `.env` beside the first file, if there is one.

    Raises:
        ComposeError: A file cannot be read; all that is wrong with all of them.
    """
    problems: list[Problem] = []
    variables = _variables(files[0].parent, env_files, problems)
    parsed = [parsed for file in files if (parsed := _parsed(file, problems)) is not None]
    if problems:
        raise ComposeError(problems)
    project = _project_name(
        files[0] if folder is None else Path(folder) / files[0].name,
        name,
        variables,
        [content for _, content, _ in parsed],
    )
    variables[PROJECT_VARIABLE] = project
    content = Node({}, Place(str(files[0]), 1))
    for file, plain, root in parsed:
        content = merged(content, _node(plain, root, Place(file, 1), variables))
    return ComposeProject(project, content, variables, tuple(_notices(files, variables)))


def _notices(files: Sequence[Path], variables: Variables) -> Iterator[LeftOut]:
    """Yield a line for files that `docker compose` reads in that folder, and that are not named here."""
    first, given = files[0], {file.name for file in files}
    of_env = variables.get(_FILE_VARIABLE)
    named = of_env.split(":") if isinstance(of_env, str) else []
    missing = [name for name in named if name and Path(name).name not in given]
    if missing:
        yield _notice(first, _FILE_VARIABLE, f"compose reads {', '.join(missing)} too: name every file, in that order")
    base = first.name.removesuffix(first.suffix)
    beside = [] if named or len(files) > 1 else [first.with_name(f"{base}.override{end}") for end in (".yaml", ".yml")]
    if base in _DEFAULT_FILES:
        for file in (file for file in beside if file.exists()):
            yield _notice(first, "services", f"compose lays {file.name} over this file: name it too, where it is meant")


def _notice(file: Path, key: str, reason: str) -> LeftOut:
    return LeftOut(place=Place(str(file), 1), service="", key=key, kind="advice", reason=reason)


def _problem(code: str, key: str, problem: str, fix: str, value: str = "") -> Problem:
    return Problem(code=code, key=key, value=value, problem=problem, effect=_NOTHING, fix=fix)


def _variables(folder: Path, env_files: Sequence[Path] | None, problems: list[Problem]) -> dict[str, str | Hole]:
    variables: dict[str, str | Hole] = {}
    for path in [folder / DOTENV] if env_files is None else env_files:
        text = _text(path, problems, may_be_missing=env_files is None)
        try:
            variables.update(parse_dotenv(text or "", variables))
        except DotenvError as error:
            problems.append(
                _problem(
                    "IPF923",
                    f"{path}:{error.args[0]}",
                    "this line is no NAME=VALUE",
                    "write one, close its quotes, or begin it with # for a comment",
                )
            )
    return variables


def _text(path: Path, problems: list[Problem], *, may_be_missing: bool = False) -> str | None:
    try:
        content = read_bytes(path)
        refuse_large(len(content), str(path))
        return content.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        if may_be_missing and isinstance(error, OSError) and error.errno in (errno.ENOENT, errno.ENOTDIR):
            return None
        what = error.strerror if isinstance(error, OSError) else f"byte {error.start} is not UTF-8"
        problems.append(
            _problem(
                "IPF922", shorten(str(path)), f"the file cannot be read: {what}", "name a text file that can be read"
            )
        )
    except StackFileError as error:
        problems.extend(_reworded(error))
    return None


def _parsed(path: Path, problems: list[Problem]) -> tuple[str, dict[str, Any], YamlNode] | None:
    text = _text(path, problems)
    if text is None:
        return None
    name = str(path)
    try:
        content = parse_text(text, name)
    except StackFileError as error:
        problems.extend(_reworded(error))
        return None
    root = compose(text)
    if root is None or not isinstance(content.get("services"), dict):
        problems.append(
            _problem(
                "IPF924",
                name,
                "it has no mapping `services`",
                "name a compose file, as `docker compose -f` takes it",
                value=shown(content.get("services")) if "services" in content else "",
            )
        )
        return None
    return name, content, root


def _reworded(error: StackFileError) -> list[Problem]:
    """Return the problems of a text for somebody who imports it: nothing of Pulumi is concerned yet."""
    return [
        replace(
            problem,
            effect=f"readers of YAML differ on it, and {_NOTHING}" if "Pulumi" in problem.effect else _NOTHING,
            fix="name a compose file" if "config:" in problem.fix or "stack" in problem.fix else problem.fix,
        )
        for problem in error.problems
    ]


def _project_name(first: Path, name: str | None, variables: Variables, contents: Sequence[Mapping[str, Any]]) -> str:
    in_files = [content["name"] for content in contents if isinstance(content.get("name"), str)]
    if name is None:
        given = variables.get(PROJECT_VARIABLE)
        name = given if given and isinstance(given, str) else None
    if name is None and in_files:
        try:
            name = substitute(in_files[-1], variables)
        except LeftOutError:
            name = in_files[-1]
    if name is None:
        name = "".join(re.findall(r"[a-z0-9_-]", first.resolve().parent.name.lower())).lstrip("_-")
    if not _PROJECT_NAME.fullmatch(name):
        raise ComposeError(
            [
                Problem(
                    code="IPF925",
                    key="--project-name",
                    value=shorten(name),
                    problem="this is not the name of a compose project",
                    effect="the names of its volumes begin with it, so the containers would not find their data",
                    fix="write the name that `docker compose ls` shows on the host: a-z, 0-9, _ and -",
                )
            ]
        )
    return name


def _node(value: Any, yaml: YamlNode | None, place: Place, variables: Variables) -> Node:
    """Return a value with its places; `yaml` is None where it was merged in by `<<`, and has the place of that mapping."""
    if yaml is not None:
        place = Place(place.file, yaml.start_mark.line + 1)
    if isinstance(value, dict):
        below = {key.value: (key, node) for key, node in yaml.value} if isinstance(yaml, MappingNode) else {}
        entries: dict[str, Node] = {}
        for key, inner in value.items():
            key_node, node = below.get(key, (None, None))
            at = place if key_node is None else Place(place.file, key_node.start_mark.line + 1)
            entry = _node(inner, node, at, variables)
            entries[key] = replace(entry, place=at)
        return Node(entries, place)
    if isinstance(value, list):
        nodes = yaml.value if isinstance(yaml, SequenceNode) else [None] * len(value)
        return Node([_node(inner, node, place, variables) for inner, node in zip(value, nodes, strict=True)], place)
    if isinstance(value, str):
        used: set[str] = set()
        try:
            return Node(substitute(value, variables, used), place, frozenset(used))
        except LeftOutError as error:
            return Node(Hole(str(error), value), place)
    return Node(value, place)
