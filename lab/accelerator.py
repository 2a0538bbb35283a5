"""The choice between KVM and emulation (TCG), by a trial: `/dev/kvm` may exist and still hang every guest."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lab.run import say

if TYPE_CHECKING:
    from lab.settings import Settings

Accelerator = Literal["kvm", "tcg"]
_LIMIT = 8.0
# A kernel without a root disk ends in this panic: by then it has used every mode of the CPU and most of its boot.
_PROOF = b"Unable to mount root fs"


def accelerator(settings: Settings, kernel: Path) -> Accelerator:
    """Return `kvm` if a guest with that kernel starts under it within 8 s, else `tcg`; cached until the machine's next boot."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    cached = settings.cache / f"accelerator-{boot}"
    if cached.exists():
        return "kvm" if cached.read_text(encoding="ascii").strip() == "kvm" else "tcg"
    for old in settings.cache.glob("accelerator-*"):
        old.unlink()
    chosen: Accelerator = "kvm" if Path("/dev/kvm").exists() and _starts_under_kvm(kernel) else "tcg"
    cached.write_text(f"{chosen}\n", encoding="ascii")
    say(f"hosts run under {'KVM' if chosen == 'kvm' else 'emulation (TCG): KVM is missing or does not start a guest'}")
    return chosen


def _starts_under_kvm(kernel: Path) -> bool:
    say(f"trying KVM, up to {_LIMIT:.0f} s")
    command = [
        "qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "256", "-nodefaults", "-display", "none",
        "-no-reboot", "-serial", "stdio", "-kernel", str(kernel), "-append", "console=ttyS0 panic=-1",
    ]  # fmt: skip
    try:
        done = subprocess.run(command, check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=_LIMIT)
    except subprocess.TimeoutExpired as error:
        return _PROOF in (error.stdout or b"")
    return _PROOF in done.stdout
