"""Why Docker does not answer on a host, as far as the host's shell can tell.

Out of scope: Docker's own failures (`ipvlan.hosts.engine`).
"""

from __future__ import annotations

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

FORWARD_AND_START: Final = f"{KEEP_FORWARDING} && systemctl reset-failed docker.socket docker; systemctl restart docker"
"""The same, and then Docker: after some starts that failed, systemd refuses another one until they are forgotten."""


def reason_of_silence(session: HostSession, timeout: float) -> HostError | None:
    """Return why the Docker of the session's host gives no answer; None where its shell does not tell. `timeout` is in seconds.

    Docker with its rules in nftables ends at its start where the kernel does not forward (moby, checkIPv4Forwarding
    of the bridge driver); with iptables it switches forwarding on. Only the usual daemon.json is
    looked at, and no option of dockerd's command line.

    Raises HostUnreachableError when the connection ended.
    """
    socket = session.docker_socket
    output = session.run_script("docker_silence.sh", {"socket": socket}, timeout=timeout)
    if "needs_forwarding" in output:
        return DockerNeedsForwardingError.on(
            session.name,
            DOCKER_NEEDS_FORWARDING,
            problem="Docker does not answer; it has firewall-backend nftables in /etc/docker/daemon.json, and with that it does "
            "not start while the kernel forwards no packets (net.ipv4.ip_forward is 0)",
            effect="the state of the host is not known",
            fix=f"on the host, as root: {FORWARD_AND_START}",
        )
    if "socket" in output:
        return NoDockerSocketError.on(
            session.name,
            DOCKER_UNAVAILABLE,
            problem=f"its ssh user finds no Docker socket at {socket}",
            effect="the state of the host is not known",
            fix="see where Docker listens on the host (`systemctl status docker.socket docker`): start it, or set "
            f"ipvlan-fabric:hosts.{session.name}.docker_socket",
        )
    return None
