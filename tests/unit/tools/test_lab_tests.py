"""The lab tests on two labs: every test is run, on one lab, and a failure on either is one of the whole."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import lab_tests


def test_each_module_is_run_once() -> None:
    """Every module of tests/lab is in one unit of one half, or alone."""
    first, second = lab_tests.halves(lab_tests.units(lab_tests.ROOT), lab_tests.MINUTES)
    assert not set(first) & set(second)
    found = {path.relative_to(lab_tests.ROOT).as_posix() for path in lab_tests.ROOT.glob("tests/lab/**/test_*.py")}
    of_units = {name for name in found if name in first + second or name.rpartition("/")[0] in first + second}
    assert of_units == found
    assert set(lab_tests.ALONE) <= found
    assert set(lab_tests.MINUTES) <= set(first + second)


def test_the_halves_take_about_as_long() -> None:
    """The longest is first, and each goes to the lab with less to do."""
    minutes = {"a": 10.0, "b": 6.0, "c": 5.0, "d": 1.0}
    assert lab_tests.halves(minutes, minutes) == (["a", "d"], ["b", "c"])


def test_the_copy_has_what_git_has(tmp_path: Path) -> None:
    """Tracked files are in the copy, and the virtual environment is a link."""
    lab_tests.copy_checkout(tmp_path / "copy")
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=lab_tests.ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout.split("\n")
    for name in ("Pulumi.yaml", "lab/up", "tests/lab/conftest.py"):
        assert name in tracked
        assert (tmp_path / "copy" / name).read_bytes() == (lab_tests.ROOT / name).read_bytes()
    assert (tmp_path / "copy" / ".venv").is_symlink()
    assert not (tmp_path / "copy" / ".git").exists()


@pytest.mark.parametrize(
    ("statuses", "whole"), [((0, 0, 0), 0), ((0, 1, 0), 1), ((0, 0, 1), 1), ((5, 0, 5), 0), ((0, 2, 1), 2)]
)
def test_a_failure_on_either_lab_counts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, statuses: tuple[int, int, int], whole: int
) -> None:
    """The exit status is 0 only where no lab has a failure; a lab without a selected test is none."""
    monkeypatch.setattr(lab_tests, "COPY", tmp_path / "copy")
    monkeypatch.setattr(lab_tests, "build", lambda _name: None)
    first, second, alone = statuses

    def command(_arguments: object, tests: object, *, without: object = ()) -> list[str]:
        return ["sh", "-c", f"exit {alone if tests == lab_tests.ALONE else first if is_first(tests) else second}"]

    first_units = lab_tests.halves(
        [n for n in lab_tests.units(lab_tests.ROOT) if n not in lab_tests.ALONE], lab_tests.MINUTES
    )[0]

    def is_first(tests: object) -> bool:
        return tests == first_units

    monkeypatch.setattr(lab_tests, "command", command)
    assert lab_tests.main([]) == whole


def test_the_output_of_the_second_lab_is_shown(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Between those of the other runs; what a host prints is no order to a terminal, and may be any bytes."""
    monkeypatch.setattr(lab_tests, "COPY", tmp_path / "copy")
    monkeypatch.setattr(lab_tests, "build", lambda _name: None)

    names = [name for name in lab_tests.units(lab_tests.ROOT) if name not in lab_tests.ALONE]
    first, second = lab_tests.halves(names, lab_tests.MINUTES)
    words = {tuple(first): "first", tuple(second): "second \\377\\033[2J", lab_tests.ALONE: "alone"}

    def command(_arguments: object, tests: Sequence[str], *, without: object = ()) -> list[str]:
        return ["printf", f"{words[tuple(tests)]}\\n"]

    monkeypatch.setattr(lab_tests, "command", command)
    assert lab_tests.main([]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("==")] == ["first", "second \ufffd\\x1b[2J", "alone"]
