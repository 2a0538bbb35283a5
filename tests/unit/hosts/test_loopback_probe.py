"""The probe of ports at a host's own loopback: the real script, in a network namespace that has servers there."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from netaddr import IPAddress

from ipvlan.config.types.ports import Port
from ipvlan.hosts.connection_probe import Observed
from ipvlan.hosts.loopback_probe import loopback_cells, probe_variables, read_loopback
from ipvlan.hosts.script import Output, read_output, script_text
from ipvlan.plan.cells import Cell
from tests.support.namespace import Namespace, network_namespace

SERVERS = """
import socket, threading
def serve(port, reply):
    server = socket.create_server(("127.0.0.1", port))
    while True:
        connection, _ = server.accept()
        if reply is None:
            connection.close()
            continue
        request = b""
        while not request.endswith(b"\\r\\n\\r\\n"):
            request += connection.recv(1000)
        connection.sendall(reply)
        connection.close()
for port, reply in ((5000, b"HTTP/1.0 404 Not Found\\r\\n\\r\\n"), (5001, None), (5002, b"SSH-2.0-x\\r\\n")):
    threading.Thread(target=serve, args=(port, reply), daemon=True).start()
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(("127.0.0.1", 5003))
print("ready", flush=True)
threading.Event().wait()
"""


class Session:
    """A host whose scripts run in a network namespace."""

    def __init__(self, namespace: Namespace) -> None:
        self.namespace = namespace

    def run_script(self, file: str, variables: dict[str, str], *, timeout: float) -> Output:
        """Run a script there."""
        assert timeout > 0
        return read_output(self.namespace.run("sh", "-c", f"({script_text(file, variables)}) </dev/null 2>&1"))


@pytest.fixture
def session() -> Iterator[Session]:
    """Return a host with a loopback and servers on it."""
    with network_namespace() as namespace:
        namespace.run("ip", "link", "set", "lo", "up")
        servers = subprocess.Popen([*namespace.enter, sys.executable, "-c", SERVERS], stdout=subprocess.PIPE, text=True)
        try:
            assert servers.stdout is not None
            assert servers.stdout.readline() == "ready\n"
            yield Session(namespace)
        finally:
            servers.kill()
            servers.communicate()


def cell(number: int, protocol: Any = "tcp") -> Cell:
    """Return the cell of a port at docker-1's own loopback."""
    address = IPAddress("127.0.0.1")
    return Cell(
        kind="loopback-port",
        source="docker-1",
        target="docker-1/nginx",
        address=address,
        expected="yes",
        source_host="docker-1",
        target_host="docker-1",
        target_service="nginx",
        port=Port(host_port=number, container_port=80, protocol=protocol, host_address=address),
    )


def test_what_the_host_finds_at_its_loopback(session: Session) -> None:
    """Each port is seen as a client would see it: a page, silence, another protocol, a refusal, an unrefused datagram."""
    cells = [cell(5000), cell(5001), cell(5002), cell(5009), cell(5003, "udp"), cell(5009, "udp"), cell(5000, "sctp")]
    observed = loopback_cells(session, cells, timeout=10)  # type: ignore[arg-type]
    assert [(observed[one].reached, observed[one].outcome) for one in cells] == [
        (True, "HTTP 404"),
        (True, "open, silent"),
        (True, "open"),
        (False, "refused"),
        (None, "no refusal"),
        (False, "refused"),
        (None, "sctp is not tried"),
    ]


def test_more_ports_than_are_tried_at_once(session: Session) -> None:
    """Batches lose no cell."""
    cells = [cell(number) for number in range(6000, 6040)]
    observed = loopback_cells(session, cells, timeout=10)  # type: ignore[arg-type]
    assert {one.outcome for one in observed.values()} == {"refused"}
    assert len(observed) == len(cells)


def test_a_host_without_bash(tmp_path: Path) -> None:
    """It says so, and no cell counts as refused."""
    cells = [cell(5000)]
    with network_namespace() as namespace:
        text = script_text("loopback_probe.sh", probe_variables(cells))
        output = read_output(namespace.run("env", f"PATH={tmp_path}", "/bin/sh", "-c", text))
    assert read_loopback(cells, output) == {cells[0]: Observed(reached=None, outcome="not tried: the host has no bash")}
