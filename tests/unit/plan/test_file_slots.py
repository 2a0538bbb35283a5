"""Slots: the names of what is mounted of a container's files."""

from __future__ import annotations

from typing import Any

from ipvlan.plan.files import FilePlan


def test_a_file_and_a_folder_of_one_target_have_slots_of_their_own() -> None:
    """`/etc/app` that becomes `/etc/app/` is another mount: the container is replaced, and the new one is rehearsed before."""
    common: dict[str, Any] = {
        "source": None, "content": b"", "secrets": {}, "whole_secret": None, "owner": "0:0", "mode": "0444",
    }  # fmt: skip
    alone = FilePlan(target="/etc/app", folder=None, **common)
    inside = FilePlan(target="/etc/app/a", folder="/etc/app", **common)
    assert alone.mount_target == inside.mount_target
    assert alone.slot != inside.slot
