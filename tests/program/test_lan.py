"""The program on the LAN of its hosts: what it registers and exports."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tools.bad_input.lan import ON_LAN
from tools.reference_setup import changed

if TYPE_CHECKING:
    from tests.support.strict_monitor import Run


def test_exports_on_a_lan(run: Callable[..., Run]) -> None:
    """The stack exports the URLs at the containers' own addresses, and connects no container to a bridge."""
    result = run(changed(ON_LAN))
    assert result.exports["urls"] == {"nginx": ["http://192.168.140.34", "http://192.168.140.50"]}
    assert not [urn for urn in result.resources if "published" in urn]


def test_exports_of_internet_on_a_lan(run: Callable[..., Run]) -> None:
    """A container with the bridge for the internet has its URL at its own address too, and only there."""
    result = run(changed({**ON_LAN, "services.nginx.internet": True}))
    assert result.exports["urls"] == {"nginx": ["http://192.168.140.34", "http://192.168.140.50"]}
