"""The texts of what pydantic finds, as problems of the config.

Out of scope: the texts of our own types, which their validators bring along (`ipvlan.config.types`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from pydantic import ValidationError

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.meant import FILES_CHANGE, meant
from ipvlan.config.models import FabricConfig, ServiceConfig
from ipvlan.config.nested_keys import OF_ENDPOINT, OF_FILE, fields_at
from ipvlan.config.shown_values import HIDDEN, NOT_SHOWN, OF_FILES, OF_NAMES, shown
from ipvlan.config.types.base import ERROR_TYPE, FORMS, NO_STRING, Model
from ipvlan.config.types.ipv6 import IPV4_ONLY, is_ipv6, is_ipv6_key
from ipvlan.problems import MOST_SHOWN, Problem, shorten

if TYPE_CHECKING:
    from ipvlan.config.compose.row import Row


class Wording(NamedTuple):
    """The texts for one kind of error; the names in braces are pydantic's."""

    code: str
    problem: str
    effect: str
    fix: str


_MAPPING: Final = Wording(
    "IPF102", "this is not a mapping", "none of its keys would be read", "write KEY: value lines below it, indented"
)

WORDINGS: Final[Mapping[str, Wording]] = {
    "missing": Wording("IPF101", "it is missing", "nothing can be planned without it", "add the line"),
    "model_type": _MAPPING,
    "mapping_type": _MAPPING,
    "dict_type": _MAPPING,
    "tuple_type": Wording(
        "IPF103", "this is not a list", "the end of each entry is unclear", "write a list: [first, second]"
    ),
    "bool_type": Wording(
        "IPF104",
        "this is neither true nor false",
        "readers of YAML do not agree on what it means",
        "write true or false, without quotes",
    ),
    "int_type": Wording(
        "IPF105", "this is not a whole number", "the hosts would get another value", "write a number, without quotes"
    ),
    "greater_than_equal": Wording(
        "IPF106", "the number is too small", "Docker or ssh would refuse it", "write {ge} or more"
    ),
    "less_than_equal": Wording(
        "IPF107", "the number is too large", "Docker or ssh would refuse it", "write {le} or less"
    ),
    "literal_error": Wording("IPF108", "there is no such value", "Docker would refuse it", "write {expected}"),
}
"""Type of a pydantic error -> its wording."""

_OF_FORM: Final = ("model_type", "mapping_type", "dict_type", "bool_type")
"""Types of errors that say that a value has another form than its key takes."""


def entries_of(error: ValidationError) -> list[Mapping[str, Any]]:
    """Return what pydantic found, entry by entry."""
    return [cast(Mapping[str, Any], entry) for entry in error.errors(include_url=False)]


def problem_of(kind: type[Model], entry: Mapping[str, Any], path: str) -> Problem:
    """Return the problem behind one entry of `ValidationError.errors()` of the model `kind`, whose key path is `path`."""
    location = [part for part in entry["loc"] if part != "[key]" and part not in FORMS]
    if location and location[0] in HIDDEN:
        # `NAME=VALUE`, as compose writes it, is a key here.
        location = [part.partition("=")[0] if isinstance(part, str) else part for part in location]
    key = path + "".join(f"[{part}]" if isinstance(part, int) else f".{shorten(part)}" for part in location)
    if entry["type"] == "extra_forbidden":
        return _unknown_key(kind, key, location)
    value = "" if entry["type"] == "missing" else shown(entry["input"])
    as_list = len(location) == 1 and location[0] in OF_NAMES and not isinstance(entry["input"], Mapping)
    of_file = len(location) > 2 and location[0] == "files" and location[2] in OF_FILES
    if value and location and (location[0] in HIDDEN or as_list or of_file):
        value = NOT_SHOWN
    code, problem, effect, fix = _wording(entry)
    if entry["type"] in _OF_FORM or code == NO_STRING:
        fix = meant(kind, location, entry["input"]) or fix
    elif kind is ServiceConfig and location == ["files_change"]:
        effect, fix = FILES_CHANGE["effect"], FILES_CHANGE["fix"]
    return Problem(code=code, key=key, value=value, problem=problem, effect=effect, fix=fix)


def _wording(entry: Mapping[str, Any]) -> Wording:
    context: Mapping[str, Any] = entry.get("ctx", {})
    if entry["type"] == ERROR_TYPE:
        return Wording(**context)
    if entry["type"] not in WORDINGS:
        return Wording(
            "IPF110", str(entry["msg"]), "Docker or Pulumi would refuse it", "docs/config.md says what is allowed"
        )
    wording = WORDINGS[entry["type"]]
    return wording._replace(fix=wording.fix.format(**context))


def _unknown_key(kind: type[Model], key: str, location: list[Any]) -> Problem:
    if is_ipv6_key(str(location[-1])[:100]) or is_ipv6(str(location[-1])[:100]):
        on_a_bridge = kind is BridgeConfig or (kind is ServiceConfig and location[0] == "bridges")
        return _ipv6_key(key, "a bridge" if on_a_bridge else "the fabric")
    below = _below(kind, location)
    row = None if below else _row(kind, location)
    # What is spelt as compose spells it is no slip of the keyboard.
    guess = row is None and not below
    near = get_close_matches(str(location[-1])[:100], fields_at(kind, location), n=1) if guess else []
    return Problem(
        code="IPF109",
        key=key,
        value="",
        problem="there is no such key",
        effect="it would be ignored, and what you meant by it would not happen",
        fix=below
        or _of_compose(row)
        or (f"did you mean {near[0]}?" if near else "remove it; docs/config.md lists the keys"),
    )


def _below(kind: type[Model], location: list[Any]) -> str:
    """Return what a key of compose is at a file, at a bridge, or at a service's connection to one; empty where this is none."""
    # Only here: most files have no unknown key.
    from ipvlan.config.compose.top_rows import NOT_ON_A_BRIDGE, OF_THE_FABRIC  # noqa: PLC0415

    if kind is BridgeConfig and len(location) == 1 and location[0] in OF_THE_FABRIC:
        return NOT_ON_A_BRIDGE
    if kind is not ServiceConfig or len(location) != 3:
        return ""
    return {"files": OF_FILE, "bridges": OF_ENDPOINT}.get(location[0], {}).get(str(location[2]), "")


def _row(kind: type[Model], location: list[Any]) -> Row | None:
    """Return what the table of compose's keys has on a key of a model; the fabric and bridges are what networks are in compose."""
    # Only here: most files have no unknown key.
    from ipvlan.config.compose.table import row_of, service_row  # noqa: PLC0415

    key = ".".join(map(str, location))
    if kind is ServiceConfig and location[0] == "bridges" and len(location) == 3:
        return row_of(f"services.*.networks.*.{location[2]}")
    if key.rpartition(".")[2].startswith("x-"):
        return row_of("x-*")
    if kind in (FabricConfig, BridgeConfig):
        return row_of(f"networks.*.{key}") or row_of(f"networks.*.ipam.config.{key}")
    return service_row(key) if kind is ServiceConfig else None


def _top_row(key: str) -> Row | None:
    from ipvlan.config.compose.table import row_of, top_row  # noqa: PLC0415  # as above

    return row_of("x-*") if key.startswith("x-") else top_row(key)


def _of_compose(row: Row | None) -> str:
    """Return what a key of compose is here; empty where it is none, or is called the same and only misplaced."""
    if row is None or row.kind == "same":
        return ""
    return f"{'' if row.kind == 'other' else 'remove it: '}{row.text} (docs/compose.md)"


def _ipv6_key(key: str, network: str = "the fabric") -> Problem:
    return Problem(
        code="IPF171",
        key=key,
        value="",
        problem=f"there is no such key, since {network} has no IPv6",
        effect=f"no container would get an IPv6 address on {network}",
        fix=f"remove it: {IPV4_ONLY}",
    )


def unknown_sections(raw: Mapping[str, object], known: Collection[str], prefix: str, what: str) -> Iterator[Problem]:
    """Yield a problem for each key at the top that is not among the `known`, which are called `what` in the text."""
    for key in islice((key for key in raw if key not in known), MOST_SHOWN + 1):
        if is_ipv6_key(str(key)[:100]):
            yield _ipv6_key(f"{prefix}{shorten(key)}")
        else:
            near = get_close_matches(str(key)[:100], list(known), n=1)
            yield Problem(
                code="IPF016",
                key=f"{prefix}{shorten(key)}",
                value="",
                problem="there is no such section",
                effect="it would be ignored, and what you meant by it would not happen",
                fix=_of_compose(_top_row(str(key)))
                or (f"did you mean {near[0]}?" if near else f"remove it; the {what} are {', '.join(known)}"),
            )
