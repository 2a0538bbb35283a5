"""Stack files as people have them: several subnets, IPv6, links of their own, port ranges, ports at the host's loopback.

The cases 10, 11, 14, 17 and 18b, and three stack files that were slow or dangerous.
"""

from __future__ import annotations

import time
from io import StringIO
from pathlib import Path

import pytest

from ipvlan.plan.cells import CLIENT
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.reachability import make_matrix
from ipvlan.plan.resource_names import ports_label
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import ConfigError, Problem
from ipvlan.views.mermaid import topology
from ipvlan.views.plan import print_tables
from ipvlan.views.ports import endpoints
from ipvlan.views.svg import as_svg
from ipvlan.views.terminal import Terminal
from tools.reference_setup import reference_config

IMAGE = "docker.io/example/app@sha256:9b357fde13a0a250e4e68a57eeb8496427e68739cec8875f20c1d479911ffeb4"

TWO_SUBNETS = f"""
config:
  ipvlan-fabric:fabric: {{name: ipnet, mode: l3, subnet: [192.168.214.0/24, 10.1.214.0/24]}}
  ipvlan-fabric:hosts:
    h1: {{address: 192.168.9.12, parent: eth0, slice: 192.168.214.0/24}}
  ipvlan-fabric:services:
    app: {{image: "{IMAGE}", offset: 5}}
"""
DUAL_STACK = f"""
config:
  ipvlan-fabric:fabric: {{name: dmz, mode: l2, subnet: 10.99.30.0/24, gateway: 10.99.30.1, subnet6: "2001:db8:30::/64",
    gateway6: "2001:db8:30::1"}}
  ipvlan-fabric:hosts:
    nas: {{address: 192.168.9.13, parent: vlanDMZ, slice: 10.99.30.32/27, dynamic: 10.99.30.48/28}}
  ipvlan-fabric:services:
    store: {{image: "{IMAGE}", addresses: {{nas: 10.99.30.40}}, egress: gateway}}
"""
PARENTS = f"""
config:
  ipvlan-fabric:fabric: {{name: qinq, mode: l2, subnet: 10.62.0.0/24, gateway: 10.62.0.1}}
  ipvlan-fabric:hosts:
    h1: {{address: 192.168.9.16, parent: bond0.100.20, slice: 10.62.0.32/27}}
    h2: {{address: 192.168.9.17, parent: lan.dmz, slice: 10.62.0.64/27}}
    h3: {{address: 192.168.9.18, parent: eth0.0040, slice: 10.62.0.96/27}}
    h4: {{address: 192.168.9.19, parent: vlan4095, slice: 10.62.0.128/27}}
  ipvlan-fabric:services:
    app: {{image: "{IMAGE}", offset: 5}}
"""
PBX = f"""
config:
  ipvlan-fabric:fabric: {{name: voice, mode: l2, subnet: 10.64.0.0/24, gateway: 10.64.0.1}}
  ipvlan-fabric:hosts:
    pbx: {{address: 192.168.9.22, parent: eth0, slice: 10.64.0.64/27}}
  ipvlan-fabric:services:
    pbx:
      image: {IMAGE}
      offset: 5
      ports: ["5060:5060/udp", "16384-32768:16384-32768/udp"]
      published: true
"""
LOOPBACK = f"""
config:
  ipvlan-fabric:fabric: {{name: vdsm, mode: l2, subnet: 10.65.0.0/24, gateway: 10.65.0.1}}
  ipvlan-fabric:hosts:
    srv: {{address: 192.168.9.23, parent: eth0, slice: 10.65.0.64/27}}
    srw: {{address: 192.168.9.24, parent: eth0, slice: 10.65.0.96/27}}
  ipvlan-fabric:services:
    dsm:
      image: {IMAGE}
      offset: 5
      ports: ["127.0.0.1:5000:5000"]
      published: true
"""


def plan_of(text: str, folder: Path) -> Plan:
    """Return the plan of a stack file."""
    (folder / "Pulumi.yaml").write_text("name: ipvlan-fabric\nruntime: python\n", encoding="utf-8")
    (folder / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    return make_plan(load_stack("dev", folder))


def problems_of(text: str, folder: Path) -> tuple[Problem, ...]:
    """Return why a stack file is refused."""
    with pytest.raises(ConfigError) as raised:
        plan_of(text, folder)
    return raised.value.problems


def reference(**service: object) -> Plan:
    """Return the reference setup's plan with a changed nginx."""
    config = reference_config()
    config["services"]["nginx"].update(service)
    return make_plan(parse(config))


def test_two_subnets_are_two_stacks(tmp_path: Path) -> None:
    """A list of subnets is answered with what a fabric is and what to do, and not with a word about quotes."""
    (problem,) = problems_of(TWO_SUBNETS, tmp_path)
    assert (problem.code, problem.key) == ("IPF170", "fabric.subnet")
    assert "one fabric has one subnet" in problem.problem
    assert "second stack" in problem.fix
    assert "quotes" not in str(problem)


def test_ipv6_is_refused_in_plain_words(tmp_path: Path) -> None:
    """A key of IPv6 says that the fabric is IPv4 only, and guesses no other key."""
    problems = problems_of(DUAL_STACK, tmp_path)
    assert [problem.key for problem in problems] == ["fabric.subnet6", "fabric.gateway6"]
    for problem in problems:
        assert "IPv4 only for now" in problem.fix
        assert "did you mean" not in str(problem)


@pytest.mark.parametrize(
    "key", ["ipv6", "ip6", "enable_ipv6", "subnet_v6", "gatewayV6", "ipv6_address", "fixed-cidr-v6", "enable_ip6tables"]
)
def test_each_spelling_of_a_key_of_ipv6(key: str) -> None:
    """Docker's and Compose's spellings, and those that people invent, have one answer, in each part of the file."""
    for section, name in (("fabric", ""), ("hosts", "docker-1"), ("services", "nginx")):
        config = reference_config()
        (config[section][name] if name else config[section])[key] = True
        with pytest.raises(ConfigError) as raised:
            parse(config)
        assert [problem.code for problem in raised.value.problems] == ["IPF171"]


@pytest.mark.parametrize("key", ["port6", "x86", "volume_64", "ipv64", "image_v2"])
def test_other_keys_with_a_six(key: str) -> None:
    """A 6 alone makes no key of IPv6."""
    config = reference_config()
    config["fabric"][key] = True
    with pytest.raises(ConfigError) as raised:
        parse(config)
    assert [problem.code for problem in raised.value.problems] == ["IPF109"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("fabric.subnet", "2001:db8::/64"),
        ("fabric.subnet", "2001:db8::"),
        ("fabric.subnet", "[2001:db8::]/64"),
        ("fabric.gateway", "::1"),
        ("fabric.gateway", "fe80::1%eth0"),
        ("fabric.gateway", "2001:db8:0:0:0:0:0:1"),
        ("fabric.reserved", ["2001:db8::1-2001:db8::9"]),
        ("fabric.reserved", ["fe80::/10"]),
        ("fabric.dns", ["2606:4700:4700::1111"]),
        ("hosts.docker-1.address", "fd00::2"),
        ("hosts.docker-1.slice", "fd00:1::/80"),
        ("hosts.docker-1.dynamic", "fd00:1::/90"),
        ("services.nginx.addresses", {"docker-1": "fd00:1::5"}),
        ("services.nginx.dns", ["::1"]),
        ("services.nginx.extra_hosts", {"db": "fd00::7"}),
        ("services.nginx.ports", ["[::1]:80:80"]),
        ("services.nginx.ports", ["::1:80:80"]),
        ("services.nginx.ports", ["[2001:db8::1]:8000-8009:8000-8009/udp"]),
        ("services.nginx.ports", ["[::]:80:80"]),
    ],
)
def test_each_value_of_ipv6(key: str, value: object) -> None:
    """An IPv6 address, subnet or range is refused as such wherever an address is meant."""
    config = reference_config()
    *path, last = key.split(".")
    target = config
    for part in path:
        target = target[part]
    target[last] = value
    with pytest.raises(ConfigError) as raised:
        parse(config)
    (problem,) = raised.value.problems
    assert "IPv6" in problem.problem
    assert "IPv4 only for now" in problem.fix


@pytest.mark.parametrize("value", ["52:54:00:8c:00:02", "12:30:45", "10.1.0.1:80", "host::"])
def test_other_values_with_colons(value: str) -> None:
    """A hardware address, a time, or an address with a port is not called IPv6."""
    config = reference_config(gateway=value)
    with pytest.raises(ConfigError) as raised:
        parse(config)
    assert [problem.code for problem in raised.value.problems] == ["IPF113"]


def test_every_link_that_a_host_can_have_is_a_parent(tmp_path: Path) -> None:
    """A VLAN in a VLAN, a name with a dot, and a VLAN of leading zeros are planned; whether they exist is the host's to say."""
    plan = plan_of(PARENTS, tmp_path)
    assert [host.parent for host in plan.hosts] == ["bond0.100.20", "lan.dmz", "eth0.0040", "vlan4095"]
    assert plan.warnings == ()


@pytest.mark.parametrize(
    "parent",
    [
        "\x1b[2J", "e\0h", ";reboot;#", "$(reboot)", '"]', "-all", "lo", "%n", "[b]", "[@a=(]", "a b", "a/b", "a:b", ".", "..",
        "a\n", "a|b", "a<b>", "ens\u00b3", "&amp;", "'x'", "a`b`", "", ".40",
    ],
)  # fmt: skip
def test_no_character_that_means_something_elsewhere(parent: str) -> None:
    """Nothing that a shell, a terminal, a diagram, a unit of systemd or an option could read as something else is a parent."""
    config = reference_config()
    config["hosts"]["docker-1"]["parent"] = parent
    with pytest.raises(ConfigError) as raised:
        parse(config)
    assert [problem.code for problem in raised.value.problems] == ["IPF130"]


def test_a_range_stays_a_range(tmp_path: Path) -> None:
    """16,385 ports are one entry in the table, the diagrams and the label, and the warning names their number and the other way."""
    plan = plan_of(PBX, tmp_path)
    container = plan.host("pbx").container("pbx")
    assert ports_label(container.docker_ports) == "5060:5060/udp 16384-32768:16384-32768/udp"
    assert list(endpoints(plan, container)) == ["192.168.9.22:5060/udp", "192.168.9.22:16384-32768/udp"]
    for picture in (topology(plan), as_svg(plan, "dev")):
        assert "16384-32768" in picture
        assert "16385" not in picture
        assert len(picture) < 5000
    (warning,) = plan.warnings
    assert (warning.code, warning.severity) == ("IPF436", "warning")
    assert "16386 ports" in warning.problem
    assert "own address" in warning.fix
    table = StringIO()
    print_tables(plan, "dev", Terminal(file=table, width=200))
    assert "192.168.9.22:16384-32768/udp" in table.getvalue()
    assert len(table.getvalue()) < 5000


def test_the_label_of_a_short_range_is_as_before() -> None:
    """A range of fewer than 100 ports is written out in the label: another text would replace the container."""
    ports = reference(ports=["8000-8002:9000-9002", "53:53/udp"]).host("docker-1").container("nginx").docker_ports
    assert ports_label(ports) == "8000:9000 8001:9001 8002:9002 53:53/udp"


def test_the_ends_of_a_range_are_tried(tmp_path: Path) -> None:
    """`verify` connects to the first and the last port of a range."""
    cells = [cell for cell in make_matrix(plan_of(PBX, tmp_path)).cells if cell.kind == "port"]
    assert [str(cell.published_port) for cell in cells] == ["5060:5060/udp", "16384:16384/udp", "32768:32768/udp"]


def test_full_ranges_cost_nothing() -> None:
    """Sixty times all ports, and one full range on many hosts, are compared as ranges."""
    began = time.process_time()
    with pytest.raises(ConfigError) as raised:
        reference(ports=["1-65535:1-65535"] * 60)
    assert {problem.code for problem in raised.value.problems} >= {"IPF417"}
    config = reference_config(39)
    config["services"]["nginx"]["ports"] = ["1000-65535:1000-65535"]
    with pytest.raises(ConfigError) as refused:
        make_plan(parse(config))
    assert [problem.code for problem in refused.value.problems] == ["IPF437"]
    assert time.process_time() - began < 2


def test_a_port_of_the_loopback_is_for_the_host_itself(tmp_path: Path) -> None:
    """No client is told a URL at 127.0.0.1: table and diagrams say that the host itself reaches it."""
    plan = plan_of(LOOPBACK, tmp_path)
    assert plan.urls == {"dsm": []}
    container = plan.host("srv").container("dsm")
    assert list(endpoints(plan, container)) == ["http://127.0.0.1:5000 (on the host itself)"]
    picture = topology(plan)
    assert "clients" not in picture
    assert "127.0.0.1:5000:5000 on the host itself" in picture
    assert "the host itself reaches it, no client does" in as_svg(plan, "dev")


def test_the_loopback_is_asked_on_the_host_alone(tmp_path: Path) -> None:
    """Clients must be refused at the host's address, and the host itself must be answered; no cell of a client leads to 127.x."""
    cells = [cell for cell in make_matrix(plan_of(LOOPBACK, tmp_path)).cells if cell.port is not None]
    assert [(cell.kind, cell.source, str(cell.address), cell.expected) for cell in cells] == [
        ("port", CLIENT, "192.168.9.23", "no"),
        ("port", CLIENT, "192.168.9.24", "no"),
        ("loopback-port", "srv", "127.0.0.1", "yes"),
        ("loopback-port", "srw", "127.0.0.1", "yes"),
    ]


def test_a_loopback_port_beside_the_hosts_address() -> None:
    """Where the same port is published at the host's address too, a client is answered there."""
    plan = reference(ports=["127.0.0.1:80:80", "192.168.140.200:80:80"], hosts=["docker-1"])
    cells = [cell for cell in make_matrix(plan).cells if cell.port is not None]
    assert [(cell.kind, str(cell.address), cell.expected) for cell in cells] == [
        ("port", "192.168.140.200", "yes"),
        ("loopback-port", "127.0.0.1", "yes"),
    ]


def test_two_services_on_overlapping_ranges() -> None:
    """The part that both bind is named, once, whatever the number of hosts; at two addresses there is no conflict."""
    config = reference_config(3)
    config["services"]["web"] = {**config["services"]["nginx"], "offset": 9, "ports": ["8005-8020:5-20"]}
    config["services"]["nginx"]["ports"] = ["8000-8009:8000-8009"]
    with pytest.raises(ConfigError) as raised:
        make_plan(parse(config))
    (problem,) = raised.value.problems
    assert (problem.code, problem.value) == ("IPF416", "8000-8009:8000-8009 and 8005-8020:5-20")
    assert "tcp port 8005-8009 of docker-1" in problem.problem
    config["services"]["web"]["ports"] = ["127.0.0.1:8005-8020:5-20"]
    config["services"]["nginx"]["ports"] = ["127.0.0.2:8000-8009:8000-8009"]
    assert make_plan(parse(config)).urls == {"nginx": [], "web": []}
