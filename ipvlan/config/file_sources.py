"""Reads what the files of services are made of: the bytes of the project's folder, which may be a commit, as they are.

Out of scope: how a folder is read (`ipvlan.config.yaml_file`), and what a template's words stand for (`ipvlan.plan.file_template`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from ipvlan.config.file_model import FileConfig
from ipvlan.config.models import ServiceConfig
from ipvlan.config.no_links import NoSourcesError, NoSuchSourceError, RefusedSourceError
from ipvlan.config.source_advice import of_missing, of_refused
from ipvlan.config.types.files import REFUSED_SOURCE, SOURCE_EFFECT, source_problem
from ipvlan.config.yaml_file import Folder
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from ipvlan.problems import Problem, shorten

MOST_BYTES: Final = 512 * 1024
"""Of all files of one service; the state has them twice for each host."""
MOST_FILES: Final = 50
"""Of one service; Pulumi's state, its previews and the report have each of them."""
_LFS: Final = b"version https://git-lfs.github.com/spec/"
"""How the file begins that Git LFS has in the place of another (docs/spec.md of git-lfs)."""
_PRIVATE_KEY: Final = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ ){0,3}PRIVATE KEY(?: BLOCK)?-----|^PuTTY-User-Key-File-\d|AGE-SECRET-KEY-1[0-9A-Z]{10}",
    re.MULTILINE,
)
"""RFC 7468 and the forms of OpenSSH, OpenPGP (RFC 9580, 6.2), PuTTY and age."""


class FileSources:
    """Reads the sources of all services, each path once."""

    def __init__(self, folder: Folder) -> None:
        """Begin; `folder` is the project's."""
        self._folder = folder
        self._read: dict[str, bytes] = {}
        self._below: dict[str, tuple[str, ...]] = {}

    def read(self, services: Mapping[str, ServiceConfig]) -> tuple[Mapping[str, bytes], list[Problem]]:
        """Return path below the project's folder -> bytes, of all files of all services, and what is wrong with the others."""
        problems: list[Problem] = []
        for name, service in services.items():
            problems.extend(self._of_service(f"services.{name}.files", service))
        return dict(self._read), problems

    def _of_service(self, key: str, service: ServiceConfig) -> Iterator[Problem]:
        files, size = 0, 0
        for target, file in service.files.items():
            path = f"{key}.{shorten(target)}"
            if target.endswith("/") != file.is_folder:
                yield _folder_or_file(path, target, file.source)
                continue
            if file.source is None:
                files += 1
                continue
            try:
                for source in self._sources(file.source):
                    files += 1
                    if files > MOST_FILES:
                        break
                    size += len(self._content(source))
                    yield from _wrong_content(path, source, self._content(source), file)
            except NoSuchSourceError as error:
                yield _missing(path, file.source, str(error), of_missing(self._folder, file.source))
            except RefusedSourceError as error:
                yield _refused(path, file.source, str(error), of_refused(self._folder, target, file.source))
            except NoSourcesError:
                yield _no_folder(path, file.source)
        if files > MOST_FILES:
            yield too_large(key, "", f"the service has more than {MOST_FILES} files")
        elif size > MOST_BYTES:
            yield too_large(key, "", f"the files of the service have {size} bytes, and {MOST_BYTES} are allowed")

    def _sources(self, source: str) -> tuple[str, ...]:
        """Return the paths of the files that a source stands for: its own, or those below the folder."""
        if not source.endswith("/"):
            return (source,)
        if source not in self._below:
            found = self._folder.below(source)
            for path in found:
                try:
                    path.encode()
                except UnicodeEncodeError:
                    raise RefusedSourceError(f"the name of {shorten(path)} is not UTF-8") from None
                problem = source_problem(path)
                if problem is not None:
                    raise RefusedSourceError(f"{shorten(path)}: {problem}")
            if not found:
                raise NoSuchSourceError("there is no file in the folder")
            self._below[source] = tuple(found)
        return self._below[source]

    def _content(self, source: str) -> bytes:
        if source not in self._read:
            self._read[source] = self._folder.content(source)
        return self._read[source]


def is_text(content: bytes) -> bool:
    """Return whether a file is text that Pulumi can carry: UTF-8 without a NUL byte."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return b"\0" not in content


def without_files(service: ServiceConfig) -> ServiceConfig:
    """Return a service without files, for whoever compares addresses and ports alone."""
    return service.model_copy(update={"files": {}, "reload": None, "files_change": None}) if service.files else service


def too_large(key: str, value: str, problem: str) -> Problem:
    """Return the problem of a file, or of the files of a service, that are too large."""
    return Problem(
        code="IPF252",
        key=key,
        value=value,
        problem=problem,
        effect="the state, each preview and each report have all of it, for each host",
        fix="put it into the image, or on a volume",
    )


def _wrong_content(key: str, source: str, content: bytes, file: FileConfig) -> Iterator[Problem]:
    """Yield what no container gets, or not in this way."""
    if len(content) > LARGEST_SOURCE:
        yield too_large(key, shorten(source), f"the file has more than {LARGEST_SOURCE} bytes")
    elif content.startswith(_LFS):
        yield Problem(
            code="IPF262",
            key=key,
            value=shorten(source),
            problem="Git LFS has the file, and here is only where it is kept",
            effect="the container would get that text, and not the file",
            fix="take the file out of Git LFS (git lfs untrack), or put it into the image",
        )
    elif _PRIVATE_KEY.search(content):
        yield Problem(
            code="IPF257",
            key=key,
            value=shorten(source),
            problem="a private key is in the file",
            effect="everybody who reads the repository or the state has it",
            fix="make a new key, run pulumi config set --secret NAME < KEY, and write {secret: NAME} in the place of the source",
        )
    elif file.template and not is_text(content):
        yield Problem(
            code="IPF258",
            key=key,
            value=shorten(source),
            problem="the file is binary: it is not UTF-8, or has a NUL byte",
            effect="no words of a template can be found in it",
            fix="remove `template`, or save the file as UTF-8",
        )


def _folder_or_file(key: str, target: str, source: str | None) -> Problem:
    fix = "write a slash at the end of both for a folder, and of neither for a file"
    if source is None:
        problem = "the path in the container ends in a slash, and a secret is one file"
        fix = f"write the path of a file: {shorten(target)}NAME"
    elif source.endswith("/"):
        problem = "the source ends in a slash, and the path in the container does not"
    else:
        problem = "the path in the container ends in a slash, and the source does not"
    return Problem(
        code="IPF267",
        key=key,
        value="" if source is None else shorten(source),
        problem=problem,
        effect="it is unclear whether a file is meant, or all files of a folder",
        fix=fix,
    )


def _missing(key: str, source: str, problem: str, fix: str) -> Problem:
    return Problem(
        code="IPF251",
        key=key,
        value=shorten(source),
        problem=problem,
        effect="nobody knows what is to be in the container",
        fix=fix,
    )


def _refused(key: str, source: str, problem: str, fix: str) -> Problem:
    return Problem(
        code=REFUSED_SOURCE,
        key=key,
        value=shorten(source),
        problem=problem,
        effect=SOURCE_EFFECT,
        fix=fix,
    )


def _no_folder(key: str, source: str) -> Problem:
    return Problem(
        code="IPF264",
        key=key,
        value=shorten(source),
        problem="a program in another language has no files of the project",
        effect="the plugin does not know its folder, so the container would have no file",
        fix="write {secret: NAME}, whose value is the whole file, or use a stack file",
    )
