"""`ipvlan report` predicts what Pulumi would do: the sets of operations are equal over changes of every key, and over drawn ones.

With the real engine, the real docker provider and our plugin. No host is asked: the state is made from a preview from nothing.
`IPVLAN_CHANGES=N` in the environment makes N previews more, `IPVLAN_SEED` chooses other changes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from ipvlan.plan.changes import compare
from ipvlan.plan.report import Report
from ipvlan.views.report_json import document
from lab.harness import sections
from tests.engine.test_take_over import Project
from tests.support.every_key import CHANGES, EVERY_KEY, EveryKey
from tests.support.generated_changes import Config, Generator, Made, new_secrets
from tests.support.predictions import listed, predicted
from tests.support.previewed_state import state_of

IMAGES = [f"registry.lab:5000/one@sha256:{'a' * 64}", f"registry.lab:5000/two@sha256:{'b' * 64}"]
SEED = int(os.environ.get("IPVLAN_SEED", "1"))
PREVIEWS = 2 + int(os.environ.get("IPVLAN_CHANGES", "0"))
AT_ONCE = 8
"""Changes of one preview: a preview takes seconds, however many resources it has."""


class Stack(Project):
    """A stack whose config is written and previewed."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._file = self.root / "Pulumi.dev.yaml"
        self.pulumi("stack", "init", "dev", "--no-select")
        for key in ("token", "key"):
            # No word of a preview has it: Pulumi would mask it there.
            self.pulumi("config", "set", "--secret", key, f"q7Zx-{key}", "--stack", "dev")
        self._content: dict[str, Any] = YAML(typ="safe").load(self._file.read_text(encoding="utf-8"))
        self.config: Config = sections(self._content)

    def preview_of(self, config: Config, *more: str) -> list[Mapping[str, Any]]:
        """Return the steps of the preview of a config."""
        others = {key: value for key, value in self._content["config"].items() if not key.startswith("ipvlan-fabric:")}
        written = {**others, **{f"ipvlan-fabric:{key}": value for key, value in config.items()}}
        # JSON is YAML in which every text is quoted: `no` is one to all readers.
        self._file.write_text(json.dumps({**self._content, "config": written}), encoding="utf-8")
        steps: list[Mapping[str, Any]] = json.loads(self.pulumi("preview", "--json", "--stack", "dev", *more))["steps"]
        return steps

    def bring_up(self, config: Config) -> None:
        """Give the stack, which is empty, the state of a config that is up."""
        state = self.root / "state.json"
        state.write_text(json.dumps(state_of(self.preview_of(config, "--show-secrets"))), encoding="utf-8")
        self.pulumi("stack", "import", "--stack", "dev", "--file", str(state))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """Return an empty stack."""
    return Stack(tmp_path_factory.mktemp("generated"))


@pytest.fixture(scope="module")
def generator(stack: Stack) -> Generator:
    """Return what draws the changes; it prints its seed."""
    print(f"IPVLAN_SEED={SEED}")
    return Generator(SEED, IMAGES, [stack.config["token"], stack.config["key"]])


@pytest.fixture(scope="module")
def every_key(stack: Stack) -> EveryKey:
    """Return the changes of every key; the stack has the state before them."""
    made = EveryKey(stack.config, IMAGES, [stack.config["token"], stack.config["key"]])
    stack.bring_up(made.base.config)
    return made


def check(stack: Stack, base: Made, made: Made) -> None:
    """Compare the report of a change with its preview: containers, networks, bridge connections, routes and shims of hosts."""
    changes = compare(base.plan, made.plan, new_secrets=new_secrets(base.config, made.config))
    report = document(Report(stack="dev", before=base.plan, before_problems=(), after=made.plan, changes=changes))
    assert listed(stack.preview_of(made.config)) == predicted(report, base.plan, made.plan), made.changes


def test_without_a_change_there_is_no_operation(stack: Stack, every_key: EveryKey) -> None:
    """The made state is one that Pulumi takes for what `up` wrote."""
    assert listed(stack.preview_of(every_key.base.config)) == set()


@pytest.mark.parametrize("number", range(CHANGES))
def test_the_report_has_every_operation_of_a_changed_key(stack: Stack, every_key: EveryKey, number: int) -> None:
    """Each key has another value once, and is removed once."""
    check(stack, every_key.base, every_key.changes[number])


def test_every_key_was_changed(every_key: EveryKey) -> None:
    """None is left out of these changes."""
    assert len(every_key.changes) == CHANGES
    assert {key for made in every_key.changes for key in made.changes} == EVERY_KEY


@pytest.mark.parametrize("number", range(PREVIEWS))
def test_the_report_has_every_operation_of_the_preview(
    stack: Stack, generator: Generator, every_key: EveryKey, number: int
) -> None:
    """Several drawn changes at the same time; the first time a single one."""
    check(stack, every_key.base, generator.change(every_key.base.config, 1 if number == 0 else AT_ONCE))
