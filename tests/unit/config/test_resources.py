"""Sizes, CPUs, namespaces and groups: what Docker takes is taken, what it can only refuse is refused."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvlan import PROJECT
from ipvlan.config.durations import go_duration, nanoseconds
from ipvlan.config.json_schema import stack_schema
from ipvlan.config.models import ServiceConfig
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import changed

VALIDATOR = jsonschema.validators.validator_for(stack_schema())(stack_schema())
MIB = 2**20


def nginx(**keys: Any) -> ServiceConfig:
    """Return the service with these keys; a plan is made of it without a warning, and it fits the schema."""
    raw = changed({f"services.nginx.{key}": value for key, value in keys.items()})
    config = parse(raw)
    assert make_plan(config).warnings == ()
    stack = {"config": {f"{PROJECT}:{section}": content for section, content in raw.items()}}
    assert [error.message for error in VALIDATOR.iter_errors(stack)] == []
    return config.services["nginx"]


def codes(**keys: Any) -> list[str]:
    """Return the codes of what is wrong with the service."""
    with pytest.raises(ConfigError) as error:
        make_plan(parse(changed({f"services.nginx.{key}": value for key, value in keys.items()})))
    return [problem.code for problem in error.value.problems]


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64mb", 64), ("64MB", 64), ("64 MB", 64), ("64MiB", 64), ("64 mib", 64), ("64M", 64), ("64m", 64), ("064m", 64),
        ("1.5g", 1536), ("1.5 GiB", 1536), (".5g", 512), ("1.g", 1024), ("1tb", 2**20), ("0.5t", 2**19), ("0.001p", None),
        ("65536k", 64), ("65536 KB", 64), (str(64 * MIB), 64), (f"{64 * MIB}b", 64), (f"{64 * MIB} B", 64), (64 * MIB, 64),
        (f"{64 * MIB}.0", 64), ("0.0625g", 64),
    ],
)  # fmt: skip
def test_sizes_as_docker_writes_them(text: Any, size: int | None) -> None:
    """go-units' RAMInBytes: binary units in any case, with a fraction, a blank, `b` and `ib`; exact, in whole MiB."""
    if size is None:
        assert codes(shm_size=text) == ["IPF135"]
    else:
        assert nginx(shm_size=text).shm_size == size * MIB


@given(st.integers(min_value=1, max_value=2**30), st.integers(min_value=1, max_value=9))
def test_a_size_is_exact(mebibytes: int, digits: int) -> None:
    """What is not a whole number of MiB is refused, however small the rest: nothing is rounded."""
    assert (
        parse(changed({"services.nginx.shm_size": f"{mebibytes}.{'0' * digits}m"})).services["nginx"].shm_size
        == mebibytes * MIB
    )
    assert codes(shm_size=f"{mebibytes}.{'0' * digits}1m") == ["IPF135"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "m",
        ".m",
        "0",
        "0m",
        "0.0g",
        "-1m",
        "1,5g",
        "1.5.2g",
        "64  MB",
        " 64m",
        "64mbb",
        "64bm",
        "64x",
        "1e3m",
        "6½m",
    ],
)
def test_what_is_no_size(text: str) -> None:
    """Neither go-units nor this program knows a size there; 0 is none to Docker."""
    assert codes(shm_size=text) == ["IPF134"]


def test_memory_settings_fit_together() -> None:
    """Swap at least memory, or -1; the reservation at most memory; each is Docker's own rule."""
    service = nginx(memory="512m", memory_swap="512m", memory_reservation="512m")
    assert (service.memory, service.memory_swap, service.memory_reservation) == (512 * MIB, 512 * MIB, 512 * MIB)
    assert nginx(memory="512m", memory_swap=-1).memory_swap == nginx(memory="512m", memory_swap="-1").memory_swap == -1
    assert nginx(memory_reservation="512m").memory is None
    assert codes(memory_swap="1g") == ["IPF446"]
    # Docker takes it, and it means nothing.
    assert nginx(memory_swap=-1).memory_swap == -1
    assert codes(memory_swap=0) == ["IPF134"]
    assert codes(memory="512m", memory_swap="511m") == ["IPF447"]
    assert codes(memory="512m", memory_reservation="513m") == ["IPF448"]
    assert codes(memory="512m", memory_swap=-2) == ["IPF134"]
    assert codes(memory_reservation="5m") == ["IPF141"]


@pytest.mark.parametrize("value", [0, 2, 0.5, "1.5", "0.010", ".25", "2.", 8192, "1.123456789", "1.0000000000"])
def test_cpus(value: Any) -> None:
    """A number or a text, exact."""
    assert nginx(cpus=value).cpus == Decimal(str(value))


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *((value, "IPF185") for value in ("", "two", "-1", "1/2", "1e0", "0x1", " 1", "1.5.")),
        *((value, "IPF186") for value in (0.001, "0.0099", 8193, "9999999999")),
        ("1.1234567891", "IPF187"),
        *((value, "IPF111") for value in (True, [1], None)),
    ],
)  # fmt: skip
def test_what_is_no_number_of_cpus(value: Any, code: str) -> None:
    """Docker, its provider or the kernel refuses it."""
    if value is None:
        assert nginx(cpus=None).cpus is None
    else:
        assert codes(cpus=value) == [code]


def test_sets_of_cpus() -> None:
    """Numbers and ranges, as Docker and the docker provider both take them."""
    assert [nginx(cpuset=value).cpuset for value in ("0", 1, "0-2,5", "3-3", "8191")] == [
        "0",
        "1",
        "0-2,5",
        "3-3",
        "8191",
    ]
    for value in ("", "1-", "-1", "0,", "3-1", "0-2-4", "a", "0 , 1", "8192", "1.5"):
        assert codes(cpuset=value) == ["IPF188"]


def test_namespaces() -> None:
    """Docker's words; what another container has is refused with the reason."""
    service = nginx(pid="host", ipc="shareable", userns_mode="host")
    assert (service.pid, service.ipc, service.userns_mode) == ("host", "shareable", "host")
    for mode in ("private", "host", "none"):
        assert nginx(ipc=mode).ipc == mode
    for key in ("pid", "ipc"):
        assert (
            codes(**{key: "container:db"}) == codes(**{key: "service:db"}) == codes(**{key: "container"}) == ["IPF189"]
        )
    assert codes(pid="private") == codes(ipc="Host") == codes(userns_mode="container:db") == ["IPF190"]
    assert (nginx(pid="").pid, nginx(ipc="").ipc, nginx(userns_mode="").userns_mode) == ("", "", "")


def test_groups() -> None:
    """A number or a name; no number beyond Linux's."""
    assert nginx(group_add=[0, "44", "video", "2147483647"]).group_add == ("0", "44", "video", "2147483647")
    for value in ("", "-1", "2147483648", 2**31, "9" * 5000):
        assert codes(group_add=[value]) == ["IPF191"]


def test_a_stop_timeout_of_0_does_not_arrive() -> None:
    """It is refused with the true reason; 1 and more arrive."""
    assert nginx(stop_timeout=1).stop_timeout == 1
    assert codes(stop_timeout=0) == ["IPF192"]
    assert codes(stop_timeout=-1) == ["IPF106"]
    assert codes(stop_timeout=False) == ["IPF105"]


def test_the_hosts_own_address() -> None:
    """`host-gateway` is for a container with the bridge; without it the name leads nowhere, which is a warning."""
    hosts = {"extra_hosts": {"up": "host-gateway"}}
    assert nginx(**hosts).extra_hosts == {"up": "host-gateway"}
    for keys, expected in (({"published": False}, ["IPF449"]), ({"published": False, "internet": True}, [])):
        raw = changed({f"services.nginx.{key}": value for key, value in {**hosts, **keys}.items()})
        assert [warning.code for warning in make_plan(parse(raw)).warnings] == expected


def test_parents_of_control_groups() -> None:
    """A slice is taken everywhere; another path only where systemd does not manage them."""
    assert nginx(cgroup_parent="shop.slice").cgroup_parent == "shop.slice"
    for value in ("/shop", "shop", ".slice"):
        warnings = make_plan(parse(changed({"services.nginx.cgroup_parent": value}))).warnings
        assert [warning.code for warning in warnings] == ["IPF450"]


@pytest.mark.parametrize(
    ("written", "go"),
    [
        ("60s", "1m0s"), ("90s", "1m30s"), ("1h", "1h0m0s"), ("3601s", "1h0m1s"), ("0s", "0s"), ("0", "0s"), ("1.5s", "1.5s"),
        ("1500ms", "1.5s"), ("1500us", "1.5ms"), ("1ms", "1ms"), (".5h", "30m0s"), ("100h", "100h0m0s"), ("1s1ns", "1.000000001s"),
        ("1ms1ns", "1.000001ms"), ("59.9s", "59.9s"),
    ],
)  # fmt: skip
def test_durations_as_go_writes_them(written: str, go: str) -> None:
    """The provider reads a duration back in Go's own form."""
    assert go_duration(written) == go


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_a_duration_keeps_its_value(total: int) -> None:
    """Go's form is the same duration."""
    assert nanoseconds(go_duration(f"{total}ns")) == total
