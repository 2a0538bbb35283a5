"""Why Docker does not answer on a host, as far as the host's shell can tell.

Out of scope: Docker's own failures (`ipvlan.hosts.engine`).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import (
    DOCKER_NEEDS_FORWARDING,
    DOCKER_UNAVAILABLE,
    DockerNeedsForwardingError,
    HostError,
    NoDockerSocketError,
)

if TYPE_CHECKING:
    from ipvlan.hosts.session import HostSession

KEEP_FORWARDING: Final = (
    "echo net.ipv4.ip_forward=1 >/etc/sysctl.d/90-ip-forward.conf && sysctl -qw net.ipv4.ip_forward=1"
)
"""What has a host's kernel forward IPv4, now and after each reboot (sysctl.d(5))."""

_TEXT: Final = """[ -e {socket} ] || echo missing
read -r forward </proc/sys/net/ipv4/ip_forward
if [ "$forward" = 0 ] && grep -qs '"firewall-backend"[[:space:]]*:[[:space:]]*"nftables"' /etc/docker/daemon.json; then
  echo needs-forwarding
fi"""


def reason_of_silence(session: HostSession, timeout: float) -> HostError | None:
    """Return why the Docker of the session's host gives no answer; None where its shell does not tell. `timeout` is in seconds.

    Docker with its rules in nftables ends at its start where the kernel does not forward (moby, checkIPv4Forwarding in
    daemon/libnetwork/drivers/bridge/setup_ip_forwarding.go); with iptables it switches forwarding on. Only the usual daemon.json is
    looked at, and no option of dockerd's command line.

    Raises HostUnreachableError when the connection ended.
    """
    socket = session.docker_socket
    found = session.run(_TEXT.format(socket=shlex.quote(socket)), timeout=timeout).split()
    if "needs-forwarding" in found:
        return DockerNeedsForwardingError.on(
            session.name,
            DOCKER_NEEDS_FORWARDING,
            problem="Docker does not answer; it has firewall-backend nftables in /etc/docker/daemon.json, and with that it does not "
            "start while the kernel forwards no packets (net.ipv4.ip_forward is 0)",
            effect="no container of the host runs, and its state is not known",
            fix=f"on the host, as root: {KEEP_FORWARDING}; systemctl restart docker",
        )
    if "missing" in found:
        return NoDockerSocketError.on(
            session.name,
            DOCKER_UNAVAILABLE,
            problem=f"its ssh user finds no Docker socket at {socket}",
            effect="the state of the host is not known",
            fix="see where Docker listens on the host (`systemctl status docker.socket docker`): start it, or set "
            f"ipvlan-fabric:hosts.{session.name}.docker_socket",
        )
    return None
