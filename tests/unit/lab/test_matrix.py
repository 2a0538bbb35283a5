"""The table feature x version: what did not pass, or did not run, is no success."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from lab.settings import parse_suites
from tools.lab_matrix import SUITES, read_report, run_suite, show

REPORT = """<testsuites><testsuite>
<testcase classname="tests.lab.test_modes" name="test_l3"/>
<testcase classname="tests.lab.test_modes" name="test_l3"><error message="teardown"/></testcase>
<testcase classname="tests.lab.day_two.test_faults" name="test_docker_restarted"/>
<testcase classname="tests.lab.test_modes" name="test_vlans"><failure message="assert"/></testcase>
</testsuite></testsuites>"""


def test_the_suites_are_the_labs() -> None:
    """A suite that the lab does not know would be a column of nothing."""
    for suite in SUITES:
        parse_suites(suite)


def test_outcomes_are_read(tmp_path: Path) -> None:
    """A test that passed and could not be cleaned up after has an error; a kept report is taken with --resume."""
    (tmp_path / "matrix-forky.xml").write_text(REPORT, encoding="utf-8")
    expected = {"modes: l3": "error", "faults: docker restarted": "passed", "modes: vlans": "failure"}
    assert read_report(tmp_path / "matrix-forky.xml") == expected
    assert run_suite("forky", tmp_path, resume=True) == expected


@pytest.mark.parametrize(
    ("outcomes", "whole"),
    [
        ({"forky": {"a": "passed"}, "trixie": {"a": "skipped"}}, True),
        ({"forky": {"a": "passed"}, "trixie": {"a": "failure"}}, False),
        ({"forky": {"a": "passed"}, "trixie": {}}, False),
        ({"forky": {}}, False),
    ],
)
def test_only_a_whole_table_is_a_success(outcomes: dict[str, dict[str, str]], whole: bool) -> None:
    """A failure, a test that did not run on one version, and nothing at all are none."""
    assert show(outcomes, Console(file=io.StringIO())) is whole


def test_a_case_of_a_test_has_its_name() -> None:
    """What pytest writes in brackets is text, and no markup."""
    out = io.StringIO()
    show({"forky": {"modes: shim[l2]": "passed"}}, Console(file=out, width=100))
    assert "modes: shim[l2]" in out.getvalue()
