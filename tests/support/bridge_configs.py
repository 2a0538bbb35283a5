"""Draws valid stack configs with bridges, for property tests."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

from tests.support.configs import raw_configs


@st.composite
def raw_configs_with_bridges(draw: st.DrawFn) -> dict[str, Any]:
    """Return a valid config as plain mappings, in which some services are on bridges, and are all on the fabric."""
    raw = copy.deepcopy(draw(raw_configs()))
    raw["bridges"] = {
        f"{key}-net": {
            "internal": draw(st.booleans()),
            **draw(
                st.sampled_from(
                    [{}, {"subnet": f"172.31.{number}.0/24"}, {"name": f"shop_{key}"}, {"labels": {"team": key}}]
                )
            ),
        }
        for number, key in enumerate(("web", "data", "zone"))
    }
    for index, service in enumerate(raw["services"].values()):
        keys = draw(st.lists(st.sampled_from([*raw["bridges"]]), unique=True))
        if draw(st.booleans()):
            service["bridges"] = keys
        else:
            service["bridges"] = {
                key: draw(st.sampled_from([None, {"aliases": [f"service-number-{index}", "one-of-several"]}]))
                for key in keys
            }
    return raw


def without_the_fabric(service: dict[str, Any]) -> dict[str, Any]:
    """Return a service that is on a bridge alone."""
    rest = {key: value for key, value in service.items() if key not in ("offset", "addresses", "egress")}
    return {**rest, "fabric": False, "bridges": service["bridges"] or ["web-net"]}
