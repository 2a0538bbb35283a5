"""Small files that stand for much, and large ones: what is refused beyond the limits of docs/config.md."""

from __future__ import annotations

import subprocess
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic_core import PydanticCustomError

from ipvlan.config import git_commit, yaml_file, yaml_limits
from ipvlan.config.git_commit import Commit
from ipvlan.config.types.addresses import parse_address, parse_network, parse_range, parse_slice_entry
from ipvlan.config.yaml_edit import Edit, insert
from ipvlan.config.yaml_file import Checkout
from ipvlan.config.yaml_text import StackFileError, parse_text
from ipvlan.problems import ToolError


def refusal(text: str) -> str:
    """Return the code for which a text is refused."""
    with pytest.raises(StackFileError) as refused:
        parse_text(text, "x")
    [problem] = refused.value.problems
    return str(problem.code)


def test_values_are_counted_as_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading ends at the limit. Every kind counts: keys, values, empty collections, aliases."""
    monkeypatch.setattr(yaml_limits, "MOST_VALUES", 100)
    # The mapping at the top, the key, the list.
    assert parse_text(f"a: [{'1,' * 97}]", "x") == {"a": [1] * 97}
    assert refusal(f"a: [{'1,' * 98}]") == "IPF031"
    began = time.process_time()
    dense = ("a: [" + "1," * 500_000, "a: [" + "{}," * 99, "a:\n" + "- 1\n" * 99, "a: &a 1\nb: [" + "*a," * 99)
    assert [refusal(text) for text in dense] == ["IPF031"] * len(dense)
    assert time.process_time() - began < 1


def test_a_stack_of_ten_thousand_services_is_within_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundredth of it, with five keys in each service, is within a hundredth of the limits."""
    monkeypatch.setattr(yaml_limits, "MOST_VALUES", yaml_limits.MOST_VALUES // 100)
    service = (
        "    service-{:04}: {{image: 'registry.example.net/service@sha256:{}', offset: 10000, ports: ['8000:80'], "
    )
    service += "published: true, restart: always}}\n"
    text = "config:\n  ipvlan-fabric:services:\n" + "".join(service.format(number, "0" * 64) for number in range(100))
    assert len(parse_text(text, "x")["config"]["ipvlan-fabric:services"]) == 100
    assert len(text) < yaml_limits.LARGEST_FILE // 100


LEVELS = "".join(f"x{level}: &x{level} [*x{level - 1}, *x{level - 1}]\n" for level in range(1, 40))


@pytest.mark.parametrize(
    "text",
    [
        f"x0: &x0 [a, a]\n{LEVELS}",
        "a: &a [" + "1," * 500 + "]\nb: [" + "*a," * 500 + "]",
        "m0: &m0 {a: 1}\n"
        + "".join(f"m{level}: &m{level} {{<<: *m{level - 1}, k{level}: 1}}\n" for level in range(1, 600)),
        "a: &a {" + "".join(f"k{key}: 1, " for key in range(300)) + "}\nb: {<<: [" + "*a," * 300 + "]}",
        "? &a [" + "1," * 500 + "]\n: 1\nb: {? [" + "*a," * 500 + "] : 1}",
    ],
    ids=["doubled 40 times", "a list of a list", "merged again and again", "merged from a list", "in keys"],
)
def test_what_aliases_stand_for_is_counted(text: str) -> None:
    """A few KB that stand for more than a large file may have are refused at once."""
    began = time.process_time()
    assert refusal(text) == "IPF032"
    assert time.process_time() - began < 2


def test_aliases_of_a_usual_kind_are_read() -> None:
    """What is small may be repeated, and merged."""
    text = "a: &a {b: 1, c: [1, 2]}\n" + "".join(f"x{number}: {{<<: *a, d: *a}}\n" for number in range(300))
    assert parse_text(text, "x")["x299"] == {"b": 1, "c": [1, 2], "d": {"b": 1, "c": [1, 2]}}


@pytest.mark.parametrize("parse", [parse_range, parse_slice_entry, parse_network, parse_address])
def test_many_blanks_in_an_address(parse: Callable[[str], object]) -> None:
    """Sixty thousand of them cost nothing: each would be looked at from every other one."""
    began = time.process_time()
    with pytest.raises(PydanticCustomError):
        parse("192.168.140.100/24" + " " * 60_000 + "x")
    assert time.process_time() - began < 0.5


def test_an_anchor_that_is_used_again_is_no_warning() -> None:
    """The later one counts, as YAML has it; Python's own warning would be printed with the file's text."""
    text = "a: &x 1\nb: &x 2\nc: *x\nd: {e: 1}\n"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert parse_text(text, "x")["c"] == 2
        assert insert(text, [Edit(("d",), "f", 2)], "x").endswith("d: {e: 1, f: 2}\n")


@pytest.mark.parametrize("comments", [yaml_limits.LARGEST_FILE, 10])
def test_a_file_that_is_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, comments: int) -> None:
    """It is refused before it is read as YAML, on disk and in a commit."""
    monkeypatch.setattr(yaml_file, "parse_text", lambda *_: pytest.fail("it was read"))
    if comments == 10:
        monkeypatch.setattr(yaml_file, "LARGEST_FILE", comments)
    name = "Pulumi.dev.yaml"
    (tmp_path / name).write_text("#" * (comments + 1))
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x@x", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    for folder in (Checkout(tmp_path), git_commit.commit(tmp_path, "HEAD")):
        with pytest.raises(StackFileError) as refused:
            yaml_file.read(folder, name)
        assert [problem.code for problem in refused.value.problems] == ["IPF002"]


def test_git_that_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended, and an error of this machine."""

    def hang(arguments: list[str], **options: object) -> None:
        raise subprocess.TimeoutExpired(arguments, 30)

    monkeypatch.setattr(subprocess, "run", hang)
    commit = Commit(tmp_path, "0" * 40)
    for ask in (
        commit.stack_files,
        lambda: commit.has("x"),
        lambda: commit.text("x"),
        lambda: git_commit.commit(tmp_path, "x"),
    ):
        with pytest.raises(ToolError, match="IPF912"):
            ask()
