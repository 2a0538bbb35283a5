"""A state without one of its hosts: what goes, what still refers to it, and what stays on the machine."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.checks.forget import clean_up_lines, kept_lines
from ipvlan.hosts.files import BASE
from ipvlan.plan.forget import forget_host, hosts_in_state, urn_name
from ipvlan.plan.resource_names import OWNER_LABEL

STATE = Path(__file__).resolve().parents[2] / "support" / "state_4f49adf.json"
"""What `pulumi stack export` printed of the reference setup with shims, made by commit 4f49adf on the lab; shortened."""

DROP_INS = (
    "for file in /etc/systemd/network/*.network.d/ipvlan-fabric-ens33.conf; do "
    '[ -e "$file" ] && rm "$file" && rmdir --ignore-fail-on-non-empty "${file%/*}"; done'
)


def state(change: Callable[[str], str] = lambda text: text) -> dict[str, Any]:
    """Return the state, after a change of its text."""
    return dict(json.loads(change(STATE.read_text(encoding="utf-8"))))


def resource(export: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the resource of that name."""
    return next(one for one in export["deployment"]["resources"] if urn_name(one["urn"]) == name)


def names(export: dict[str, Any]) -> list[str]:
    """Return the names of a state's resources."""
    return [urn_name(one["urn"]) for one in export["deployment"]["resources"]]


def references(one: dict[str, Any]) -> Iterator[str]:
    """Yield every URN that a resource refers to."""
    yield from (one[field] for field in ("parent", "deletedWith", "viewOf") if one.get(field))
    if one.get("provider"):
        yield one["provider"].rpartition("::")[0]
    yield from one.get("dependencies", [])
    yield from one.get("replaceWith", [])
    for urns in one.get("propertyDependencies", {}).values():
        yield from urns


def assert_sound(export: dict[str, Any]) -> None:
    """Assert what Pulumi asserts at an import: a resource refers only to resources before it."""
    before: set[str] = set()
    for one in export["deployment"]["resources"]:
        assert set(references(one)) <= before, one["urn"]
        before.add(one["urn"])


def test_every_resource_of_the_host_leaves_the_state() -> None:
    """Nothing is left that names the host, and everything else is as before, byte for byte."""
    before = state()
    after = forget_host(before, "docker-2")
    assert before == state()
    assert hosts_in_state(before) == ("docker-1", "docker-2")
    assert hosts_in_state(after.export) == ("docker-1",)
    assert [one.name for one in after.resources] == [
        name for name in names(before) if name.startswith("fabric-docker-2")
    ]
    assert len(after.resources) == 11
    assert_sound(after.export)
    for one in after.export["deployment"]["resources"]:
        if urn_name(one["urn"]) != "fabric-addresses":
            assert one == resource(before, urn_name(one["urn"]))


def test_a_host_whose_name_begins_another_one() -> None:
    """Host `docker` goes, host `docker-1` stays, and the other way round."""
    export = state(lambda text: text.replace("docker-2", "docker"))
    for host, other in (("docker", "docker-1"), ("docker-1", "docker")):
        after = forget_host(export, host)
        assert len(after.resources) == 11
        assert hosts_in_state(after.export) == (other,)
        assert len(names(after.export)) == len(names(export)) - 11
        assert_sound(after.export)


def test_an_unknown_host_changes_nothing() -> None:
    """A prefix of a host's name is no host; nor is a host that was forgotten before."""
    for host in ("docker", "docker-3", "docker-2-nginx", ""):
        after = forget_host(state(), host)
        assert (after.resources, after.export) == ((), state())
    once = forget_host(state(), "docker-2").export
    assert forget_host(once, "docker-2").export == once


def test_references_from_what_stays_are_dropped() -> None:
    """A resource of the program's own that depends on the host's container loses the dependency, and one on its provider goes."""
    export = state()
    container, provider = resource(export, "fabric-docker-2-nginx"), resource(export, "fabric-docker-2-provider")
    urn = "urn:pulumi:dev::ipvlan-fabric::command:local:Command::"
    waits = {
        "urn": f"{urn}waits",
        "type": "command:local:Command",
        "dependencies": [container["urn"]],
        "replaceWith": [container["urn"]],
        "propertyDependencies": {"create": [container["urn"]], "update": []},
    }
    volume = {
        "urn": "urn:pulumi:dev::ipvlan-fabric::docker:index/volume:Volume::data",
        "type": "docker:index/volume:Volume",
        "provider": f"{provider['urn']}::{provider['id']}",
    }
    mounts = {"urn": f"{urn}mounts", "type": "command:local:Command", "deletedWith": volume["urn"]}
    export["deployment"]["resources"] += [waits, volume, mounts]
    after = forget_host(export, "docker-2")
    assert_sound(after.export)
    assert {one.name for one in after.resources} >= {"data", "mounts"}
    assert resource(after.export, "waits") == {
        **waits,
        "dependencies": [],
        "replaceWith": [],
        "propertyDependencies": {"create": [], "update": []},
    }


def test_pending_operations() -> None:
    """A container that an interrupted `up` was creating on the host goes too; one of another host is named."""
    export = state()
    new = {**resource(export, "fabric-docker-2-nginx"), "id": ""}
    new["urn"] = new["urn"].replace("docker-2-nginx", "docker-2-web")
    other = resource(export, "fabric-docker-1-nginx")
    export["deployment"]["pending_operations"] = [
        {"resource": new, "type": "creating"},
        {"resource": other, "type": "updating"},
    ]
    after = forget_host(export, "docker-2")
    assert after.export["deployment"]["pending_operations"] == [{"resource": other, "type": "updating"}]
    assert after.pending == ("fabric-docker-1-nginx",)
    assert "fabric-docker-2-web" in [one.name for one in after.resources]
    assert "# an `up` was interrupted while it created nginx: docker inspect nginx" in clean_up_lines(after.remains)


def test_a_docker_that_listens_elsewhere() -> None:
    """Every command for Docker has the socket that the state's docker provider went to; the usual one is not named."""
    export = state()
    provider = resource(export, "fabric-docker-2-provider")
    for value in (provider["inputs"], provider["outputs"]):
        value["host"] += "/run/docker of ours.sock"
    moved, usual = (forget_host(export, host).remains for host in ("docker-2", "docker-1"))
    for remains, docker in ((moved, "docker --host 'unix:///run/docker of ours.sock' "), (usual, "docker ")):
        lines = [line for line in (*clean_up_lines(remains), *kept_lines(remains)) if line.startswith("docker ")]
        assert len(lines) > 3
        assert all(line.startswith(docker) for line in lines)
    assert not any("--host" in line for line in (*clean_up_lines(usual), *kept_lines(usual)))


@pytest.mark.parametrize("gone", ["fabric-docker-2-nginx", "fabric-docker-2-nginx-published-bridge"])
def test_a_bridge_attachment_of_which_a_part_is_gone(gone: str) -> None:
    """A PublishedService goes too where an `up` ended before its connection, and where the container left the state before."""
    export = state()
    urn = resource(export, gone)["urn"]
    resources = [one for one in export["deployment"]["resources"] if one["urn"] != urn]
    for one in resources:
        if one.get("deletedWith") == urn:
            del one["deletedWith"]
    export["deployment"]["resources"] = resources
    after = forget_host(export, "docker-2")
    assert not [name for name in names(after.export) if "docker-2" in name]


def test_a_bridge_attachment_of_which_nothing_else_is_there() -> None:
    """An `up` that failed early left the component alone; where the name may be that of another host's it stays, without harm."""
    bare = {"fabric-docker-2-nginx", "fabric-docker-2-nginx-published-bridge"}
    for other, stays in (("docker-1", False), ("docker", True)):
        export = json.loads(STATE.read_text(encoding="utf-8").replace("docker-1", other))
        deployment = export["deployment"]
        deployment["resources"] = [one for one in deployment["resources"] if urn_name(one["urn"]) not in bare]
        after = forget_host(export, "docker-2")
        assert ("fabric-docker-2-nginx-published" in names(after.export)) is stays
        assert_sound(after.export)


def test_the_addresses_are_checked_again() -> None:
    """A rebuilt host's addresses are not taken for checked: something else may hold them by now."""
    checked = resource(forget_host(state(), "docker-2").export, "fabric-addresses")["outputs"]["asked"]
    assert list(checked) == ["docker-1"]


def test_what_stays_on_the_machine() -> None:
    """Containers with address and ports, network, unit with shim and routes, volumes, images: and lines that remove them."""
    export = state()
    nginx = resource(export, "fabric-docker-2-nginx")
    nginx["outputs"]["volumes"] = [
        {"containerPath": "/data", "volumeName": "site"},
        {"containerPath": "/etc", "hostPath": "/srv/etc", "volumeName": ""},
    ]
    nginx["outputs"]["mounts"] = [
        {"type": "volume", "source": "cache", "target": "/c"},
        {"type": "bind", "source": "/srv", "target": "/s"},
        {"type": "tmpfs", "target": "/t"},
    ]
    resource(export, "fabric-docker-2-networking")["outputs"]["routes"] = [
        {"destination": "10.1.1.0/24", "via": "192.168.140.200"}
    ]
    # One that was replaced while the host was away, and is still to be deleted.
    export["deployment"]["resources"].append({**nginx, "id": "old", "delete": True})
    remains = forget_host(export, "docker-2").remains
    centos = resource(export, "fabric-docker-2-centos")
    assert [(one.name, one.id, one.address, one.ports) for one in remains.containers] == [
        ("centos", centos["id"], "10.1.2.1", ()),
        ("nginx", nginx["id"], "10.1.2.2", ("80:80/tcp",)),
        ("nginx", "old", "10.1.2.2", ("80:80/tcp",)),
    ]
    assert remains.addresses == ("10.1.2.1", "10.1.2.2")
    network = resource(export, "fabric-docker-2-network")["id"]
    assert [(one.name, one.id, one.parent) for one in remains.networks] == [("ipvlanl2", network, "ens33")]
    assert remains.volumes == ("cache", "site")
    assert clean_up_lines(remains) == (
        f"docker stop {centos['id']} {nginx['id']} old",
        f"docker rm --volumes {centos['id']} {nginx['id']} old",
        "systemctl disable --now ipvlan-fabric-ens33.service",
        "rm /etc/systemd/system/ipvlan-fabric-ens33.service",
        DROP_INS,
        "systemctl daemon-reload",
        f"docker network rm {network}",
    )
    assert kept_lines(remains)[0] == "docker volume rm cache site"
    assert [line.split()[:3] for line in kept_lines(remains)[1:]] == [["docker", "image", "rm"]]
    assert len(remains.images) == 2


def test_volumes_of_the_section_stay() -> None:
    """Also one that nothing mounts, and one with `delete: true`; what others made is not this stack's to remove."""
    export = state()
    nginx = resource(export, "fabric-docker-2-nginx")
    nginx["outputs"]["volumes"] = [{"containerPath": f"/{name}", "volumeName": name} for name in ("site", "theirs")]
    for name, external in (("site", False), ("cache", False), ("theirs", True)):
        slice_ = nginx["parent"]
        urn = f"{slice_.rpartition('::')[0]}$ipvlan-fabric:index:Volume::fabric-docker-2-volume-{name}"
        outputs = {"host": "docker-2", "volume": name, "external": external, "delete": True}
        made = {"urn": urn, "type": "ipvlan-fabric:index:Volume", "parent": slice_, "id": name, "outputs": outputs}
        export["deployment"]["resources"].append(made)
    forgotten = forget_host(export, "docker-2")
    assert forgotten.remains.volumes == ("cache", "site")
    assert "fabric-docker-2-volume-cache" in [gone.name for gone in forgotten.resources]


def test_what_changes_of_the_containers_left() -> None:
    """One line removes spares, restored, failed and rehearsed containers by the owner labels; the state's own have theirs."""
    export = state()
    for service in ("centos", "nginx"):
        label = {"label": OWNER_LABEL, "value": f"0123456789abcdef/docker-2/{service}"}
        resource(export, f"fabric-docker-2-{service}")["outputs"]["labels"] = [label]
    remains = forget_host(export, "docker-2").remains
    ids = [one.id for one in remains.containers]
    of_owner = 'docker ps --all --quiet --no-trunc --filter label=ipvlan-fabric.owner="$owner" --filter'
    first, second = clean_up_lines(remains)[:2]
    assert first == (
        "for owner in 0123456789abcdef/docker-2/centos 0123456789abcdef/docker-2/nginx; do "
        f"{of_owner} label=ipvlan-fabric.previous; {of_owner} 'name=[.](ipvlan-failed|ipvlan-rehearsal)$'; done | "
        f"grep -vxF -e {ids[0]} -e {ids[1]} | sort -u | xargs --no-run-if-empty docker rm --force --volumes"
    )
    assert second == f"docker stop {ids[0]} {ids[1]}"


def test_the_line_about_changes_in_a_shell(tmp_path: Path) -> None:
    """It removes what the listings have and the state has not, and does nothing where they have nothing."""
    export = state()
    label = {"label": OWNER_LABEL, "value": "0123456789abcdef/docker-2/nginx"}
    nginx = resource(export, "fabric-docker-2-nginx")
    nginx["outputs"]["labels"] = [label]
    [line] = [line for line in clean_up_lines(forget_host(export, "docker-2").remains) if line.startswith("for owner")]
    docker = tmp_path / "docker"

    def removed(previous: str, others: str) -> str:
        """Run the line on a host whose listings print these ids, and return what is removed."""
        docker.write_text(
            f"""#!/bin/sh
case "$*" in
  "rm "*) echo "$*" ;;
  *owner=0123456789abcdef/docker-2/nginx*label=ipvlan-fabric.previous) printf '{previous}' ;;
  *owner=0123456789abcdef/docker-2/nginx*name=*) printf '{others}' ;;
esac
""",
            encoding="utf-8",
        )
        docker.chmod(0o755)
        environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
        return subprocess.run(["sh", "-ec", line], env=environment, capture_output=True, text=True, check=True).stdout

    assert removed("spare\\n", f"failed\\n{nginx['id']}\\n") == "rm --force --volumes failed spare\n"
    assert removed("", f"{nginx['id']}\\n") == ""


def test_files_stay_in_their_folders(tmp_path: Path) -> None:
    """They are named, and the lines remove them with the stack's key and the folders above, where nothing else is in these."""
    export = state()
    slice_ = resource(export, "fabric-docker-2-nginx")["parent"]
    for kind in ("Files", "FilesInUse"):
        urn = f"{slice_.rpartition('::')[0]}$ipvlan-fabric:index:{kind}::fabric-docker-2-nginx-{kind}"
        outputs = {"host": "docker-2", "service": "nginx", "owner": "0123456789abcdef/docker-2/nginx"}
        made = {"urn": urn, "type": f"ipvlan-fabric:index:{kind}", "parent": slice_, "id": kind, "outputs": outputs}
        export["deployment"]["resources"].append(made)
    forgotten = forget_host(export, "docker-2")
    assert {"fabric-docker-2-nginx-Files", "fabric-docker-2-nginx-FilesInUse"} <= {
        gone.name for gone in forgotten.resources
    }
    assert forgotten.remains.files == ("0123456789abcdef/docker-2/nginx",)
    lines = [line for line in clean_up_lines(forgotten.remains) if BASE in line]
    assert lines[0] == f"rm -r {BASE}/0123456789abcdef/docker-2/nginx"
    stack = tmp_path / "files" / "0123456789abcdef"
    for others in (True, False):
        (stack / "docker-2" / "nginx" / "live").mkdir(parents=True)
        (stack / "key").write_text("key", encoding="utf-8")
        if others:
            (stack / "docker-1").mkdir()
        subprocess.run(
            ["sh", "-c", "\n".join(line.replace(BASE, str(tmp_path / "files")) for line in lines)],
            check=True,
            timeout=30,
        )
        assert (stack / "key").exists() is others
        assert not (stack / "docker-2").exists()
        if others:
            (stack / "docker-1").rmdir()
    assert list(tmp_path.iterdir()) == []


def test_without_files_no_line_is_about_them() -> None:
    """Nor is a folder named."""
    remains = forget_host(state(), "docker-2").remains
    assert remains.files == ()
    assert not any(BASE in line for line in clean_up_lines(remains))


def test_bridge_networks_stay_on_the_machine() -> None:
    """Those of this stack are listed, and removed by their ids after their containers; those of others are not."""
    export = state()
    host_slice = resource(export, "fabric-docker-2")["urn"]
    prefix, type_ = f"{host_slice.rpartition('::')[0]}$ipvlan-fabric:index:", "ipvlan-fabric:index:BridgeNetwork"
    networks = [
        {
            "urn": f"{prefix}BridgeNetwork::fabric-docker-2-bridge-{name}",
            "type": type_,
            "parent": host_slice,
            "inputs": {"network": name, "external": external},
            "outputs": {"network": name, "external": external, "network_id": id_},
        }
        for name, external, id_ in (("mon", True, "m1"), ("data", False, "d1"), ("backend", False, None))
    ]
    container = resource(export, "fabric-docker-2-nginx")["urn"]
    endpoints = {
        "urn": f"{prefix}BridgeEndpoints::fabric-docker-2-nginx-endpoints",
        "type": "ipvlan-fabric:index:BridgeEndpoints",
        "parent": host_slice,
        "deletedWith": container,
        "dependencies": [networks[1]["urn"]],
    }
    export["deployment"]["resources"] += [*networks, endpoints]
    after = forget_host(export, "docker-2")
    assert_sound(after.export)
    assert {"fabric-docker-2-bridge-mon", "fabric-docker-2-nginx-endpoints"} <= {one.name for one in after.resources}
    assert [(bridge.name, bridge.id) for bridge in after.remains.bridges] == [("backend", ""), ("data", "d1")]
    lines = clean_up_lines(after.remains)
    removed = lines.index("docker network rm d1")
    assert removed > next(place for place, line in enumerate(lines) if line.startswith("docker rm "))
    assert "# an `up` was interrupted while it created backend: docker network inspect backend" in lines
    assert not any(line.endswith((" m1", " mon")) for line in lines)
