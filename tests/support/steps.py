"""Test modules whose tests are steps: each goes on from the state that the one before left.

`pytestmark = pytest.mark.steps` makes a module one. A conftest.py imports the hooks from here.

- After the first step that fails, the rest is skipped, with its name as the reason.
- When `-k` selects some steps, those before them run too. `-m` is different: steps without the mark are left out, since whoever
  sets the marks has decided that the others can do without them.
- When steps are named on the command line without those before them, pytest ends with an error that says so.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from _pytest.reports import TestReport

_FAILED = pytest.StashKey[str]()
"""Of a module: its step that failed."""


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> Generator[None]:
    """Add the steps before the selected ones."""
    collected = list(items)
    yield
    kept = set(items)
    marked = str(config.option.markexpr)
    for module, of_module in groupby(filter(_is_step, collected), key=_module):
        steps = list(of_module)
        while steps and steps[-1] not in kept:
            steps.pop()
        _check_complete(module, steps)
        kept.update(step for step in steps if not marked or step.get_closest_marker(marked))
    items[:] = [item for item in collected if item in kept]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, TestReport, TestReport]:
    """Note the step that fails."""
    report = yield
    if _is_step(item) and report.failed and report.when != "teardown":
        _module(item).stash.setdefault(_FAILED, item.name)
    return report


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a step after one that failed."""
    if _is_step(item) and (failed := _module(item).stash.get(_FAILED, "")):
        pytest.skip(f"this step goes on from {failed}, which failed")


def _is_step(item: pytest.Item) -> bool:
    return item.get_closest_marker("steps") is not None


def _module(item: pytest.Item) -> pytest.Module:
    module = item.getparent(pytest.Module)
    if module is None:
        raise TypeError(f"{item.nodeid} is not in a module")
    return module


def _check_complete(module: pytest.Module, steps: Sequence[pytest.Item]) -> None:
    """Raise UsageError unless the steps begin with the first of the module and leave none out."""
    functions = [step for step in steps if isinstance(step, pytest.Function)]
    present = dict.fromkeys(step.originalname for step in functions)
    defined = [name for name in vars(module.obj) if name.startswith("test_")]
    first_cases = {step.originalname: step for step in reversed(functions)}.values()
    from_the_first = all(not any(step.callspec.indices.values()) for step in first_cases if hasattr(step, "callspec"))
    if list(present) != defined[: len(present)] or not from_the_first:
        raise pytest.UsageError(
            f"{module.nodeid}: its tests are steps, and {steps[-1].name} needs those before it. "
            f"Run them too: pytest {module.nodeid} -k {functions[-1].originalname}"
        )
