"""The table feature x version: a test that failed, or did not run, is no success."""

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
    """The lab knows every suite of the table."""
    for suite in SUITES:
        parse_suites(suite)


def test_outcomes_are_read(tmp_path: Path) -> None:
    """A test whose teardown failed has an error; --resume uses the existing report."""
    (tmp_path / "matrix-forky.xml").write_text(REPORT, encoding="utf-8")
    expected = {"modes: l3": "error", "faults: docker restarted": "passed", "modes: vlans": "failure"}
    assert read_report(tmp_path / "matrix-forky.xml") == expected
    assert run_suite("forky", tmp_path, resume=True) == expected


@pytest.mark.parametrize(
    ("outcomes", "success"),
    [
        ({"forky": {"a": "passed"}, "trixie": {"a": "skipped"}}, True),
        ({"forky": {"a": "passed"}, "trixie": {"a": "failure"}}, False),
        ({"forky": {"a": "passed"}, "trixie": {}}, False),
        ({"forky": {}}, False),
    ],
)
def test_every_test_must_pass_on_every_version(outcomes: dict[str, dict[str, str]], success: bool) -> None:
    """A failure, a test that did not run on one version, and an empty table are no success."""
    assert show(outcomes, Console(file=io.StringIO())) is success


def test_the_name_of_a_case_is_shown() -> None:
    """The case that pytest writes in brackets is printed as it is, not as markup."""
    out = io.StringIO()
    show({"forky": {"modes: shim[l2]": "passed"}}, Console(file=out, width=100))
    assert "modes: shim[l2]" in out.getvalue()
