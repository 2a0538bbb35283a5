"""The components follow the table of what a changed setting does."""

from __future__ import annotations

from components.container_settings import replace_on_changes
from ipvlan.config.models import ContainerSettings


def test_the_components_replace_what_the_provider_would_update() -> None:
    """`replace_on_changes` has each argument that the provider updates without effect, a limit only while it is unset."""
    assert set(replace_on_changes(ContainerSettings(), restored=False)) == {
        *("healthcheck", "init", "mounts", "tmpfs", "cpuQuota", "#initerror"),
        *("memory", "memoryReservation", "cpuShares", "cpuSet"),
    }
    limits = ContainerSettings(memory="64m", memory_reservation="32m", cpu_shares=2, cpuset="0")
    assert set(replace_on_changes(limits, restored=False)) == {
        *("healthcheck", "init", "mounts", "tmpfs", "cpuQuota", "#initerror")
    }


def test_a_place_that_had_a_container_keeps_one_that_did_not_start() -> None:
    """The previous one runs again there: the same once more would interrupt it for nothing."""
    assert "#initerror" not in replace_on_changes(ContainerSettings(), restored=True)
