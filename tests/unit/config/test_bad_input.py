"""Every bad input is refused with exactly the problems it has, each told in full."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import LONGEST_VALUE, ConfigError, Problem
from tests.support.bad_input import CASES, YAML_CASES, Bad
from tests.support.reference import changed


def problems_of(case: Bad, folder: Path) -> list[Problem]:
    """What is found in the bad input: errors, or the warnings of its plan."""
    try:
        if case.yaml is not None:
            (folder / "Pulumi.test.yaml").write_text(case.yaml, encoding="utf-8")
            config = load_stack("test", folder)
        else:
            config = parse(changed(case.changes))
        return list(make_plan(config).warnings)
    except ConfigError as error:
        return list(error.problems)


@pytest.mark.parametrize("case", [*CASES, *YAML_CASES], ids=lambda case: case.title)
def test_bad_input_is_told(case: Bad, tmp_path: Path) -> None:
    """Exactly the expected problems are found, each with its three sentences, none of them long."""
    problems = problems_of(case, tmp_path)
    assert len(problems) == len(case.found), "\n".join(map(str, problems))
    for problem, (key, code) in zip(problems, case.found, strict=True):
        assert problem.key.startswith(key)
        assert problem.code == code
        assert problem.severity == ("warning" if case.warning else "error")
        assert problem.effect
        assert problem.fix
        assert len(problem.value) <= 2 * LONGEST_VALUE
        assert len(str(problem)) < 1200


def test_titles_differ() -> None:
    """No two rows of the table carry one title."""
    titles = [case.title for case in (*CASES, *YAML_CASES)]
    assert len(titles) == len(set(titles))
