"""Named volumes of a stack: their data on NFS and on the host, what is refused, what is kept and what is deleted.

The tests share one stack; each goes on from the one before.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.harness import HOSTS, Lab, Stack, new_stack
from lab.settings import ROUTER_ADDRESS
from tests.support.lab_commands import document, ipvlan

pytestmark = pytest.mark.steps

HOST = HOSTS[0]
NFS = {"type": "nfs4", "o": f"addr={ROUTER_ADDRESS},vers=4.2,rw", "device": ":/export"}
KEPT = ("shared", "notes", "once", "foreign")


@dataclass(frozen=True, kw_only=True)
class Volumes:
    """The stack, and the folder that the router exports."""

    stack: Stack
    exported: Path

    @property
    def config(self) -> dict[str, Any]:
        """The section `volumes`, to change."""
        section: dict[str, Any] = self.stack.config["volumes"]
        return section


@pytest.fixture(scope="module")
def volumes(lab: Lab) -> Iterator[Volumes]:
    """Bring nginx up on both hosts with an NFS volume of the lab's router, and a volume of the host beside it on docker-1."""
    before = {host: lab.footprint(host) for host in HOSTS}
    exported = Path(lab.run("router-nfs", "on", timeout=700).stdout.strip())
    (exported / "index.html").write_text("of the router\n", encoding="utf-8")
    try:
        with new_stack(lab) as stack:
            nginx = stack.config["services"]["nginx"]
            nginx.update(volumes=["shared:/usr/share/nginx/html", "shared:/var/www/html"], published=True)
            notes = {"type": "volume", "source": "notes", "target": "/notes"}
            stack.config["services"] = {
                "nginx": nginx,
                "writer": {"image": nginx["image"], "offset": 5, "hosts": [HOST], "mounts": [notes]},
            }
            stack.config["volumes"] = {
                "shared": {"driver_opts": NFS},
                "notes": {"labels": {"team": "web"}},
            }
            stack.up(timeout=600)
            yield Volumes(stack=stack, exported=exported)
    finally:
        for host in HOSTS:
            lab.ssh(host, f"docker volume rm -f {' '.join(KEPT)} >/dev/null; true")
        lab.run("router-nfs", "off")
    assert {host: lab.footprint(host) for host in HOSTS} == before


def inspected(lab: Lab, name: str, host: str = HOST) -> dict[str, Any] | None:
    """Return a volume as Docker has it; None where there is none."""
    printed = lab.ssh(host, f"docker volume inspect {name} 2>/dev/null || true").strip()
    found: list[dict[str, Any]] = json.loads(printed or "[]")
    return found[0] if found else None


def written(lab: Lab, text: str) -> None:
    """Write a note into the volume `notes` of the running container."""
    lab.ssh(HOST, f"docker exec writer sh -c 'echo {text} > /notes/note'")


def note(lab: Lab) -> str:
    """Return the note in the volume, empty where there is none."""
    return lab.ssh(HOST, "docker exec writer sh -c 'cat /notes/note 2>/dev/null || true'").strip()


def test_nfs_of_the_router(lab: Lab, volumes: Volumes) -> None:
    """What the router exports is in the containers of both hosts, and what one writes the other and the router see."""
    for host in HOSTS:
        assert lab.ssh(host, "docker exec nginx cat /usr/share/nginx/html/index.html").strip() == "of the router"
    lab.ssh(HOSTS[1], "docker exec nginx sh -c 'echo of-docker-2 > /usr/share/nginx/html/note'")
    assert (volumes.exported / "note").read_text(encoding="utf-8") == "of-docker-2\n"
    assert lab.ssh(HOST, "docker exec nginx cat /usr/share/nginx/html/note").strip() == "of-docker-2"
    options = (inspected(lab, "shared") or {})["Options"]
    assert options == NFS
    assert (inspected(lab, "notes") or {})["Labels"]["team"] == "web"
    volumes.stack.assert_unchanged()
    assert ipvlan(lab, "status").returncode == 0


def test_other_options_are_refused_before_anything_stops(lab: Lab, volumes: Volumes) -> None:
    """Docker cannot change a volume: `up` says so and what to do, and every container keeps its id."""
    before = lab.container_ids()
    volumes.config["shared"] = {"driver_opts": {**NFS, "o": f"{NFS['o']},noatime"}}
    refused = volumes.stack.up(check=False)
    volumes.config["shared"] = {"driver_opts": NFS}
    assert refused.returncode != 0
    assert "shared" in refused.stdout + refused.stderr
    assert "IPF79" in refused.stdout + refused.stderr
    assert lab.container_ids() == before


def test_of_others_and_missing(lab: Lab, volumes: Volumes) -> None:
    """A volume that somebody else made is refused, and used with `external`; an external one that is missing is named."""
    before = lab.container_ids()
    lab.ssh(HOST, "docker volume create foreign >/dev/null")
    lab.ssh(HOST, "echo of-others > $(docker volume inspect -f '{{.Mountpoint}}' foreign)/file")
    mounts = volumes.stack.config["services"]["writer"]["mounts"]
    mounts.append({"type": "volume", "source": "foreign", "target": "/foreign"})
    volumes.config["foreign"] = {}
    refused = volumes.stack.up(check=False)
    volumes.config["foreign"] = {"external": True, "name": "absent"}
    missing = volumes.stack.up(check=False)
    for done, named in ((refused, "foreign"), (missing, "absent")):
        assert done.returncode != 0
        assert named in done.stdout + done.stderr
    assert lab.container_ids() == before
    volumes.config["foreign"] = {"external": True}
    volumes.stack.up()
    assert lab.ssh(HOST, "docker exec writer cat /foreign/file").strip() == "of-others"
    mounts.pop()
    del volumes.config["foreign"]
    volumes.stack.up()
    assert inspected(lab, "foreign") is not None


def test_a_removed_volume_is_created_again(lab: Lab, volumes: Volumes) -> None:
    """One that was removed by hand is a difference, and the next `up` or `heal` creates it again, empty."""
    written(lab, "first")
    lab.ssh(HOST, "docker rm -f writer >/dev/null && docker volume rm notes >/dev/null")
    printed = document(ipvlan(lab, "status", "--json"))
    assert "volume-missing" in {found["name"] for found in printed["differences"]}
    volumes.stack.up("--refresh")
    assert note(lab) == ""
    assert (inspected(lab, "notes") or {})["Labels"]["team"] == "web"
    assert ipvlan(lab, "status").returncode == 0


def test_it_is_kept_and_used_again(lab: Lab, volumes: Volumes) -> None:
    """A volume that leaves the config stays with its data, which `up` says; when it comes back its data is there."""
    written(lab, "second")
    section, writer = volumes.config, volumes.stack.config["services"].pop("writer")
    notes = section.pop("notes")
    left = volumes.stack.up()
    assert "docker volume rm notes" in left.stdout + left.stderr
    assert inspected(lab, "notes") is not None
    section["notes"] = notes
    volumes.stack.config["services"]["writer"] = writer
    volumes.stack.up()
    assert note(lab) == "second"


def test_delete_replaces_and_deletes(lab: Lab, volumes: Volumes) -> None:
    """With `delete: true` before and after, other options make a new, empty volume; without a mount it is deleted."""
    volumes.config["notes"] = {"delete": True}
    volumes.stack.up()
    assert note(lab) == "second"
    volumes.config["notes"] = {"delete": True, "driver_opts": {"type": "tmpfs", "device": "tmpfs", "o": "size=8m"}}
    volumes.stack.up()
    assert note(lab) == ""
    assert (inspected(lab, "notes") or {})["Options"]["type"] == "tmpfs"
    volumes.stack.assert_unchanged()
    del volumes.config["notes"], volumes.stack.config["services"]["writer"]
    volumes.stack.up()
    assert inspected(lab, "notes") is None


def test_destroy_keeps_and_says_so(lab: Lab, volumes: Volumes) -> None:
    """`destroy` names each kept volume with its host, and the next life of the stack uses it again."""
    done = volumes.stack.pulumi("destroy", "--yes", "--skip-preview")
    for host in HOSTS:
        assert inspected(lab, "shared", host) is not None
        assert any("docker volume rm shared" in line and host in line for line in done.stdout.splitlines())
    again = volumes.stack.up()
    assert "used again" in again.stdout + again.stderr
    assert lab.ssh(HOST, "docker exec nginx cat /usr/share/nginx/html/index.html").strip() == "of the router"
