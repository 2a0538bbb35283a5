"""Runs in the namespaces of a simulated fleet of three hosts: creates containers on them, and prints what `status` finds, over ssh.

Started by tests/unit/bench/fleet/test_fleet.py. Prints a JSON object: what is found with all hosts well, and with failures.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import closing
from typing import Any

from bench.fleet import namespace
from bench.fleet.engine import BRIDGE
from bench.fleet.fill import Socket
from bench.fleet.project import STACK, addresses, config
from bench.fleet.server import write_hosts
from ipvlan.checks.status import read_status
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import ContainerPlan, HostPlan, Plan
from ipvlan.plan.ownership import by_labels
from ipvlan.plan.resource_names import PORTS_LABEL, STACK_LABEL, ports_label
from ipvlan.plan.validate import parse

HOSTS = 3
PREFIX = "ipvlan-fabric:"


def create(host: HostPlan) -> None:
    """Create on a host what is planned there."""
    network = host.network
    pool = {"Subnet": str(network.subnet), "IPRange": str(network.ip_range), "Gateway": str(network.gateway)}
    with closing(Socket(namespace.FOLDER / "hosts" / str(host.address) / "docker.sock")) as engine:
        engine.send_json(
            "POST",
            "/networks/create",
            {
                "Name": network.name,
                "Driver": "ipvlan",
                "Options": {"ipvlan_mode": network.mode, "parent": network.parent},
                "IPAM": {"Config": [pool]},
                "Labels": {STACK_LABEL: STACK},
            },
        )
        for container in host.containers:
            image, _, digest = container.image.partition("@")
            engine.send_json("POST", f"/images/create?fromImage={image}&tag={digest}")
            path = f"/containers/create?name={container.name}"
            id_ = engine.send_json("POST", path, body(host, container))["Id"]
            if container.bridged:
                engine.send_json("POST", f"/networks/{BRIDGE}/connect", {"Container": id_})
            engine.send_json("POST", f"/containers/{id_}/start")


def body(host: HostPlan, container: ContainerPlan) -> dict[str, Any]:
    """Return the settings of a container as the API takes them."""
    labels = {STACK_LABEL: STACK}
    if container.docker_ports:
        labels[PORTS_LABEL] = ports_label(container.docker_ports)
    bindings = {
        f"{port.container_port}/{port.protocol}": [{"HostIp": "", "HostPort": str(port.host_port)}]
        for port in container.ports
    }
    address = {"IPAMConfig": {"IPv4Address": str(container.fabric_address)}}
    return {
        "Image": container.image,
        "Labels": labels,
        "HostConfig": {"NetworkMode": host.network.name, "PortBindings": bindings},
        "NetworkingConfig": {"EndpointsConfig": {host.network.name: address}},
    }


def found(plan: Plan) -> list[str]:
    """Return the differences of all hosts, as `host kind`."""
    status = read_status(plan, STACK, lambda: by_labels(STACK), timeout=10)
    return [f"{host.plan.name} {difference.kind.value}" for host in status.hosts for difference in host.differences]


def main() -> None:
    """Print what is found."""
    namespace.prepare(HOSTS)
    os.environ["TMPDIR"] = str(namespace.FOLDER / "tmp")
    hosts = addresses(HOSTS)
    write_hosts(namespace.FOLDER / "hosts", hosts)
    namespace.start_hosts()
    raw = {key.removeprefix(PREFIX): value for key, value in config(HOSTS).items() if key.startswith(PREFIX)}
    plan = make_plan(parse({**raw, "ssh": {"shared_connection": False, "connect_timeout": 1}}))
    for host in plan.hosts[:2]:
        create(host)
    result = {"well": found(plan)}
    refused, silent, _ = hosts
    namespace.fail_hosts([refused], [silent])
    json.dump({**result, "failed": found(plan)}, sys.stdout)


main()
