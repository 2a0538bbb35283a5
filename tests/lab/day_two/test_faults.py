"""Day two on real hosts: something is broken by hand, `status` names it, `heal` fixes it, `verify` passes, nothing else changed.

The tests share one stack; each ends with everything as planned.
"""

from __future__ import annotations

import time
from functools import partial

import pytest

from lab.harness import ADDRESSES, HOSTS, Lab, Stack
from tests.support.lab_commands import assert_as_planned, differences, document, image_of, in_parallel, ipvlan


@pytest.mark.versions
def test_a_new_stack_is_as_planned(lab: Lab, stack: Stack) -> None:
    """A new stack has no difference, nothing to heal, no finding of preflight, and every connection as planned."""
    assert differences(lab) == []
    assert ipvlan(lab, "heal", "--yes").returncode == 0
    assert ipvlan(lab, "preflight").returncode == 0
    verified = stack.verify()
    assert verified["ok"]
    kinds = {cell["kind"] for cell in verified["cells"]}
    assert kinds == {"container", "host-address", "own-container", "gateway", "internet", "port"}
    assert {cell["observed"] for cell in verified["cells"] if cell["kind"] == "port"} == {"HTTP 200"}


@pytest.mark.parametrize(("command", "limit"), [("status", 1.5), ("verify", 15.0)])
def test_commands_are_fast(lab: Lab, command: str, limit: float) -> None:
    """With open ssh connections the command takes less than `limit` seconds for two healthy hosts, as it reports itself.

    The best of three counts: both hosts, and whatever else runs, share the machine's two cores.
    """
    ipvlan(lab, "status")
    assert min(document(ipvlan(lab, command, "--json"))["seconds"] for _ in range(3)) < limit


FAULTS: dict[str, tuple[str, str, list[tuple[str, str | None]], set[str]]] = {
    "bridge disconnected": (
        "docker-1", "docker network disconnect bridge nginx", [("bridge-disconnected", "nginx")], set(),
    ),
    "fabric disconnected": (
        "docker-1", "docker network disconnect ipvlanl2 centos", [("fabric-disconnected", "centos")], set(),
    ),
    "fabric of a published container disconnected": (
        "docker-2", "docker network disconnect ipvlanl2 nginx", [("fabric-disconnected", "nginx")], set(),
    ),
    "another address": (
        "docker-1",
        "docker network disconnect ipvlanl2 centos; docker network connect --ip 10.1.1.99 ipvlanl2 centos",
        [("address-different", "centos")],
        set(),
    ),
    "stopped": ("docker-2", "docker stop -t 1 nginx", [("container-stopped", "nginx")], set()),
    "not published and yet on the bridge": (
        "docker-1", "docker network connect bridge centos", [("bridge-connected", "centos")], set(),
    ),
    "removed": ("docker-2", "docker rm -f centos", [("container-missing", "centos")], {"docker-2/centos"}),
    "network removed": (
        "docker-2",
        (
            "docker network disconnect -f ipvlanl2 nginx; docker network disconnect -f ipvlanl2 centos; "
            "docker network rm ipvlanl2"
        ),
        [("network-missing", None), ("fabric-disconnected", "centos"), ("fabric-disconnected", "nginx")],
        {"docker-2/centos", "docker-2/nginx"},
    ),
    "an empty host at the same address": (
        "docker-2",
        "docker rm -f nginx centos; docker network rm ipvlanl2; docker image prune -af",
        [("network-missing", None), ("container-missing", "centos"), ("container-missing", "nginx")],
        {"docker-2/centos", "docker-2/nginx"},
    ),
}  # fmt: skip


PAIRS = (
    ("bridge disconnected", "stopped"),
    ("fabric disconnected", "fabric of a published container disconnected"),
    ("not published and yet on the bridge", "removed"),
    ("another address",),
    ("network removed",),
    ("an empty host at the same address",),
)
"""Faults that are made at the same time, one per host, docker-1's first; each fault is in one of them."""
LONG = {
    ("fabric disconnected", "fabric of a published container disconnected"),
    ("not published and yet on the bridge", "removed"),
    ("another address",),
    ("network removed",),
}
"""Others stand for them in `make test`: the empty host, and test_heal of tests/lab/test_neighbours.py."""


@pytest.mark.versions
@pytest.mark.parametrize(
    "pair", [pytest.param(pair, marks=pytest.mark.long) if pair in LONG else pair for pair in PAIRS], ids=" and ".join
)
def test_faults_are_named_and_fixed(lab: Lab, stack: Stack, pair: tuple[str, ...]) -> None:
    """`status` names exactly these faults, `heal` fixes them, and no other container is replaced."""
    faults = [FAULTS[name] for name in pair]
    before = lab.container_ids()
    in_parallel(
        *(partial(lab.ssh, host, text.replace("{nginx}", image_of(stack, "nginx"))) for host, text, _, _ in faults)
    )
    assert differences(lab) == [(name, host, service) for host, _, expected, _ in faults for name, service in expected]
    healed = ipvlan(lab, "heal", "--yes")
    assert healed.returncode == 0, healed.stdout + healed.stderr
    assert_as_planned(stack)
    after = lab.container_ids()
    assert after.keys() == before.keys()
    assert {place for place in after if after[place] != before[place]} == {place for *_, new in faults for place in new}


def test_an_up_says_what_is_off_the_fabric(lab: Lab, stack: Stack) -> None:
    """It leaves the container as it is, also with a refresh, and names it, and the command that repairs it (chaos, seed 12)."""
    lab.ssh("docker-1", "docker network disconnect ipvlanl2 centos")
    said = stack.up("--refresh").stdout
    assert "IPF846" in said
    assert "heal --host docker-1" in said
    assert ipvlan(lab, "heal", "--yes").returncode == 0
    assert "IPF846" not in stack.up("--expect-no-changes").stdout


def test_each_fault_is_in_one_pair() -> None:
    """Every fault is in a pair, and the two of a pair are on different hosts."""
    assert sorted(name for pair in PAIRS for name in pair) == sorted(FAULTS)
    assert all(len({FAULTS[name][0] for name in pair}) == len(pair) for pair in PAIRS)


OF_OTHERS: dict[str, tuple[str, str, str, str | None, str]] = {
    "a second network on the parent": (
        "docker network create -d macvlan --subnet 10.9.0.0/24 -o parent=ens33 other",
        "docker network inspect -f {{.Id}} other",
        "network-on-parent",
        None,
        "docker network rm other",
    ),
    "a container recreated by hand": (
        "docker rm -f nginx; docker run -d --name nginx --network ipvlanl2 --ip 10.1.1.50 {nginx}",
        "docker container inspect -f {{.Id}} nginx",
        "container-recreated",
        "nginx",
        "docker rm -f nginx",
    ),
}
"""Fault -> how it is made on docker-1, how its id is read, its name and service, how a person removes it."""


@pytest.mark.long  # The neighbours suite stands for them in `make test`.
@pytest.mark.parametrize("fault", OF_OTHERS.values(), ids=OF_OTHERS)
def test_what_may_be_somebodys_is_left_to_a_person(
    lab: Lab, stack: Stack, fault: tuple[str, str, str, str | None, str]
) -> None:
    """`heal` names it with its id and leaves it running; when a person has removed it, `heal` does the rest."""
    make, read_id, name, service, remove = fault
    lab.ssh("docker-1", make.replace("{nginx}", image_of(stack, "nginx")))
    id_ = lab.ssh("docker-1", read_id).strip()
    assert (name, "docker-1", service) in differences(lab)
    healed = ipvlan(lab, "heal", "--yes")
    assert healed.returncode == 1
    assert f" {id_[:12]}" in healed.stdout
    assert lab.ssh("docker-1", read_id).strip() == id_
    lab.ssh("docker-1", remove)
    assert ipvlan(lab, "heal", "--yes").returncode == 0
    assert_as_planned(stack)


def test_heal_asks_first(lab: Lab) -> None:
    """Without --yes and without a terminal, `heal` shows what it would do and does nothing."""
    lab.ssh("docker-1", "docker network disconnect bridge nginx")
    shown = ipvlan(lab, "heal")
    assert shown.returncode == 1
    assert "connect nginx on docker-1 to the bridge" in shown.stdout
    steps = document(ipvlan(lab, "heal", "--json"))["steps"]
    assert [(step["repaired_by"], step["name"]) for step in steps] == [("host", "bridge-disconnected")]
    assert differences(lab) == [("bridge-disconnected", "docker-1", "nginx")]
    assert ipvlan(lab, "heal", "--yes").returncode == 0


@pytest.mark.long  # test_heal of tests/lab/test_neighbours.py has one too.
@pytest.mark.versions
def test_an_unmanaged_container_with_a_planned_address(lab: Lab, stack: Stack) -> None:
    """An unmanaged container that has a planned address is named and not changed; without it, heal does the rest."""
    conflicting = f"docker run -d --name conflicting --network ipvlanl2 --ip 10.1.2.1 {image_of(stack, 'nginx')}"
    id_ = lab.ssh("docker-2", f"docker network disconnect ipvlanl2 centos; {conflicting}").strip()
    try:
        assert set(differences(lab)) == {
            ("fabric-disconnected", "docker-2", "centos"),
            ("foreign-address", "docker-2", None),
        }
        healed = ipvlan(lab, "heal", "--yes")
        assert healed.returncode == 1
        # The first fix is another address; the other names the container by its id.
        assert f"docker rm -f {id_[:12]}" in " ".join(healed.stdout.split())
        assert "centos stays as it is: its planned address 10.1.2.1 is held by conflicting (" in healed.stdout
        assert lab.ssh("docker-2", "docker inspect -f '{{.State.Running}}' conflicting").strip() == "true"
    finally:
        lab.ssh("docker-2", "docker rm -f conflicting")
    assert ipvlan(lab, "heal", "--yes").returncode == 0
    assert_as_planned(stack)


@pytest.mark.long  # A reboot, which starts Docker too, is in tests/lab/day_two/test_trouble.py.
@pytest.mark.versions
def test_docker_restarted(lab: Lab, stack: Stack) -> None:
    """After a restart of Docker everything is as planned without any command, published ports included."""
    before = lab.container_ids()
    lab.ssh("docker-1", "systemctl restart docker && docker version >/dev/null", timeout=200)
    assert_as_planned(stack)
    assert lab.container_ids() == before


def test_a_wrong_cell_has_its_reason(lab: Lab) -> None:
    """With a container down and a bridge disconnected `verify` fails, and names the cause for each connection."""
    lab.ssh("docker-1", "docker stop -t 1 centos; docker network disconnect bridge nginx")
    done = ipvlan(lab, "verify", "--json")
    assert done.returncode == 1
    wrong = [cell for cell in document(done)["cells"] if not cell["ok"]]
    reasons = {(cell["source"], cell["target"]): cell["reason"] for cell in wrong}
    assert reasons["docker-2/nginx", "docker-1/centos"].startswith("container down: centos on docker-1")
    assert reasons["client", "docker-1/nginx"].startswith(
        "port not bound: nginx on docker-1 is not connected to the bridge"
    )
    assert not any(key[0].startswith("docker-2") and "docker-2" in key[1] for key in reasons)
    assert ipvlan(lab, "heal", "--yes").returncode == 0


@pytest.mark.long  # test_a_wrong_cell_has_its_reason stands for it in `make test`.
def test_bound_but_silent(lab: Lab, stack: Stack) -> None:
    """A published port on which nothing listens in the container is bound but silent."""
    stack.config["services"]["mute"] = {
        "image": image_of(stack, "nginx"), "offset": 8, "hosts": ["docker-1"], "ports": ["8087:999"], "published": True,
    }  # fmt: skip
    stack.up()
    try:
        done = ipvlan(lab, "verify", "--from", "client", "--json")
        wrong = [cell for cell in document(done)["cells"] if not cell["ok"]]
        assert [cell["target"] for cell in wrong] == ["docker-1/mute"]
        assert wrong[0]["reason"].startswith("bound but silent: Docker has bound 8087:999 of mute on docker-1")
    finally:
        stack.config["services"].pop("mute")
        stack.up()


@pytest.mark.long  # What `up` finds before it begins is the same: test_addresses.py, and tests/lab/test_bad_input.py.
def test_preflight_finds_an_address_and_a_port_in_use(lab: Lab, stack: Stack) -> None:
    """Before an `up`, preflight finds that a planned address answers on the LAN and that a planned port is in use."""
    nginx = image_of(stack, "nginx")
    stack.config["services"]["probe"] = {
        "image": nginx, "offset": 9, "hosts": ["docker-1"], "ports": ["8088:80"], "published": True,
    }  # fmt: skip
    stack.write()
    lab.ssh("docker-2", f"docker run -d --name conflicting --network ipvlanl2 --ip 10.1.1.9 {nginx}")
    lab.ssh("docker-1", f"docker run -d --name holder -p 8088:80 {nginx}")
    try:
        done = ipvlan(lab, "preflight", "--json")
        assert done.returncode == 1
        wrong = {
            (finding["check"], finding["host"]): finding["problem"]
            for finding in document(done)["findings"]
            if finding["severity"] == "error"
        }
        assert wrong.keys() == {("addresses", "docker-1"), ("ports", "docker-1")}
        assert "10.1.1.9" in wrong["addresses", "docker-1"]
        assert "held by container holder" in wrong["ports", "docker-1"]
    finally:
        lab.ssh("docker-2", "docker rm -f conflicting")
        lab.ssh("docker-1", "docker rm -f holder")
        stack.config["services"].pop("probe")
        stack.write()


@pytest.mark.versions
def test_a_user_who_is_not_root(lab: Lab, stack: Stack) -> None:
    """A user who may use Docker and is not root can verify every connection too, and no helper container stays."""
    # With `*` as password the account is not locked; an sshd without PAM refuses locked accounts.
    user = (
        "id operator9 >/dev/null 2>&1 || useradd -m -p '*' -G docker -s /bin/sh operator9; mkdir -p ~operator9/.ssh; "
        "cp ~/.ssh/authorized_keys ~operator9/.ssh/; chown -R operator9 ~operator9/.ssh"
    )
    in_parallel(*(partial(lab.ssh, host, user) for host in HOSTS))
    before = lab.container_ids()
    # In the stack's own file: the helper's image is that of a container in the stack's state (decision 0023).
    for host, address in ADDRESSES.items():
        stack.config["hosts"][host]["ssh"] = f"operator9@{address}"
    try:
        verified = stack.verify()
    finally:
        for host in HOSTS:
            del stack.config["hosts"][host]["ssh"]
            lab.ssh(host, "pkill -u operator9; sleep 1; userdel -r operator9 2>/dev/null", check=False)
        stack.write()
    assert verified["ok"], [cell for cell in verified["cells"] if not cell["ok"]] or verified["unreachable_hosts"]
    assert lab.container_ids() == before
    for host in HOSTS:
        assert "ipvlan-fabric.helper" not in lab.ssh(host, "docker ps -a --format '{{.Labels}}'")


def test_a_dead_host_has_its_own_row(lab: Lab) -> None:
    """With a host out of reach both commands name it within their time limit, and report everything about the other."""
    with lab.unplugged("docker-2"):
        began = time.monotonic()
        done = ipvlan(lab, "status", "--timeout", "5", "--json")
        assert time.monotonic() - began < 20
        assert done.returncode == 1
        printed = document(done)
        assert [(d["name"], d["host"]) for d in printed["differences"]] == [("host-unreachable", "docker-2")]
        assert printed["hosts"]["docker-1"]["containers"]["nginx"]["state"] == "running"
        done = ipvlan(lab, "verify", "--timeout", "5", "--json")
        assert done.returncode == 1
        cells = document(done)["cells"]
        assert all(cell["ok"] for cell in cells if "docker-2" not in cell["source"] + cell["target"])
        assert all(
            cell["reason"].startswith("host not reached: docker-2")
            for cell in cells
            if cell["target"].startswith("docker-2/") and cell["expected"] == "yes"
        )
    assert differences(lab) == []
