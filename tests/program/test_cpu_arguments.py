"""A limit of CPU time reaches the docker provider in a form that it reads back unchanged."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.cpu_arguments import cpu_arguments


def as_the_provider_reads(nano: int) -> str:
    """Return nanoInt64ToDecimalString of helpers.go (4.5.0) by its own words: nine decimals, or one where there are nine zeros."""
    text = f"{nano // 10**9}.{nano % 10**9:09d}"
    if text.count("0") == 9:
        tenths = (2 * nano + 10**8) // (2 * 10**8)
        return f"{tenths // 10}.{tenths % 10}"
    return text.rstrip("0")


@pytest.mark.parametrize(
    ("cpus", "expected"),
    [
        ("1.50", {"cpus": "1.5"}),
        ("2", {"cpus": "2.0"}),
        ("0.5", {"cpus": "0.5"}),
        ("0.25", {"cpus": "0.25"}),
        ("10", {"cpus": "10."}),
        ("1.05", {"cpus": "1.05"}),
        ("0.05", {"cpu_period": 100_000, "cpu_quota": 5_000}),
        ("0.01", {"cpu_period": 100_000, "cpu_quota": 1_000}),
        ("10.01", {"cpu_period": 100_000, "cpu_quota": 1_001_000}),
        ("0", {}),
    ],
)
def test_the_form(cpus: str, expected: dict[str, object]) -> None:
    """The provider's own text; a quota where it would read another number."""
    assert cpu_arguments(Decimal(cpus)) == expected


def test_no_limit() -> None:
    """Without a value there is no argument."""
    assert cpu_arguments(None) == {}


@given(st.integers(min_value=10**7, max_value=8192 * 10**9))
def test_nothing_is_read_back_otherwise(nano: int) -> None:
    """The text is the provider's own, with the exact value; or the quota is the one that Docker itself would compute."""
    arguments = cpu_arguments(Decimal(nano) / 10**9)
    if "cpus" in arguments:
        assert arguments["cpus"] == as_the_provider_reads(nano)
        assert Fraction(arguments["cpus"]) == Fraction(nano, 10**9)
    else:
        assert arguments == {"cpu_period": 100_000, "cpu_quota": nano * 100_000 // 10**9}
        assert Fraction(as_the_provider_reads(nano)) != Fraction(nano, 10**9)
