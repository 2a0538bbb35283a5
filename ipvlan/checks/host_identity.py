"""Whether each host is the machine that it should be: two names for one machine, and a machine that is not the one in the state.

Docker's Engine keeps its id in its data folder, beside its containers: another id means that those of the state are not there.
The kernel draws its boot id at every start: two hosts with one boot id are one machine, whatever their Docker says.

Out of scope: asking the hosts (`ipvlan.hosts.availability`), and recording the id (`ipvlan.checks.host_check`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ipvlan.hosts.availability import Visit
from ipvlan.hosts.errors import OTHER_MACHINE, SAME_MACHINE, HostError, OtherMachineError
from ipvlan.problems import Problem


def same_machine(visits: Iterable[Visit]) -> HostError | None:
    """Return the problems of hosts that are one machine; None where there is none."""
    problems = tuple(_same_machine(visits))
    return HostError(problems) if problems else None


def _same_machine(visits: Iterable[Visit]) -> Iterator[Problem]:
    first: dict[str, Visit] = {}
    for visit in visits:
        if not visit.boot_id:
            continue
        other = first.setdefault(visit.boot_id, visit)
        if other is not visit:
            yield Problem(
                code=SAME_MACHINE,
                key=f'hosts "{other.host}" and "{visit.host}"',
                value="",
                problem=f"they are one machine: both started with the boot id {visit.boot_id}"
                + (", and have one Docker" if visit.engine_id and visit.engine_id == other.engine_id else ""),
                effect="the networks and containers of both would be created on it; nothing was changed on any host",
                fix=f"correct the address or ssh of one of the two (ipvlan-fabric:hosts.{other.host}, "
                f"ipvlan-fabric:hosts.{visit.host}), or remove it",
            )


def other_machines(engines: Mapping[str, str], recorded: Mapping[str, str]) -> Mapping[str, HostError]:
    """Return the hosts whose Docker is not the one in the state, each with the reason.

    Args:
        engines: Host -> id of the Engine that answers now; empty where none answers.
        recorded: Host -> id in the state; hosts without one are not judged.
    """
    errors = {host: other_machine(host, recorded.get(host, ""), engine) for host, engine in engines.items()}
    return {host: error for host, error in errors.items() if error is not None}


def other_machine(host: str, recorded: str, engine: str) -> OtherMachineError | None:
    """Return the failure of a host whose Docker is not the one in the state; None where it is, or where one id is not known."""
    if not recorded or not engine or recorded == engine:
        return None
    return OtherMachineError.on(
        host,
        OTHER_MACHINE,
        problem=f"another machine answers, or its Docker was installed anew: the state has Docker's engine {recorded}, and "
        f"{engine} answers",
        effect="nothing is done on it: the networks and containers in the state are not there",
        fix=f"correct ipvlan-fabric:hosts.{host}.address or .ssh; where the machine was rebuilt or replaced, run "
        f"`ipvlan forget {host} --keep-config`, then `pulumi up`",
    )
