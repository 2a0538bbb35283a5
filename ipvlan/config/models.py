"""The models of the stack config: which keys there are, their types and their defaults.

Frozen, and unknown keys are errors.

Out of scope: what two keys must agree on (`ipvlan.plan.rules`), reading the file and the wording of errors
(`ipvlan.config.load`, `ipvlan.config.messages`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field, PrivateAttr

from ipvlan.config.bridge_model import BridgeConfig, Endpoints
from ipvlan.config.docker_socket import DEFAULT_SOCKET
from ipvlan.config.file_model import Files
from ipvlan.config.types.addresses import Address, Dynamic, Offset, Reserved, Shim, Slice
from ipvlan.config.types.base import Flag, Model, Text
from ipvlan.config.types.cpus import Cpus, CpuSet
from ipvlan.config.types.devices import CgroupRule, Device, Gpus
from ipvlan.config.types.docker import Command, Image, Name, Restart, Words
from ipvlan.config.types.files import Reload
from ipvlan.config.types.health import Duration, HealthTest
from ipvlan.config.types.interfaces import Parent
from ipvlan.config.types.lists import (
    A_LIST,
    A_LIST_OF_ADDRESSES,
    A_LIST_OF_ASSIGNMENTS,
    A_LIST_OR_ONE_PATH,
    A_NUMBER,
    ENVIRONMENT,
    EXTRA_HOSTS,
    LABELS,
    ONE,
    SYSCTLS,
    TMPFS,
    one_is_a_list,
)
from ipvlan.config.types.mount_maps import Mount
from ipvlan.config.types.mounts import TmpfsOptions, TmpfsPath, Volume
from ipvlan.config.types.namespaces import ExtraAddress, Group, IpcMode, PidMode, UsernsMode, parse_stop_timeout
from ipvlan.config.types.ports import Ports
from ipvlan.config.types.process import (
    Capability,
    ExtraHost,
    Hostname,
    Limit,
    LimitName,
    SecurityOption,
    Signal,
    Sysctl,
    User,
    WorkingDir,
)
from ipvlan.config.types.rollout import AtOnce, OnFailure, UpWithin
from ipvlan.config.types.sizes import Memory, Size, Swap
from ipvlan.config.types.ssh import DockerSocket, HostKey, Target
from ipvlan.config.types.subnets import Subnet
from ipvlan.config.volume_model import VolumeConfig

Mode = Literal["l2", "l3", "l3s"]


class RolloutConfig(Model):
    """How the containers of a service are replaced; a key that is left out is that of the fabric, then the built-in one."""

    at_once: AtOnce | None = None
    """On how many hosts a service is replaced at the same time, or `all`; the built-in default is 1."""
    healthy_within: UpWithin | None = None
    """How long a container may take until it is up: it runs, is healthy and has its published ports bound; 1s to 60m, the built-in
    default is 60s, or what the service's own health check needs for its first check where that is longer."""
    on_failure: OnFailure | None = None
    """What happens where a replacement does not come up: `restore` runs the previous container again (the built-in default),
    `leave` leaves the failed one in its place."""


class FabricConfig(Model):
    """The one network that all hosts share."""

    name: Name
    """The Docker network's name on every host."""
    mode: Mode = "l2"
    """ipvlan mode: l2 shares the parent's broadcast domain, l3 and l3s route."""
    subnet: Subnet
    """The subnet that all slices are part of. In mode l2 it may be that of the LAN that the hosts are on themselves."""
    gateway: Address | None = None
    """Required for l2; none for l3 and l3s."""
    reserved: tuple[Reserved, ...] = ()
    """Addresses, ranges (FIRST-LAST) or subnets that nothing may use, such as the pool of a DHCP server."""
    dns: tuple[Address, ...] = ()
    """Name servers of every container on the fabric that has no `dns` of its own."""
    slice_prefix: Annotated[int, Field(strict=True, ge=1, le=30)] = 24
    """Prefix length of the slices that `ipvlan allocate` gives out."""
    probe_addresses: Flag = True
    """Whether `pulumi up` checks each address that is new in the plan for a conflict: in Docker on the hosts, and in l2 by ARP on
    the LAN. When something else has it, `up` fails before it creates or stops anything."""
    rollout: RolloutConfig = Field(default_factory=RolloutConfig)
    """How containers are replaced, for every service that does not say it itself."""


class HostConfig(Model):
    """One Docker host."""

    address: Address
    """The host's own address in the LAN, where clients find published ports. In the fabric's subnet it is reserved."""
    parent: Parent
    """The NIC that carries the fabric, or a VLAN of it: ens33.40. Any link of the host is taken. Docker creates one that does not
    exist where it is NAME.VLAN and the host has NAME."""
    slice: Slice = ()
    """The part of the subnet that belongs to this host: a subnet, a range (FIRST-LAST), an address, or a list of them. None is
    needed where every container of the host has an address in `addresses`."""
    dynamic: Dynamic = None
    """The part of the slice from which Docker may assign addresses to containers that are not of this stack, or `none`. Without it
    Docker may assign every address of a slice that is one subnet (/30 or larger) and that no container has at that time, and none
    of any other slice."""
    shim: Shim = False
    """A link on the parent over which the host and its own containers reach each other: an address of the fabric, or `true` for the
    last usable address of the slice's first subnet; it needs root and systemd on the host. Changing it does not affect any
    container."""
    ssh: Target | None = None
    """[USER@]HOST[:PORT]; default root@ADDRESS."""
    host_key: HostKey | None = None
    """The host's public key, TYPE BASE64; without it ~/.ssh/known_hosts decides."""
    docker_socket: DockerSocket = DEFAULT_SOCKET
    """Where Docker listens on the host. Not the socket of a rootless Docker, which has no NIC of the host: the host is refused.
    Changing it does not affect any container, as long as it is the same Docker."""


class Healthcheck(Model):
    """How Docker checks the health of a container."""

    test: HealthTest
    """[CMD, word...], [CMD-SHELL, text] or [NONE]; a text alone is one of CMD-SHELL."""
    interval: Duration | None = None
    """Duration between two checks: 30s."""
    timeout: Duration | None = None
    """Duration after which a check counts as failed."""
    start_period: Duration | None = None
    """Duration after the start in which failures do not count."""
    start_interval: Duration | None = None
    """Duration between two checks in that time; it needs Docker 25 or later on the hosts."""
    retries: Annotated[int, Field(strict=True, ge=1)] | None = None
    """Failures in a row that make the container unhealthy."""


class Ulimit(Model):
    """A resource limit of the container's processes."""

    soft: Limit
    """The limit in force; -1 is none."""
    hard: Limit
    """The largest value to which a process may raise it; -1 is any."""


def _both(value: object) -> object:
    """Return one number as the limit that is soft and hard."""
    return {"soft": value, "hard": value} if isinstance(value, int) and not isinstance(value, bool) else value


class ContainerSettings(Model):
    """Settings that pass through to Docker unchanged, by Docker's own names."""

    restart: Restart = "unless-stopped"
    """no, always, on-failure[:TIMES] or unless-stopped."""
    volumes: tuple[Volume, ...] = ()
    """SOURCE:/PATH[:OPTIONS]. The options are ro or rw; z or Z, by which SELinux lets the container at it; nocopy for a named
    volume; for a path of the host a propagation: private, rprivate, shared, rshared, slave or rslave. With one of these, other than
    rprivate, the path must be on the host: Docker does not create it, and refuses the container. rprivate is not passed on: it is
    Docker's default, but for a path that holds Docker's own files (`/`, `/var`), for which that is rslave."""
    mounts: tuple[Mount, ...] = ()
    """The same in the long form of compose: maps with `type`, `source`, `target` and options. A path of the host must be there:
    Docker does not create it, and refuses the container."""
    tmpfs: Annotated[Mapping[TmpfsPath, TmpfsOptions], BeforeValidator(TMPFS), A_LIST_OR_ONE_PATH] = Field(
        default_factory=dict
    )
    """Path in the container -> mount options (may be empty); or a list of PATH[:OPTIONS], or one of them."""
    labels: Annotated[Mapping[Text, Text], BeforeValidator(LABELS), A_LIST] = Field(default_factory=dict)
    """Labels of the container, a mapping or a list of NAME=VALUE; the prefix ipvlan-fabric. is reserved for the stack."""
    healthcheck: Healthcheck | None = None
    """How Docker checks the container's health; none leaves it to the image."""
    entrypoint: Words | None = None
    """Replaces the image's entrypoint."""
    working_dir: WorkingDir | None = None
    """Working directory of the command."""
    user: User | None = None
    """User, or USER:GROUP, of the command."""
    hostname: Hostname | None = None
    """Hostname inside the container; the default is the container's name."""
    domainname: Hostname | None = None
    """NIS domain name inside the container."""
    memory: Memory | None = None
    """Limit of memory: "512m", "64mb", "1.5g", or bytes; whole MiB. The least is "6m"."""
    memory_reservation: Memory | None = None
    """Memory that the kernel leaves to the container when the host has little; not more than `memory`."""
    memory_swap: Swap | None = None
    """Limit of memory and swap together, or -1 for no limit of swap; the default is twice `memory`, or
    none without `memory`."""
    shm_size: Size | None = None
    """Size of /dev/shm."""
    cpus: Cpus | None = None
    """Limit of CPU time, in CPUs: 0.5, 2 or "1.5"."""
    cpuset: CpuSet | None = None
    """The CPUs that it may use: "0-2,5"."""
    cpu_shares: Annotated[int, Field(strict=True, ge=0)] | None = None
    """Relative weight, 2 to 262144; 1024 is usual, 0 is Docker's default."""
    privileged: Flag = False
    """All capabilities and devices."""
    read_only: Flag = False
    """The root file system cannot be written."""
    init: Flag = False
    """Run Docker's own small init as PID 1."""
    cap_add: tuple[Capability, ...] = ()
    """Capabilities to add, such as NET_ADMIN, or ALL."""
    cap_drop: tuple[Capability, ...] = ()
    """Capabilities to drop, or ALL."""
    security_opt: tuple[SecurityOption, ...] = ()
    """Such as no-new-privileges:true."""
    devices: tuple[Device, ...] = ()
    """HOST_PATH[:CONTAINER_PATH[:PERMISSIONS]]; for paths with colons a map with `host`, `container` and `permissions`. Or the
    name of a CDI device: VENDOR/CLASS=NAME."""
    device_cgroup_rules: tuple[CgroupRule, ...] = ()
    """Devices that it may use once it has a node for them, though they come later: "c 188:* rwm" (type, major:minor,
    permissions)."""
    gpus: Gpus | None = None
    """GPUs of the host: `all`, how many, or a list of maps with `driver`, `count` or `device_ids`, `capabilities` and `options`.
    The host needs the container toolkit of the GPU's vendor."""
    sysctls: Annotated[Mapping[Sysctl, Text], BeforeValidator(SYSCTLS), A_LIST_OF_ASSIGNMENTS] = Field(
        default_factory=dict
    )
    """Kernel parameters of the container's namespaces: net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm*."""
    ulimits: Mapping[LimitName, Annotated[Ulimit, BeforeValidator(_both), A_NUMBER]] = Field(default_factory=dict)
    """Limit name (nofile) -> soft and hard, or one number for both."""
    extra_hosts: Annotated[Mapping[ExtraHost, ExtraAddress], BeforeValidator(EXTRA_HOSTS), A_LIST_OF_ADDRESSES] = Field(
        default_factory=dict
    )
    """Name -> address, written to the container's /etc/hosts; or a list of NAME=ADDRESS. The address `host-gateway` is that of
    Docker's bridge on the host, which a container reaches only while it is connected to the bridge."""
    dns: Annotated[tuple[Address, ...], BeforeValidator(one_is_a_list), ONE] = ()
    """Name servers of the container, a list or one."""
    dns_search: Annotated[tuple[Text, ...], BeforeValidator(one_is_a_list), ONE] = ()
    """Search domains, a list or one."""
    dns_opt: tuple[Text, ...] = ()
    """Options of the resolver, such as ndots:1."""
    log_driver: Text | None = None
    """Such as json-file or journald; none leaves it to the daemon."""
    log_opts: Mapping[Text, Text] = Field(default_factory=dict)
    """Options of the log driver."""
    stop_signal: Signal | None = None
    """Signal that stops the container: SIGTERM."""
    stop_timeout: Annotated[int, Field(strict=True, ge=1), BeforeValidator(parse_stop_timeout)] | None = None
    """Seconds until Docker kills a container that does not stop; the default is 10."""
    cgroupns_mode: Literal["private", "host"] | None = None
    """Which cgroup namespace the container sees."""
    cgroup_parent: Text | None = None
    """The control group of the host below which the container's own is; NAME.slice where systemd manages them."""
    pid: PidMode | None = None
    """`host`: it sees the host's processes."""
    ipc: IpcMode | None = None
    """With whom it shares memory and semaphores: private, shareable, host, or none, which also has no /dev/shm."""
    userns_mode: UsernsMode | None = None
    """`host`: its users are the host's, where Docker maps them to others."""
    group_add: tuple[Group, ...] = ()
    """Further groups of its processes: numbers, or names in the image."""
    runtime: Text | None = None
    """What starts it, a runtime that the hosts' daemon.json names; the default is Docker's, runc."""
    storage_opt: Mapping[Text, Text] = Field(default_factory=dict)
    """Options of the storage driver: {size: 20G}, which overlay2 has on xfs with pquota."""
    stdin_open: Flag = False
    """Keep its standard input open."""
    tty: Flag = False
    """Give it a terminal."""


class ServiceConfig(ContainerSettings):
    """One container, the same on several hosts, each at its own address."""

    image: Image
    """The image, best pinned by digest: NAME@sha256:..."""
    command: Command | None = None
    """Replaces the image's command."""
    container_name: Name | None = None
    """The container's name; the default is the service's."""
    offset: Offset | None = None
    """The slice's first address plus this number is the container's address; it counts through all entries of the slice."""
    addresses: Mapping[Text, Address] = Field(default_factory=dict)
    """Host -> address, instead of the offset on that host."""
    hosts: tuple[Text, ...] | None = None
    """The hosts it runs on; the default is every host."""
    ports: Ports = ()
    """"HOST:CONTAINER", bound at the host while the bridge is connected; both may be ranges, FIRST-LAST. "ADDRESS:HOST:CONTAINER"
    binds it at one address of the host alone: at 127.0.0.1 only the host itself reaches it."""
    published: Flag = False
    """Whether the ports are bound at the host, by a connection to Docker's bridge; changing it never replaces the container."""
    internet: Flag = False
    """Whether the container reaches the internet through the host's NAT, over the bridge, without a published port. Changing it
    replaces the container only if it has ports and is not published."""
    egress: Literal["gateway"] | None = None
    """`gateway`: its traffic leaves by the fabric's gateway, an address that a router must have; `ipvlan verify` then checks it."""
    bridges: Endpoints = Field(default_factory=dict)
    """Further networks of the container, by their keys in the section `bridges`: a list of them, or a mapping of each to its
    `aliases`. The default route stays where it is without them. Changing it connects and disconnects the running container."""
    fabric: Flag = True
    """Whether it is on the fabric. Without, it has no address there and needs none: `bridges` connect it to others of its host, and
    a bridge that is not internal to the internet. Changing it replaces the container."""
    environment: Annotated[Mapping[Text, Text], BeforeValidator(ENVIRONMENT), A_LIST_OF_ASSIGNMENTS] = Field(
        default_factory=dict
    )
    """Variable -> value, in plaintext; or a list of VARIABLE=VALUE."""
    secret_environment: Mapping[Text, Text] = Field(default_factory=dict)
    """Variable -> name of the config key that `pulumi config set --secret` set."""
    files: Files = Field(default_factory=dict)
    """Path in the container -> file of the project, read-only there: `/etc/nginx/nginx.conf: files/nginx.conf`, or a map. A path
    that ends in a slash is a folder, with all files below it, and hides what the image has there."""
    reload: Reload | None = None
    """How the running container takes new `files`: a signal to its first process (`HUP`), or a command that runs in it
    (`[nginx, -s, reload]`) and must succeed within 30 seconds. The container is not restarted. Changing it does not affect any
    container."""
    files_change: Literal["restart", "replace"] | None = None
    """In the place of `reload`: whether new `files` restart the container, the default, or replace it. Changing it does not affect
    any container."""
    rollout: RolloutConfig = Field(default_factory=RolloutConfig)
    """How its containers are replaced; each key on its own overrides that of `fabric.rollout`. Changing it does not affect any
    container."""
    after: tuple[Text, ...] = ()
    """Services that are up on all their hosts before a container of this one is created or replaced, and that are removed after it.
    Changing it does not affect any container."""

    @property
    def bridged(self) -> bool:
        """Whether the container is connected to Docker's bridge: published, or with internet."""
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
    """The one network that all hosts share."""
    hosts: Mapping[str, HostConfig]
    """Host name -> Docker host."""
    services: Mapping[str, ServiceConfig]
    """Service name -> container, the same on several hosts."""
    volumes: Mapping[str, VolumeConfig] = Field(default_factory=dict)
    """Key, as `volumes` of a service names it -> named volume."""
    bridges: Mapping[str, BridgeConfig] = Field(default_factory=dict)
    """Key, as `bridges` of a service names it -> further network of containers on one host."""
    ssh: SshConfig = SshConfig()
    """How the hosts are reached."""
    _sources: Mapping[str, bytes] = PrivateAttr(default_factory=dict)

    @property
    def sources(self) -> Mapping[str, bytes]:
        """The bytes of all files of services: path below the project's folder -> bytes. It is no key: they were read beside it."""
        return self._sources

    def with_sources(self, sources: Mapping[str, bytes]) -> StackConfig:
        """Return the same config with the bytes of its files."""
        copied = self.model_copy()
        copied._sources = sources
        return copied


SECTIONS: Final = tuple(StackConfig.model_fields)
"""The config keys that make up the stack, without the namespace."""

COMMON: Final = "common"
"""The config key that names a file with what several stacks share."""
