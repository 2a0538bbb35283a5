"""One QEMU host: its command line, its disk, start, stop, and the saved state from which it starts in seconds.

A saved state is three files: `NAME.qcow2` (disk, over the suite's `NAME.raw`), `NAME.ram` (memory, as the guest left it) and
`NAME.state` (devices). The memory file is mapped privately, so a start copies nothing and two labs share its pages.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab import process
from lab.qmp import Monitor
from lab.run import run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.accelerator import Accelerator
    from lab.settings import HostRole

MEMORY_MIB = 1024
CPUS = 1
CPU_MODELS: Mapping[Accelerator, str] = {"kvm": "host", "tcg": "qemu64"}
"""Emulation uses the plain processor: the emulator pays for the further features of `max` (AVX, which saves large registers at
every switch, and five-level page tables). Processor seconds of QEMU with `max` and with the plain one: `docker run` 5.5 and 4.0,
`docker version` 0.62 and 0.49, a boot 46 and 35 (docs/decisions/0006-lab-start.md)."""
TRANSLATIONS_MIB = 1024
"""The emulator's cache of translated code, filled as it is used: 512 MB were full after some minutes of tests. When it is full,
the emulator begins anew with all, which takes 10 to 20 s of its processor."""
_KERNEL_ARGUMENTS = "console=ttyS0 root=/dev/vda rw quiet mitigations=off apparmor=0 audit=0 panic=5 norandmaps"
"""`norandmaps`: programs are loaded at the same addresses each time, so the emulator's translation of them is used again. Without
it one restart of a container fills the whole translation cache (docs/decisions/0006-lab-start.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One host of one lab: its files and its process."""

    role: HostRole
    namespace: str
    """The network namespace of the switch."""
    tap: str
    folder: Path
    """Instance files: disk, logs, pid file."""
    sockets: Path
    """A folder with a short path: a socket's path has at most 107 bytes."""
    images: Path
    """The suite's kernel and disks (hostimage)."""
    accelerator: Accelerator

    @property
    def pid_file(self) -> Path:
        """The pid file of the QEMU process."""
        return self.folder / f"{self.role.name}.pid"

    @property
    def console(self) -> Path:
        """The output of the host's serial console."""
        return self.folder / f"{self.role.name}.console"

    @property
    def disk(self) -> Path:
        """The instance's own disk, over the image's or the saved state's."""
        return self.folder / f"{self.role.name}.qcow2"

    @property
    def off_marker(self) -> Path:
        """Exists while the host is off because somebody switched it off, not because it crashed."""
        return self.folder / f"{self.role.name}.off"

    def monitor(self) -> Monitor:
        """Return the open control socket of the running QEMU."""
        return Monitor(self.sockets / f"{self.role.name}.qmp")

    def new_disk(self, base: Path, kind: str) -> None:
        """Make the instance's disk an empty layer over `base` (of qemu-img's format `kind`)."""
        self.disk.unlink(missing_ok=True)
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", base, "-F", kind, self.disk])

    def boot(self, *, memory: Path | None = None) -> None:
        """Start the host from its disk; `memory` is a file for its memory, which `save` needs."""
        backing = ["-m", str(MEMORY_MIB)]
        if memory is not None:
            backing = self._memory(memory, share=True)
        self._start(backing)

    def restore(self, state: Path) -> None:
        """Start the host from the state that `save` wrote into the folder `state`.

        Raises:
            LabError: QEMU does not accept the state.
        """
        name = self.role.name
        self.new_disk(state / f"{name}.qcow2", "qcow2")
        self._start([*self._memory(state / f"{name}.ram", share=False), "-incoming", "defer"])
        with self.monitor() as monitor:
            _ignore_shared_memory(monitor)
            monitor.command("migrate-incoming", uri=f"exec:cat {shlex.quote(str(state / f'{name}.state'))}")
            monitor.wait_for_migration(limit=60)
            monitor.command("cont")

    def save(self, target: Path) -> None:
        """Stop the host, which was booted with its memory in a file, write its device state to `target`, and end its process."""
        with self.monitor() as monitor:
            monitor.command("stop")
            _ignore_shared_memory(monitor)
            monitor.command("migrate", uri=f"exec:cat > {shlex.quote(str(target))}")
            monitor.wait_for_migration(limit=120)
        self.cut()

    def cut(self) -> None:
        """End the host's process, like a pulled plug: the guest flushes nothing."""
        process.end(self.pid_file)

    def running(self) -> bool:
        """Return whether the host's process is alive."""
        return process.running(self.pid_file) is not None

    def _memory(self, path: Path, *, share: bool) -> list[str]:
        backend = f"memory-backend-file,id=memory,size={MEMORY_MIB}M,mem-path={path},share={'on' if share else 'off'}"
        return ["-object", backend, "-m", str(MEMORY_MIB), "-machine", "memory-backend=memory"]

    def _start(self, arguments: list[str]) -> None:
        name = self.role.name
        accel = "kvm" if self.accelerator == "kvm" else f"tcg,thread=multi,tb-size={TRANSLATIONS_MIB}"
        cpu = ["-accel", accel, "-cpu", CPU_MODELS[self.accelerator]]
        monitor = self.sockets / f"{name}.qmp"
        monitor.unlink(missing_ok=True)
        self.off_marker.unlink(missing_ok=True)
        process.spawn(
            [
                "ip", "netns", "exec", self.namespace,
                "qemu-system-x86_64", "-name", name, "-machine", "pc", *cpu, "-smp", str(CPUS), *arguments,
                "-nodefaults", "-display", "none", "-serial", f"file:{self.console}",
                "-qmp", f"unix:{monitor},server=on,wait=off",
                "-kernel", self.images / "vmlinuz", "-initrd", self.images / "initrd.img", "-append", _KERNEL_ARGUMENTS,
                "-drive", f"file={self.disk},if=virtio,format=qcow2,cache=unsafe,discard=unmap",
                "-netdev", f"tap,id=lan,ifname={self.tap},script=no,downscript=no",
                "-device", f"virtio-net-pci,netdev=lan,mac={self.role.mac},romfile=",
                "-device", "virtio-rng-pci",
            ],
            pid_file=self.pid_file,
            log=self.folder / f"{name}.qemu.log",
        )  # fmt: skip


def fingerprint(accelerator: Accelerator) -> str:
    """Return what a saved state depends on besides the image: it loads only into the same QEMU with the same devices."""
    version = run(["qemu-system-x86_64", "--version"]).split("\n", 1)[0]
    cpu = CPU_MODELS[accelerator]
    if accelerator == "kvm":
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        cpu = next((line for line in lines if line.startswith(("model name", "CPU part"))), "")
    return f"{version} {accelerator} {cpu} {MEMORY_MIB} {CPUS} {_KERNEL_ARGUMENTS} {os.uname().machine} 1"


def _ignore_shared_memory(monitor: Monitor) -> None:
    monitor.command("migrate-set-capabilities", capabilities=[{"capability": "x-ignore-shared", "state": True}])
