"""The containers, networks, links, routes, rules and files of others on the lab's hosts, and the recorder that watches them.

Responsible for what others have there, and for an exact comparison of it before and after: by id, start time, process, rule. What
is ours is left out by Docker's id, as the stack's state has it; a name or a label proves nothing.

Out of scope: what our commands must do beside them. The test has that.
"""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from ipvlan import PROJECT
from lab.harness import ADDRESSES, HOSTS, ROOT, CommandFailedError, Lab, Result, Stack

Record = Mapping[str, Mapping[str, Any]]
"""What is on one host and not ours: thing, such as `container shop-web`, -> its fields."""

Step = str | list[Any]
"""Shell text, or a request `[METHOD, PATH, BODY]` of the Engine API."""

AGENT = (Path(__file__).parent / "host_agent.py").read_text(encoding="utf-8")

OTHER_PARENT = "ens33.77"
"""The VLAN parent of the other project."""

OTHER_NETWORK = "stage"
"""The name of its fabric."""


def differences(before: Record, after: Record) -> list[str]:
    """Return what differs, a line for each: the thing, the field, and both values."""
    lines = []
    for thing in sorted(before.keys() | after.keys()):
        old, new = before.get(thing), after.get(thing)
        if new is None:
            lines.append(f"{thing}: gone")
        elif old is None:
            lines.append(f"{thing}: new")
        else:
            for name in sorted(old.keys() | new.keys()):
                lines += [f"{thing}: {change}" for change in _changes(name, old.get(name), new.get(name))]
    return lines


def _changes(name: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted(old.keys() | new.keys()):
            yield from _changes(f"{name} {key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and _lines(old, new):
        removed, added = [line for line in old if line not in new], [line for line in new if line not in old]
        yield from (f"removed from {name}: {line}" for line in removed)
        yield from (f"added to {name}: {line}" for line in added)
        if not removed and not added:
            yield f"{name}: another order or number of lines"
    else:
        yield f"{name}: {old} -> {new}"


def _lines(*lists: Sequence[Any]) -> bool:
    return all(isinstance(line, str) for lines in lists for line in lines)


def things(lines: Sequence[str]) -> set[str]:
    """Return the things that these differences are about: the text before the first colon."""
    return {line.partition(": ")[0] for line in lines}


def on_hosts(lab: Lab, requests: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Send each host its request in parallel, and return host -> what the agent printed."""
    with ThreadPoolExecutor() as pool:
        calls = {
            host: pool.submit(
                lab.run, "ssh", host, f"python3 - {shlex.quote(json.dumps(request))}", stdin=AGENT, timeout=300
            )
            for host, request in requests.items()
        }
        return {host: call.result().stdout for host, call in calls.items()}


@dataclass
class Recorder:
    """Compares what others have on the hosts with the last look at it."""

    lab: Lab
    stack: Stack
    baseline: dict[str, Record] = field(default_factory=dict)
    """Host -> what must stay."""
    first: dict[str, Record] = field(default_factory=dict)
    """Host -> what was there before our first `up`."""

    def start(self, steps: Mapping[str, Sequence[Step]] | None = None) -> dict[str, Record]:
        """Do the steps, host -> steps, take what is there then as what must stay, and return it."""
        self.baseline = self.look(steps)
        return self.baseline

    def look(self, steps: Mapping[str, Sequence[Step]] | None = None) -> dict[str, Record]:
        """Do the steps, host -> steps, then return host -> everything there that is not ours."""
        request = {"ids": sorted(self._own_ids()), "links": [], "units": []}
        for planned in self.stack.config["hosts"].values():
            request["links"].append(f"shim.{planned['parent']}")
            request["units"].append(f"ipvlan-fabric-{planned['parent']}.service")
        printed = on_hosts(
            self.lab, {host: {"steps": list((steps or {}).get(host, ())), "record": request} for host in HOSTS}
        )
        return {host: json.loads(text) for host, text in printed.items()}

    def changes(self, steps: Mapping[str, Sequence[Step]] | None = None) -> list[str]:
        """Do the steps, and return what differs then from what must stay, a line for each, with its host."""
        return self._changes(self.look(steps))

    def assert_untouched(self) -> None:
        """Assert that nothing of others has changed."""
        assert (changes := self.changes()) == [], "\n".join(["changed on the hosts, and not ours:", *changes])

    def change(self, steps: Mapping[str, Sequence[Step]], *expected: str) -> None:
        """Change something of others on purpose, host -> steps; assert that only the `expected` things differ, which then stay so.

        Args:
            steps: Host -> steps.
            expected: Parts of the names of things.
        """
        after = self.look(steps)
        unexpected = [
            line for line in self._changes(after) if not any(part in next(iter(things([line]))) for part in expected)
        ]
        assert unexpected == [], "\n".join(["changed before this step, and not ours:", *unexpected])
        self.baseline = after

    def _changes(self, after: Mapping[str, Record]) -> list[str]:
        return [f"{host} {line}" for host in HOSTS for line in differences(self.baseline[host], after[host])]

    def _own_ids(self) -> set[str]:
        """Return Docker's ids of what the stack owns, from the backend's file: `pulumi` would take a second for each look."""
        folder = ROOT / ".lab" / self.lab.name / "backend" / ".pulumi" / "stacks" / PROJECT
        file = folder / f"{self.stack.name}.json"
        state = json.loads(file.read_text(encoding="utf-8"))["checkpoint"].get("latest") or {}
        types = ("docker:index/container:Container", "docker:index/network:Network")
        return {one["id"] for one in state.get("resources") or () if one["type"] in types and one.get("id")}


@dataclass(frozen=True, kw_only=True)
class OtherProject:
    """A copy of this program in another folder: its stack has the name of ours, in a backend of its own."""

    lab: Lab
    folder: Path
    stack: str
    image: str

    def up(self) -> None:
        """Bring it up on docker-2: a published container on a VLAN parent, and a shim."""
        host = HOSTS[1]
        (self.folder / "backend").mkdir()
        for path in ROOT.iterdir():
            if path.name not in (".git", ".lab") and not path.name.startswith("Pulumi."):
                (self.folder / path.name).symlink_to(path)
        shutil.copy(ROOT / "Pulumi.yaml", self.folder)
        config = {
            "fabric": {"name": OTHER_NETWORK, "subnet": "10.77.0.0/16", "gateway": "10.77.0.1"},
            "hosts": {
                host: {"address": ADDRESSES[host], "parent": OTHER_PARENT, "slice": "10.77.2.0/24", "shim": True}
            },
            "services": {"apart": {"image": self.image, "offset": 1, "ports": ["8077:80"], "published": True}},
        }
        self._pulumi("stack", "init", self.stack)
        file = self.folder / f"Pulumi.{self.stack}.yaml"
        content = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
        content["config"] = {f"{PROJECT}:{section}": value for section, value in config.items()}
        with file.open("w", encoding="utf-8") as out:
            YAML().dump(content, out)
        self._pulumi("up", "--yes", "--skip-preview", "--stack", self.stack)

    def destroy(self) -> None:
        """Destroy the stack."""
        self._pulumi("destroy", "--yes", "--skip-preview", "--stack", self.stack)

    def unchanged(self) -> None:
        """Assert that an `up` of it with a refresh would change nothing."""
        self._pulumi("preview", "--refresh", "--expect-no-changes", "--stack", self.stack)

    def _pulumi(self, *arguments: str) -> Result:
        backend = f"PULUMI_BACKEND_URL=file://{self.folder / 'backend'}"
        return self.lab.exec("env", backend, "pulumi", "-C", str(self.folder), *arguments, timeout=300)


def container(image: str, *command: str, network: str = "bridge", address: str = "", **settings: Any) -> dict[str, Any]:
    """Return the body of a request that creates a container.

    Args:
        image: Its image.
        command: Its command; that of the image without one.
        network: Its network mode.
        address: Its address in that network; Docker's choice without one.
        settings: `labels`, `binds`, `restart` and `ports` (container port -> host port).
    """
    ports: Mapping[int, int] = settings.get("ports", {})
    body = {
        "Image": image,
        "Labels": settings.get("labels", {}),
        "ExposedPorts": {f"{port}/tcp": {} for port in ports},
        "HostConfig": {
            "NetworkMode": network,
            "Binds": settings.get("binds", []),
            "RestartPolicy": {"Name": settings.get("restart", "no")},
            "PortBindings": {f"{port}/tcp": [{"HostPort": str(on_host)}] for port, on_host in ports.items()},
        },
    }
    if command:
        body["Cmd"] = list(command)
    if address:
        body["NetworkingConfig"] = {"EndpointsConfig": {network: {"IPAMConfig": {"IPv4Address": address}}}}
    return body


def created(name: str, body: Mapping[str, Any]) -> list[Step]:
    """Return the steps that create a container."""
    return [["POST", f"/containers/create?name={name}", body]]


def started(name: str, body: Mapping[str, Any]) -> list[Step]:
    """Return the steps that create and start a container."""
    return [*created(name, body), ["POST", f"/containers/{name}/start"]]


def removed(*names: str) -> list[Step]:
    """Return the steps that remove containers, running or not."""
    return [["DELETE", f"/containers/{name}?force=1&v=1"] for name in names]


def renamed(old: str, new: str) -> list[Step]:
    """Return the steps that rename a container."""
    return [["POST", f"/containers/{old}/rename?name={new}"]]


LABEL_OF_A_NAMESAKE = "ipvlan-fabric.stack"
"""The label that every stack writes; its value is the stack's name alone, so every clone with a stack of that name has it."""


def neighbours(host: str, images: Mapping[str, str], stack: str) -> list[Step]:
    """Return the steps that fill a host with what others have there, before our first `up`.

    Two containers have the names of planned ones: on docker-1 `nginx` runs and `centos` has ended, on docker-2 `centos` runs and
    `nginx` was never started. Some of them bear the label of a stack of our stack's name, as another clone writes it. The rest is
    shared between the hosts: each start of a container takes such a host a second or more.
    """
    nginx, system = images["nginx"], images["debian-init"]
    namesake = {LABEL_OF_A_NAMESAKE: stack, "ipvlan-fabric.ports": "80:80"}
    compose = {"com.docker.compose.project": "shop", "com.docker.compose.service": "web"}
    sleep = ("sleep", "1000000")
    shop = {"Name": "shop_default", "Labels": {"com.docker.compose.network": "default"}}
    pulled = f"docker image inspect {nginx} {system} >/dev/null 2>&1 || {{ docker pull -q {nginx}; docker pull -q {system}; }}"
    if host == HOSTS[0]:
        data = container(
            nginx, network="shop_default", labels=compose, binds=["shop_data:/data"], restart="always", ports={80: 8090}
        )
        return [
            LINKS_AND_RULES,
            SERVICES,
            pulled,
            ["POST", "/networks/create", shop],
            ["POST", "/volumes/create", {"Name": "shop_data", "Labels": {"com.docker.compose.volume": "data"}}],
            "echo orders > /var/lib/docker/volumes/shop_data/_data/orders.csv",
            *started("nginx", container(nginx, network="shop_default", labels=compose)),
            *started("centos", container(system, "true", labels=namesake)),
            *started("shop-web", data),
            *started("beside-shop", container(system, *sleep, network="container:shop-web")),
            *started("on-the-host", container(system, *sleep, network="host")),
        ]
    lane = {
        "Name": "lane",
        "Driver": "ipvlan",
        "Options": {"parent": "dmy0", "ipvlan_mode": "l2"},
        "IPAM": {"Config": [{"Subnet": "10.44.0.0/24"}]},
    }
    return [
        LINKS_AND_RULES,
        pulled,
        ["POST", "/networks/create", lane],
        *created("nginx", container(nginx, labels=namesake)),
        *started("centos", container(system, *sleep, labels=namesake)),
        *started("board", container(nginx, restart="always", ports={80: 8091})),
        *started("lane-1", container(system, *sleep, network="lane")),
        *started("paused", container(system, *sleep, network="lane")),
        ["POST", "/containers/paused/pause"],
        *created("never-started", container(system, network="lane")),
    ]


def canary(images: Mapping[str, str]) -> list[Step]:
    """Return the steps that create what is there to be changed: so it shows that the recorder can fail."""
    return [
        *started("canary", container(images["debian-init"], "sleep", "1000000", binds=["canary:/data"])),
        "ip link add canary0 type dummy; ip route add 10.99.0.0/16 via 192.168.140.1",
        "iptables -I DOCKER-USER -s 198.51.100.9 -j RETURN; echo one > /etc/systemd/system/canary.conf",
        f"echo one > {CANARY_FILE}",
    ]


CANARY_FILE = "/var/lib/docker/volumes/canary/_data/file"
CHANGE_CANARY: list[Step] = [
    ["POST", "/containers/canary/restart?t=0"],
    "ip link del canary0; ip route del 10.99.0.0/16; iptables -D DOCKER-USER -s 198.51.100.9 -j RETURN",
    f"echo two > {CANARY_FILE}; echo two > /etc/systemd/system/canary.conf",
]
"""Changes it: a container, a link, a route, a rule, a volume and a file."""
REMOVE_CANARY: list[Step] = [
    ["DELETE", "/containers/canary?force=1"],
    ["DELETE", "/volumes/canary"],
    "rm /etc/systemd/system/canary.conf",
]


LINKS_AND_RULES = """
ip link add dmy0 type dummy
ip addr add 10.45.0.1/24 dev dmy0
ip link set dmy0 up
ip route add 10.55.0.0/16 via 192.168.140.1
ip route add blackhole 10.66.0.0/16
ip rule add from 10.45.0.0/24 lookup 77 priority 7700
ip route add default via 192.168.140.1 table 77
iptables -N NEIGHBOURS
iptables -I DOCKER-USER -s 198.51.100.0/24 -j ACCEPT
iptables -A INPUT -s 198.51.100.0/24 -j NEIGHBOURS
iptables -A NEIGHBOURS -p tcp --dport 25 -j REJECT
iptables -t nat -A POSTROUTING -s 10.45.0.0/24 -o ens33 -j MASQUERADE
"""
"""What others have on a host beside Docker."""

SERVICES = """
nft 'add table inet neighbours; add chain inet neighbours input { type filter hook input priority 10; };
  add rule inet neighbours input ip saddr 198.51.100.7 counter drop'
printf '[Service]\\nExecStart=/bin/sleep 1000000\\n' > /etc/systemd/system/neighbour.service
printf '[Match]\\nName=nosuch0\\n' > /etc/systemd/network/90-neighbour.network
systemctl daemon-reload
systemctl start neighbour
"""
"""An nftables table, a service and a file for networkd."""

REMOVE_ALL = f"""
docker ps -aq | xargs -r docker rm -f -v >/dev/null
docker network ls -q --filter type=custom | xargs -r docker network rm >/dev/null
docker volume ls -q | xargs -r docker volume rm >/dev/null
docker image ls -q ours-copy | xargs -r docker image rm -f >/dev/null
for unit in neighbour ipvlan-fabric-ens33 ipvlan-fabric-{OTHER_PARENT}; do
  if [ -e /etc/systemd/system/$unit.service ]; then
    systemctl disable --quiet --now $unit.service
    rm -f /etc/systemd/system/$unit.service
    systemctl daemon-reload
  fi
done
rm -f /etc/systemd/network/90-neighbour.network /etc/systemd/system/canary.conf
if ip link show dmy0 >/dev/null 2>&1; then
  nft delete table inet neighbours 2>/dev/null || true
  iptables -t nat -D POSTROUTING -s 10.45.0.0/24 -o ens33 -j MASQUERADE || true
  iptables -D DOCKER-USER -s 198.51.100.0/24 -j ACCEPT || true
  iptables -D INPUT -s 198.51.100.0/24 -j NEIGHBOURS || true
  iptables -F NEIGHBOURS && iptables -X NEIGHBOURS || true
  ip rule del priority 7700 || true
  ip route flush table 77 || true
  ip route del blackhole 10.66.0.0/16 || true
  ip route del 10.55.0.0/16 || true
  ip link del dmy0
fi
for link in canary0 shim.ens33 shim.{OTHER_PARENT}; do ip link del $link 2>/dev/null || true; done
ip route del 10.99.0.0/16 2>/dev/null || true
iptables -D DOCKER-USER -s 198.51.100.9 -j RETURN 2>/dev/null || true
"""
"""Removes all of it, and what a run that failed has left: the lab's hosts have nothing else there."""


def remove_all(lab: Lab) -> None:
    """Empty the hosts."""
    on_hosts(lab, {host: {"steps": [REMOVE_ALL]} for host in HOSTS})


def refused(result: Result) -> str:
    """Return what a command printed that must have failed, and fail where it has not."""
    if result.returncode == 0:
        raise CommandFailedError(f"it must be refused:\n{result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Make all calls in parallel and return what they return; raise what the first of them raises."""
    with ThreadPoolExecutor(len(calls)) as pool:
        return [call.result() for call in [pool.submit(call) for call in calls]]
