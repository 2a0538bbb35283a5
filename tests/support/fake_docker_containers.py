"""A substitute for a host's `docker` command line that has containers: it renames, starts, stops and removes them.

A container is a document as `docker container inspect` prints it; `history` has all of them after each change. Its messages are
those of Docker 26.1. That a real daemon behaves so is shown by tests/lab.
"""

import json
import re
import sys
import time
from typing import Any

from tests.support.docker_substitute import fail, run

CHANGES = {"update", "stop", "kill", "rename", "start", "rm", "volume", "network"}


def refuse(text: str) -> int:
    """Print `text` as an error of the daemon."""
    return fail(f"Error response from daemon: {text}")


def act(arguments: list[str], state: dict[str, Any]) -> int:
    """Do what one command line is for."""
    if arguments[0] == "version":
        print("1.45")
        return 0
    if arguments[:3] == ["network", "connect", "--help"]:
        print("      --ip string")
        return 0
    if state["down"]:
        return fail("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    if arguments[0] not in CHANGES:
        return look(arguments, state)
    status = change(arguments, state)
    if status == 0:
        state["history"].append(json.loads(json.dumps(state["containers"])))
    return status


def look(arguments: list[str], state: dict[str, Any]) -> int:
    """Print what is asked for."""
    match arguments:
        case ["container", "inspect", "--format", template, which]:
            container = find(which, state)
            if container is None:
                print()
                return refuse(f"No such container: {which}")
            if template.startswith("state ") and state["steps"]:
                step = state["steps"].pop(0)
                if "started_ago" in step:
                    started = time.gmtime(time.time() - step.pop("started_ago"))
                    container["State"]["StartedAt"] = time.strftime("%Y-%m-%dT%H:%M:%S.5Z", started)
                container["RestartCount"] = step.pop("RestartCount", container["RestartCount"])
                container["State"].update(step)
            print(fill(template, container))
        case ["container", "inspect", which]:
            container = find(which, state)
            print(json.dumps([container] if container else [], indent=4))
            return 0 if container else refuse(f"No such container: {which}")
        case ["image", "inspect", "--format", "{{json .Config}}", image]:
            if image not in state["images"]:
                return refuse(f"No such image: {image}")
            print(json.dumps(state["images"][image]))
        case ["logs", "--tail", count, _]:
            print("\n".join(state["log"].split("\n")[-int(count) :]))
        case _:
            return fail(f"fake docker does not know: {arguments}")
    return 0


def change(arguments: list[str], state: dict[str, Any]) -> int:  # noqa: PLR0911
    """Do what changes a container or volume, unless the test makes Docker refuse it."""
    if arguments[0] in state["refuses"]:
        return refuse(state["refuses"][arguments[0]])
    match arguments:
        case ["volume", "rm", volume]:
            users = [each for each in state["containers"] if volume in json.dumps(each)]
            if users or volume not in state["volumes"]:
                return refuse(f"remove {volume}: volume is in use")
            state["volumes"].remove(volume)
            return 0
        case ["rename", which, name]:
            if any(each["Name"] == f"/{name}" for each in state["containers"]):
                return refuse(f'Conflict. The container name "/{name}" is already in use')
            return on(which, state, lambda container: container.update(Name=f"/{name}"))
        case ["update", "--restart", policy, which]:
            name, _, retries = policy.partition(":")
            value = {"Name": name, "MaximumRetryCount": int(retries or 0)}
            return on(which, state, lambda container: container["HostConfig"].update(RestartPolicy=value))
        case ["stop", *_, which] | ["kill", which]:
            return on(which, state, stop)
        case ["start", which]:
            return on(which, state, lambda container: container["State"].update(Status="running", Running=True))
        case ["rm", "-f", *_, which]:
            return on(which, state, state["containers"].remove)
        case ["network", "connect", *_, "bridge", which]:
            return on(which, state, connect)
    return fail(f"fake docker does not know: {arguments}")


def on(which: str, state: dict[str, Any], action: Any) -> int:
    """Do it to the container, and print its name as docker does."""
    container = find(which, state)
    if container is None:
        return refuse(f"No such container: {which}")
    action(container)
    print(which)
    return 0


def stop(container: dict[str, Any]) -> None:
    """End it; one that never ran stays as it is."""
    if container["State"]["Status"] != "created":
        container["State"].update(Status="exited", Running=False)


def connect(container: dict[str, Any]) -> None:
    """Connect it to the bridge, which binds its ports."""
    container["NetworkSettings"]["Networks"]["bridge"] = {}
    container["NetworkSettings"]["Ports"] = container["HostConfig"]["PortBindings"]


def find(which: str, state: dict[str, Any]) -> dict[str, Any] | None:
    """Return the container as Docker looks for it: by its id, then by its name, then by the first digits of its id."""
    containers: list[dict[str, Any]] = state["containers"]
    for matches in (
        [container for container in containers if container["Id"] == which],
        [container for container in containers if container["Name"] == f"/{which}"],
        [container for container in containers if container["Id"].startswith(which)],
    ):
        if matches:
            return matches[0]
    return None


def fill(template: str, container: dict[str, Any]) -> str:
    """Return the template's text, as Go's template package does."""
    labels = container["Config"]["Labels"] or {}
    health = container["State"].get("Health")
    template = template.replace(
        "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", health["Status"] if health else "none"
    ).replace("{{with .Config.StopTimeout}}{{.}}{{else}}10{{end}}", str(container["Config"].get("StopTimeout") or 10))
    label = r'\{\{with \.Config\.Labels\}\}\{\{with index \. "([^"]*)"\}\}'
    template = re.sub(
        label + r'\{\{if eq \. "([^"]*)"\}\}yes(?:\{\{end\}\}){3}',
        lambda match: "yes" if labels.get(match[1]) == match[2] else "",
        template,
    )
    template = re.sub(label + r"\{\{\.\}\}(?:\{\{end\}\}){2}", lambda match: labels.get(match[1], ""), template)

    def value(match: re.Match[str]) -> str:
        part: Any = container
        for name in match[1].split("."):
            part = part[name]
        return str(part)

    return re.sub(r"\{\{\.([A-Za-z.]+)\}\}", value, template)


if __name__ == "__main__":
    sys.exit(run(act))
