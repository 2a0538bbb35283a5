"""Which values a message may repeat: people put secrets into `environment` by mistake, and messages go to logs that many read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ipvlan.problems import shorten

HIDDEN: Final = ("environment", "secret_environment", "driver_opts", "secret_driver_opts")
"""Keys whose values no message repeats."""

OF_FILES: Final = ("secret", "secrets")
"""Keys of a file whose values no message repeats: names of secrets, in the place of which people write the secret itself."""

HIDDEN_INSIDE: Final = (*HIDDEN, *OF_FILES, "driver_config", "labels", "options")
"""Keys with which no message repeats a mapping: of a volume's driver, or of one of its clients."""

OF_NAMES: Final = ("labels", "log_opts", "storage_opt")
"""Keys whose value is a mapping of names to texts. Of a list or a text in its place nothing is repeated: `NAME=SECRET` is in it."""

NOT_SHOWN: Final = "(not shown)"

_MOST_LOOKED_AT: Final = 1000
"""Values; of a larger mapping or list nothing is shown."""


def shown(value: object) -> str:
    """Return a value of the config for a message, shortened; `(not shown)` where a hidden key is in it."""
    return NOT_SHOWN if _has_hidden(value) else shorten(value)


def _has_hidden(value: object) -> bool:
    waiting: list[object] = [value]
    seen = 0
    while waiting:
        seen += 1
        if seen > _MOST_LOOKED_AT:
            return True
        one = waiting.pop()
        if isinstance(one, Mapping):
            if any(key in HIDDEN_INSIDE for key in one):
                return True
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        elif isinstance(one, str) and any(key in one for key in HIDDEN):
            # A mapping that was written as text.
            return True
    return False
