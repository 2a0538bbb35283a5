"""What an `up` that was killed left on a host: made there by this stack, and not written down in its state.

Docker refuses a second container or network of that name, so the next `up` could never complete. Owns finding and removing
such a leftover, by its name and the stack's label; whatever bears no such label is left alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from typing import Final, Literal

from ipvlan.hosts.ssh import run_on_host

Kind = Literal["container", "network"]

#: Seconds for one visit: a docker command line or two, on a busy host.
TIMEOUT_SECONDS: Final = 90.0

#: Docker's words for a name that is taken: of a container, of a network (moby daemon/names.go, libnetwork/controller.go).
_TAKEN: Final[dict[Kind, re.Pattern[str]]] = {
    "container": re.compile(r"container name .* is already in use"),
    "network": re.compile(r"network with name .* already exists"),
}

# The filters are regular expressions that match a part; a network that is in use is not removed, Docker refuses.
_REMOVE: Final[dict[Kind, str]] = {
    "container": """
found=$(timeout 60 docker ps -aq --no-trunc --filter "name=^/?$pattern\\$" --filter "label=$label" | head -n 1)
if [ -n "$found" ]; then timeout 60 docker rm -f "$found"; fi
""",
    "network": """
found=$(timeout 60 docker network ls -q --no-trunc --filter "name=^$pattern\\$" --filter "label=$label" | head -n 1)
if [ -n "$found" ]; then timeout 60 docker network rm "$found"; fi
""",
}


def is_name_taken(kind: Kind, error: str) -> bool:
    """Whether Docker refused to make it because there is one of that name."""
    return bool(_TAKEN[kind].search(error))


def remove_leftover(host: str, ssh: Sequence[str], kind: Kind, name: str, label: str) -> str:
    """Remove the container or network of that name if it bears `label` (`key=value`); return its id, empty where none was removed.

    `ssh` is an ssh command to which remote text is appended. To be called when the state does not know it. Raises
    HostUnreachableError.
    """
    names = {"pattern": re.escape(name), "label": label}
    prelude = "".join(f"{key}={shlex.quote(value)}\n" for key, value in names.items())
    done = run_on_host(host, ssh, f"sh -c {shlex.quote(prelude + _REMOVE[kind])}", timeout=TIMEOUT_SECONDS)
    return done.stdout.strip() if done.returncode == 0 else ""
