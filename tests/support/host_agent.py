"""Runs on a lab host, on Python's own library alone: records all that is on the host, and works through a list of steps.

`tests.support.neighbours` sends this file to the hosts. It speaks to Docker's Engine API itself: a start of Docker's command
line takes such a host a second.

Argument: a JSON object. `steps`: a list of shell texts and of requests `[METHOD, PATH, BODY]` of the Engine API, done in order.
`record`: the part of the host that is left out of the record (`Ours`). Output of a record: a JSON object, key -> fields.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Record = dict[str, dict[str, Any]]

TIMER_RUN = re.compile(
    r"(apt-|dpkg-db-backup|e2scrub|fstrim|man-db|logrotate|systemd-tmpfiles|user@|user-runtime-dir@|systemd-hostnamed)"
)
"""Services that come and go by themselves."""


class Docker(http.client.HTTPConnection):
    """The Engine API, over its local socket."""

    def __init__(self) -> None:
        super().__init__("localhost", timeout=120)

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(120)
        self.sock.connect("/var/run/docker.sock")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Make a request and return its answer; fail with Docker's words."""
        text = "" if body is None else json.dumps(body)
        self.request(method, path, text, {"Content-Type": "application/json"} if text else {})
        answer = self.getresponse()
        content = answer.read()
        # 304: started, or stopped, already.
        if answer.status >= 400:
            sys.exit(f"{method} {path}: {answer.status} {content.decode()}")
        return json.loads(content) if content[:1] in (b"{", b"[") else None

    def get(self, path: str) -> Any:
        """Return the answer to a GET."""
        return self.call("GET", path)


def run(*command: str) -> str:
    """Run a program and return what it prints."""
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False).stdout


def do(steps: Iterable[Any]) -> None:
    """Do the steps in order; the first one that fails ends it."""
    docker = Docker()
    for step in steps:
        if isinstance(step, str):
            done = subprocess.run(["sh", "-ec", step], capture_output=True, text=True, timeout=300, check=False)
            if done.returncode:
                sys.exit(f"{step}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        else:
            docker.call(*step)


def record(ours: dict[str, Any]) -> Record:
    """Return everything on the host that is not ours."""
    docker = Docker()
    containers = [docker.get(f"/containers/{entry['Id']}/json") for entry in docker.get("/containers/json?all=1")]
    own = [container for container in containers if container["Id"] in ours["ids"]]
    own_links = {*ours["links"], *host_links_of(own)}
    own_addresses = {
        endpoint["IPAddress"]
        for container in own
        for name, endpoint in container["NetworkSettings"]["Networks"].items()
        if name == "bridge" and endpoint["IPAddress"]
    }
    records: Record = {
        "host": {
            "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
            "docker": docker.get("/info")["ID"],
        }
    }
    for container in containers:
        if container["Id"] not in ours["ids"]:
            records[f"container {container['Name'].lstrip('/')}"] = of_container(container)
    for entry in docker.get("/networks"):
        if entry["Id"] not in ours["ids"]:
            records[f"network {entry['Name']}"] = of_network(docker.get(f"/networks/{entry['Id']}"), ours["ids"])
    for volume in docker.get("/volumes")["Volumes"] or []:
        records[f"volume {volume['Name']}"] = {
            **{key.lower(): volume[key] for key in ("CreatedAt", "Driver", "Mountpoint", "Labels", "Options")},
            "files": checksums(Path(volume["Mountpoint"]), set()),
        }
    for image in docker.get("/images/json"):
        # What is pulled by digest has no tag.
        for tag in image["RepoTags"] or []:
            records[f"image {tag}"] = {"id": image["Id"], "labels": image["Labels"] or {}}
    records.update(links(own_links))
    records.update(routes(own_links))
    records.update(firewall(own_addresses))
    records.update(services(set(ours["units"])))
    records["files in /etc/systemd"] = {"files": checksums(Path("/etc/systemd"), set(ours["units"]))}
    return records


def of_container(inspected: dict[str, Any]) -> dict[str, Any]:
    """Return what must stay of a container."""
    state, pid = inspected["State"], inspected["State"]["Pid"]
    settings = inspected["NetworkSettings"]
    return {
        "id": inspected["Id"],
        "created": inspected["Created"],
        "image": inspected["Image"],
        "labels": inspected["Config"]["Labels"],
        "state": state["Status"],
        "started": state["StartedAt"],
        "finished": state["FinishedAt"],
        "exit code": state["ExitCode"],
        "restarts": inspected["RestartCount"],
        "restart policy": inspected["HostConfig"]["RestartPolicy"],
        "network mode": inspected["HostConfig"]["NetworkMode"],
        "process": [pid, *process(pid)],
        "ports": settings["Ports"] or {},
        **{
            f"network {name}": [
                endpoint[key] for key in ("NetworkID", "EndpointID", "IPAddress", "MacAddress", "Gateway")
            ]
            for name, endpoint in settings["Networks"].items()
        },
    }


def process(pid: int) -> Iterator[Any]:
    """Yield the start time of a process, and links, routes and addresses in its network namespace if that is its own."""
    folder = Path(f"/proc/{pid}")
    if not pid or not folder.exists():
        return
    # The 22nd field; the second one is the program's name, which may have blanks (proc_pid_stat(5)).
    yield (folder / "stat").read_text().rpartition(")")[2].split()[19]
    if (folder / "ns/net").readlink() == Path("/proc/1/ns/net").readlink():
        return
    # Read from outside: nothing has to enter the namespace.
    yield sorted(line.partition(":")[0].strip() for line in (folder / "net/dev").read_text().splitlines()[2:])
    yield sorted(" ".join(line.split()[:3]) for line in (folder / "net/route").read_text().splitlines()[1:])
    yield sorted(set(re.findall(r"\|-- (\S+)\n +/32 host LOCAL", (folder / "net/fib_trie").read_text())))


def of_network(inspected: dict[str, Any], own: Iterable[str]) -> dict[str, Any]:
    """Return what must stay of a network; our own containers in it are left out."""
    return {
        **{key.lower(): inspected[key] for key in ("Id", "Created", "Driver", "IPAM", "Options", "Labels")},
        **{
            f"endpoint of {endpoint['Name']}": [endpoint["EndpointID"], endpoint["MacAddress"], endpoint["IPv4Address"]]
            for id_, endpoint in inspected["Containers"].items()
            if id_ not in own
        },
    }


def host_links_of(containers: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the names of the host's links whose other ends are in the containers."""
    names = {link["ifindex"]: link["ifname"] for link in json.loads(run("ip", "-j", "link"))}
    for container in containers:
        pid = container["State"]["Pid"]
        if pid and "bridge" in container["NetworkSettings"]["Networks"]:
            inside = run("nsenter", "-t", str(pid), "-n", "ip", "-j", "-d", "link", "show", "type", "veth")
            for link in json.loads(inside or "[]"):
                if link.get("link_index") in names:
                    yield names[link["link_index"]]


def links(own: set[str]) -> Record:
    """Return the host's links with their IPv4 addresses."""
    return {
        f"link {link['ifname']}": {
            "index": link["ifindex"],
            "kind": link.get("linkinfo", {}).get("info_kind", ""),
            "parent": link.get("link", link.get("link_index")),
            "bridge": link.get("master", ""),
            "hardware address": link.get("address", ""),
            "addresses": sorted(
                f"{address['local']}/{address['prefixlen']}"
                for address in link["addr_info"]
                if address["family"] == "inet"
            ),
        }
        for link in json.loads(run("ip", "-j", "-d", "addr"))
        if link and link["ifname"] not in own
    }


def routes(own_links: set[str]) -> Record:
    """Return the IPv4 routes of all tables, and the rules."""
    shown = [
        line.replace(" linkdown", "").strip() for line in run("ip", "-4", "route", "show", "table", "all").splitlines()
    ]
    # A blank or the end has to follow: the name of a link may go on after another one's.
    over = re.compile(rf"\bdev ({'|'.join(map(re.escape, own_links)) or '$^'})(?!\S)")
    return {
        "routes": {"routes": sorted(line for line in shown if not over.search(line))},
        "rules": {"rules": run("ip", "-4", "rule").splitlines()},
    }


def firewall(own_addresses: set[str]) -> Record:
    """Return the rules of each chain in their order, without counters and without the rules for our own addresses."""
    about_ours = re.compile(rf"(?<![\d.])({'|'.join(map(re.escape, own_addresses)) or '$^'})(?![\d.])")
    records: Record = {}
    for command in ("iptables-save", "ip6tables-save"):
        table = ""
        for line in run(command).splitlines():
            if line.startswith("*"):
                table = line[1:]
            elif line.startswith(":"):
                chain, policy, _ = line[1:].split(" ", 2)
                # The kernel keeps a table that Docker has used once: only its rules count.
                if policy not in ("-", "ACCEPT"):
                    records.setdefault(f"firewall {command} {table} {chain}", {"rules": []})["policy"] = policy
                elif policy == "-":
                    records.setdefault(f"firewall {command} {table} {chain}", {"rules": []})
            elif line.startswith("-A") and not about_ours.search(line):
                chain = line.split()[1]
                records.setdefault(f"firewall {command} {table} {chain}", {"rules": []})["rules"].append(line)
    for name in run("nft", "list", "tables").splitlines():
        family, _, table = name.removeprefix("table ").partition(" ")
        if family not in ("ip", "ip6") or table not in ("filter", "nat", "raw", "mangle", "security"):
            text = re.sub(r"counter packets \d+ bytes \d+", "counter", run("nft", "list", "table", family, table))
            records[f"firewall nft {family} {table}"] = {
                "rules": [line for line in text.splitlines() if not about_ours.search(line)]
            }
    return records


def services(own_units: set[str]) -> Record:
    """Return the invocation of each service that runs, or has run and is active."""
    listed = run("systemctl", "list-units", "--type=service", "--state=active", "--plain", "--no-legend", "--no-pager")
    names = [line.split()[0] for line in listed.splitlines() if line.strip()]
    names = [name for name in names if name not in own_units and not TIMER_RUN.match(name)]
    shown = run("systemctl", "show", "--property=Id,InvocationID,MainPID", *names)
    records: Record = {}
    for block in shown.strip().split("\n\n"):
        fields = dict(line.split("=", 1) for line in block.splitlines())
        records[f"service {fields.pop('Id')}"] = fields
    return records


def checksums(folder: Path, left_out: set[str]) -> dict[str, str]:
    """Return path -> what the file holds, for all files below the folder."""
    return {
        str(path.relative_to(folder)): str(path.readlink())
        if path.is_symlink()
        else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if (path.is_symlink() or path.is_file()) and path.name not in left_out
    }


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    do(request.get("steps", ()))
    if "record" in request:
        print(json.dumps(record(request["record"])))
