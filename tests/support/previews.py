"""Documents of `pulumi preview --json`, as Pulumi 3.259 writes them."""

from __future__ import annotations

from typing import Any

PARENT = "urn:pulumi:dev::ipvlan-fabric::ipvlan-fabric:host_slice:HostSlice$docker:index/"
NETWORK = f"{PARENT}network:Network::fabric-docker-1-network"
CONTAINER = f"{PARENT}container:Container::fabric-docker-1-nginx"


def step(urn: str, op: str, *, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a step as Pulumi 3.259 writes it, without its place in the program."""
    states = {"oldState": old, "newState": new}
    return {
        "op": op,
        "urn": urn,
        **{
            name: {"urn": urn, "custom": True, "inputs": inputs}
            for name, inputs in states.items()
            if inputs is not None
        },
        "detailedDiff": None,
    }


def document(*steps: dict[str, Any], summary: dict[str, int] | None = None) -> dict[str, Any]:
    """Return a document of a preview; its summary counts the steps unless another one is given."""
    counts: dict[str, int] = {}
    for entry in steps:
        counts[entry["op"]] = counts.get(entry["op"], 0) + 1
    return {"config": {}, "steps": list(steps), "duration": 1, "changeSummary": counts if summary is None else summary}
