"""A substitute for a host's `docker`, whose containers and volumes `fake_docker_plugin` creates.

It knows the command lines of `rehearsal_clean.sh` alone. That a real daemon answers them so is shown by tests/lab.
"""

from __future__ import annotations

import json
import re

from ipvlan.plan.resource_names import OWNER_LABEL
from tests.support.docker_state import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def act(arguments: list[str], state: dict[str, Any]) -> int:  # noqa: PLR0911
    """Do what one command line is for."""
    containers: dict[str, Any] = state["containers"]
    match arguments:
        case ["container", "inspect", "--format", template, name]:
            found = find(name, containers)
            if found is None:
                return fail(f"Error response from daemon: No such container: {name}")
            print(fill(template, found, containers[found]))
            return 0
        case ["container", "rm", "--volumes", name]:
            found = find(name, containers)
            if found is None or state["keeps"]:
                return fail("Error response from daemon: cannot remove container")
            del containers[found]
            return 0
        case ["volume", "ls", "--format", "{{.Name}}"]:
            if state["down"]:
                return fail(
                    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
                )
            print("\n".join(state["volumes"]))
            return 0
        case ["volume", "rm", name]:
            if name in state["used"]:
                return fail(f"Error response from daemon: remove {name}: volume is in use - [5cafe]")
            state["volumes"].remove(name)
            return 0
    return fail(f"fake docker does not know: {arguments}")


def find(name: str, containers: dict[str, Any]) -> str | None:
    """Return the name of the container that has this name or id, or whose id begins so, as Docker looks for it."""
    if name in containers:
        return name
    return next((key for key, container in containers.items() if container["id"].startswith(name)), None)


def fill(template: str, name: str, container: dict[str, Any]) -> str:
    """Return the template's text, as Go's template package does."""
    labels = container["labels"]
    values = {
        "{{.Name}}": f"/{name}",
        "{{.Id}}": container["id"],
        "{{.State.Status}}": container["status"],
        "{{.State.StartedAt}}": container["started"],
        "{{json .Config.Labels}}": json.dumps(labels),
    }
    for variable, value in values.items():
        template = template.replace(variable, value)
    equal = re.compile(r'\{\{eq \(index \.Config\.Labels "' + re.escape(OWNER_LABEL) + r'"\) "([^"]*)"\}\}')
    return equal.sub(lambda found: str(labels.get(OWNER_LABEL, "") == found[1]).lower(), template)
