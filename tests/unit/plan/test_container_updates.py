"""The table of what a changed setting does has every setting."""

from __future__ import annotations

from collections import Counter

from ipvlan.config.models import ContainerSettings
from ipvlan.plan.container_updates import BY_SETTING, UPDATES, Update


def test_every_setting_is_in_the_table_once() -> None:
    """The rows are exactly the fields of ContainerSettings."""
    assert Counter(row.setting for row in UPDATES) == Counter(dict.fromkeys(ContainerSettings.model_fields, 1))


def test_a_limit_is_updated_and_its_removal_replaces() -> None:
    """Docker changes a limit on a running container and removes none; 0 is no limit."""
    memory = BY_SETTING["memory"]
    assert memory.update is Update.REPLACES_WHEN_UNSET
    assert [memory.replaces(value) for value in (2**26, 0, None)] == [False, True, True]
