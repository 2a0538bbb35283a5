"""The machine's own apt: installs missing packages, and tells which mirror it uses. No address is written here."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from lab.errors import LabError
from lab.run import attempt, run, step

if TYPE_CHECKING:
    from collections.abc import Iterable

NEEDED = {
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "mmdebstrap": "mmdebstrap",
    "skopeo": "skopeo",
    "mkfs.ext4": "e2fsprogs",
    "ip": "iproute2",
    "nft": "nftables",
    "ping": "iputils-ping",
    "arping": "iputils-arping",
    "curl": "curl",
    "ssh": "openssh-client",
    "dnsmasq": "dnsmasq-base",
    "tcpdump": "tcpdump",
}
"""Program that must be installed -> its Debian package. None of the packages starts a service."""
SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def install_missing() -> None:
    """Install the packages of missing programs.

    Raises:
        LabError: This is not root, or not Debian.
    """
    missing = sorted({package for program, package in NEEDED.items() if not shutil.which(program, path=SEARCH_PATH)})
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(f"the lab needs root on Debian to install: {', '.join(missing)}")
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with step(f"apt-get install {' '.join(missing)}"):
        if attempt(command, limit=900, environment=environment).returncode != 0:
            run(["apt-get", "update", "-qq"], limit=300)
            run(command, limit=900, environment=environment)


def mirror() -> str:
    """Return the address of the Debian archive in the machine's own apt sources.

    Raises:
        LabError: The sources have none.
    """
    folder = Path("/etc/apt")
    files = [folder / "sources.list", *sorted((folder / "sources.list.d").glob("*"))]
    texts = [(path.suffix, path.read_text(encoding="utf-8", errors="replace")) for path in files if path.is_file()]
    candidates = list(find_mirrors(texts))
    if not candidates:
        raise LabError(
            "no Debian archive in /etc/apt/sources.list or /etc/apt/sources.list.d: the lab's hosts are built from its packages"
        )
    return candidates[0]


def find_mirrors(texts: Iterable[tuple[str, str]]) -> Iterable[str]:
    """Yield the archive addresses in apt's source files, each given as (file suffix, text); reads both of apt's formats.

    A stanza counts when it is of type deb, has component main and names a plain Debian release, neither security nor updates.
    """
    for suffix, text in texts:
        if suffix == ".sources":
            stanzas = [_fields(stanza) for stanza in re.split(r"\n\s*\n", text)]
        else:
            stanzas = [fields for line in text.splitlines() if (fields := _one_line(line)) is not None]
        for fields in stanzas:
            if (
                "deb" in fields.get("types", [])
                and "main" in fields.get("components", [])
                and fields.get("uris")
                and any(_is_release(suite) for suite in fields.get("suites", []))
                and "no" not in fields.get("enabled", [])
            ):
                yield fields["uris"][0]


def _is_release(suite: str) -> bool:
    return suite in {"bookworm", "trixie", "forky", "duke", "sid", "stable", "oldstable", "testing", "unstable"}


def _fields(stanza: str) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    name = ""
    for line in stanza.splitlines():
        if line.startswith("#"):
            continue
        if line[:1].isspace() and name:
            fields[name] += line.split()
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.split()
    return fields


def _one_line(line: str) -> dict[str, list[str]] | None:
    words = re.sub(r"\[[^]]*\]", "", line.partition("#")[0]).split()
    if len(words) < 4:
        return None
    return {"types": words[:1], "uris": words[1:2], "suites": words[2:3], "components": words[3:]}
