"""Says in the config's own words what pydantic found.

Owns the sentences for pydantic's error types; the types' own validators (`ipvlan.config.values`) bring theirs along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from ipvlan.config.models import Model
from ipvlan.problems import Problem, shorten

SENTENCES: Mapping[str, tuple[str, str, str]] = {
    "missing": ("it is missing", "nothing can be planned without it", "add the line"),
    "model_type": ("this is not a map", "none of its keys would be read", "write keys and values below it, indented"),
    "tuple_type": ("this is not a list", "it is unclear where one entry ends", "write a list: [first, second]"),
    "mapping_type": (
        "this is not a map",
        "none of its keys would be read",
        "write NAME: value lines below it, indented",
    ),
    "dict_type": ("this is not a map", "none of its keys would be read", "write NAME: value lines below it, indented"),
    "bool_type": (
        "this is neither true nor false",
        "readers of YAML do not agree on what it means",
        "write true or false, without quotes",
    ),
    "int_type": ("this is not a whole number", "the hosts would get another value", "write a number, without quotes"),
    "greater_than_equal": ("the number is too small", "Docker or ssh would refuse it", "write {ge} or more"),
    "less_than_equal": ("the number is too large", "Docker or ssh would refuse it", "write {le} or less"),
    "literal_error": ("there is no such value", "Docker would refuse it", "write {expected}"),
}

UNSHOWN = ("environment", "secret_environment")
"""Keys whose values no message repeats: people put secrets there by mistake."""


def problem_of(kind: type[Model], entry: Mapping[str, Any], path: str) -> Problem:
    """The problem behind one entry of `ValidationError.errors()` of the model `kind`, whose key path is `path`."""
    context: Mapping[str, Any] = entry.get("ctx", {})
    location = [part for part in entry["loc"] if part != "[key]"]
    key = path + "".join(f"[{part}]" if isinstance(part, int) else f".{shorten(part)}" for part in location)
    hidden = bool(location) and location[0] in UNSHOWN
    value = "" if entry["type"] in ("missing", "extra_forbidden") else shorten(entry["input"])
    if hidden and value:
        value = "(not shown)"
    if entry["type"] == "ipvlan":
        wrong, effect, fix = context["problem"], context["effect"], context["fix"]
    elif entry["type"] == "extra_forbidden":
        wrong = "there is no such key"
        effect = "it would be ignored, and what you meant by it would not happen"
        known = [*kind.model_fields]
        near = get_close_matches(str(location[-1])[:100], known, n=1) if len(location) == 1 else []
        fix = f"did you mean {near[0]}?" if near else "remove it; docs/config.md lists the keys"
    else:
        sentence = SENTENCES.get(entry["type"])
        if sentence is None:
            sentence = (str(entry["msg"]), "Docker or Pulumi would refuse it", "docs/config.md says what is allowed")
        if entry["type"] == "missing" and location[-1:] == ["slice"]:
            sentence = (*sentence[:2], "run `ipvlan allocate`, which writes the next free slice into the file")
        wrong, effect, fix = (part.format(**context) if "{" in part else part for part in sentence)
    return Problem(key=key, value=value, problem=wrong, effect=effect, fix=fix)


def unknown_keys(raw: Mapping[str, object], known: Collection[str], prefix: str, what: str) -> Iterator[Problem]:
    """Yield a problem for each key that is not among the `known`, which are called `what` in the text."""
    for key in raw:
        if key not in known:
            near = get_close_matches(str(key)[:100], list(known), n=1)
            yield Problem(
                key=f"{prefix}{shorten(key)}",
                value="",
                problem="there is no such key",
                effect="it would be ignored, and what you meant by it would not happen",
                fix=f"did you mean {near[0]}?" if near else f"remove it; the {what} are {', '.join(known)}",
            )
