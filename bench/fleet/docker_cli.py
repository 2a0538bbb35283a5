"""What Docker's command line prints on a simulated host: the commands that the scripts of ipvlan/hosts/scripts give."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from bench.fleet.engine import API, VERSION, RefusedError, SimulatedHost

_CONTAINER: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "{{.Id}} {{.Name}} {{.HostConfig.NetworkMode}}": lambda c: (
        f"{c['Id']} {c['Name']} {c['HostConfig']['NetworkMode']}"
    ),
    "{{.State.Pid}}": lambda c: str(c["State"]["Pid"]),
    "{{json .Config.Labels}}": lambda c: json.dumps(c["Config"]["Labels"]),
}
"""Go templates of the scripts -> what they make of a container."""


def run_docker(host: SimulatedHost, arguments: Sequence[str]) -> tuple[int, str]:
    """Run a command of Docker's on a host; return its exit status and what it prints."""
    try:
        return 0, _run(host, arguments)
    except RefusedError as error:
        return 1, f"Error response from daemon: {error}\n"


def _run(host: SimulatedHost, arguments: Sequence[str]) -> str:  # noqa: PLR0911  # one for each command
    match list(arguments):
        case ["version", "--format", "{{.Server.Version}}"]:
            return f"{VERSION}\n"
        case ["version", "--format", "{{.Server.APIVersion}}"]:
            return f"{API}\n"
        case ["info", "--format", "{{.ID}} {{.SecurityOptions}}"]:
            return f"{host.id} [name=seccomp,profile=builtin name=cgroupns]\n"
        case ["network", "inspect", "bridge"]:
            return json.dumps([host.described_network(host.network("bridge"))])
        case ["network", "connect", "--help"]:
            return "      --gw-priority int\n"
        case ["network", "connect", *options, network, container]:
            priority = int(options[options.index("--gw-priority") + 1]) if "--gw-priority" in options else 0
            host.connect(host.network(network), host.container(container), {"GwPriority": priority})
            return ""
        case ["network", "disconnect", network, container]:
            host.disconnect(host.network(network), host.container(container))
            return ""
        case ["network", "ls", "-q", "--filter", "driver=ipvlan"]:
            return "".join(f"{each['Id']}\n" for each in host.networks.values() if each["Driver"] == "ipvlan")
        case ["ps", "-aq", "--no-trunc"]:
            return "".join(f"{id_}\n" for id_ in host.containers)
        case ["container", "inspect", which]:
            return json.dumps([host.container(which)]) + "\n"
        case ["container", "inspect", "--format", template, which] if template in _CONTAINER:
            return _CONTAINER[template](host.container(which)) + "\n"
    raise RefusedError(404, f"the simulated host has no `docker {' '.join(arguments)}`")
