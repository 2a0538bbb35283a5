"""The check of a host before something is created on it, as a Command.

It runs when the host is new to the stack, and again when its parent, the ssh command that reaches it, an address that a published
port is bound to, or what its plan requires of Docker changes. In a preview nothing runs.

Out of scope: the check itself (`ipvlan.checks.host_check`).
"""

from __future__ import annotations

from importlib import resources
from typing import Final

import pulumi
from pulumi_command import local

from ipvlan.checks.host_check import question
from ipvlan.checks.host_findings import requirements_of
from ipvlan.hosts.connection import HostConnection
from ipvlan.plan.model import HostPlan

# Without the comments, whose change is no reason to ask every host again.
_LAUNCHER: Final = "\n".join(
    line
    for line in resources.files("components").joinpath("host_check.sh").read_text("utf-8").splitlines()
    if not line.startswith("#")
)


def host_check(name: str, host: HostPlan, connection: HostConnection, opts: pulumi.ResourceOptions) -> local.Command:
    """Declare the check of `host`: it fails, and everything that depends on it waits, when the host cannot carry the fabric."""
    return local.Command(
        name,
        # The shell's $0: pulumi-command prints this sentence, and not the script, before what went wrong.
        create=f"can {host.name} carry the fabric?",
        interpreter=["/bin/sh", "-c", _LAUNCHER],
        stdin=question(requirements_of(host), connection.command),
        opts=opts,
    )
