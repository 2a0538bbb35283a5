"""LAN mode: the fabric's subnet is that of a LAN that hosts are on with their own addresses, so that containers are its members.

It is the case in mode l2 as soon as one host's own address is in the subnet; nothing else selects it. In l3 and l3s such a subnet
is refused by `ipvlan.plan.rules.lan`: a container answers no ARP there, so that no machine of the LAN would reach it.

Out of scope: what follows for single addresses (`ipvlan.plan.address_space`) and for who reaches whom (`ipvlan.plan.reachability`).
"""

from __future__ import annotations

from collections.abc import Mapping

from netaddr import IPAddress, IPNetwork

from ipvlan.config.models import Mode, StackConfig


def own_addresses(subnet: IPNetwork, mode: Mode, hosts: Mapping[str, IPAddress]) -> dict[str, IPAddress]:
    """Return the hosts that are on the fabric's LAN, each with its own address; none outside LAN mode.

    Args:
        subnet: The fabric's.
        mode: The fabric's.
        hosts: Host -> its own address.
    """
    return {name: address for name, address in hosts.items() if mode == "l2" and address in subnet}


def lan_hosts(config: StackConfig) -> dict[str, IPAddress]:
    """Return the hosts of a config that are on the fabric's LAN, each with its own address; none outside LAN mode."""
    return own_addresses(
        config.fabric.subnet, config.fabric.mode, {name: host.address for name, host in config.hosts.items()}
    )


def is_lan(config: StackConfig) -> bool:
    """Return whether the fabric of a config is in LAN mode."""
    return bool(lan_hosts(config))
