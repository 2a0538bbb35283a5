"""Read the JSON document of `pulumi preview --json`, and list what changes, resource by resource.

Responsible for the format of that document. Inputs are compared, and the options of resources; secret inputs are `[secret]` in the
document already, because Pulumi's engine masks them.
Out of scope: running Pulumi, and what is in the files of containers, which the report shows.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ipvlan.plan.resource_names import FILES_TYPE

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How Pulumi writes a value that is known only after the update (UnknownStringValue in its Go SDK, resource/plugin)."""
MARKS: Final = {"create": "+", "delete": "-", "update": "~", "replace": "+-"}
"""Operation of a step -> the sign of its line, as `pulumi preview --diff` prints it."""
_FIRST: Final = (
    *("container:Container", "network:Network", "BridgeNetwork", "BridgeEndpoints", "BridgeConnection"),
    *("HostNetworking", "Volume", "Files", "FilesInUse"),
)
"""Ends of the types that come first: where a comment is cut, the rest is."""
_OF_STATE: Final = frozenset({"start", "mustRun"})
"""Inputs of a container that only its creation uses: another value is recorded, and changes nothing on the host. The first and the
last bridge of a container change them."""
_OPTIONS: Final = (
    *("aliases", "customTimeouts", "deleteBeforeReplace", "deletedWith", "dependencies", "ignoreChanges", "protect"),
    *("replaceOnChanges", "replaceWith", "resourceHooks", "retainOnDelete"),
)
"""What a resource has besides its inputs and is a decision of the program: an order (`after`) is nothing but dependencies."""
_PLAIN_KEY: Final = re.compile(r"[\w/:-][\w/:-]*")

Resources = dict[str, list[str]]
"""URN -> the lines of the resource's inputs and options."""


class PreviewError(Exception):
    """There is no preview to show; the text says why."""


class NoStackError(PreviewError):
    """There is no preview to show, because the backend of the state does not have the stack."""


def read_preview(text: str) -> dict[str, Any]:
    """Return the document.

    Raises:
        PreviewError: It is no document of a preview, or it reports changes and lists no resource.
    """
    try:
        preview = json.loads(text)
        steps = [step["op"] for step in preview["steps"] if step["urn"]]
        changes = sum(count for action, count in preview["changeSummary"].items() if action != "same")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PreviewError(
            f"`pulumi preview --json` printed no document of the known format ({type(error).__name__}: {error}). "
            "Adapt tools/preview_changes.py to this version of Pulumi."
        ) from None
    if changes and all(action == "same" for action in steps):
        raise PreviewError(
            f"`pulumi preview --json` reports {changes} changes and lists no changed resource. "
            "Adapt tools/preview_changes.py to this version of Pulumi."
        )
    return dict(preview)


def errors_of(text: str) -> str:
    """Return the messages of a preview that failed, or the text itself when it is no document."""
    try:
        messages = [entry["message"] for entry in json.loads(text)["diagnostics"] if entry["severity"] == "error"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return text.strip()
    return "\n".join(message.strip() for message in messages)


def compare(base: Mapping[str, Any] | None, head: Mapping[str, Any]) -> list[str]:
    """Return the lines of what differs between two previews that both started from an empty state."""
    before: Resources = _inputs(base, "newState") if base else {}
    after = _inputs(head, "newState")
    lines: list[str] = []
    for urn in sorted(before.keys() | after.keys(), key=_rank):
        if urn not in before:
            lines += [f"+ {_title(urn)}", *_added(after[urn])]
        elif urn not in after:
            lines.append(f"- {_title(urn)}")
        elif before[urn] != after[urn]:
            lines += [f"~ {_title(urn)}", *_difference(before[urn], after[urn])]
    return lines


def changes(preview: Mapping[str, Any]) -> list[str]:
    """Return the lines of what a preview changes in the stack's own state."""
    before, after = _inputs(preview, "oldState"), _inputs(preview, "newState")
    lines: list[str] = []
    for step in sorted(preview["steps"], key=lambda step: _rank(str(step["urn"]))):
        urn, action = step["urn"], step["op"]
        if action == "same":
            continue
        # The reasons also name an input whose values are both secret.
        named = {
            *(step.get("replaceReasons") or ()),
            *(step.get("diffReasons") or ()),
            *(step.get("detailedDiff") or ()),
        }
        because = {*named, *_trigger_reasons(step)}
        reasons = ", ".join(sorted(because))
        if action == "update" and because and because <= _OF_STATE:
            reasons += "; recorded alone, the container runs on as it is"
        lines.append(f"{MARKS.get(action, action)} {_title(urn)}{f' ({action}: {reasons})' if reasons else ''}")
        if urn in before and urn in after:
            lines += _difference(before[urn], after[urn])
        elif urn in after:
            lines += _added(after[urn])
    return lines


def _rank(urn: str) -> tuple[int, str]:
    """Return what sorts a resource: what runs on hosts first."""
    kind = urn.split("::")[2] if urn.count("::") > 2 else urn
    return next((rank for rank, end in enumerate(_FIRST) if kind.endswith(end)), len(_FIRST)), urn


def _trigger_reasons(step: Mapping[str, Any]) -> set[str]:
    """Return what differs in a container's replacement trigger: `labels`, `ports` (`components.container_settings`) or `arguments`.

    The engine names no reason for such a replacement. A trigger that only one state has replaces nothing. The number before the
    JSON (`provider.handover`) is another one where an argument is left out.
    """
    texts = [(step.get(state) or {}).get("replacementTrigger") or "null" for state in ("oldState", "newState")]
    try:
        before, after = (json.loads(text.lstrip("0123456789 ")) for text in texts)
        different = {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}
        return different or ({"arguments"} if texts[0] != texts[1] else set())
    except (TypeError, ValueError, AttributeError):
        return set()


def _inputs(preview: Mapping[str, Any], state: str) -> Resources:
    return {step["urn"]: list(_resource(step[state])) for step in preview["steps"] if step.get(state)}


def _resource(state: Mapping[str, Any]) -> Iterator[str]:
    inputs = state.get("inputs") or {}
    if isinstance(inputs, dict):
        # Of a dynamic resource: the pickled provider, which the SDK puts there.
        inputs = {key: value for key, value in inputs.items() if key != "__provider"}
        if str(state.get("type", "")) == FILES_TYPE and isinstance(inputs.get("files"), dict):
            inputs["files"] = {target: _of_file(file) for target, file in inputs["files"].items()}
    yield from _lines(inputs)
    for option in _OPTIONS:
        value = state.get(option)
        if value:
            yield from _lines(sorted(map(_title, value)) if option == "dependencies" else value, f"(option) {option}")


def _of_file(file: object) -> str:
    """Return what stands for a file: its text is in the report. What the engine masks is masked in it already."""
    return f"sha256 {hashlib.sha256(json.dumps(file, sort_keys=True).encode()).hexdigest()[:12]}, with owner and mode"


def _lines(value: object, path: str = "") -> Iterator[str]:
    """Yield one line per value, and per line of a text; items of a list have no number, so that an insertion is one line.

    Two different values have different lines: where an item of a list, or a text, has several lines, a line says where it begins.
    """
    if isinstance(value, dict) and value:
        for key in sorted(value):
            # Pulumi's own: the names of the inputs that have their default. A config has a text there, and no list.
            if not (key == "__defaults" and isinstance(value[key], list)):
                yield from _lines(value[key], f"{path}.{_key(key)}" if path else _key(key))
    elif isinstance(value, list) and value:
        for item in value:
            if isinstance(item, (dict, list)) and item:
                yield f"{path}[]:"
            yield from _lines(item, f"{path}[]")
    elif isinstance(value, str) and "\n" in value:
        parts = value.split("\n")
        yield f"{path}: | ({len(parts)} lines)"
        yield from (f"{path}: | {_shown(part)}" for part in parts)
    elif path:
        yield f"{path}: {_shown(json.dumps(value, ensure_ascii=False))}".replace(UNKNOWN, "(unknown)")


def _key(key: str) -> str:
    """Return a key as it is where nothing in it can be taken for more than a key, else in quotes."""
    return key if _PLAIN_KEY.fullmatch(key) else _shown(json.dumps(key, ensure_ascii=False))


def _shown(text: str) -> str:
    """Return text with its control characters, and others that nobody sees, as escapes."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii", "replace")
        for letter in text
    )


def _added(lines: list[str]) -> Iterator[str]:
    return (f"  + {line}" for line in lines if not line.startswith("(option) "))


def _difference(before: list[str], after: list[str]) -> Iterator[str]:
    for line in list(difflib.unified_diff(before, after, lineterm="", n=0))[2:]:
        if not line.startswith("@@"):
            yield f"  {line[0]} {line[1:]}"


def _title(urn: str) -> str:
    """Return type and name, `docker:index/network:Network fabric-docker-1-network`."""
    if urn.count("::") < 3:
        return _shown(urn)
    kind, _, name = urn.split("::", 2)[2].partition("::")
    return _shown(f"{kind.rpartition('$')[2]} {name}")
