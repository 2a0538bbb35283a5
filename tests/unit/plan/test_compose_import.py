"""Where imported services are placed: hosts, addresses, the LAN; and that what is written can always be planned."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ipvlan.config.compose.table import ROWS
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.compose_import import Import, plan_import
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError
from tests.support.compose_files import carried_files
from tests.support.projects import write_project
from tools.reference_setup import STACK_TEXT

LAN = """\
config:
  ipvlan-fabric:fabric: {name: lan, subnet: 192.168.140.0/24, gateway: 192.168.140.1, reserved: [192.168.140.100-192.168.140.199]}
  ipvlan-fabric:hosts:
    nas: {address: 192.168.140.200, parent: eth0, slice: 192.168.140.32/28, dynamic: none}
"""


def imported(text: str, *hosts: str, stack: str = STACK_TEXT, **options: Any) -> Import:
    """Import a compose file into a stack, write what it says, and check that it can be planned."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder, stack)
        own = "Pulumi.dev.yaml"
        result = plan_import(
            "dev", Checkout(folder), carried_files(text, **options), hosts, texts={own: stack}, own=own
        )
        for file, new in result.texts.items():
            (folder / file).write_text(new, encoding="utf-8")
        plan = make_plan(load_stack("dev", folder))
        placed = {(container.service, container.host) for container in plan.containers()}
        assert placed >= {(service, host) for service in result.services for host in hosts}
        return result


def test_the_next_free_offset_of_the_hosts() -> None:
    """It is the one that `ipvlan allocate` gives, on one host and on several."""
    text = "services: {web: {image: a}, app: {image: b}}"
    assert [keys["offset"] for keys in imported(text, "docker-1").services.values()] == [3, 4]
    services = imported(text, "docker-2", "docker-1", "docker-2").services
    assert services["web"] == {"image": "a", "hosts": ["docker-2", "docker-1"], "offset": 3, "restart": "no"}


@pytest.mark.parametrize(
    ("address", "hosts", "kept"),
    [
        ("10.1.1.77", ["docker-1"], True),
        ("10.1.1.77", ["docker-1", "docker-2"], False),
        ("172.20.0.5", ["docker-1"], False),
        ("10.1.2.7", ["docker-1"], False),
        ("10.1.0.1", ["docker-1"], False),
        ("soon", ["docker-1"], False),
    ],
)
def test_an_address_of_compose(address: str, hosts: list[str], kept: bool) -> None:
    """It stays where the fabric has it and one host is named; else the container gets another one, and that is said."""
    text = f"services: {{web: {{image: a, networks: {{lan: {{ipv4_address: {address}}}}}}}}}"
    result = imported(text, *hosts)
    keys = result.services["web"]
    assert keys.get("addresses") == ({"docker-1": address} if kept else None)
    assert ("offset" in keys) is not kept
    assert ("networks.ipv4_address" in [entry.key for entry in result.left_out]) is not kept


def test_an_address_that_another_container_has() -> None:
    """Nothing is written."""
    with pytest.raises(ConfigError, match=r"10\.1\.1\.2") as raised:
        imported("services: {web: {image: a, networks: {lan: {ipv4_address: 10.1.1.2}}}}", "docker-1")
    assert {problem.key.partition(" ")[0] for problem in raised.value.problems} <= {
        "services.web.addresses.docker-1",
        "services.nginx.offset",
    }


def test_ports_on_the_lan_of_the_hosts() -> None:
    """Clients use the container's own address; a port of the host itself stays published."""
    web, own = "image: a, restart: always, ports: ['80:80']", "image: b, restart: always, ports: ['127.0.0.1:81:81']"
    text = f"services: {{web: {{{web}}}, own: {{{own}}}}}"
    result = imported(text, "nas", stack=LAN)
    assert "published" not in result.services["web"]
    assert result.services["web"]["ports"] == ["80:80"]
    assert result.services["own"]["published"]
    assert [(entry.service, entry.key, entry.kind) for entry in result.left_out] == [
        ("web", "ports", "not-carried"),
        ("", "services", "advice"),
    ]


def test_what_the_lan_can_reach_now_is_advice() -> None:
    """In compose a container without a port at the LAN was private to its host; a fabric of its own is not the LAN."""
    web, own = "image: a, restart: always, ports: ['80:80']", "image: b, restart: always, ports: ['127.0.0.1:81:81']"
    text = f"services: {{web: {{{web}}}, db: {{image: redis, restart: always}}, own: {{{own}}}}}"
    result = imported(text, "nas", stack=LAN)
    (advice,) = [entry for entry in result.left_out if entry.kind == "advice"]
    assert advice.reason.startswith("the LAN could not reach db, own in compose")
    assert not [
        entry for entry in imported(text.replace("80:80", "88:80"), "docker-1").left_out if "LAN" in entry.reason
    ]


def test_the_way_out_is_advice() -> None:
    """A service without a published port reached the internet in compose; on a LAN it still does."""
    text = "services: {web: {image: a, restart: always, ports: ['81:80']}, db: {image: b, restart: always}}"
    (advice,) = imported(text, "docker-1").left_out
    assert advice.reason.startswith("db reached the internet")
    assert (
        imported("services: {db: {image: b, restart: always, ports: ['81:80']}}", "nas", stack=LAN).left_out[0].kind
        == "not-carried"
    )


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("services: {nginx: {image: a}}", ["services.nginx"]),
        ("services: {nginx: {image: a}, centos: {image: a}}", ["services.centos", "services.nginx"]),
        (
            "services: {aa: {image: a, depends_on: [bb]}, bb: {image: a, depends_on: [aa]}}",
            ["services.aa.after and services.bb.after"],
        ),
        ("services: {aa: {image: a, container_name: nginx}}", ["services.nginx and services.aa"]),
    ],
)
def test_what_would_not_plan(text: str, keys: list[str]) -> None:
    """Every problem, and no text."""
    with pytest.raises(ConfigError) as raised:
        imported(text, "docker-1")
    assert sorted(problem.key for problem in raised.value.problems) == sorted(keys)


def test_what_is_empty_is_not_written() -> None:
    """A key without entries says nothing, in compose and here."""
    text = "services: {web: {image: a, labels: {}, ports: [], ulimits: {}, cap_add: [X], healthcheck: , deploy: {}}}"
    assert set(imported(text, "docker-1").services["web"]) == {"image", "hosts", "offset", "restart"}


def test_nothing_to_import() -> None:
    """No service, no change."""
    result = imported("services: {web: {build: .}}", "docker-1")
    assert (result.services, result.texts) == ({}, {})
    assert [entry.key for entry in result.left_out] == ["build"]


KEYS = sorted(row.key for row in ROWS.values() if row.path.startswith("services.*.") and row.path.count(".") == 2)
VALUES: dict[str, list[Any]] = {
    "ports": [["80:80"], ["8080:80", "3000"], [{"target": 80, "published": "81"}], ["53:53/udp"]],
    "volumes": [["./a:/a"], ["data:/data:ro", "/b"], [{"type": "tmpfs", "target": "/t"}], ["~/x:/x", "/x:/y:rslave"]],
    "environment": [{"A": "1", "TOKEN": "x"}, ["A=1", "B"], {"A": None}],
    "depends_on": [["bb"], {"bb": {"condition": "service_healthy"}}, ["cc"]],
    "healthcheck": [{"test": "x", "interval": "5s"}, {"disable": True}, {"interval": "1s"}],
    "deploy": [{"resources": {"limits": {"memory": "1G", "cpus": "2"}}}, {"replicas": 2}, {}],
    "networks": [["a"], {"a": {"ipv4_address": "10.9.9.9"}}, {"a": {"aliases": ["x"]}}, ["own"], ["own", "default"]]
    + [{"own": {"aliases": ["aa", "x"]}}, {"theirs": {"ipv4_address": "10.9.9.9"}, "own": None}, ["shut", "theirs"]],
    "mem_limit": ["64mb", "1.5g", 1000000, "lots"],
    "tmpfs": ["/run", ["/run:size=1m"]],
    "command": ["a b", ["a"], ""],
    "image": ["registry/app:1", "app"],
}


@st.composite
def compose_services(draw: st.DrawFn) -> dict[str, Any]:
    """Return two services with any keys of compose, with values that fit and values that do not."""
    services: dict[str, Any] = {}
    for name in ("aa", "bb"):
        keys = draw(st.lists(st.sampled_from(KEYS), max_size=8, unique=True))
        general = st.sampled_from(["x", "host", "1", 1, True, None, ["a"], {"a": "b"}, "${UNSET}", "64m", "10s"])
        services[name] = {key: draw(st.sampled_from(VALUES[key]) if key in VALUES else general) for key in keys}
        services[name]["image"] = draw(st.sampled_from(VALUES["image"]))
        # Port 80 of docker-1 is that of the stack's nginx, and one container has each name.
        services[name].pop("container_name", None)
    return services


RENAMED = {
    "cgroup",
    "deploy",
    "mem_reservation",
    "memswap_limit",
    "network_mode",
    "networks",
    "profiles",
    "scale",
    "stop_grace_period",
}
"""Keys that become others, or that need no line where they have some values."""
THEIRS = {"external": True, "name": "mon_default"}
OURS = {"depends_on": "after", "logging": "log_driver", "mem_limit": "memory"}


def lost(services: dict[str, Any], result: Import) -> set[str]:
    """Return the keys of compose that are neither in the stack file nor listed."""
    listed = {(entry.service, entry.key.partition(".")[0].partition("[")[0]) for entry in result.left_out}
    return {
        key
        for name, keys in result.services.items()
        for key, value in services[name].items()
        if value
        and key not in RENAMED
        and OURS.get(key, key) not in keys
        and (name, key) not in listed
        and key != "volumes"
    }


@given(compose_services(), st.booleans())
def test_whatever_is_written_can_be_planned(services: dict[str, Any], on_lan: bool) -> None:
    """Whatever the keys and values are: it plans, and no key is lost; or two services contradict each other."""
    networks = {
        "own": {"ipam": {"config": [{"subnet": "172.30.5.0/24"}]}},
        "shut": {"internal": True},
        "theirs": THEIRS,
    }
    text = yaml.safe_dump({"services": services, "volumes": {"data": None}, "networks": networks}, sort_keys=False)
    stack, host = (LAN, "nas") if on_lan else (STACK_TEXT.partition("  ipvlan-fabric:services:")[0], "docker-1")
    try:
        result = imported(text, host, stack=stack, profiles=["*"])
    except ConfigError as error:
        contradictions = [problem for problem in error.problems if " and services." in problem.key]
        if len(contradictions) != len(error.problems):
            raise
    else:
        assert lost(services, result) == set()


@pytest.mark.parametrize(
    ("keys", "lost_key"),
    [
        ("logging: {a: b}", "logging.a"),
        ("ports: [{target: 80, published: 81, app_protocol: http}]", "ports[0].app_protocol"),
        ("devices: [{source: /dev/a, other: b}]", "devices[0].other"),
        ("volumes: [{type: bind, source: /a, target: /b, bind: {recursive: disabled}}]", "volumes[0].bind.recursive"),
        ("volumes: [{type: volume, source: data, target: /b, volume: {labels: {a: b}}}]", "volumes[0].volume.labels"),
        ("ulimits: {nofile: {soft: 1, hard: 2, other: 3}}", "ulimits.nofile.other"),
        ("healthcheck: {test: [NONE], other: 1}", "healthcheck.other"),
    ],
)
def test_no_key_below_another_is_lost(keys: str, lost_key: str) -> None:
    """Also what compose itself does not know is listed."""
    result = imported(f"services: {{web: {{image: a, {keys}}}}}\nvolumes: {{data: }}", "docker-1")
    assert lost_key in [entry.key for entry in result.left_out]


NFS = 'type: nfs, o: "addr=10.0.0.1,rw", device: ":/srv"'


@pytest.mark.parametrize(
    ("declared", "entry", "listed"),
    [
        (
            f"{{driver_opts: {{{NFS}}}}}",
            {"driver_opts": {"type": "nfs", "o": "addr=10.0.0.1,rw", "device": ":/srv"}},
            [("volumes.data", "advice")],
        ),
        (
            "{driver: local, driver_opts: {type: none, o: bind, device: ./data}}",
            {"driver_opts": {"type": "none", "o": "bind", "device": "/srv/shop/data"}},
            [("volumes.data", "advice")],
        ),
        (
            "{driver: vieux/sshfs, labels: [a=b]}",
            {"driver": "vieux/sshfs", "labels": {"a": "b"}},
            [("volumes.data", "advice")],
        ),
        ("{labels: {a: b}}", {"labels": {"a": "b"}}, [("volumes.data", "advice")]),
        (
            '{driver_opts: {type: cifs, o: "username=u,password=hunter2", device: //nas/share}}',
            {"external": True},
            [("volumes.data.driver_opts.o", "not-carried")],
        ),
        (
            "{driver_opts: {type: nfs, o: 'addr=${NAS}', device: ':/srv'}}",
            {"external": True},
            [("volumes.data.driver_opts.o", "not-carried")],
        ),
        ("{driver_opts: {colour: red}}", {"external": True}, [("volumes.data.driver_opts.colour", "not-carried")]),
        (
            "{driver_opts: {type: none, o: bind, device: ./data}}",
            {"external": True},
            [("volumes.data.driver_opts.device", "not-carried")],
        ),
        ("{driver: 'No driver'}", {"external": True}, [("volumes.data.driver", "not-carried")]),
        ("{driver: local}", None, []),
        ("", None, []),
    ],
)
def test_a_volume_with_options(declared: str, entry: Any, listed: list[tuple[str, str]]) -> None:
    """It is an entry of the section, by the name that compose gave it; where it cannot be one, no empty volume takes its place."""
    web = "image: a, restart: always, ports: ['81:80'], volumes: ['data:/d']"
    text = f"services: {{web: {{{web}}}}}\nvolumes: {{data: {declared}}}"
    result = imported(text, "docker-1", folder="/srv/shop")
    assert result.services["web"]["volumes"] == ["shop_data:/d"]
    (own,) = result.texts.values()
    volumes = yaml.safe_load(own)["config"].get("ipvlan-fabric:volumes")
    assert volumes == ({"shop_data": entry} if entry else None)
    assert [(left_out.key, left_out.kind) for left_out in result.left_out] == listed
    assert "hunter2" not in repr(result.left_out)
    assert all("external: true" in left_out.reason for left_out in result.left_out)


def test_a_volume_that_no_carried_service_mounts() -> None:
    """It is not written: nothing would mount it."""
    text = f"services: {{web: {{image: a, ports: ['81:80']}}}}\nvolumes: {{data: {{driver_opts: {{{NFS}}}}}}}"
    (own,) = imported(text, "docker-1").texts.values()
    assert "volumes" not in yaml.safe_load(own)["config"]


def test_a_volume_of_somebody_else() -> None:
    """As compose, `up` ends where it is missing."""
    text = "services: {web: {image: a, volumes: ['data:/d']}}\nvolumes: {data: {external: true, name: real}}"
    (own,) = imported(text, "docker-1").texts.values()
    assert yaml.safe_load(own)["config"]["ipvlan-fabric:volumes"] == {"real": {"external": True}}


def test_a_volume_that_the_stack_has() -> None:
    """By Docker's name it is the same one, and its key there is written; by its key alone it is another one."""
    stack = STACK_TEXT + "  ipvlan-fabric:volumes:\n    data: {name: otherthing, hosts: [docker-1]}\n"
    mounts = "volumes: ['data:/d', {type: volume, source: data, target: /e, volume: {nocopy: true}}]"
    text = f"services: {{web: {{image: a, {mounts}}}}}\nvolumes: {{data: {{external: true, name: otherthing}}}}"
    result = imported(text, "docker-1", stack=stack)
    assert result.services["web"]["volumes"] == ["data:/d"]
    assert [mount["source"] for mount in result.services["web"]["mounts"]] == ["data"]
    text = "services: {web: {image: a, volumes: ['data:/d']}}\nvolumes: {data: {external: true}}"
    with pytest.raises(ConfigError) as raised:
        imported(text, "docker-1", stack=stack)
    assert [problem.key for problem in raised.value.problems] == ["services.web.volumes and volumes.data"]


@pytest.mark.parametrize(
    ("service", "listed"),
    [
        ("x: {image: a}", ("x", "")),
        ('bad: {image: "nginx:"}', ("bad", "image")),
        ("bad: {image: A}", ("bad", "image")),
        ("bad: {image: [nginx]}", ("bad", "image")),
        ('bad: {image: a, environment: ["=z", "A=1"]}', ("bad", "environment.")),
        ('bad: {image: a, labels: ["=z"]}', None),
    ],
)
def test_one_bad_service_does_not_refuse_the_others(service: str, listed: tuple[str, str] | None) -> None:
    """It is left out, or its entry is, with file and line."""
    result = imported(f"services:\n  web: {{image: a}}\n  {service}\n", "docker-1")
    assert "web" in result.services
    places = {(entry.service, entry.key): entry.place.line for entry in result.left_out}
    if listed is not None:
        assert places[listed] == 3
        assert ("bad" in result.services) == (listed[1] == "environment.")


def test_a_value_of_env_in_the_options_of_a_volume() -> None:
    """It is named, and what is shown of the change has no option's value."""
    options = "driver_opts: {type: nfs, o: 'addr=${NAS}', device: ':/srv'}"
    text = f"services: {{web: {{image: a, volumes: ['data:/d']}}}}\nvolumes: {{data: {{{options}}}}}"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_project(folder, STACK_TEXT)
        own = "Pulumi.dev.yaml"
        project = carried_files(text, dotenv="NAS=10.9.8.7")
        result = plan_import("dev", Checkout(folder), project, ["docker-1"], texts={own: STACK_TEXT}, own=own)
    assert "addr=10.9.8.7" in result.texts[own]
    assert "10.9.8.7" not in result.shown[own]
    (advice,) = [entry.reason for entry in result.left_out if "NAS" in entry.reason]
    assert "secret_driver_opts" in advice
