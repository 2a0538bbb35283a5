"""Reads the stack file: its shape, the shared file, the references to secrets.

Reading never stops at the first problem: it returns what could be read, and all that is wrong. No passphrase is needed, since
secrets are in the config by reference only.

Out of scope: what two keys must agree on, and the error that stops a command (`ipvlan.plan.validate`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pydantic import ValidationError

from ipvlan import PROJECT
from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.file_sources import FileSources, without_files
from ipvlan.config.messages import entries_of, problem_of, unknown_sections
from ipvlan.config.models import (
    COMMON,
    SECTIONS,
    FabricConfig,
    HostConfig,
    ServiceConfig,
    SshConfig,
    StackConfig,
)
from ipvlan.config.project_file import project_problems, stack_file_problems
from ipvlan.config.salvage import UNREADABLE_FABRIC, salvage
from ipvlan.config.secrets import encrypted_values, is_secret, referred_keys, secrets_in_plaintext, unknown_secrets
from ipvlan.config.shared_file import with_common
from ipvlan.config.shown_values import shown
from ipvlan.config.types.base import Model
from ipvlan.config.types.docker import HOST_NAME, SERVICE_NAME
from ipvlan.config.types.volumes import LONGEST_VOLUME, VOLUME_KEY
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.config.yaml_file import Folder, read
from ipvlan.problems import MOST_SHOWN, ConfigError, Problem, UsageError, shorten

MOST_READ_ON: Final = 1000
"""Problems after which the rest of a section is not read: a text lists a hundred."""

_MOST_NAMES: Final = 8
"""Names of a list that the fix repeats."""

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawStack:
    """The stack's keys in its file, as plain mappings and lists."""

    sections: Mapping[str, object]
    """The sections and `common`, without the namespace; a key that is missing or cannot be read is None or left out."""
    others: Mapping[str, object]
    """The other keys of the namespace: secrets, encrypted or not."""
    problems: tuple[Problem, ...]
    """Keys that nothing reads, and sections that are not JSON."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What could be read of a config, and what is wrong with the shape of the rest."""

    config: StackConfig
    """Without what could not be read, or with placeholders for it (`ipvlan.config.salvage`)."""
    problems: tuple[Problem, ...]
    """Empty for a config that is well formed, and has nothing left out then."""
    fabric_read: bool
    """Whether the fabric is the config's own."""
    hosts_read: bool
    """Whether any host was read, or there are none: else every reference to a host looks wrong."""
    unreadable_hosts: frozenset[str]
    unreadable_services: frozenset[str]
    unreadable_volumes: frozenset[str] = frozenset()
    unreadable_bridges: frozenset[str] = frozenset()


def stack_file(stack: str) -> str:
    """Return the name of the stack's file.

    Raises:
        UsageError: The name would lead to another folder.
    """
    # The organisation and project of a full stack name (ORG/PROJECT/STACK) are not part of the file's name.
    *parents, name = stack.split("/")
    if len(parents) > 2 or not all(HOST_NAME.fullmatch(part) for part in (*parents, name)):
        raise UsageError(
            [
                Problem(
                    code="IPF901",
                    key="--stack",
                    value=shorten(stack),
                    problem="this is not the name of a stack",
                    effect="no file belongs to it",
                    fix="use the STACK of a file Pulumi.STACK.yaml",
                )
            ]
        )
    return f"Pulumi.{name}.yaml"


def read_raw(stack: str, folder: Folder) -> RawStack:
    """Return the sections of the stack's file, not yet with its shared file.

    Raises:
        ConfigError: The file is no stack file.
    """
    name = stack_file(stack)
    content = read(folder, name)
    problems = [*project_problems(folder), *stack_file_problems(name, content)]
    config = content.get("config")
    if not isinstance(config, Mapping):
        raise ConfigError(
            [
                *problems,
                Problem(
                    code="IPF014",
                    key=f"{name}: config",
                    value="" if config is None else shown(config),
                    problem="it is missing" if config is None else "this is not a mapping",
                    effect="the stack has no fabric, no hosts and no services",
                    fix=f"write `config:` with {', '.join(f'{PROJECT}:{key}' for key in SECTIONS[:3])} below it",
                ),
            ]
        )
    own = {key.partition(":")[2]: value for key, value in config.items() if key.startswith(f"{PROJECT}:")}
    sections: dict[str, object] = {}
    for key in (*SECTIONS, COMMON):
        sections[key] = own.get(key)
        if key in SECTIONS and key in own and own[key] is None:
            problems.append(
                Problem(
                    code="IPF050",
                    key=key,
                    value="",
                    problem="nothing is below the key",
                    effect="Pulumi would refuse the config: it takes a mapping there",
                    fix="remove the key, or write {}",
                )
            )
    others = {key: value for key, value in own.items() if key not in (*SECTIONS, COMMON) and ":" not in key}
    referred = set(referred_keys(sections))
    # A secret that nothing refers to yet is no mistake.
    stray = {key: value for key, value in others.items() if not is_secret(value) and key not in referred}
    stray_problems = unknown_sections(stray, (*SECTIONS, COMMON), "", "config keys")
    return RawStack(sections=sections, others=others, problems=(*problems, *stray_problems))


def read_stack(stack: str, folder: Folder, *, with_files: bool = True) -> Reading:
    """Read a stack in a folder, which may be a commit; `with_files` is as in `read_config`.

    Raises:
        ConfigError: The file is no stack file.
    """
    return read_sections(read_raw(stack, folder), folder, with_files=with_files)


def read_sections(raw: RawStack, folder: Folder, *, with_files: bool = True) -> Reading:
    """Read the sections of a stack's file, with its shared file; `with_files` is as in `read_config`."""
    reading = read_config(raw.sections, folder, known_config_keys=frozenset(raw.others), with_files=with_files)
    reported = {problem.key for problem in raw.problems}
    problems = (
        *raw.problems,
        *(problem for problem in reading.problems if problem.key not in reported),
        *secrets_in_plaintext(reading.config.services, raw.others, reading.config.volumes),
    )
    return Reading(
        config=reading.config,
        problems=problems,
        fabric_read=reading.fabric_read,
        hosts_read=reading.hosts_read,
        unreadable_hosts=reading.unreadable_hosts,
        unreadable_services=reading.unreadable_services,
        unreadable_volumes=reading.unreadable_volumes,
        unreadable_bridges=reading.unreadable_bridges,
    )


def read_config(
    raw: Mapping[str, object],
    folder: Folder,
    *,
    known_config_keys: Collection[str] | None = None,
    with_files: bool = True,
) -> Reading:
    """Read a config that is plain mappings and lists, and the files that it names.

    Args:
        raw: The sections, and `common`, the path of the shared file.
        folder: Where the shared file is, and the files of services.
        known_config_keys: The names that secrets may be referred to by; None leaves that unchecked.
        with_files: Whether services have their files; without, they are as services that have none, and no file is read.
    """
    problems: list[Problem] = list(unknown_sections(raw, (*SECTIONS, COMMON), "", "config keys"))
    sections, more = with_common(raw, folder)
    problems.extend(more)
    problems.extend(encrypted_values(sections))
    fabric = _model(FabricConfig, sections["fabric"], "fabric", problems)
    hosts, unreadable_hosts = _models(HostConfig, sections["hosts"], "hosts", problems)
    services, unreadable_services = _models(ServiceConfig, sections["services"], "services", problems)
    volumes, unreadable_volumes = _models(
        VolumeConfig, {} if sections["volumes"] is None else sections["volumes"], "volumes", problems
    )
    bridges, unreadable_bridges = _models(
        BridgeConfig, {} if sections["bridges"] is None else sections["bridges"], "bridges", problems
    )
    if sections["bridges"] is not None and not isinstance(sections["bridges"], Mapping):
        # Whatever the services name may be in it.
        unreadable_bridges = frozenset(key for service in services.values() for key in service.bridges)
    ssh = _model(SshConfig, {} if sections["ssh"] is None else sections["ssh"], "ssh", problems)
    if known_config_keys is not None:
        problems.extend(unknown_secrets(services, known_config_keys, volumes))
    sources: Mapping[str, bytes] = {}
    if with_files:
        sources, wrong = FileSources(folder).read(services)
        problems.extend(wrong)
    else:
        services = {name: without_files(service) for name, service in services.items()}
    return Reading(
        # Not validated again: every part was.
        config=StackConfig.model_construct(
            fabric=fabric or UNREADABLE_FABRIC,
            hosts=hosts,
            services=services,
            volumes=volumes,
            bridges=bridges,
            ssh=ssh or SshConfig(),
        ).with_sources(sources),
        problems=tuple(problems),
        fabric_read=fabric is not None,
        hosts_read=bool(hosts) or sections["hosts"] == {},
        unreadable_hosts=unreadable_hosts,
        unreadable_services=unreadable_services,
        unreadable_volumes=unreadable_volumes,
        unreadable_bridges=unreadable_bridges,
    )


def _model(kind: type[M], raw: object, path: str, problems: list[Problem]) -> M | None:
    if raw is None:
        problems.append(
            Problem(
                code="IPF018",
                key=path,
                value="",
                problem="it is missing",
                effect="nothing can be planned without it",
                fix=f"write {PROJECT}:{path} as docs/config.md shows it",
            )
        )
        return None
    try:
        return kind.model_validate(raw)
    except ValidationError as error:
        entries = entries_of(error)
        problems.extend(
            problem_of(kind, entry, path) for entry in entries[: MOST_SHOWN + 1] if not is_secret(entry["input"])
        )
        return salvage(kind, raw, {entry["loc"][0] for entry in entries if entry["loc"]})


def _models(kind: type[M], raw: object, section: str, problems: list[Problem]) -> tuple[dict[str, M], frozenset[str]]:
    """Return the entries of a section that could be read, and the names of the others."""
    if not isinstance(raw, Mapping):
        problems.append(
            Problem(
                code="IPF019",
                key=section,
                value="" if raw is None else shown(raw),
                problem="it is missing" if raw is None else "this is not a mapping of names",
                effect=f"the stack would have no {section}",
                fix=_section_form(section, raw),
            )
        )
        return {}, frozenset()
    pattern = {"hosts": HOST_NAME, "volumes": VOLUME_KEY}.get(section, SERVICE_NAME)
    entries: dict[str, M] = {}
    unreadable: set[str] = set()
    for name, raw_entry in raw.items():
        if len(problems) > MOST_READ_ON:
            raise ConfigError(problems)
        path = f"{section}.{shorten(name)}"
        if not pattern.fullmatch(str(name)):
            problems.append(_bad_name(section, str(name)))
            unreadable.add(name)
        if raw_entry is None:
            problems.append(
                Problem(
                    code="IPF021",
                    key=path,
                    value="",
                    problem="nothing is below the name",
                    effect=f"nothing is known of this {section[:-1]}",
                    fix="write its keys below it, indented, or remove the name"
                    + (
                        f"; {{}} is a {section[:-1]} with Docker's defaults"
                        if section in ("volumes", "bridges")
                        else ""
                    ),
                )
            )
            unreadable.add(name)
            continue
        entry = _model(kind, raw_entry, path, problems)
        if entry is None or name in unreadable:
            unreadable.add(name)
        else:
            entries[str(name)] = entry
    return entries, frozenset(unreadable)


def _section_form(section: str, raw: object) -> str:
    """Return how a section is written; a list of names is the map of them, where nothing has to be said of each."""
    if section in ("volumes", "bridges") and isinstance(raw, list) and 0 < len(raw) <= _MOST_NAMES:
        pattern = VOLUME_KEY if section == "volumes" else SERVICE_NAME
        # A name that begins with a letter and is no word of YAML needs no quotes.
        if all(isinstance(name, str) and pattern.fullmatch(name) and name == shorten([name])[1:-1] for name in raw):
            return f"write {PROJECT}:{section}: {{{', '.join(f'{name}: {{}}' for name in dict.fromkeys(raw))}}}"
    return f"write {PROJECT}:{section} with one name per line below it" + (
        ", or {} for none" if section in ("services", "volumes", "bridges") else ""
    )


def _bad_name(section: str, name: str) -> Problem:
    least = "one or more" if section == "hosts" else "two or more"
    most = LONGEST_VOLUME if section == "volumes" else 63
    effects = {
        "services": "the daemon answers 'Invalid container name', after other containers were already changed",
        "volumes": "the daemon would refuse the volume, and with it the containers that mount it",
        "bridges": "the daemon would refuse the network, or containers could not find each other by it",
    }
    return Problem(
        code="IPF020",
        key=f"{section}.{shorten(name)}",
        value="",
        problem=f"the name has {len(name)} characters, and {most} are allowed"
        if len(name) > most
        else "Docker and Pulumi do not accept this name",
        effect=effects.get(section, "names of resources and files could not identify the host"),
        fix=f"use {least} of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit, at most {most}",
    )
