"""The failures of hosts, and of connections to them: their shape and their codes.

Out of scope: wording. What failed says so where it is raised.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final, Self

from ipvlan.problems import Problem, UserError, numbered

HOST_UNREACHABLE: Final = "IPF711"
"""ssh does not reach the host, or the host does not answer in time."""
DOCKER_UNAVAILABLE: Final = "IPF712"
"""The host's Docker does not answer."""
DOCKER_REFUSED: Final = "IPF713"
"""Docker refuses a request."""
NOT_ROOT: Final = "IPF714"
"""Nothing can be done as root on the host."""
TOOL_MISSING: Final = "IPF715"
"""A program is missing on the host."""
NOT_PUBLISHED: Final = "IPF716"
"""A container's bridge attachment does not bind its ports, or gives it no route."""
NOT_UNPUBLISHED: Final = "IPF717"
"""A container cannot be disconnected from the bridge."""
NO_GATEWAY_PRIORITY: Final = "IPF718"
"""The fabric's name keeps the bridge from being the gateway, on a Docker without gateway priorities."""
NETWORKING_FAILED: Final = "IPF719"
"""The host's routes and shim cannot be set, removed or read."""
PARENT_CONFLICT: Final = "IPF720"
"""Another ipvlan network is on the host's parent."""
UNREADABLE: Final = "IPF721"
"""The host answers something that this program cannot read."""
NOT_UP: Final = "IPF734"
"""A container does not come up."""
NOT_RESTORED: Final = "IPF735"
"""The previous container cannot be kept ready, or cannot run again."""
CONTAINER_REFUSED: Final = "IPF733"
"""Docker refuses a new container."""
RESTORED_ON_NETWORK: Final = "IPF736"
"""A network is to be replaced on which a previous container runs."""
NOT_THE_CONTAINER: Final = "IPF741"
"""The container is not the one that was declared, or cannot be connected to the bridge."""
VISIT_TOO_LONG: Final = "IPF742"
"""What was asked of the host did not end in time."""
NOT_SENDABLE: Final = "IPF743"
"""A value cannot be sent to a host."""
NOT_OURS: Final = "IPF744"
"""A unit, link or route of others has the name or destination that is planned."""
SAME_MACHINE: Final = "IPF761"
"""Two hosts of the plan are one machine."""
OTHER_MACHINE: Final = "IPF762"
"""Another machine, or another Docker, answers for a host than the one in the state."""
DISK_FULL: Final = "IPF763"
"""Docker has no space left on the host."""
HOST_LOCKED: Final = "IPF771"
"""Another run has the host's lock."""
NO_HOST_LOCK: Final = "IPF772"
"""The host's lock cannot be taken."""
HOST_LOCK_LOST: Final = "IPF773"
"""The connection that holds the host's lock has ended."""
CHANGED_SINCE: Final = "IPF774"
"""What was to be repaired is not what was shown any more."""
REPAIR_UNDONE: Final = "IPF775"
"""A repair failed, and everything is as it was before."""
REPAIR_NOT_UNDONE: Final = "IPF776"
"""A repair failed, and could not be undone."""

VOLUME_MISSING: Final = "IPF793"
"""A volume that somebody else makes does not exist."""
VOLUME_NOT_OURS: Final = "IPF794"
"""A planned volume exists, and this stack did not make it."""
VOLUME_DIFFERENT: Final = "IPF795"
"""A volume has another driver or other options than planned, and Docker cannot change them."""
VOLUME_REFUSED: Final = "IPF796"
"""Docker refuses to create a volume."""
VOLUME_IN_USE: Final = "IPF797"
"""A volume is to be deleted and created again, and containers of others use it."""
VOLUME_UNKNOWN: Final = "IPF799"
"""What `up` would do to a volume is not known, as the state cannot be read."""
VOLUME_OF_OLD_NAME: Final = "IPF801"
"""A volume is to be used again under another name of its host, and deleted under the old one."""

BRIDGE_UNUSABLE: Final = "IPF803"
"""A bridge network that somebody else makes does not exist, or cannot be used."""
BRIDGE_NOT_OURS: Final = "IPF804"
"""A planned bridge network exists, and this stack did not make it."""
BRIDGE_IN_USE: Final = "IPF805"
"""A bridge network is to be created again, and containers of others are on it."""
BRIDGE_NOT_REMOVED: Final = "IPF806"
"""A bridge network cannot be removed."""
BRIDGE_REFUSED: Final = "IPF807"
"""Docker refuses to create a bridge network."""
BRIDGE_SUBNET_TAKEN: Final = "IPF821"
"""A network of the host has the subnet of a bridge network that is to be created."""
BRIDGE_LINK_TAKEN: Final = "IPF822"
"""Something on the host has the interface name of a bridge network that is to be created."""
NOT_ATTACHED: Final = "IPF808"
"""A container cannot be connected to its bridge networks, or disconnected from one."""
FILES_NOT_WRITTEN: Final = "IPF811"
"""A container's files cannot be written, read or removed on the host."""
FILES_NOT_OURS: Final = "IPF812"
"""The folder of a container's files is not this stack's, or others could write to it."""
FILES_NOT_ROOT: Final = "IPF813"
"""Nothing can write a container's files as root on the host."""
FILES_REFUSED: Final = "IPF814"
"""A container does not go on with its new files, and has the previous ones again or is left as it is."""
FILES_NOT_BACK: Final = "IPF815"
"""A container does not go on with its new files, and not with its previous ones either."""
FILES_RESTARTED: Final = "IPF816"
"""A container was restarted, as its file could not be changed while it runs."""
FILES_REMAPPED: Final = "IPF817"
"""Docker remaps the users of containers, so a file's owner on the host is another one in the container."""
FILES_REFUSED_BEFORE: Final = "IPF818"
"""A container did not go on with the same files at the last try."""
NETWORK_NOT_REMOVED: Final = "IPF845"
"""The fabric's network cannot be removed from a host."""
OFF_THE_FABRIC: Final = "IPF846"
"""Containers of the state are not on the fabric."""

DOCKER_NEEDS_FORWARDING: Final = "IPF857"
"""Docker, whose rules are to be in nftables, does not start while the kernel does not forward."""

SSH_NOT_STARTED: Final = "IPF781"
"""ssh cannot be started on this machine."""
NO_SHARED_CONNECTION: Final = "IPF782"
"""This machine cannot have the socket of a shared ssh connection."""
ROOTLESS: Final = "IPF783"
"""The host's Docker is rootless, and has no NIC of the host."""

NAME_TAKEN: Final = "IPF751"
"""A planned name is that of a container or network which is not removed."""


class HostError(UserError):
    """Something on a host, or on the connection to it, is not as the plan needs it."""

    subject = "the hosts"
    heading: ClassVar[str] = "the hosts have problems:"
    """Printed before the problems where there are several."""

    def __init__(self, problems: Iterable[Problem], *, host: str = "") -> None:
        super().__init__(problems)
        self.host = host
        """Name of the host; empty where it is about several."""

    @classmethod
    def on(cls, host: str, code: str, *, problem: str, effect: str, fix: str) -> Self:
        """Return the failure of one host.

        Args:
            host: The host's name.
            code: One of this module's codes.
            problem: What is wrong, one clause.
            effect: What it causes, and what was changed on the host if that is not obvious.
            fix: What to do about it.
        """
        about = Problem(code=code, key=f'host "{host}"', value="", problem=problem, effect=effect, fix=fix)
        return cls([about], host=host)

    @property
    def summary(self) -> str:
        """The problems in one line, for a table or a log: `host "docker-1": Docker does not answer`."""
        return "; ".join(f"{problem.key}: {problem.problem}" for problem in self.problems)

    def __str__(self) -> str:
        return str(self.problems[0]) if self.host else numbered(self.heading, self.problems)


class HostUnreachableError(HostError):
    """ssh itself failed: no connection, no accepted key, or a host key that is not the expected one."""


class DockerRefusedError(HostError):
    """Docker answers a request with a refusal: it runs, and says why."""


class OtherMachineError(HostError):
    """Another machine, or another Docker, answers for the host than the one in the state: nothing of it is believed."""


class DockerNeedsForwardingError(HostError):
    """Docker on the host does not start: its rules are to be in nftables, and the kernel does not forward."""


class NoDockerSocketError(HostError):
    """Where Docker should listen on the host there is no socket."""
