"""What a person sees when an operation of a dynamic provider fails."""

from __future__ import annotations

import sys
import traceback
from typing import Any, Final

from ipvlan.hosts.errors import HostError

_WITH_TRACE: Final = traceback.format_exc


def make_errors_readable() -> None:
    """Make a host's failure one readable sentence.

    The SDK answers a failed operation with `traceback.format_exc()`. This is called in the provider's own process only, and
    the exceptions meant for people are printed there without their trace. Calling it again changes nothing.
    """
    traceback.format_exc = _readable


def _readable(*args: Any, **kwargs: Any) -> str:
    error = sys.exc_info()[1]
    return str(error) if isinstance(error, HostError) else _WITH_TRACE(*args, **kwargs)
