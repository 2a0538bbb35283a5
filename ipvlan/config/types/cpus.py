"""Types of how much of which processors a container may use."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Annotated, Final

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from ipvlan.config.types.base import fail, json_pattern, need_string, need_text, string_schema

CPUS: Final = re.compile(r"[0-9]{1,10}(?:\.[0-9]{0,20})?|\.[0-9]{1,20}")
NANO: Final = 10**9
"""Docker counts billionths of a processor (moby, NanoCPUs in api/types/container/hostconfig.go)."""
LEAST_CPUS: Final = Decimal("0.01")
"""Docker gives the container a quota of each 100 ms (moby, getCPUResources in daemon/daemon_unix.go), and Linux has none below 1 ms
(min_cfs_quota_period in kernel/sched/core.c)."""
MOST_PROCESSORS: Final = 8192
"""What any Linux has (NR_CPUS in arch/x86/Kconfig); Docker refuses more than the host has."""

CPU_SET: Final = re.compile(r"[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*")
"""moby, parseUintList in pkg/parsers/parsers.go; the docker provider takes no blank (ValidateDiagFunc of `cpu_set`)."""


def parse_cpus(value: object) -> Decimal:
    """Return a number of processors; 0 is no limit."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        # The shortest text of a float is the one in the file.
        value = str(value)
    text = need_string(value, "a number of CPUs")
    if not CPUS.fullmatch(text):
        fail(
            "IPF185",
            "this is not a number of CPUs",
            "the docker provider refuses the container",
            'write for example 0.5, 2 or "1.5"',
        )
    cpus = Decimal(text)
    if cpus and not LEAST_CPUS <= cpus <= MOST_PROCESSORS:
        fail(
            "IPF186",
            f"a container can have {LEAST_CPUS} to {MOST_PROCESSORS} CPUs",
            "the daemon refuses the container, or the kernel its quota, which is at least 1 ms of each 100 ms",
            f"write {LEAST_CPUS} or more, and not more than the host has; or remove the line for no limit",
        )
    if cpus * NANO % 1:
        fail(
            "IPF187",
            "the number has more than nine decimals",
            "the docker provider refuses the container ('value is too precise')",
            f"write {round(cpus, 9)}",
        )
    return cpus


def parse_cpu_set(value: object) -> str:
    """Return the numbers of the processors that a container may use, as they are written."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = need_text(value, "a set of CPUs")
    ranges = [part.partition("-") for part in text.split(",")] if CPU_SET.fullmatch(text) else []
    if not all(int(first) <= int(last or first) < MOST_PROCESSORS for first, _, last in ranges) or not ranges:
        fail(
            "IPF188",
            f"these are not numbers of CPUs, which begin with 0 and end before {MOST_PROCESSORS}",
            "the docker provider or the daemon refuses the container ('Invalid value for cpuset cpus')",
            'write numbers and ranges, the lower number first, with commas: "0-2,5"',
        )
    return text


Cpus = Annotated[
    Decimal,
    BeforeValidator(parse_cpus),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(
        {
            "type": ["string", "number"],
            "pattern": json_pattern(CPUS),
            "minimum": 0,
            "description": '0.5, 2 or "1.5"; 0 is no limit',
        }
    ),
]
CpuSet = Annotated[
    str,
    BeforeValidator(parse_cpu_set),
    string_schema("Numbers and ranges of CPUs: 0-2,5", CPU_SET, type=["string", "integer"], minimum=0),
]
