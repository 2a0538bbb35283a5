"""Times of this program, the reference commands (docker by hand) and Ansible, on the lab, in one run.

All of them do the same on both hosts: create the network, two containers, and the bridge connection of nginx; then the same again
with nothing to do; then remove everything. The images are on the hosts before the first measurement.

The tools have their turns in each run, another one first each time: a slow minute of the machine is none of one tool alone. It
prints medians and spreads, the ratio of this program to the reference commands in each run, and where the time of this program goes
(`bench.phases`). It exits with status 1 where a run exceeds a limit (`bench.compare.LIMITS`).

Usage: python -m bench.run [--runs 5] [--without-ansible]. Needs `make lab-up`; refuses a lab whose hosts already have the fabric.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import tempfile
import time
import venv
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML

from bench import compare, phases
from bench.compare import Spread, spread
from bench.event_log import SHOWS_EVENT_LOG, EventLog
from bench.project import ROOT, link_program

HOSTS = {"docker-1": "10.1.1", "docker-2": "10.1.2"}
ANSIBLE = "ansible==12.3.0"
"""The package on PyPI; it includes the collection community.docker."""
PASSES = ("up", "again", "down")
BY_HAND = "reference commands, in parallel"
THIS = "this program"
UNCHECKED = "this program, addresses not checked"
ANSIBLE_COLLECTION = "Ansible community.docker"
TITLES: Final = {"up": "bring up", "again": "again, nothing to do", "down": "take down"}
"""Pass -> what the tables call it."""

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


@functools.cache
def images() -> dict[str, str]:
    """Return image name -> reference by digest, in the lab's registry; asked for once, and not while something is measured."""
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


class ThisProgram:
    """The same with this program; `up` includes the check that the ports are bound."""

    def __init__(self, log: Path, *options: str) -> None:
        """Prepare; `log` is where the engine's event log is written, `options` are further ones of pulumi."""
        self.phases: dict[str, list[Sequence[phases.Phase]]] = {step: [] for step in PASSES}
        """Pass -> where the time of each run went."""
        self._log = log
        self._options = options

    def __call__(self, step: str) -> None:
        """Do one pass."""
        command = "destroy" if step == "down" else "up"
        options = ("--stack", "dev", "--yes", "--skip-preview", "--event-log", str(self._log), *self._options)
        with EventLog(self._log) as log:
            lab("exec", "env", *SHOWS_EVENT_LOG, "pulumi", command, *options)
        self.phases[step].append(phases.phases(log.steps(), log.seconds))


def without_address_check(folder: Path) -> ThisProgram:
    """Return the same with `probe_addresses: false`: as with the other tools, no address is checked."""
    yaml = YAML()
    with (ROOT / "Pulumi.dev.yaml").open(encoding="utf-8") as file:
        content = yaml.load(file)
    content["config"]["ipvlan-fabric:fabric"]["probe_addresses"] = False
    project = folder / "project"
    project.mkdir()
    link_program(project)
    with (project / "Pulumi.dev.yaml").open("w", encoding="utf-8") as file:
        yaml.dump(content, file)
    return ThisProgram(folder / "unchecked.events", "--cwd", str(project))


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


def measure(tools: Mapping[str, Callable[[str], None]], runs: int) -> dict[str, dict[str, list[float]]]:
    """Return tool -> pass -> the seconds of each run. In each run every tool does all passes, another one first each time."""
    seconds: dict[str, dict[str, list[float]]] = {name: {step: [] for step in PASSES} for name in tools}
    for run in range(runs):
        for name in compare.order(list(tools), run):
            for step in PASSES:
                begin = time.monotonic()
                tools[name](step)
                seconds[name][step].append(time.monotonic() - begin)
            done = ", ".join(f"{step} {seconds[name][step][-1]:.1f} s" for step in PASSES)
            console.print(f"   run {run + 1}/{runs}, {name}: {done}")
    return seconds


def text(values: Spread | None, digits: int) -> str:
    """Return a median with its spread for a table."""
    return "-" if values is None else values.text(digits)


def tables(seconds: Mapping[str, Mapping[str, Sequence[float]]]) -> list[Table]:
    """Return the table of seconds, and that of ratios."""
    runs = len(next(iter(seconds.values()))["up"])
    title = f"seconds: median (least-most) of {runs}, in turns"
    times = Table("pass", *seconds, title=title, title_justify="left")
    pairs = [
        (mine, other)
        for mine, other in ((THIS, BY_HAND), (UNCHECKED, BY_HAND), (ANSIBLE_COLLECTION, THIS))
        if mine in seconds and other in seconds
    ]
    title = "ratios of the same run: median (least-most)"
    ratios = Table("pass", *(f"{mine} / {other}" for mine, other in pairs), "limit", title=title, title_justify="left")
    for step in PASSES:
        times.add_row(
            TITLES[step],
            *(text(spread(of[step]) if compare.was_done(of[step]) else None, 1) for of in seconds.values()),
        )
        ratios.add_row(
            TITLES[step],
            *(text(spread(compare.ratios(seconds[mine][step], seconds[other][step])), 2) for mine, other in pairs),
            f"{compare.LIMITS[step]:g}, in every run" if step in compare.LIMITS else "-",
        )
    return [times, ratios]


def main(
    runs: Annotated[int, typer.Option(min=1, help="Runs of each tool.")] = 5,
    ansible: Annotated[bool, typer.Option("--ansible/--without-ansible", help="Measure Ansible too (minutes).")] = True,
) -> None:
    """Measure and print the tables; exit with status 1 where a limit is exceeded."""
    for host in HOSTS:
        if "ipvlanl2" in lab("ssh", host, "docker network ls --format '{{.Name}}'"):
            console.print(f'host "{host}" already has the fabric: run `make down` first.')
            raise typer.Exit(2)
    console.print("== images onto the hosts")
    on_hosts(lambda _: " && ".join(f"docker pull -q {images()[name]}" for name in ("debian-init", "nginx")))
    folder = Path(tempfile.mkdtemp(prefix="ipvlan-fabric-bench-"))
    try:
        this = ThisProgram(folder / "this.events")
        tools: dict[str, Callable[[str], None]] = {
            BY_HAND: by_hand,
            THIS: this,
            UNCHECKED: without_address_check(folder),
        }
        if ansible:
            tools[ANSIBLE_COLLECTION] = Ansible(folder)
        console.print(f"== {runs} runs, the tools in turns")
        seconds = measure(tools, runs)
    finally:
        shutil.rmtree(folder)
    # Wide enough for the tables, also where the output goes to a file.
    wide = Console(width=max(console.width, 150))
    for table in tables(seconds):
        wide.print(table)
    for step in ("up", "down"):
        title = f"{TITLES[step]}: where the seconds of this program go, medians of {runs}"
        wide.print(phases.table(title, phases.medians(this.phases[step])))
    failures = compare.exceeded(seconds[THIS], seconds[BY_HAND])
    for failure in failures:
        wide.print(f"LIMIT EXCEEDED: {failure}", markup=False, highlight=False)
    if failures:
        raise typer.Exit(1)
    wide.print("within the limits in every run")


if __name__ == "__main__":
    typer.run(main)
