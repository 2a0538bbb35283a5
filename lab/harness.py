"""A running lab and a stack on it, for the lab's tests, the bench and the pages made on the lab.

It calls the commands of lab/ and pulumi, with time limits, and reads from the hosts what is on them. Out of scope: what is
expected there.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import get_ident
from typing import Any

import yaml
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
HOSTS = ("docker-1", "docker-2")
ADDRESSES = {"docker-1": "192.168.140.200", "docker-2": "192.168.140.201"}

STACK = "labtest"
"""The stack of the tests; they create its file and remove it."""
STACK_FILE = ROOT / f"Pulumi.{STACK}.yaml"
OTHER_STACK = "labtest-other"
"""A second stack of the tests; git ignores the files of both (.gitignore)."""
INTERNET = "203.0.113.10"
"""The address of the lab's internet."""
HOST_TIMEOUT = "60"
"""Seconds for a host to answer a command of `ipvlan`: the machine may be busy, and speed has a test of its own."""
TRACEBACK = "Traceback (most recent call last)"
"""No user may see this."""

Result = subprocess.CompletedProcess[str]


class CommandFailedError(AssertionError):
    """A command that must succeed has failed."""


@dataclass(frozen=True)
class Lab:
    """One running lab, by its name."""

    name: str

    def run(self, *command: str, timeout: float = 120, check: bool = True, stdin: str | None = None) -> Result:
        """Run one of lab/'s commands, such as `run("power", "docker-1", "off")`."""
        done = subprocess.run(
            [str(ROOT / "lab" / command[0]), *command[1:]],
            cwd=ROOT,
            env={**os.environ, "LAB_NAME": self.name},
            input=stdin or "",
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check and done.returncode != 0:
            raise CommandFailedError(
                f"{' '.join(command)}: exit {done.returncode}\n{done.stdout[-6000:]}\n{done.stderr[-6000:]}"
            )
        return done

    def exec(self, *command: str, **options: Any) -> Result:
        """Run a command in the client, where the hosts can be reached."""
        return self.run("exec", *command, **options)

    def ssh(self, host: str, text: str, **options: Any) -> str:
        """Run shell text on a host and return what it printed."""
        return self.run("ssh", host, text, **options).stdout

    def http_status(self, address: str, port: int = 80) -> str:
        """Return the HTTP status of a port as a client outside sees it; "000" when the connection is refused."""
        return self.exec(
            "curl", "-s", "-o", "/dev/null", "-m", "5", "-w", "%{http_code}", f"http://{address}:{port}/", check=False
        ).stdout

    @contextmanager
    def unplugged(self, *hosts: str) -> Iterator[None]:
        """Pull the hosts' network cables; plug them in again at the end.

        Whoever calls such a host gets no answer, as from one that is off; it runs on, so nobody has to wait for its boot.
        """
        for host in hosts:
            self.cable(host, "down")
        try:
            yield
        finally:
            for host in hosts:
                self.cable(host, "up")

    def cable(self, host: str, state: str) -> None:
        """Plug the network cable of a host in ("up"), or pull it ("down")."""
        switch = f"ipvlan-lab-{self.name}-switch"
        subprocess.run(["ip", "-n", switch, "link", "set", host, state], check=True, timeout=10)

    def container_ids(self) -> dict[str, str]:
        """Return `host/name` -> id of every running container."""
        command = "docker ps --no-trunc --format '{{.Names}} {{.ID}}'"
        with ThreadPoolExecutor() as pool:
            outputs = pool.map(lambda host: self.ssh(host, command), HOSTS)
        ids = {}
        for host, output in zip(HOSTS, outputs, strict=True):
            for line in output.splitlines():
                name, _, id_ = line.partition(" ")
                ids[f"{host}/{name}"] = id_
        return ids

    def images(self) -> dict[str, str]:
        """Return image name -> reference by digest, in the lab's registry."""
        return dict(line.split() for line in self.run("images").stdout.splitlines())

    def footprint(self, host: str) -> dict[str, str]:
        """Return all that a stack could leave on the host: containers, networks, links, routes, firewall, volumes."""
        # Without the links' addresses: Docker before 28 gives its bridge another one at every boot. Without the firewall's empty
        # tables: Docker 28 and later has rules in `raw` while something is published, and the kernel keeps the table.
        script = """
        docker ps -a --format '{{.Names}}' | sort; echo ==
        docker network ls --format '{{.Name}} {{.Driver}}' | sort; echo ==
        ip -o link | sed 's/^[0-9]*: //; s/@if[0-9]*//; s/ qlen [0-9]*//; s/state [A-Z]* //; s/<[A-Z,_]*>//; s/link.ether [^ ]*//' |
          sort; echo ==
        ip route; echo ==
        iptables-save | awk '/^[*]/ { table = $0 } /^-A/ { print table, $0 }' | sort; echo ==
        docker volume ls -q | sort
        """
        names = ("containers", "networks", "links", "routes", "firewall", "volumes")
        return dict(zip(names, self.ssh(host, script).split("==\n"), strict=True))


def sections(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return section -> mapping, from the content of a stack file."""
    return {
        key.removeprefix("ipvlan-fabric:"): value
        for key, value in content["config"].items()
        if key.startswith("ipvlan-fabric:")
    }


class Stack:
    """A stack on the lab: its config as mappings to change, and pulumi's commands on it."""

    def __init__(self, lab: Lab, name: str = STACK) -> None:
        self.lab = lab
        self.name = name
        self.file = ROOT / f"Pulumi.{name}.yaml"
        """The stack's file; created and removed with it."""
        with (ROOT / "Pulumi.dev.yaml").open(encoding="utf-8") as file:
            content = YAML(typ="safe").load(file)
        self._rest = {key: value for key, value in content.items() if key != "config"}
        config = content["config"]
        self.config = sections(content)
        """Section ("fabric", "hosts", "services") -> mapping; change it and run `up`."""
        self._other = {key: value for key, value in config.items() if not key.startswith("ipvlan-fabric:")}

    def use_config_of(self, path: Path) -> None:
        """Replace the config by that of another stack file, such as an example's."""
        self.config = sections(YAML(typ="safe").load(path.read_text(encoding="utf-8")))

    def write(self) -> None:
        """Write the stack file."""
        config = {**self._other, **{f"ipvlan-fabric:{key}": value for key, value in self.config.items()}}
        # In one step: a command that runs at the same time reads the file too.
        new = self.file.with_suffix(f".{get_ident()}")
        with new.open("w", encoding="utf-8") as file:
            # PyYAML, since it puts what YAML 1.1 reads as no text (`yes`, `off`) in quotes; ours refuses such a word without them.
            yaml.safe_dump({"config": config, **self._rest}, file, sort_keys=False, allow_unicode=True)
        new.replace(self.file)

    def init(self) -> None:
        """Create the stack in the lab's backend."""
        self.write()
        self.lab.exec("pulumi", "stack", "init", self.name)
        self.write()

    def pulumi(self, *arguments: str, check: bool = True, timeout: float = 300) -> Result:
        """Run a pulumi command on the stack, with its current config."""
        self.write()
        done = self.lab.exec("pulumi", *arguments, "--stack", self.name, check=check, timeout=timeout)
        if TRACEBACK in done.stdout + done.stderr:
            raise AssertionError(done.stdout + done.stderr)
        return done

    def set_secret(self, key: str, value: str) -> None:
        """Set a secret of the stack with `pulumi config set --secret`; its encrypted text is in the config from then on."""
        self.write()
        self.lab.exec("pulumi", "config", "set", "--secret", key, "--stack", self.name, stdin=value)
        with self.file.open(encoding="utf-8") as file:
            self.config[key] = YAML(typ="safe").load(file)["config"][f"ipvlan-fabric:{key}"]

    def up(self, *arguments: str, **options: Any) -> Result:
        """Run `pulumi up` without a preview and without prompts."""
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, **options)

    def start_up(self) -> subprocess.Popen[str]:
        """Start `up` and return its process; its `stdout` has the standard error too."""
        self.write()
        return subprocess.Popen(
            [str(ROOT / "lab" / "exec"), "pulumi", "up", "--yes", "--skip-preview", "--stack", self.name],
            cwd=ROOT,
            env={**os.environ, "LAB_NAME": self.lab.name},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def preview(self) -> dict[str, str]:
        """Return resource name -> operation, of every resource that `pulumi preview` would change."""
        done = self.pulumi("preview", "--json")
        steps: Sequence[Mapping[str, Any]] = json.loads(done.stdout)["steps"]
        return {step["urn"].rpartition("::")[2]: step["op"] for step in steps if step["op"] not in ("same", "read")}

    def assert_unchanged(self) -> None:
        """Assert that neither `up` nor its preview changes anything."""
        self.pulumi("up", "--yes", "--expect-no-changes")

    def state(self) -> list[dict[str, Any]]:
        """Return the resources of the stack's state."""
        resources: list[dict[str, Any]] = json.loads(self.pulumi("stack", "export").stdout)["deployment"].get(
            "resources", []
        )
        return resources

    def verify(self, *arguments: str) -> dict[str, Any]:
        """Return the document of `ipvlan verify --json`."""
        self.write()
        done = self.lab.exec(
            ".venv/bin/ipvlan",
            "--stack",
            self.name,
            "verify",
            "--internet",
            INTERNET,
            "--json",
            "--timeout",
            HOST_TIMEOUT,
            *arguments,
            check=False,
        )
        if not done.stdout.startswith("{"):
            raise AssertionError(f"exit {done.returncode}: {done.stdout}{done.stderr}")
        document: dict[str, Any] = json.loads(done.stdout)
        return document


@contextmanager
def new_stack(lab: Lab, name: str = STACK) -> Iterator[Stack]:
    """Create a new, empty stack on the lab; at the end it is destroyed and removed."""
    stack = Stack(lab, name)
    with suppress(CommandFailedError):
        # An interrupted run may have left the stack in this lab's backend.
        lab.exec("pulumi", "stack", "rm", name, "--yes", "--force", "--preserve-config")
    stack.init()
    try:
        yield stack
    finally:
        stack.pulumi("destroy", "--yes", "--skip-preview", check=False)
        lab.exec("pulumi", "stack", "rm", name, "--yes", "--force")
        stack.file.unlink(missing_ok=True)
