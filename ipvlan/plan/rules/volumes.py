"""Rules of the section `volumes`: names, hosts, the options of Docker's own driver, and secrets that are in plaintext.

Out of scope: what one value may be (`ipvlan.config.types.volumes`), and the mounts of a service (`ipvlan.plan.rules.settings`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import Final

from ipvlan.config.models import StackConfig
from ipvlan.config.shown_values import NOT_SHOWN
from ipvlan.config.types.volumes import ANONYMOUS
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.plan.resource_names import LABEL_PREFIX
from ipvlan.plan.resource_names import volume as resource_of_volume
from ipvlan.plan.rules import names
from ipvlan.plan.volumes import docker_name, named_sources, volumes_on
from ipvlan.problems import Problem, shorten

LOCAL_OPTIONS: Final = ("type", "o", "device", "size")
"""The options of Docker's own driver (moby, validOpts in volume/local/local_unix.go, 20.10 to 29)."""
_NEEDED: Final = {"device": ("type",), "type": ("device",), "o": ("device", "type")}
"""Option -> those that it needs (moby, mandatoryOpts in the same file)."""

ANONYMOUS_LABEL: Final = "com.docker.volume.anonymous"
"""Label by which `docker volume prune` knows a volume that it removes (moby, volume/service/service.go)."""

_PORT: Final = re.compile(r"//[^/]*:\d+(?:/|$)")
"""moby, validateOpts in volume/local/local_unix.go: "port not allowed in CIFS device URL"."""
_SIZE: Final = re.compile(r"\d+(?:\.\d+)? ?(?:[kmgtp]i?b?|b)?", re.IGNORECASE)
"""docker/go-units, RAMInBytes in size.go."""

_SECRET_NAME: Final = re.compile(
    r"(?:.*[-_.])?(?:pass(?:word|wd|phrase)?|pw|pwd|secret|token|credentials?|auth)\d*"
    r"|(?:.*[-_.])?(?:access|secret|private|api|account|shared)(?:[-_.]?access)?[-_.]?key\d*",
    re.IGNORECASE,
)
_NAMES_A_FILE: Final = re.compile(r"(?:.*[-_.])?(?:credentials?|private[-_.]?key)", re.IGNORECASE)
"""Options whose value is a file of the host where it begins with a slash; a password can begin with one."""
_USER_NAME: Final = re.compile(r"user(?:name)?", re.IGNORECASE)
"""Its value can have a password behind a percent sign (mount.cifs(8))."""
_USER_IN_URL: Final = re.compile(r"://[^/@:]*:(?!\d+/)[^@]+@")
"""A password can have a slash in it; digits with a slash behind them are a port."""


def check(config: StackConfig, unreadable: Collection[str], *, with_services: bool) -> Iterator[Problem]:
    """Yield the problems of `volumes`.

    Args:
        config: What the rules are about.
        unreadable: Hosts that are in the file and could not be read.
        with_services: Whether all services and volumes could be read: else a volume may look as if nothing mounted it.
    """
    known = {*config.hosts, *unreadable}
    for key, volume in config.volumes.items():
        path = f"volumes.{shorten(key)}"
        yield from _name(path, key, volume)
        yield from _hosts(path, volume, known)
        yield from _external(path, volume)
        yield from _labels(path, volume)
        yield from _options(path, volume)
        if with_services:
            yield from _unused(config, path, key, volume)
    yield from _one_volume_twice(config)
    yield from _by_docker_name(config)
    yield from names.across_hosts(config, "volumes", volumes_on, resource_of_volume, what="volumes", code="IPF229")


def _name(path: str, key: str, volume: VolumeConfig) -> Iterator[Problem]:
    if ANONYMOUS.fullmatch(docker_name(key, volume)):
        yield Problem(
            code="IPF217",
            key=f"{path}.name" if volume.name else path,
            value=shorten(docker_name(key, volume)),
            problem="64 hexadecimal digits are how Docker names a volume that nobody named",
            effect="it would be removed as one with a container that it was mounted in, and its data would be lost",
            fix="choose a name that says what is in it",
        )


def _hosts(path: str, volume: VolumeConfig, known: Collection[str]) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, host in enumerate(volume.hosts):
        if host not in known or host in seen:
            near = get_close_matches(host[:100], list(known), n=1)
            named_twice = host in known
            yield Problem(
                code="IPF218",
                key=f"{path}.hosts[{number}]",
                value=shorten(host),
                problem="the host is named twice" if named_twice else "there is no such host",
                effect="the second would be ignored" if named_twice else "the volume would be created nowhere",
                fix="remove one"
                if named_twice
                else f"did you mean {near[0]}?"
                if near
                else "name a key of `hosts`, or add the host there",
            )
        seen.add(host)


def _external(path: str, volume: VolumeConfig) -> Iterator[Problem]:
    if not volume.external:
        return
    given: list[str] = [
        key for key in ("driver", "driver_opts", "secret_driver_opts", "labels") if key in volume.model_fields_set
    ]
    if volume.delete:
        given.append("delete")
    for key in given:
        yield Problem(
            code="IPF219",
            key=f"{path}.external and {path}.{key}",
            value="true",
            problem=f"somebody else makes the volume, and {key} says how this stack makes or removes it",
            effect=f"{key} would be ignored",
            fix=f"remove {key}, or external",
        )


def _labels(path: str, volume: VolumeConfig) -> Iterator[Problem]:
    for label in volume.labels:
        if label.startswith(LABEL_PREFIX) or label == ANONYMOUS_LABEL:
            prunes = label == ANONYMOUS_LABEL
            yield Problem(
                code="IPF220",
                key=f"{path}.labels",
                value=shorten(label),
                problem="Docker knows by this label which volumes nobody named"
                if prunes
                else f"labels that begin with {LABEL_PREFIX} are reserved for the stack itself",
                effect="`docker volume prune` would remove the volume while no container uses it"
                if prunes
                else "the stack could not identify its own volumes",
                fix="choose another label",
            )


def _options(path: str, volume: VolumeConfig) -> Iterator[Problem]:
    both = sorted(volume.driver_opts.keys() & volume.secret_driver_opts.keys())
    for option in both:
        yield Problem(
            code="IPF221",
            key=f"{path}.driver_opts and {path}.secret_driver_opts",
            value=shorten(option),
            problem="the option is in both",
            effect="it is unclear whether the secret or the plaintext value would count",
            fix="remove one of the two",
        )
    for option, value in volume.driver_opts.items():
        if is_secret_option(option, value):
            yield Problem(
                code="IPF222",
                key=f"{path}.driver_opts.{shorten(option)}",
                value=NOT_SHOWN,
                problem="this looks like a password, in plaintext",
                effect="everybody who reads the repository or the state would know it",
                fix=f"choose a new one, run pulumi config set --secret NAME, and write secret_driver_opts: "
                f"{{{shorten(option)}: NAME}} with the whole value of the option as the secret",
            )
    if volume.driver == "local":
        yield from _local(path, volume)


def is_secret_option(option: str, value: str) -> bool:
    """Return whether a driver's option looks as if a secret was in it: by its name, by `password=` in a list, or by a URL.

    A path is none: `credentials=/root/cifs` and `secretfile=/etc/ceph/key` (mount.cifs(8), mount.ceph(8)) name files of the host.
    """
    parts = [(option, value), *(tuple(part.partition("=")[::2]) for part in value.split(",") if "=" in part)]
    return _USER_IN_URL.search(value) is not None or any(_is_secret(name.strip(), text) for name, text in parts)


def _is_secret(name: str, text: str) -> bool:
    if _USER_NAME.fullmatch(name):
        return "%" in text
    is_file = text.startswith("/") and _NAMES_A_FILE.fullmatch(name)
    return bool(text and _SECRET_NAME.fullmatch(name) and not is_file)


def _local(path: str, volume: VolumeConfig) -> Iterator[Problem]:
    """Yield what Docker's own driver refuses when it creates the volume."""
    given = {**volume.driver_opts, **volume.secret_driver_opts}
    for option in given:
        key = f"{path}.{'driver_opts' if option in volume.driver_opts else 'secret_driver_opts'}.{shorten(option)}"
        if option not in LOCAL_OPTIONS:
            yield Problem(
                code="IPF223",
                key=key,
                value="",
                problem="Docker's driver `local` has no such option",
                effect="Docker would refuse the volume ('invalid option')",
                fix=f"write some of {', '.join(LOCAL_OPTIONS)}; options of mount(8) belong into o: "
                f'"{shorten(option)}=...", or name the plugin that has it as driver',
            )
        missing = [needed for needed in _NEEDED.get(option, ()) if needed not in given]
        if missing:
            yield Problem(
                code="IPF224",
                key=key,
                value="",
                problem=f"it needs {' and '.join(missing)} too",
                effect=f"Docker would refuse the volume ('missing required option: \"{missing[0]}\"')",
                fix=f"add {path}.driver_opts.{missing[0]}; for a folder of the host: "
                "{type: none, o: bind, device: /srv/data}",
            )
    yield from _values(path, volume)
    options = volume.driver_opts.get("o", "").split(",")
    device = volume.driver_opts.get("device", "/")
    if ("bind" in options or "rbind" in options) and not device.startswith("/"):
        yield Problem(
            code="IPF225",
            key=f"{path}.driver_opts.device",
            value=NOT_SHOWN,
            problem="a bind mount needs an absolute path of the host",
            effect="Docker would create the volume, and no container that mounts it could start",
            fix="write the path from the root on: /srv/data",
        )


def _values(path: str, volume: VolumeConfig) -> Iterator[Problem]:
    """Yield the values that Docker's own driver refuses."""
    options = volume.driver_opts
    refused = {
        "device": (
            options.get("type") == "cifs" and _PORT.match(options.get("device", "")),
            "Docker takes no port in the device of a CIFS share",
            "write the port into o: port=445",
        ),
        "size": (
            "size" in options and not _SIZE.fullmatch(options["size"]),
            "this is not a size as Docker reads it",
            "write a number, with k, m, g or t behind it: 10g",
        ),
    }
    for option, (is_refused, problem, fix) in refused.items():
        if is_refused:
            yield Problem(
                code="IPF802",
                key=f"{path}.driver_opts.{option}",
                value=NOT_SHOWN,
                problem=problem,
                effect="Docker would refuse the volume",
                fix=fix,
            )


def _unused(config: StackConfig, path: str, key: str, volume: VolumeConfig) -> Iterator[Problem]:
    if volume.hosts or any(
        key in named_sources(service) and any(service.runs_on(host) for host in config.hosts)
        for service in config.services.values()
    ):
        return
    yield Problem(
        code="IPF226",
        key=path,
        value="",
        problem="no service mounts it, and it has no `hosts`",
        effect="it is created nowhere",
        fix=f'mount it: services.NAME.volumes: ["{shorten(key)}:/path"]; or name `hosts`, or remove it',
        severity="warning",
    )


def _one_volume_twice(config: StackConfig) -> Iterator[Problem]:
    by_name: dict[str, str] = {}
    for key, volume in config.volumes.items():
        name = docker_name(key, volume)
        first = by_name.setdefault(name, key)
        if first != key:
            yield Problem(
                code="IPF227",
                key=f"volumes.{shorten(first)} and volumes.{shorten(key)}",
                value=shorten(name),
                problem="both are one volume in Docker",
                effect="what is written for one would count for the other, and each could remove the other's data",
                fix="keep one key, and mount that one; or give one another name",
            )


def _by_docker_name(config: StackConfig) -> Iterator[Problem]:
    """Yield the mounts that name a volume of the section by its name in Docker, and not by its key."""
    keys = {docker_name(key, volume): key for key, volume in config.volumes.items()}
    for name, service in config.services.items():
        for source in dict.fromkeys(named_sources(service)):
            if source not in config.volumes and source in keys:
                by_mounts = any(mount.type == "volume" and mount.source == source for mount in service.mounts)
                yield Problem(
                    code="IPF228",
                    key=f"services.{name}.{'mounts' if by_mounts else 'volumes'} and volumes.{shorten(keys[source])}.name",
                    value=shorten(source),
                    problem="the service names the volume by its name in Docker, and the section has it under another key",
                    effect="the container would be created before the volume, and Docker would make one without your options",
                    fix=f"write {shorten(keys[source])} as the source of the mount",
                )
