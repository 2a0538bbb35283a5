"""How containers are replaced, or take other files, in sentences: in which order, how many at once, what is briefly down.

Out of scope: the order itself (`ipvlan.plan.rollout_order`, `ipvlan.plan.rollout_changes`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from ipvlan.config.types.rollout import written_duration
from ipvlan.plan.model import RolloutPlan
from ipvlan.plan.rollout_changes import IN_ORDER, RolloutChange, ServiceStep, StepAction

MOST_NAMES: Final = 8
"""Hosts or services that a sentence names; of more, the rest is counted."""

_DONE: Final[Mapping[StepAction, str]] = {"create": "created", "delete": "deleted"}


def sentences(change: RolloutChange) -> Iterator[str]:
    """Yield the sentences about a change, without full stops: one for each step, and what holds for several of them."""
    for by_volume in (False, True):
        hosts = {host: services for host, services in change.together.items() if (host in change.volumes) is by_volume}
        yield from _together(hosts, by_volume=by_volume)
    yield from (step_sentence(step) for step in change.steps)
    forwards = [step for step in change.steps if step.action != "delete"]
    in_order = [step for step in forwards if step.action in IN_ORDER]
    # Where two steps have no order between them, two of them are after the same services.
    places = {(step.service, step.after) for step in forwards}
    if len(in_order) > 1 and len(places) > len({after for _, after in places}):
        yield "services with no order between them (`after`) are worked on at the same time"
    for by_files in (False, True):
        steps = [step for step in in_order if (step.action != "replace") is by_files]
        yield from _otherwise(steps, by_files=by_files)


def step_sentence(step: ServiceStep) -> str:
    """Return what happens in one step."""
    begin = f"after {listed(step.after, 'services')}: " if step.after else ""
    begin = f"{begin}{step.service} on "
    if step.action in _DONE:
        return f"{begin}{listed(step.hosts, 'hosts')}: {_DONE[step.action]}"
    if len(step.hosts) == 1:
        return f"{begin}{step.hosts[0]}: it {_meanwhile(step)}"
    if step.at_once == 1:
        hosts, how = ", then on ".join(_first(step.hosts, "hosts")), "one at a time"
    elif step.at_once < len(step.hosts):
        hosts, how = f"{listed(step.hosts, 'hosts')}, in this order", f"at most {step.at_once} at a time"
    else:
        hosts, how = listed(step.hosts, "hosts"), "all at once"
    return f"{begin}{hosts}: {how}; each {_meanwhile(step)}"


def _meanwhile(step: ServiceStep) -> str:
    if step.action == "reload":
        return "reloads its files, and runs on"
    keeps = ", and keeps its id" if step.action == "restart" else ""
    end = "the others answer" if step.others_answer else "no other host answers meanwhile"
    return f"is down for its stop and start{keeps}; {end}"


def pace(rollout: RolloutPlan) -> str:
    """Return how many containers of a service are replaced at the same time."""
    if rollout.at_once is None:
        return "all hosts at once"
    return "one host at a time" if rollout.at_once == 1 else f"{rollout.at_once} hosts at a time"


def otherwise(rollout: RolloutPlan) -> str:
    """Return what happens where a replacement does not come up, one clause."""
    if rollout.on_failure == "restore":
        return "the previous container runs again"
    return "the failed container stays in its place"


def _files_otherwise(rollout: RolloutPlan) -> str:
    """Return what happens where a container does not go on with its other files, one clause."""
    return "it gets those of before" if rollout.on_failure == "restore" else "it is left with them"


_NOT_RESTORED: Final = (
    "; `on_failure: restore` does not apply to them, and what Docker refuses is not noticed before they are deleted"
)


def _together(together: Mapping[str, tuple[str, ...]], *, by_volume: bool) -> Iterator[str]:
    """Yield which containers are down because their network or volume is replaced, once for all hosts with the same services."""
    which = "all containers that mount a replaced volume" if by_volume else "all containers"
    what = "volume" if by_volume else "network"
    hosts: dict[tuple[str, ...], list[str]] = {}
    for host, services in together.items():
        hosts.setdefault(services, []).append(host)
    for services, names in hosts.items():
        yield (
            f"{which} on {listed(names, 'hosts')}: {listed(services, 'services')}; "
            f"they are down together until the {what} is replaced, whatever `rollout` and `after` say"
            + (_NOT_RESTORED if by_volume else "")
            + ("; each host waits until the one before it is complete" if len(names) > 1 else "")
        )


def _otherwise(steps: Sequence[ServiceStep], *, by_files: bool) -> Iterator[str]:
    """Yield what happens where a container is not up in time, once for all services that agree."""
    agreeing: dict[tuple[str, str], list[str]] = {}
    for step in steps:
        key = written_duration(step.rollout.healthy_within), (_files_otherwise if by_files else otherwise)(step.rollout)
        agreeing.setdefault(key, []).append(step.service)
    for (within, what), services in agreeing.items():
        names = "" if len(agreeing) == 1 else f" of {listed(services, 'services')}"
        subject = (
            f"a container{names} does not go on with its other files" if by_files else f"a replacement{names} is not up"
        )
        yield f"where {subject} within {within}, {what}, and `pulumi up` fails"


def listed(names: Sequence[str], what: str) -> str:
    """Return `a, b and c`."""
    *most, last = _first(names, what)
    return f"{', '.join(most)} and {last}" if most else last


def _first(names: Sequence[str], what: str) -> list[str]:
    """Return the first names, and the number of the others as one more."""
    more = len(names) - MOST_NAMES
    return [*names] if more < 2 else [*names[:MOST_NAMES], f"{more} more {what}"]
