"""Mutations of a stack's mappings and lists, and how they are written as a file again."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from random import Random
from typing import Any, Final

from ipvlan import PROJECT
from tools.fuzz.corpus import MODELS, Corpus
from tools.fuzz.values import COLLECTIONS, NUMBERS, RAWS, SETTINGS, TEXTS, Raw

_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_PREFIX: Final = f"{PROJECT}:"
Place = tuple[Any, Any]
"""A mapping or list, and one of its keys or indices."""


def mutate_tree(content: dict[str, Any], corpus: Corpus, rng: Random) -> None:
    """Change the content of a stack file in one to five places."""
    config = content.get("config")
    for _ in range(rng.choice((1, 1, 1, 1, 2, 2, 3, 5))):
        places = [*_places(content)]
        if not places:
            return
        kind = rng.randrange(16)
        if isinstance(config, dict) and kind > 7:
            _set_known_key(config, corpus, rng)
        elif isinstance(config, dict) and kind == 5:
            _many_entries(config, rng)
        elif kind == 2:
            _remove(rng.choice(places))
        elif kind == 3:
            _rename(*rng.choice(places), rng)
        elif kind == 4:
            (one, key), (other, other_key) = rng.choice(places), rng.choice(places)
            one[key], other[other_key] = copy.deepcopy(other[other_key]), copy.deepcopy(one[key])
        elif kind == 7:
            place, key = rng.choice(places)
            place[key] = rng.choice(([place[key]], {"a": place[key]}, [place[key]] * 3, str(place[key])))
        else:
            place, key = rng.choice(places)
            place[key] = nasty(rng)


def nasty(rng: Random) -> Any:
    """Return a value that is probably wrong."""
    return copy.deepcopy(rng.choice(rng.choice((TEXTS, TEXTS, NUMBERS, RAWS, COLLECTIONS, (None, True, False)))))


def _places(value: Any) -> Iterator[Place]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield value, key
        yield from _places(inner)


def _section(config: dict[str, Any], name: str) -> dict[str, Any] | None:
    section = config.get(_PREFIX + name)
    return section if isinstance(section, dict) else None


def _set_known_key(config: dict[str, Any], corpus: Corpus, rng: Random) -> None:
    """Give a key that exists a value: a good one, one of a known mistake, or a nasty one; or take it away."""
    name = rng.choice(("fabric", "hosts", "hosts", "services", "services", "services", "volumes", "bridges", "ssh"))
    section = _section(config, name)
    if section is None:
        section = config[_PREFIX + name] = {}
    entry = section
    if name in ("volumes", "bridges") and not section:
        section["data"] = {}
    if name in ("hosts", "services", "volumes", "bridges"):
        entries = [inner for inner in section.values() if isinstance(inner, dict)]
        if not entries:
            return
        entry = rng.choice(entries)
    key = rng.choice([*MODELS[name].model_fields])
    good, bad = SETTINGS.get(key, ()), corpus.values.get(key, ())
    kind = rng.randrange(12)
    if kind == 0 and key in entry:
        del entry[key]
    elif kind < 9 and good:
        entry[key] = copy.deepcopy(rng.choice(good))
    elif kind < 10 and bad:
        entry[key] = copy.deepcopy(rng.choice(bad))
    else:
        entry[key] = nasty(rng)
    if key in ("slice", "offset") and rng.random() < 0.5:
        # For `ipvlan allocate`.
        entry.pop(key, None)


def _many_entries(config: dict[str, Any], rng: Random) -> None:
    """Copy a host or a service under further names, with values of their own where these must differ."""
    name = rng.choice(("hosts", "services"))
    section = _section(config, name)
    if not section:
        return
    original = rng.choice([*section.values()])
    for number in range(rng.choice((1, 2, 5, 39))):
        entry = copy.deepcopy(original)
        if isinstance(entry, dict):
            if name == "hosts":
                entry |= {"address": f"192.168.141.{number + 1}", "slice": f"10.1.{100 + number}.0/24"}
            else:
                entry["offset"] = 100 + number
                if rng.random() < 0.7:
                    entry.pop("ports", None)
                    entry.pop("published", None)
            if rng.random() < 0.3:
                entry.pop("slice" if name == "hosts" else "offset", None)
        section[f"{rng.choice(('more', 'm', 'x_'))}-{number}"] = entry


def _remove(place: Place) -> None:
    container, key = place
    del container[key]


def _rename(place: Any, key: Any, rng: Random) -> None:
    if isinstance(place, dict):
        others = [*place, *TEXTS, *MODELS, "docker-1", "nginx", "common", "slice"]
        place[str(rng.choice(others))] = place.pop(key)
    else:
        place.append(copy.deepcopy(place[key]))


def as_text(content: dict[str, Any], rng: Random) -> str:
    """Return the content as YAML, in one of the styles: block, flow, or sections as JSON, which is YAML."""
    if rng.random() < 0.1 or not isinstance(content.get("config"), dict):
        return "".join(_block(content, 0, rng))
    rest = {key: value for key, value in content.items() if key != "config"}
    lines = [*_block(rest, 0, rng), "config:\n"]
    for key, value in content["config"].items():
        style = rng.randrange(6)
        if style == 0:
            lines += _block({key: value}, 2, rng)
        elif style == 1 or str(key).removeprefix(_PREFIX) not in MODELS or not isinstance(value, dict | list):
            lines.append(f"  {_flow(str(key), rng)}: {_flow(value, rng)}\n")
        else:
            lines.append(f"  {_flow(str(key), rng)}: {_flow(value, rng, as_json=True)}\n")
    return "".join(lines)


def _block(value: dict[str, Any], indent: int, rng: Random) -> Iterator[str]:
    for key, inner in value.items():
        for _ in range(1 if rng.random() > 0.002 else 2):
            yield f"{' ' * indent}{_flow(str(key), rng)}:"
            if isinstance(inner, dict) and inner and indent < 12:
                yield "\n"
                yield from _block(inner, indent + 2, rng)
            else:
                yield f" {_flow(inner, rng)}\n"


def _flow(value: Any, rng: Random, *, as_json: bool = False) -> str:
    if isinstance(value, Raw):
        return value
    if isinstance(value, dict):
        entries = [
            f"{_flow(str(key), rng, as_json=as_json)}: {_flow(inner, rng, as_json=as_json)}"
            for key, inner in value.items()
        ]
        if entries and rng.random() < 0.002:
            entries.append(rng.choice(entries))
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(inner, rng, as_json=as_json) for inner in value) + "]"
    if isinstance(value, str) and not as_json and _PLAIN.fullmatch(value) and rng.random() < 0.8:
        return value
    return json.dumps(value, ensure_ascii=rng.random() < 0.8)
