"""The trigger of a container's replacement, from the state of an older version on, with the real docker provider. No host is asked.

Decision 0015, 16: the docker provider keeps a `command` that the stack file does not have any more.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
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
    "ipcMode": "shareable",
    "logDriver": "local",
    "runtime": "crun",
    "securityOpts": ["no-new-privileges"],
    "shmSize": 32,
    "stopSignal": "SIGINT",
    "stopTimeout": 20,
    "user": "1000",
    "workingDir": "/srv",
}
"""What the docker provider keeps where the arguments leave it out, `command` aside."""
KEPT_IN, SEEN_IN = "fabric-docker-1-centos", "fabric-docker-2-nginx"
GIVEN = {KEPT_IN: KEPT, SEEN_IN: {"dns": ["192.0.2.53"]}}
"""Resource of a container -> the arguments that it was created with, and that the stack file does not have."""


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
            # The bridge's own account of the outputs; it must fit them where it is there.
            resource["outputs"].pop("__pulumi_raw_state_delta")
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


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return a project with an empty stack."""
    made = Project(tmp_path_factory.mktemp("trigger"))
    made.pulumi("stack", "init", "dev", "--no-select")
    return made


@pytest.fixture(scope="module")
def first(project: Project) -> list[dict[str, Any]]:
    """Return the steps of the first `up` with the old state."""
    return preview_of(project, old_state())


@pytest.fixture
def no_command(project: Project) -> Iterator[None]:
    """Take the `command` of service centos out of the stack file."""
    config = project.root / "Pulumi.dev.yaml"
    text = config.read_text(encoding="utf-8")
    config.write_text(text.replace("      command: [/usr/sbin/init]\n", ""), encoding="utf-8")
    yield
    config.write_text(text, encoding="utf-8")


def preview_of(project: Project, state: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the steps of a preview that starts from the state."""
    file = project.root / "state.json"
    file.write_text(json.dumps(state), encoding="utf-8")
    project.pulumi("stack", "import", "--stack", "dev", "--file", str(file))
    return project.preview()[0]


def test_the_first_trigger_is_that_of_an_old_state(first: list[dict[str, Any]]) -> None:
    """Handovers are created, and no container is touched."""
    assert len(operations(first, HANDOVER_TYPE)) == 4
    assert operations(first, CONTAINER_TYPE) == {}


@pytest.mark.usefixtures("no_command")
def test_the_docker_provider_keeps_what_is_left_out(project: Project) -> None:
    """Where the trigger is the same, as in the first `up`. What it does see replaces the container, and is the reason."""
    steps = preview_of(project, with_arguments(old_state(), GIVEN))
    (name,) = operations(steps, CONTAINER_TYPE)
    assert name == SEEN_IN
    (reasons,) = (step["replaceReasons"] for step in steps if step["op"] == "replace" and step["urn"].endswith(name))
    assert reasons == ["dns"]


@pytest.mark.usefixtures("no_command")
def test_what_is_left_out_replaces(project: Project, first: list[dict[str, Any]]) -> None:
    """The preview shows it. Every handover has its new owner id to record, and that alone is no other trigger."""
    steps = preview_of(project, with_arguments(with_handovers(old_state(), first), GIVEN))
    assert set(map(frozenset, operations(steps, HANDOVER_TYPE).values())) == {frozenset({"update"})}
    assert len(operations(steps, HANDOVER_TYPE)) == 4
    triggers = {
        step["urn"].rpartition("::")[2]: step["newState"]["replacementTrigger"]
        for step in steps
        if step["op"] == "replace" and step["newState"]["type"] == CONTAINER_TYPE
    }
    assert operations(steps, CONTAINER_TYPE).keys() == triggers.keys()
    assert triggers == {
        KEPT_IN: f"1 {FIRST_TRIGGERS['centos']}",
        "fabric-docker-2-centos": f"1 {FIRST_TRIGGERS['centos']}",
        # The provider says what differs there, and the engine asks it only where the trigger is the same.
        SEEN_IN: FIRST_TRIGGERS["nginx"],
    }
