"""Labels replace nothing: what of them must replace a container is in its replacement trigger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.support.strict_monitor import Run

RunProgram = Callable[..., Run]


@pytest.mark.parametrize("change", [{"ports": ["8080:80"]}, {"labels": {"team": "web"}}])
def test_a_change_of_what_labels_carry_is_a_change_of_the_trigger(
    run: RunProgram, config: dict[str, Any], change: dict[str, Any]
) -> None:
    """Labels and ports are ignored by the engine, so a user's label and the planned ports are in the replacement trigger too."""
    before = run(config)
    config["services"]["nginx"].update(change)
    after = run(config)
    changed = {
        r.name
        for urn, r in after.resources.items()
        if r.replacement_trigger != before.resources[urn].replacement_trigger
    }
    assert changed == {"fabric-docker-1-nginx", "fabric-docker-2-nginx"}


def test_another_name_of_the_stack_changes_no_trigger(run: RunProgram, config: dict[str, Any]) -> None:
    """`pulumi stack rename` changes an ignored label and nothing else of a container or network."""
    before, after = run(config), run(config, stack="renamed")
    for name in ("fabric-docker-1-nginx", "fabric-docker-1-network"):
        old, new = before.named(name), after.named(name)
        assert old.replacement_trigger == new.replacement_trigger
        assert {key for key in new.inputs if new.inputs[key] != old.inputs[key]} == {"labels"}
        assert "labels" in new.ignore_changes
