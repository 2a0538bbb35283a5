"""Turns a config that was read into one that is valid, or into an error with everything that is wrong with it.

Both kinds of problems are reported at once: those of the shape, which reading finds, and those of the rules, which need what
could be read.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from ipvlan.config.load import Reading, read_config, read_stack
from ipvlan.config.models import StackConfig
from ipvlan.config.yaml_file import Checkout, Folder
from ipvlan.plan.address_space import AddressSpace
from ipvlan.plan.rules import check
from ipvlan.problems import ConfigError


def load_stack(stack: str, root: Path) -> StackConfig:
    """Return the config of `Pulumi.<stack>.yaml` in `root`; raise ConfigError as `well_formed` does."""
    return load(stack, Checkout(root))


def load(stack: str, folder: Folder) -> StackConfig:
    """Return the config of a stack in a folder, which may be a commit; raise ConfigError as `well_formed` does."""
    return well_formed(read_stack(stack, folder))


def load_without_files(stack: str, folder: Folder) -> StackConfig:
    """Return the same with services that have no files, and read none: for whoever compares addresses, ports and names alone."""
    return well_formed(read_stack(stack, folder, with_files=False))


def parse(
    raw: Mapping[str, object], folder: Folder | None = None, *, known_config_keys: Collection[str] | None = None
) -> StackConfig:
    """Return the config out of plain mappings and lists; raise ConfigError as `well_formed` does.

    Args:
        raw: The sections, and `common`, the path of the shared file.
        folder: Where the shared file and the files of services are; by default the working folder.
        known_config_keys: The names that secrets may be referred to by; None leaves that unchecked.
    """
    return well_formed(read_config(raw, folder or Checkout(Path()), known_config_keys=known_config_keys))


def well_formed(reading: Reading) -> StackConfig:
    """Return the config that was read. Whether its keys agree is checked when a plan is made of it.

    Raises:
        ConfigError: A part could not be read. The contradictions between the other parts are in the error too.
    """
    if not reading.problems:
        return reading.config
    problems = list(reading.problems)
    if reading.hosts_read:
        config = reading.config
        reported = {problem.key for problem in problems}
        contradictions = check(
            config,
            AddressSpace.from_config(config.fabric, config.hosts, config.services),
            unreadable=reading.unreadable_hosts,
            unreadable_services=reading.unreadable_services,
            unreadable_volumes=reading.unreadable_volumes,
            unreadable_bridges=reading.unreadable_bridges,
            with_fabric=reading.fabric_read,
        )
        problems.extend(
            problem for problem in contradictions if problem.severity == "error" and problem.key not in reported
        )
    raise ConfigError(dict.fromkeys(problems))
