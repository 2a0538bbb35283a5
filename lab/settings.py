"""Names, addresses and folders of one lab, from the checkout and the environment; nothing is created here.

Environment: LAB_NAME, LAB_SUITE, LAB_FABRIC_GATEWAY, IPVLAN_FABRIC_CACHE, XDG_CACHE_HOME.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab.engines import ENGINES
from lab.errors import LabError

if TYPE_CHECKING:
    from collections.abc import Mapping

CHECKOUT = Path(__file__).resolve().parent.parent
SUITES = ("bookworm", "trixie", "forky", *ENGINES)
"""What a host can be: a Debian suite with its Docker, or a newer Docker laid over one (lab/engines/)."""
DEFAULT_SUITE = "trixie"
LAN = ipaddress.ip_network("192.168.140.0/24")
ROUTER_ADDRESS = "192.168.140.1"
REGISTRY_ADDRESS = "192.168.140.5"
CLIENT_ADDRESS = "192.168.140.10"
REGISTRY_NAME = "registry.lab"
REGISTRY_PORT = 5000
REGISTRY = f"{REGISTRY_NAME}:{REGISTRY_PORT}"
INTERNET_NETWORK = ipaddress.ip_network("203.0.113.0/24")
"""TEST-NET-3 (RFC 5737): never the network of a real peer."""
INTERNET_ROUTER_ADDRESS = "203.0.113.1"
INTERNET_ADDRESS = "203.0.113.10"
INTERNET_NAME = "internet.example"
NAMESPACES = ("switch", "client", "router", "internet", "registry")
# Only the file system limits the name of a namespace, but the name must stay readable in `ip netns`.
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRole:
    """One of the two hosts: what differs from the other."""

    name: str
    address: str
    mac: str


ROLES = (
    HostRole(name="docker-1", address="192.168.140.200", mac="52:54:00:8c:00:01"),
    HostRole(name="docker-2", address="192.168.140.201", mac="52:54:00:8c:00:02"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One lab: its name, the suite of each host, its folders."""

    name: str
    suites: Mapping[str, str]
    """Host name -> one of SUITES."""
    state: Path
    """`.lab/<name>/` of the checkout: disks, pid files, backend; removed by `lab/down`."""
    cache: Path
    """The lab's part of the cache, shared by every checkout of this user."""
    fabric_gateway: str | None
    """Address with prefix length that the router has on the LAN from the start, or None."""

    def namespace(self, part: str) -> str:
        """Return the full name of one of NAMESPACES in this lab."""
        return f"ipvlan-lab-{self.name}-{part}"


def default_name(checkout: Path) -> str:
    """Return a lab name from the path of a checkout, so that two clones have two labs."""
    return hashlib.sha256(str(checkout).encode()).hexdigest()[:8]


def parse_suites(text: str) -> dict[str, str]:
    """Return host name -> suite, from LAB_SUITE: `trixie`, or one per host: `bookworm,forky`.

    Raises:
        LabError: A suite is unknown, or there are three.
    """
    suites = [suite.strip() for suite in text.split(",")]
    unknown = [suite for suite in suites if suite not in SUITES]
    if unknown or len(suites) not in {1, len(ROLES)}:
        raise LabError(
            f"LAB_SUITE={text}: expected one of {', '.join(SUITES)}, or two of them with a comma (docker-1,docker-2)"
        )
    return {role.name: suites[index % len(suites)] for index, role in enumerate(ROLES)}


def role(name: str) -> HostRole:
    """Return the host of that name.

    Raises:
        LabError: There is none; it names the known ones.
    """
    for candidate in ROLES:
        if candidate.name == name:
            return candidate
    raise LabError(f"{name}: no such host in the lab; its hosts are {', '.join(known.name for known in ROLES)}")


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Return the lab that the environment describes.

    Raises:
        LabError: A variable has an impossible value.
    """
    environment = os.environ if environment is None else environment
    name = environment.get("LAB_NAME") or default_name(CHECKOUT)
    if not _NAME.fullmatch(name):
        raise LabError(
            f"LAB_NAME={name}: use up to 32 lower-case letters, digits and hyphens; it names namespaces and folders"
        )
    gateway = environment.get("LAB_FABRIC_GATEWAY") or None
    if gateway is not None:
        check_gateway(gateway)
    base = environment.get("IPVLAN_FABRIC_CACHE")
    home = environment.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(base) if base else Path(home) / "ipvlan-fabric"
    return Settings(
        name=name,
        suites=parse_suites(environment.get("LAB_SUITE") or DEFAULT_SUITE),
        state=CHECKOUT / ".lab" / name,
        cache=cache.resolve() / "lab",
        fabric_gateway=gateway,
    )


def check_gateway(text: str) -> None:
    """Check that `text` is an IPv4 address with a prefix length, outside the lab's own networks.

    Raises:
        LabError: It is not.
    """
    try:
        interface = ipaddress.IPv4Interface(text)
    except ValueError as error:
        raise LabError(f"{text}: expected an address with its prefix length, such as 10.1.0.1/16") from error
    if "/" not in text or interface.network.overlaps(LAN) or interface.network.overlaps(INTERNET_NETWORK):
        raise LabError(f"{text}: expected an address with its prefix length outside {LAN} and {INTERNET_NETWORK}")
