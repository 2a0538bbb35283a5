"""The copy of a container: what Docker reports about it becomes what it takes to create one."""

from __future__ import annotations

from typing import Any

import pytest

from ipvlan.hosts.spare_copy import Copy, Record, copy_of
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL
from tests.support.containers import FABRIC, OURS, VOLUME, container

NETWORKS = "NetworkSettings__Networks"
FIXED = {"IPAMConfig": {"IPv4Address": "10.1.1.1"}}


def copied(api_version: str = "1.44", changes: dict[str, Any] | None = None, **more: Any) -> Copy:
    """Return the copy of a container with these changes."""
    return copy_of(container("22", "web", **(changes or {}), **more), image="nginx", api_version=api_version)


def test_the_settings_are_the_same() -> None:
    """What the container was created with is in the body, and its label says what it is a copy of."""
    copy = copied(Config__User="1000", Config__Healthcheck={"Test": ["NONE"]}, HostConfig__Memory=1 << 28)
    body = copy.body
    assert (body["Image"], body["User"], body["Cmd"], body["Env"]) == ("nginx", "1000", ["serve"], ["PATH=/bin"])
    assert body["Healthcheck"] == {"Test": ["NONE"]}
    assert body["HostConfig"]["Memory"] == 1 << 28
    assert body["Labels"] == {OWNER_LABEL: OURS, "team": "web", PREVIOUS_LABEL: str(copy.record)}
    assert body["NetworkingConfig"] == {"EndpointsConfig": {FABRIC: FIXED}}
    assert copy.record == Record(of="22" * 32, restart="always", bridge=False, volumes=())


def test_it_does_not_start_by_itself() -> None:
    """Nor is it removed when it ends."""
    body = copied(HostConfig__AutoRemove=True).body
    assert body["HostConfig"]["RestartPolicy"] == {"Name": "no", "MaximumRetryCount": 0}
    assert body["HostConfig"]["AutoRemove"] is False


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"Name": "unless-stopped", "MaximumRetryCount": 0}, "unless-stopped"),
        ({"Name": "on-failure", "MaximumRetryCount": 3}, "on-failure:3"),
        ({"Name": "on-failure", "MaximumRetryCount": 0}, "on-failure"),
        ({"Name": "", "MaximumRetryCount": 0}, "no"),
        (None, "no"),
    ],
)
def test_the_restart_policy_is_recorded(policy: dict[str, Any] | None, expected: str) -> None:
    """In the words of `docker update`, and it comes back from the label."""
    record = copied(HostConfig__RestartPolicy=policy).record
    assert record.restart == expected
    assert Record.parse(str(record)) == record


@pytest.mark.parametrize("text", ["", "null", "[]", '{"of": "x"}', '{"of":"x","restart":1,"bridge":true,"volumes":[]}'])
def test_a_label_of_others_is_no_record(text: str) -> None:
    """Anybody can write a label."""
    assert Record.parse(text) is None


@pytest.mark.parametrize(("hostname", "kept"), [("shop", True), ("22", True), ("22" * 6, False)])
def test_a_hostname_that_docker_chose_is_left_out(hostname: str, kept: bool) -> None:
    """It is the short id, and the copy has another one."""
    assert ("Hostname" in copied(Config__Hostname=hostname).body) == kept


def test_an_entrypoint_that_was_switched_off_stays_off() -> None:
    """Without an entrypoint in the body Docker would take the image's."""
    assert copied(Config__Entrypoint=None).body["Entrypoint"] == []
    assert copied(Config__Entrypoint=["/run"]).body["Entrypoint"] == ["/run"]


def test_what_a_newer_docker_refuses_is_left_out() -> None:
    """The MAC address that an older one reports, and settings that are gone where they are not set."""
    endpoint = {**FIXED, "MacAddress": "02:42:0a:01:01:01"}
    changes = {"Config__MacAddress": "02:42:0a:01:01:01", "HostConfig__KernelMemory": 0, NETWORKS: {FABRIC: endpoint}}
    body = copied("1.41", changes).body
    assert "MacAddress" not in str(body)
    assert "KernelMemory" not in body["HostConfig"]


@pytest.mark.parametrize("mode", ["default", "bridge", FABRIC, "fa" * 32])
def test_the_bridge_is_recorded_and_left_out(mode: str) -> None:
    """It is connected after the start. The provider leaves the default mode in a container, and connects its network later."""
    networks = {"bridge": {"NetworkID": "b0" * 32}, FABRIC: {**FIXED, "NetworkID": "fa" * 32}}
    copy = copied("1.41", {NETWORKS: networks, "HostConfig__NetworkMode": mode})
    assert copy.body["HostConfig"]["NetworkMode"] == FABRIC
    assert copy.body["NetworkingConfig"] == {"EndpointsConfig": {FABRIC: FIXED}}
    assert copy.record.bridge


def test_an_older_docker_creates_on_one_network() -> None:
    """From API 1.44 on a network that a person connected is in the copy too."""
    networks = {"extra": {"IPAMConfig": None}, FABRIC: FIXED}
    changes = {NETWORKS: networks, "HostConfig__NetworkMode": "default"}
    assert set(copied("1.43", changes).body["NetworkingConfig"]["EndpointsConfig"]) == {FABRIC}
    assert set(copied("1.44", changes).body["NetworkingConfig"]["EndpointsConfig"]) == {FABRIC, "extra"}


def test_names_on_the_network_stay() -> None:
    """Also one that looks like an id; but for the short id, which an older Docker lists and adds by itself."""
    endpoint = {**FIXED, "Aliases": ["22", "22" * 6], "DriverOpts": {"a": "b"}, "Gateway": "10.1.0.1", "Links": None}
    endpoints = copied(changes={NETWORKS: {FABRIC: endpoint}}).body["NetworkingConfig"]["EndpointsConfig"]
    assert endpoints == {FABRIC: {**FIXED, "Aliases": ["22"], "DriverOpts": {"a": "b"}}}


def test_a_container_without_a_network_of_ours() -> None:
    """On the host's network there is nothing to connect, and on the bridge alone nothing more."""
    host = copied(changes={"HostConfig__NetworkMode": "host", NETWORKS: {"host": {}}})
    assert (host.body["HostConfig"]["NetworkMode"], host.body["NetworkingConfig"]) == ("host", {"EndpointsConfig": {}})
    alone = copied(changes={"HostConfig__NetworkMode": "bridge", NETWORKS: {"bridge": {}}})
    assert alone.body["HostConfig"]["NetworkMode"] == "bridge"
    assert not alone.record.bridge


def mounted(type_: str, destination: str, *, name: str = "", rw: bool = True, **more: Any) -> dict[str, Any]:
    """Return an entry of Mounts, as Docker reports it."""
    return {"Type": type_, "Name": name, "Source": "/src", "Destination": destination, "Mode": "", "RW": rw, **more}


def test_anonymous_volumes_are_shared_by_name() -> None:
    """The image's volumes are mounted by their names, and recorded; nothing is copied into them."""
    copy = copied(
        Mounts=[mounted("volume", "/data", name=VOLUME), mounted("volume", "/read", name="0b" * 32, rw=False)]
    )
    assert copy.body["HostConfig"]["Binds"] == [f"{VOLUME}:/data:nocopy", f"{'0b' * 32}:/read:ro,nocopy"]
    assert copy.record.volumes == (VOLUME, "0b" * 32)


def test_named_volumes_are_no_anonymous_ones() -> None:
    """Whatever they are called: they are in the settings. A folder of the host stays as it is."""
    binds = ["/srv/data/:/data/:ro", "db:/db", f"{VOLUME}:/named:z"]
    mounts = [
        mounted("bind", "/data"), mounted("volume", "/db", name="db"), mounted("volume", "/named", name=VOLUME),
        mounted("tmpfs", "/tmp"),  # noqa: S108
    ]  # fmt: skip
    copy = copied(HostConfig__Binds=binds, HostConfig__Tmpfs={"/run": ""}, Mounts=mounts)
    assert copy.body["HostConfig"]["Binds"] == ["/srv/data/:/data/:ro", "db:/db:nocopy", f"{VOLUME}:/named:z,nocopy"]
    assert copy.body["HostConfig"]["Tmpfs"] == {"/run": ""}
    assert copy.record.volumes == ()


def test_mounts_get_the_name_of_their_volume() -> None:
    """One without a source is anonymous; one with a source is not; a bind stays as it is."""
    mounts = [
        {"Type": "volume", "Target": "/a"},
        {"Type": "volume", "Source": "db", "Target": "/b", "VolumeOptions": {"Labels": {"x": "y"}}},
        {"Type": "bind", "Source": "/srv", "Target": "/c"},
    ]
    reported = [mounted("volume", "/a", name=VOLUME), mounted("volume", "/b", name="db"), mounted("bind", "/c")]
    copy = copied(HostConfig__Mounts=mounts, Mounts=reported)
    assert copy.body["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Target": "/a", "Source": VOLUME, "VolumeOptions": {"NoCopy": True}},
        {"Type": "volume", "Source": "db", "Target": "/b", "VolumeOptions": {"Labels": {"x": "y"}, "NoCopy": True}},
        {"Type": "bind", "Source": "/srv", "Target": "/c"},
    ]
    assert copy.body["HostConfig"]["Binds"] is None
    assert copy.record.volumes == (VOLUME,)


def test_volumes_of_another_container_and_links() -> None:
    """They are mounted by themselves: the other container may be gone at the start. Links are in the form that Docker takes."""
    copy = copied(
        HostConfig__VolumesFrom=["other"],
        HostConfig__Links=["/database:/web/db"],
        Mounts=[
            mounted("bind", "/srv", RW=False, Propagation="rslave"),
            mounted("volume", "/db", name="db", Mode="rw,z"),
        ],
    )
    assert "VolumesFrom" not in copy.body["HostConfig"]
    assert copy.body["HostConfig"]["Binds"] == ["/src:/srv:ro,rslave", "db:/db:z,nocopy"]
    assert copy.body["HostConfig"]["Links"] == ["database:db"]
    assert copy.record.volumes == ()


def test_the_copy_mounts_the_files_of_the_spare() -> None:
    """What is live is changed for its replacement; mounts of others are as they are."""
    folder = "/var/lib/ipvlan-fabric/0123456789abcdef/docker-1/web"
    mounts: list[dict[str, Any]] = [
        {"Type": "bind", "Source": f"{folder}/live/conf.1", "Target": "/etc/conf", "ReadOnly": True},
        {"Type": "bind", "Source": f"{folder}-2/live/conf.1", "Target": "/etc/other", "ReadOnly": True},
        {"Type": "tmpfs", "Target": "/run"},
    ]
    inspected = container("22", "web", HostConfig__Mounts=mounts)
    copy = copy_of(inspected, image="nginx", api_version="1.44", files_folder=folder)
    spare = {**mounts[0], "Source": f"{folder}/spare/conf.1"}
    assert copy.body["HostConfig"]["Mounts"] == [spare, *mounts[1:]]
    assert copy_of(inspected, image="nginx", api_version="1.44").body["HostConfig"]["Mounts"] == mounts
