"""The name of a stack in all of Pulumi's spellings, and the stack that is selected in Pulumi's workspace.

`STACK`, `ORG/STACK` and `ORG/PROJECT/STACK` are one stack: the names of its file and of its label have STACK alone. The
pulumi command gets the spelling that the user gave.

Out of scope: whether there is such a file or such a stack.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ipvlan.config.project_file import PROJECT_FILE
from ipvlan.config.yaml_file import Checkout, read
from ipvlan.problems import Problem, UsageError, shorten

_NO_ORGANISATION: Final = "organization"
"""What backends without organisations (files, buckets) have in the place of one (pkg/backend/diy, 3.259.0)."""


def short_name(stack: str) -> str:
    """Return the stack's own name in any spelling of it."""
    return stack.rpartition("/")[2]


def check_project(stack: str, folder: Path) -> None:
    """Raise UsageError where the spelling names another project than the one in `folder`."""
    parts = stack.split("/")
    if len(parts) != 3:
        return
    project = read(Checkout(folder), PROJECT_FILE).get("name")
    if parts[1] != project:
        raise UsageError(
            [
                Problem(
                    code="IPF904",
                    key="--stack",
                    value=shorten(stack),
                    problem=f"it is a stack of project {shorten(parts[1])}, and the project in {folder} is {shorten(project)}",
                    effect="another stack's hosts would be compared with this project's config",
                    fix=f"name a stack of this project, such as {shorten(short_name(stack))}, or change into the other's folder",
                )
            ]
        )


def selected_in_workspace(folder: Path, environment: Mapping[str, str]) -> str | None:
    """Return the stack that `pulumi stack select` selected for the project; None where there is none, or where it is not clear.

    Pulumi keeps it in a file of its own folder, named after the project and the SHA-1 of the path of Pulumi.yaml, by the URL of
    the state's backend (package workspace of Pulumi's Go SDK, 3.259.0). Nothing is run, and no backend is asked.

    Args:
        folder: The project's folder.
        environment: The environment's variables.
    """
    home = Path(environment.get("PULUMI_HOME") or Path(environment.get("HOME", "/")) / ".pulumi")
    project = read(Checkout(folder), PROJECT_FILE)
    digest = hashlib.sha1(str(folder / PROJECT_FILE).encode(), usedforsecurity=False).hexdigest()
    workspace = _json(home / "workspaces" / f"{project.get('name')}-{digest}-workspace.json")
    credentials = _json(Path(environment.get("PULUMI_CREDENTIALS_PATH") or home) / "credentials.json")
    of_project = project.get("backend")
    backend = (
        environment.get("PULUMI_BACKEND_URL")
        or (of_project.get("url") if isinstance(of_project, Mapping) else None)
        or credentials.get("current")
    )
    stacks = workspace.get("stacks")
    stack = stacks.get(backend) if isinstance(stacks, Mapping) else None
    stack = stack or workspace.get("stack")
    if not isinstance(stack, str) or not stack:
        return None
    # The state of such a backend is found by the short name as well.
    return short_name(stack) if stack.startswith(f"{_NO_ORGANISATION}/") else stack


def _json(path: Path) -> Mapping[str, Any]:
    """Return the mapping in the file; an empty one where there is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}
