"""Where the time of a command goes, by the times of its steps."""

from __future__ import annotations

import pytest

from bench import phases
from bench.event_log import Step
from bench.phases import BETWEEN, END, START, Phase


def step(type_: str, begin: float, end: float, name: str = "it") -> Step:
    """Return a step that creates something."""
    return Step(type=type_, name=name, op="create", begin=begin, end=end)


CHECK = step("ipvlan-fabric:index:AddressClaims", 1.5, 5.5)
NETWORK = step("docker:index/network:Network", 5.6, 8.0)
SLOW = step("docker:index/container:Container", 8.0, 14.0, "nginx")
QUICK = step("docker:index/container:Container", 8.0, 13.0, "centos")
BRIDGE = step("ipvlan-fabric:index:BridgeConnection", 14.0, 15.0)
SETTLED = step("ipvlan-fabric:index:Settled", 13.0, 17.0, "centos")
LAST = step("ipvlan-fabric:index:Settled", 15.0, 18.0, "nginx")
IMAGE = step("docker:index/remoteImage:RemoteImage", 1.5, 3.0)
ALL = [IMAGE, CHECK, NETWORK, QUICK, SLOW, BRIDGE, SETTLED, LAST]


def test_the_critical_path() -> None:
    """Each step comes after the one that ended last before its begin; what is done meanwhile is not in it."""
    assert phases.critical_path(ALL) == [CHECK, NETWORK, SLOW, BRIDGE, LAST]


def test_a_step_may_seem_to_begin_before_the_one_it_waited_for_ended() -> None:
    """The log is read some times a second."""
    early = step("docker:index/network:Network", 5.49, 8.0)
    assert phases.critical_path([CHECK, early]) == [CHECK, early]
    assert [phase.on_path for phase in phases.phases([CHECK, early], 8.0)] == pytest.approx([1.5, 4.0, 2.5, 0.0, 0.0])


def test_steps_at_one_moment_end() -> None:
    """Steps without a length, and two that have the same times."""
    assert phases.critical_path([step("x", 1.0, 1.0), CHECK, CHECK]) == [CHECK]


def test_the_phases_add_up() -> None:
    """What is on the critical path, what is between its steps, and both ends are the whole command."""
    found = phases.phases(ALL, 18.4)
    assert sum(phase.on_path for phase in found) == pytest.approx(18.4)
    assert [phase.kind for phase in found] == [
        START, "image", "address check", "network", "container", "settled", "bridge attachment", BETWEEN, END,
    ]  # fmt: skip
    by_kind = {phase.kind: phase for phase in found}
    assert by_kind["container"] == Phase(kind="container", steps=2, begin=8.0, end=14.0, on_path=6.0)
    assert by_kind["settled"] == Phase(kind="settled", steps=2, begin=13.0, end=18.0, on_path=3.0)
    assert by_kind["image"].on_path == 0.0
    assert by_kind[BETWEEN].on_path == pytest.approx(0.1)
    assert by_kind[END].on_path == pytest.approx(0.4)


def test_a_command_with_nothing_to_do_has_no_phases() -> None:
    """There is no step in it."""
    assert phases.phases([], 1.6) == []
    assert phases.medians([[], []]) == []


def test_medians_over_runs() -> None:
    """Each figure has its own median; a kind that one run has is there; first the start, last the end."""
    late = [Step(type=one.type, name=one.name, op=one.op, begin=one.begin + 1, end=one.end + 2) for one in ALL]
    extra = step("docker:index/volume:Volume", 2.0, 2.5)
    merged = phases.medians([phases.phases(ALL, 18.4), phases.phases(late, 20.5), phases.phases([*late, extra], 20.6)])
    assert [phase.kind for phase in merged][:2] == [START, "volume"]
    assert [phase.kind for phase in merged][-2:] == [BETWEEN, END]
    by_kind = {phase.kind: phase for phase in merged}
    assert (by_kind["network"].begin, by_kind["network"].end) == (6.6, 10.0)
    assert by_kind["container"].steps == 2


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("pulumi:providers:docker", "plugin docker"),
        ("command:local:Command", "host check"),
        ("docker:index/remoteImage:RemoteImage", "image"),
        ("ipvlan-fabric:index:AddressClaims", "address check"),
        ("ipvlan-fabric:index:HostNetworking", "host networking"),
        ("docker:index/network:Network", "network"),
    ],
)
def test_the_names_of_kinds(type_: str, kind: str) -> None:
    """In words, and those that people use for them."""
    assert phases.kind_of(type_) == kind
