"""The template of a file: six words of the plan, `${WORD.…}`, and every other `$` as it is.

`$host` and `${host}` belong to nginx, `${VARIABLE}` to a shell and to compose: without one of the six words and a dot after it
nothing is replaced. There is no logic, so a template of a stranger cannot run anything.

Out of scope: which bytes are a template (`ipvlan.config.file_sources`), and the values of secrets, which nobody here knows.
"""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn

from ipvlan.config.yaml_limits import LARGEST_SOURCE

if TYPE_CHECKING:
    from netaddr import IPAddress

    from ipvlan.config.models import StackConfig
    from ipvlan.plan.address_space import AddressSpace

WORDS: Final = ("service", "host", "hosts", "addresses", "fabric", "secrets")
_WORD: Final = "|".join(WORDS)
_NOT_SECRETS: Final = "|".join(word for word in WORDS if word != "secrets")
_LITERAL: Final = "${secrets."
EACH_HOST: Final = ".*"
"""How the reference ends that stands for each host in turn: `${addresses.SERVICE.*}`."""
_LISTED: Final = 8
"""Names that a fix lists."""
_SHOWN: Final = 60
"""Characters of a reference that a message repeats."""


_NEARLY: Final = re.compile(r"\$\{(?P<before>\s*)(?P<word>[A-Za-z]+)\.(?P<rest>[^}\s]*)(?P<after>\s*)\}")
_NEAR: Final = 0.8
"""How like one of the six a word is that is taken for a slip: `secret` and `address` are, and `server` is not."""


class FileTemplate(string.Template):
    """A template in which only `${WORD.…}` of the six words stands for something.

    `$${` before a word writes `${`; of `$${secrets.` both dollars stay, for `ipvlan.plan.files.with_secrets`.
    """

    flags = re.VERBOSE
    pattern: ClassVar[Any] = rf"""
        \$(?:
            (?P<escaped>\$)(?=\{{(?:{_NOT_SECRETS})\.) |
            (?P<named>\$\{{secrets\.) |
            \{{(?P<braced>(?:{_WORD})\.[^}}]*)\}} |
            (?P<invalid>\{{(?:{_WORD})\.)
        )
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """What is wrong with one reference of a template."""

    line: int
    """From 1."""
    reference: str
    """As it is written, shortened."""
    problem: str
    fix: str
    of_secret: bool = False
    """Whether it is about a secret's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A template with the values of the plan."""

    content: bytes
    """As `ipvlan.plan.files.FilePlan.content`."""
    secrets: frozenset[str]
    """The names of the secrets that it has."""
    issues: tuple[Issue, ...]
    """Empty where all of it could be replaced."""
    too_large: bool
    """Whether it was not written to its end, since a file has at most `LARGEST_SOURCE` bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What a plan has names for: the same for all templates of a stack."""

    addresses: Mapping[str, Mapping[str, IPAddress | None]]
    """Service -> host -> the container's address, hosts sorted; None for a container that has none."""
    hosts: Mapping[str, IPAddress]
    """Host -> its own address."""
    fabric: Mapping[str, str | None]
    """`name`, `subnet` and `gateway`; None where there is no gateway."""

    @classmethod
    def of(cls, config: StackConfig, space: AddressSpace) -> Names:
        """Return the names of a config."""
        fabric = config.fabric
        return cls(
            addresses={
                name: {
                    host: space.address(name, host) if service.fabric else None
                    for host in sorted(config.hosts)
                    if service.runs_on(host)
                }
                for name, service in config.services.items()
            },
            hosts={name: host.address for name, host in config.hosts.items()},
            fabric={
                "name": fabric.name,
                "subnet": str(fabric.subnet),
                "gateway": None if fabric.gateway is None else str(fabric.gateway),
            },
        )


class _NoValueError(Exception):
    """A reference stands for nothing; the arguments are the problem and the fix."""

    def __init__(self, problem: str, fix: str, *, of_secret: bool = False) -> None:
        super().__init__(problem)
        self.problem, self.fix, self.of_secret = problem, fix, of_secret


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """The container whose file is rendered."""

    names: Names
    service: str
    host: str
    secrets: Collection[str]

    def value(self, reference: str) -> str:
        """Return what a reference stands for, without those that stand for each host; raise _NoValueError."""
        word, _, rest = reference.partition(".")
        if word == "addresses":
            return self._address(*self._container(rest))
        if word == "hosts":
            host, dot, attribute = rest.rpartition(".")
            if not dot or attribute != "address":
                raise _NoValueError("a host has `address` here and nothing else", "write ${hosts.HOST.address}")
            if host not in self.names.hosts:
                raise _NoValueError("there is no such host", _nearest(host, self.names.hosts, "hosts.{}.address"))
            return str(self.names.hosts[host])
        if word == "secrets":
            if rest not in self.secrets:
                raise _NoValueError(
                    "the file has no secret of this name",
                    _nearest(rest, self.secrets, "secrets.{}", "add it: secrets: {NAME: CONFIG_KEY}"),
                    of_secret=True,
                )
            return f"${{{reference}}}"
        values: dict[str, Callable[[], str]] = {
            "service.address": lambda: self._address(self.service, self.host),
            "service.name": lambda: self.service,
            "host.name": lambda: self.host,
            "host.address": lambda: str(self.names.hosts[self.host]),
        }
        if reference in values:
            return values[reference]()
        if word == "fabric" and rest in self.names.fabric:
            return self._of_fabric(rest)
        known = [*values, *(f"fabric.{name}" for name in self.names.fabric)]
        # Of this word alone: the word itself would make any two of its values alike.
        parts = [name.partition(".")[2] for name in known if name.startswith(f"{word}.")]
        raise _NoValueError(f"`{word}` has no such value", _nearest(rest, parts, f"{word}.{{}}"))

    def refuse_unclosed(self) -> NoReturn:
        """Raise _NoValueError for a reference that has no end."""
        raise _NoValueError("there is no } in the line", "write ${...} in one line, or $${ for a plain ${")

    def each_address(self, service: str, before: Collection[str]) -> list[str]:
        """Return a service's addresses on all its hosts, in their order; raise _NoValueError.

        Args:
            service: Its name.
            before: The references of this kind that the line has before.
        """
        if any(reference != f"addresses.{service}{EACH_HOST}" for reference in before):
            raise _NoValueError(
                "two services are in one line that is written for each host", "write a line for each of the two"
            )
        if service not in self.names.addresses:
            raise _NoValueError("there is no such service", _nearest(service, self.names.addresses, "addresses.{}.*"))
        if not self.names.addresses[service]:
            raise _NoValueError("the service runs on no host", "remove the line, or give the service a host")
        return [self._address(service, host) for host in self.names.addresses[service]]

    def _address(self, service: str, host: str) -> str:
        address = self.names.addresses[service][host]
        if address is None:
            raise _NoValueError(
                f"service {service} has no address on the fabric",
                "name another service, or write the name by which it is found on its bridge",
            )
        return str(address)

    def _container(self, rest: str) -> tuple[str, str]:
        """Return the service and the host that `${addresses.…}` means: names may have dots, so that it could be several."""
        services = self.names.addresses
        meant: list[tuple[str, str | None]] = [(rest, None)] if rest in services else []
        for dot in (index for index, letter in enumerate(rest) if letter == "."):
            if rest[:dot] in services and rest[dot + 1 :] in self.names.hosts:
                meant.append((rest[:dot], rest[dot + 1 :]))
        if len(meant) > 1:
            raise _NoValueError(
                "the names have dots, and it fits "
                + " and ".join(f"service {name}{'' if host is None else f' on host {host}'}" for name, host in meant),
                "rename one of them, or name the service with its host",
            )
        if not meant:
            raise _NoValueError("there is no such service, or host", _nearest(rest, self._all(), "addresses.{}"))
        service, host = meant[0]
        hosts = services[service]
        if host is not None and host not in hosts:
            raise _NoValueError(
                f"service {service} does not run on host {host}", _nearest(rest, self._all(), "addresses.{}")
            )
        if host is None and len(hosts) != 1:
            raise _NoValueError(
                f"the service runs on {len(hosts)} hosts",
                f"name the host: ${{addresses.{service}.HOST}}; or write the line for each: ${{addresses.{service}.*}}",
            )
        return service, host or next(iter(hosts))

    def _all(self) -> Iterator[str]:
        for service, hosts in self.names.addresses.items():
            yield from (f"{service}.{host}" for host in hosts)
            if len(hosts) == 1:
                yield service

    def _of_fabric(self, name: str) -> str:
        value = self.names.fabric[name]
        if value is None:
            raise _NoValueError("the fabric has no gateway in this mode", "remove the reference")
        return value


def render(text: str, names: Names, *, service: str, host: str, secrets: Collection[str]) -> Rendered:
    """Return a template with the values of one container.

    Args:
        text: The template; its line breaks stay what they are.
        names: What the plan has names for.
        service: The container's service.
        host: Its host, on which the service runs.
        secrets: The names of the secrets that the file declares.
    """
    place = _Place(names=names, service=service, host=host, secrets=secrets)
    lines: list[str] = []
    issues: list[Issue] = []
    used: set[str] = set()
    size = 0
    for number, line in enumerate(text.split("\n"), start=1):
        for written in _line(line, number, place, issues, used) if "${" in line else (line,):
            size += len(written.encode()) + 1
            # The last line has no line break of its own.
            if size - 1 > LARGEST_SOURCE:
                return _rendered(lines, issues, used, too_large=True)
            lines.append(written)
    return _rendered(lines, issues, used, too_large=False)


def replaces(text: str) -> bool:
    """Return whether a template has anything that is replaced, an escape included."""
    return FileTemplate.pattern.search(text) is not None


def near_words(text: str) -> Iterator[Issue]:
    """Yield each reference that stays as it is, and is nearly one that is replaced: `${secret.NAME}`, `${Host.name}`."""
    for number, line in enumerate(text.split("\n"), start=1):
        for found in _NEARLY.finditer(line) if "${" in line else ():
            near = get_close_matches(found["word"].lower()[:_SHOWN], WORDS, n=1, cutoff=_NEAR)
            if not near or FileTemplate.pattern.match(found[0]):
                continue
            yield Issue(
                line=number,
                reference=found[0][:_SHOWN],
                problem="this is not replaced, and is nearly a reference that is",
                fix=f"write ${{{near[0]}.{found['rest'][:_SHOWN]}}} where a value is meant; docs/files.md lists what there is",
            )


def _rendered(lines: Sequence[str], issues: Sequence[Issue], used: Collection[str], *, too_large: bool) -> Rendered:
    content = "\n".join(lines)
    if not used:
        # Nothing is replaced in it any more, so an escape would stay one.
        content = content.replace(f"${_LITERAL}", _LITERAL)
    return Rendered(content=content.encode(), secrets=frozenset(used), issues=tuple(issues), too_large=too_large)


def _line(line: str, number: int, place: _Place, issues: list[Issue], used: set[str]) -> Iterator[str]:
    """Yield a line with its values, once per host where it asks for that; add what is wrong, and the secrets that it has."""
    values: dict[str, str] = {_LITERAL: f"${_LITERAL}"}
    each: dict[str, list[str]] = {}
    wrong = len(issues)
    for found in FileTemplate.pattern.finditer(line):
        reference = found["braced"] or ""
        try:
            if found["invalid"] is not None:
                place.refuse_unclosed()
            if reference.startswith("addresses.") and reference.endswith(EACH_HOST):
                each[reference] = place.each_address(reference.removeprefix("addresses.").removesuffix(EACH_HOST), each)
            elif reference:
                values[reference] = place.value(reference)
                if reference.startswith("secrets."):
                    used.add(reference.removeprefix("secrets."))
        except _NoValueError as error:
            shown = found[0] if found["invalid"] is None else line[found.start() :]
            issues.append(
                Issue(
                    line=number,
                    reference=shown[:_SHOWN],
                    problem=error.problem,
                    fix=error.fix,
                    of_secret=error.of_secret,
                )
            )
    if len(issues) > wrong:
        return
    template = FileTemplate(line)
    if not each:
        yield template.substitute(values)
        return
    ((reference, addresses),) = each.items()
    for address in addresses:
        yield template.substitute({**values, reference: address})


def _nearest(name: str, known: Collection[str] | Iterator[str], form: str, otherwise: str = "") -> str:
    """Return a fix: the one name that is nearest, else all there are, or `otherwise`."""
    names = [*dict.fromkeys(known)]
    near = get_close_matches(name[:100], names, n=2)
    if near and (len(near) == 1 or _likeness(name, near[0]) > _likeness(name, near[1])):
        return f"did you mean {_reference(form, near[0])}?"
    if otherwise or not names:
        return otherwise or "docs/files.md lists what there is; write $${ for a plain ${"
    more = f", and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    names.sort(key=lambda each: -_likeness(name, each))
    return (
        f"write one of {', '.join(_reference(form, each) for each in names[:_LISTED])}{more}; or $${{ for a plain ${{"
    )


def _reference(form: str, name: str) -> str:
    return f"${{{form.format(name)}}}"


def _likeness(name: str, other: str) -> float:
    # As `get_close_matches` compares them: the order of the two is not without meaning.
    return SequenceMatcher(None, other, name[:100]).ratio()
