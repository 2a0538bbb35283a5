"""Settings of containers, each seen where it counts: inside the container, and in what the kernel has for it.

The tests share one stack, whose containers have most settings at once. Each test looks, or goes on from the one before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from lab.harness import STACK, Lab, Stack, new_stack
from tests.support.lab_commands import ipvlan

pytestmark = pytest.mark.steps

HOST = "docker-1"
SERIAL = "/dev/serial/by-id/usb-Maker_Radio_60:55:AA-if00"
"""A device's path with colons, as udev writes them for what has such a serial number."""
PREPARE = f"""
mkdir -p /srv/lab/shared /srv/lab/label /dev/serial/by-id
mountpoint -q /srv/lab/shared || {{ mount -t tmpfs lab-shared /srv/lab/shared && mount --make-rshared /srv/lab/shared; }}
mkdir -p /srv/lab/shared/later
echo of-the-host > /srv/lab/label/file
test -e '{SERIAL}' || mknod '{SERIAL}' c 1 3
docker volume create site >/dev/null
mkdir -p /var/lib/docker/volumes/site/_data/static
echo of-the-subpath > /var/lib/docker/volumes/site/_data/static/file
"""
CLEAN = f"""
umount -l /srv/lab/shared/later 2>/dev/null; umount -l /srv/lab/shared 2>/dev/null
rm -rf /srv/lab /dev/serial '{SERIAL}'
docker volume rm -f site kept copied >/dev/null
"""
BOX: dict[str, Any] = {
    "offset": 20,
    "hosts": [HOST],
    "internet": True,
    "volumes": ["/srv/lab/shared:/shared:rslave", "/srv/lab/label:/label:ro,z", "kept:/usr/share/nginx/html:nocopy"],
    "mounts": [
        {"type": "bind", "source": "/srv/lab/label", "target": "/bound", "read_only": True},
        {"type": "volume", "source": "site", "target": "/site", "volume": {"subpath": "static"}},
        {"type": "volume", "source": "copied", "target": "/var/www/html"},
        {"type": "tmpfs", "target": "/scratch", "tmpfs": {"size": "16mb", "mode": "1770"}},
    ],
    "devices": [{"host": SERIAL, "container": "/dev/ttyRadio", "permissions": "rw"}],
    "device_cgroup_rules": ["c 10:229 rwm"],
    "memory": "64mb",
    "memory_swap": "96m",
    "memory_reservation": "32m",
    "cpus": 0.05,
    "cpuset": "0",
    "shm_size": "24mb",
    "group_add": [44, "adm"],
    "pid": "host",
    "ipc": "shareable",
    "domainname": "lab.example",
    "stdin_open": True,
    "tty": True,
    "dns_opt": ["ndots:3"],
    "cap_add": ["MKNOD"],
    "security_opt": ["no-new-privileges:true"],
    "extra_hosts": ["outside=host-gateway", "registry:10.0.0.5"],
    "environment": ["A=b", "EQUALS=c=d"],
    "labels": ["team=web", "bare"],
    "sysctls": ["net.core.somaxconn=512"],
    "tmpfs": "/fast:size=8m",
    "ulimits": {"nofile": 2048},
    "healthcheck": {"test": ["CMD", "true"], "interval": "60s", "start_period": "90s", "start_interval": "5s"},
}
"""Nearly every setting that a service can have at once."""


@pytest.fixture(scope="module")
def box(lab: Lab) -> Iterator[Stack]:
    """Bring one container with all these settings up, and two more with CPUs that the docker provider reads back otherwise."""
    before = lab.footprint(HOST)
    lab.ssh(HOST, PREPARE)
    try:
        with new_stack(lab) as stack:
            # A host of the lab has one CPU, and Docker refuses more than the host has.
            image = stack.config["services"]["nginx"]["image"]
            stack.config["services"] = {
                "box": {"image": image, **BOX},
                "two": {"image": image, "offset": 21, "hosts": [HOST], "cpus": 1, "ipc": "none"},
                "more": {"image": image, "offset": 22, "hosts": [HOST], "cpus": "0.75", "ipc": "private"},
            }
            stack.up(timeout=600)
            yield stack
    finally:
        lab.ssh(HOST, CLEAN)
    assert lab.footprint(HOST) == before


def inside(lab: Lab, command: str, service: str = "box") -> str:
    """Return what a command of busybox's shell prints in a container."""
    return lab.ssh(HOST, f"docker exec -i {service} sh -s", stdin=command).strip()


def of_kernel(lab: Lab, file: str, service: str = "box") -> str:
    """Return a file of the container's control group, as the host's kernel has it."""
    line = f"cat /sys/fs/cgroup/system.slice/docker-$(docker inspect -f '{{{{.Id}}}}' {service}).scope/{file}"
    return lab.ssh(HOST, line).strip()


def id_of(lab: Lab, service: str = "box") -> str:
    """Return Docker's id of a container."""
    return lab.ssh(HOST, f"docker inspect -f '{{{{.Id}}}}' {service}").strip()


def test_nothing_changes_at_the_next_up(box: Stack) -> None:
    """Docker reads every setting back as the program gives it, after a refresh too."""
    box.pulumi("up", "--yes", "--refresh", "--expect-no-changes")


def test_mounts(lab: Lab, box: Stack) -> None:
    """What the host mounts later appears inside; nothing is written where it must not be; nocopy, subpath, size and mode hold."""
    lab.ssh(HOST, "mount -t tmpfs later /srv/lab/shared/later && echo mounted-later > /srv/lab/shared/later/file")
    assert inside(lab, "cat /shared/later/file") == "mounted-later"
    assert inside(lab, "cat /label/file /bound/file").split() == ["of-the-host"] * 2
    assert inside(lab, "touch /label/x /bound/x 2>&1 | grep -c 'Read-only'") == "2"
    assert inside(lab, "ls -A /usr/share/nginx/html") == ""
    assert inside(lab, "ls -A /var/www/html") != ""
    assert inside(lab, "ls -A /site; cat /site/file").split() == ["file", "of-the-subpath"]
    scratch, fast = (
        inside(lab, f"grep ' {path} tmpfs ' /proc/self/mounts; stat -c %a {path}") for path in ("/scratch", "/fast")
    )
    assert "size=16384k" in scratch
    assert scratch.endswith("1770")
    assert "size=8192k" in fast
    binds = json.loads(lab.ssh(HOST, "docker inspect -f '{{json .HostConfig.Binds}}' box"))
    assert "/srv/lab/label:/label:ro,z" in binds


def test_devices(lab: Lab, box: Stack) -> None:
    """The node of a path with colons is there and works; a rule opens one more device; without a rule there is none."""
    assert inside(lab, "echo x > /dev/ttyRadio && busybox stat -c '%t:%T' /dev/ttyRadio") == "1:3"
    # Whether the host has a driver for it does not matter here: the device cgroup answers first.
    for minor, permitted in ((229, True), (237, False)):
        node = f"/node-{minor}"
        answer = inside(lab, f"busybox mknod {node} c 10 {minor}; busybox head -c 1 {node} 2>&1 >/dev/null | cat")
        assert ("Operation not permitted" not in answer) is permitted, answer


def test_limits(lab: Lab, box: Stack) -> None:
    """The kernel has the limits of memory, swap and CPUs, also where the docker provider would read them back otherwise."""
    assert of_kernel(lab, "memory.max") == str(64 * 1024**2)
    assert of_kernel(lab, "memory.swap.max") == str(32 * 1024**2)
    assert of_kernel(lab, "memory.low") == str(32 * 1024**2)
    assert of_kernel(lab, "cpuset.cpus") == "0"
    assert of_kernel(lab, "cpu.max") == "5000 100000"
    assert of_kernel(lab, "cpu.max", "two") == "100000 100000"
    assert of_kernel(lab, "cpu.max", "more") == "75000 100000"
    assert "size=24576k" in inside(lab, "grep ' /dev/shm ' /proc/self/mounts")
    assert inside(lab, "ulimit -n") == "2048"


def test_namespaces(lab: Lab, box: Stack) -> None:
    """The processes of the host are seen, groups are added, and the names and lists of compose's forms arrive."""
    assert inside(lab, "cat /proc/1/comm") == "systemd"
    assert {"4", "44"} <= set(inside(lab, "id -G").split())
    assert " /dev/shm " not in inside(lab, "cat /proc/self/mounts", "two")
    assert inside(lab, "cat /proc/sys/kernel/domainname") == "lab.example"
    assert "ndots:3" in inside(lab, "cat /etc/resolv.conf")
    assert inside(lab, 'echo "$A $EQUALS"') == "b c=d"
    assert inside(lab, "cat /proc/sys/net/core/somaxconn") == "512"
    config = json.loads(lab.ssh(HOST, "docker inspect -f '{{json .Config}}' box"))
    assert (config["Tty"], config["OpenStdin"], config["Labels"]["team"], config["Labels"]["bare"]) == (
        True,
        True,
        "web",
        "",
    )
    assert config["Healthcheck"]["StartInterval"] == 5 * 10**9


def test_host_gateway(lab: Lab, box: Stack) -> None:
    """`host-gateway` is the address of the host's bridge, and answers a container that is connected to it."""
    bridge = lab.ssh(HOST, "docker network inspect -f '{{(index .IPAM.Config 0).Gateway}}' bridge").strip()
    hosts = inside(lab, "cat /etc/hosts")
    assert f"{bridge}\toutside" in hosts
    assert "10.0.0.5\tregistry" in hosts
    assert inside(lab, "ping -c 1 -W 5 outside >/dev/null && echo reached") == "reached"


def test_limits_change_in_place(lab: Lab, box: Stack) -> None:
    """Reservation and swap change on the running container, as the preview says."""
    before = id_of(lab)
    box.config["services"]["box"].update(memory_reservation="48m", memory_swap="128m")
    assert set(box.preview().values()) == {"update"}
    box.up()
    assert id_of(lab) == before
    assert of_kernel(lab, "memory.low") == str(48 * 1024**2)
    assert of_kernel(lab, "memory.swap.max") == str(64 * 1024**2)
    box.assert_unchanged()


def test_a_missing_path_stops_nothing(lab: Lab, box: Stack) -> None:
    """Docker's refusal of a path that is not there is known before the container is stopped."""
    before = id_of(lab)
    service = box.config["services"]["box"]
    absent = {"type": "bind", "source": "/srv/lab/absent", "target": "/absent"}
    box.config["services"]["box"] = {**service, "mounts": [absent]}
    refused = box.up(check=False, timeout=600)
    box.config["services"]["box"] = service
    assert refused.returncode != 0
    assert "/srv/lab/absent" in refused.stdout + refused.stderr
    assert id_of(lab) == before
    box.up()
    assert id_of(lab) == before


@pytest.mark.long  # tests/lab/test_rollout.py has what does not come up; a missing device is one of these.
def test_a_missing_gpu_is_undone(lab: Lab, box: Stack) -> None:
    """That there is no GPU Docker says at the start alone: the previous container runs again, and the corrected `up` completes."""
    service = box.config["services"]["box"]
    box.config["services"]["box"] = {**service, "gpus": "all"}
    failed = box.up(check=False, timeout=600)
    box.config["services"]["box"] = service
    assert failed.returncode != 0
    assert "[[gpu]]" in failed.stdout + failed.stderr
    assert (
        lab.ssh(HOST, "docker inspect -f '{{.State.Running}} {{.HostConfig.DeviceRequests}}' box").split()[0] == "true"
    )
    assert inside(lab, "cat /site/file") == "of-the-subpath"
    box.up()
    box.assert_unchanged()


def test_one_mount_more_is_a_new_container(lab: Lab, box: Stack) -> None:
    """Another value in an entry of `mounts` replaces the container, which the docker provider alone would not do."""
    before = id_of(lab)
    service = box.config["services"]["box"]
    box.config["services"]["box"] = {
        **service,
        "mounts": [
            {**entry, "read_only": False} if entry["target"] == "/bound" else entry for entry in service["mounts"]
        ],
    }
    box.up()
    assert id_of(lab) != before
    assert inside(lab, "touch /bound/x && ls /bound/x") == "/bound/x"
    box.assert_unchanged()
    assert ipvlan(lab, "status", stack=STACK).returncode == 0
