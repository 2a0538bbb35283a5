"""`ipvlan report` predicts what Pulumi would do: the sets of operations are equal over generated changes.

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
from lab.harness import sections
from tests.engine.test_take_over import Project
from tests.support.generated_changes import Config, Generator, Made, new_secrets
from tests.support.predictions import listed, predicted
from tests.support.previewed_state import state_of

IMAGES = [f"registry.lab:5000/one@sha256:{'a' * 64}", f"registry.lab:5000/two@sha256:{'b' * 64}"]
SEED = int(os.environ.get("IPVLAN_SEED", "1"))
PREVIEWS = 5 + int(os.environ.get("IPVLAN_CHANGES", "0"))
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
        with self._file.open("w", encoding="utf-8") as file:
            # JSON is YAML, and quotes a `no`.
            json.dump({**self._content, "config": written}, file)
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
def base(stack: Stack, generator: Generator) -> Made:
    """Return a config with many keys, which is up."""
    made = generator.change(stack.config, 25)
    while '"secret' in json.dumps(made.config):
        # No preview prints a secret, so no state is made of one.
        made = generator.change(stack.config, 25)
    stack.bring_up(made.config)
    return made


def test_without_a_change_there_is_no_operation(stack: Stack, base: Made) -> None:
    """The made state is one that Pulumi takes for what `up` wrote."""
    assert listed(stack.preview_of(base.config)) == set()


@pytest.mark.parametrize("number", range(PREVIEWS))
def test_the_report_has_every_operation_of_the_preview(
    stack: Stack, generator: Generator, base: Made, number: int
) -> None:
    """And no other one: containers, networks, bridge connections, and the routes and shims of hosts."""
    made = generator.change(base.config, 1 if number == 0 else AT_ONCE)
    changes = compare(base.plan, made.plan, new_secrets=new_secrets(base.config, made.config))
    assert listed(stack.preview_of(made.config)) == predicted(changes, base.plan, made.plan), made.changes
