"""The disks, kernel and host keys of a suite's two hosts, built from Debian packages, and for a newer Docker its programs."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lab import apt
from lab.cache import entry
from lab.engines.build import programs
from lab.errors import LabError
from lab.identity import client_key, make_key
from lab.recipe import Recipe, recipe
from lab.run import run, step
from lab.settings import ROLES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lab.settings import Settings

# The modules for the root disk: the kernel cannot load these from the disk itself.
_INITRAMFS = {
    "/etc/initramfs-tools/conf.d/lab": "MODULES=list\nCOMPRESS=gzip\n",
    "/etc/initramfs-tools/modules": "virtio_pci\nvirtio_blk\next4\n",
}


def place(settings: Settings, suite: str) -> Path:
    """Return the folder of the suite's images, built or not."""
    return settings.cache / "hosts" / f"{suite}-{_recipe(settings, suite).key}"


def images(settings: Settings, suite: str) -> Path:
    """Return the suite's folder in the cache; build it if it is missing.

    It holds `vmlinuz`, `initrd.img`, and per host `NAME.raw` and `NAME.hostkey.pub`.
    """
    return entry(
        place(settings, suite),
        lambda folder: _build(folder, suite, _recipe(settings, suite), programs(settings, suite)),
    )


def _recipe(settings: Settings, suite: str) -> Recipe:
    return recipe(suite, client_key(settings).with_suffix(".pub").read_text(encoding="utf-8"))


def _build(folder: Path, suite: str, built: Recipe, laid_over: Mapping[str, Path]) -> None:
    root = folder / "root"
    with step(
        f"{suite} 1/3: Debian with Docker Engine, {len(built.packages)} packages and their dependencies (1-2 min)"
    ):
        _bootstrap(root, built, folder)
    with step(f"{suite} 2/3: files and units of the hosts"):
        for path, text in built.files.items():
            _write(root, path, text)
        for path, program in laid_over.items():
            lay_over(root / path.lstrip("/"), program)
        (root / "root/.ssh").chmod(0o700)
        shutil.rmtree(root / "var/lib/apt/lists", ignore_errors=True)
        for key in (root / "etc/ssh").glob("ssh_host_*"):
            key.unlink()
        run(["systemctl", f"--root={root}", "mask", *built.masked_units])
        run(["systemctl", f"--root={root}", "enable", *built.enabled_units])
        # Without these, systemd rebuilds its databases at the first boot (ConditionNeedsUpdate=).
        for stamp in ("etc/.updated", "var/.updated"):
            (root / stamp).touch()
        for kind, target in (("vmlinuz", "vmlinuz"), ("initrd.img", "initrd.img")):
            (installed,) = (root / "boot").glob(f"{kind}-*")
            shutil.copy2(installed, folder / target)
    with step(f"{suite} 3/3: a disk of {built.disk} for each host"):
        for host in ROLES:
            for path, text in built.role_files[host.name].items():
                _write(root, path, text)
            _host_key(root, folder, host.name)
            disk = folder / f"{host.name}.raw"
            run(["truncate", "-s", built.disk, disk])
            run(
                [
                    "mkfs.ext4",
                    "-q",
                    "-F",
                    "-L",
                    "root",
                    "-E",
                    "lazy_itable_init=0,lazy_journal_init=0",
                    "-d",
                    root,
                    disk,
                ],
                limit=300,
            )
    shutil.rmtree(root)


def _bootstrap(root: Path, built: Recipe, folder: Path) -> None:
    early = folder / "early"
    for path, text in _INITRAMFS.items():
        _write(early, path, text)
    run(
        [
            "mmdebstrap",
            "--mode=root",
            "--format=directory",
            "--variant=minbase",
            '--aptopt=Acquire::Check-Valid-Until "false"',
            *[f"--dpkgopt=path-exclude={pattern}" for pattern in built.left_out],
            f"--include={','.join(built.packages)}",
            f'--essential-hook=cp -a {early}/. "$1"',
            built.suite,
            root,
            apt.mirror(),
        ],
        limit=900,
    )
    shutil.rmtree(early)


def _host_key(root: Path, folder: Path, name: str) -> None:
    key = root / "etc/ssh/ssh_host_ed25519_key"
    for path in (key, key.with_suffix(".pub")):
        path.unlink(missing_ok=True)
    make_key(key, name)
    shutil.copy2(key.with_suffix(".pub"), folder / f"{name}.hostkey.pub")


def lay_over(target: Path, program: Path) -> None:
    """Put a program in the place of one that the packages brought.

    Raises:
        LabError: They brought none there.
    """
    if not target.is_file():
        raise LabError(
            f"{target} is not in the packages: Debian moved it, and its own Docker would run; "
            "correct PROGRAMS in lab/engines/build.py"
        )
    # Not into the old file: dpkg may have linked it elsewhere.
    target.unlink()
    shutil.copy2(program, target)
    target.chmod(0o755)


def _write(root: Path, path: str, text: str) -> None:
    target = root / path.lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_text(text, encoding="utf-8")
    target.chmod(0o600 if "/.ssh/" in path else 0o644)
