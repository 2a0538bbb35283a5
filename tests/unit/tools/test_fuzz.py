"""The fuzzer: a short run over mutated stack files, and that it finds what it looks for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.unit.tools.fuzz_faults import escapes, is_slow, takes_memory
from tools.fuzz.__main__ import replayed, written
from tools.fuzz.corpus import Corpus, read_corpus
from tools.fuzz.inputs import Input, make_input
from tools.fuzz.measure import Limits, Meter, last_place
from tools.fuzz.steps import STEPS, BrokenPromiseError, Step, Tried, proper
from tools.fuzz.supervisor import Run
from tools.reference_setup import STACK_TEXT

REFERENCE = Input("reference", STACK_TEXT.encode(), None)
INPUTS = 60


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    """Return what inputs are made of."""
    return read_corpus()


def failures(folder: Path, *steps: Step, limits: Limits | None = None) -> list[str]:
    """Return the signatures of what the steps do wrong with the reference setup."""
    with Meter(folder, steps, limits or Limits()) as meter:
        return [failure.signature for failure in meter.run(REFERENCE).failures]


def test_mutated_stack_files_are_planned_or_refused(tmp_path: Path, corpus: Corpus) -> None:
    """No input of a fixed seed ends in a traceback, or breaks a promise; some have a plan, most do not."""
    outcomes: Counter[str] = Counter()
    with Meter(tmp_path, STEPS, Limits()) as meter:
        for number in range(INPUTS):
            result = meter.run(make_input(corpus, "tests", number))
            assert result.failures == (), f"python -m tools.fuzz --seed tests: input {number}"
            outcomes[result.outcome] += 1
    assert outcomes["planned"] >= 4
    assert outcomes["refused"] >= 15


def test_an_input_is_always_the_same(corpus: Corpus) -> None:
    """Neither the order nor the process decides; another seed does."""
    assert make_input(read_corpus(), "a", 7) == make_input(corpus, "a", 7)
    assert make_input(corpus, "b", 7) != make_input(corpus, "a", 7)


def test_an_exception_is_found(tmp_path: Path) -> None:
    """It is named by its type and the last place in our code. The steps behind it are run too."""
    first, second = failures(tmp_path, escapes, escapes)
    assert first.startswith("PydanticCustomError in ipvlan/config/types/base.py:")
    assert first.endswith(":fail")
    assert second == first


def test_a_slow_input_is_found(tmp_path: Path) -> None:
    """It is measured in seconds of the process, and the place where it was is told."""
    assert failures(tmp_path, is_slow, limits=Limits(seconds=0.03)) == ["slow in no code of ours"]
    assert failures(tmp_path, is_slow) == []
    trace = f'  File "/usr/lib/x.py", line 1 in x\n  File "{Path(__file__).parents[3]}/ipvlan/problems.py", line 30 in shorten\n'
    assert last_place(trace) == "ipvlan/problems.py:shorten"


def test_an_input_that_takes_memory_is_found(tmp_path: Path) -> None:
    """Also where it was given back."""
    assert failures(tmp_path, takes_memory, limits=Limits(megabytes=30)) == ["memory"]
    assert failures(tmp_path, takes_memory) == []


def test_an_input_that_does_not_end_is_found() -> None:
    """Its process is ended, and the run goes on to the next input."""
    limits = Limits(seconds=0.02, ended_after=0.1)
    found = Run(seed="1", count=1, seconds=None, limits=limits, steps="tests.unit.tools.fuzz_faults:HANGS").go()
    assert found.outcomes == {"failed": 1}
    assert [(kind, [number for number, _ in failed]) for kind, failed in found.failures.items()] == [
        ("the process ends with -26", [0])
    ]


def test_failures_are_written_and_replayed(tmp_path: Path, corpus: Corpus, capsys: pytest.CaptureFixture[str]) -> None:
    """Each kind has a folder with the inputs that show it."""
    found = Run(seed="1", count=0, seconds=None).go()
    found.add(3, "failed", [("ValueError in ipvlan/x.py:1:f", "the trace")])
    assert "1 ValueError in ipvlan/x.py:1:f" in written(found, "1", tmp_path)
    [file] = tmp_path.glob("ValueError-in-ipvlan-x.py-1-f/3.yaml")
    assert file.read_bytes() == make_input(corpus, "1", 3).stack
    assert "the trace" in file.with_suffix(".txt").read_text()
    assert not replayed(file)
    assert capsys.readouterr().out.startswith("3.yaml: ")


@pytest.mark.parametrize("text", ["\x1b[0m", "a\rb", "\x9b", "\ud800"])
def test_what_works_on_a_terminal_is_found(text: str) -> None:
    """An output has no control character but line ends, and no half character."""
    with pytest.raises((BrokenPromiseError, UnicodeEncodeError)):
        proper("text", text)
    proper("text", "é\n[bold]")


def test_two_containers_of_one_address_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan is checked, whatever the rules say."""
    monkeypatch.setattr("ipvlan.plan.make.check", lambda *_: [])
    text = STACK_TEXT.replace("offset: 2", "offset: 1")
    with Meter(tmp_path, [STEPS[0]], Limits()) as meter:
        [failure] = meter.run(Input("x", text.encode(), None)).failures
    assert failure.signature == "read: nginx on docker-1 has the address of centos on docker-1"
    assert Tried(tmp_path).outcome == "refused"
