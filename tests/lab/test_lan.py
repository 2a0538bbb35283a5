"""The fabric on the hosts' own LAN: containers are its members, as any machine beside the hosts."""

from __future__ import annotations

from typing import Any

import pytest

from lab.harness import HOSTS, ROOT, Lab, Stack
from tests.support.json_documents import validate
from tests.support.lab_commands import differences, ipvlan

pytestmark = pytest.mark.versions

INTERNET_NAME = "internet.example"
CONTAINERS = {
    "docker-1": {"centos": "192.168.140.33", "nginx": "192.168.140.34"},
    "docker-2": {"centos": "192.168.140.49", "nginx": "192.168.140.50"},
}


def verified(stack: Stack) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Assert that every connection is as planned; return the cells by kind, source and target."""
    document = stack.verify("--internet", INTERNET_NAME)
    validate(document, "verify")
    assert document["ok"], [cell for cell in document["cells"] if not cell["ok"]] or document["unreachable_hosts"]
    return {(cell["kind"], cell["source"], cell["target"]): cell for cell in document["cells"]}


def test_lan(lab: Lab, stack: Stack) -> None:
    """A client of the LAN opens a container's own address; hosts reach others' containers, and with a shim their own.

    `up` again changes nothing, `published` is refused with its reason and touches nothing, and `destroy` leaves no trace.
    """
    before = {host: lab.footprint(host) for host in HOSTS}
    stack.use_config_of(ROOT / "examples" / "lan.yaml")
    stack.up()
    stack.assert_unchanged()
    for host in HOSTS:
        assert lab.http_status(CONTAINERS[host]["nginx"]) == "200"
        assert "192.168.140." in lab.ssh(host, "ip -4 -br addr show dev ens33")

    cells = verified(stack)
    for host in HOSTS:
        own_port = cells["container-port", "client", f"{host}/nginx"]
        assert (own_port["expected"], own_port["observed"]) == ("yes", "HTTP 200")
        for service in CONTAINERS[host]:
            assert cells["internet", f"{host}/{service}", "internet"]["observed"] == "yes"
            assert cells["internet-name", f"{host}/{service}", INTERNET_NAME]["observed"] == "yes"
            assert cells["gateway", f"{host}/{service}", "gateway"]["observed"] == "yes"
    assert cells["host-address", "docker-1/nginx", "docker-1"]["observed"] == "no"
    assert cells["host-address", "docker-1/nginx", "docker-2"]["observed"] == "yes"
    assert cells["own-container", "docker-1", "docker-1/nginx"]["observed"] == "no"
    assert cells["own-container", "docker-2", "docker-2/nginx"]["observed"] == "yes"
    assert cells["other-container", "docker-1", "docker-2/nginx"]["observed"] == "yes"
    assert cells["other-container", "docker-2", "docker-1/nginx"]["observed"] == "yes"
    assert cells["shim", "docker-2/nginx", "docker-2's shim"]["observed"] == "yes"
    assert differences(lab) == []

    urls = stack.pulumi("stack", "output", "urls", "--json").stdout
    assert all(f"http://{CONTAINERS[host]['nginx']}" in urls for host in HOSTS)

    # A container that somebody starts without an address gets none of the LAN.
    image = stack.config["services"]["nginx"]["image"]
    refused = lab.ssh("docker-1", f"docker run --rm --network lan {image} true 2>&1", check=False)
    assert "no available" in refused or "address" in refused, refused

    # A telephone exchange: ports in a row that nothing needs to publish.
    stack.config["services"]["exchange"] = {
        "image": image, "offset": 3, "hosts": ["docker-1"], "ports": ["16384-32768:16384-32768/udp"], "egress": "gateway"
    }  # fmt: skip
    stack.up()
    assert "192.168.140.35:16384-32768/udp" in ipvlan(lab, "plan").stdout
    stack.assert_unchanged()
    assert differences(lab) == []

    ids = lab.container_ids()
    stack.config["services"]["nginx"]["published"] = True
    done = stack.up(check=False)
    assert done.returncode != 0
    assert "IPF432" in done.stdout + done.stderr
    assert lab.container_ids() == ids
    del stack.config["services"]["nginx"]["published"]
    stack.write()

    # What listens nowhere is named as that, and not as a port that is not published.
    lab.ssh("docker-1", "docker stop -t 1 nginx")
    try:
        failed = ipvlan(lab, "verify", "--service", "nginx", "--from", "client")
        assert failed.returncode != 0
        assert "container down: nginx on docker-1" in failed.stdout
    finally:
        lab.ssh("docker-1", "docker start nginx")
    stack.assert_unchanged()

    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert {host: lab.footprint(host) for host in HOSTS} == before
