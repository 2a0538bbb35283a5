"""Where the output of a subcommand goes, and in what form."""

from __future__ import annotations

import pytest

from ipvlan.cli.output import print_warnings
from ipvlan.problems import Problem


def test_a_warning_is_not_broken_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In a log each part of a warning is one line, also beyond the 80 columns that rich assumes there."""
    monkeypatch.setenv("COLUMNS", "80")
    effect = "two hosts can run two images under one name, " * 3
    warning = Problem(
        code="IPF405", key="services.web.image", value="web:1", problem="it moves", effect=effect, fix="pin"
    )
    print_warnings([warning])
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", f"warning: {warning}\n")
