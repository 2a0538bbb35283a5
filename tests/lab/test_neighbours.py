"""The hosts are full of containers and networks of others: every command and every change of the reference setup leaves them alone.

The tests are steps on one stack. A recorder compares all that is not ours after each: ids, start times, processes, links, routes,
rules, volumes, services and files.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOST_TIMEOUT, HOSTS, STACK, Lab, Stack
from tests.support.lab_commands import document, image_of, ipvlan, kill_up
from tests.support.neighbours import (
    CHANGE_CANARY,
    REMOVE_CANARY,
    OtherProject,
    Recorder,
    Step,
    canary,
    container,
    differences,
    neighbours,
    on_hosts,
    refused,
    remove_all,
    removed,
    renamed,
    started,
    things,
    together,
)

pytestmark = pytest.mark.steps

FIRST, SECOND = HOSTS


@pytest.fixture(scope="module")
def recorder(lab: Lab, stack: Stack) -> Recorder:
    """Return the recorder; it starts when the hosts are full."""
    return Recorder(lab, stack)


@pytest.fixture(scope="module")
def other(lab: Lab, stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> OtherProject:
    """Return the other project, which is not up yet."""
    return OtherProject(
        lab=lab, folder=tmp_path_factory.mktemp("backstage"), stack=STACK, image=image_of(stack, "nginx")
    )


@pytest.fixture(scope="module", autouse=True)
def full_hosts(lab: Lab, stack: Stack, recorder: Recorder, other: OtherProject) -> Iterator[None]:
    """Fill the hosts, bring the other project up, and start the recorder; empty the hosts at the end."""
    stack.config["services"]["nginx"]["published"] = False
    stack.config["hosts"][FIRST]["shim"] = True
    remove_all(lab)
    images = lab.images()
    filled = {host: {"steps": neighbours(host, images, STACK)} for host in HOSTS}
    filled[FIRST]["steps"] += canary(images)
    try:
        together(partial(on_hosts, lab, filled), other.up)
        recorder.start()
        yield
    finally:
        remove_all(lab)


@pytest.fixture(autouse=True)
def nothing_of_others_changes(recorder: Recorder) -> Iterator[None]:
    """Compare what others have after each step."""
    yield
    recorder.assert_untouched()


def services(stack: Stack) -> dict[str, Any]:
    """Return the services of the config, to change."""
    mapping: dict[str, Any] = stack.config["services"]
    return mapping


def statuses(lab: Lab, port: int) -> list[str]:
    """Return the HTTP status of a port of each host, as the client outside sees it."""
    return together(*(partial(lab.http_status, address, port) for address in ADDRESSES.values()))


def status_of(lab: Lab) -> set[tuple[str, str, str | None]]:
    """Return name, host and container or service of each difference that `status` reports."""
    printed = document(ipvlan(lab, "status", "--json", "--timeout", HOST_TIMEOUT))
    return {(found["name"], found["host"], found["service"]) for found in printed["differences"]}


def healed(lab: Lab) -> set[tuple[str, str, str | None]]:
    """Run `heal`, and return name, host and service of each difference that it leaves."""
    printed = document(ipvlan(lab, "heal", "--yes", "--json"))
    return {(found["name"], found["host"], found["service"]) for found in printed["remaining"]}


def held(lab: Lab, host: str, name: str) -> str:
    """Return the address that a container holds in the fabric, as Docker has it; empty where it holds none."""
    template = '{{with index .NetworkSettings.Networks "ipvlanl2"}}{{.IPAddress}}{{end}}'
    return lab.ssh(host, f"docker inspect -f '{template}' {name}").strip()


GUESTS = {("foreign-container", FIRST, None), ("foreign-container", SECOND, None)}
"""What `status` says of the neighbours: one on each host is on the fabric."""
HELD_FOR_GOOD = {("foreign-container", SECOND, None)}
"""What is no information but an error: that one is outside its host's slice."""


def test_the_recorder_can_fail(recorder: Recorder) -> None:
    """The recorder reports a container, a link, a route, a rule, a volume and a file that change, and nothing else."""
    changes = recorder.changes({FIRST: CHANGE_CANARY})
    # A new start of a container on Docker's bridge is another link and another endpoint.
    assert {thing for thing in things(changes) if "link veth" not in thing} == {
        f"{FIRST} {thing}"
        for thing in (
            "container canary", "link canary0", "routes", "firewall iptables-save filter DOCKER-USER", "volume canary",
            "files in /etc/systemd", "network bridge",
        )
    }  # fmt: skip
    assert f"{FIRST} routes: removed from routes: 10.99.0.0/16 via 192.168.140.1 dev ens33" in changes
    assert any(line.startswith(f"{FIRST} container canary: started: ") for line in changes)
    recorder.first = recorder.start({FIRST: REMOVE_CANARY})


def test_names_of_others_are_refused(lab: Lab, stack: Stack) -> None:
    """While others have the planned names, `up` says who has them and changes nothing of theirs, whatever labels they bear."""
    stack.write()
    together(
        partial(ipvlan, lab, "plan"),
        partial(ipvlan, lab, "preflight", "--timeout", HOST_TIMEOUT),
        partial(ipvlan, lab, "status", "--timeout", HOST_TIMEOUT),
        stack.preview,
    )
    output = refused(stack.up(check=False))
    assert "is already in use" in output
    assert any(f"fabric-{host}-{name}" in output for host in HOSTS for name in ("centos", "nginx"))


def test_up_beside_them(lab: Lab, stack: Stack, recorder: Recorder) -> None:
    """With the names free, `up` completes beside them; every connection is as planned, and `status` names the guests alone."""
    steps: dict[str, list[Step]] = {
        host: [*renamed("nginx", "nginx-old"), *renamed("centos", "centos-old")] for host in HOSTS
    }
    recorder.change(steps, " nginx", " centos", "network bridge", "network shop_default")
    stack.up()
    nginx = image_of(stack, "nginx")
    inherits = [
        ["POST", "/commit?container=nginx&repo=ours-copy&pause=0", {}],
        *started("side", container("ours-copy", network="shop_default")),
    ]
    recorder.change(
        {
            # An address in the slice, chosen by hand; and one that the other host will plan.
            FIRST: [*inherits, *started("guest", container(nginx, network="ipvlanl2", address="10.1.1.77"))],
            SECOND: started("holder", container(nginx, network="ipvlanl2", address="10.1.1.9")),
        },
        "container side", "image ours-copy", "network shop_default", "link veth", "container guest", "container holder",
    )  # fmt: skip
    verified, found, _ = together(stack.verify, partial(status_of, lab), stack.assert_unchanged)
    assert verified["ok"], [cell for cell in verified["cells"] if not cell["ok"]]
    assert found == GUESTS


def test_changes(lab: Lab, stack: Stack) -> None:
    """Publishing, internet and a new service on one host leave them alone."""
    services(stack)["nginx"]["published"] = True
    services(stack)["centos"]["internet"] = True
    services(stack)["web"] = {
        "image": image_of(stack, "nginx"), "offset": 7, "hosts": [FIRST], "ports": ["8080:80"], "published": True,
    }  # fmt: skip
    stack.up()
    assert statuses(lab, 80) == ["200", "200"]
    assert statuses(lab, 8080) == ["200", "000"]
    assert [
        lab.http_status(ADDRESSES[host], port) for host, port in ((FIRST, 8090), (SECOND, 8091), (SECOND, 8077))
    ] == ["200"] * 3


def test_an_address_of_others_is_refused(lab: Lab, stack: Stack) -> None:
    """A planned address that a container of others holds on the other host is refused; nothing is stopped."""
    before = lab.container_ids()
    services(stack)["centos"]["addresses"] = {FIRST: "10.1.1.9"}
    output = refused(stack.up(check=False))
    assert re.search(r"container holder \([0-9a-f]{12}[^)]*\) on docker-2", output)
    assert lab.container_ids() == before


def test_replacement_move_and_scale(lab: Lab, stack: Stack) -> None:
    """A changed environment, a moved address, a service on one more host and no internet any more leave them alone."""
    services(stack)["nginx"]["environment"] = {"CHANGED": "once"}
    services(stack)["centos"].update(addresses={FIRST: "10.1.1.10"}, internet=False, ports=["8022:80"])
    services(stack)["web"]["hosts"] = [FIRST, SECOND]
    stack.up()
    assert held(lab, FIRST, "centos") == "10.1.1.10"
    assert statuses(lab, 80) == statuses(lab, 8080) == ["200", "200"]


def test_heal(lab: Lab, stack: Stack, recorder: Recorder) -> None:
    """`heal` repairs every kind of difference that is repaired on a host, and one by Pulumi, and leaves alone what is not ours.

    A container whose planned address a container of others holds keeps working where it is. A network of others on the parent
    stays, and so does the one container in it, which never started.
    """
    nginx = image_of(stack, "nginx")
    elsewhere = {
        "Name": "elsewhere",
        "Driver": "macvlan",
        "Options": {"parent": "ens33"},
        "IPAM": {"Config": [{"Subnet": "10.9.0.0/24"}]},
    }
    recorder.change(
        {
            FIRST: [
                # Our centos steps aside, and somebody else takes its address.
                "docker network disconnect ipvlanl2 centos; docker network connect --ip 10.1.1.90 ipvlanl2 centos",
                *started("taker", container(nginx, network="ipvlanl2", address="10.1.1.10")),
                "docker network disconnect bridge nginx; docker stop -t 1 web >/dev/null; ip link del shim.ens33",
            ],
            SECOND: [
                ["POST", "/networks/create", elsewhere],
                ["POST", "/containers/create?name=waits", container(nginx, network="elsewhere")],
                "docker network disconnect ipvlanl2 nginx; docker network connect bridge centos; docker rm -f web >/dev/null",
            ],
        },
        "container taker", "network elsewhere", "container waits",
    )  # fmt: skip
    expected = {
        ("address-different", FIRST, "centos"),
        ("foreign-address", FIRST, None),
        ("bridge-disconnected", FIRST, "nginx"),
        ("container-stopped", FIRST, "web"),
        ("shim-missing", FIRST, None),
        ("network-on-parent", SECOND, None),
        ("fabric-disconnected", SECOND, "nginx"),
        ("bridge-connected", SECOND, "centos"),
        ("container-missing", SECOND, "web"),
    }
    assert status_of(lab) == GUESTS | expected
    refused(ipvlan(lab, "heal", "--yes"))
    left = {
        ("address-different", FIRST, "centos"),
        ("foreign-address", FIRST, None),
        ("network-on-parent", SECOND, None),
    }
    assert status_of(lab) == GUESTS | left
    assert held(lab, FIRST, "centos") == "10.1.1.90"
    assert statuses(lab, 80) == statuses(lab, 8080) == ["200", "200"]
    recorder.change(
        {FIRST: removed("taker"), SECOND: [*removed("waits"), "docker network rm elsewhere >/dev/null"]},
        "container taker", "container waits", "network elsewhere",
    )  # fmt: skip
    assert healed(lab) == HELD_FOR_GOOD
    assert held(lab, FIRST, "centos") == "10.1.1.10"
    stack.pulumi("refresh", "--yes", "--expect-no-changes")


def by_hand(name: str, image: str, network: str) -> list[Step]:
    """Return the steps by which somebody replaces a container of ours by one of their own."""
    return [*removed(name), *started(name, container(image, "sleep", "1000000", network=network))]


@pytest.mark.long
def test_our_containers_replaced_by_hand(lab: Lab, stack: Stack, recorder: Recorder) -> None:
    """Containers of others that have taken the names of ours keep their networks, and the host keeps docker0.

    On docker-1 `web` is in the network namespace of another container, on docker-2 on Docker's bridge: unpublishing disconnects
    neither. `centos` is in the host's network: publishing it fails, and no link of the host is deleted. The `web` of docker-2 is
    from an image committed from ours, so it has all labels of ours, and yet no `up` removes it.
    """
    nginx = image_of(stack, "nginx")
    recorder.change(
        {
            FIRST: [*by_hand("centos", nginx, "host"), *by_hand("web", nginx, "container:shop-web")],
            SECOND: [["POST", "/commit?container=web&repo=ours-copy&pause=0", {}], *by_hand("web", "ours-copy", "bridge")],
        },
        "container centos", "container web", "image ours-copy", "network bridge", "network host", "link veth",
    )  # fmt: skip
    services(stack)["web"]["published"] = False
    stack.up()
    services(stack)["centos"]["published"] = True
    refused(stack.up(check=False))
    recorder.assert_untouched()
    services(stack)["centos"]["published"] = False
    recorder.change({FIRST: removed("centos", "web")}, "container centos", "container web", "network host")
    output = refused(stack.up("--refresh", check=False))
    assert "fabric-docker-2-web" in output
    recorder.change(
        {SECOND: [*removed("web"), "docker image rm ours-copy >/dev/null"]},
        "container web", "image ours-copy", "network bridge", "link veth",
    )  # fmt: skip
    stack.up()
    assert status_of(lab) == GUESTS


def test_an_interrupted_up(lab: Lab, stack: Stack) -> None:
    """After a killed `up` the next one removes the orphan of ours, and not the container whose image inherits our labels.

    `side` is such a container, and its name is planned now: `up` refuses it. With another name planned, `up` completes.
    """
    services(stack)["late"] = {"image": image_of(stack, "nginx"), "offset": 20, "hosts": [SECOND]}
    kill_up(stack, "fabric-docker-2-late creating", partial(lab.ssh, SECOND, APPEARS.format("late")))
    stack.pulumi("cancel", "--yes")
    services(stack)["side"] = {"image": image_of(stack, "nginx"), "offset": 21, "hosts": [FIRST]}
    output = refused(stack.up(check=False))
    assert "fabric-docker-1-side" in output
    services(stack).pop("side")
    stack.up()
    assert "late" in lab.ssh(SECOND, "docker ps --format '{{.Names}}'").split()


def test_forget(lab: Lab, stack: Stack, recorder: Recorder) -> None:
    """What `forget` prints as left on a host removes exactly what is ours there."""
    # It runs on that host alone: what becomes of such a service is a person's decision, and `forget` would edit no file.
    services(stack).pop("late")
    stack.write()
    forgotten = document(ipvlan(lab, "forget", SECOND, "--yes", "--json"))
    Path(forgotten["backup"]).unlink()
    assert {container["name"] for container in forgotten["remains"]["containers"]} == {"centos", "nginx", "web", "late"}
    stack.use_config_of(stack.file)
    assert stack.config["hosts"].keys() == {FIRST}
    # The guest is in our network, which nobody removes under it.
    recorder.change({SECOND: [*removed("holder"), "\n".join(forgotten["clean_up"])]}, "container holder")


def test_destroy(lab: Lab, stack: Stack, recorder: Recorder, other: OtherProject) -> None:
    """`destroy` does not remove the guest's network; without the guest it leaves the hosts as before our first `up`."""
    refused(stack.pulumi("destroy", "--yes", "--skip-preview", check=False))
    recorder.change(
        {FIRST: [*removed("side", "guest"), "docker image rm ours-copy >/dev/null"]},
        "container side", "image ours-copy", "network shop_default", "link veth", "container guest",
    )  # fmt: skip
    stack.pulumi("destroy", "--yes", "--skip-preview")
    other.unchanged()
    renamed_since = {"container nginx-old": "container nginx", "container centos-old": "container centos"}
    after = recorder.look()
    for host in HOSTS:
        now = {renamed_since.get(thing, thing): fields for thing, fields in after[host].items()}
        assert [line for line in differences(recorder.first[host], now) if "endpoint of" not in line] == []


APPEARS = "until docker ps -aq -f name=^{}$ | grep -q .; do sleep 0.1; done"
"""Waits until there is a container of that name."""
