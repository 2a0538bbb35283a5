"""Both hosts of a lab: from images to Docker daemons that answer, from a saved state where there is one."""

from __future__ import annotations

import hashlib
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from lab import client, hostimage, network, process
from lab.accelerator import accelerator
from lab.cache import entry
from lab.errors import LabError
from lab.machine import Machine, fingerprint
from lab.run import run, say, step
from lab.settings import ROLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lab.settings import HostRole, Settings

COLD_LIMIT = 300.0
"""Seconds until Docker must answer after a cold boot under emulation with a busy CPU; measured: 25-75 s."""
RESTORE_LIMIT = 60.0
SHUTDOWN_LIMIT = 90.0


def machine(settings: Settings, role: HostRole, folder: Path | None = None) -> Machine:
    """Return the machine of a host; build the suite's images if they are missing. `folder`: of its files, if not the lab's."""
    images = hostimage.images(settings, settings.suites[role.name])
    return Machine(
        role=role,
        namespace=settings.namespace("switch"),
        tap=network.tap(role.name),
        folder=folder or settings.state,
        sockets=sockets(settings),
        images=images,
        accelerator=accelerator(settings, images / "vmlinuz"),
    )


def sockets(settings: Settings) -> Path:
    """Return the folder of the lab's control sockets."""
    return Path("/run/ipvlan-lab") / settings.name


def host_keys(settings: Settings) -> dict[str, str]:
    """Return host name -> public host key, `type key`."""
    keys = {}
    for role in ROLES:
        path = hostimage.images(settings, settings.suites[role.name]) / f"{role.name}.hostkey.pub"
        keys[role.name] = " ".join(path.read_text(encoding="utf-8").split()[:2])
    return keys


def start(settings: Settings) -> None:
    """Start both hosts in parallel; return when both Docker daemons answer over ssh and the clocks are set."""
    # Once here, so that the two below do not both try a guest.
    accelerator(settings, hostimage.images(settings, settings.suites[ROLES[0].name]) / "vmlinuz")
    _together([lambda role=role: _start(settings, role) for role in ROLES])  # type: ignore[misc]


def boot(settings: Settings, roles: Sequence[HostRole]) -> None:
    """Boot hosts from their disks, in parallel; return when their Docker daemons answer."""

    def one(role: HostRole) -> None:
        machine(settings, role).boot()
        wait_for_docker(settings, role, limit=COLD_LIMIT)

    _together([lambda role=role: one(role) for role in roles])  # type: ignore[misc]


def wait_for_docker(settings: Settings, role: HostRole, *, limit: float, unlike_boot: str | None = None) -> str:
    """Wait until a host and its Docker daemon answer over ssh; set the host's clock and return Docker's version.

    Args:
        settings: The lab.
        role: The host.
        limit: Seconds.
        unlike_boot: A boot id that does not count, to wait for the boot after it.

    Raises:
        LabError: QEMU ended, or Docker does not answer in time.
    """
    target = machine(settings, role)
    deadline = time.monotonic() + limit
    reply = "no answer"
    while time.monotonic() < deadline:
        if not target.running():
            raise LabError(f"{role.name}: QEMU ended; its output is in {target.folder}/{role.name}.qemu.log")
        line = (
            f"date -s @{time.time():.0f} >/dev/null && cat /proc/sys/kernel/random/boot_id"
            " && docker version --format '{{.Server.Version}}'"
        )
        try:
            done = client.ssh(settings, role.name, line, limit=30)
        except LabError as error:
            reply = str(error)
            continue
        lines = done.stdout.split()
        if done.returncode == 0 and len(lines) == 2 and lines[0] != unlike_boot:
            return lines[1]
        reply = done.stderr.strip() or done.stdout.strip() or reply
        time.sleep(0.5)
    raise LabError(
        f"{role.name}: Docker does not answer after {limit:.0f} s: {reply}; the console is in {target.console}"
    )


def power(settings: Settings, name: str, action: str) -> None:
    """Switch a host off (cleanly) or on, cut its power or reboot it; return when that is done."""
    role = next((role for role in ROLES if role.name == name), None)
    if role is None:
        raise LabError(f"{name}: no such host; there are {', '.join(role.name for role in ROLES)}")
    target = machine(settings, role)
    if action == "on":
        if not target.running():
            boot(settings, [role])
        return
    if not target.running():
        if action in {"off", "cut"}:
            target.off_marker.touch()
            return
        raise LabError(f"{name} is off; `lab/power {name} on` starts it")
    if action == "cut":
        target.off_marker.touch()
        target.cut()
    elif action == "off":
        target.off_marker.touch()
        client.ssh(settings, name, "systemctl poweroff")
        if not process.wait_for_end(target.pid_file, limit=SHUTDOWN_LIMIT):
            raise LabError(
                f"{name}: still on {SHUTDOWN_LIMIT:.0f} s after `systemctl poweroff`; the console is in {target.console}"
            )
        target.pid_file.unlink(missing_ok=True)
    else:
        before = client.ssh(settings, name, "cat /proc/sys/kernel/random/boot_id").stdout.strip()
        client.ssh(settings, name, "systemctl reboot")
        wait_for_docker(settings, role, limit=COLD_LIMIT, unlike_boot=before)


def end(settings: Settings) -> None:
    """End both QEMU processes, if they run."""
    for role in ROLES:
        process.end(settings.state / f"{role.name}.pid")
    shutil.rmtree(sockets(settings), ignore_errors=True)


def _start(settings: Settings, role: HostRole) -> None:
    target = machine(settings, role)
    state = entry(_state_place(target), lambda folder: _save(settings, role, folder))
    try:
        target.restore(state)
        version = wait_for_docker(settings, role, limit=RESTORE_LIMIT)
    except LabError as error:
        say(f"{role.name}: the saved state in {state} does not start ({error}); it is removed, and the host boots cold")
        target.cut()
        shutil.rmtree(state, ignore_errors=True)
        target.new_disk(target.images / f"{role.name}.raw", "raw")
        target.boot()
        version = wait_for_docker(settings, role, limit=COLD_LIMIT)
    say(f"{role.name}: {settings.suites[role.name]}, Docker {version} answers")


def _state_place(target: Machine) -> Path:
    key = hashlib.sha256(fingerprint(target.accelerator).encode()).hexdigest()[:8]
    return target.images / f"state-{target.role.name}-{target.accelerator}-{key}"


def _save(settings: Settings, role: HostRole, folder: Path) -> None:
    name = role.name
    target = machine(settings, role, folder)
    try:
        with step(f"{name}: cold boot, then its state is saved (once)"):
            target.new_disk(target.images / f"{name}.raw", "raw")
            target.boot(memory=folder / f"{name}.ram")
            _wait_until_settled(settings, role, target)
            target.save(folder / f"{name}.state")
    finally:
        target.cut()
    run(["sync", "-f", folder], limit=300)


def _wait_until_settled(settings: Settings, role: HostRole, target: Machine) -> None:
    deadline = time.monotonic() + COLD_LIMIT
    reply = "no answer"
    while time.monotonic() < deadline:
        if not target.running():
            raise LabError(f"{role.name}: QEMU ended; see {target.folder}")
        done = client.ssh(settings, role.name, "docker version >/dev/null && systemctl is-system-running --wait; sync")
        reply = done.stdout.strip() or done.stderr.strip()
        if reply == "running":
            time.sleep(2)
            return
        if reply in {"degraded", "maintenance"}:
            failed = client.ssh(settings, role.name, "systemctl --failed --no-legend").stdout.strip()
            raise LabError(f"{role.name}: booted with failed units: {failed}")
        time.sleep(1)
    raise LabError(f"{role.name}: not up {COLD_LIMIT:.0f} s after a cold boot: {reply}")


def _together(tasks: Sequence[Callable[[], None]]) -> None:
    with ThreadPoolExecutor(max_workers=len(tasks) or 1) as pool:
        futures = [pool.submit(task) for task in tasks]
        errors = [str(error) for future in futures if (error := future.exception()) is not None]
        for future in futures:
            error = future.exception()
            if error is not None and not isinstance(error, LabError):
                raise error
    if errors:
        raise LabError("\n".join(errors))
