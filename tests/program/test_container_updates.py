"""The components follow the table of what a changed setting does."""

from __future__ import annotations

from components.container_settings import replace_on_changes
from ipvlan.config.models import ContainerSettings


def test_the_components_replace_what_the_provider_would_update() -> None:
    """`replace_on_changes` has each argument that the provider updates without effect, a limit only while it is unset."""
    assert set(replace_on_changes(ContainerSettings())) == {
        *("healthcheck", "init", "tmpfs", "memory", "cpuShares", "#initerror")
    }
    assert set(replace_on_changes(ContainerSettings(memory="64m", cpu_shares=2))) == {
        *("healthcheck", "init", "tmpfs", "#initerror")
    }
