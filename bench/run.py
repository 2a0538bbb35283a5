"""Times of this program, the reference commands (docker by hand) and Ansible, on the lab, in one run.

All of them do the same on both hosts: create the network, two containers, and the bridge connection of nginx; then the same again
with nothing to do; then remove everything. The images are on the hosts before the first measurement.

Usage: python -m bench.run [--runs 3] [--without-ansible]. Needs `make lab-up`; refuses a lab whose hosts already have the fabric.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[1]
HOSTS = {"docker-1": "10.1.1", "docker-2": "10.1.2"}
ANSIBLE = "ansible==12.3.0"
"""The package on PyPI; it includes the collection community.docker."""
PASSES = ("up", "again", "down")
BY_HAND = "reference commands, in parallel"
THIS = "this program"
UNCHECKED = "this program, addresses not checked"
ANSIBLE_COLLECTION = "Ansible community.docker"

console = Console()


def lab(*command: str, timeout: float = 900) -> str:
    """Run one of lab/'s commands.

    Raises:
        CalledProcessError: It fails; its output is printed.
    """
    done = subprocess.run(
        [str(ROOT / "lab" / command[0]), *command[1:]],
        cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip
    if done.returncode:
        console.print(done.stdout[-3000:], done.stderr[-3000:])
        done.check_returncode()
    return done.stdout


def images() -> dict[str, str]:
    """Return image name -> reference by digest, in the lab's registry."""
    return dict(line.split() for line in lab("images").splitlines())


def on_hosts(text: Callable[[str], str]) -> None:
    """Run shell text on both hosts, in parallel."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda host: lab("ssh", host, text(host)), HOSTS))


def reference_commands(host: str) -> str:
    """Return the docker commands that create the reference setup on one host."""
    prefix = HOSTS[host]
    return f"""set -e
docker network create -d ipvlan --subnet 10.1.0.0/16 --ip-range {prefix}.0/24 --gateway 10.1.0.1 \
  -o ipvlan_mode=l2 -o parent=ens33 ipvlanl2
docker run -d --restart unless-stopped --name centos --network ipvlanl2 --ip {prefix}.1 {images()["debian-init"]} /usr/sbin/init
docker run -d --restart unless-stopped --name nginx --network ipvlanl2 --ip {prefix}.2 -p 80:80 {images()["nginx"]}
docker network connect bridge nginx
"""


def by_hand(step: str) -> None:
    """Do one pass with the reference commands, which have no "again"."""
    if step == "up":
        on_hosts(reference_commands)
    elif step == "down":
        on_hosts(lambda _: "docker rm -f centos nginx && docker network rm ipvlanl2")


def this_program(step: str, *options: str) -> None:
    """Do one pass with this program, and further options of pulumi; `up` includes the check that the ports are bound."""
    command = "destroy" if step == "down" else "up"
    lab("exec", "pulumi", command, "--stack", "dev", "--yes", "--skip-preview", *options)


def without_address_check(folder: Path) -> Callable[[str], None]:
    """Return the same with `probe_addresses: false`: as with the other tools, no address is checked."""
    yaml = YAML()
    with (ROOT / "Pulumi.dev.yaml").open(encoding="utf-8") as file:
        content = yaml.load(file)
    content["config"]["ipvlan-fabric:fabric"]["probe_addresses"] = False
    project = folder / "project"
    project.mkdir()
    for name in ("Pulumi.yaml", "__main__.py", ".venv", "components", "ipvlan", "provider"):
        (project / name).symlink_to(ROOT / name)
    with (project / "Pulumi.dev.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    return lambda step: this_program(step, "--cwd", str(project))


def playbook(state: str) -> list[dict[str, Any]]:
    """Return the play that does the same with community.docker."""
    present = state == "present"
    network = {
        "community.docker.docker_network": {
            "name": "ipvlanl2", "driver": "ipvlan", "state": state,
            "driver_options": {"ipvlan_mode": "l2", "parent": "ens33"},
            "ipam_config": [{"subnet": "10.1.0.0/16", "gateway": "10.1.0.1", "iprange": "{{ prefix }}.0/24"}],
        }
    }  # fmt: skip
    containers = [
        {
            "community.docker.docker_container": {
                "name": name, "state": "started" if present else "absent",
                **({
                    "image": images()[image], "restart_policy": "unless-stopped", "networks_cli_compatible": True,
                    "networks": [
                        {"name": "ipvlanl2", "ipv4_address": f"{{{{ prefix }}}}.{offset}"},
                        *([{"name": "bridge"}] if ports else []),
                    ],
                    **({"command": command} if command else {}),
                    **({"published_ports": ports} if ports else {}),
                } if present else {}),
            }
        }
        for name, image, offset, command, ports in (
            ("centos", "debian-init", 1, ["/usr/sbin/init"], []),
            ("nginx", "nginx", 2, [], ["80:80"]),
        )
    ]  # fmt: skip
    tasks = [network, *containers] if present else [*containers, network]
    return [{"hosts": "all", "gather_facts": False, "tasks": tasks}]


class Ansible:
    """The same with Ansible, in a virtual environment of its own."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "venv" / "bin"
        console.print(f"== {ANSIBLE} into {folder} (some minutes)")
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([self.bin / "pip", "install", "--quiet", ANSIBLE], check=True, timeout=900)
        self.folder = folder
        yaml = YAML()
        for name in ("present", "absent"):
            with (folder / f"{name}.yaml").open("w", encoding="utf-8") as file:
                yaml.dump(playbook(name), file)
        (folder / "inventory").write_text(
            "".join(
                f"{host} ansible_host=192.168.140.{200 + number} ansible_user=root prefix={prefix} "
                f"ansible_python_interpreter=/usr/bin/python3\n"
                for number, (host, prefix) in enumerate(HOSTS.items())
            ),
            encoding="utf-8",
        )

    def __call__(self, step: str) -> None:
        """Do one pass."""
        state = "absent" if step == "down" else "present"
        book = str(self.folder / f"{state}.yaml")
        lab("exec", str(self.bin / "ansible-playbook"), "-i", str(self.folder / "inventory"), book)


def measure(tool: Callable[[str], None], runs: int) -> dict[str, float]:
    """Return pass -> median seconds over `runs`."""
    seconds: dict[str, list[float]] = {step: [] for step in PASSES}
    for number in range(runs):
        for step in PASSES:
            begin = time.monotonic()
            tool(step)
            seconds[step].append(time.monotonic() - begin)
        console.print(f"   run {number + 1}/{runs}: " + ", ".join(f"{s} {seconds[s][-1]:.1f} s" for s in PASSES))
    return {step: statistics.median(values) for step, values in seconds.items()}


def main(
    runs: Annotated[int, typer.Option(help="Runs of each tool; the table shows medians.")] = 3,
    ansible: Annotated[bool, typer.Option("--ansible/--without-ansible", help="Measure Ansible too (minutes).")] = True,
) -> None:
    """Measure and print the table."""
    for host in HOSTS:
        if "ipvlanl2" in lab("ssh", host, "docker network ls --format '{{.Name}}'"):
            console.print(f'host "{host}" already has the fabric: run `make down` first.')
            raise typer.Exit(2)
    console.print("== images onto the hosts")
    on_hosts(lambda _: " && ".join(f"docker pull -q {images()[name]}" for name in ("debian-init", "nginx")))
    folder = Path(tempfile.mkdtemp(prefix="ipvlan-fabric-bench-"))
    try:
        results = {}
        tools: dict[str, Callable[[str], None]] = {
            BY_HAND: by_hand,
            THIS: this_program,
            UNCHECKED: without_address_check(folder),
        }
        if ansible:
            tools[ANSIBLE_COLLECTION] = Ansible(folder)
        for name, tool in tools.items():
            console.print(f"== {name}")
            results[name] = measure(tool, runs)
    finally:
        shutil.rmtree(folder)
    table = Table(
        f"medians of {runs}, seconds", *tools, "this / reference", "this, no check / reference", "Ansible / this"
    )
    reference, this, unchecked = results[BY_HAND], results[THIS], results[UNCHECKED]
    other = results.get(ANSIBLE_COLLECTION, {})
    for step in PASSES:
        table.add_row(
            {"up": "bring up", "again": "again, nothing to do", "down": "take down"}[step],
            *(f"{results[name][step]:.1f}" if results[name][step] > 0.05 else "-" for name in tools),
            *(f"{mine[step] / reference[step]:.2f}" if reference[step] > 0.05 else "-" for mine in (this, unchecked)),
            f"{other[step] / this[step]:.1f}" if other else "-",
        )
    # Wide enough for the table, also where the output goes to a file.
    Console(width=max(console.width, 130)).print(table)


if __name__ == "__main__":
    typer.run(main)
