"""What Docker's Engine API and the LAN tell `ipvlan preflight` of a host, beyond the host's own facts. Creates nothing.

Out of scope: what it means for a plan (`ipvlan.checks.preflight`), and the ARP probe itself (`ipvlan.hosts.arp_probe`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from netaddr import IPAddress

from ipvlan.hosts.arp_probe import not_held_by, probe
from ipvlan.hosts.engine import Engine
from ipvlan.hosts.errors import UNREADABLE, HostError
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot, take_snapshot
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership
from ipvlan.plan.rollout_containers import is_ours


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerFacts:
    """One host, as its Docker and its LAN describe it."""

    snapshot: HostSnapshot
    image_failures: Mapping[str, str]
    """Image that is not on the host -> why its Docker cannot pull it."""
    folder: str
    """Where Docker keeps images and containers."""
    free: int
    """Bytes that are free there."""
    answering: Mapping[IPAddress, str]
    """Address that somebody on the LAN answers for -> who, as far as it is known."""
    not_probed: str
    """Why the addresses were not probed; empty when they were."""


def docker_facts(session: HostSession, plan: Plan, owned: Callable[[], Ownership], *, timeout: float) -> DockerFacts:
    """Read one host.

    Args:
        session: The host.
        plan: What is planned.
        owned: Returns what the stack owns.
        timeout: Seconds for each question.

    Raises:
        HostError: The host, or its Docker, does not answer.
    """
    snapshot = take_snapshot(session, timeout=timeout)
    folder, free = _disk(session, timeout)
    answering, not_probed = _probe(session, plan, owned, snapshot, timeout)
    return DockerFacts(
        snapshot=snapshot,
        image_failures=_image_failures(session, plan.host(session.name).images, timeout),
        folder=folder,
        free=free,
        answering=answering,
        not_probed=not_probed,
    )


def _disk(session: HostSession, timeout: float) -> tuple[str, int]:
    engine = Engine(session.name, session.socket, timeout=timeout)
    try:
        folder = engine.folder()
    finally:
        engine.close()
    output = session.run_script("free_space.sh", {"folder": folder}, timeout=timeout)
    blocks, block_size = output.text("blocks"), output.text("block_size")
    if not (blocks.isdigit() and block_size.isdigit()):
        raise HostError.on(
            session.name,
            UNREADABLE,
            problem=f"the free space in {folder} cannot be read: {' '.join(output.other)[:120]}",
            effect="whether images can be pulled is not known",
            fix=f"run `stat -f {folder}` on the host and fix what it names",
        )
    return folder, int(blocks) * int(block_size)


def _image_failures(session: HostSession, images: Sequence[str], timeout: float) -> Mapping[str, str]:
    engine = Engine(session.name, session.socket, timeout=timeout)
    try:
        missing = [image for image in images if not engine.image_present(image)]
        failures = {image: engine.pull_failure(image) for image in missing}
    finally:
        engine.close()
    return {image: failure for image, failure in failures.items() if failure}


def _probe(
    session: HostSession, plan: Plan, owned: Callable[[], Ownership], snapshot: HostSnapshot, timeout: float
) -> tuple[Mapping[IPAddress, str], str]:
    planned = [container.fabric_address for container in plan.host(session.name).on_fabric]
    addresses = not_held_by(partial(is_ours, owned(), session.name), snapshot, planned)
    if plan.gateway is not None:
        addresses.append(plan.gateway)
    return probe(session, snapshot, plan.mode, addresses, owned, timeout=timeout)
