"""The table of compose's keys has a row for each key of the specification, and none for anything else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from ipvlan.config.compose.row import Row
from ipvlan.config.compose.table import ROWS, SPECIFICATION, row_of, service_row, top_row
from ipvlan.config.models import ContainerSettings, Healthcheck, RolloutConfig, ServiceConfig
from ipvlan.config.types.base import Model

KEYS_FILE: Final = Path(__file__).with_name("keys.txt")
LINES: Final = KEYS_FILE.read_text(encoding="utf-8").splitlines()
KEYS: Final = [line for line in LINES if not line.startswith("#")]
"""Every key of the specification."""

NESTED: Final[Mapping[str, type[Model]]] = {"healthcheck": Healthcheck, "rollout": RolloutConfig}


def ours_exists(key: str) -> bool:
    """Return whether a service has the key; one of a mapping of people's names counts with the mapping."""
    head, _, rest = key.partition(".")
    if head not in ServiceConfig.model_fields:
        return False
    return not rest or head not in NESTED or rest in NESTED[head].model_fields


def test_the_keys_are_those_of_the_version_that_the_table_names() -> None:
    """The list of keys says which version of the specification it is from."""
    assert any(SPECIFICATION in line for line in LINES if line.startswith("#"))
    assert len(KEYS) == len(set(KEYS)) > 700


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_a_row(key: str) -> None:
    """A key of the specification without a row, itself or one above it that speaks for it, fails here."""
    assert row_of(key) is not None


def test_every_row_is_a_key() -> None:
    """No row is of a key that the specification does not have (any more)."""
    assert set(ROWS) - set(KEYS) == set()


@pytest.mark.parametrize("row", ROWS.values(), ids=lambda row: row.path)
def test_a_row_says_what_to_do(row: Row) -> None:
    """What is not the same has a text, which is one clause; what is the same is called the same."""
    assert row.text or row.kind == "same"
    assert not row.text.endswith(".")
    assert row.text == row.text.strip()
    if row.kind in ("unneeded", "absent"):
        assert row.ours == ()
    elif row.path.startswith("services.*."):
        assert row.ours


def test_our_keys_exist() -> None:
    """What a row names as our key is a key of a service."""
    named = {key for row in ROWS.values() for key in row.ours}
    assert {key for key in named if not ours_exists(key.replace(".*", ""))} == set()


def test_our_own_keys_are_not_compose_s_by_another_meaning() -> None:
    """A key that a service has here and in compose is called the same in the table."""
    for key in ContainerSettings.model_fields:
        row = service_row(key)
        assert row is None or row.kind == "same", key


def test_rows_are_found_by_the_key_alone() -> None:
    """For an error: of a service, of what is below a key of it, and of the top."""
    assert service_row("depends_on") == ROWS["services.*.depends_on"]
    assert service_row("healthcheck.disable") == ROWS["services.*.healthcheck.disable"]
    assert service_row("publish") is None
    assert top_row("networks") == ROWS["networks"]
    assert top_row("services") is None
    assert top_row("networks.*.name") is None
