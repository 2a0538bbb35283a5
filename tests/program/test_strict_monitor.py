"""The strict monitor itself: it refuses what the engine or a provider would refuse, and knows its SDK."""

from __future__ import annotations

from importlib.metadata import version

import pytest

from tests.support.strict_monitor import SDK_VERSION, StrictError, check_arguments


def test_the_sdk_is_the_one_whose_internals_are_used() -> None:
    """The monitor uses internals of one version of the SDK; with another one this test is the first to look at."""
    installed = version("pulumi")
    assert installed == SDK_VERSION, (
        f"tests/support/strict_monitor.py uses internals of the pulumi SDK {SDK_VERSION}, and {installed} is installed. "
        "Compare the internals that its docstring names in the two versions, fix the monitor, then set its SDK_VERSION."
    )


@pytest.mark.parametrize(
    ("inputs", "name"),
    [
        ({"networksAdvanced": [{"ipv4Adress": "10.1.1.1"}]}, "ipv4Adress"),
        ({"imag": "nginx"}, "imag"),
    ],
)
def test_a_misspelt_argument_is_refused(inputs: dict[str, object], name: str) -> None:
    """A name that the provider's SDK does not know is an error, at the top and nested."""
    with pytest.raises(StrictError, match=name):
        check_arguments("urn", "docker:index/container:Container", inputs)
