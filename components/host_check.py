"""The check of a host before anything is made on it, as a Command that runs over ssh.

Owns the Command and the words for a host that is not reached. What is looked at stands in host_check.sh, which runs on the
host and changes nothing. Runs when a host is new to the stack, or its parent, the way
to it, or what its plan needs of Docker changes.
"""

from __future__ import annotations

import shlex
from importlib import resources
from typing import Final

import pulumi
from pulumi_command import local

from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.ssh import SSH_FAILED
from ipvlan.plan.docker_versions import Version, refusals
from ipvlan.plan.model import HostPlan

# Its $0 is the Command's `create`, a sentence: pulumi-command prints that, and not this text, before what went wrong.
_LOCAL: Final = f"""
eval "$HOST_SSH 'exec sh -s'"
status=$?
if [ "$status" -eq {SSH_FAILED} ]; then printf '%s\\n' "$HOST_UNREACHABLE" >&2; fi
exit "$status"
"""


def host_check(name: str, host: HostPlan, connection: HostConnection, opts: pulumi.ResourceOptions) -> local.Command:
    """Declare the check of `host`: it fails, and all that depends on it waits, when the host cannot carry the fabric."""
    names = {
        "host": host.name,
        "parent": host.parent,
        # Whatever may be published one day: switching `published` is no reason to check the host again.
        "bridge": "true" if any(found.ports or found.internet for found in host.containers) else "false",
        "needs": "\n".join(
            f"{_version(rule.since)}|{_version(rule.until)}|{rule.what} ({rule.source}). To fix it {rule.fix}."
            for rule in refusals(host)
        ),
    }
    prelude = "".join(f"{key}={shlex.quote(value)}\n" for key, value in names.items())
    key = f"ipvlan-fabric:hosts.{host.name}"
    return local.Command(
        name,
        create=f"can {host.name} carry the fabric?",
        interpreter=["/bin/sh", "-c", _LOCAL],
        stdin=prelude
        + resources.files("ipvlan.hosts").joinpath("scripts", "host_check.sh").read_text(encoding="utf-8"),
        environment={
            "HOST_SSH": shlex.join(connection.command),
            "HOST_UNREACHABLE": (
                f'host "{host.name}": ssh to {host.ssh} failed, see above; nothing was changed on it. No connection: bring '
                f"it back, or fix {key}.address or {key}.ssh. Host key verification failed: compare the host's key, then set "
                f"{key}.host_key or fix ~/.ssh/known_hosts. Permission denied: give it your public key, or load the key "
                f"into the agent. Then run `pulumi up` again."
            ),
        },
        opts=opts,
    )


def _version(version: Version | None) -> str:
    return "" if version is None else ".".join(map(str, version))
