"""The plain-Python half of ipvlan-fabric: config, plan and the `ipvlan` command; nothing here imports pulumi."""

from typing import Final

PROJECT: Final = "ipvlan-fabric"
"""The Pulumi project's name, which is the namespace of its config keys."""
