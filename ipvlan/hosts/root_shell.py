"""Running text as root on a host: as the ssh user where that is root, else by sudo, else from a helper container.

The helper container is created from the image of a container of this stack. Nothing of the image runs in it: it runs the host's own
`nsenter`, which enters the host (helper_container.sh says how). Nothing is pulled, and Docker removes the container at its end.

A user who may use Docker's socket is as good as root on the host (Docker's documentation, "Docker daemon attack surface"): this
gives nobody a right that they do not have.
"""

from __future__ import annotations

import math
import re
import secrets
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import DOCKER_REFUSED, NOT_ROOT, VISIT_TOO_LONG, HostError
from ipvlan.hosts.script import script_text
from ipvlan.plan.resource_names import HELPER_LABEL

if TYPE_CHECKING:
    from ipvlan.hosts.engine_writes import EngineWrites
    from ipvlan.hosts.session import HostSession
    from ipvlan.hosts.snapshot import HostSnapshot, LiveContainer
    from ipvlan.plan.ownership import Ownership

RunAsRoot = Callable[[str, float], str]
"""Takes POSIX shell text and a time limit in seconds, and returns what the text printed."""

HELPER_SECONDS: Final = 20
"""Time for what is asked of the host before and after the helper, in seconds."""

START_SECONDS: Final = 60
"""Time for the start of a container on a busy host; two cores shared by two hosts and their tests needed 29."""

STALE_SECONDS: Final = 180
"""A helper that is there so long after its own time limit belongs to a run that ended without removing it."""

_TIME_OVER: Final = ("124", "137")
"""Exit statuses of timeout(1) for a command that it ended, or had to kill."""

_NAME: Final = "ipvlan-fabric-helper-"
_LABEL: Final = re.compile(r"(.*)/([0-9]+)")

_ENVIRONMENT: Final[Mapping[str, str]] = {
    "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
    # Read by the loader of the first program, before anything could clear them (ld.so(8)).
    "LD_PRELOAD": "",
    "LD_LIBRARY_PATH": "/lib:/usr/lib",
    "LD_AUDIT": "",
    "LD_DEBUG": "",
    "LD_DEBUG_OUTPUT": "",
    "LD_PROFILE": "",
    "LD_PROFILE_OUTPUT": "",
    "GLIBC_TUNABLES": "",
    # Read by a shell that is started (POSIX sh, bash).
    "ENV": "",
    "BASH_ENV": "",
}
"""Environment of the helper, whatever its image sets."""

_WRITES_FILES: Final = ("CHOWN", "FOWNER", "DAC_OVERRIDE")
"""Capabilities without which root gives no file away, and reads and changes none of another owner (capabilities(7))."""

_ROOT_BY_SUDO: Final = "sudo -n sh -s"
# printf is built into every shell: an argument of a program is limited, and everybody can read it in `ps`. bash writes a here
# document to /tmp (before 5.1 each, later those above 64 KiB), and the text may have secrets.
_SUDO: Final = "printf '(\\n%s\\n) </dev/null\\n' {text} | {command}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Helper:
    """How helper containers are made on one host."""

    image: str
    """Id of an image that is there."""
    environment: Mapping[str, str]
    owner: str
    """Whose they are, for the label."""
    stale: tuple[str, ...]
    """Ids of earlier ones, to be removed first."""
    capabilities: tuple[str, ...] = ()
    """What it may do besides entering the host's namespaces."""


def root_shell(session: HostSession, live: HostSnapshot, owned: Callable[[], Ownership]) -> RunAsRoot | None:
    """Return what runs a text as root on the session's host; None where nothing can.

    Args:
        session: The host.
        live: Its state.
        owned: Returns what the stack owns; called only where a helper container is needed.

    Raises:
        HostError: The host does not answer.
    """
    direct = root_without_helper(session, root=live.root)
    if direct is not None:
        return direct
    ownership = owned()
    image = _image(live, ownership)
    if image is None:
        return None
    engine = Engine(session.name, session.socket, timeout=HELPER_SECONDS)
    try:
        variables = engine.image_variables(image)
    finally:
        engine.close()
    helper = _Helper(
        image=image,
        environment=environment(variables),
        owner=_owner(ownership),
        stale=tuple(stale.id for stale in stale_helpers(live, ownership)),
    )
    return lambda text, timeout: _run_in_helper(session, helper, text, math.ceil(timeout))


def root_without_helper(session: HostSession, *, root: bool | None = None) -> RunAsRoot | None:
    """Return what runs a text as root: as the ssh user, or by sudo; None where neither is.

    Args:
        session: The host.
        root: Whether the ssh user is root; None where it is to be asked.

    Raises:
        HostError: The host does not answer.
    """
    if root is None:
        root = "root=0" in session.run("echo root=$(id -u)", timeout=HELPER_SECONDS).splitlines()
    if root:
        return lambda text, timeout: session.run(text, timeout=timeout)
    if "root=0" in session.run(_by_sudo("echo root=$(id -u)"), timeout=HELPER_SECONDS).splitlines():
        return lambda text, timeout: session.run(_by_sudo(text), timeout=timeout)
    return None


def root_for_files(session: HostSession, engine: EngineWrites, image: str, owner: str) -> RunAsRoot | None:
    """Return what runs a text as root that writes files of any owner; None where the image of a helper is needed and not there.

    Args:
        session: The host.
        engine: Its Docker.
        image: Reference or id of the image of the service whose files they are.
        owner: The stack's owner id.

    Raises:
        HostError: The host or its Docker does not answer.
    """
    direct = root_without_helper(session)
    if direct is not None:
        return direct
    found = engine.image(image)
    if found is None:
        return None
    variables = tuple(each.partition("=")[0] for each in (found.get("Config") or {}).get("Env") or ())
    helper = _Helper(
        image=found["Id"],
        environment=environment(variables),
        owner=owner,
        # Those are found and removed by whatever asks for a helper with the host's whole state.
        stale=(),
        capabilities=_WRITES_FILES,
    )
    return lambda text, timeout: _run_in_helper(session, helper, text, math.ceil(timeout))


def no_root(host: str, user: str) -> HostError:
    """Return why nothing can be done as root on the host."""
    return HostError.on(
        host,
        NOT_ROOT,
        problem=f"{user} is not root on it, sudo asks for a password, and no container there is known to be of this stack",
        effect="nothing can be sent from its containers' networks",
        fix=f"name a user in ipvlan-fabric:hosts.{host}.ssh that is root or may use sudo without a password; "
        "or run `pulumi up` first, and this where the stack's state can be read: a helper container is made of its image",
    )


def stale_helpers(live: HostSnapshot, ownership: Ownership) -> tuple[LiveContainer, ...]:
    """Return the host's helper containers that a run of this stack left when it was killed."""
    return tuple(container for container in live.containers.values() if _is_stale(container, live.now, ownership))


def _is_stale(container: LiveContainer, now: float, ownership: Ownership) -> bool:
    label = _LABEL.fullmatch(container.labels.get(HELPER_LABEL, ""))
    return (
        label is not None
        and label[1] == _owner(ownership)
        and container.name.startswith(_NAME)
        and now > container.created + int(label[2]) + START_SECONDS + STALE_SECONDS
    )


def _owner(ownership: Ownership) -> str:
    return ownership.owner or ownership.stack


def _image(live: HostSnapshot, ownership: Ownership) -> str | None:
    """Return the id of the image of a container that the state records; labels do not suffice for this."""
    if not ownership.read:
        return None
    owned = (container for container in live.containers.values() if container.image_id and ownership.owns(container))
    return next((container.image_id for container in owned), None)


def _by_sudo(text: str) -> str:
    return _SUDO.format(command=_ROOT_BY_SUDO, text=shlex.quote(text))


def environment(image_variables: Iterable[str]) -> dict[str, str]:
    """Return the helper's environment, for an image that sets these variables: Docker can override one, and not unset it."""
    return {**dict.fromkeys(image_variables, ""), **_ENVIRONMENT}


def _run_in_helper(session: HostSession, helper: _Helper, text: str, limit: int) -> str:
    """Run the text in a new helper container, and return what it printed.

    Raises:
        HostError: Docker refuses the container, or the text was not run to its end in time. Half an output proves nothing.
    """
    variables = {
        "socket": session.docker_socket,
        "image": helper.image,
        "name": f"{_NAME}{secrets.token_hex(8)}",
        "label": f"{HELPER_LABEL}={helper.owner}/{limit}",
        "environment": "\n".join(f"{name}={value}" for name, value in helper.environment.items()),
        "limit": str(limit),
        "start": str(START_SECONDS),
        "stale": "\n".join(helper.stale),
        "capabilities": "\n".join(helper.capabilities),
        "text": text,
    }
    printed = session.run(script_text("helper_container.sh", variables), timeout=limit + START_SECONDS + HELPER_SECONDS)
    output, _, status = printed.rpartition("helper_status=")
    if status.strip() == "125":
        raise HostError.on(
            session.name,
            DOCKER_REFUSED,
            problem=f"Docker refused the helper container: {' '.join(output.split())[-300:]}",
            effect="nothing can be done as root on it, and nothing was changed",
            fix=f"name a user in ipvlan-fabric:hosts.{session.name}.ssh that is root or may use sudo without a password",
        )
    if status.strip() in _TIME_OVER:
        raise HostError.on(
            session.name,
            VISIT_TOO_LONG,
            problem=f"the helper container did not end within {limit} seconds, and {START_SECONDS} for its start",
            effect="what was asked of it as root has no answer",
            fix="see on the host what hangs (`systemctl status docker`, `uptime`), then run the command again",
        )
    return output
