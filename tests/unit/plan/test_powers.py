"""What a container may do: every key of a service is classified, and every dangerous value is found."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.config.models import ServiceConfig
from ipvlan.plan.make import make_plan
from ipvlan.plan.powers import KEYS, Power, powers, powers_of
from ipvlan.plan.validate import parse
from tools.reference_setup import changed


def of_centos(settings: dict[str, Any], **more: Any) -> tuple[Power, ...]:
    """Return what container centos of the reference setup may do with these settings."""
    paths = {f"services.centos.{key}": value for key, value in settings.items()}
    plan = make_plan(parse(changed({**paths, **more})))
    host = plan.host("docker-1")
    return powers(host.container("centos"), host)


def test_every_key_of_a_service_is_classified_once() -> None:
    """A new key must be called dangerous or harmless before it can be used."""
    names = [key.name for key in KEYS]
    assert len(names) == len(set(names))
    assert set(names) == set(ServiceConfig.model_fields)
    assert all(key.reason for key in KEYS)


@pytest.mark.parametrize(
    ("setting", "value", "shown", "meaning"),
    [
        ("privileged", True, "true", "root on the host"),
        ("volumes", ["/var/run/docker.sock:/s:ro"], "/var/run/docker.sock:/s:ro", "controls Docker"),
        ("volumes", ["/run/../run/docker.sock:/s"], "/run/../run/docker.sock:/s", "controls Docker"),
        ("volumes", ["/:/host"], "/:/host", "reads and writes every file of the host"),
        ("volumes", ["/var:/host:ro"], "/var:/host:ro", "reads files of the host, with /var/lib/docker and /var/log"),
        ("volumes", ["/etc/ssl:/ssl:ro"], "/etc/ssl:/ssl:ro", "reads files of the host in /etc"),
        ("volumes", ["/srv/data:/data"], "/srv/data:/data", "reads and writes files of the host"),
        ("devices", ["/dev/sda"], "/dev/sda", "uses this device"),
        ("devices", ["/dev/sda:/dev/x:r"], "/dev/sda:/dev/x:r", "reads this device"),
        ("cap_add", ["sys_admin"], "sys_admin", "root on the host"),
        ("cap_add", ["CAP_NET_ADMIN"], "CAP_NET_ADMIN", "addresses of others"),
        ("cap_add", ["WAKE_ALARM"], "WAKE_ALARM", "gives no container by default"),
        ("cap_add", ["NET_RAW"], "NET_RAW", "gives every container by default"),
        ("security_opt", ["seccomp=unconfined"], "seccomp=unconfined", "every system call"),
        ("security_opt", ["seccomp:unconfined"], "seccomp:unconfined", "every system call"),
        ("security_opt", ['seccomp={"a": "b"}'], 'seccomp={"a": "b"}', "a profile of its own"),
        ("security_opt", ["apparmor=unconfined"], "apparmor=unconfined", "no AppArmor"),
        ("security_opt", ["label=disable"], "label=disable", "no SELinux"),
        ("security_opt", ["systempaths=unconfined"], "systempaths=unconfined", "not hidden"),
        ("security_opt", ["no-new-privileges:false"], "no-new-privileges:false", "may gain privileges"),
        ("cgroupns_mode", "host", "host", "control groups of the host"),
        ("sysctls", {"net.core.somaxconn": "1"}, "net.core.somaxconn=1", "kernel parameter"),
        ("tmpfs", {"/x": "rw,exec"}, "/x:rw,exec", "without noexec"),
        ("log_driver", "syslog", "syslog", "sends the container's output"),
        ("secret_environment", {"TOKEN": "db"}, "TOKEN: db", "is given this secret"),
    ],
    ids=str,
)
def test_what_is_dangerous_is_found(setting: str, value: object, shown: str, meaning: str) -> None:
    """With the key, the value and what it means."""
    (power,) = of_centos({setting: value})
    assert (power.setting, power.value) == (setting, shown)
    assert meaning in power.meaning


def test_a_published_port_is_found() -> None:
    """At the host's loopback it says so; a port that is not published opens nothing."""
    ports = ["80:80", "127.0.0.1:81:80"]
    found = of_centos({"ports": ports, "published": True}, **{"services.nginx.published": False})
    assert [(power.setting, power.value) for power in found] == [("ports", "80:80"), ("ports", "127.0.0.1:81:80")]
    assert "whoever reaches the host" in found[0].meaning
    assert "own processes" in found[1].meaning
    assert of_centos({"ports": ports}) == ()


def test_another_docker_socket_is_one_too() -> None:
    """Where Docker listens on the host counts, not the usual path alone; a folder around it holds it."""
    moved = {"hosts.docker-1.docker_socket": "/srv/docker/own.sock"}
    (power,) = of_centos({"volumes": ["/srv/docker/own.sock:/s"]}, **moved)
    assert "controls Docker" in power.meaning
    (power,) = of_centos({"volumes": ["/srv:/srv"]}, **moved)
    assert "and controls Docker" in power.meaning


@pytest.mark.parametrize(
    "settings",
    [
        {"volumes": ["data:/data"]},
        {"security_opt": ["no-new-privileges:true", "seccomp=builtin"]},
        {"tmpfs": {"/x": "size=1m"}},
        {"log_driver": "local", "cap_drop": ["ALL"], "user": "0", "memory": "64m"},
        {"internet": True},
    ],
    ids=str,
)
def test_what_is_harmless_is_not_listed(settings: dict[str, Any]) -> None:
    """What every container has by default, and what takes rights away."""
    assert of_centos(settings) == ()


def test_what_is_new_is_marked() -> None:
    """A container keeps its old danger beside the new one."""
    old = {"services.centos.privileged": True}
    before, after = (make_plan(parse(changed(paths))) for paths in (old, {**old, "services.centos.cap_add": ["ALL"]}))
    found = {(power.power.setting, power.is_new) for power in powers_of(("docker-1", "centos"), before, after)}
    assert found == {("privileged", False), ("cap_add", True)}
    assert all(power.is_new for power in powers_of(("docker-1", "centos"), None, after))
