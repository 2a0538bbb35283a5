"""The check of one host before an `up` creates something on it: `python -m ipvlan.checks.host_check`.

Reads a question (JSON, see `question`) from standard input, reads the host's facts over ssh, and prints them. Exit status 1 and
the findings on standard error when one of them stops an `up`. `components.host_check` runs it.

What it prints is in the state: among it the id of Docker's Engine, by which a later `up` notices another machine.

Imports nothing that is slow to load: an `up` of a new stack runs it once per host.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from ipvlan.checks.host_findings import Finding, HostRequirements, failure_finding, host_findings, replaced_finding
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import HostError
from ipvlan.hosts.host_facts import facts_of_host
from ipvlan.plan.docker_versions import RULES
from ipvlan.problems import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

DOCKER_SECONDS: Final = 30.0
"""Time limit of each of three questions to Docker: a busy host needs seconds for its command line alone."""

HOST_SECONDS: Final = 90.0
"""Time limit of all of it."""

RECORDED: Final = ("docker", "kernel", "engine")
"""First words of the lines that it prints. They are in the question: a new one asks each host again, once, and so records it."""

_PREVIOUS: Final = "PULUMI_COMMAND_STDOUT"
"""Variable with what the check printed last, according to the state (pulumi-command, addPreviousOutputInEnv)."""


def recorded_engine(output: str) -> str:
    """Return the Engine's id in what a check printed; empty where it recorded none."""
    lines = (line.partition(" ") for line in output.splitlines())
    return next((value for word, _, value in lines if word == RECORDED[2]), "")


def question(required: HostRequirements, command: Sequence[str]) -> str:
    """Return what the check reads, as JSON; `command` is the ssh command of the host's connection.

    It is an input of a resource, and a change of it runs the check again: so it depends on the plan alone, not on this machine, and
    names only the rules about Docker that stop an `up`.
    """
    stopping_rules = tuple(rule.name for rule in RULES if rule.refused and rule.name in required.docker_rules)
    requirements = asdict(replace(required, docker_rules=stopping_rules))
    if not required.bound_addresses:
        # Earlier versions did not ask for it, and another question asks every host again.
        del requirements["bound_addresses"]
    if not required.with_files:
        del requirements["with_files"]
    if not required.outside_by_bridges:
        del requirements["outside_by_bridges"]
    return json.dumps(
        {
            "required": requirements,
            "command": list(command),
            "records": list(RECORDED),
        },
        sort_keys=True,
    )


def main() -> int:
    """Check the host of the question on standard input; return 0 when it can carry its part of the plan, else 1."""
    document = json.load(sys.stdin)
    requirements = document["required"]
    required = HostRequirements(
        host=requirements["host"],
        parent=requirements["parent"],
        ssh=tuple(requirements["ssh"]),
        bridge=requirements["bridge"],
        docker_rules=tuple(requirements["docker_rules"]),
        bound_addresses=tuple((address, service) for address, service in requirements.get("bound_addresses", ())),
        with_files=tuple(requirements.get("with_files", ())),
        outside_by_bridges=requirements.get("outside_by_bridges", False),
    )
    connection = HostConnection(name=required.host, command=tuple(document["command"]), parent=required.parent)
    stopping = [finding for finding in _findings(required, connection) if finding.stops_up]
    if not stopping:
        return 0
    problems = "\n".join(f"{number}. {finding}" for number, finding in enumerate(stopping, 1))
    text = f'host "{required.host}" cannot carry the fabric; nothing was changed on it:\n{problems}\n'
    sys.stderr.write(plain(text, keep="\n"))
    return 1


def _findings(required: HostRequirements, connection: HostConnection) -> list[Finding]:
    try:
        facts = facts_of_host(connection, timeout=HOST_SECONDS, docker_seconds=DOCKER_SECONDS)
    except HostError as error:
        return [failure_finding(required, error)]
    replaced = replaced_finding(required.host, recorded_engine(os.environ.get(_PREVIOUS, "")), facts.engine)
    if replaced is not None:
        # What it printed last stays in the state.
        return [replaced]
    values = (facts.docker or "none", facts.kernel, facts.engine)
    sys.stdout.writelines(f"{word} {plain(value)}\n" for word, value in zip(RECORDED, values, strict=True) if value)
    return list(host_findings(required, facts))


if __name__ == "__main__":
    sys.exit(main())
