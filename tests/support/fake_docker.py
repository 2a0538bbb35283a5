"""A substitute for a host's `docker` command line: it answers as a test tells it to, faults above all.

It knows nothing of how Docker chooses a container's gateway: a test states which connections bind ports (`binds`). Its messages
are those that Docker printed in the lab (20.10, 26.1, 28.5). That a real daemon behaves so is shown by tests/lab.
"""

from __future__ import annotations

from tests.support.docker_state import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def act(arguments: list[str], state: dict[str, Any]) -> int:  # noqa: PLR0911
    """Do what one command line is for."""
    if state["daemon"] == "down":
        return fail("Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?")
    match arguments:
        case ["version", *_]:
            print(state["api"])
            return 0
        case ["network", "connect", "--help"]:
            print("      --gw-priority int" if state["cli_priority"] else "      --ip string")
            return 0
        case ["container", "inspect", "--format", template, name]:
            return inspect(name, state, template)
        case ["container", "inspect", name]:
            return inspect(name, state)
        case ["network", "connect", *options, "bridge", name]:
            if options and not state["cli_priority"]:
                return fail("unknown flag: --gw-priority")
            if options and state["api"] < "1.48":
                return fail('"--gw-priority" requires API version 1.48, but the Docker daemon API version is 1.41')
            return connect(name, bool(options), state)
        case ["network", "disconnect", "bridge", name]:
            container = find(name, state)
            if container is None:
                return fail(f"Error response from daemon: No such container: {name}")
            if not container["connected"] or state["contradicts"]:
                return fail(f"Error response from daemon: container {name} is not connected to network bridge")
            container.update(connected=False, binding=False)
            return 0
    return fail(f"fake docker does not know: {arguments}")


def find(name: str, state: dict[str, Any]) -> dict[str, Any] | None:
    """Return the container as Docker looks for it: by its id, then by its name, then by the first digits of its id."""
    containers: list[dict[str, Any]] = state["containers"]
    for matches in (
        [container for container in containers if container["id"] == name],
        [container for container in containers if container["name"] == name],
        [container for container in containers if container["id"].startswith(name)],
    ):
        if matches:
            return matches[0]
    return None


def connect(name: str, priority: bool, state: dict[str, Any]) -> int:
    """Connect; whether that binds the ports, the test has said."""
    container = find(name, state)
    if container is None:
        return fail(f"Error response from daemon: No such container: {name}")
    if container["connected"] or state["contradicts"]:
        return fail(f"Error response from daemon: endpoint with name {name} already exists in network bridge")
    if state["conflicts"]:
        state["conflicts"] -= 1
        return fail(
            "Error response from daemon: cannot program address 172.17.0.2/16 in sandbox interface because it conflicts with "
            "existing route {Ifindex: 5 Dst: 172.17.0.0/16 Src: 172.17.0.2 Gw: <nil> Flags: [] Table: 254 Realm: 0}"
        )
    if state["taken"]:
        container["stale"] = True
        return fail(
            f"Error response from daemon: driver failed: Bind for 0.0.0.0:{state['taken']} failed: port is already allocated"
        )
    container["connected"] = True
    container["binding"] = state["binds"]["with priority" if priority else "without"]
    return 0


def inspect(name: str, state: dict[str, Any], template: str | None = None) -> int:
    """Print the container as `docker container inspect` does; `template` names values alone."""
    container = find(name, state)
    if container is None:
        print("[]" if template is None else "")
        return fail(f"Error response from daemon: No such container: {name}")
    bound = container["running"] is True and container["connected"] and container["binding"]
    # As Docker 26.1 does: a connection that failed stays in the list, though disconnecting it is refused.
    listed = container["connected"] or container.get("stale", False)
    networks: dict[str, Any] = {state["fabric"]: {}} | ({"bridge": {}} if listed else {})
    inspected = {
        "Id": container["id"],
        "Name": f"/{container['name']}",
        "Created": "2026-11-26T03:00:00.123456789Z",
        "Config": {"Image": "registry.lab:5000/nginx"},
        "HostConfig": {"NetworkMode": container.get("mode", state["fabric"])},
        "State": {
            # Docker reports "Running" for a container that it is about to start once more.
            "Running": container["running"] is not False,
            "Restarting": container["running"] == "restarting",
            "Status": {True: "running", False: "exited"}.get(container["running"], "restarting"),
            "ExitCode": 0 if container["running"] is True else 1,
            "Pid": 0,
        },
        "NetworkSettings": {
            "Networks": networks,
            "Ports": {
                port: [{"HostIp": "0.0.0.0", "HostPort": str(number)}] if bound else None  # noqa: S104
                for port, number in container["ports"].items()
            },
        },
    }
    if template is not None:
        print(filled(template, inspected))
        return 0
    import json

    print(json.dumps([inspected]))
    return 0


def filled(template: str, inspected: dict[str, Any]) -> str:
    """Return the template with its values, such as `{{.State.Pid}}`; it has nothing else."""
    first, *rest = template.split("{{.")
    text = first
    for part in rest:
        path, after = part.split("}}", 1)
        found: Any = inspected
        for name in path.split("."):
            found = found[name]
        text += f"{found}{after}"
    return text
