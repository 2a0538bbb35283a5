"""Networks of a compose file in the stack: what is a bridge, what is the fabric, and what has to be looked at."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ipvlan.plan.compose_import import Import
from ipvlan.problems import ConfigError
from tests.unit.plan.test_compose_import import imported
from tools.reference_setup import STACK_TEXT

WEB = "image: a, restart: always, ports: ['81:80']"
SHOP = """
services:
  web: {image: a, restart: always, ports: ['81:80'], networks: [front, back]}
  app: {image: b, restart: always, networks: {back: {aliases: [api, app]}, data: }}
  db: {image: c, restart: always, networks: [data]}
  log: {image: d, restart: always}
  seen: {image: e, restart: always, networks: [default, back]}
networks:
  front:
  back: {driver: bridge, driver_opts: {com.docker.network.driver.mtu: 1400}, labels: [team=web]}
  data: {internal: true, ipam: {config: [{subnet: 172.30.5.0/24}]}, name: data-net}
"""


def section(result: Import, name: str) -> Any:
    """Return a section of the stack file after an import."""
    (text,) = result.texts.values()
    return yaml.safe_load(text)["config"].get(f"ipvlan-fabric:{name}")


def listed(result: Import) -> list[tuple[str, str, str]]:
    """Return service, key and kind of what is left out."""
    return [(entry.service, entry.key, entry.kind) for entry in result.left_out]


def test_networks_of_driver_bridge_are_bridges() -> None:
    """With what they are made of, by names that no other project has; `default` stays the fabric."""
    result = imported(SHOP, "docker-1")
    assert section(result, "bridges") == {
        "shop_front": {},
        "shop_back": {"options": {"com.docker.network.driver.mtu": "1400"}, "labels": {"team": "web"}},
        "data-net": {"name": "data-net", "internal": True, "subnet": "172.30.5.0/24"},
    }
    services = {
        name: (keys.get("bridges"), keys.get("fabric", True), "offset" in keys)
        for name, keys in result.services.items()
    }
    assert services == {
        # Its ports are published: clients come over the fabric, or over the host.
        "web": (["shop_front", "shop_back"], True, True),
        "app": ({"shop_back": {"aliases": ["api"]}, "data-net": {}}, False, False),
        "db": (["data-net"], False, False),
        "log": (None, True, True),
        "seen": (["shop_back"], True, True),
    }
    assert listed(result) == [
        ("", "services", "advice"),
        ("", "services", "advice"),
        ("", "networks.data", "advice"),
    ]
    private, out, _ = (entry.reason for entry in result.left_out)
    assert private.startswith("app, db had neither a published port nor the network default")
    # The way out of what is on bridges alone is as it was.
    assert out.startswith("log, seen reached the internet")


@pytest.mark.parametrize(
    ("declared", "entry", "left_out"),
    [
        ("{driver: overlay}", None, ["networks.net.driver"]),
        ("{enable_ipv6: true}", {}, ["networks.net.enable_ipv6"]),
        ("{enable_ipv6: false, enable_ipv4: true, attachable: true}", {}, []),
        ("{driver_opts: {colour: red}}", {}, ["networks.net.driver_opts.colour"]),
        ("{ipam: {config: [{subnet: 10.1.0.0/24}]}}", {}, ["networks.net.ipam"]),
        ("{ipam: {config: [{subnet: 'fd00::/64'}]}}", {}, ["networks.net.ipam.config[0].subnet"]),
        (
            "{ipam: {driver: other, config: [{subnet: 172.30.1.0/24, gateway: 172.30.1.1}, {subnet: 172.30.2.0/24}]}}",
            {"subnet": "172.30.1.0/24"},
            ["networks.net.ipam.driver", "networks.net.ipam.config[0].gateway", "networks.net.ipam.config[1].subnet"],
        ),
        ("{ipam: {config: [{subnet: 172.30.1.0/31}]}}", {}, ["networks.net.ipam"]),
        ("{labels: {ipvlan-fabric.x: a, b: c}}", {}, ["networks.net.labels"]),
        ("{internal: maybe}", {}, ["networks.net.internal"]),
        ("{name: host}", None, ["networks.net"]),
        ("{external: true}", {"external": True}, ["networks.net"]),
        ("{external: {name: theirs}}", {"external": True}, ["networks.net"]),
        (
            "{external: true, name: theirs, driver: macvlan}",
            {"external": True},
            ["networks.net.driver", "networks.net"],
        ),
    ],
)
def test_what_of_a_network_is_carried(declared: str, entry: Any, left_out: list[str]) -> None:
    """What cannot be is listed, and the rest of the network is there; one of another driver is the fabric."""
    result = imported(f"services: {{web: {{{WEB}, networks: [net]}}}}\nnetworks: {{net: {declared}}}", "docker-1")
    bridges = section(result, "bridges")
    assert (None if bridges is None else next(iter(bridges.values()))) == entry
    keys = [key for _, key, kind in listed(result) if key.startswith("networks.net") and kind != "not-needed"]
    assert keys[: len(left_out)] == left_out or sorted(keys) == sorted([*left_out, "networks.net"])
    assert result.services["web"].get("fabric", True)


def test_fixed_addresses_of_a_bridge() -> None:
    """They are not carried, with the reason: names are the interface."""
    text = f"services: {{web: {{{WEB}, networks: {{net: {{ipv4_address: 172.30.1.5, mac_address: x}}}}}}}}\nnetworks: {{net: }}"
    result = imported(text, "docker-1")
    reasons = {entry.key: entry.reason for entry in result.left_out}
    assert "a bridge has no fixed addresses" in reasons["networks.net.ipv4_address"]
    assert "networks.net.mac_address" in reasons
    assert "addresses" not in result.services["web"]


@pytest.mark.parametrize(
    ("network", "address", "on_fabric"),
    [("lan", "10.1.1.77", True), ("lan", "10.9.9.9", False), ("ipvlanl2", "10.1.1.77", True), ("ipvlanl2", "", True)],
)
def test_an_external_network_that_is_the_fabric(network: str, address: str, on_fabric: bool) -> None:
    """By its name, or by an address of the fabric on it: a macvlan network that somebody made by hand has one."""
    endpoint = f"{{ipv4_address: {address}}}" if address else ""
    service = f"image: a, restart: always, networks: {{net: {endpoint}}}"
    result = imported(
        f"services: {{web: {{{service}}}}}\nnetworks: {{net: {{external: true, name: {network}}}}}", "docker-1"
    )
    keys = result.services["web"]
    assert keys.get("fabric", True) is on_fabric
    assert keys.get("bridges") == (None if on_fabric else [network])
    assert keys.get("addresses") == ({"docker-1": address} if on_fabric and address else None)


def test_a_default_network_of_others() -> None:
    """Every service is on it, and on the fabric in the place of compose's own."""
    text = f"services: {{web: {{{WEB}}}, app: {{image: b}}}}\nnetworks: {{default: {{external: true, name: proxy}}}}"
    result = imported(text, "docker-1")
    assert [keys["bridges"] for keys in result.services.values()] == [["proxy"], ["proxy"]]
    assert section(result, "bridges") == {"proxy": {"external": True}}
    assert all(keys.get("fabric", True) for keys in result.services.values())


def test_an_alias_that_is_the_name_of_another_container() -> None:
    """It is not carried, since the stack refuses it; the others are."""
    app = "image: b, networks: {net: {aliases: [web, api]}}"
    result = imported(f"services: {{web: {{{WEB}, networks: [net]}}, app: {{{app}}}}}\nnetworks: {{net: }}", "docker-1")
    assert result.services["app"]["bridges"] == {"shop_net": {"aliases": ["api"]}}
    assert ("app", "networks.aliases", "not-carried") in listed(result)


def test_a_bridge_that_the_stack_has() -> None:
    """By its name it is the same one, and its key there is written; by its key alone it is another one, and nothing is imported."""
    stack = STACK_TEXT + "  ipvlan-fabric:bridges:\n    mine: {name: theirs}\n    shop_net: {name: other}\n"
    text = f"services: {{web: {{{WEB}, networks: [net]}}}}\nnetworks: {{net: {{name: theirs}}}}"
    assert imported(text, "docker-1", stack=stack).services["web"]["bridges"] == ["mine"]
    with pytest.raises(ConfigError) as raised:
        imported(text.replace("{name: theirs}", ""), "docker-1", stack=stack)
    assert [problem.code for problem in raised.value.problems] == ["IPF830"]


def test_what_runs_once_and_what_keeps_data_is_advice() -> None:
    """The first would fail an `up`; the second would be several copies."""
    web = "image: a, restart: always, volumes: ['vol:/v']"
    text = f"services: {{db: {{image: 'postgres:16'}}, job: {{image: b, restart: 'no'}}, web: {{{web}}}}}"
    reasons = [entry.reason for entry in imported(f"{text}\nvolumes: {{vol: }}", "docker-1", "docker-2").left_out]
    assert any(reason.startswith('restart is "no" for db, job') for reason in reasons)
    assert any(reason.startswith("each of docker-1, docker-2 has its own data of db, web") for reason in reasons)
    reasons = [entry.reason for entry in imported(f"{text}\nvolumes: {{vol: }}", "docker-1").left_out]
    assert not any("its own data" in reason for reason in reasons)


def test_a_gateway_of_a_bridge_is_not_the_fabrics() -> None:
    """Nobody is told to change the fabric's router for it."""
    result = imported(
        f"services: {{web: {{{WEB}, networks: [net]}}}}\n"
        "networks: {net: {ipam: {config: [{subnet: 172.30.1.0/24, gateway: 172.30.1.1, ip_range: 172.30.1.128/25}]}}}",
        "docker-1",
    )
    reasons = [entry.reason for entry in result.left_out if "ipam" in entry.key]
    assert len(reasons) == 2
    assert all("on a bridge Docker assigns the addresses" in reason and "fabric." not in reason for reason in reasons)


def test_one_private_service_is_named_in_the_singular() -> None:
    """It has no address, and others reach it."""
    text = f"services: {{web: {{{WEB}}}, bb: {{image: b, restart: always, networks: [back]}}}}\nnetworks: {{back: }}"
    reasons = [entry.reason for entry in imported(text, "docker-1").left_out]
    assert (
        "bb had neither a published port nor the network default: with fabric: false it has no address of the fabric, and only "
        "containers on the same bridge of the host reach it, by name; remove fabric: false where others shall reach it"
    ) in reasons


LINKS = """
services:
  aa: {image: a, restart: always, networks: %s, links: %s}
  bb: {image: b, restart: always, networks: %s}
  cc: {image: c, restart: always, networks: [default, back]}
networks: {back: , data: }
"""


@pytest.mark.parametrize(
    ("own", "links", "others", "expected", "listed_as"),
    [
        (
            "[back]",
            "['bb:backend', 'bb:api', cc, 'cc:cc']",
            "[back]",
            {"shop_back": {"aliases": ["backend", "api"]}},
            [],
        ),
        ("[back]", "['bb:backend']", "{back: {aliases: [api]}}", {"shop_back": {"aliases": ["api", "backend"]}}, []),
        (
            "[back, data]",
            "['bb:backend']",
            "[back, data]",
            {"shop_back": {"aliases": ["backend"]}, "shop_data": {"aliases": ["backend"]}},
            [],
        ),
        # Another container has the name, and Docker would answer with either.
        ("[back]", "['bb:cc']", "[back]", ["shop_back"], ["networks.aliases"]),
        # They share the fabric alone, which has no names, or nothing.
        ("[back]", "['bb:backend']", "[data]", ["shop_data"], ["links[0]"]),
        ("[default]", "['bb:backend']", "[default]", None, ["links[0]"]),
        ("[default]", "[bb]", "[default]", None, ["links[0]"]),
    ],
)
def test_links_are_aliases(own: str, links: str, others: str, expected: Any, listed_as: list[str]) -> None:
    """A name that compose gave to one container alone is one on the bridges that both are on; what has none is listed."""
    result = imported(LINKS % (own, links, others), "docker-1")
    assert result.services["bb"].get("bridges") == expected
    assert result.services["aa"]["after"][0] in ("bb", "cc")
    found = [entry for entry in result.left_out if entry.kind == "not-carried"]
    assert [entry.key for entry in found] == listed_as
    for entry in found:
        if entry.key == "links[0]":
            assert "bb" in entry.reason
            assert "bridges" in entry.reason


def test_a_name_that_two_links_give_to_two_containers() -> None:
    """In compose each knows its own; on a bridge a name is everybody's, and either would answer."""
    text = """
services:
  aa: {image: a, restart: always, networks: [back], links: ['db1:db']}
  bb: {image: b, restart: always, networks: [back], links: ['db2:db', 'db3:store']}
  db1: {image: c, restart: always, networks: [back]}
  db2: {image: d, restart: always, networks: [back]}
  db3: {image: e, restart: always, networks: [back]}
  db4: {image: f, restart: always, networks: {back: {aliases: [store]}}}
networks: {back: }
"""
    result = imported(text, "docker-1")
    assert [result.services[name]["bridges"] for name in ("db1", "db2", "db3")] == [["shop_back"]] * 3
    found = {(entry.service, entry.key): entry.reason for entry in result.left_out if "links" in entry.key}
    assert list(found) == [("aa", "links[0]"), ("bb", "links[0]"), ("bb", "links[1]")]
    assert "db2 would be db too: give db1 a name of its own" in found["aa", "links[0]"]
    assert "db4 would be store too" in found["bb", "links[1]"]
