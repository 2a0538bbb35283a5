"""Types of the devices that a container is given: nodes of the host, CDI devices, GPUs, rules of its device cgroup.

Out of scope: what a container may do by them (`ipvlan.plan.device_powers`), and which Docker knows them
(`ipvlan.plan.docker_versions`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import permutations
from typing import Annotated, Final, NoReturn, Self

from pydantic import BeforeValidator, Discriminator, Field, Tag, WithJsonSchema, model_validator

from ipvlan.config.types.base import LIST, MAP, TEXT, Model, Text, fail, need_string, need_text, string_schema

_PERMISSIONS: Final = "|".join("".join(letters) for count in (1, 2, 3) for letters in permutations("rwm", count))
PERMISSIONS: Final = re.compile(_PERMISSIONS)
DEVICE: Final = re.compile(rf"/[^:]*(?::/[^:]*(?::(?:{_PERMISSIONS}))?)?")
"""docker/cli, validateDevice and validDeviceMode in cli/command/container/opts.go."""
_DEVICE_PATH: Final = re.compile("/.*", re.DOTALL)
_CDI_KIND: Final = "[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"
CDI: Final = re.compile(rf"{_CDI_KIND}/{_CDI_KIND}=[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?")
"""VENDOR/CLASS=NAME (tags.cncf.io/container-device-interface 1.1, ParseQualifiedName in pkg/parser/parser.go)."""
CGROUP_RULE: Final = re.compile(r"[acb] (?:[0-9]+|\*):(?:[0-9]+|\*) [rwm]{1,3}")
"""docker/cli, deviceCgroupRuleRegexp in cli/command/container/opts.go."""
LARGEST_DEVICE_NUMBER: Final = 2**32 - 1
"""The kernel's device cgroup has 32 bits for each of the two (Linux, devcgroup_update_access in security/device_cgroup.c), runc's
filter of cgroup v2 too; Docker reads 63."""
ALL_GPUS: Final = -1
"""The count that stands for all of them (docker/cli, parseCount in opts/gpus.go)."""
MOST_GPUS: Final = 1024
"""Far more than a machine has."""

_ABSOLUTE: Final = (
    'write absolute paths and some of r, w, m: "/dev/fuse", "/dev/sda:/dev/xvda" or "/dev/fuse:/dev/fuse:rw"'
)


def _no_device(what: str, fix: str) -> NoReturn:
    fail(
        "IPF149",
        f"this is not {what}",
        "Docker would find no such device and could not start the container, or would create it under another name",
        fix,
    )


def is_cdi(device: object) -> bool:
    """Return whether an entry of `devices` is the name of a CDI device."""
    return isinstance(device, str) and CDI.fullmatch(device) is not None


def parse_device(value: object) -> str:
    """Return a device as `docker run --device` takes it, without its short form HOST_PATH:PERMISSIONS."""
    text = need_text(value, "a device")
    if DEVICE.fullmatch(text) or is_cdi(text):
        return text
    path, *rest = text.split(":")
    if path.startswith("/") and rest and not rest[0].startswith("/") and not PERMISSIONS.fullmatch(rest[0]):
        _colons(path, text)
    if len(rest) > 2:  # HOST_PATH, CONTAINER_PATH and PERMISSIONS have two colons
        _colons(path, text)
    _no_device(
        "HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]], nor VENDOR/CLASS=NAME of CDI",
        f"{_ABSOLUTE}; for a CDI device its whole name: nvidia.com/gpu=all",
    )


def _colons(path: str, text: str) -> NoReturn:
    # By id and by path, udev's names have serial numbers, MAC and PCI addresses.
    host, found, container = text.rpartition(":/")
    written = f"{{host: {host!r}, container: '/{container}'}}" if found and host else f"{{host: {text!r}}}"
    fail(
        "IPF182",
        f"it is unclear which colon ends the path that begins with {path!r}",
        "Docker splits at each colon, finds no such device and cannot start the container",
        f"write it as a map: {written}",
    )


def _parse_path(value: object) -> str:
    text = need_text(value, "the path of a device")
    if not text.startswith("/"):
        _no_device("an absolute path", "write the path from the root on: /dev/ttyUSB0")
    return text


def _parse_permissions(value: object) -> str:
    text = need_string(value, "the permissions of a device")
    if not PERMISSIONS.fullmatch(text):
        _no_device("some of r (read), w (write) and m (create nodes)", "write rwm, rw or r")
    return text


def _parse_cgroup_rule(value: object) -> str:
    text = need_text(value, "a rule of the device cgroup")
    # So many digits that Python would refuse to read them are no number of a device either.
    numbers = [digits.lstrip("0") for digits in re.findall("[0-9]+", text)]
    too_large = any(len(digits) > 10 or int(digits or "0") > LARGEST_DEVICE_NUMBER for digits in numbers)
    if too_large or not CGROUP_RULE.fullmatch(text):
        fail(
            "IPF184",
            f"one of the numbers is above {LARGEST_DEVICE_NUMBER}"
            if too_large
            else "this is not TYPE MAJOR:MINOR PERMISSIONS",
            "the daemon refuses the container ('invalid device cgroup rule format'), or cannot start it",
            'write a, b or c, two numbers or *, and some of r, w, m: "c 188:* rwm"; `ls -l /dev` shows the numbers',
        )
    return text


DevicePath = Annotated[str, BeforeValidator(_parse_path), string_schema("An absolute path", _DEVICE_PATH)]


class DeviceMap(Model):
    """A device of the host, as a map: for paths with colons."""

    host: DevicePath
    """The path on the host: /dev/serial/by-id/usb-Maker_Radio_60:55:AA."""
    container: DevicePath | None = None
    """The path in the container; the default is that on the host."""
    permissions: Annotated[str, BeforeValidator(_parse_permissions), string_schema("Some of r, w, m", PERMISSIONS)] = (
        "rwm"
    )
    """Some of r (read), w (write) and m (create nodes)."""

    @property
    def inside(self) -> str:
        """The path in the container."""
        return self.container or self.host

    def __str__(self) -> str:
        """Return HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]], for people: with colons in a path nobody can take it apart."""
        if self.permissions != "rwm":
            return f"{self.host}:{self.inside}:{self.permissions}"
        return f"{self.host}:{self.container}" if self.container else self.host


def device_map(device: str | DeviceMap) -> DeviceMap:
    """Return an entry of `devices` as a map.

    Args:
        device: An entry that is not the name of a CDI device.
    """
    if isinstance(device, DeviceMap):
        return device
    host, *rest = device.split(":")
    return DeviceMap(host=host, container=rest[0] if rest else None, permissions=rest[1] if len(rest) > 1 else "rwm")


def _parse_count(value: object) -> int:
    """Return how many GPUs; ALL_GPUS for all."""
    if value == "all":
        return ALL_GPUS
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_GPUS:
        fail(
            "IPF183",
            "this is not how many GPUs there are to be",
            "Docker could not start the container, or would give it no GPU",
            "write all, or a number from 1 on without quotes; which ones, by a list: [{device_ids: ['0', '2']}]",
        )
    return value


_COUNT: Final = WithJsonSchema({"anyOf": [{"const": "all"}, {"type": "integer", "minimum": 1, "maximum": MOST_GPUS}]})
GpuCount = Annotated[int, BeforeValidator(_parse_count), _COUNT]


class Gpu(Model):
    """A request for GPUs."""

    driver: Text | None = None
    """Such as nvidia; by default Docker chooses one that has the capabilities."""
    count: GpuCount | None = None
    """How many, or `all`; `all` is the default where `device_ids` names none."""
    device_ids: tuple[Text, ...] = ()
    """Which ones, by their numbers or ids, as the vendor's tool shows them."""
    capabilities: tuple[Text, ...] = ()
    """What they must be able to do: utility, compute, video. `gpu` is always one of them."""
    options: Mapping[Text, Text] = Field(default_factory=dict)
    """Options of the driver."""

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        problem = fix = ""
        if self.driver == "cdi":
            problem, fix = "CDI devices are not requested here", 'write them in devices: ["nvidia.com/gpu=all"]'
        elif self.count is not None and self.device_ids:
            # moby, errConflictCountDeviceIDs in daemon/nvidia_linux.go
            problem, fix = "count and device_ids contradict each other", "remove count, or remove device_ids"
        if problem:
            fail("IPF438", problem, "Docker creates the container and cannot start it", fix)
        return self

    @property
    def number(self) -> int:
        """How many, as Docker counts: ALL_GPUS for all, 0 where `device_ids` says which."""
        return self.count or (0 if self.device_ids else ALL_GPUS)

    def __str__(self) -> str:
        """Return what is requested, for people."""
        which = f"device {', '.join(self.device_ids)}" if self.device_ids else _counted(self.number)
        more = [text for text in (self.driver, *self.capabilities) if text]
        return f"{which} ({', '.join(more)})" if more else which


def _counted(number: int) -> str:
    return "all" if number == ALL_GPUS else str(number)


def _form_of_device(value: object) -> str:
    return MAP if isinstance(value, dict | DeviceMap) else TEXT


def _form_of_gpus(value: object) -> str:
    return LIST if isinstance(value, list | tuple) else TEXT


Device = Annotated[
    Annotated[
        str,
        BeforeValidator(parse_device),
        string_schema("HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]], or VENDOR/CLASS=NAME of CDI", DEVICE, CDI),
        Tag(TEXT),
    ]
    | Annotated[DeviceMap, Tag(MAP)],
    Discriminator(_form_of_device),
]
CgroupRule = Annotated[
    str, BeforeValidator(_parse_cgroup_rule), string_schema("TYPE MAJOR:MINOR PERMISSIONS", CGROUP_RULE)
]
Gpus = Annotated[
    Annotated[GpuCount, Tag(TEXT)] | Annotated[tuple[Gpu, ...], Tag(LIST)],
    Discriminator(_form_of_gpus),
]


def gpu_requests(gpus: int | tuple[Gpu, ...] | None) -> tuple[Gpu, ...]:
    """Return the requests that `gpus` stands for."""
    if gpus is None:
        return ()
    return (Gpu() if gpus == ALL_GPUS else Gpu(count=gpus),) if isinstance(gpus, int) else gpus
