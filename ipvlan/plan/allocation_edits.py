"""Into which file each allocation is written, and the files' new texts. Reads and writes no file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ipvlan import PROJECT
from ipvlan.config.yaml_edit import Edit, has, insert
from ipvlan.plan.allocate import Allocation


def new_texts(
    allocations: Iterable[Allocation], texts: Mapping[str, str], *, own: str, common: str | None
) -> dict[str, str]:
    """Return the name and the new text of each file that changes.

    An entry that only the shared file has is completed there, every other one in the stack's own file.

    Args:
        allocations: what is missing.
        texts: the name and the text of both files.
        own: the name of the stack's own file.
        common: the name of the shared file, if the stack has one.

    Raises:
        ConfigError: a place in a file cannot be written to without a change of others.
    """
    edits: dict[str, list[Edit]] = {}
    for allocation in allocations:
        in_own = ("config", f"{PROJECT}:{allocation.section}", allocation.entry)
        in_common = (allocation.section, allocation.entry)
        if common is not None and not has(texts[own], in_own) and has(texts[common], in_common):
            edits.setdefault(common, []).append(Edit(in_common, allocation.key, allocation.value))
        else:
            edits.setdefault(own, []).append(Edit(in_own, allocation.key, allocation.value))
    return {name: insert(texts[name], edits_of_file, name) for name, edits_of_file in edits.items()}
