"""What the lab tests of a rollout say of a container before and after a change, and the table of their figures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lab.harness import HOSTS
from tests.support.page_recorder import Figures, Gap, Watch
from tests.support.rollout import OURS_BESIDE, PREVIOUS_LABEL, WEB, Action, Case, Container, FiguresTable, action_on

RUNS = Container(
    id="a" * 64,
    started="07:00",
    running=True,
    restarts=0,
    command=("nginx",),
    environment=("A=1",),
    labels={},
    address="10.1.1.2",
    policy="unless-stopped",
)
COPY = replace(RUNS, id="b" * 64, labels={PREVIOUS_LABEL: "{}"})


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        (RUNS, RUNS, "same"),
        (COPY, COPY, "same"),
        (RUNS, replace(RUNS, started="08:00"), "restarted"),
        (RUNS, replace(RUNS, id="c" * 64), "new"),
        (None, RUNS, "new"),
        (RUNS, COPY, "restored"),
        (COPY, replace(COPY, started="08:00"), "restored"),
        (RUNS, replace(RUNS, running=False), "stopped"),
        (RUNS, None, "missing"),
    ],
)
def test_what_a_change_did(before: Container | None, after: Container | None, action: Action) -> None:
    """The action follows from ids, start times and the label of a copy."""
    assert action_on(before, after) == action


def test_the_names_beside_a_container() -> None:
    """What a rollout keeps is known by its name, and a service's own name is not taken for it."""
    names = ["web.ipvlan-previous", "web.ipvlan-failed", "web.ipvlan-rehearsal", "web", "web.ipvlan-failed-2"]
    assert [bool(OURS_BESIDE.search(name)) for name in names] == [True, True, True, False, False]


def test_the_table(tmp_path: Path) -> None:
    """A row has the longest gap, the action and the id of each host, and the first two lines of our error."""
    still, gap = (
        Figures(gaps=(), slowest=0.7, pages=90),
        Figures(gaps=(Gap(1.0, 5.5, outage=True),), slowest=0, pages=80),
    )
    text = 'error: update failed\n    IPF799 host "docker-1"\n        problem: it ends'
    case = Case(
        "exits at once",
        text,
        Watch(began=0.0, hosts=dict(zip(HOSTS, (gap, still), strict=True))),
        before={host: {WEB: RUNS} for host in HOSTS},
        after=dict(zip(HOSTS, ({WEB: COPY}, {WEB: RUNS}), strict=True)),
    )
    case.assert_named("it ends")
    case.assert_restored("docker-1")
    case.assert_untouched("docker-2")
    table = FiguresTable(file=tmp_path / "made" / "figures.md")
    assert table.text() == ""
    table.add(case)
    cells = [
        "exits at once",
        *("4.5 s in 1", "restored bbbbbbbbbbbb"),
        *("0.0 s in 0 (slowest page 0.7 s)", "same aaaaaaaaaaaa"),
        'IPF799 host "docker-1" problem: it ends',
    ]
    assert table.text().splitlines()[-1] == f"| {' | '.join(cells)} |"
    assert (tmp_path / "made" / "figures.md").read_text(encoding="utf-8") == f"{table.text()}\n"
