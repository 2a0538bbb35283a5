"""Steps: tests of a module that go on from each other, for the lab's scenarios."""

from __future__ import annotations

import re

import pytest

pytest_plugins = ["pytester"]

STEPS = """
import pytest
pytestmark = pytest.mark.steps

@pytest.mark.chosen
def test_one(): pass

@pytest.mark.parametrize("case", ["a", "b"])
def test_two(case): assert case != FAILING

@pytest.mark.chosen
def test_three(): pass
"""
ALONE = "def test_alone(): pass\n"


@pytest.fixture
def steps(pytester: pytest.Pytester) -> pytest.Pytester:
    """Write a module of steps, and one of an ordinary test."""
    pytester.makeconftest(
        "from tests.support.steps import "
        "pytest_collection_modifyitems, pytest_runtest_makereport, pytest_runtest_setup\n"
    )
    pytester.makeini("[pytest]\nmarkers =\n  steps\n  chosen\n")
    pytester.makepyfile(test_steps=STEPS.replace("FAILING", "None"), test_alone=ALONE)
    return pytester


def outcomes(result: pytest.RunResult) -> list[str]:
    """Return test and outcome, in the order in which they ran."""
    lines = re.findall(r"^test_\w+\.py::(\S+ [A-Z]+)", result.stdout.str(), re.MULTILINE)
    return [str(line) for line in lines]


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run pytest in the folder of these modules."""
    return pytester.runpytest_inprocess("-v", "-p", "no:cacheprovider", *arguments)


def test_all_steps_run(steps: pytest.Pytester) -> None:
    """Without a selection everything runs once."""
    result = run(steps)
    result.assert_outcomes(passed=5)


def test_after_a_failure_the_rest_is_skipped_with_the_reason(steps: pytest.Pytester) -> None:
    """The skipped steps name the one that failed; other modules run on."""
    steps.makepyfile(test_steps=STEPS.replace("FAILING", "'a'"))
    result = run(steps, "-rs")
    result.assert_outcomes(passed=2, failed=1, skipped=2)
    result.stdout.fnmatch_lines(["SKIPPED*this step goes on from test_two[[]a[]], which failed"])


def test_a_selected_step_runs_those_before_it(steps: pytest.Pytester) -> None:
    """`-k` for one step runs the steps before it, in their order, and not those after it."""
    result = run(steps, "-k", "test_two and b")
    assert outcomes(result) == ["test_one PASSED", "test_two[a] PASSED", "test_two[b] PASSED"]


def test_marks_leave_steps_out(steps: pytest.Pytester) -> None:
    """`-m` runs the marked steps alone; with `-k`, the marked steps before the selected one run too."""
    assert outcomes(run(steps, "-m", "chosen")) == ["test_one PASSED", "test_three PASSED"]
    assert outcomes(run(steps, "-m", "chosen", "-k", "three")) == ["test_one PASSED", "test_three PASSED"]


@pytest.mark.parametrize("step", ["test_three", "test_two[b]"])
def test_a_step_by_its_id_needs_the_others(steps: pytest.Pytester, step: str) -> None:
    """A step named on the command line without those before it is an error with the command that runs them."""
    result = run(steps, f"test_steps.py::{step}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    function = step.partition("[")[0]
    result.stderr.fnmatch_lines([f"ERROR: test_steps.py: its tests are steps*pytest test_steps.py -k {function}"])


def test_steps_by_their_ids_run_when_none_is_left_out(steps: pytest.Pytester) -> None:
    """The first step alone, or all of them up to one, may be named."""
    run(steps, "test_steps.py::test_one").assert_outcomes(passed=1)
    run(steps, "test_steps.py::test_one", "test_steps.py::test_two").assert_outcomes(passed=3)
