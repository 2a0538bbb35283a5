"""Read the JSON document of `pulumi preview --json`, and list what changes, resource by resource.

Responsible for the format of that document. Inputs are compared; secret ones are `[secret]` in the document already, because
Pulumi's engine masks them.
Out of scope: running Pulumi.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

UNKNOWN: Final = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How Pulumi writes a value that is known only after the update (UnknownStringValue in its Go SDK, resource/plugin)."""
MARKS: Final = {"create": "+", "delete": "-", "update": "~", "replace": "+-"}
"""Operation of a step -> the sign of its line, as `pulumi preview --diff` prints it."""

Resources = dict[str, list[str]]
"""URN -> the lines of the resource's inputs."""


class PreviewError(Exception):
    """There is no preview to show; the text says why."""


def read_preview(text: str) -> dict[str, Any]:
    """Return the document.

    Raises:
        PreviewError: It is no document of a preview, or it reports changes and lists no resource.
    """
    try:
        preview = json.loads(text)
        steps = [step["op"] for step in preview["steps"] if step["urn"]]
        changes = sum(count for action, count in preview["changeSummary"].items() if action != "same")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
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
    except (ValueError, KeyError, TypeError):
        return text.strip()
    return "\n".join(message.strip() for message in messages)


def compare(base: Mapping[str, Any] | None, head: Mapping[str, Any]) -> list[str]:
    """Return the lines of what differs between two previews that both started from an empty state."""
    before: Resources = _inputs(base, "newState") if base else {}
    after = _inputs(head, "newState")
    lines: list[str] = []
    for urn in sorted(before.keys() | after.keys()):
        if urn not in before or urn not in after:
            lines.append(f"{'+' if urn in after else '-'} {_title(urn)}")
        elif before[urn] != after[urn]:
            lines += [f"~ {_title(urn)}", *_difference(before[urn], after[urn])]
    return lines


def changes(preview: Mapping[str, Any]) -> list[str]:
    """Return the lines of what a preview changes in the stack's own state."""
    before, after = _inputs(preview, "oldState"), _inputs(preview, "newState")
    lines: list[str] = []
    for step in sorted(preview["steps"], key=lambda step: str(step["urn"])):
        urn, action = step["urn"], step["op"]
        if action == "same":
            continue
        # The reasons also name an input whose values are both secret.
        named = step.get("replaceReasons") or step.get("diffReasons") or ()
        reasons = ", ".join(sorted({*named, *_trigger_reasons(step)}))
        lines.append(f"{MARKS.get(action, action)} {_title(urn)}{f' ({action}: {reasons})' if reasons else ''}")
        if urn in before and urn in after:
            lines += _difference(before[urn], after[urn])
    return lines


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
    return {step["urn"]: list(_lines(step[state].get("inputs", {}))) for step in preview["steps"] if step.get(state)}


def _lines(value: object, path: str = "") -> Iterator[str]:
    """Yield one line per value, and per line of a text; items of a list have no number, so that an insertion is one line."""
    if isinstance(value, dict) and value:
        for key in sorted(value):
            # `__defaults` and `__provider` are Pulumi's own.
            if not key.startswith("__"):
                yield from _lines(value[key], f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for item in value:
            yield from _lines(item, f"{path}[]")
    elif isinstance(value, str) and "\n" in value:
        yield from (f"{path}: | {line}" for line in value.splitlines())
    elif path:
        yield f"{path}: {json.dumps(value, ensure_ascii=False)}".replace(UNKNOWN, "(unknown)")


def _difference(before: list[str], after: list[str]) -> Iterator[str]:
    for line in difflib.unified_diff(before, after, lineterm="", n=0):
        if not line.startswith(("---", "+++", "@@")):
            yield f"  {line[0]} {line[1:]}"


def _title(urn: str) -> str:
    """Return type and name, `docker:index/network:Network fabric-docker-1-network`."""
    kind, _, name = urn.split("::", 2)[2].partition("::")
    return f"{kind.rpartition('$')[2]} {name}"
