"""Every kind of difference between a host and the plan: what it means, who repairs it and how.

One table. The comparison (`drift`), the repair (`heal`) and docs/troubleshooting.md read it.

Out of scope: finding a difference, and the text about a single one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, Self

from ipvlan.problems import Severity

Repairer = Literal["host", "pulumi", "person"]
"""Who repairs a difference: `ipvlan heal` on the host itself, `pulumi up`, or a person."""

REPAIRERS: Final[tuple[Repairer, ...]] = ("host", "pulumi", "person")
"""In the order in which `ipvlan heal` has them work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """How one kind of difference is repaired."""

    by: Repairer
    how: str
    """One clause, for docs/troubleshooting.md."""
    order: int = 0
    """Position among the repairs on one host. A container binds its ports at its start only when it is connected by then."""
    recreates: Literal["container", "network"] | None = None
    """What Pulumi creates again. A new container comes with its connections, a new network with its containers."""


def _on_host(order: int, how: str) -> Repair:
    return Repair(by="host", how=how, order=order)


_NEW_CONTAINER: Final = Repair(
    by="pulumi",
    how="`pulumi up --refresh --target` of that container, its connections to bridges, its image and its networks",
    recreates="container",
)
_NEW_NETWORK: Final = Repair(
    by="pulumi", how="`pulumi up --refresh --target` of everything on that host", recreates="network"
)


def _by_person(how: str) -> Repair:
    return Repair(by="person", how=how)


class DriftKind(StrEnum):
    """A kind of difference; its value is the name that `ipvlan status` prints."""

    summary: str
    """What it means, one clause."""
    repair: Repair
    severity: Severity | None
    """None where it depends on the single case."""

    def __new__(cls, name: str, summary: str, repair: Repair, severity: Severity | None = "error") -> Self:
        """Create the member `name` with its attributes."""
        kind = str.__new__(cls, name)
        kind._value_ = name
        kind.summary, kind.repair, kind.severity = summary, repair, severity
        return kind

    HOST_UNREACHABLE = (
        "host-unreachable",
        "ssh does not reach the host",
        _by_person("bring the host back, or correct its address, user or key"),
    )
    HOST_REPLACED = (
        "host-replaced",
        "another machine, or another Docker, answers than the one in the stack's state",
        _by_person("correct its address; or `ipvlan forget HOST --keep-config`, then `pulumi up`"),
    )
    DOCKER_SILENT = (
        "docker-silent",
        "Docker on the host does not answer",
        _by_person("`systemctl restart docker`; or correct `docker_socket`, where it listens elsewhere"),
    )
    PARENT_MISSING = (
        "parent-missing",
        "the host has no NIC with the parent's name",
        _by_person("give it back its NIC, or correct `parent` and run `pulumi up`"),
    )
    PARENT_DOWN = (
        "parent-down",
        "the parent is down, or has no carrier",
        _by_person("`ip link set PARENT up`, or the cable"),
    )
    NETWORK_MISSING = ("network-missing", "the fabric's network does not exist on the host", _NEW_NETWORK)
    NETWORK_DIFFERENT = (
        "network-different",
        "the network has another driver, subnet, gateway, range, mode or parent than planned",
        _NEW_NETWORK,
    )
    NETWORK_ON_PARENT = (
        "network-on-parent",
        "another network uses the parent, and only one can",
        _by_person("another `parent`; or, if nobody needs it, `docker network rm ID`"),
    )
    NETWORK_NOT_OURS = (
        "network-not-ours",
        "a network has the fabric's name, and is not in this stack's state",
        _by_person("another `fabric.name`; or, if nobody needs it, `docker network rm ID`, then `pulumi up`"),
    )
    NETWORK_ORPHANED = (
        "network-orphaned",
        "an interrupted `up` of this stack created the fabric's network, and the state does not record it",
        _by_person("`pulumi up`, which removes it or says why not"),
    )
    ROUTE_MISSING = (
        "route-missing",
        "the host has no route to the slice of another host",
        _on_host(1, "sets the routes and the shim of the host again"),
    )
    SHIM_MISSING = (
        "shim-missing",
        "the host's own link into the fabric, its address or its route is missing",
        _on_host(2, "sets the routes and the shim of the host again"),
    )
    FORWARDING_OFF = (
        "forwarding-off",
        "the kernel of a host with published ports, or with bridges that lead outside, forwards no packets",
        _by_person("`sysctl -w net.ipv4.ip_forward=1`, and keep it in a file of `/etc/sysctl.d`"),
    )
    FORWARD_DROPPED = (
        "forward-dropped",
        "Docker's rules are in nftables, and another chain of the host drops everything that it forwards",
        _by_person("`iptables -P FORWARD ACCEPT`; or rules in a chain of nftables, which are printed"),
    )
    CONTAINER_MISSING = ("container-missing", "a planned container does not exist", _NEW_CONTAINER)
    CONTAINER_STOPPED = (
        "container-stopped",
        "a planned container does not run",
        _on_host(9, "starts it"),
    )
    CONTAINER_RESTARTING = (
        "container-restarting",
        "a planned container ends and is started again by Docker, again and again",
        _by_person(
            "`docker logs`, of which the last lines are printed; correct its image or command, then `pulumi up`"
        ),
    )
    CONTAINER_UNHEALTHY = (
        "container-unhealthy",
        "a planned container runs, and its health check fails",
        _by_person("the health check's last output is printed; `docker logs` says more"),
    )
    CONTAINER_RESTORED = (
        "container-restored",
        "the previous container runs in place of its replacement, which could not be created or did not come up",
        _by_person("correct the stack file, then `pulumi up`; or `pulumi up --refresh`, to try the same again"),
    )
    CONTAINER_NOT_OURS = (
        "container-not-ours",
        "a container has a planned name, and is not in this stack's state",
        _by_person("another `container_name`; or, if nobody needs it, `docker rm -f ID`, then `ipvlan heal`"),
    )
    CONTAINER_ORPHANED = (
        "container-orphaned",
        "an interrupted `up` of this stack created a planned container, and the state does not record it",
        _by_person("`pulumi up`, which removes it or says why not"),
    )
    CONTAINER_RECREATED = (
        "container-recreated",
        "somebody recreated a planned container by hand: its name and the fabric's network, and no label of a stack or of Compose",
        _by_person("if nobody needs it, `docker rm -f ID`, then `ipvlan heal`"),
    )
    CONTAINER_NOT_PLANNED = (
        "container-not-planned",
        "this stack created a container that the plan does not have any more",
        _by_person("`pulumi up`"),
    )
    IMAGE_DIFFERENT = ("image-different", "a container was created from another image than planned", _NEW_CONTAINER)
    FABRIC_DISCONNECTED = (
        "fabric-disconnected",
        "a container is not connected to the fabric's network",
        _on_host(3, "connects it at its planned address; same container"),
    )
    ADDRESS_DIFFERENT = (
        "address-different",
        "a container holds another address than planned, or the planned one only until its next start",
        _on_host(4, "disconnects it, and connects it at its planned address; same container"),
    )
    BRIDGE_DISCONNECTED = (
        "bridge-disconnected",
        "a container that is published or has internet is not connected to the bridge",
        _on_host(10, "connects it to the bridge; same container"),
    )
    BRIDGE_CONNECTED = (
        "bridge-connected",
        "a container that is neither published nor has internet is connected to the bridge",
        _on_host(8, "disconnects it from the bridge; same container"),
    )
    ENDPOINT_MISSING = (
        "endpoint-missing",
        "a container is not connected to a bridge network of `bridges`, or to a deleted one of its name",
        _on_host(5, "connects it; same container"),
    )
    ENDPOINT_DIFFERENT = (
        "endpoint-different",
        "a container has other aliases than planned on a bridge network, or another gateway priority",
        _on_host(6, "disconnects it, and connects it as planned; same container"),
    )
    ENDPOINT_EXTRA = (
        "endpoint-extra",
        "a container is connected to a network that is not planned for it; `info` where the network is not of this stack",
        _on_host(7, "disconnects it from a network of this stack; same container. Another network is for a person"),
        None,
    )
    PORTS_DIFFERENT = ("ports-different", "a container was created with other ports than planned", _NEW_CONTAINER)
    PORTS_UNBOUND = (
        "ports-unbound",
        "a published container is connected to the bridge, and its ports are not bound on the host",
        _on_host(11, "connects it to the bridge again; same container"),
    )
    BRIDGE_NETWORK_MISSING = (
        "bridge-network-missing",
        "a bridge network of `bridges` does not exist on the host",
        Repair(
            by="pulumi",
            how="`pulumi up --refresh --target` of that network and of its containers' connections to it; an external one is for a "
            "person",
        ),
    )
    BRIDGE_NETWORK_DIFFERENT = (
        "bridge-network-different",
        "a bridge network has another driver or subnet, other options, or a way out of the host that is not planned",
        Repair(
            by="pulumi",
            how="`pulumi up --refresh --target` of that network and of its containers' connections to it: it is created again, and "
            "the containers run on; an external one, and one with containers of others, is for a person",
        ),
    )
    BRIDGE_NETWORK_NOT_OURS = (
        "bridge-network-not-ours",
        "a network has the name of a planned bridge network, and is not in this stack's state",
        _by_person("`external: true`, or another `name`; then `pulumi up`"),
    )
    BRIDGE_NETWORK_NOT_PLANNED = (
        "bridge-network-not-planned",
        "this stack created a bridge network that the plan does not have any more",
        _by_person("`pulumi up`"),
    )
    VOLUME_MISSING = (
        "volume-missing",
        "a planned volume does not exist on the host",
        Repair(
            by="pulumi",
            how="`pulumi up --refresh --target` of that volume: an empty one, unless its data is where its device is; an external "
            "one is for a person",
        ),
    )
    VOLUME_DIFFERENT = (
        "volume-different",
        "a planned volume has another driver or other options than planned, and Docker cannot change it",
        _by_person("correct `volumes`, or another `name` and a copy of the data; then `pulumi up`"),
    )
    VOLUME_NOT_OURS = (
        "volume-not-ours",
        "a volume has a planned name, and this stack did not create it",
        _by_person("`external: true`, or another `name`; then `pulumi up`"),
    )
    VOLUME_KEPT = (
        "volume-kept",
        "this stack created a volume that the plan does not have any more; it is kept with its data",
        _by_person("leave it; or, if nobody needs its data, `docker volume rm NAME`"),
        "info",
    )
    FILE_DIFFERENT = (
        "file-different",
        "a file of a service is missing on the host, or has other bytes, another owner or another mode than `up` wrote",
        Repair(
            by="pulumi",
            how="`pulumi up --refresh --target` of the service's files; the container is reloaded, restarted or replaced as the "
            "service says",
        ),
    )
    FILES_PENDING = (
        "files-pending",
        "new files of a service are on the host and not in use: the `up` that brought them was refused or cut short",
        _by_person("correct the files, then `pulumi up`; or `pulumi up --refresh`, to try the same again"),
    )
    FILES_UNREAD = (
        "files-unread",
        "the files of a service were not compared; `info` where the ssh user is not root and may not use sudo without a password",
        _by_person("name a user in `ssh` that is root, or may use sudo without a password"),
        None,
    )
    FILES_LEFT = (
        "files-left",
        "this stack put files of a service on the host that the plan does not have there any more",
        _by_person("`pulumi up`; or, where the state does not have them, `rm -r` of their folder"),
        "info",
    )
    ADDRESS_UNCHECKED = (
        "address-unchecked",
        "whether something else holds a planned address could not be checked when it was new",
        _by_person("`ipvlan preflight` checks it and says what is missing for that"),
        "info",
    )
    HELPER_LEFT = (
        "helper-left",
        "a run that was killed left a helper container, which does not run any more",
        _by_person("the next `ipvlan verify` or `preflight` that needs one removes it; or `docker rm -f`"),
        "info",
    )
    SPARE_LEFT = (
        "spare-left",
        "a run that was cut short left the previous container of a change, stopped",
        _by_person("the next `pulumi up` that replaces the container removes it"),
        "info",
    )
    FAILED_LEFT = (
        "failed-left",
        "a replacement that did not come up is kept, stopped, for `docker logs`",
        _by_person("the next `pulumi up` that replaces the container removes it"),
        "info",
    )
    REHEARSAL_LEFT = (
        "rehearsal-left",
        "a run that was cut short left a container by which a change was tried; it never runs",
        _by_person("the next `pulumi up` that replaces the container removes it; or `docker rm`"),
        "info",
    )
    FOREIGN_CONTAINER = (
        "foreign-container",
        "a container that is not of this stack is on the fabric; `info` where Docker may hand out its address",
        _by_person("leave it; or, if nobody needs it, `docker rm -f ID`"),
        None,
    )
    FOREIGN_ADDRESS = (
        "foreign-address",
        "a container that is not of this stack holds a planned address",
        _by_person("another address; or, if nobody needs it, `docker rm -f ID`, then `ipvlan heal`"),
    )
