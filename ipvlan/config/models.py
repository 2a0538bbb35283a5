"""The models of the stack config: which keys there are, their types and their defaults.

Owns what one key may hold. What two keys must agree on is in `ipvlan.plan.rules`; how the file is read and how errors are
told is in `ipvlan.config.load`. Frozen, and unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from ipvlan.config.values import (
    Address,
    Command,
    Dynamic,
    HostKey,
    Image,
    Name,
    Network,
    Parent,
    Ports,
    Reserved,
    Size,
    Target,
    Text,
    fail,
)

Mode = Literal["l2", "l3", "l3s"]


class Model(BaseModel):
    """Frozen, strict about keys, and strict about numbers: `"1"` is no 1."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, use_attribute_docstrings=True)


Flag = Annotated[bool, Field(strict=True)]
Count = Annotated[int, Field(strict=True)]


class FabricConfig(Model):
    """The one network that all hosts share."""

    name: Name
    """The Docker network's name on every host."""
    mode: Mode = "l2"
    """ipvlan mode: l2 shares the parent's broadcast domain, l3 and l3s route."""
    subnet: Network
    """The subnet that all slices are part of."""
    gateway: Address | None = None
    """Required for l2; none for l3 and l3s."""
    reserved: tuple[Reserved, ...] = ()
    """Addresses, ranges (FIRST-LAST) or subnets that nothing may use."""
    dns: tuple[Address, ...] = ()
    """Name servers of every container that has no `dns` of its own."""
    slice_prefix: Annotated[int, Field(strict=True, ge=1, le=30)] = 24
    """Prefix length of the slices that `ipvlan allocate` gives out."""
    probe_addresses: Flag = True
    """Whether `pulumi up` asks for an address that is new in the plan, the hosts' Docker and in l2 the LAN too (by ARP),
    and stops before it makes or stops anything when somebody else holds it."""


class HostConfig(Model):
    """One Docker host."""

    address: Address
    """The host's own address in the LAN, where clients find published ports."""
    parent: Parent
    """The NIC that carries the fabric, or a VLAN of it: ens33.40."""
    slice: Network
    """The part of the subnet whose addresses this host's containers hold."""
    dynamic: Dynamic = None
    """The part of the slice from which Docker may hand out addresses to containers that are not of this stack, or
    `none`; without it Docker may use whatever is free in the slice."""
    shim: Flag = False
    """A link of the host's own on the parent, at the last usable address of the slice, so that the host and its own
    containers reach each other; needs root and systemd on the host. Switching it touches no container."""
    ssh: Target | None = None
    """[USER@]HOST[:PORT]; default root@ADDRESS."""
    host_key: HostKey | None = None
    """The host's public key, TYPE BASE64; without it ~/.ssh/known_hosts decides."""


class Healthcheck(Model):
    """How Docker finds out whether the container is well."""

    test: Command
    """[CMD, word...], [CMD-SHELL, text] or [NONE]."""
    interval: Text | None = None
    """Duration between two checks: 30s."""
    timeout: Text | None = None
    """Duration after which a check has failed."""
    start_period: Text | None = None
    """Duration after the start in which failures do not count."""
    retries: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Failures in a row that make the container unhealthy."""


class Ulimit(Model):
    """A resource limit of the container's processes."""

    soft: Count
    """The limit in force."""
    hard: Count
    """How far a process may raise it."""


def _volume(value: str) -> str:
    parts = value.split(":")
    if len(parts) not in (2, 3) or not all(parts) or not parts[1].startswith("/"):
        fail(
            "this is not SOURCE:/PATH[:OPTIONS]",
            "Docker would make an unnamed volume, which is lost when the container is recreated",
            'write "NAME:/path" or "/host/path:/path:ro"',
        )
    return value


def _restart(value: str) -> str:
    name, colon, count = value.partition(":")
    if name not in ("no", "always", "on-failure", "unless-stopped") or (
        colon and not (name == "on-failure" and count.isdigit())
    ):
        fail(
            "Docker has no such restart policy",
            "the daemon would refuse the container",
            'write "no", always, on-failure[:TIMES] or unless-stopped',
        )
    return value


Volume = Annotated[Text, AfterValidator(_volume)]
Restart = Annotated[Text, AfterValidator(_restart)]


class ContainerSettings(Model):
    """What passes through to Docker unchanged, by Docker's own names."""

    restart: Restart = "unless-stopped"
    """no, always, on-failure[:TIMES] or unless-stopped."""
    volumes: tuple[Volume, ...] = ()
    """SOURCE:/PATH[:OPTIONS]."""
    tmpfs: Mapping[Text, Text] = Field(default_factory=dict)
    """Path in the container -> mount options (may be empty)."""
    labels: Mapping[Text, Text] = Field(default_factory=dict)
    """Labels of the container; the prefix ipvlan-fabric. is ours."""
    healthcheck: Healthcheck | None = None
    """How Docker finds out whether the container is well; none leaves it to the image."""
    entrypoint: Command | None = None
    """Replaces the image's entrypoint."""
    working_dir: Text | None = None
    """Working directory of the command."""
    user: Text | None = None
    """User, or USER:GROUP, of the command."""
    hostname: Text | None = None
    """Hostname inside the container; the default is the container's name."""
    memory: Size | None = None
    """Limit of memory; "512m"."""
    shm_size: Size | None = None
    """Size of /dev/shm."""
    cpu_shares: Count | None = None
    """Relative weight, 1024 is usual."""
    privileged: Flag = False
    """All capabilities and devices."""
    read_only: Flag = False
    """The root file system cannot be written."""
    init: Flag = False
    """Run Docker's own small init as PID 1."""
    cap_add: tuple[Text, ...] = ()
    """Capabilities to add, such as NET_ADMIN."""
    cap_drop: tuple[Text, ...] = ()
    """Capabilities to drop."""
    security_opt: tuple[Text, ...] = ()
    """Such as no-new-privileges:true."""
    devices: tuple[Text, ...] = ()
    """HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]]."""
    sysctls: Mapping[Text, Text] = Field(default_factory=dict)
    """Kernel parameters of the container's namespaces."""
    ulimits: Mapping[Text, Ulimit] = Field(default_factory=dict)
    """Limit name (nofile) -> soft and hard."""
    extra_hosts: Mapping[Text, Address] = Field(default_factory=dict)
    """Name -> address, written to the container's /etc/hosts."""
    dns: tuple[Address, ...] = ()
    """Name servers of the container."""
    dns_search: tuple[Text, ...] = ()
    """Search domains."""
    log_driver: Text | None = None
    """Such as json-file or journald; none leaves it to the daemon."""
    log_opts: Mapping[Text, Text] = Field(default_factory=dict)
    """Options of the log driver."""
    stop_signal: Text | None = None
    """Signal that stops the container."""
    stop_timeout: Annotated[int, Field(strict=True, ge=0)] | None = None
    """Seconds until Docker kills a container that does not stop."""
    cgroupns_mode: Literal["private", "host"] | None = None
    """Which cgroup namespace the container sees."""


def _offset(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int):
        fail(
            "an offset is a whole number, and this is none",
            "no address can be computed from it",
            "write a number without quotes: offset 2 is the slice's address + 2",
        )
    if value < 1:
        fail(
            "offsets begin at 1",
            "offset 0 is the slice's network address, which no container can hold",
            "write a number from 1 on, or leave it out and run `ipvlan allocate`",
        )
    return value


Offset = Annotated[int, BeforeValidator(_offset)]


class ServiceConfig(ContainerSettings):
    """One container, the same on several hosts, each at its own address."""

    image: Image
    """The image, best pinned by digest: NAME@sha256:..."""
    command: Command | None = None
    """Replaces the image's command."""
    container_name: Name | None = None
    """The container's name; the default is the service's."""
    offset: Offset | None = None
    """The slice's address plus this number is the container's address."""
    addresses: Mapping[Text, Address] = Field(default_factory=dict)
    """Host -> address, instead of the offset on that host."""
    hosts: tuple[Text, ...] | None = None
    """The hosts it runs on; the default is every host."""
    ports: Ports = ()
    """"HOST:CONTAINER", bound at the host while the bridge is connected."""
    published: Flag = False
    """The bridge connection; switching it never recreates the container."""
    internet: Flag = False
    """A way out through the host, over the bridge, without any port published; switching it never recreates the container,
    unless it has ports and is not published."""
    egress: Literal["gateway"] | None = None
    """`gateway`: it leaves by the fabric's own gateway, which a router of the LAN must hold; `ipvlan verify` then proves it."""
    environment: Mapping[Text, Text] = Field(default_factory=dict)
    """Variable -> value, in plaintext."""
    secret_environment: Mapping[Text, Text] = Field(default_factory=dict)
    """Variable -> name of the config key that `pulumi config set --secret` filled."""

    @property
    def bridged(self) -> bool:
        """Whether the bridge is connected, for whatever reason."""
        return self.published or self.internet

    def runs_on(self, host: str) -> bool:
        """Return whether the service has a container on that host."""
        return self.hosts is None or host in self.hosts


class SshConfig(Model):
    """How the hosts are reached."""

    shared_connection: Flag = True
    """One ssh connection per host, shared by the Docker provider and all commands."""
    connect_timeout: Annotated[int, Field(strict=True, ge=1, le=600)] = 10
    """Seconds until a host that does not answer counts as unreachable."""


class StackConfig(Model):
    """A complete stack, well formed; whether its parts agree is checked by `ipvlan.plan.make`."""

    fabric: FabricConfig
    hosts: Mapping[str, HostConfig]
    services: Mapping[str, ServiceConfig]
    ssh: SshConfig = SshConfig()


SECTIONS: Final = tuple(StackConfig.model_fields)
"""The config keys that hold the stack, without the namespace."""

COMMON: Final = "common"
"""The config key that names a file with what several stacks share."""
