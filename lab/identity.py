"""The key with which the lab's client logs in to the hosts: one per cache, created once, never leaves this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lab.cache import entry
from lab.run import run

if TYPE_CHECKING:
    from pathlib import Path

    from lab.settings import Settings


def make_key(path: Path, comment: str) -> None:
    """Write an ed25519 key pair without passphrase to `path` and `path`.pub."""
    run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", path])


def client_key(settings: Settings) -> Path:
    """Return the client's private key; the public key is beside it as `.pub`."""

    def build(folder: Path) -> None:
        make_key(folder / "id_ed25519", "client of the ipvlan-fabric lab")

    return entry(settings.cache / "identity", build) / "id_ed25519"
