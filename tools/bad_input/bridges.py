"""Mistakes in the bridges, and in the services' connections to them."""

from __future__ import annotations

from typing import Any, Final

from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE

_MTU: Final = "com.docker.network.driver.mtu"
_LINK: Final = "com.docker.network.bridge.name"
_MODE: Final = "com.docker.network.bridge.gateway_mode_ipv4"


def _bridge(**keys: Any) -> dict[str, Any]:
    """Return changes: a bridge `web` with these keys, which nginx has."""
    return {"bridges": {"web": keys}, "services.nginx.bridges": ["web"]}


def _two(**others: Any) -> dict[str, Any]:
    """Return changes: two bridges, which centos and nginx have, and other keys."""
    return {
        "bridges": {"web": {"internal": True}, "work": {"internal": True}},
        "services.nginx.bridges": ["web", "work"],
        "services.centos.bridges": ["web"],
        **others,
    }


BRIDGES: Final = (
    BadInput.of("bridges is a list", {"bridges": ["web"]}, ("bridges", "IPF019")),
    BadInput.of("key of a bridge with a space", {"bridges": {"my web": {}}}, ("bridges.my web", "IPF020")),
    BadInput.of("bridge with nothing below its key", {"bridges": {"web": None}}, ("bridges.web", "IPF021")),
    BadInput.of("misspelt key of a bridge", _bridge(subnets="172.30.5.0/24"), ("bridges.web.subnets", "IPF109")),
    BadInput.of(
        "bridge that is called as Docker's own",
        {"bridges": {"default": {"external": True}}, "services.nginx.bridges": ["default"]},
        ("bridges.default", "IPF230"),
    ),
    BadInput.of("name of a bridge with a slash", _bridge(name="web/a", internal=True), ("bridges.web.name", "IPF230")),
    BadInput.of(
        "bridge with the fabric's name",
        _bridge(name="ipvlanl2"),
        ("bridges.web and fabric.name", "IPF231"),
    ),
    BadInput.of(
        "two keys of one bridge",
        {"bridges": {"web": {}, "work": {"name": "ipvlanl2-web"}}, "services.nginx.bridges": ["web", "work"]},
        ("bridges.work and bridges.web", "IPF231"),
    ),
    BadInput.of(
        "external bridge with a subnet",
        _bridge(external=True, subnet="172.30.5.0/24"),
        ("bridges.web.external and bridges.web.subnet", "IPF232"),
    ),
    BadInput.of("subnet of a bridge that is a /31", _bridge(subnet="172.30.5.0/31"), ("bridges.web.subnet", "IPF233")),
    BadInput.of("subnet of a bridge that is a /4", _bridge(subnet="0.0.0.0/4"), ("bridges.web.subnet", "IPF233")),
    BadInput.of("subnet of a bridge with host bits", _bridge(subnet="172.30.5.1/24"), ("bridges.web.subnet", "IPF117")),
    BadInput.of("subnet of a bridge in IPv6", _bridge(subnet="fd00:1::/64"), ("bridges.web.subnet", "IPF114")),
    BadInput.of(
        "bridge in the fabric's subnet",
        _bridge(subnet="10.1.128.0/24"),
        ("bridges.web.subnet and fabric.subnet", "IPF234"),
    ),
    BadInput.of(
        "bridge with a host's address",
        _bridge(subnet="192.168.140.200/30"),
        ("bridges.web.subnet and hosts.docker-1.address", "IPF234"),
        ("bridges.web.subnet and hosts.docker-2.address", "IPF234"),
    ),
    BadInput.of(
        "bridge with the name server of a container",
        {**_bridge(subnet="172.30.5.0/24"), "services.nginx.dns": ["172.30.5.53"]},
        ("bridges.web.subnet and services.nginx.dns", "IPF234"),
    ),
    BadInput.of(
        "bridge in a block that no host routes", _bridge(subnet="169.254.1.0/24"), ("bridges.web.subnet", "IPF234")
    ),
    BadInput.of(
        "two bridges that overlap",
        {
            "bridges": {"web": {"subnet": "172.30.0.0/16"}, "work": {"subnet": "172.30.5.0/24"}},
            "services.nginx.bridges": ["web", "work"],
        },
        ("bridges.web.subnet and bridges.work.subnet", "IPF234"),
    ),
    BadInput.of(
        "bridge where Docker's own usually is",
        _bridge(subnet="172.17.4.0/24"),
        ("bridges.web.subnet", "IPF235"),
        warning=True,
    ),
    BadInput.of(
        "option that Docker's bridge driver does not have",
        _bridge(options={"com.docker.network.mtu": "1400"}),
        ("bridges.web.options.com.docker.network.mtu", "IPF236"),
    ),
    BadInput.of(
        "option of a bridge for IPv6",
        _bridge(options={"com.docker.network.bridge.gateway_mode_ipv6": "routed"}),
        ("bridges.web.options.com.docker.network.bridge.gateway_mode_ipv6", "IPF236"),
    ),
    BadInput.of("MTU of a bridge that is none", _bridge(options={_MTU: "big"}), ("bridges.web.options", "IPF237")),
    BadInput.of("MTU of a bridge as a number", _bridge(options={_MTU: 1400}), ("bridges.web.options", "IPF111")),
    BadInput.of(
        "isolated bridge that is not internal",
        _bridge(options={_MODE: "isolated"}),
        ("bridges.web.options", "IPF237"),
    ),
    BadInput.of(
        "bridge whose link is the fabric's parent", _bridge(options={_LINK: "ens33"}), ("bridges.web.options", "IPF238")
    ),
    BadInput.of(
        "bridge whose link is that of Docker's own",
        _bridge(options={_LINK: "docker0"}),
        ("bridges.web.options", "IPF238"),
    ),
    BadInput.of(
        "two bridges with one link",
        {
            "bridges": {"web": {"options": {_LINK: "br-web"}}, "work": {"options": {_LINK: "br-web"}}},
            "services.nginx.bridges": ["web", "work"],
        },
        ("bridges.work.options", "IPF238"),
    ),
    BadInput.of(
        "label of the stack on a bridge",
        _bridge(labels={"ipvlan-fabric.owner": "me"}),
        ("bridges.web.labels", "IPF239"),
    ),
    BadInput.of(
        "alias that is an address",
        {**_bridge(), "services.nginx.bridges": {"web": {"aliases": ["172.30.5.2"]}}},
        ("services.nginx.bridges.web.aliases[0]", "IPF242"),
    ),
    BadInput.of(
        "alias that is the container's own name",
        {**_bridge(), "services.nginx.bridges": {"web": {"aliases": ["nginx"]}}},
        ("services.nginx.bridges.web.aliases[0]", "IPF242"),
        warning=True,
    ),
    BadInput.of(
        "service on an unknown bridge",
        {**_bridge(), "services.nginx.bridges": ["wep"], "services.centos.bridges": ["web"]},
        ("services.nginx.bridges", "IPF240"),
    ),
    BadInput.of(
        "bridge by its name in Docker",
        {**_bridge(name="shop_web"), "services.nginx.bridges": ["shop_web"], "services.centos.bridges": ["web"]},
        ("services.nginx.bridges", "IPF240"),
    ),
    BadInput.of(
        "service on a bridge twice",
        {**_bridge(), "services.nginx.bridges": ["web", "web"]},
        ("services.nginx.bridges", "IPF241"),
    ),
    BadInput.of(
        "bridges of a service as a text",
        {**_bridge(), "services.nginx.bridges": "web"},
        ("services.nginx.bridges", "IPF102"),
    ),
    BadInput.of(
        "alias with a space",
        _two(**{"services.nginx.bridges": {"web": {"aliases": ["my api"]}, "work": None}}),
        ("services.nginx.bridges.web.aliases[0]", "IPF242"),
    ),
    BadInput.of(
        "alias that is another container's name",
        _two(**{"services.nginx.bridges": {"web": {"aliases": ["centos"]}, "work": None}}),
        ("services.nginx.bridges.web.aliases[0]", "IPF242"),
    ),
    BadInput.of(
        "name of a service that is another container's",
        _two(
            **{
                "services.centos.container_name": "nginx",
                "services.nginx.container_name": "proxy",
            }
        ),
        ("services.nginx.container_name", "IPF242"),
    ),
    BadInput.of(
        "service without the fabric and without a bridge",
        {"services.centos.fabric": False, "services.centos.offset": REMOVE},
        ("services.centos.fabric and services.centos.bridges", "IPF243"),
    ),
    BadInput.of(
        "service without the fabric that has an offset",
        _two(**{"services.centos.fabric": False}),
        ("services.centos.fabric and services.centos.offset", "IPF244"),
    ),
    BadInput.of(
        "service without the fabric that leaves by its gateway",
        _two(
            **{"services.centos.fabric": False, "services.centos.offset": REMOVE, "services.centos.egress": "gateway"}
        ),
        ("services.centos.fabric and services.centos.egress", "IPF244"),
    ),
    BadInput.of("bridge that no service has", {"bridges": {"web": {}}}, ("bridges.web", "IPF245"), warning=True),
    BadInput.of(
        "two bridges with one resource name",
        {
            "hosts.docker-1-bridge-a": {"address": "192.168.140.210", "parent": "ens33", "slice": "10.1.10.0/24"},
            "bridges": {"a-bridge-web": {"external": True}, "web": {"external": True}},
            "services.nginx.bridges": ["a-bridge-web"],
            "services.nginx.hosts": ["docker-1"],
            "services.centos.bridges": ["web"],
            "services.centos.hosts": ["docker-1-bridge-a"],
        },
        ("bridges.web and bridges.a-bridge-web", "IPF246"),
    ),
    BadInput.of(
        "bridge that sorts before the network with the default route",
        {"bridges": {"backend": {"name": "backend"}}, "services.nginx.bridges": ["backend"]},
        ("bridges.backend", "IPF247"),
        warning=True,
    ),
)
