"""The arguments of the fabric, read from the stack that Pulumi runs: its config, its secrets, and which of its hosts can be used.

Responsible too for the end of a run whose config is wrong: all problems in one text, without a traceback.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cached_property
from importlib import import_module
from pathlib import Path

import pulumi
from pulumi.runtime.config import get_config, is_config_secret

from components import messages
from components.ipvlan_fabric import FabricArgs
from ipvlan.checks.bridge_check import BridgeCheck, BridgesLooked
from ipvlan.checks.host_identity import other_machines, same_machine
from ipvlan.checks.network_changes import changed_networks
from ipvlan.checks.off_fabric import off_the_fabric
from ipvlan.checks.stack_state import StackState, StackStateError, read_stack_state
from ipvlan.checks.volume_check import Looked, VolumeCheck
from ipvlan.config.engine_config import differences
from ipvlan.config.load import read_raw, read_sections, stack_file
from ipvlan.config.models import COMMON, SECTIONS, StackConfig
from ipvlan.config.secrets import secret_keys, unknown_secrets
from ipvlan.config.yaml_file import Checkout, Folder, ProjectFolder
from ipvlan.hosts.availability import Visit, visit_hosts
from ipvlan.hosts.connection import connection_to
from ipvlan.hosts.docker_environment import check_environment
from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.restored_containers import require_no_restored
from ipvlan.hosts.ssh import require_connections
from ipvlan.plan.interfaces import vlan_link
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.neighbours import warnings_of_others
from ipvlan.plan.ownership import Place
from ipvlan.plan.validate import well_formed
from ipvlan.problems import ConfigError, UserError


def read_fabric_args() -> FabricArgs:
    """Return the arguments for the fabric of the stack that Pulumi runs.

    In a preview no host is asked.

    Raises:
        pulumi.RunError: The environment sends Docker elsewhere, the config is wrong, this machine cannot open connections, or two
            hosts are one machine; it ends the run with the text alone.
    """
    try:
        check_environment(os.environ, "pulumi preview" if pulumi.runtime.is_dry_run() else "pulumi up")
        project = project_folder()
        config = read_config(project)
        return fabric_args(config, read_secrets(config), project)
    except UserError as error:
        raise pulumi.RunError(str(error)) from None


def fabric_args(
    config: StackConfig, secrets: Mapping[str, pulumi.Output[str]], project: ProjectFolder | None = None
) -> FabricArgs:
    """Return the arguments for a fabric of this config; print the plan's warnings, and ask the hosts unless it is a preview.

    Args:
        config: The stack's config.
        secrets: Config key -> value.
        project: The folder with the files of the project's other stacks; None where the config is not from a stack file: the
            values of secrets are not known then.

    Raises:
        UserError: The config contradicts itself, or this machine cannot open connections.
    """
    plan = make_plan(config)
    if not pulumi.runtime.is_dry_run():
        require_connections(plan.ssh)
    for warning in plan.warnings:
        messages.warn(str(warning))
    visits = HostVisits(plan)
    for warning in () if project is None else warnings_of_others(plan, pulumi.get_stack(), project):
        messages.warn(str(warning))
    # Loads the docker provider's package, which takes about as long as the hosts take to answer.
    import_module("components.host_slice")
    unavailable = visits.unavailable()
    if project is not None:
        # Of a program in another language this process may read another project's state.
        visits.tell_off_the_fabric(unavailable)
    known = {} if project is None else _known_secrets(config)
    volumes, without = visits.volumes(pulumi.get_stack(), known, unavailable)
    unavailable = {**unavailable, **without}
    bridges = visits.bridges(pulumi.get_stack(), unavailable)
    return FabricArgs(
        plan=plan,
        stack=pulumi.get_stack(),
        secrets=secrets,
        unavailable={**unavailable, **bridges.unavailable},
        existing=visits.existing(),
        from_before=visits.from_before(),
        recorded=visits.recorded(),
        proven=visits.proven(),
        settled=visits.settled(),
        replaced_hosts={
            *visits.replaced_networks(),
            *visits.rebuilt_bridges(pulumi.get_stack()),
            *(host for host, found in volumes.items() if found.replaced),
        },
        # As above: another project's state says nothing of these hosts.
        new_hosts=() if project is None else visits.new_hosts(),
        removable_networks=() if project is None else visits.removable_networks(),
        missing_volumes={host: found.missing for host, found in volumes.items()},
        missing_bridges=bridges.missing,
        detached=bridges.detached,
    )


def project_folder() -> ProjectFolder:
    """Return the project's folder: Pulumi runs the program in it."""
    return Checkout(Path())


def read_config(project: Folder) -> StackConfig:
    """Return the config of the stack that Pulumi runs: that of its file, which Pulumi must have read alike.

    Raises:
        ConfigError: The config is wrong, as every command says it; or Pulumi has other values than the file.
    """
    stack = pulumi.get_stack()
    raw = read_raw(stack, project)
    config = well_formed(read_sections(raw, project))
    engine = pulumi.Config()
    given = {key: engine.get(key) for key in (*SECTIONS, COMMON)}
    keys = secret_keys(config.services, config.volumes)
    plain = [key for key in keys if engine.get(key) is not None and not _is_secret(key)]
    different = list(differences(stack_file(stack), raw.sections, given, plain))
    if different:
        raise ConfigError(different)
    return config


def _is_secret(key: str) -> bool:
    return is_config_secret(f"{pulumi.get_project()}:{key}")


def read_secrets(stack: StackConfig) -> Mapping[str, pulumi.Output[str]]:
    """Return config key -> value for every key that services and volumes refer to; Pulumi treats the values as secrets.

    Raises:
        ConfigError: Keys without a value.
    """
    config = pulumi.Config()
    keys = secret_keys(stack.services, stack.volumes)
    missing = list(
        unknown_secrets(stack.services, {key for key in keys if config.get_secret(key) is not None}, stack.volumes)
    )
    if missing:
        raise ConfigError(missing)
    return {key: config.require_secret(key) for key in keys}


def _known_secrets(stack: StackConfig) -> Mapping[str, str]:
    """Return config key -> value for every key that volumes refer to: a host's volumes are compared with them here."""
    found = {key: get_config(f"{pulumi.get_project()}:{key}") for key in secret_keys({}, stack.volumes)}
    return {key: value for key, value in found.items() if value is not None}


class HostVisits:
    """The visits to the hosts, and what the state knows of them: both are in the background from the moment that this is created.

    In a preview nobody is visited and nothing is read.
    """

    def __init__(self, plan: Plan) -> None:
        """Visit every host of the plan."""
        self._plan = plan
        self._visits: Future[Mapping[str, Visit]] | None = None
        self._state: Future[StackState] | None = None
        if not pulumi.runtime.is_dry_run():
            connections = [connection_to(host, plan.ssh) for host in plan.hosts]
            pool = ThreadPoolExecutor(max_workers=2)
            self._visits = pool.submit(
                visit_hosts, connections, connect_timeout=plan.ssh.connect_timeout, network=plan.network_name
            )
            self._state = pool.submit(read_stack_state, running_stack(), Path.cwd())
            # The pool ends with the two.
            pool.shutdown(wait=False)

    def unavailable(self) -> Mapping[str, HostError]:
        """Wait for the visits, say which hosts cannot be used, and return them with the reasons; `volumes` and `bridges` find more.

        Raises:
            pulumi.RunError: Two hosts are one machine.
        """
        if self._visits is None:
            return {}
        visits = self._visits.result()
        same = same_machine(visits.values())
        if same is not None:
            raise pulumi.RunError(str(same))
        failures = {visit.host: visit.failure for visit in visits.values() if visit.failure is not None}
        engines = {} if self._recorded is None else self._recorded.ownership.engines
        failures |= other_machines({visit.host: visit.engine_id for visit in visits.values()}, engines)
        _tell(failures)
        return failures

    def tell_off_the_fabric(self, unavailable: Collection[str]) -> None:
        """Say which containers of the state are not on the fabric, those of unavailable hosts excepted; nothing in a preview."""
        if self._visits is None:
            return
        judged = {host: visit for host, visit in self._visits.result().items() if host not in unavailable}
        for problem in off_the_fabric(self._plan, pulumi.get_stack(), self.recorded(), judged):
            messages.warn(str(problem))

    def existing(self) -> Collection[Place] | None:
        """Return the containers that the state has; None in a preview, and where the state cannot be read."""
        return None if self._recorded is None else self._recorded.ownership.containers.keys()

    def recorded(self) -> Mapping[Place, str]:
        """Return Docker's ids of the containers in the state; none in a preview, and where the state cannot be read."""
        return {} if self._recorded is None else self._recorded.ownership.containers

    def from_before(self) -> Mapping[Place, str]:
        """Return those that only an earlier version declared; none in a preview, and where the state cannot be read."""
        return {} if self._recorded is None else self._recorded.from_before()

    def proven(self) -> Collection[Place]:
        """Return the places whose container was up once; none in a preview, and where the state cannot be read."""
        return () if self._recorded is None else self._recorded.proven()

    def settled(self) -> Collection[Place] | None:
        """Return the places whose container of now was up; None in a preview, and where the state cannot be read."""
        return None if self._recorded is None else self._recorded.settled()

    def replaced_networks(self) -> Collection[str]:
        """Return the hosts whose network is another one in the state; none in a preview, and all where it cannot be read.

        Raises:
            HostError: A previous container runs on such a network: Docker would not delete it.
        """
        if self._state is None:
            return ()
        if self._recorded is None:
            return [host.name for host in self._plan.hosts]
        changed = changed_networks(self._recorded.networks(), self._plan)
        hosts = [host for host in self._plan.hosts if host.name in changed]
        require_no_restored([connection_to(host, self._plan.ssh) for host in hosts], self._recorded.ownership.owner)
        return changed

    def new_hosts(self) -> Collection[str]:
        """Return the hosts of which the state has neither a network nor a container: the creation of their network stops nothing.

        None in a preview, and where the state cannot be read. Not one whose parent Docker may create with the network: whether the
        parent is there while the addresses are checked would depend on who comes first.
        """
        if self._recorded is None or not self._recorded.exists:
            return ()
        known = {*self._recorded.networks(), *(place.host for place in self._recorded.ownership.containers)}
        return [host.name for host in self._plan.hosts if host.name not in known and vlan_link(host.parent) is None]

    def removable_networks(self) -> Collection[str]:
        """Return the hosts whose network our own plugin would remove; none in a preview, and where the state cannot be read."""
        return () if self._recorded is None else self._recorded.removable_networks()

    def volumes(self, stack: str, secrets: Mapping[str, str], unavailable: Collection[str]) -> Looked:
        """Return what is to be done about the volumes of each host, and say and return which hosts cannot be used for them.

        In a preview, and of an unavailable host, it is nothing.

        Raises:
            VolumesRefusedError: A volume cannot be as planned: nothing was changed.
        """
        hosts = [host for host in self._plan.hosts if host.volumes and host.name not in unavailable]
        if self._visits is None or not hosts:
            return Looked({}, {})
        check = VolumeCheck(stack, self._recorded, secrets)
        looked = check.look([(host, connection_to(host, self._plan.ssh)) for host in hosts])
        _tell(looked.unavailable)
        return looked

    def bridges(self, stack: str, unavailable: Collection[str]) -> BridgesLooked:
        """Return what is not there of each host's bridges, and say and return which hosts cannot be used for them.

        In a preview, and of an unavailable host, it is nothing.

        Raises:
            BridgesRefusedError: A bridge network cannot be as planned: nothing was changed.
        """
        hosts = [host for host in self._plan.hosts if host.bridges and host.name not in unavailable]
        if self._visits is None or not hosts:
            return BridgesLooked({}, {}, {})
        check = BridgeCheck(stack, self._recorded)
        looked = check.look([(host, connection_to(host, self._plan.ssh)) for host in hosts])
        for warning in check.abandoned(hosts):
            messages.warn(str(warning))
        _tell(looked.unavailable)
        return looked

    def rebuilt_bridges(self, stack: str) -> Collection[str]:
        """Return the hosts with a bridge network that is created again; none in a preview."""
        return () if self._recorded is None else BridgeCheck(stack, self._recorded).rebuilt(self._plan.hosts)

    @cached_property
    def _recorded(self) -> StackState | None:
        """The state; None in a preview and, with a warning, where it cannot be read."""
        try:
            return None if self._state is None else self._state.result()
        except StackStateError as error:
            messages.warn(
                f"{error}\nWhether each host is still the machine in the state was not checked, and all containers of a service "
                f"are created one after another."
            )
            return None


def _tell(failures: Mapping[str, HostError]) -> None:
    """Say which hosts cannot be used."""
    for failure in failures.values():
        if isinstance(failure, HostUnreachableError):
            messages.warn(f"{failure}\nNothing is changed on it before the work on all other hosts is complete.")
        else:
            # The run ends with all of it.
            messages.info(f"{failure.summary}. Nothing is done on it; the other hosts come first.")


def running_stack() -> str:
    """Return the stack that Pulumi runs, as its commands take it. Not in another thread: there the SDK knows no stack."""
    organization, stack = pulumi.get_organization(), pulumi.get_stack()
    # What Pulumi says where the backend has no organizations.
    return stack if organization in (None, "organization") else f"{organization}/{pulumi.get_project()}/{stack}"
