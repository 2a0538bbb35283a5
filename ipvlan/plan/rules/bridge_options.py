"""Rules of the options of a bridge: Docker's bridge driver ignores one that it does not know, without a word.

Out of scope: what only some versions of Docker know (`ipvlan.plan.docker_versions`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final, NamedTuple

from netaddr import valid_ipv4

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.types.interfaces import LONGEST_INTERFACE, PARENT
from ipvlan.config.types.ipv6 import IPV4_ONLY, is_ipv6_key
from ipvlan.config.types.process import FALSE, TRUE
from ipvlan.plan.bridge_option_names import GATEWAY_MODE, LINK, PREFIX, TRUSTED
from ipvlan.problems import Problem, shorten

ISOLATED: Final = "isolated"
"""The gateway mode without an address of the host on the bridge, for internal networks alone (moby, parseNetworkOptions)."""

_BOOLEANS: Final = frozenset((*TRUE, *FALSE))
_SMALLEST_MTU: Final = 68
"""RFC 791: every link of IPv4 carries that."""
_LARGEST_MTU: Final = 65535
"""ETH_MAX_MTU of the Linux kernel (include/uapi/linux/if_ether.h)."""
_PREFIX: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,11}")
"""Docker adds a number to it, and the name of a link has 15 characters."""


class _Option(NamedTuple):
    takes: Callable[[str], bool]
    """Return whether the driver, and the kernel after it, take the value."""
    write: str
    """What to write."""


def _is_link(name: str) -> bool:
    return len(name) <= LONGEST_INTERFACE and PARENT.fullmatch(name) is not None


def _are_links(names: str) -> bool:
    return all(map(_is_link, names.split(":")))


def _is_mtu(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 6 and _SMALLEST_MTU <= int(text) <= _LARGEST_MTU


_FLAG: Final = _Option(_BOOLEANS.__contains__, 'write "true" or "false"')

OPTIONS: Final[Mapping[str, _Option]] = {
    LINK: _Option(_is_link, f"write the name of a link that no host has yet, at most {LONGEST_INTERFACE} characters"),
    f"{PREFIX}enable_icc": _FLAG,
    f"{PREFIX}enable_ip_masquerade": _FLAG,
    f"{PREFIX}host_binding_ipv4": _Option(
        valid_ipv4, "write an IPv4 address of the host, at which ports are published"
    ),
    f"{PREFIX}inhibit_ipv4": _FLAG,
    GATEWAY_MODE: _Option(
        frozenset({"nat", "nat-unprotected", "routed", ISOLATED}).__contains__,
        f"write nat, nat-unprotected, routed, or, for an internal bridge, {ISOLATED}",
    ),
    TRUSTED: _Option(_are_links, "write names of links of the host with a colon between them: eth1:vxlan.1"),
    "com.docker.network.driver.mtu": _Option(_is_mtu, f'write a number from {_SMALLEST_MTU} to {_LARGEST_MTU}: "1400"'),
    "com.docker.network.container_iface_prefix": _Option(
        lambda value: _PREFIX.fullmatch(value) is not None,
        "write a letter, then at most 11 of a-z, A-Z, 0-9, _ and -: lan",
    ),
}
"""Option of Docker's bridge driver -> its values (moby, fromLabels in libnetwork/drivers/bridge/bridge_linux.go, 28.5.2). Those of
IPv6 are not among them, nor those that Docker sets itself."""


def check(path: str, bridge: BridgeConfig) -> Iterator[Problem]:
    """Yield the options that Docker would ignore, and the values that it, or the kernel, would refuse."""
    for option, value in bridge.options.items():
        key = f"{path}.options.{shorten(option)}"
        if option not in OPTIONS:
            near = get_close_matches(option[:100], list(OPTIONS), n=1)
            of_ipv6 = is_ipv6_key(option[:100])
            yield Problem(
                code="IPF236",
                key=key,
                value="",
                problem="bridges have no IPv6 here" if of_ipv6 else "Docker's bridge driver has no such option",
                effect="it would have no effect"
                if of_ipv6
                else "Docker would ignore it without a word, and what you meant by it would not happen",
                fix=f"remove it: {IPV4_ONLY}"
                if of_ipv6
                else f"did you mean {near[0]}?"
                if near
                else f"write some of {', '.join(OPTIONS)}",
            )
            continue
        alone = option == GATEWAY_MODE and value == ISOLATED and not bridge.internal
        if alone or not OPTIONS[option].takes(value):
            yield Problem(
                code="IPF237",
                key=key,
                value=shorten(value),
                problem="only an internal bridge can be isolated"
                if alone
                else "Docker's bridge driver takes no such value",
                effect="Docker would refuse the network, or its containers could not use it",
                fix=f"set {path}.internal: true, or choose another mode" if alone else OPTIONS[option].write,
            )
