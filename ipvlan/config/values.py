"""The types that config values have, and how a string of the stack file becomes one.

Each type is `Annotated` with a validator that raises a message in the three parts every problem has (what is wrong,
what it would cause, how to fix it). Rules that need a second key are not here but in `ipvlan.plan.rules`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NoReturn

from netaddr import INET_PTON, AddrFormatError, IPAddress, IPNetwork, IPRange
from pydantic import BeforeValidator, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

Protocol = Literal["tcp", "udp", "sctp"]

DOCKER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")
"""What the daemon accepts as the name of a container or network (moby, daemon/names/names.go)."""
SERVICE_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}")
"""A service's name is its container's unless it says otherwise, so Docker's rule and a DNS label's length hold."""
HOST_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{0,62}")
"""A host's name becomes part of names of resources, sockets and files."""
LONGEST_NAME = 63
"""Docker's embedded DNS serves the name as one label, and a DNS label holds 63 octets (RFC 1035, 2.3.4)."""
LONGEST_INTERFACE = 15
"""IFNAMSIZ - 1 of the Linux kernel (include/uapi/linux/if.h)."""


def fail(problem: str, effect: str, fix: str) -> NoReturn:
    """Reject a value; pydantic collects the message, `ipvlan.config.load` adds key and value."""
    raise PydanticCustomError("ipvlan", "{problem}", {"problem": problem, "effect": effect, "fix": fix})


def need_string(value: object, what: str) -> str:
    """The value if it is a string; else rejects it with the reason why YAML made something else of it."""
    if isinstance(value, str):
        return value
    kind = {bool: "a yes-or-no value", int: "a number", float: "a number", type(None): "empty"}.get(
        type(value),
        "a list" if isinstance(value, list | tuple) else "a map" if isinstance(value, dict) else "no text",
    )
    fail(
        f"{what} is text, and this is {kind}",
        "YAML changes unquoted values (080, 1e3, on and 22:22 all become something else), so the hosts would not "
        "get what the file shows",
        "put the value in quotes",
    )


def parse_address(value: object) -> IPAddress:
    """A dotted IPv4 address, four decimal parts without leading zeros."""
    if isinstance(value, IPAddress):
        return value
    text = need_string(value, "an address")
    if re.fullmatch(r"\d+(\.\d+){3}", text) and any(len(p) > 1 and p[0] == "0" for p in text.split(".")):
        fail(
            "a part of the address has a leading zero",
            "some programs read it as octal and would use another address (010 is 8)",
            "write the parts without leading zeros: " + ".".join(str(int(p)) for p in text.split(".")),
        )
    try:
        address = IPAddress(text, flags=INET_PTON)
    except (AddrFormatError, ValueError):
        fail(
            "this is not an IPv4 address",
            "no host could be reached at it and no container could hold it",
            "write four numbers from 0 to 255 with dots, as in 10.1.1.2",
        )
    if address.version != 4:
        fail(
            "this is an IPv6 address" + (" that maps an IPv4 one" if address.is_ipv4_mapped() else ""),
            "the fabric's subnet is IPv4, so nothing on it could reach this address",
            f"write {address.ipv4()}" if address.is_ipv4_mapped() else "write an IPv4 address, as in 10.1.1.2",
        )
    return address


def parse_network(value: object) -> IPNetwork:
    """An IPv4 subnet in CIDR notation with all host bits zero."""
    if isinstance(value, IPNetwork):
        return value
    text = need_string(value, "a subnet")
    base, slash, prefix = text.partition("/")
    if not slash:
        fail(
            "the prefix length is missing",
            "it would mean one single address instead of a subnet",
            f"write ADDRESS/LENGTH, for example {base}/24" if base else "write ADDRESS/LENGTH, as in 10.1.0.0/16",
        )
    if ":" in base:
        parse_address(base)
    if not re.fullmatch(r"0|[1-9][0-9]?", prefix) or int(prefix) > 32:
        fail(
            f"the prefix length {prefix!r} is not a number from 0 to 32",
            "Docker would refuse the network on every host",
            "write a length such as 16 or 24 after the slash",
        )
    address = parse_address(base)
    network = IPNetwork(f"{address}/{prefix}")
    if network.ip != network.network:
        fail(
            f"host bits are set: {address} is an address inside {network.cidr}, not the subnet's own",
            "it is unclear whether the subnet or the one address is meant",
            f"write {network.cidr}",
        )
    return network


def parse_dynamic(value: object) -> IPNetwork | Literal["none"] | None:
    """A subnet, or the word `none`."""
    if value is None or value == "none":
        return value
    return parse_network(value)


class AddressRange(IPRange):
    """A range that is shown as the config writes it: as an address, as FIRST-LAST or as a subnet."""

    __slots__ = ("text",)

    def __init__(self, first: IPAddress, last: IPAddress, text: str) -> None:
        """Hold the addresses from `first` to `last`, both included; `text` is what the config says."""
        super().__init__(first, last)
        self.text = text

    def __str__(self) -> str:
        return self.text


def parse_range(value: object) -> AddressRange:
    """`10.1.9.9`, `10.1.9.1-10.1.9.20` or `10.1.9.0/24`."""
    if isinstance(value, AddressRange):
        return value
    text = need_string(value, "a reserved address, range or subnet").strip()
    if "/" in text:
        network = parse_network(text)
        return AddressRange(IPAddress(network.first), IPAddress(network.last), text)
    first_text, dash, last_text = (part.strip() for part in text.partition("-"))
    first = parse_address(first_text)
    last = parse_address(last_text) if dash else first
    if last < first:
        fail(
            "the range ends before it begins",
            "it would reserve nothing, and containers could be planned on addresses you meant to keep",
            f"write {last}-{first}",
        )
    return AddressRange(first, last, text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One published port, as the daemon binds it."""

    container_port: int
    """Where the process in the container listens, 1 to 65535."""
    host_port: int
    """Where clients connect at the host, 1 to 65535."""
    protocol: Protocol = "tcp"
    host_address: IPAddress | None = None
    """The host's address that is bound; None binds every address."""

    def __str__(self) -> str:
        where = f"{self.host_address}:" if self.host_address else ""
        kind = "" if self.protocol == "tcp" else f"/{self.protocol}"
        return f"{where}{self.host_port}:{self.container_port}{kind}"


PORT = re.compile(
    r"(?:(?P<address>[0-9.]+):)?(?P<host>[0-9]+(?:-[0-9]+)?):(?P<container>[0-9]+(?:-[0-9]+)?)(?:/(?P<kind>[a-z]+))?"
)


def parse_ports(value: object) -> tuple[Port, ...]:
    """The entries of `ports`, each `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]` as `docker run --publish` has it.

    A range on both sides (`8000-8009:8000-8009`) becomes one port per number.
    """
    if not isinstance(value, list | tuple):
        fail(
            "this is not a list",
            "it is unclear how many ports are meant",
            'write a list of quoted texts: ports: ["80:80"]',
        )
    ports: list[Port] = []
    for entry in value:
        if isinstance(entry, Port):
            ports.append(entry)
        else:
            ports.extend(_parse_port(entry))
    return tuple(ports)


def _parse_port(entry: object) -> list[Port]:
    if not isinstance(entry, str):
        fail(
            f"the entry {entry!r} is no text (YAML may read an unquoted 22:22 as the number 1342)",
            "the daemon would bind another port than the one written",
            'put the entry in quotes: ports: ["22:22"]',
        )
    match = PORT.fullmatch(entry)
    if match is None:
        fail(
            f"the entry {entry!r} is not HOST:CONTAINER",
            "Docker would choose a host port of its own at every start, so that no client could know it",
            'write "HOST:CONTAINER", "ADDRESS:HOST:CONTAINER" or either with /udp, as in "8080:80"',
        )
    kind = match["kind"] or "tcp"
    if kind not in ("tcp", "udp", "sctp"):
        fail(
            f"the protocol {kind!r} of {entry!r} does not exist",
            "Docker would refuse it",
            "write tcp, udp or sctp",
        )
    address = parse_address(match["address"]) if match["address"] else None
    if address is not None and int(address) == 0:
        address = None
    host, container = _port_numbers(match["host"], entry), _port_numbers(match["container"], entry)
    if len(host) != len(container):
        fail(
            f"the two ranges of {entry!r} hold {len(host)} and {len(container)} ports",
            "it is unclear which host port leads to which container port",
            "write two ranges of one length",
        )
    return [
        Port(host_port=outer, container_port=inner, protocol=kind, host_address=address)  # type: ignore[arg-type]
        for outer, inner in zip(host, container, strict=True)
    ]


def _port_numbers(text: str, entry: str) -> range:
    first_text, _, last_text = text.partition("-")
    if len(first_text) > 5 or len(last_text) > 5:
        first, last = 0, 0
    else:
        first, last = int(first_text), int(last_text or first_text)
    if not 1 <= first <= last <= 65535:
        fail(
            f"{text} of {entry!r} is not a port",
            "no client could connect to it",
            "write a number from 1 to 65535, or FIRST-LAST",
        )
    return range(first, last + 1)


@dataclass(frozen=True, slots=True)
class SshTarget:
    """Where OpenSSH connects to for a host."""

    user: str
    """The user on the host; root unless the config names another."""
    host: str
    """An address, a DNS name, or a Host of the user's ~/.ssh/config."""
    port: int = 22
    written: frozenset[str] = frozenset({"user", "port"})
    """Which of `user` and `port` stand in the config; the others are left to the user's ~/.ssh/config."""

    @property
    def arguments(self) -> tuple[str, ...]:
        """What `ssh` takes to get there: a user or port that the config does not name is not forced."""
        port = ("-p", str(self.port)) if "port" in self.written else ()
        user = ("-l", self.user) if "user" in self.written else ()
        return (*port, *user, self.host)

    @property
    def url(self) -> str:
        """`ssh://[USER@]HOST[:PORT]` as Docker takes it, again without what the config does not name."""
        user = f"{self.user}@" if "user" in self.written else ""
        port = f":{self.port}" if "port" in self.written else ""
        return f"ssh://{user}{self.host}{port}"

    def __str__(self) -> str:
        return self.url.removeprefix("ssh://")


SSH_TARGET = re.compile(
    r"(?:ssh://)?(?:(?P<user>[A-Za-z0-9_][A-Za-z0-9_.-]*)@)?(?P<host>[A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(?P<port>\d{1,5}))?"
)


def parse_ssh(value: object) -> SshTarget:
    """`[ssh://][USER@]HOST[:PORT]`; HOST may be a name of the user's ~/.ssh/config."""
    if isinstance(value, SshTarget):
        return value
    text = need_string(value, "an ssh destination")
    match = SSH_TARGET.fullmatch(text)
    if match is None or (match["port"] and not 1 <= int(match["port"]) <= 65535):
        fail(
            "this is not [USER@]HOST[:PORT]",
            "ssh could not connect, or would take a part of it for an option",
            "write for example root@192.168.140.200, or a Host name of your ~/.ssh/config",
        )
    return SshTarget(
        match["user"] or "root",
        match["host"],
        int(match["port"] or 22),
        frozenset(part for part in ("user", "port") if match[part]),
    )


HOST_KEY = re.compile(
    r"(?P<kind>ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|"
    r"sk-ecdsa-sha2-nistp256@openssh\.com) (?P<key>[A-Za-z0-9+/]{20,}={0,2})(?: .*)?"
)


def parse_host_key(value: object) -> str:
    """`TYPE BASE64`, the second and third word of a known_hosts line; a comment after it is dropped."""
    text = need_string(value, "a host key").strip()
    match = HOST_KEY.fullmatch(text)
    if match is None:
        fail(
            "this is not a public host key",
            "ssh would refuse the host, since its key cannot match",
            "write TYPE and BASE64 as in /etc/ssh/ssh_host_ed25519_key.pub of the host (ssh-ed25519 AAAA...)",
        )
    return f"{match['kind']} {match['key']}"


def parse_name(value: object) -> str:
    """A name that the Docker daemon accepts for a container or network."""
    text = need_string(value, "a name")
    if not DOCKER_NAME.fullmatch(text):
        fail(
            "Docker refuses this name",
            "the daemon answers 'Invalid container name' for it, after other containers were already changed",
            "use two or more of a-z, A-Z, 0-9, _ . -, beginning with a letter or digit",
        )
    if len(text) > LONGEST_NAME:
        fail(
            f"the name has {len(text)} characters, and a DNS label holds {LONGEST_NAME}",
            "other containers could not find it by name",
            f"use at most {LONGEST_NAME} characters",
        )
    return text


PARENT = re.compile(r"[^\s/.:][^\s/.:]*(?:\.(?P<vlan>[0-9]+))?")


def parse_parent(value: object) -> str:
    """The name of a network interface, `ens33`, or of a VLAN on it, `ens33.40`."""
    text = need_string(value, "an interface name")
    if len(text) > LONGEST_INTERFACE:
        fail(
            f"the interface name has {len(text)} characters, and Linux allows {LONGEST_INTERFACE}",
            "no such interface can exist on the host",
            "write the name that `ip -br link` shows on the host",
        )
    match = PARENT.fullmatch(text)
    if match is None or not text.isascii():
        fail(
            "this is not the name of a network interface",
            "Docker would not find the parent, or would create an isolated dummy in its place",
            "write the name that `ip -br link` shows on the host, or NAME.VLAN as in ens33.40",
        )
    if match["vlan"] and (match["vlan"].startswith("0") or not 1 <= int(match["vlan"]) <= 4094):
        fail(
            f"the VLAN id {match['vlan']} is not a number from 1 to 4094",
            "the kernel would refuse the VLAN interface (IEEE 802.1Q: 0 and 4095 are reserved)",
            "write PARENT.ID with an id from 1 to 4094",
        )
    return text


def parse_image(value: object) -> str:
    """An image reference; whether it is pinned by digest is a matter of `ipvlan.plan.rules`."""
    text = need_string(value, "an image")
    if not IMAGE.fullmatch(text) or len(text) > 512:
        fail(
            "this is not an image reference",
            "the daemon could not pull it ('invalid reference format')",
            "write REGISTRY/NAME@sha256:DIGEST or REGISTRY/NAME:TAG, the name in lower case",
        )
    return text


# distribution/reference, grammar at the head of reference.go
IMAGE = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?"
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@sha256:[0-9a-f]{64})?"
)


def parse_command(value: object) -> tuple[str, ...]:
    """A command as a list of words, never one string that a shell would have to split."""
    if not isinstance(value, list | tuple):
        fail(
            "this is not a list",
            "a shell would have to split it, and images without a shell could not run it",
            "write a list of words: [/usr/sbin/init, --flag]",
        )
    return tuple(need_string(word, "each word of a command") for word in value)


SIZE = re.compile(r"(?P<number>[1-9][0-9]{0,11})(?P<unit>[bkmgBKMG]?)")


def parse_size(value: object) -> int:
    """Docker's size (`512m`, `2g`, or bytes) in bytes; whole MiB, since the provider passes MiB to the daemon."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    text = need_string(value, "a size")
    match = SIZE.fullmatch(text)
    if match is None:
        fail("this is not a size", "the daemon would not know the limit", 'write for example "512m" or "2g"')
    factor = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}[match["unit"].lower()]
    size = int(match["number"]) * factor
    if size % 1024**2:
        fail(
            f"{size} bytes are not a whole number of MiB",
            "the limit would be rounded to another one",
            f'write "{max(1, size // 1024**2)}m"',
        )
    return size


def parse_text(value: object) -> str:
    """Text, and nothing that YAML made a number or a yes-or-no value of."""
    return need_string(value, "this value")


def _schema(pattern: str, description: str) -> Any:
    return WithJsonSchema({"type": "string", "pattern": pattern, "description": description})


_text = PlainSerializer(str, return_type=str)

Text = Annotated[str, BeforeValidator(parse_text)]
Address = Annotated[
    IPAddress,
    BeforeValidator(parse_address),
    _text,
    _schema(r"^[0-9]+(\.[0-9]+){3}$", "An IPv4 address: 10.1.1.2"),
]
Network = Annotated[
    IPNetwork,
    BeforeValidator(parse_network),
    _text,
    _schema(r"^[0-9]+(\.[0-9]+){3}/[0-9]+$", "An IPv4 subnet: 10.1.0.0/16"),
]
Dynamic = Annotated[
    IPNetwork | Literal["none"] | None,
    PlainValidator(parse_dynamic),
    PlainSerializer(lambda value: None if value is None else str(value), return_type=str | None),
    WithJsonSchema({"type": "string", "pattern": r"^(none|[0-9]+(\.[0-9]+){3}/[0-9]+)$"}),
]
Reserved = Annotated[
    AddressRange,
    BeforeValidator(parse_range),
    _text,
    _schema(r"^[0-9][0-9./ -]*$", "An address, a range FIRST-LAST or a subnet"),
]
Target = Annotated[
    SshTarget,
    BeforeValidator(parse_ssh),
    _text,
    _schema(r"^(ssh://)?([^@ ]+@)?[^@ ]+$", "[USER@]HOST[:PORT]"),
]
HostKey = Annotated[str, BeforeValidator(parse_host_key), _schema(r"^(ssh|ecdsa|sk)-\S+ \S+", "TYPE BASE64")]
Name = Annotated[
    str, BeforeValidator(parse_name), _schema(r"^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,62}$", "A name Docker accepts")
]
Parent = Annotated[
    str, BeforeValidator(parse_parent), _schema(r"^[^\s/:]{1,15}$", "A NIC, ens33, or a VLAN of it, ens33.40")
]
Image = Annotated[str, BeforeValidator(parse_image), _schema(r"^\S+$", "An image reference, by digest")]
Command = Annotated[
    tuple[str, ...],
    BeforeValidator(parse_command),
    WithJsonSchema({"type": "array", "items": {"type": "string"}, "description": "Words, without a shell"}),
]
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": ["string", "integer"], "description": '"512m", "2g", or bytes (whole MiB)'}),
]
Ports = Annotated[
    tuple[Port, ...],
    BeforeValidator(parse_ports),
    PlainSerializer(lambda ports: [str(port) for port in ports], return_type=list[str]),
    WithJsonSchema(
        {
            "type": "array",
            "items": {"type": "string", "pattern": r"^([0-9.]+:)?[0-9-]+:[0-9-]+(/(tcp|udp|sctp))?$"},
            "description": '"HOST:CONTAINER" or "ADDRESS:HOST:CONTAINER", with /udp or /sctp',
        }
    ),
]
