"""The form of a row of the table of compose's keys (`ipvlan.config.compose.table`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["same", "other", "unneeded", "absent"]
"""`same`: a key of the same name here. `other`: another key, or another form. `unneeded`: nothing has to be written.
`absent`: no key here does it."""


@dataclass(frozen=True, slots=True)
class Row:
    """One key of the compose specification, and what it is here."""

    path: str
    """Keys from the top of a compose file, joined by dots; `*` is a name that people choose."""
    kind: Kind
    ours: tuple[str, ...]
    """Keys of a service here, such as `after` or `healthcheck.test`; none where `kind` is `unneeded` or `absent`."""
    text: str
    """What to write instead, or why there is no such key: the end of an error's text, one clause, lower case. Of a key that is the
    same it may be empty."""
    with_below: bool = False
    """Whether the row speaks for the keys below it too."""

    @property
    def key(self) -> str:
        """The key's own name."""
        return self.path.rpartition(".")[2]


def same(path: str, text: str = "") -> Row:
    """Return the row of a key that has the same name here."""
    return Row(path, "same", (path.removeprefix("services.*."),), text)


def other(path: str, ours: str, text: str) -> Row:
    """Return the row of a key that is another one here; several are joined by a blank."""
    return Row(path, "other", tuple(ours.split()), text)


def unneeded(path: str, text: str, *, with_below: bool = False) -> Row:
    """Return the row of a key that needs nothing here."""
    return Row(path, "unneeded", (), text, with_below)


def absent(path: str, text: str, *, with_below: bool = False) -> Row:
    """Return the row of a key that nothing here does, or that something else than a key does."""
    return Row(path, "absent", (), text, with_below)
