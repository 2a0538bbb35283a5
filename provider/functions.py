"""The table of the functions that a program can call in the plugin (`pulumi.runtime.invoke`), by token.

A preview contacts no host, so what a function does on hosts it does in an `up` only: the caller decides that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ipvlan.plan.resource_names import LOCK_FUNCTION
from provider.host_locks import lock_hosts
from provider.resource import Operation, Properties

Function = Callable[[Properties, Operation], Properties]
"""Takes the arguments and returns the result, both as JSON has them. Raises UserError for what a person can fix."""

FUNCTIONS: Final[dict[str, Function]] = {LOCK_FUNCTION: lock_hosts}
"""Token, such as `ipvlan-fabric:index:lockHosts` -> the function."""
