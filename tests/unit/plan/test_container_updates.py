"""The table of what a changed setting does has every setting."""

from __future__ import annotations

from collections import Counter

import pytest

from ipvlan.config.models import ContainerSettings
from ipvlan.plan.container_updates import (
    BY_SETTING,
    UPDATES,
    Update,
    changed_arguments,
    replaced_by,
    replacing_arguments,
    unseen_changes,
)


def test_every_setting_is_in_the_table_once() -> None:
    """The rows are exactly the fields of ContainerSettings."""
    assert Counter(row.setting for row in UPDATES) == Counter(dict.fromkeys(ContainerSettings.model_fields, 1))


def test_a_limit_is_updated_and_its_removal_replaces() -> None:
    """Docker changes a limit on a running container and removes none; 0 is no limit."""
    memory = BY_SETTING["memory"]
    assert memory.update is Update.REPLACES_WHEN_UNSET
    assert [memory.replaces(value) for value in (2**26, 0, None)] == [False, True, True]


ARGUMENTS = {"image": "nginx:1", "memory": 64.0, "cpuShares": 512.0, "restart": "always", "labels": [1], "ports": [80]}


@pytest.mark.parametrize(
    ("changes", "replaces"),
    [
        ({}, False),
        ({"image": "nginx:2"}, True),
        ({"command": ["nginx"]}, True),
        ({"healthcheck": {"tests": ["NONE"]}}, True),
        ({"memory": 128.0}, False),
        ({"memory": None}, True),
        ({"memory": 0.0}, True),
        ({"cpuShares": 2.0}, False),
        ({"cpuShares": None}, True),
        ({"memorySwap": 128.0}, False),
        ({"memoryReservation": 32.0}, False),
        ({"cpuSet": "0"}, False),
        ({"cpus": "0.5"}, True),
        ({"cpuQuota": 5000.0, "cpuPeriod": 100000.0}, True),
        ({"restart": "no"}, False),
        ({"restart": "on-failure", "maxRetryCount": 3.0}, False),
        ({"destroyGraceSeconds": 30.0}, False),
        ({"labels": [], "ports": []}, False),
        ({"memory": 128.0, "image": "nginx:2"}, True),
    ],
)
def test_what_replaces_a_container_that_is_there(changes: dict[str, object], replaces: bool) -> None:
    """The docker provider's arguments decide; labels and ports are left out of both."""
    after = {key: value for key, value in {**ARGUMENTS, **changes}.items() if value is not None}
    assert replaced_by(ARGUMENTS, after) is replaces
    assert changed_arguments(ARGUMENTS, after) == changes.keys() - {"labels", "ports"}


@pytest.mark.parametrize("limits", [{}, {"memory": "64m"}, {"cpu_shares": 2}, {"memory": "64m", "cpu_shares": 2}])
def test_it_agrees_with_what_the_components_tell_the_engine(limits: dict[str, object]) -> None:
    """An argument whose change the engine turns into a replacement is one that is prepared for, and the other way round."""
    forced = replacing_arguments(ContainerSettings.model_validate(limits))
    values = {"memory": 64.0 if "memory" in limits else 0.0, "cpuShares": 2.0 if "cpu_shares" in limits else 0.0}
    for name in ("memory", "cpuShares", "healthcheck", "init", "mounts", "tmpfs"):
        after = {name: values.get(name, "new")}
        assert replaced_by({name: 1.0}, after) is (name in forced), name


@pytest.mark.parametrize(
    ("before", "after", "changed"),
    [
        ({"envs": ["A=1", "B=2"]}, {"envs": ["B=2", "A=1"]}, False),
        ({"envs": ["A=1", "B=2"]}, {"envs": ["A=1"]}, True),
        (
            {"hosts": [{"host": "a", "ip": "1"}, {"host": "b", "ip": "2"}]},
            {"hosts": [{"host": "b", "ip": "2"}, {"host": "a", "ip": "1"}]},
            False,
        ),
        ({"groupAdds": ["1", "2"], "dnsOpts": ["a", "b"]}, {"groupAdds": ["2", "1"], "dnsOpts": ["b", "a"]}, False),
        (
            {"healthcheck": {"tests": ["NONE"], "interval": "90s"}},
            {"healthcheck": {"tests": ["NONE"], "interval": "1m30s"}},
            False,
        ),
        (
            {"healthcheck": {"tests": ["NONE"], "interval": "90s"}},
            {"healthcheck": {"tests": ["NONE"], "interval": "1m31s"}},
            True,
        ),
        # Earlier versions gave an empty text, which is none to the provider.
        ({"hostname": ""}, {}, False),
        ({"hostname": "a"}, {}, True),
        *(
            ({name: [{"a": 1}, {"b": 2}]}, {name: [{"b": 2}, {"a": 1}]}, False)
            for name in ("mounts", "deviceRequests", "deviceCgroupRules")
        ),
        ({"mounts": [{"a": 1}]}, {"mounts": [{"a": 2}]}, True),
        # The order of keys comes from a map of Go.
        (
            {"mounts": [{"a": 1, "b": 4}, {"a": 2, "b": 3}]},
            {"mounts": [{"b": 4, "a": 1}, {"a": 2, "b": 3}]},
            False,
        ),
        ({"capabilities": {"adds": ["A", "B"]}}, {"capabilities": {"adds": ["B", "A"]}}, False),
        ({"capabilities": {"adds": ["A"]}}, {"capabilities": {"adds": ["A"], "drops": ["B"]}}, True),
        (
            {"capabilities": {"adds": ["mknod", "ALL"], "drops": []}},
            {"capabilities": {"adds": ["CAP_MKNOD", "all"]}},
            False,
        ),
        # Nothing of it is known in a preview.
        ({"capabilities": {"adds": ["A"]}}, {"capabilities": {"adds": ["A"], "drops": object()}}, True),
        # A list: its order says something.
        ({"command": ["a", "b"]}, {"command": ["b", "a"]}, True),
    ],
)
def test_the_order_of_a_set_is_no_change(before: dict[str, object], after: dict[str, object], changed: bool) -> None:
    """The docker provider has sets where Pulumi has lists."""
    assert bool(changed_arguments(before, after)) is changed
    assert replaced_by(before, after) is changed


def test_what_the_stack_ignores_is_a_change_that_the_provider_does_not_see() -> None:
    """Another capability replaces the container by the trigger; another spelling of the same one does not."""
    before = {"capabilities": {"adds": ["MKNOD"], "drops": []}}
    assert unseen_changes(before, {"capabilities": {"adds": ["CAP_MKNOD"], "drops": []}}) == set()
    assert unseen_changes(before, {"capabilities": {"adds": ["SYS_TIME"], "drops": []}}) == {"capabilities"}
    assert unseen_changes(before, {}) == {"capabilities"}
    assert unseen_changes({"user": "a"}, {}) == {"user"}
