"""Types of what Docker and the kernel give a container's processes: signals, capabilities, limits, kernel parameters, names.

Each rule refuses what Docker, its runtime (runc) or the kernel refuses for certain, and nothing else. An empty text is Docker's own
default where the docker provider takes it so.

Out of scope: a soft limit above its hard limit (`ipvlan.plan.rules.settings`).
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Final

from pydantic import BeforeValidator, Field

from ipvlan.config.types.base import any_case, fail, need_text, string_schema

SIGNALS: Final = (
    *(
        "ABRT",
        "ALRM",
        "BUS",
        "CHLD",
        "CLD",
        "CONT",
        "FPE",
        "HUP",
        "ILL",
        "INT",
        "IO",
        "IOT",
        "KILL",
        "PIPE",
        "POLL",
        "PROF",
    ),
    *("PWR", "QUIT", "SEGV", "STKFLT", "STOP", "SYS", "TERM", "TRAP", "TSTP", "TTIN", "TTOU", "URG", "USR1", "USR2"),
    *("VTALRM", "WINCH", "XCPU", "XFSZ", "RTMIN", *(f"RTMIN+{number}" for number in range(1, 16))),
    *("RTMAX", *(f"RTMAX-{number}" for number in range(1, 15))),
)
"""moby/sys, SignalMap in signal/signal_linux.go."""
SIGNAL: Final = re.compile(rf"(?:(?:[Ss][Ii][Gg])?(?:{any_case(*SIGNALS)})|\+?0*(?:[1-9]|[1-5][0-9]|6[0-4]))?")
"""moby/sys, ParseSignal in signal/signal.go. The numbers are those of Linux; for others there is no signal to send."""

CAPABILITIES: Final = (
    *("CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP"),
    *("LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER"),
    *("SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE"),
    *("SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP"),
    *("MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF"),
    "CHECKPOINT_RESTORE",
)
"""All that Docker knows (moby/sys, capability/enum_gen.go), which are all of Linux. An older kernel may lack the last ones."""
CAPABILITY: Final = re.compile(rf"{any_case('ALL')}|(?:[Cc][Aa][Pp]_)?(?:{any_case(*CAPABILITIES)})")
"""moby, NormalizeLegacyCapabilities in daemon/pkg/oci/caps/utils.go. What Docker reports may have the prefix or not (decision 0015,
19), so both spellings are one (`ipvlan.plan.container_updates`)."""

TRUE: Final = ("1", "t", "T", "TRUE", "true", "True")
FALSE: Final = ("0", "f", "F", "FALSE", "false", "False")
BOOLEAN: Final = "|".join((*TRUE, *FALSE))
"""What Go reads as a boolean (ParseBool of its package strconv)."""
SECURITY_OPTION: Final = re.compile(
    rf"disable|systempaths=unconfined|(?:no-new-privileges|writable-cgroups)(?:[=:](?:{BOOLEAN}))?"
    r"|(?:label|apparmor|seccomp)(?:=[\s\S]*|:[^=]*)"
)
"""moby, parseSecurityOpt in daemon/daemon_unix.go (29); the docker provider sees to `systempaths=unconfined`."""

SYSCTL: Final = re.compile(
    r"net[./].+|fs\.mqueue\..+|fs/mqueue/.+"
    r"|kernel[./](?:msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|domainname)"
)
"""runc, sysctl in libcontainer/configs/validate/validator.go (1.3): those of the namespaces that each container has of its own."""

LIMITS: Final = (
    *("as", "core", "cpu", "data", "fsize", "locks", "memlock", "msgqueue", "nice", "nofile", "nproc", "rss", "rtprio"),
    *("rttime", "sigpending", "stack"),
)
"""runc, rlimitMap in rlimit_linux.go. `docker run` refuses `as`; the daemon, which the docker provider asks, does not."""
LIMIT_NAME: Final = re.compile(any_case(*LIMITS))
LARGEST_LIMIT: Final = 2**63 - 1
"""What Docker has room for; -1 is no limit."""

LARGEST_ID: Final = 2**31 - 1
"""moby/sys, maxID in user/user.go."""
LONGEST_HOSTNAME: Final = 64
"""Octets (Linux, __NEW_UTS_LEN)."""
HOSTNAME: Final = re.compile(rf"[^\s\x00-\x1f\x7f]{{0,{LONGEST_HOSTNAME}}}")
WORKING_DIR: Final = re.compile(r"(?:/[\s\S]*)?")
EXTRA_HOST: Final = re.compile(r"[^:]+")


def parse_signal(value: object) -> str:
    """Return a signal as it is written: a name with or without SIG, or a number."""
    text = need_text(value, "a signal")
    if not SIGNAL.fullmatch(text):
        fail(
            "IPF156",
            "Linux has no such signal",
            "the daemon refuses the container ('invalid signal'), or could only kill it",
            "write a name, such as SIGTERM, SIGQUIT or SIGRTMIN+3, or a number from 1 to 64 in quotes",
        )
    return text


def parse_capability(value: object) -> str:
    """Return a capability as it is written, or ALL."""
    text = need_text(value, "a capability")
    if not CAPABILITY.fullmatch(text):
        fail(
            "IPF157",
            "Linux has no such capability",
            "the daemon refuses the container ('unknown capability')",
            "write a name of `man 7 capabilities`, such as NET_ADMIN or CAP_NET_ADMIN, or ALL",
        )
    return text


def parse_security_option(value: object) -> str:
    """Return a security option; a profile of seccomp is its JSON text, since no file of yours is sent to Docker."""
    text = need_text(value, "a security option")
    if not SECURITY_OPTION.fullmatch(text):
        fail(
            "IPF158",
            "Docker has no such security option",
            "the daemon refuses the container ('invalid --security-opt')",
            "write no-new-privileges:true, apparmor=PROFILE, label=..., seccomp=unconfined, systempaths=unconfined or "
            "writable-cgroups=true",
        )
    word, _, profile = text.replace(":", "=", 1 if "=" not in text else 0).partition("=")
    if word == "seccomp" and profile not in ("", "unconfined", "builtin") and not _is_json_mapping(profile):
        fail(
            "IPF159",
            "this is no profile of seccomp",
            "Docker creates the container and cannot start it: `docker run` reads a file, the daemon does not",
            "write seccomp=unconfined, seccomp=builtin, or seccomp= with the profile itself, as JSON text",
        )
    return text


def _is_json_mapping(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def parse_sysctl(value: object) -> str:
    """Return the name of a kernel parameter that each container has of its own."""
    text = need_text(value, "a kernel parameter")
    if not SYSCTL.fullmatch(text):
        fail(
            "IPF160",
            "this kernel parameter belongs to the host, or has a key of its own here",
            "Docker creates the container and cannot start it ('not in a separate kernel namespace')",
            "write one of net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm*; set others on the host; for kernel.hostname "
            "write hostname",
        )
    return text


def parse_limit_name(value: object) -> str:
    """Return the name of a resource limit."""
    text = need_text(value, "a limit")
    if not LIMIT_NAME.fullmatch(text):
        fail(
            "IPF161",
            "there is no such limit",
            "Docker creates the container and cannot start it",
            f"write one of {', '.join(LIMITS)}",
        )
    return text


def parse_user(value: object) -> str:
    """Return USER or USER:GROUP; whether a name exists, the image knows."""
    text = need_text(value, "a user")
    for part in text.split(":")[:2]:
        if re.fullmatch(r"[+-]?[0-9]+", part) and not (len(part) <= 20 and 0 <= int(part) <= LARGEST_ID):
            fail(
                "IPF162",
                f"{part[:25]} is not the number of a user or group",
                "Docker creates the container and cannot start it ('uids and gids must be in range')",
                f"write a number from 0 to {LARGEST_ID}, or a name",
            )
    return text


def parse_hostname(value: object) -> str:
    """Return a hostname that the kernel takes.

    RFC 1123 has no underscore, and Docker and many images do: only what cannot be a name at all is refused.
    """
    text = need_text(value, "a hostname")
    if not HOSTNAME.fullmatch(text) or len(text.encode("utf-8", "replace")) > LONGEST_HOSTNAME:
        fail(
            "IPF163",
            f"this has a blank or a control character, or more than {LONGEST_HOSTNAME} bytes",
            "Docker creates the container and cannot start it, or the container's /etc/hosts would have another name",
            "write letters, digits, - and dots (RFC 1123)",
        )
    return text


def parse_working_dir(value: object) -> str:
    """Return a working directory (moby, translateWorkingDir in daemon/container.go)."""
    text = need_text(value, "a path")
    if not WORKING_DIR.fullmatch(text):
        fail(
            "IPF164",
            "this is not an absolute path",
            "the daemon refuses the container",
            f"write the path in the container from the root on: /{text[:20].removeprefix('./')}",
        )
    return text


def parse_extra_host(value: object) -> str:
    """Return a name for the container's /etc/hosts (moby, ValidateExtraHost in opts/hosts.go)."""
    text = need_text(value, "a name")
    if not EXTRA_HOST.fullmatch(text):
        fail(
            "IPF165",
            "this is not a name",
            "the daemon refuses the container ('bad format for add-host')",
            "write the name before the colon and the address after it: registry: 10.0.0.5",
        )
    return text


Signal = Annotated[str, BeforeValidator(parse_signal), string_schema("A signal: SIGTERM, TERM or 15", SIGNAL)]
Capability = Annotated[
    str, BeforeValidator(parse_capability), string_schema("A capability, with or without CAP_, or ALL", CAPABILITY)
]
SecurityOption = Annotated[
    str, BeforeValidator(parse_security_option), string_schema("A security option of Docker", SECURITY_OPTION)
]
Sysctl = Annotated[str, BeforeValidator(parse_sysctl)]
LimitName = Annotated[str, BeforeValidator(parse_limit_name)]
Limit = Annotated[int, Field(strict=True, ge=-1, le=LARGEST_LIMIT)]
User = Annotated[str, BeforeValidator(parse_user)]
Hostname = Annotated[str, BeforeValidator(parse_hostname), string_schema("A hostname", HOSTNAME)]
WorkingDir = Annotated[
    str, BeforeValidator(parse_working_dir), string_schema("An absolute path in the container", WORKING_DIR)
]
ExtraHost = Annotated[str, BeforeValidator(parse_extra_host)]
