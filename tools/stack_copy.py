"""A copy of a project, and in it a stack file with other secrets, for a preview that has no key to its own.

Pulumi must read the copy as it reads the file, so the text stays as it is but for the encrypted values.
Out of scope: running the preview.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from ipvlan.config.secrets import is_secret
from ipvlan.config.yaml_file import Checkout
from ipvlan.config.yaml_text import StackFileError, parse_text

PASSPHRASE: Final = "preview"  # noqa: S105  # of placeholders
SALT: Final = "v1:z3xdPwFOFw8=:v1:kfxx8wb0N63BzSgX:6uX7c9w746KWp9B1AmuOh8LC+an9Sw=="
"""What `pulumi stack init` wrote as `encryptionsalt` for that passphrase."""
STAND_IN: Final = "v1:jqhZEpbpc+eiWCc/:lN9UC3cY/9zHFJs4wtlCvg4QzQ8y++WUdGj+"
"""Instead of every encrypted value: `placeholder`, encrypted with them. The program refuses a secret in plaintext."""
KEYS_OF_SECRETS: Final = frozenset({"encryptionsalt", "encryptedkey", "secretsprovider"})
"""What the values were encrypted with."""
# JSON that every reader of YAML takes: no raw control character, and no escaped half of a surrogate pair.
_NOT_PRINTABLE: Final = re.compile("[\x7f-\x9f\ufeff\ufffe\uffff]")

NOT_COPIED: Final = frozenset({".git", ".venv", ".lab", ".make"})
"""What a project's folder itself may have and the program does not read; it can be large, and git need not ignore it."""


def copy_files(root: Path, folder: Path) -> None:
    """Copy the project's files into a new folder: those that git tracks, and new ones that it does not ignore.

    A link stays a link, wherever it leads.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        check=True,
        timeout=60,
    )
    folder.mkdir()
    for name in set(os.fsdecode(listed.stdout).split("\0")):
        source, copy = root / name, folder / name
        # A folder is a repository in the repository. In the place of a tracked file's folder there may be a link by now.
        is_file = source.is_symlink() or source.is_file()
        if is_file and name.partition("/")[0] not in NOT_COPIED and source.parent.resolve() == source.parent:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy, follow_symlinks=False)


def write_without_secrets(folder: Path, name: str) -> None:
    """Write the stack file of a copied project without its secrets; what it is a link to stays as it is.

    Raises:
        StackFileError: It is no stack file.
    """
    text, path = without_secrets(Checkout(folder).text(name), name), folder / name
    path.unlink()
    path.write_text(text, encoding="utf-8", newline="")


def without_secrets(text: str, name: str = "stack file") -> str:
    """Return a stack file whose encrypted values are placeholders, encrypted with `PASSPHRASE` in the place of its own key.

    In any style of YAML: where the text cannot be changed in place (an alias in an encrypted value), all of it is written anew.

    Raises:
        StackFileError: The text is no stack file; messages call it `name`.
    """
    kept = {key: _replaced(value) for key, value in parse_text(text, name).items() if key not in KEYS_OF_SECRETS}
    expected = {"encryptionsalt": SALT, **kept}
    copy = _in_place(text)
    try:
        if copy is not None and parse_text(copy, name) == expected:
            return copy
    except StackFileError:
        pass
    written = json.dumps(expected, ensure_ascii=False, indent=1)
    return _NOT_PRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", written) + "\n"


def _replaced(value: Any) -> Any:
    if is_secret(value):
        return {"secure": STAND_IN}
    if isinstance(value, Mapping):
        return {key: _replaced(each) for key, each in value.items()}
    return [_replaced(each) for each in value] if isinstance(value, list) else value


def _in_place(text: str) -> str | None:
    """Return the text with its encrypted values and their key replaced; None where it is not all below one mapping."""
    try:
        root = YAML(typ="safe", pure=True).compose(text)
    except (YAMLError, RecursionError):
        return None
    if not isinstance(root, MappingNode):
        return None
    parts: list[tuple[int, int, str]] = []
    for index, (key, _) in enumerate(root.value):
        if key.value in KEYS_OF_SECRETS:
            following = root.value[index + 1][0].start_mark.index if index + 1 < len(root.value) else len(text)
            parts.append((key.start_mark.index, following, ""))
    parts += {
        (
            node.start_mark.index,
            node.value[0][1].end_mark.index if not node.flow_style else node.end_mark.index,
            _anchor(node),
        )
        for node in _secrets(root, set())
    }
    for first, last, new in sorted(parts, reverse=True):
        old = text[first:last]
        # The end of a block scalar is after its line break, and after the indentation of what follows.
        text = text[:first] + (new + old[len(old.rstrip()) :] if new else "") + text[last:]
    return f"encryptionsalt: {SALT}\n{text}"


def _anchor(node: Node) -> str:
    stand_in = f"{{secure: '{STAND_IN}'}}"
    return f"&{node.anchor} {stand_in}" if node.anchor else stand_in


def _secrets(node: Node, done: set[int]) -> Iterator[MappingNode]:
    """Yield the nodes that have `secure` as their only key, each once."""
    if id(node) in done:
        return
    done.add(id(node))
    if isinstance(node, SequenceNode):
        for item in node.value:
            yield from _secrets(item, done)
    elif isinstance(node, MappingNode):
        if len(node.value) == 1 and isinstance(node.value[0][0], ScalarNode) and node.value[0][0].value == "secure":
            yield node
            return
        for _, value in node.value:
            yield from _secrets(value, done)
