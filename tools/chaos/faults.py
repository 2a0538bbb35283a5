"""How each kind of fault is made on the lab, and how it is undone where a person has to undo it before a repair.

Out of scope: which faults a seed has (`tools.chaos.sequences`).
"""

from __future__ import annotations

import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from lab import faults as lab_faults
from lab.errors import LabError
from lab.harness import CommandFailedError, Lab, Stack
from tools.chaos import site
from tools.chaos.sequences import Fault

POWER_SECONDS: Final = 400.0
HOST_SECONDS: Final = 90.0
"""Of a command on a host."""
WAIT_FOR_DOCKER: Final = "for i in $(seq 60); do docker version >/dev/null 2>&1 && exit 0; sleep 1; done; exit 1"


@dataclass
class World:
    """The lab, the stack, and what is undone after the faults."""

    lab: Lab
    stack: Stack
    images: Mapping[str, str]
    undo: dict[str, Callable[[], None]] = field(default_factory=dict)
    """Fault, as text -> what undoes it; what only a person may remove is in `blockers`."""
    blockers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Fault, as text -> host and id of a container of others that stands in the way."""
    disturbed: set[str] = field(default_factory=set)
    """Hosts on which every container has been started again."""
    run: subprocess.Popen[str] | None = None
    """The `pulumi up` that is going on."""

    def ssh(self, host: str, text: str, *, check: bool = True, seconds: float = HOST_SECONDS) -> str:
        """Run shell text on a host and return what it printed."""
        return self.lab.ssh(host, text, check=check, timeout=seconds)


def make(world: World, fault: Fault) -> None:
    """Make a fault."""
    MAKERS[fault.kind](world, fault)


def undo_all(world: World) -> None:
    """Undo what a person undoes before a repair: plug in, thaw, switch on, empty the disk."""
    while world.undo:
        text, undo = world.undo.popitem()
        try:
            undo()
        except (LabError, CommandFailedError, subprocess.SubprocessError) as error:
            raise CommandFailedError(f"the lab: {text} is not undone: {error}") from error


def remove_blockers(world: World) -> None:
    """Remove the containers of others that stand in the way, as the person whose they are would do."""
    while world.blockers:
        _, (host, id_) = world.blockers.popitem()
        world.ssh(host, f"docker rm -f {id_}")


def _on_host(text: str) -> Callable[[World, Fault], None]:
    """Return a maker that runs a text on the host; {target} is the service. What is not there cannot be broken again."""

    def maker(world: World, fault: Fault) -> None:
        world.ssh(
            fault.host,
            text.format(target=shlex.quote(fault.target), fabric=site.FABRIC, backend=site.BACKEND),
            check=False,
        )

    return maker


def _restart_docker(world: World, fault: Fault) -> None:
    world.disturbed.add(fault.host)
    world.ssh(fault.host, "systemctl restart docker", check=False, seconds=200)
    world.undo[str(fault)] = lambda: _docker_answers(world, fault.host)


def _docker_answers(world: World, host: str) -> None:
    world.ssh(host, f"systemctl start docker; {WAIT_FOR_DOCKER}", seconds=200)


def _cut_power(world: World, fault: Fault) -> None:
    world.disturbed.add(fault.host)
    world.lab.run("power", fault.host, "cut", timeout=60)
    world.undo[str(fault)] = lambda: _power_on(world, fault.host)


def _power_on(world: World, host: str) -> None:
    world.lab.run("power", host, "on", timeout=POWER_SECONDS)


def _freeze(world: World, fault: Fault) -> None:
    lab_faults.freeze(world.lab.name, fault.host)
    world.undo[str(fault)] = lambda: lab_faults.thaw(world.lab.name, fault.host)
    _lasts(world, fault)


def _unplug(world: World, fault: Fault) -> None:
    world.lab.cable(fault.host, "down")
    world.undo[str(fault)] = lambda: world.lab.cable(fault.host, "up")
    _lasts(world, fault)


def _lasts(world: World, fault: Fault) -> None:
    """Wait as long as the fault lasts, and undo it."""
    time.sleep(fault.amount)
    world.undo.pop(str(fault))()


def _end_ssh(world: World, fault: Fault) -> None:
    # The listener has another command line than its sessions. This session ends with them.
    with suppress(subprocess.SubprocessError):
        world.ssh(fault.host, "pkill -f '^sshd(-session)?: root'", check=False)


def _fill_disk(world: World, fault: Fault) -> None:
    world.undo[str(fault)] = lambda: (world.ssh(fault.host, lab_faults.EMPTY), None)[1]
    world.ssh(fault.host, f"docker image prune -af >/dev/null; {lab_faults.FILL}", check=False, seconds=200)


def _no_registry(world: World, fault: Fault) -> None:
    world.undo[str(fault)] = lambda: (world.ssh(fault.host, lab_faults.REGISTRY_AGAIN, check=False), None)[1]
    world.ssh(fault.host, f"{lab_faults.NO_REGISTRY}; docker image prune -af >/dev/null", check=False)


def _kill(world: World, fault: Fault) -> None:
    if world.run is None or world.run.poll() is not None:
        return
    if fault.kind == "kill -9 of pulumi and its plugins":
        lab_faults.kill_tree(world.run.pid)
    else:
        world.run.send_signal(signal.SIGTERM if "SIGTERM" in fault.kind else signal.SIGKILL)


def _set_clock(world: World, fault: Fault) -> None:
    world.ssh(fault.host, f"date -s @$(($(date +%s) + {fault.amount})) >/dev/null")
    # After the checks: a host whose clock is wrong is to be repaired too.


def right_clock(world: World, host: str) -> None:
    """Set the clock of a host right."""
    world.ssh(host, f"date -s @{time.time():.0f} >/dev/null")


def _take_address(world: World, fault: Fault) -> None:
    address = site.planned_address(world.stack, fault.host, fault.target)
    _block(
        world,
        fault,
        f"docker network disconnect -f {site.FABRIC} {fault.target} >/dev/null 2>&1; "
        f"docker run -d --name shop-taker --network {site.FABRIC} --ip {address} {world.images['nginx']}",
    )


def _take_name(world: World, fault: Fault) -> None:
    _block(
        world,
        fault,
        f"docker rm -f {fault.target} >/dev/null 2>&1; docker run -d --name {fault.target} {world.images['nginx']}",
    )


def _block(world: World, fault: Fault, text: str) -> None:
    printed = world.ssh(fault.host, text, check=False).split()
    # Where the network or the name is not free for it any more, there is nothing that stands in the way.
    if printed and len(printed[-1]) == 64:  # Docker's ids
        running = world.ssh(
            fault.host, f"docker inspect -f '{{{{.State.Running}}}}' {printed[-1]}", check=False
        ).strip()
        if running == "true":
            world.blockers[str(fault)] = (fault.host, printed[-1])
        else:
            world.ssh(fault.host, f"docker rm -f {printed[-1]}")
    else:
        world.ssh(fault.host, "docker rm -f shop-taker >/dev/null 2>&1", check=False)


def _edit(world: World, fault: Fault) -> None:
    site.edit(world.stack, fault.target, fault.amount, dict(world.images))


_EMPTY_NETWORK: Final = (
    "for id in $(docker ps -aq --filter network={0}); do docker network disconnect -f {0} $id; done; "
    "docker network rm {0}"
)
MAKERS: Final[Mapping[str, Callable[[World, Fault], None]]] = {
    "kill a container": _on_host("docker kill {target}"),
    "stop a container": _on_host("docker stop -t 1 {target}"),
    "remove a container": _on_host("docker rm -f {target}"),
    "disconnect from the fabric": _on_host("docker network disconnect {fabric} {target}"),
    "disconnect from Docker's bridge": _on_host("docker network disconnect bridge {target}"),
    "disconnect from the backend": _on_host("docker network disconnect {backend} {target}"),
    "remove the fabric's network": _on_host(_EMPTY_NETWORK.format("{fabric}")),
    "remove the bridge network": _on_host(_EMPTY_NETWORK.format("{backend}")),
    "remove the shim": _on_host("ip link del shim.ens33"),
    "restart Docker": _restart_docker,
    "cut the power": _cut_power,
    "freeze the host": _freeze,
    "unplug the host": _unplug,
    "end ssh's connections": _end_ssh,
    "fill the disk": _fill_disk,
    "take the registry away": _no_registry,
    "kill -9 of pulumi": _kill,
    "kill -9 of pulumi and its plugins": _kill,
    "end pulumi by SIGTERM": _kill,
    "set the clock": _set_clock,
    "take an address": _take_address,
    "take a name": _take_name,
    "edit the config": _edit,
}
