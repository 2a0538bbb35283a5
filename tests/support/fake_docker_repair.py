"""A substitute for a host's `docker` command line in repairs: containers with their networks, which a test makes refuse.

Its messages are those that Docker 26.1 printed in the lab. That a real daemon behaves so is shown by tests/lab.
"""

from __future__ import annotations

from tests.support.docker_state import fail

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def refuse(text: str) -> int:
    """Print `text` as an error of the daemon."""
    return fail(f"Error response from daemon: {text}")


def act(arguments: list[str], state: dict[str, Any]) -> int:  # noqa: PLR0911
    """Do what one command line is for."""
    match arguments:
        case ["network", "inspect", "--format", _, network]:
            if network not in state["networks"].values():
                return refuse(f"network {network} not found")
            for id_, name, address in state["members"]:
                print(f"{id_} {address}/16 {name}")
            return 0
        case ["container", "inspect", "--format", template, id_]:
            if id_ not in state["containers"]:
                return refuse(f"No such container: {id_}")
            print_container(state["containers"][id_], template)
            return 0
        case ["start" | "unpause", id_]:
            if state["start_fails"]:
                return refuse(state["start_fails"])
            state["containers"][id_]["state"] = "running"
            return 0
        case ["network", "disconnect", "--force", network, id_]:
            return disconnect(state, network, id_)
        case ["network", "connect", *options, network, id_]:
            return connect(state, options, network, id_)
    return fail(f"fake docker does not know: {arguments}")


def print_container(container: dict[str, Any], template: str) -> None:
    """Print what the template of `repair_look.sh`, or the one for aliases, asks for."""
    if "Aliases" in template:
        for end in container["networks"].values():
            print("\n".join(end["aliases"]))
        return
    print(f"/{container['name']} {container['state']}")
    for name, end in sorted(container["networks"].items()):
        print(f"{name} {end['id']} {end['address']} {end['fixed']}")


def disconnect(state: dict[str, Any], network: str, id_: str) -> int:
    """Disconnect; a network is given by its id, or by its name where it is deleted."""
    name = next((key for key, value in state["networks"].items() if value == network), network)
    if name not in state["containers"][id_]["networks"]:
        return refuse(f"container {id_} is not connected to the network {name}")
    del state["containers"][id_]["networks"][name]
    return 0


def connect(state: dict[str, Any], options: list[str], network: str, id_: str) -> int:
    """Connect, unless the address is one that the test refuses."""
    address = options[options.index("--ip") + 1] if "--ip" in options else "10.1.1.77"
    if network not in state["networks"].values():
        return refuse(f"network {network} not found")
    if address in state["refused"]:
        return refuse("Address already in use")
    name = next(key for key, value in state["networks"].items() if value == network)
    aliases = [options[place + 1] for place, option in enumerate(options) if option == "--alias"]
    fixed = address if "--ip" in options else ""
    state["containers"][id_]["networks"][name] = {
        "id": network, "address": address, "fixed": fixed, "aliases": [*aliases, id_[:12]],
    }  # fmt: skip
    return 0
