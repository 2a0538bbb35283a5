"""Three compose files, imported into one stack and brought up with images of the lab: what each key does is seen on the host.

Written anew with the keys of well-known projects: a reverse proxy with its backends, a wiki with its database, a DNS blocker.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from lab.harness import ADDRESSES, HOSTS, Lab, Stack, new_stack, sections
from tests.support.lab_commands import differences, image_of, ipvlan

pytestmark = pytest.mark.steps

HOST = HOSTS[0]
PROJECTS = ("proxy", "wiki", "dns")
COMPOSE = Path(__file__).parent / "compose"


@pytest.fixture(scope="module")
def imported(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stack, dict[str, str]]]:
    """Import the three into a new stack, bring it up, and return it with what each import said."""
    before = {host: lab.footprint(host) for host in HOSTS}
    folder = tmp_path_factory.mktemp("compose")
    said = {}
    with new_stack(lab) as stack:
        nginx, init = image_of(stack, "nginx"), image_of(stack, "centos")
        del stack.config["services"]["nginx"]
        stack.write()
        for project in PROJECTS:
            text = (COMPOSE / f"{project}.yaml").read_text(encoding="utf-8")
            file = folder / f"{project}.yaml"
            file.write_text(text.replace("NGINX", nginx).replace("INIT", init), encoding="utf-8")
            done = ipvlan(
                lab,
                "import",
                "compose",
                str(file),
                "--host",
                HOST,
                "--project-dir",
                f"/srv/{project}",
                stack=stack.name,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            said[project] = done.stdout + done.stderr
        assert ipvlan(lab, "plan", stack=stack.name).returncode == 0
        with stack.file.open(encoding="utf-8") as written:
            stack.config = sections(YAML(typ="safe").load(written))
        lab.ssh(HOST, "mkdir -p /srv/edge/acme /srv/dns/etc-pihole /srv/unbound")
        stack.up(timeout=600)
        yield stack, said
        stack.pulumi("destroy", "--yes", "--skip-preview")
        lab.ssh(HOST, "rm -rf /srv/edge /srv/dns /srv/unbound; docker volume rm wiki_data dns_dnsmasq >/dev/null")
    assert {host: lab.footprint(host) for host in HOSTS} == before


def inspected(lab: Lab) -> dict[str, dict[str, Any]]:
    """Return service or name -> what Docker says of its container."""
    documents = json.loads(lab.ssh(HOST, "docker ps -q | xargs docker inspect"))
    return {each["Name"].removeprefix("/"): each for each in documents}


def test_proxy(lab: Lab, imported: tuple[Stack, dict[str, str]]) -> None:
    """Clients get both backends through the proxy, by their aliases; the backends have no port at the host."""
    host = ADDRESSES[HOST]
    assert lab.exec("curl", "-s", "-m", "5", f"http://{host}/").stdout.strip() == "whoami"
    assert lab.exec("curl", "-s", "-m", "5", f"http://{host}/api/", check=False).stdout != ""
    found = inspected(lab)
    assert found["edge-proxy"]["HostConfig"]["SecurityOpt"] == ["no-new-privileges:true"]
    assert found["whoami"]["HostConfig"]["Memory"] == 64 * 2**20
    assert found["whoami"]["HostConfig"]["NanoCpus"] == 750_000_000
    assert found["whoami"]["HostConfig"]["LogConfig"]["Config"]["max-file"] == "3"
    assert found["admin"]["Config"]["StopTimeout"] == 5
    networks = found["admin"]["NetworkSettings"]["Networks"]
    assert any(each["IPAddress"].startswith("172.30.9.") for each in networks.values())
    assert "ipvlanl2" not in networks
    assert lab.ssh(HOST, "docker port whoami; docker port admin").strip() == ""
    assert lab.ssh(HOST, "docker exec edge-proxy cat /host/name").strip() == HOST
    del imported


def test_wiki(lab: Lab, imported: tuple[Stack, dict[str, str]]) -> None:
    """It is healthy, since it finds its database by name; limits, users and volumes are those of the file."""
    found = inspected(lab)
    assert found["wiki"]["State"]["Health"]["Status"] == found["database"]["State"]["Health"]["Status"] == "healthy"
    assert found["wiki"]["State"]["StartedAt"] > found["database"]["State"]["StartedAt"]
    assert lab.ssh(HOST, "docker exec wiki id -u").strip() == "33"
    assert "DB_PASS=none" in found["wiki"]["Config"]["Env"]
    assert found["cache"]["HostConfig"]["Memory"] == 48 * 2**20
    assert lab.ssh(HOST, "docker exec cache cat /proc/sys/net/core/somaxconn").strip() == "1024"
    assert lab.ssh(HOST, "docker volume inspect -f '{{.Labels.backup}}' wiki_data").strip() == "nightly"
    assert "10.1.2.1" in lab.ssh(HOST, "docker exec wiki cat /etc/hosts")
    assert "size=8192k" in lab.ssh(HOST, "docker exec database grep /scratch /proc/mounts")
    del imported


def test_dns(lab: Lab, imported: tuple[Stack, dict[str, str]]) -> None:
    """Both protocols are bound on one port; what has no place on ipvlan is said with its reason."""
    found = inspected(lab)
    assert set(found["blocker"]["NetworkSettings"]["Ports"]) >= {"5353/tcp", "5353/udp"}
    assert lab.ssh(HOST, "docker exec blocker hostname").strip() == "pi.hole"
    assert sorted(found["blocker"]["HostConfig"]["CapAdd"])[0].endswith("NET_ADMIN")
    assert found["resolver"]["HostConfig"]["ReadonlyRootfs"]
    assert lab.ssh(HOST, "docker exec resolver sh -c 'head -c 1 /dev/spare | wc -c'").strip() == "0"
    assert "mac_address" in imported[1]["dns"]


def test_it_is_a_stack_like_any(lab: Lab, imported: tuple[Stack, dict[str, str]]) -> None:
    """Status and the next `up` find nothing to do, and every connection is as planned."""
    stack = imported[0]
    assert differences(lab) == []
    stack.assert_unchanged()
    # The images have nothing that listens for UDP.
    assert {cell["port"] for cell in stack.verify()["cells"] if not cell["ok"]} == {"5353:5353/udp"}
