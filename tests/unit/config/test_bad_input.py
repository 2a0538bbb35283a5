"""Every bad input is refused with exactly the problems that it has, each with its effect and its fix; every code has one rule."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest

from ipvlan.codes import TITLES
from ipvlan.problems import LONGEST_VALUE
from tests.support.sources import TRACKED, read
from tools.bad_input import CASES, BadInput

ELSEWHERE = {
    "IPF002", "IPF003", "IPF004", "IPF025", "IPF026", "IPF027", "IPF028", "IPF029", "IPF031", "IPF043", "IPF045", "IPF046",
    "IPF110", "IPF131", "IPF264",
    "IPF601", "IPF602", "IPF603", "IPF620", "IPF621", "IPF701", "IPF711", "IPF712", "IPF713", "IPF714", "IPF715",
    "IPF716", "IPF717", "IPF718", "IPF719", "IPF720", "IPF721", "IPF730", "IPF731", "IPF732", "IPF734", "IPF735", "IPF736",
    "IPF733",
    "IPF741", "IPF742", "IPF743", "IPF744", "IPF751", "IPF761", "IPF762", "IPF763", "IPF764",
    "IPF771", "IPF772", "IPF773", "IPF774", "IPF775", "IPF776", "IPF777", "IPF781", "IPF782", "IPF783",
    "IPF791", "IPF792", "IPF793", "IPF794", "IPF795", "IPF796", "IPF797", "IPF799", "IPF801",
    "IPF803", "IPF804", "IPF805", "IPF806", "IPF807", "IPF808",
    "IPF811", "IPF812", "IPF813", "IPF814", "IPF815", "IPF816", "IPF817", "IPF818", "IPF845", "IPF846",
    "IPF855", "IPF856", "IPF857", "IPF858", "IPF859",
    "IPF821", "IPF822", "IPF825",
    "IPF901", "IPF902", "IPF903", "IPF904", "IPF911", "IPF912", "IPF913", "IPF914", "IPF915",
    "IPF830", "IPF916", "IPF917", "IPF918", "IPF919", "IPF920", "IPF921",
    "IPF922", "IPF923", "IPF924", "IPF925", "IPF926", "IPF927", "IPF928",
}  # fmt: skip
"""Codes that no single stack file shows: they need bytes, seconds, a history, a host, a command line, or an `ipvlan allocate`."""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.title)
def test_exactly_the_problems_are_found(case: BadInput, tmp_path: Path) -> None:
    """The expected problems are found, each with an effect and a fix, none of them long."""
    problems = case.problems(tmp_path)
    assert len(problems) == len(case.expected), "\n".join(map(str, problems))
    for problem, (key, code) in zip(problems, case.expected, strict=True):
        assert problem.code == code
        assert problem.key.startswith(key)
        assert problem.severity == ("warning" if case.warning else "error")
        assert problem.problem
        assert problem.effect
        assert problem.fix
        assert len(problem.value) <= 2 * LONGEST_VALUE
        assert len(str(problem)) < 1200


def test_titles_differ() -> None:
    """No two bad inputs have one title."""
    titles = [case.title for case in CASES]
    assert len(titles) == len(set(titles))


def test_every_code_has_one_rule() -> None:
    """Each code of the list is in the source once, and each code of the source is in the list."""
    uses = Counter(
        node.value
        for name in TRACKED
        if name.startswith(("ipvlan/", "components/", "provider/"))
        and name.endswith(".py")
        and name not in ("ipvlan/codes.py", "ipvlan/host_codes.py")
        and "IPF" in read(name)
        for node in ast.walk(ast.parse(read(name)))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("IPF")
    )
    assert uses == Counter(dict.fromkeys(TITLES, 1))


def test_every_code_is_shown() -> None:
    """Each code that a stack file can show has a bad input that shows it."""
    assert {code for case in CASES for _, code in case.expected} == TITLES.keys() - ELSEWHERE
