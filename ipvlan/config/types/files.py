"""Types of a file of the project in a container: where it is, whose it is, and how the container takes a new one.

Out of scope: what is in it (`ipvlan.config.file_sources`), and what two keys must agree on (`ipvlan.plan.rules.files`).
"""

from __future__ import annotations

import posixpath
import re
from typing import Annotated, Final, NoReturn

from pydantic import BeforeValidator, WithJsonSchema

from ipvlan.config.types.base import fail, need_string, need_text, string_schema
from ipvlan.config.types.docker import parse_words
from ipvlan.config.types.mounts import cleaned
from ipvlan.config.types.process import LARGEST_ID, SIGNAL

TARGET: Final = re.compile(r"(?:/[^/\x00-\x1f\x7f\\]+)+/?")
SOURCE: Final = re.compile(r"[^/.\x00-\x1f\x7f\\][^/\x00-\x1f\x7f\\]*(?:/[^/.\x00-\x1f\x7f\\][^/\x00-\x1f\x7f\\]*)*/?")
OWNER: Final = re.compile(r"(?P<user>0|[1-9][0-9]{0,9}):(?P<group>0|[1-9][0-9]{0,9})")
MODE: Final = re.compile(r"0?[0-7]{3}")
SECRET_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,62}")
"""A secret's name in a template; the longest is that of a DNS label, as for services."""
LONGEST_PART: Final = 255
"""Bytes of one part of a path (Linux, NAME_MAX)."""
LONGEST_PATH: Final = 4095
"""Bytes of a path (Linux, PATH_MAX less its NUL byte)."""
KERNEL_FOLDERS: Final = ("/proc", "/sys", "/dev")
"""What the kernel and Docker fill in each container."""
_ENDS_THE_PROCESS: Final = re.compile(r"(?:SIG)?(?:KILL|STOP)|\+?0*(?:9|19)", re.IGNORECASE)
"""Signals that no process can take as a wish to read its files again (signal(7))."""
_NO_RELOAD: Final = "no process can read its files again on this signal"
_OTHER_RELOAD: Final = "write reload: HUP, or files_change: restart in its place"


REFUSED_SOURCE: Final = "IPF250"
SOURCE_EFFECT: Final = "a file would come from elsewhere, or what is no business of a container would be in it"


def parse_target(value: object) -> str:
    """Return where in the container a file is, or a folder, which ends in a slash."""
    text = need_text(value, "the path of a file")
    if not text.startswith("/"):
        _refuse_target(
            "this is not an absolute path", "write the path in the container from the root on: /etc/app.conf"
        )
    if cleaned(text) != text.removesuffix("/"):
        _refuse_target(
            "the path has `.`, `..` or a slash too many, or is the root itself",
            f"write it as it is: {cleaned(text)[:100]}"
            if cleaned(text) != "/"
            else "write the file, or the folder that the files are for: /etc/nginx/conf.d/",
        )
    if not TARGET.fullmatch(text):
        _refuse_target("the path has a control character or a backslash", "remove it")
    if _too_long(text):
        _refuse_target(f"a part of the path has more than {LONGEST_PART} bytes", "choose a shorter name")
    within = next((folder for folder in KERNEL_FOLDERS if f"{text}/".startswith(f"{folder}/")), None)
    if within is not None:
        _refuse_target(f"the kernel and Docker fill {within}", "choose another place, such as /etc or /run")
    return text


def _refuse_target(problem: str, fix: str) -> NoReturn:
    fail("IPF253", problem, "Docker would refuse the container, or the file would be in another place", fix)


def parse_source(value: object) -> str:
    """Return a path below the project's folder; that of a folder ends in a slash."""
    text = need_text(value, "the path of a file")
    problem = source_problem(text)
    if problem is not None:
        fail(REFUSED_SOURCE, problem, SOURCE_EFFECT, _fix_of_source(text))
    return text


def cleaned_source(text: str) -> str:
    """Return a path that leads to the same without `.`, `..`, doubled slashes and backslashes; a slash at its end stays."""
    path = posixpath.normpath(text.replace("\\", "/"))
    return f"{path}/" if text.endswith("/") and path != "/" else path


def _fix_of_source(text: str) -> str:
    path = cleaned_source(text)
    if source_problem(path) is None:
        return f"write {path[:100]}"
    parts = path.removesuffix("/").split("/")
    if parts[-1].lower().startswith("pulumi."):
        return "put what the container needs into another file: files/NAME"
    if path.startswith("/") or parts[0] == "..":
        name = parts[-1] if source_problem(parts[-1]) is None else "NAME"
        return f"put the file below the project's folder, and write its path there: files/{name[:100]}"
    renamed = "/".join(part.lstrip(".") for part in parts)
    if source_problem(renamed) is None:
        return f"rename it, so that no part of the path begins with a dot: {renamed[:100]}"
    return "write the path of a file below the project's folder: files/nginx.conf"


def source_problem(path: str) -> str | None:
    """Return why a container does not get the file at that path below the project's folder; None where it does."""
    parts = path.removesuffix("/").split("/")
    reasons = {
        "this is an absolute path": path.startswith("/"),
        "the path leads out of its folder": ".." in parts,
        "the path has a part that is a dot alone": "." in parts,
        "a part of the path begins with a dot": any(part.startswith(".") for part in parts),
        # Not only as it is written: some file systems know no case.
        "it is a file of Pulumi's: Pulumi.*": any(part.lower().startswith("pulumi.") for part in parts),
        "the path has an empty part, a control character or a backslash": SOURCE.fullmatch(path) is None,
        f"a part of the path has more than {LONGEST_PART} bytes": _too_long(path),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _too_long(path: str) -> bool:
    return any(len(part.encode()) > LONGEST_PART for part in path.split("/")) or len(path.encode()) > LONGEST_PATH


def parse_owner(value: object) -> str:
    """Return UID:GID: nobody on the host knows the names of the image's users."""
    text = need_string(value, "an owner")
    match = OWNER.fullmatch(text)
    if match is None or max(int(match["user"]), int(match["group"])) > LARGEST_ID:
        _refuse_access(
            "the owner is two numbers, UID:GID",
            'write the numbers that `id` prints in the container, in quotes: "101:101"',
        )
    return text


def parse_mode(value: object) -> str:
    """Return the permissions of a file in octal, three or four digits."""
    text = need_string(value, "a mode")
    if not MODE.fullmatch(text):
        _refuse_access("this is no mode up to 0777 in octal digits", 'write four digits, in quotes: "0440"')
    return text


def _refuse_access(problem: str, fix: str) -> NoReturn:
    fail("IPF255", problem, "the container's processes could not read the file, or others could", fix)


def parse_secret_name(value: object) -> str:
    """Return the name by which a template refers to a secret."""
    text = need_text(value, "the name of a secret")
    if not SECRET_NAME.fullmatch(text):
        fail(
            "IPF265",
            "this is no name for a secret in a template",
            "no `${secrets.NAME}` could refer to it",
            "use letters, digits, _ and -, beginning with a letter or _: secrets: {password: CONFIG_KEY}",
        )
    return text


def parse_reload(value: object) -> str | tuple[str, ...]:
    """Return a signal as it is written, or the words of a command."""
    if isinstance(value, list | tuple):
        words = parse_words(value)
        if not words or not words[0]:
            _refuse_reload("the command has no program", "write [PROGRAM, ARGUMENT...]: [nginx, -s, reload]")
        # In capitals: `stop` and `poll` may be programs.
        if len(words) == 1 and (words[0].isupper() or words[0].isdigit()) and SIGNAL.fullmatch(words[0]):
            if _ENDS_THE_PROCESS.fullmatch(words[0]):
                _refuse_reload(_NO_RELOAD, _OTHER_RELOAD)
            written = f'"{words[0]}"' if words[0].isdigit() else words[0]
            _refuse_reload("a list is a command, and this is a signal", f"write reload: {written}")
        return words
    text = need_text(value, "a signal")
    if not text or not SIGNAL.fullmatch(text):
        _refuse_reload(
            "Linux has no such signal", "write a name, such as HUP or USR1; a command is a list: [nginx, -s, reload]"
        )
    if _ENDS_THE_PROCESS.fullmatch(text):
        _refuse_reload(_NO_RELOAD, _OTHER_RELOAD)
    return text


def _refuse_reload(problem: str, fix: str) -> NoReturn:
    fail("IPF261", problem, "the container would go on with the old files", fix)


def signal_name(signal: str) -> str:
    """Return a signal as Docker's API and `kill` know it: SIGHUP for hup, HUP and SIGHUP; a number as it is."""
    if signal.lstrip("+").isdigit():
        return str(int(signal))
    return f"SIG{signal.upper().removeprefix('SIG')}"


FileTarget = Annotated[str, BeforeValidator(parse_target)]
Source = Annotated[
    str, BeforeValidator(parse_source), string_schema("A path below the project's folder; a folder ends in /", SOURCE)
]
Owner = Annotated[str, BeforeValidator(parse_owner), string_schema('UID:GID: "101:101"', OWNER)]
FileMode = Annotated[str, BeforeValidator(parse_mode), string_schema('Octal digits: "0440"', MODE)]
SecretName = Annotated[str, BeforeValidator(parse_secret_name)]
Reload = Annotated[
    str | tuple[str, ...],
    BeforeValidator(parse_reload),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^(?:{SIGNAL.pattern})$", "minLength": 1},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ],
            "description": "A signal (HUP), or the words of a command",
        }
    ),
]
