"""How the capabilities of containers are spelled. Without pydantic: the plugin loads it at each `up`."""

from __future__ import annotations


def capability_name(written: str) -> str:
    """Return the name of a capability as the kernel's headers have it, without `CAP_`: its one spelling here."""
    return written.upper().removeprefix("CAP_")
