"""The removal of a network under the real engine: when it is done, and that the network's own provider is not asked then.

A command takes the place of the docker provider's network and of a container, and a substitute of Docker's Engine that of the host.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engine.test_plugin_engine import Project
from tests.support.fake_engine import serve
from tests.support.network_engine import NetworkEngine

PROGRAM = """
import json, os, pulumi
from pulumi_command import local

class Own(pulumi.CustomResource):
    pass

given = json.loads(os.environ["BRIDGES"])
handle = pulumi.ProviderResource("ipvlan-fabric", "handle", {"connections": os.environ["CONNECTIONS"]})
here = pulumi.ResourceOptions(provider=handle)

def noted(name, triggers, **options):
    note = f"echo {{}} {name} >>{given['notes']}"
    create = f"{note.format('create')}; echo {given['id']}"
    return local.Command(name, create=create, delete=note.format("delete"), triggers=triggers, opts=pulumi.ResourceOptions(
        delete_before_replace=True, **options))

network = noted("network", [given["id"]], retain_on_delete=given["retain"] or None)
inputs = {"host": "h", "ssh": given["ssh"], "network": "ipvlanl2", "network_id": network.stdout, "owner": "0123456789abcdef/h"}
removal = Own("ipvlan-fabric:index:NetworkRemoval", "removal", inputs, here)
noted("container", [network.stdout], depends_on=[removal])
"""
SSH = """#!/bin/bash
case "$2" in *docker.sock) ln -s {socket} "${{2%%:*}}" ;; esac
exec sh -s < <(sed -u s,/etc/machine-id,{folder}/machine-id,)
"""
FIRST, SECOND = "c1" * 32, "c2" * 32


class Host:
    """A host with two networks' worth of Docker, and a project that works on it."""

    def __init__(self, folder: Path, docker: NetworkEngine) -> None:
        self.docker = docker
        self.notes = folder / "notes"
        self.project = Project(folder)
        (folder / "__main__.py").write_text(PROGRAM, encoding="utf-8")
        (folder / "machine-id").touch()
        self._ssh = folder / "ssh"
        self._ssh.write_text(SSH.format(socket=docker.socket, folder=folder), encoding="utf-8")
        self._ssh.chmod(0o755)

    def up(self, id_: str, *, retain: bool, status: int = 0) -> str:
        """Run `pulumi up` with a network of this id."""
        given = {"notes": str(self.notes), "id": id_, "retain": retain, "ssh": [str(self._ssh)]}
        return self.project.up(bridges=given, connections={"h": [str(self._ssh)]}, status=status)

    def destroy(self) -> str:
        """Run `pulumi destroy`."""
        return self.project.pulumi("destroy", "--stack", "dev", "--yes", "--skip-preview")

    def lose(self, name: str) -> None:
        """Take one resource out of the state, as a refresh does that finds it gone."""
        state = json.loads(self.project.pulumi("stack", "export", "--stack", "dev"))
        resources = state["deployment"]["resources"]
        (lost,) = (resource["urn"] for resource in resources if resource["urn"].endswith(f"::{name}"))
        state["deployment"]["resources"] = [resource for resource in resources if resource["urn"] != lost]
        for resource in state["deployment"]["resources"]:
            resource["dependencies"] = [urn for urn in resource.get("dependencies") or () if urn != lost]
            resource["propertyDependencies"] = {}
        file = self.project.folder / "state.json"
        file.write_text(json.dumps(state), encoding="utf-8")
        self.project.pulumi("stack", "import", "--stack", "dev", "--file", str(file))

    def noted(self) -> list[str]:
        """Return what the commands did since the last call."""
        lines = self.notes.read_text().splitlines() if self.notes.exists() else []
        self.notes.write_text("")
        return lines


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    """Return a host with the network that the stack is to have."""
    with serve(NetworkEngine(tmp_path / "s")) as docker:
        docker.add_network("c1", "ipvlanl2")
        yield Host(tmp_path, docker)


@pytest.mark.timeout(180)
def test_a_destroy_removes_the_network_after_its_containers(host: Host) -> None:
    """Retained, the network's provider is not asked; otherwise it finds the network gone. Nothing stays in the state."""
    for retain, asked in ((False, ["delete network"]), (True, [])):
        host.up(FIRST, retain=False)
        # The option alone is no change.
        assert "updated" not in host.up(FIRST, retain=retain)
        assert host.noted() == ["create network", "create container"]
        host.docker.changes.clear()
        host.destroy()
        assert host.docker.changes == ["remove network ipvlanl2"]
        assert host.noted() == ["delete container", *asked]
        assert not host.project.deployment().get("resources")
        host.docker.add_network("c1", "ipvlanl2")


def test_a_replaced_network_is_removed_before_the_new_one_is_created(host: Host) -> None:
    """Retained or not: its containers go first, then it is removed, then the new one and its containers are created."""
    host.up(FIRST, retain=False)
    host.up(FIRST, retain=True)
    host.noted()
    host.up(SECOND, retain=True)
    assert host.noted() == ["delete container", "create network", "create container"]
    assert host.docker.changes == ["remove network ipvlanl2"]
    assert not host.docker.networks


def test_a_network_that_is_in_use_stays_in_the_state(host: Host) -> None:
    """Docker refuses: the destroy fails with the reason; the next one removes it."""
    host.up(FIRST, retain=False)
    host.up(FIRST, retain=True)
    host.docker.refuses["remove network"] = ["Docker says no"]
    failed = host.project.pulumi("destroy", "--stack", "dev", "--yes", "--skip-preview", status=1)
    assert "IPF845" in failed
    assert "Docker says no" in failed
    types = {resource["type"] for resource in host.project.deployment()["resources"]}
    assert "command:local:Command" in types
    host.destroy()
    assert not host.docker.networks


def test_a_network_that_was_created_again_is_not_removed(host: Host) -> None:
    """The state lost the network, as by a refresh that found it gone: the new one is recorded, and goes with the destroy."""
    host.up(FIRST, retain=False)
    host.up(FIRST, retain=True)
    host.lose("network")
    host.docker.networks.clear()
    host.docker.add_network("c2", "ipvlanl2", Labels={"ipvlan-fabric.owner": "0123456789abcdef/h"})
    host.up(SECOND, retain=False)
    assert host.docker.changes == []
    host.destroy()
    assert host.docker.changes == ["remove network ipvlanl2"]
