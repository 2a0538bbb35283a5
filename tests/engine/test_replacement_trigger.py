"""The trigger of a container's replacement, from the state of an older version on, with the real docker provider. No host is asked.

Decision 0015, 16: the docker provider keeps a `command` that the stack file does not have any more.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.resource_names import CONTAINER_TYPE, HANDOVER_TYPE
from tests.engine.test_take_over import HERE, Project

OWNER = "0123456789abcdef"
FIRST_TRIGGERS = {
    "centos": '{"labels": {}, "ports": ""}',
    "nginx": '{"labels": {}, "ports": "80:80"}',
}
"""Service -> its trigger, as versions before the handover wrote it."""
KEPT: dict[str, Any] = {
    "entrypoints": ["/sbin/tini"],
    "healthcheck": {"tests": ["CMD", "true"], "interval": "5s"},
    "hostname": "shop",
    "init": True,
    "logDriver": "local",
    "securityOpts": ["no-new-privileges"],
    "shmSize": 32,
    "stopSignal": "SIGINT",
    "stopTimeout": 20,
    "user": "1000",
    "workingDir": "/srv",
}
"""What the docker provider keeps where the arguments leave it out, `command` aside."""


def old_state() -> dict[str, Any]:
    """Return the state of `take_over`, its containers with the triggers that the last version before the handover wrote."""
    state: dict[str, Any] = json.loads((HERE / "state.json").read_text(encoding="utf-8"))
    for resource in state["deployment"]["resources"]:
        if resource["type"] == CONTAINER_TYPE:
            resource["replacementTrigger"] = FIRST_TRIGGERS[resource["urn"].rpartition("-")[2]]
    return state


def with_handovers(state: dict[str, Any], steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the state after an `up` that created the plugin's provider and the handovers which a preview shows."""
    # What a preview does not know is here the stack's owner id alone, and the id of the provider.
    provider = str(uuid.uuid4())
    text = json.dumps(steps).replace("::04da6b54-80e4-46f7-96ec-b56ff0331ba9", f"::{provider}")
    created = []
    for step in json.loads(text.replace("04da6b54-80e4-46f7-96ec-b56ff0331ba9", OWNER)):
        resource = step.get("newState") or {}
        if step["op"] == "create" and resource["type"] in ("pulumi:providers:ipvlan-fabric", HANDOVER_TYPE):
            known = {key: resource[key] for key in ("urn", "custom", "type", "inputs", "parent")}
            if resource["type"] == HANDOVER_TYPE:
                known |= {"provider": resource["provider"], "id": step["urn"].rpartition("::")[2]}
                known["outputs"] = {**known["inputs"], "generation": 0}
            else:
                known |= {"id": provider, "outputs": known["inputs"]}
            created.append(known)
    created.sort(key=lambda resource: resource["type"] == HANDOVER_TYPE)
    resources = [*state["deployment"]["resources"], *created]
    return {**state, "deployment": {**state["deployment"], "resources": resources}}


def with_arguments(state: dict[str, Any], given: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the state, some containers created with more arguments: name of the resource -> argument -> value."""
    for resource in state["deployment"]["resources"]:
        more = given.get(resource["urn"].rpartition("::")[2].removesuffix("-handover"), {})
        if resource["type"] == CONTAINER_TYPE:
            resource["inputs"] |= more
            resource["outputs"] |= more
        elif resource["type"] == HANDOVER_TYPE:
            for properties in (resource["inputs"], resource["outputs"]):
                properties["arguments"] = {**properties["arguments"], **more}
    return state


def operations(steps: list[dict[str, Any]], type_: str) -> dict[str, set[str]]:
    """Return what happens to each resource of this type, by its name; Pulumi lists none that stays as it is."""
    found: dict[str, set[str]] = {}
    for step in steps:
        *_, types, name = step["urn"].split("::")
        if types.rpartition("$")[2] == type_:
            found.setdefault(name, set()).add(step["op"])
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Return a project with an empty stack."""
    made = Project(tmp_path)
    made.pulumi("stack", "init", "dev", "--no-select")
    return made


def test_an_old_stack_keeps_its_containers_and_a_removed_command_replaces_then(
    project: Project, tmp_path: Path
) -> None:
    """The first trigger is the old one, so nothing is replaced. Later the preview shows what the provider does not see."""
    kept = tmp_path / "state.json"

    def preview_of(state: dict[str, Any]) -> list[dict[str, Any]]:
        kept.write_text(json.dumps(state), encoding="utf-8")
        project.pulumi("stack", "import", "--stack", "dev", "--file", str(kept))
        return project.preview()[0]

    first = preview_of(old_state())
    assert operations(first, CONTAINER_TYPE) == {}

    config = project.root / "Pulumi.dev.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("      command: [/usr/sbin/init]\n", ""), encoding="utf-8")
    kept_by_it, seen_by_it = "fabric-docker-1-centos", "fabric-docker-2-nginx"
    given = {kept_by_it: KEPT, seen_by_it: {"dns": ["192.0.2.53"]}}
    second = preview_of(with_arguments(with_handovers(old_state(), first), given))
    without = {kept_by_it, seen_by_it, "fabric-docker-2-centos"}
    # Each handover has its new owner id to record. That alone is no other trigger.
    names = {f"fabric-docker-{host}-{service}-handover" for host in (1, 2) for service in FIRST_TRIGGERS}
    assert operations(second, HANDOVER_TYPE) == {name: {"update"} for name in names}
    replaced = operations(second, CONTAINER_TYPE)
    assert replaced.keys() == without
    assert all("replace" in done for done in replaced.values())
    steps = {step["urn"].rpartition("::")[2]: step for step in second if step["op"] == "replace"}
    assert steps[seen_by_it]["replaceReasons"] == ["dns"]
    for name in without - {seen_by_it}:
        # Our trigger replaces it: the provider sees no difference in the arguments.
        assert not steps[name].get("replaceReasons")
        assert steps[name]["newState"]["replacementTrigger"] == f"1 {FIRST_TRIGGERS['centos']}"
