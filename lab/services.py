"""The lab's own servers: the registry, and the one that plays the internet (HTTP on 80, DNS on 53)."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab import process
from lab.cache import entry
from lab.errors import LabError
from lab.run import attempt, run, step
from lab.settings import INTERNET_ADDRESS, INTERNET_NAME, REGISTRY_ADDRESS, REGISTRY_PORT

if TYPE_CHECKING:
    from lab.settings import Settings

NAMES = ("registry", "internet-http", "internet-dns")


def registry_program(settings: Settings) -> str:
    """Return the path of Debian's docker-registry: the installed one, or that of its package unpacked into the cache.

    The package is not installed, so that no service starts.
    """
    installed = shutil.which("docker-registry")
    if installed:
        return installed

    def build(folder: Path) -> None:
        with step("docker-registry, unpacked into the cache"):
            if attempt(["apt-get", "download", "-qq", "docker-registry"], limit=300, cwd=folder).returncode != 0:
                run(["apt-get", "update", "-qq"], limit=300)
                run(["apt-get", "download", "-qq", "docker-registry"], limit=300, cwd=folder)
            (package,) = folder.glob("docker-registry_*.deb")
            run(["dpkg-deb", "-x", package, folder])
            package.unlink()

    return str(entry(settings.cache / "docker-registry", build) / "usr/bin/docker-registry")


def registry_config(storage: Path, address: str) -> str:
    """Return the configuration of a registry that stores its blobs in `storage` and listens on `address` (host:port)."""
    return (
        "version: 0.1\nlog: {level: warn, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: '{storage}'}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )


def start(settings: Settings, images: Path) -> None:
    """Start the registry with a copy of the storage in `images`, and the internet's servers."""
    storage = settings.state / "registry"
    shutil.copytree(images, storage)
    config = settings.state / "registry.yml"
    config.write_text(registry_config(storage, f"{REGISTRY_ADDRESS}:{REGISTRY_PORT}"), encoding="utf-8")
    pages = settings.state / "internet"
    pages.mkdir()
    (pages / "index.html").write_text("the internet\n", encoding="utf-8")
    commands = {
        "registry": ("registry", [registry_program(settings), "serve", str(config)]),
        "internet-http": (
            "internet",
            [sys.executable, "-m", "http.server", "--bind", INTERNET_ADDRESS, "--directory", str(pages), "80"],
        ),
        "internet-dns": (
            "internet",
            [
                "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--pid-file", "--user=root", "--no-hosts",
                "--no-resolv", "--bind-interfaces", f"--listen-address={INTERNET_ADDRESS}",
                f"--address=/{INTERNET_NAME}/{INTERNET_ADDRESS}",
            ],
        ),
    }  # fmt: skip
    for name, (part, command) in commands.items():
        process.spawn(
            ["ip", "netns", "exec", settings.namespace(part), *command],
            pid_file=settings.state / f"{name}.pid",
            log=settings.state / f"{name}.log",
        )


def wait_for_registry(settings: Settings, *, limit: float = 30.0) -> None:
    """Wait until the registry answers the lab's client.

    Raises:
        LabError: It has not answered after `limit` seconds.
    """
    deadline = time.monotonic() + limit
    url = f"http://{REGISTRY_ADDRESS}:{REGISTRY_PORT}/v2/"
    command = ["ip", "netns", "exec", settings.namespace("client"), "curl", "-sf", "-m", "5", "-o", "/dev/null", url]
    while attempt(command).returncode != 0:
        if time.monotonic() > deadline:
            raise LabError(f"the lab's registry does not answer; its output is in {settings.state}/registry.log")
        time.sleep(0.1)


def end(settings: Settings) -> None:
    """End the servers, if they run."""
    for name in NAMES:
        process.end(settings.state / f"{name}.pid")


def running(settings: Settings) -> bool:
    """Return whether every server is alive."""
    return all(process.running(settings.state / f"{name}.pid") is not None for name in NAMES)
