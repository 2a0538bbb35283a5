"""What is wrong with an address, a subnet, a range or a slice, and a fix that can be written at that key."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from ipvlan.config.types.addresses import AddressRange, parse_range
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tools.reference_setup import changed


def pickled(value: Any) -> Any:
    """Return what pickle makes of the value."""
    return pickle.loads(pickle.dumps(value))  # noqa: S301  # our own


SLICE, DYNAMIC = "hosts.docker-1.slice", "hosts.docker-1.dynamic"


def problem_of(key: str, value: Any) -> Problem:
    """Return the one problem of the reference setup with another value at the key."""
    with pytest.raises(ConfigError) as raised:
        parse(changed({key: value}))
    [problem] = raised.value.problems
    return problem


@pytest.mark.parametrize(
    ("key", "value", "code", "fix"),
    [
        (DYNAMIC, "10.1.1.100-10.1.1.199", "IPF115", "write a subnet, such as 10.1.1.128/26"),
        ("fabric.subnet", "10.1.0.1-10.1.0.254", "IPF115", "write a subnet, such as 10.1.0.0/24"),
        ("fabric.subnet", "10.1.0.7", "IPF115", "write ADDRESS/LENGTH, for example 10.1.0.0/24"),
        ("fabric.subnet", "ten", "IPF115", "write ADDRESS/LENGTH, as in 10.1.0.0/16"),
        (DYNAMIC, "10.1.1.9-10.1.1.2", "IPF115", "write a subnet, such as 10.1.1.4/30"),
        (DYNAMIC, "10.1.1.0/25, 10.1.1.128/25", "IPF116", "write one subnet: 10.1.1.0/25"),
        (SLICE, "10.1.1.7, 10.1.1.9", "IPF113", "write a list: [10.1.1.7, 10.1.1.9]"),
        (SLICE, "10.1.1.0/25, 10.1.1.128/25", "IPF113", "write a list: [10.1.1.0/25, 10.1.1.128/25]"),
        (SLICE, "10.1.1.7 10.1.1.9", "IPF113", "write a list: [10.1.1.7, 10.1.1.9]"),
        ("fabric.reserved", ["10.1.9.1, 10.1.9.2-10.1.9.4"], "IPF113", "write a list: [10.1.9.1, 10.1.9.2-10.1.9.4]"),
        (SLICE, "10.1.1.50-0059", "IPF113", "write four"),
        (SLICE, "10.1.1.50-59", "IPF113", "write both addresses in full: 10.1.1.50-10.1.1.59"),
        ("fabric.dns", ["1.1.1.1, 8.8.8.8"], "IPF113", "write each address as an entry of its own"),
    ],
)
def test_the_fix_fits_the_key(key: str, value: Any, code: str, fix: str) -> None:
    """A range where only a subnet is possible, and several values in one string, are named as what they are."""
    problem = problem_of(key, value)
    assert problem.code == code
    assert problem.fix.startswith(fix)


@pytest.mark.parametrize(("key", "value"), [(SLICE, [None]), ("fabric.reserved", [None]), ("fabric.dns", [None])])
def test_an_empty_entry(key: str, value: Any) -> None:
    """What is empty needs a value or no entry; quotes would make it an empty string."""
    problem = problem_of(key, value)
    assert problem.code == "IPF111"
    assert "quotes" not in problem.fix
    assert "YAML" not in problem.effect


def test_a_range_with_blanks_is_one_range() -> None:
    """Blanks around the dash do not make a list of a range."""
    assert len(parse(changed({SLICE: "10.1.1.0 - 10.1.1.9"})).hosts["docker-1"].slice) == 1


@pytest.mark.parametrize("text", ["10.1.9.9", "10.1.9.1-10.1.9.20", "10.1.9.0/24"])
@pytest.mark.parametrize(
    "again",
    [copy.copy, copy.deepcopy, pickled],
    ids=["copy", "deepcopy", "pickle"],
)
def test_a_range_survives_a_copy(text: str, again: Callable[[AddressRange], AddressRange]) -> None:
    """A copied range has its addresses and is shown as the config writes it."""
    original = parse_range(text)
    copied = again(original)
    assert (type(copied), str(copied), copied) == (AddressRange, text, original)


def test_a_config_survives_a_copy() -> None:
    """A copied config has every address, subnet and range of the original."""
    config = parse(changed({SLICE: ["10.1.1.0/25", "10.1.1.130-10.1.1.139"], "fabric.reserved": ["10.1.9.9"]}))
    for copied in (copy.deepcopy(config), config.model_copy(deep=True), pickled(config)):
        assert copied == config
        assert str(copied.hosts["docker-1"].slice[1]) == "10.1.1.130-10.1.1.139"
