"""The arguments of the fabric, read from the stack that Pulumi runs: its config, its secrets, and which of its hosts answer.

Responsible too for the end of a run whose config is wrong: all problems in one text, without a traceback.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from importlib import import_module

import pulumi

from components.ipvlan_fabric import FabricArgs
from ipvlan.config.models import COMMON, SECTIONS, ServiceConfig, StackConfig
from ipvlan.config.secrets import unknown_secrets
from ipvlan.hosts.errors import HostUnreachableError
from ipvlan.hosts.session import unreachable_hosts
from ipvlan.hosts.ssh import require_connections
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, UserError


def read_fabric_args() -> FabricArgs:
    """Return the arguments for the fabric of the stack that Pulumi runs.

    In a preview no host is asked.

    Raises:
        pulumi.RunError: The config is wrong, or this machine cannot open connections; it ends the run with the text alone.
    """
    try:
        config = read_config()
        plan = make_plan(config)
        secrets = read_secrets(config.services)
        if not pulumi.runtime.is_dry_run():
            require_connections(plan.ssh)
    except UserError as error:
        raise pulumi.RunError(str(error)) from None
    for warning in plan.warnings:
        pulumi.log.warn(str(warning))
    answers = HostAnswers(plan)
    # Loads the docker provider's package, which takes about as long as the hosts take to answer.
    import_module("components.host_slice")
    return FabricArgs(plan=plan, stack=pulumi.get_stack(), secrets=secrets, unreachable=answers.unreachable())


def read_config() -> StackConfig:
    """Return the stack's config, as Pulumi has it.

    Raises:
        ConfigError: The config is wrong.
    """
    config = pulumi.Config()
    return parse({key: config.get_object(key) for key in SECTIONS} | {COMMON: config.get(COMMON)})


def read_secrets(services: Mapping[str, ServiceConfig]) -> Mapping[str, pulumi.Output[str]]:
    """Return config key -> value for every key in a `secret_environment`; Pulumi treats the values as secrets.

    Raises:
        ConfigError: Keys without a value.
    """
    config = pulumi.Config()
    keys = sorted({key for service in services.values() for key in service.secret_environment.values()})
    missing = list(unknown_secrets(services, {key for key in keys if config.get_secret(key) is not None}))
    if missing:
        raise ConfigError(missing)
    return {key: config.require_secret(key) for key in keys}


class HostAnswers:
    """Whether the hosts answer ssh: asked in the background from the moment that this is created; nobody is asked in a preview."""

    def __init__(self, plan: Plan) -> None:
        """Ask every host of the plan."""
        self._failures: Future[Mapping[str, HostUnreachableError]] | None = None
        if not pulumi.runtime.is_dry_run():
            pool = ThreadPoolExecutor(max_workers=1)
            self._failures = pool.submit(unreachable_hosts, plan)
            # The pool ends with the question.
            pool.shutdown(wait=False)

    def unreachable(self) -> frozenset[str]:
        """Wait for the answers, warn of each host that does not answer, and return their names."""
        failures = {} if self._failures is None else self._failures.result()
        for failure in failures.values():
            pulumi.log.warn(f"{failure}\nNothing is changed on it before the work on all other hosts is complete.")
        return frozenset(failures)
