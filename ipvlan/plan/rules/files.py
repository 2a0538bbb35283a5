"""Rules of a service's files that need more than one key, or what the files have in them.

Out of scope: what one value may be (`ipvlan.config.types.files`), and reading the sources (`ipvlan.config.file_sources`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from ipvlan.config.file_model import FileConfig
from ipvlan.config.file_sources import MOST_BYTES, MOST_FILES, is_text, too_large
from ipvlan.config.models import ServiceConfig, StackConfig
from ipvlan.config.shown_values import NOT_SHOWN
from ipvlan.config.types.mounts import cleaned, volume_parts
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.file_template import Issue, Names, near_words, render, replaces
from ipvlan.plan.files import placed
from ipvlan.problems import Problem, shorten

LARGEST_STACK: Final = 16 * 1024 * 1024
"""Bytes of the files of all containers together; Pulumi Cloud and the engine handle a state of some 100 MB slowly."""


def check(config: StackConfig, space: AddressSpace, *, complete: bool) -> Iterator[Problem]:
    """Yield the problems of the files of all services.

    Args:
        config: The config, with the sources that could be read.
        space: The config's addresses.
        complete: Whether fabric, hosts and services could all be read: else a template may name what is only not known here.
    """
    names = Names.of(config, space) if complete else None
    total = 0
    for name, service in config.services.items():
        yield from _change(name, service)
        yield from _places(name, service)
        for target, file in service.files.items():
            yield from _secrets(f"services.{name}.files.{shorten(target)}", file)
            if file.template:
                yield from _left_as_they_are(f"services.{name}.files.{shorten(target)}", target, file, config.sources)
        if names is not None:
            problems, size = _Contents(config, names, name).check()
            yield from problems
            total += size
    if total > LARGEST_STACK:
        yield Problem(
            code="IPF263",
            key="services",
            value="",
            problem=f"the files of all containers together have {total // 2**20} MiB",
            effect="the state has them twice, and every `pulumi up` writes it and sends it",
            fix="put large files into the image, or on a volume",
            severity="warning",
        )


def _change(name: str, service: ServiceConfig) -> Iterator[Problem]:
    given = [key for key in ("reload", "files_change") if getattr(service, key) is not None]
    if not given or (service.files and len(given) == 1):
        return
    both = len(given) > 1
    yield Problem(
        code="IPF260",
        key=" and ".join(f"services.{name}.{key}" for key in given),
        value="",
        problem="both are there" if both else "the service has no files",
        effect="it is unclear what happens when a file changes" if both else "it would never count",
        fix="keep one of the two" if both else f"remove it, or add services.{name}.files",
    )


def _places(name: str, service: ServiceConfig) -> Iterator[Problem]:
    """Yield each file that hides, or is hidden by, another mount: Docker mounts them in the order of their paths."""
    key = f"services.{name}"
    others = [
        *((cleaned(volume_parts(volume).path), f"{key}.volumes", False) for volume in service.volumes),
        *((cleaned(mount.target), f"{key}.mounts", mount.type == "tmpfs") for mount in service.mounts),
        *((cleaned(path), f"{key}.tmpfs", True) for path in service.tmpfs),
    ]
    # Of more than the limit, which is an error of its own, each would be compared with each.
    files = [(target.removesuffix("/"), f"{key}.files.{shorten(target)}") for target in [*service.files][:MOST_FILES]]
    for index, (path, at) in enumerate(files):
        for other, other_at, is_tmpfs in (*others, *((*file, False) for file in files[:index])):
            inside = path.startswith(f"{other}/") and not is_tmpfs
            if path == other or inside or other.startswith(f"{path}/"):
                yield Problem(
                    code="IPF254",
                    key=f"{at} and {other_at}",
                    value=shorten(other),
                    problem="two things are mounted at this path"
                    if path == other
                    else "one of the two is inside of the other",
                    effect="one would hide the other, or Docker could not start the container",
                    fix="give one another path; a file that belongs into a folder of files is put into its source",
                )


def _secrets(path: str, file: FileConfig) -> Iterator[Problem]:
    """Yield the secrets of a file that has no template to use them in."""
    if file.secrets and not file.template:
        yield _secret_problem(
            f"{path}.secrets",
            "",
            "the file is no template",
            f"add template: true, and write ${{secrets.{next(iter(file.secrets))}}} where the value belongs"
            if file.secret is None
            else "remove `secrets`: the value of `secret` is the whole file",
        )
    elif file.template and file.secret is not None:
        yield _secret_problem(f"{path}.template", "", "a secret's value is written as it is", "remove `template`")


def _left_as_they_are(key: str, target: str, file: FileConfig, sources: Mapping[str, bytes]) -> Iterator[Problem]:
    """Yield slips in references, and a template in which nothing is replaced: no error, since it may be meant."""
    named = [source for _, _, source in placed(target, file, sources) if source is not None and source in sources]
    texts = {source: sources[source].decode() for source in named if is_text(sources[source])}
    issues = [(source, issue) for source, text in texts.items() for issue in near_words(text)]
    for source, issue in issues:
        yield Problem(
            code="IPF268",
            key=f"{key}: {shorten(source)}, line {issue.line}",
            value=shorten(issue.reference),
            problem=issue.problem,
            effect="the file in the container has it as it is written",
            fix=issue.fix,
            severity="warning",
        )
    if texts and not issues and not file.secrets and not any(map(replaces, texts.values())):
        yield Problem(
            code="IPF269",
            key=f"{key}.template",
            value="",
            problem="there is nothing to replace in it",
            effect="the file in the container has the bytes of its source",
            fix="remove `template`, or write a reference such as ${service.address} where a value belongs",
            severity="warning",
        )


def _secret_problem(key: str, value: str, problem: str, fix: str) -> Problem:
    return Problem(
        code="IPF259",
        key=key,
        value=value,
        problem=problem,
        effect="a value would be missing in the file, or a secret be given for nothing",
        fix=fix,
    )


class _Contents:
    """What the files of one service have in them, on each of its hosts."""

    def __init__(self, config: StackConfig, names: Names, name: str) -> None:
        self._config, self._names, self._name = config, names, name
        self._service = config.services[name]
        self._used: dict[tuple[str, str | None], frozenset[str]] = {}
        """Target and source of a template -> the secrets in it, as it is on the first host."""

    def check(self) -> tuple[list[Problem], int]:
        """Return what is wrong, each problem once, and the bytes on all hosts together."""
        problems: dict[Problem, None] = {}
        total = 0
        for host in self._names.addresses[self._name]:
            size = 0
            for target, file in self._service.files.items():
                size += self._on_host(host, target, file, problems)
            if size > MOST_BYTES:
                key = f"services.{self._name}.files"
                problems[too_large(key, "", f"with their values the files have more than {MOST_BYTES} bytes")] = None
            total += size
        return [*problems, *self._unused()], total

    def _on_host(self, host: str, target: str, file: FileConfig, problems: dict[Problem, None]) -> int:
        key, size = f"services.{self._name}.files.{shorten(target)}", 0
        for _, _, source in placed(target, file, self._config.sources):
            content = self._config.sources.get(source or "", b"")
            if not file.template or not is_text(content):
                size += len(content)
                continue
            rendered = render(content.decode(), self._names, service=self._name, host=host, secrets=file.secrets.keys())
            self._used.setdefault((target, source), rendered.secrets)
            size += len(rendered.content)
            for issue in rendered.issues:
                problems[_of_issue(key, source or "", issue)] = None
            if rendered.too_large:
                text = f"with its values the file has more than {LARGEST_SOURCE} bytes"
                problems[too_large(key, shorten(source), text)] = None
        return size

    def _unused(self) -> Iterator[Problem]:
        """Yield the secrets that no text of an entry has."""
        for target, file in self._service.files.items():
            sources = [source for _, _, source in placed(target, file, self._config.sources) if source is not None]
            known = [self._config.sources[source] for source in sources if source in self._config.sources]
            if not file.template or not known or not all(map(is_text, known)):
                continue
            if not self._names.addresses[self._name]:
                continue
            used = {secret for source in sources for secret in self._used.get((target, source), ())}
            for secret in sorted(file.secrets.keys() - used):
                yield _secret_problem(
                    f"services.{self._name}.files.{shorten(target)}.secrets.{shorten(secret)}",
                    NOT_SHOWN,
                    "no file has it",
                    f"write ${{secrets.{secret}}} where its value belongs, or remove the secret",
                )


def _of_issue(key: str, source: str, issue: Issue) -> Problem:
    at, value = f"{key}: {shorten(source)}, line {issue.line}", shorten(issue.reference)
    if issue.of_secret:
        return _secret_problem(at, value, issue.problem, issue.fix)
    return Problem(
        code="IPF256",
        key=at,
        value=value,
        problem=issue.problem,
        effect="nobody knows what is to be in the file",
        fix=issue.fix,
    )
