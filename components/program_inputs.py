"""What Pulumi knows of the stack, handed to the plan: its config and its secrets.

Owns the reading through Pulumi, and the ending of a run whose config is wrong: one readable list, no traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor

import pulumi

from ipvlan.config.models import COMMON, SECTIONS
from ipvlan.hosts.session import unreachable
from ipvlan.hosts.ssh import prepare_shared_connections
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError


def read_plan() -> Plan:
    """Return the plan of the stack that Pulumi runs; warnings go to Pulumi's log.

    Raises pulumi.RunError, which ends the run with the text alone, when the config is wrong.
    """
    config = pulumi.Config()
    try:
        plan = make_plan(parse({key: config.get_object(key) for key in SECTIONS} | {COMMON: config.get(COMMON)}))
    except ConfigError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in plan.warnings:
        pulumi.log.warn(str(warning))
    if plan.ssh.shared_connection:
        prepare_shared_connections()
    return plan


class HostAnswers:
    """Whether the hosts answer ssh: asked in the background from the moment that this is made, so that nobody waits idly.

    A preview asks no host.
    """

    def __init__(self, plan: Plan) -> None:
        """Ask every host of the plan."""
        self._found: Future[dict[str, str]] | None = None
        if not pulumi.runtime.is_dry_run():
            pool = ThreadPoolExecutor(max_workers=1)
            self._found = pool.submit(unreachable, plan)
            # It takes no more work; what it has goes on.
            pool.shutdown(wait=False)

    def unreachable(self) -> frozenset[str]:
        """Return the hosts that do not answer, once all had the time to, and warn of each; none in a preview."""
        found = {} if self._found is None else self._found.result()
        for reason in found.values():
            pulumi.log.warn(f"{reason} Nothing is changed on it before the other hosts are done.")
        return frozenset(found)


def read_secrets(plan: Plan) -> Mapping[str, pulumi.Output[str]]:
    """Return every secret that a service names by `secret_environment`: config key -> value, secret to Pulumi too.

    Raises pulumi.RunError when a key has no value or is in plaintext.
    """
    config = pulumi.Config()
    users: dict[str, str] = {}
    for container in plan.containers():
        for variable, key in container.secret_environment.items():
            users.setdefault(key, f"services.{container.service}.secret_environment.{variable}")
    missing = [
        f"{pulumi.get_project()}:{user}: {key}\n"
        f"    problem: no config key of that name has a value\n"
        f"    effect:  the container would start without it\n"
        f"    fix:     pulumi config set --secret {key}"
        for key, user in sorted(users.items())
        if config.get_secret(key) is None
    ]
    if missing:
        raise pulumi.RunError("\n".join(missing))
    return {key: config.require_secret(key) for key in sorted(users)}
