"""Stack files that people made of compose files: what they are told, key by key.

The cases 7, 7b, 12, 13, 18, 21 and 21b.
"""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.config.models import ServiceConfig
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError

IMAGE = "docker.io/example/app@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4"


def stack(service: dict[str, Any], host: str = "nas", **more: dict[str, Any]) -> dict[str, Any]:
    """Return a stack of one host with a service `app`, and `more` services."""
    return {
        "fabric": {"name": "macvlan1", "subnet": "10.66.0.0/24", "gateway": "10.66.0.1"},
        "hosts": {host: {"address": "192.168.9.27", "parent": "ovs_bond0", "slice": "10.66.0.192/26"}},
        "services": {
            name: {"image": IMAGE, "offset": number, **keys}
            for number, (name, keys) in enumerate({"app": service, **more}.items(), 5)
        },
    }


def told(service: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return the key of each problem of a service, with its code and its fix."""
    with pytest.raises(ConfigError) as raised:
        parse(stack(service))
    return {problem.key.removeprefix("services.app."): (problem.code, problem.fix) for problem in raised.value.problems}


@pytest.mark.parametrize("volume", ["./data:/data", "~/letsencrypt:/etc/letsencrypt"])
def test_case_7_a_path_that_nothing_is_relative_to(volume: str) -> None:
    """It is refused before anything stops, with the fix."""
    code, fix = told({"volumes": [volume]})["volumes[0]"]
    assert code == "IPF145"
    assert "path on the host from the root on" in fix


@pytest.mark.parametrize("networks", [{"vlan100": {"ipv4_address": "10.10.100.23"}}, ["proxy_net"]])
def test_cases_12_and_13_further_networks(networks: Any) -> None:
    """What to write for a bridge of the host, and what a VLAN is: not only that the key has to go."""
    code, fix = told({"networks": networks})["networks"]
    assert code == "IPF109"
    assert fix == (
        "write bridges: [KEY], with ipvlan-fabric:bridges: {KEY: {}}, for networks of driver bridge; the network default is the "
        "fabric (without it fabric: false), and a VLAN is a stack of its own (docs/compose.md)"
    )


def test_case_13_a_proxy_on_the_fabric_and_on_a_bridge_of_the_host() -> None:
    """It is written as the fix says: the proxy keeps its address and its route, and its backends need none."""
    proxy = {"egress": "gateway", "bridges": ["proxy_net"], "volumes": ["/var/run/docker.sock:/var/run/docker.sock:ro"]}
    config = stack(proxy)
    config["services"]["backend"] = {"image": IMAGE, "fabric": False, "bridges": {"proxy_net": {"aliases": ["api"]}}}
    config["bridges"] = {"proxy_net": {"internal": True}}
    (host,) = make_plan(parse(config)).hosts
    backend, app = host.container("backend"), host.container("app")
    assert (str(app.address), app.default_route) == ("10.66.0.197", "macvlan1")
    assert (backend.address, backend.default_route) == (None, None)
    assert [(bridge.name, bridge.members) for bridge in host.bridges] == [("macvlan1-proxy_net", ("app", "backend"))]


def test_case_18_a_virtual_machine() -> None:
    """`stop_grace_period` is `stop_timeout` here; `device_cgroup_rules` is the same, or comes later, and nothing is guessed."""
    problems = told({"stop_grace_period": "2m", "device_cgroup_rules": ["c *:* rwm"]})
    assert problems["stop_grace_period"] == ("IPF109", "write stop_timeout, in seconds: 90 for 1m30s (docs/compose.md)")
    if "device_cgroup_rules" not in ServiceConfig.model_fields:
        assert problems["device_cgroup_rules"] == ("IPF109", "remove it; docs/config.md lists the keys")


CASE_21 = {
    "mac_address": (
        "d0:ca:ab:cd:ef:01",
        "remove it: all ipvlan containers of a host have the hardware address of its parent",
    ),
    "depends_on": (["db"], "write after: [SERVICE]"),
    "network_mode": ("host", "remove it: a container has networks of its own"),
    "env_file": ("/x/.env", "write its variables into environment"),
    "profiles": (["dns"], "remove it: every service of the stack file runs"),
    "configs": (["a"], "put the file into the project, commit it, and write files: {/PATH: files/NAME}"),
    "secrets": (["b"], "`pulumi config set --secret NAME`"),
    "expose": (["5335"], "remove it: every port of a container is reachable at its own address"),
    "build": (".", "remove it: nothing is built on a host"),
    "stop_grace_period": ("1m", "write stop_timeout"),
    "logging": ({"driver": "json-file"}, "write log_driver and log_opts"),
    "deploy": ({"resources": {}}, "remove it: its limits are memory"),
    "networks": ({"a": {"aliases": ["b"]}}, "write bridges: [KEY]"),
}


def test_case_21_a_nas_compose_file() -> None:
    """All problems at once, and each key has the right answer: ours, what instead, or why not."""
    problems = told({key: value for key, (value, _) in CASE_21.items()})
    assert set(problems) == set(CASE_21)
    for key, (_, begin) in CASE_21.items():
        code, fix = problems[key]
        assert code == "IPF109"
        assert fix.startswith(begin), key
        assert fix.endswith(" (docs/compose.md)")


@pytest.mark.parametrize("key", ["mac_address", "links", "network_mode", "domain_name", "publish"])
def test_case_21_no_key_of_compose_gets_a_guess(key: str) -> None:
    """`mac_address` was once told to be addresses; what compose does not know either is compared with ours."""
    fix = told({key: "x"})[key][1]
    assert ("did you mean" in fix) == (key in ("domain_name", "publish"))


def test_a_test_that_is_a_text() -> None:
    """It is run by a shell, as in compose; the name of a form alone is no command."""
    for text, begin in (
        ("NONE", "write the command alone, or a list: [CMD"),
        ("CMD curl x", "write the command alone"),
    ):
        assert told({"healthcheck": {"test": text}})["healthcheck.test"][1].startswith(begin)
    assert told({"healthcheck": {"test": 1}})["healthcheck.test"] == ("IPF111", "put the value in quotes")
    check = parse(stack({"healthcheck": {"test": "NONE=1 curl x"}})).services["app"].healthcheck
    assert check is not None
    assert check.test == ("CMD-SHELL", "NONE=1 curl x")


@pytest.mark.parametrize(
    ("key", "entry", "place", "fix"),
    [
        (
            "ports",
            {"target": 80, "published": 80},
            "ports",
            'write the published port and the target as "HOST:CONTAINER", with /udp behind it or "ADDRESS:" before it',
        ),
        (
            "volumes",
            {"type": "bind", "source": "/a", "target": "/b"},
            "volumes[0]",
            'write "SOURCE:/PATH[:OPTIONS]", or write the mapping into mounts, which takes the long form',
        ),
    ],
)
def test_the_long_form_of_an_entry(key: str, entry: dict[str, Any], place: str, fix: str) -> None:
    """What to write is said, and nothing of quotes."""
    assert told({key: [entry]})[place][1] == fix


def test_keys_that_are_extensions_or_of_networks() -> None:
    """What the page on compose has on them is said, wherever they are."""
    page = "an anchor of YAML below it is written at the top of the stack file, outside of config (docs/compose.md)"
    assert told({"x-web": {"a": 1}})["x-web"] == ("IPF109", f"remove it: nothing reads it; {page}")
    raw = {
        **stack({"healthcheck": {"test": ["NONE"], "x-a": 1}}),
        "x-web": {},
    }
    raw["fabric"] = {**raw["fabric"], "driver": "ipvlan", "driver_opts": {}, "ip_range": "10.0.0.0/24", "x-a": 1}
    with pytest.raises(ConfigError) as raised:
        parse(raw)
    fixes = {problem.key: problem.fix for problem in raised.value.problems}
    for key in ("x-web", "fabric.x-a", "services.app.healthcheck.x-a"):
        assert fixes[key].endswith(page)
    assert fixes["fabric.driver"].startswith(
        "remove it: a bridge has the driver bridge, and the fabric ipvlan in mode l2, "
    )
    assert fixes["fabric.driver_opts"].startswith(
        "write options at a bridge; for the fabric fabric.mode is ipvlan_mode"
    )
    assert fixes["fabric.ip_range"].startswith("write slice at each host")


def test_a_typo_of_our_own_keys_still_gets_one() -> None:
    """What is no key of compose is compared with ours."""
    assert told({"volume": []})["volume"] == ("IPF109", "did you mean volumes?")


def test_case_21b_the_same_without_these_keys() -> None:
    """Upper case and dots in names, a parent of the NAS, ports at two addresses of the host: it plans."""
    service = {
        "container_name": "Creek-Pi.Hole_1",
        "hostname": "pi.hole",
        "dns": ["127.0.0.1", "8.8.8.8"],
        "egress": "gateway",
    }
    dns = {"ports": ["192.168.9.27:53:53", "192.168.9.27:53:53/udp", "192.168.10.27:53:53/udp"], "published": True}
    plan = make_plan(parse(stack(service, "NAS.example.lan", **{"Unbound.DNS": dns})))
    assert {container.name for container in plan.containers()} == {"Creek-Pi.Hole_1", "Unbound.DNS"}
