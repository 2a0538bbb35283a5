"""Which machine a host is: two names for one, and one that is not the state's."""

from __future__ import annotations

from ipvlan.checks.host_identity import other_machines, same_machine
from ipvlan.hosts.availability import Visit
from tests.support.live_parts import silent_docker


def test_two_names_for_one_machine() -> None:
    """One boot id is one machine, also where Docker does not answer for one of the names; both are named."""
    error = same_machine(
        [
            Visit(host="a", boot_id="1", engine_id="E"),
            Visit(host="b", boot_id="2", engine_id="F"),
            Visit(host="c", boot_id="1", failure=silent_docker("c")),
            Visit(host="d", boot_id="1", engine_id="E"),
        ]
    )
    assert error is not None
    assert [problem.key for problem in error.problems] == ['hosts "a" and "c"', 'hosts "a" and "d"']
    assert ["one Docker" in problem.problem for problem in error.problems] == [False, True]


def test_machines_that_are_two() -> None:
    """Clones of one image have one engine id and boot on their own; hosts that do not answer have no boot id."""
    visits = [Visit(host=name, boot_id=name, engine_id="E") for name in "ab"] + [Visit(host=name) for name in "cd"]
    assert same_machine(visits) is None


def test_another_machine_answers() -> None:
    """Only a host with an id in the state and another one now is another machine; both ids and the fix are in the sentence."""
    engines = {"same": "A", "other": "B", "new": "C", "silent": "", "gone": "D"}
    others = other_machines(engines, {"same": "A", "other": "A", "silent": "A", "left": "A"})
    assert list(others) == ["other"]
    (problem,) = others["other"].problems
    assert problem.code == "IPF762"
    assert "engine A, and B answers" in problem.problem
    assert "`ipvlan forget other --keep-config`" in problem.fix
