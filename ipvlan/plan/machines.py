"""Which machine a host is, as far as the stack files say: the one place that decides whether two hosts are one machine.

Out of scope: names that lead to one machine by DNS or by the user's ~/.ssh/config; a run of `up` asks the machines themselves
(`ipvlan.checks.host_identity`).
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from ipvlan.config.types.ssh import SSH_PORT

if TYPE_CHECKING:
    from netaddr import IPAddress

    from ipvlan.config.types.ssh import SshTarget

SshServer: TypeAlias = tuple[str, int]
"""Host and port of an ssh server."""

_NUMERIC: Final = re.compile(r"(?:0[xX][0-9a-fA-F]+|[0-9]+)(?:\.(?:0[xX][0-9a-fA-F]+|[0-9]+)){0,3}")
"""What the C library reads as an IPv4 address, and asks no DNS for (inet_aton(3)): `192.168.257`, `0xc0a80101` and others."""


class Host(Protocol):
    """A host of a config or of a plan."""

    @property
    def address(self) -> IPAddress:
        """The host's own address."""

    @property
    def ssh(self) -> SshTarget | None:
        """Its ssh target; None is its own address."""


def ssh_server(host: Host) -> SshServer:
    """Return the ssh server that a connection to the host reaches.

    Another user is the same machine, and so is a port that is left out; another port may lead through a NAT to another machine.
    """
    if host.ssh is None:
        return str(host.address), SSH_PORT
    return _host_name(host.ssh.host), host.ssh.port


def machine_keys(host: Host) -> frozenset[SshServer]:
    """Return by what the host's own stack knows its machine: the ssh server at its own address, and that of its ssh target."""
    return frozenset({(str(host.address), SSH_PORT), ssh_server(host)})


def keys_beyond_the_stack(host: Host) -> frozenset[SshServer]:
    """Return by what another stack may know the machine: its ssh server, and its own address where ssh goes to that.

    A host that is reached by another name or address may be at another site, which has the same plan of addresses.
    """
    server = ssh_server(host)
    own = str(host.address)
    return frozenset({server, (own, SSH_PORT)}) if server[0] == own else frozenset({server})


def is_one_machine(one: Host, other: Host) -> bool:
    """Return whether the config shows that two hosts of one stack are one machine."""
    return not machine_keys(one).isdisjoint(machine_keys(other))


def _host_name(text: str) -> str:
    """Return a host name, or an address, in one spelling."""
    name = text.lower().removesuffix(".")
    if _NUMERIC.fullmatch(name):
        try:
            return socket.inet_ntoa(socket.inet_aton(name))
        except OSError:
            # Out of range: a name that DNS does not have either.
            return name
    return name
