"""The type tokens of the components: part of every resource's identity in every state, so never changed."""

from typing import Final

PACKAGE: Final = "ipvlan-fabric"


def token(module: str, name: str) -> str:
    """Return the token `ipvlan-fabric:<module>:<name>`."""
    return f"{PACKAGE}:{module}:{name}"
