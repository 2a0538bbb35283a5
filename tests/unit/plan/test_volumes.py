"""Named volumes in the plan: which volume a mount means, what a change does to it, and what a reviewer sees first."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.config.models import StackConfig
from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.changes import compare
from ipvlan.plan.host_paths import ROOT
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.new_powers import new_powers
from ipvlan.plan.powers import powers, surroundings
from ipvlan.plan.rollout_changes import rollout_change
from ipvlan.plan.rules.volumes import is_secret_option
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import ConfigError
from ipvlan.views.rollout import sentences
from tools.reference_setup import CIPHER, STACK_TEXT, changed

TMPFS = {"type": "tmpfs", "device": "tmpfs"}
BIND = {"type": "none", "o": "bind", "device": "/"}


def config_with(**volume: Any) -> StackConfig:
    """Return the reference setup, whose nginx mounts a volume `data`."""
    return parse(changed({"volumes": {"data": volume}, "services.nginx.volumes": ["data:/data"]}))


def plan_with(**volume: Any) -> Plan:
    """Return the plan of it."""
    return make_plan(config_with(**volume))


def changes(before: Plan, after: Plan, *secrets: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return what happens to the volumes of docker-1."""
    found = compare(before, after, new_secrets=secrets).volumes
    return [(change.action, change.reasons) for change in found if change.host == "docker-1"]


def actions(before: Plan, after: Plan) -> set[tuple[str, str]]:
    """Return what happens to containers."""
    return {(change.service, change.action) for change in compare(before, after).containers}


def test_a_mount_names_a_key_and_docker_gets_its_name() -> None:
    """What is not in the section stays as it is written; the key is the name where none is given."""
    plan = make_plan(
        parse(
            changed(
                {
                    "volumes": {"data": {"name": "wiki_data"}, "cache": {}},
                    "services.nginx.volumes": ["data:/data:ro", "cache:/cache", "plain:/plain", "/data:/srv"],
                    "services.nginx.hosts": ["docker-1"],
                }
            )
        )
    )
    host = plan.host("docker-1")
    assert host.container("nginx").settings.volumes == (
        "wiki_data:/data:ro",
        "cache:/cache",
        "plain:/plain",
        "/data:/srv",
    )
    assert [(volume.key, volume.name, volume.mounted_by) for volume in host.volumes] == [
        ("cache", "cache", ("nginx",)),
        ("data", "wiki_data", ("nginx",)),
    ]
    assert plan.host("docker-2").volumes == ()


def test_hosts_have_a_volume_that_nothing_mounts() -> None:
    """Besides those where a service mounts it."""
    plan = make_plan(parse(changed({"volumes": {"data": {"hosts": ["docker-2"]}}})))
    assert [len(host.volumes) for host in plan.hosts] == [0, 1]
    assert plan.warnings == make_plan(parse(changed({}))).warnings


def test_a_section_changes_no_container() -> None:
    """A volume that services mount by the same name is one more resource, and no other container.

    Docker made it when a container was created with the mount, so `up` takes it for one of others: the report says what helps.
    """
    bare = make_plan(parse(changed({"services.nginx.volumes": ["data:/data"]})))
    assert changes(bare, plan_with()) == [("refuse", ("nginx mounts it already",))]
    (change, _) = compare(bare, plan_with()).volumes
    assert "Docker made it for nginx, unless this stack did" in change.effect
    assert "external: true" in change.effect
    assert changes(make_plan(parse(changed({}))), plan_with()) == [("create", ())]
    assert actions(bare, plan_with()) == set()
    assert changes(bare, plan_with(external=True)) == [("use", ())]


def test_it_is_kept_or_deleted_when_it_leaves() -> None:
    """`delete` decides, also where the host or the service leaves; an external one is not this stack's to name."""
    bare = make_plan(parse(changed({})))
    assert changes(plan_with(), bare) == [("keep", ())]
    assert changes(plan_with(delete=True), bare) == [("delete", ())]
    assert changes(plan_with(external=True), bare) == []
    # Its container uses it after that too, and Docker keeps what is used.
    mounted = make_plan(parse(changed({"services.nginx.volumes": ["data:/data"]})))
    assert changes(plan_with(delete=True), mounted) == [("keep", ("nginx mounts it",))]
    assert not [power for power in new_powers(plan_with(delete=True), mounted, ()) if "volumes" in power.power.setting]
    assert changes(plan_with(), plan_with(name="other")) == [("keep", ()), ("create", ())]


@pytest.mark.parametrize(
    ("old", "new", "action"),
    [(False, False, "refuse"), (False, True, "refuse"), (True, False, "refuse"), (True, True, "replace")],
)
def test_other_options_are_refused_or_replace(*, old: bool, new: bool, action: str) -> None:
    """Only delete before and after allows the loss of data; then its containers are replaced, and no others."""
    before, after = plan_with(delete=old), plan_with(delete=new, driver_opts=TMPFS)
    ((found, reasons),) = changes(before, after)
    assert found == action
    assert reasons[:2] == ("driver_opts device", "driver_opts type")
    assert actions(before, after) == ({("nginx", "replace")} if action == "replace" else set())


def test_the_containers_of_a_replaced_volume_are_down_together() -> None:
    """Whatever their `rollout` says: they are deleted before the volume. The others of the host run on."""
    before, after = plan_with(delete=True), plan_with(delete=True, driver_opts=TMPFS)
    rollout = rollout_change(compare(before, after), before, after)
    assert rollout.together == {"docker-1": ("nginx",), "docker-2": ("nginx",)}
    assert rollout.volumes == {"docker-1", "docker-2"}
    assert rollout.steps == ()
    (sentence,) = sentences(rollout)
    assert sentence == (
        "all containers that mount a replaced volume on docker-1 and docker-2: nginx; they are down together until the volume is "
        "replaced, whatever `rollout` and `after` say; `on_failure: restore` does not apply to them, and what Docker refuses is "
        "not noticed before they are deleted; each host waits until the one before it is complete"
    )


def test_a_new_value_of_a_secret_is_another_option() -> None:
    """No value is in the reasons."""
    plan = plan_with(driver_opts={"type": "cifs", "device": "//nas/x"}, secret_driver_opts={"o": "login"})
    assert changes(plan, plan, "other") == []
    assert changes(plan, plan, "login") == [("refuse", ("secret login has a new value",))]


def test_the_rest_is_recorded() -> None:
    """Labels, delete, and the key change nothing on the host."""
    (record,) = changes(plan_with(), plan_with(labels={"team": "web"}, delete=True))
    assert record == (
        "record",
        ("label team (the volume keeps those that it was created with)", "delete: false -> true"),
    )
    assert changes(plan_with(), plan_with(external=True)) == [("record", ("external: false -> true",))]
    # It can be one that this stack created before it was external.
    assert changes(plan_with(external=True), plan_with()) == [("check", ("external: true -> false",))]
    assert changes(plan_with(driver="vieux/sshfs"), plan_with(driver="vieux/sshfs:latest")) == [
        ("record", ("driver: vieux/sshfs -> vieux/sshfs:latest (the same to Docker)",))
    ]


@pytest.mark.parametrize(("delete", "action"), [(False, "check"), (True, "replace")])
def test_what_becomes_a_secret_may_stay_the_same(*, delete: bool, action: str) -> None:
    """What IPF222 advises: nobody knows here whether the secret is what the option was. `up` does nothing then."""
    options = {"type": "cifs", "device": "//nas/x"}
    before = plan_with(driver_opts={**options, "o": "ro"}, delete=delete)
    after = plan_with(driver_opts=options, secret_driver_opts={"o": "login"}, delete=delete)
    same = "(no change where its value stays the same)"
    assert changes(before, after) == [(action, (f"driver_opts o -> secret_driver_opts o {same}",))]
    assert changes(after, before) == [(action, (f"secret_driver_opts o -> driver_opts o {same}",))]
    other = plan_with(driver_opts=options, secret_driver_opts={"o": "other"}, delete=delete)
    assert changes(after, other) == [(action, (f"secret_driver_opts o {same}",))]
    gone = plan_with(driver_opts=options, delete=delete)
    assert changes(after, gone) == [("replace" if delete else "refuse", ("secret_driver_opts o",))]


@pytest.mark.parametrize(
    ("options", "stays"),
    [
        ({"type": "nfs", "device": ":/srv", "o": "addr=10.0.0.1"}, True),
        ({"type": "none", "device": "/srv", "o": "bind"}, True),
        ({}, False),
        (TMPFS, False),
    ],
)
def test_what_docker_only_unmounts_is_not_lost(options: dict[str, str], *, stays: bool) -> None:
    """The data of a share and of a folder stays where it is (moby, Root.Remove of the local driver)."""
    before = plan_with(delete=True, driver_opts=options)
    after = plan_with(delete=True, driver_opts={"type": "ext4", "device": "/dev/sdx1"})
    for changed_to in (make_plan(parse(changed({}))), after):
        (change, _) = compare(before, changed_to).volumes
        assert ("its data stays where it is" in change.effect) is stays
        assert ("its data is deleted" in change.effect) is not stays
        lost = [power for power in new_powers(before, changed_to, ()) if power.power.setting == "volumes: data deleted"]
        assert bool(lost) is not stays
    said = [power for power in new_powers(None, before, ()) if power.power.setting == "volumes: delete"]
    assert bool(said) is not stays


@pytest.mark.parametrize(
    ("volume", "shown", "meaning"),
    [
        (
            BIND,
            "type=none, device=/",
            f"a path of the host in disguise, /: reads and writes every file of the host: {ROOT}",
        ),
        (
            {**BIND, "o": "ro,rbind", "device": "/run/../var/run/docker.sock"},
            "device=/run",
            "controls Docker on the host",
        ),
        (
            {"type": "ext4", "device": "/dev/sda1"},
            "device=/dev/sda1",
            f"uses a disk of the host, or its memory: {ROOT}",
        ),
        ({"type": "overlay", "device": "x", "o": "lowerdir=/"}, "o=(not shown)", f"every file of the host: {ROOT}"),
        ({"type": "nfs", "device": ":/srv", "o": "rw,addr=10.0.0.1"}, "device=:/srv, addr=10.0.0.1", "another machine"),
        (TMPFS, "type=tmpfs", "in the host's memory"),
        # The kernel ignores the type of a bind mount (mount(2)).
        *(
            ({**BIND, "type": kind}, f"type={kind}", f"in disguise, /: reads and writes every file of the host: {ROOT}")
            for kind in ("nfs", "cifs", "tmpfs")
        ),
    ],
)
def test_what_a_volume_really_is_is_shown(volume: dict[str, str], shown: str, meaning: str) -> None:
    """A mount of a volume with options is as dangerous as what is behind it."""
    host = plan_with(driver_opts=volume).host("docker-1")
    (power, *_) = [power for power in powers(host.container("nginx"), surroundings(host)) if power.setting == "volumes"]
    assert power.value.startswith("data:/data (")
    assert shown in power.value
    assert meaning in power.meaning


@pytest.mark.parametrize(
    ("volume", "meaning"),
    [
        ({"driver_opts": {"type": "none", "device": "/etc"}, "secret_driver_opts": {"o": "key"}}, "in disguise, /etc"),
        (
            {"driver_opts": {"type": "nfs", "device": "/"}, "secret_driver_opts": {"o": "key"}},
            "which the host mounts; where the secret o says bind, a path of the host, /: reads and writes every file",
        ),
        # Docker's working folder is the root.
        ({"driver_opts": {"type": "tmpfs", "device": "etc"}, "secret_driver_opts": {"o": "key"}}, "of the host, /etc"),
        (
            {"driver_opts": {"type": "none", "o": "bind"}, "secret_driver_opts": {"device": "key"}},
            "only the secret says",
        ),
        ({"external": True}, "somebody else made"),
        ({"driver": "vieux/sshfs"}, "this plugin of the host"),
    ],
)
def test_what_cannot_be_seen_counts_as_dangerous(volume: dict[str, Any], meaning: str) -> None:
    """A secret may say `bind`, or which device; a volume of others and a plugin may hold anything."""
    host = plan_with(**volume).host("docker-1")
    found = [power.meaning for power in powers(host.container("nginx"), surroundings(host))]
    assert any(meaning in each for each in found)


def test_a_plain_volume_is_no_danger() -> None:
    """A folder of Docker's own is what every container may have."""
    host = plan_with().host("docker-1")
    assert not [power for power in powers(host.container("nginx"), surroundings(host)) if power.setting == "volumes"]


def test_the_loss_of_data_comes_first() -> None:
    """Before everything else that is dangerous, as new; what may be lost later is said where it becomes so."""
    before = plan_with(delete=True)
    after = make_plan(
        parse(
            changed(
                {
                    "volumes": {"data": {"delete": True, "driver_opts": TMPFS}},
                    "services.nginx.volumes": ["data:/data"],
                    "services.nginx.privileged": True,
                }
            )
        )
    )
    places = {("docker-1", "nginx"), ("docker-2", "nginx")}
    found = new_powers(before, after, places)
    assert [(power.power.setting, power.is_new) for power in found[:2]] == [("volumes: data deleted", True)] * 2
    assert "its data is deleted, and an empty one is created" in found[0].power.meaning
    gone = new_powers(before, make_plan(parse(changed({}))), places)
    assert gone[0].power.meaning.startswith("deleted: its data is deleted")
    allowed = new_powers(plan_with(), before, ())
    assert [(power.host, power.power.setting, power.is_new) for power in allowed] == [
        ("docker-1", "volumes: delete", True),
        ("docker-2", "volumes: delete", True),
    ]
    assert new_powers(before, before, ()) == []


@pytest.mark.parametrize(
    ("option", "value", "secret"),
    [
        ("o", "username=web,password=hunter2", True),
        ("o", "rw,secret=AQATSKdN==", True),
        ("password", "hunter2", True),
        ("device", "https://web:hunter2@nas/dav", True),
        ("api_token", "x", True),
        ("o", "addr=10.0.0.1,rw,nolock", False),
        ("o", "credentials=/root/cifs,ro", False),
        ("o", "secretfile=/etc/ceph/key", False),
        ("device", "//nas/share", False),
        ("device", "web@nas:/srv", False),
        ("o", "password=", False),
        ("o", "username=web,password2=hunter2", True),
        ("sftp-pass", "x", True),
        ("s3-secret-access-key", "x", True),
        ("AWS_SECRET_ACCESS_KEY", "x", True),
        ("account-key", "x", True),
        ("auth", "d2ViOng=", True),
        ("o", "username=web%hunter2", True),
        ("o", "user=office/web%hunter2", True),
        ("o", "username=web", False),
        ("o", "password=/hunter2", True),
        ("o", "secret=/QATSKdN==", True),
        ("device", "https://web:hun/ter2@nas/dav", True),
        ("device", "http://nas:8080/dav@home", False),
        ("keep-alive", "10", False),
        ("passthrough", "on", False),
        ("o", "sec=krb5,noauth", False),
        ("private-key", "/root/.ssh/id", False),
    ],
)
def test_passwords_are_known_by_their_names(option: str, value: str, *, secret: bool) -> None:
    """What names a file of the host is none."""
    assert is_secret_option(option, value) is secret


def test_no_message_repeats_an_option() -> None:
    """Whatever is wrong beside it."""
    for volume in (
        {"driver_opts": {"o": "password=hunter2"}},
        {"driver_opts": ["password=hunter2"]},
        {"driver_opts": "password=hunter2"},
        {"driver_opts": {"o": ["password=hunter2"]}},
    ):
        with pytest.raises(ConfigError) as caught:
            make_plan(config_with(**volume))
        assert "hunter2" not in str(caught.value)


def test_a_secret_is_one_that_the_stack_sets(tmp_path: Any) -> None:
    """Encrypted, and not misspelt; a secret of a volume is no stray key."""
    section = """\
  ipvlan-fabric:volumes:
    data: {hosts: [docker-1], driver_opts: {type: cifs, device: //nas/x}, secret_driver_opts: {o: nas-login}}
"""
    path = tmp_path / "Pulumi.dev.yaml"
    path.write_text(f"{STACK_TEXT}{section}  ipvlan-fabric:nas-login:\n    secure: {CIPHER}\n", encoding="utf-8")
    assert load_stack("dev", tmp_path).volumes["data"].secret_driver_opts == {"o": "nas-login"}
    for key, code in (("nas-logon: {secure: x}", "IPF023"), ("nas-login: hunter2", "IPF024")):
        path.write_text(f"{STACK_TEXT}{section}  ipvlan-fabric:{key}\n", encoding="utf-8")
        with pytest.raises(ConfigError) as caught:
            load_stack("dev", tmp_path)
        assert [problem.code for problem in caught.value.problems] == [code]
        assert "hunter2" not in str(caught.value)


def test_the_shared_file_may_have_volumes(tmp_path: Any) -> None:
    """The stack's own keys win, key by key inside each volume; null removes one."""
    (tmp_path / "common.yaml").write_text(
        "volumes:\n  data: {labels: {a: b}, delete: true, hosts: [docker-1]}\n  old: {hosts: [docker-1]}\n",
        encoding="utf-8",
    )
    raw = {**changed({}), "common": "common.yaml", "volumes": {"data": {"delete": False}, "old": None}}
    config = parse(raw, Checkout(tmp_path))
    assert set(config.volumes) == {"data"}
    assert (config.volumes["data"].labels, config.volumes["data"].delete) == ({"a": "b"}, False)


@pytest.mark.parametrize("driver", ["local", "vieux/sshfs:latest", "registry.lan:5000/x/y", "RexRay", "My_Plugin.v1"])
def test_a_driver_is_a_plugin_or_a_socket_of_the_host(driver: str) -> None:
    """A plugin of the first version has the name of its file in /run/docker/plugins, with capitals too."""
    assert config_with(driver=driver).volumes["data"].driver == driver


@pytest.mark.parametrize("size", ["10", "10m", "1.5GiB", "10 MB", "100k"])
def test_sizes_are_those_that_docker_reads(size: str) -> None:
    """By go-units, RAMInBytes; a port that is no part of the device is an option."""
    assert config_with(driver_opts={"size": size}).volumes["data"].driver_opts == {"size": size}
    config_with(driver_opts={"type": "cifs", "device": "//nas/data", "o": "port=445"})
