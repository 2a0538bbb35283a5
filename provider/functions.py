"""The table of the functions that a program can call in the plugin (`pulumi.runtime.invoke`), by token.

A preview contacts no host, so what a function does on hosts it does in an `up` only: the caller decides that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from provider.resource import Operation, Properties

Function = Callable[[Properties, Operation], Properties]
"""Takes the arguments and returns the result, both as JSON has them. Raises UserError for what a person can fix."""

FUNCTIONS: Final[dict[str, Function]] = {}
"""Token, such as `ipvlan-fabric:index:visitHosts` -> the function."""
