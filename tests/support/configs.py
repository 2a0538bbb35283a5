"""Draws valid stack configs, for property tests."""

from __future__ import annotations

from hashlib import sha256
from string import ascii_lowercase, digits
from typing import Any

from hypothesis import assume
from hypothesis import strategies as st
from netaddr import IPAddress, IPNetwork

# Not from_regex: it draws character by character, and took three quarters of the time of every property test.
NAMES = st.tuples(
    st.sampled_from(ascii_lowercase), st.text(ascii_lowercase + digits + "_.-", min_size=1, max_size=11)
).map("".join)
# Real digests differ in their first digits, which are part of a resource's name.
DIGESTS = st.integers(min_value=0, max_value=2**32).map(lambda number: sha256(str(number).encode()).hexdigest())


@st.composite
def raw_configs(draw: st.DrawFn) -> dict[str, Any]:
    """Return a valid config as plain mappings: 1 to 6 hosts, 0 to 8 services, every mode, reserved and dynamic ranges."""
    mode = draw(st.sampled_from(["l2", "l3", "l3s"]))
    subnet = IPNetwork(draw(st.sampled_from(["10.0.0.0/8", "10.1.0.0/16", "172.20.0.0/16", "192.168.0.0/17"])))
    prefix = draw(st.integers(min_value=max(subnet.prefixlen + 4, 20), max_value=28))
    count = draw(st.integers(min_value=1, max_value=6))
    # Number 0 is left to the gateway, the last to the subnet's broadcast address.
    numbers = draw(
        st.lists(
            st.integers(min_value=1, max_value=min(2 ** (prefix - subnet.prefixlen) - 2, 5000)),
            min_size=count,
            max_size=count,
            unique=True,
        )
    )
    slices = [IPNetwork((subnet.first + number * 2 ** (32 - prefix), prefix)) for number in numbers]
    size = 2 ** (32 - prefix)
    host_names = draw(st.lists(NAMES, min_size=count, max_size=count, unique=True))
    service_names = draw(st.lists(NAMES, max_size=8, unique=True))
    # Quarters of the slice: statics by offset in the first, by address in the second, reserved third, dynamic fourth.
    quarter = size // 4
    offsets = draw(
        st.lists(
            st.integers(min_value=1, max_value=quarter - 1),
            min_size=len(service_names),
            max_size=len(service_names),
            unique=True,
        )
        if len(service_names) <= quarter - 1
        else st.just(list(range(1, quarter)))
    )
    service_names = service_names[: len(offsets)]
    hosts: dict[str, Any] = {}
    reserved: list[str] = []
    for index, (name, slice_) in enumerate(zip(host_names, slices, strict=True)):
        hosts[name] = {
            "address": str(IPAddress(int(IPAddress("203.0.113.1")) + index)),
            "parent": draw(st.sampled_from(["ens33", "eth0", "bond0.40"])),
            "slice": str(slice_),
        }
        dynamic = draw(st.sampled_from([None, "none", "last quarter"]))
        if dynamic == "last quarter":
            dynamic = str(IPNetwork((slice_.first + 3 * quarter, prefix + 2)))
        if dynamic is not None:
            hosts[name]["dynamic"] = dynamic
        if draw(st.booleans()):
            first = slice_.first + 2 * quarter
            reserved.append(
                draw(
                    st.sampled_from(
                        [
                            str(IPAddress(first)),
                            f"{IPAddress(first)}-{IPAddress(first + quarter - 1)}",
                            str(IPNetwork((first, prefix + 2))),
                        ]
                    )
                )
            )
    services = {
        name: draw(_services((index, name, offset), hosts, quarter))
        for index, (name, offset) in enumerate(zip(service_names, offsets, strict=True))
    }
    fabric: dict[str, Any] = {"name": "ipvlanl2", "mode": mode, "subnet": str(subnet)}
    if mode == "l2":
        fabric["gateway"] = str(IPAddress(subnet.first + 1))
    if reserved:
        fabric["reserved"] = reserved
    # Two containers of one resource name are refused.
    pairs = [f"{host}-{service}" for host in hosts for service in services]
    assume(len(pairs) == len(set(pairs)))
    return {"fabric": fabric, "hosts": hosts, "services": services}


@st.composite
def _services(draw: st.DrawFn, named: tuple[int, str, int], hosts: dict[str, Any], quarter: int) -> dict[str, Any]:
    index, name, offset = named
    service: dict[str, Any] = {"image": f"registry.lab:5000/{name[0]}@sha256:{draw(DIGESTS)}", "offset": offset}
    if draw(st.booleans()):
        service["hosts"] = draw(st.lists(st.sampled_from(list(hosts)), min_size=1, unique=True))
    on = service.get("hosts", list(hosts))
    if draw(st.booleans()):
        chosen = draw(st.lists(st.sampled_from(on), unique=True))
        service["addresses"] = {
            host: str(IPAddress(IPNetwork(hosts[host]["slice"]).first + quarter + offset - 1)) for host in chosen
        }
    if draw(st.booleans()):
        service["ports"] = [f"{8000 + index}:80", f"{8000 + index}:53/udp"]
        service["published"] = draw(st.booleans())
    if draw(st.booleans()):
        service["environment"] = {"A": "1"}
        service["secret_environment"] = {"B": "key"}
        service["memory"] = "512m"
        service["volumes"] = ["data:/data:ro"]
        service["healthcheck"] = {"test": ["CMD", "true"], "interval": "5s"}
        service["ulimits"] = {"nofile": {"soft": 1, "hard": 2}}
        service["dns"] = ["10.0.0.53"]
    if draw(st.booleans()):
        service["command"] = ["run", "--fast"]
    return service
