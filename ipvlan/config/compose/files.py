"""The configs and secrets of a compose service: which lines of `files` are to be written in their place.

They are not carried over by themselves: a file of a compose project need not be below the folder of the stack's project, and a
secret's value must not be in the stack file. So each is listed, with the line that gives the container the same file.

Where compose puts them is from docker/compose, pkg/compose/create.go, buildContainerConfigMounts and buildContainerSecretMounts.

Out of scope: what `files` takes (`ipvlan.config.file_model`).
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from ipvlan.config.compose import forms
from ipvlan.config.compose.node import LeftOutError, Node
from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.config.types.files import MODE, SECRET_NAME

if TYPE_CHECKING:
    from ipvlan.config.compose.carried import Carried

_PLAIN: Final = re.compile(r"[A-Za-z0-9_./-]+")
"""What needs no quotes in a map of YAML on one line."""
_SECRETS: Final = "/run/secrets"


def advise_configs(service: Carried, key: str, node: Node) -> None:
    """Note for each config of a service which line of `files` is the same."""
    for path, entry in service.each(key, node.entries):
        try:
            name, target, more = _entry(entry, "/")
            declared = _declared(service.surroundings.configs, name)
            own = f"files/{_name(name)}"
            if "file" in declared:
                do = f"copy {forms.text(declared['file'])} to {own} in the project, and commit it"
            elif "content" in declared or "environment" in declared:
                do = f"write its text into {own} in the project, and commit it"
            else:
                do = f"write what the config has into {own} in the project, and commit it"
            source = own if not more else f"{{source: {own}, {', '.join(more)}}}"
            service.leave_out(path, entry, f"{do}; then write files: {{{_quoted(target)}: {source}}}")
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))


def advise_secrets(service: Carried, key: str, node: Node) -> None:
    """Note for each secret of a service which line of `files` is the same."""
    for path, entry in service.each(key, node.entries):
        try:
            name, target, more = _entry(entry, _SECRETS)
            declared = _declared(service.surroundings.secrets, name)
            # A key of a section would take the section's place.
            own = "NAME" if name in (*SECTIONS, COMMON) else _name(name)
            value = f" < {shlex.quote(forms.text(declared['file']))}" if "file" in declared else ""
            source = f"{{{', '.join([f'secret: {own}', *more])}}}"
            by_root = (
                ""
                if any(part.startswith("owner:") for part in more)
                else ", with owner: where its program does not run as root"
            )
            service.leave_out(
                path,
                entry,
                f"`pulumi config set --secret {own}{value}`, then write files: {{{_quoted(target)}: {source}}}{by_root}",
            )
        except LeftOutError as error:
            service.leave_out(path, entry, str(error))


def _entry(entry: Node, folder: str) -> tuple[str, str, list[str]]:
    """Return the name, the path in the container, and owner and mode as `files` has them, where they are given."""
    if not isinstance(entry.value, dict):
        name = forms.text(entry)
        return name, posixpath.join(folder, name), []
    below = entry.items
    if "source" not in below:
        raise LeftOutError("it has no source")
    name = forms.text(below["source"])
    target = forms.text(below["target"]) if "target" in below else name
    more = []
    if "uid" in below or "gid" in below:
        user, group = (forms.text(below[part]) if part in below else "0" for part in ("uid", "gid"))
        more.append(f'owner: "{user}:{group}"')
    if "mode" in below:
        value = below["mode"].value
        # A number is the mode itself, 288 for 0440; 0440 without quotes is refused in every file.
        mode = f"{value:04o}" if type(value) is int else forms.text(below["mode"])
        if not MODE.fullmatch(mode):
            raise LeftOutError('its mode is none that `files` has: write four octal digits up to "0777"')
        more.append(f'mode: "{mode.zfill(4)}"')
    return name, posixpath.join(folder, target), more


def _declared(section: Mapping[str, Node], name: str) -> Mapping[str, Node]:
    declared = section.get(name)
    if declared is None:
        raise LeftOutError("no entry of this name is at the top of the file")
    return declared.value if isinstance(declared.value, dict) else {}


def _name(name: str) -> str:
    """Return a name for a file of the project or a config key: it has no slash, and does not begin with a dot."""
    return name if SECRET_NAME.fullmatch(name) else "NAME"


def _quoted(target: str) -> str:
    return target if _PLAIN.fullmatch(target) else f"'{target.replace(chr(39), chr(39) * 2)}'"
