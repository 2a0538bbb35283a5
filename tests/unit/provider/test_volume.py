"""The resource of a named volume: what is created, used again, refused, kept and deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL
from provider.resource import Properties
from provider.volume import Volume
from tests.support.fake_engine import serve
from tests.support.volume_engine import VolumeEngine, reached_by
from tests.support.volume_resource import EARLIER, NFS, NFS_REST, OURS, OWNER, Run, inputs, state

VOLUME = Volume()
GONE_PLUGIN = 'get data: error while checking if volume "data" exists in driver "x": plugin "x" not found'
"""What Docker 28.5 answers with 404 (moby, lookupVolume in volume/service/store.go)."""
LINE = "volume data on docker-1 is kept, with its data; to remove it, run on docker-1: docker volume rm data"


@pytest.fixture
def run() -> Run:
    """Return a run."""
    return Run()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[VolumeEngine]:
    """Serve the Docker of every host."""
    with serve(VolumeEngine(tmp_path / "s")) as engine:
        reached_by(monkeypatch, engine)
        yield engine


def refusal(docker: VolumeEngine, run: Run, properties: Properties, old: Properties | None = None) -> str:
    """Create or update, and return the text of the failure, with which nothing was changed."""
    before = dict(docker.volumes)
    with pytest.raises(HostError) as caught:
        VOLUME.update(old, properties, run.operation) if old else VOLUME.create(properties, run.operation)
    assert docker.volumes == before
    assert docker.changes == []
    return str(caught.value)


def test_it_is_created_with_its_options_and_its_owner(docker: VolumeEngine, run: Run) -> None:
    """Docker gets driver, options, the user's labels and the stack's, under the host's lock and by today's connection."""
    given = inputs(driver_opts=NFS, labels={"team": "web"})
    created = VOLUME.create(given, run.operation)
    assert created.id == "docker-1/data"
    assert created.outputs == {**given, "missing": False, "owner_label": OURS[OWNER_LABEL]}
    assert docker.volumes["data"] == {
        "Name": "data",
        "Driver": "local",
        "Options": NFS,
        "Labels": {"team": "web", **OURS},
    }
    assert (run.held, run.warned) == (["docker-1"], [])


def test_what_an_interrupted_run_created_is_taken(docker: VolumeEngine, run: Run) -> None:
    """A volume with this stack's owner label for this place needs no word."""
    docker.add("data", OURS)
    assert VOLUME.create(inputs(), run.operation).outputs["owner_label"] == OURS[OWNER_LABEL]
    assert (docker.changes, run.warned) == ([], [])


def test_one_that_an_earlier_life_kept_is_used_again_and_named(docker: VolumeEngine, run: Run) -> None:
    """Stack, host and name are those of the label; the owner id is another one since the stack was destroyed."""
    docker.add("data", EARLIER)
    created = VOLUME.create(inputs(), run.operation)
    assert created.outputs["owner_label"] == EARLIER[OWNER_LABEL]
    assert run.warned == [
        "volume data on docker-1 was kept by an earlier life of this stack: it is used again, with its data"
    ]
    # From then on it is the one in the state, also while its container mounts it.
    docker.mounts["wiki"] = ["data"]
    assert VOLUME.read("docker-1/data", created.outputs, run.operation) == created.outputs
    changed = {**created.outputs, "missing": True}
    assert VOLUME.update(created.outputs, changed, run.operation)["owner_label"] == EARLIER[OWNER_LABEL]


def test_one_of_a_host_that_had_another_name_is_used_again(docker: VolumeEngine, run: Run) -> None:
    """The volume is on the machine, whatever the config called it; it is never deleted, as its label is not of this place."""
    docker.add("data", {**OURS, OWNER_LABEL: f"{OWNER}/old-name/data"})
    outputs = VOLUME.create(inputs(delete=True), run.operation).outputs
    assert len(run.warned) == 1
    VOLUME.delete(outputs, run.operation)
    assert list(docker.volumes) == ["data"]
    assert run.warned[1].startswith(LINE)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, "this stack did not make it"),
        ({"com.docker.compose.project": "wiki"}, 'compose project "wiki" made it'),
        ({**EARLIER, STACK_LABEL: "prod"}, 'a stack "prod" with owner id fedcba9876543210 made it'),
        ({STACK_LABEL: "dev", OWNER_LABEL: "fedcba9876543210/docker-1/other"}, "made it"),
        ({STACK_LABEL: "dev"}, 'a stack "dev" made it'),
    ],
)
def test_a_volume_of_others_is_refused(docker: VolumeEngine, run: Run, labels: dict[str, str], said: str) -> None:
    """Whoever made it: nothing is taken over, and the message says that external: true would use it."""
    docker.add("data", labels)
    text = refusal(docker, run, inputs())
    assert text.startswith('IPF794 host "docker-1"')
    assert said in text
    assert "external: true" in text


def test_a_container_of_this_stack_is_no_user_of_others(docker: VolumeEngine, run: Run) -> None:
    """A volume that was taken over once, and that the state lost: its own container mounts it, and is no reason to refuse it."""
    docker.add("data", EARLIER)
    docker.mounts["nginx"] = ["data"]
    docker.container_labels["nginx"] = {OWNER_LABEL: f"{OWNER}/docker-1/nginx"}
    assert VOLUME.create(inputs(), run.operation).outputs["owner_label"] == EARLIER[OWNER_LABEL]
    docker.mounts["wiki"] = ["data"]
    assert "made it, and wiki mounts it" in refusal(docker, run, inputs())


def test_one_that_another_clone_has_on_another_host_is_not_kept(docker: VolumeEngine, run: Run) -> None:
    """Another owner id and another host: nothing says that an earlier life of this stack created it."""
    docker.add("data", {**EARLIER, OWNER_LABEL: "fedcba9876543210/office-nas/data"})
    assert "fedcba9876543210 made it" in refusal(docker, run, inputs())


def test_one_of_another_clone_that_is_in_use_is_no_kept_one(docker: VolumeEngine, run: Run) -> None:
    """Another clone of the project has stacks of the same name: a volume that any container mounts is not from an earlier life."""
    docker.add("data", EARLIER)
    docker.mounts["wiki"] = ["data"]
    assert "fedcba9876543210 made it, and wiki mounts it" in refusal(docker, run, inputs())


@pytest.mark.parametrize(
    ("live", "planned", "said"),
    [
        ({"Options": NFS}, {}, "the option device, which is not planned"),
        ({}, {"driver_opts": NFS}, "no option device, no option o, no option type"),
        ({"Options": {**NFS, "o": "addr=10.9.9.9"}}, {"driver_opts": NFS}, "another value of the option o"),
        ({"Driver": "vieux/sshfs:latest"}, {}, "driver vieux/sshfs:latest instead of local"),
    ],
)
def test_other_options_are_refused_and_their_values_not_shown(
    docker: VolumeEngine, run: Run, live: dict[str, Any], planned: dict[str, Any], said: str
) -> None:
    """Docker cannot change a volume and would go on with the old one; the message names what differs and how to go on."""
    docker.add("data", EARLIER, **live)
    assert said in refusal(docker, run, inputs(**planned))
    docker.add("data", OURS, **live)
    text = refusal(docker, run, inputs(**planned))
    assert text.startswith('IPF795 host "docker-1"')
    assert said in text
    assert "docker volume rm data" in text
    assert "another name" in text
    assert "10." not in text


def test_a_plugin_is_the_same_with_and_without_latest(docker: VolumeEngine, run: Run) -> None:
    """Docker adds the tag to the driver's name."""
    docker.add("data", OURS, Driver="vieux/sshfs:latest")
    assert VOLUME.create(inputs(driver="vieux/sshfs"), run.operation).id == "docker-1/data"


def test_a_volume_that_appears_meanwhile_is_not_taken(docker: VolumeEngine, run: Run) -> None:
    """Docker answers a creation with the volume of somebody who was faster: its labels tell."""
    docker.meanwhile = {"name": "data", "labels": {"com.docker.compose.project": "wiki"}}
    with pytest.raises(HostError, match='compose project "wiki" made it'):
        VOLUME.create(inputs(), run.operation)


def test_an_external_volume_must_exist_and_is_left_alone(docker: VolumeEngine, run: Run) -> None:
    """It is used whoever made it, never created, and not removed with the stack."""
    text = refusal(docker, run, inputs(external=True))
    assert "IPF793" in text
    assert "docker volume create data" in text
    docker.add("data", {"com.docker.compose.project": "wiki"}, Options=NFS)
    made = VOLUME.create(inputs(external=True), run.operation).outputs
    assert VOLUME.read("docker-1/data", made, run.operation) == made
    VOLUME.delete(made, run.operation)
    assert (docker.changes, run.warned) == ([], [])


def test_what_somebody_else_made_does_not_become_ours(docker: VolumeEngine, run: Run) -> None:
    """Without `external` a volume of another stack is refused, though the state has it."""
    docker.add("data", {**EARLIER, STACK_LABEL: "prod"})
    made = VOLUME.create(inputs(external=True), run.operation).outputs
    assert "IPF794" in refusal(docker, run, inputs(), made)


def test_read_tells_the_volume_of_the_state_from_another(docker: VolumeEngine, run: Run) -> None:
    """One that is gone, or that somebody made anew, is not the one in the state."""
    assert VOLUME.read("docker-1/data", state(), run.operation) is None
    docker.add("data", OURS)
    assert VOLUME.read("docker-1/data", state(), run.operation) == state()
    docker.add("data", {})
    assert VOLUME.read("docker-1/data", state(), run.operation) is None


def test_a_change_that_docker_cannot_make_is_an_update_that_fails(docker: VolumeEngine, run: Run) -> None:
    """Not a replacement, which would delete the volume's containers first."""
    docker.add("data", OURS)
    new = inputs(driver_opts=NFS, missing=False)
    difference = VOLUME.diff(state(), new)
    assert (difference.changed, difference.replaces) == (["driver_opts"], [])
    assert "IPF795" in refusal(docker, run, new, state())


@pytest.mark.parametrize(("old", "new", "replaced"), [(True, True, True), (False, True, False), (True, False, False)])
def test_only_delete_before_and_after_allows_a_replacement(*, old: bool, new: bool, replaced: bool) -> None:
    """Data is deleted where the change that allows it was made, and reviewed, before."""
    difference = VOLUME.diff(state(delete=old), inputs(delete=new, driver_opts=NFS, missing=False))
    assert list(difference.replaces) == (["driver_opts"] if replaced else [])
    assert "driver_opts" in difference.changed


def test_one_of_an_earlier_life_is_never_replaced(docker: VolumeEngine, run: Run) -> None:
    """Its deletion keeps it, as its owner id is another one: a replacement would delete its containers for nothing."""
    docker.add("data", EARLIER)
    adopted = VOLUME.create(inputs(delete=True), run.operation).outputs
    new = inputs(delete=True, driver_opts=NFS, missing=False)
    difference = VOLUME.diff(adopted, new)
    assert (difference.changed, difference.replaces) == (["driver_opts"], [])
    text = refusal(docker, run, new, adopted)
    assert "IPF795" in text
    # The advice is one that works for it.
    assert "delete: true" not in text


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"driver_opts": NFS},
            {"driver_opts": {**NFS_REST}, "secret_driver_opts": {"o": NFS["o"]}},
        ),
        ({"driver": "vieux/sshfs"}, {"driver": "vieux/sshfs:latest"}),
    ],
)
def test_what_is_the_same_in_docker_is_recorded_alone(old: dict[str, Any], new: dict[str, Any], run: Run) -> None:
    """An option that becomes a secret with the same value, and a plugin with its tag: nothing is deleted, and nobody visited."""
    before, after = state(delete=True, **old), inputs(delete=True, missing=False, **new)
    difference = VOLUME.diff(before, after)
    assert difference.changed
    assert difference.replaces == []
    assert VOLUME.update(before, after, run.operation) == {**after, "owner_label": OURS[OWNER_LABEL]}
    assert (run.warned, run.held) == ([], [])


def test_a_missing_volume_is_created_again_and_named(docker: VolumeEngine, run: Run) -> None:
    """`up` looks at the hosts first: a volume that somebody removed is a change, without a refresh."""
    assert VOLUME.diff(state(), inputs(missing=False)).changed == []
    assert VOLUME.diff(state(), inputs(missing=True)).changed == ["missing"]
    outputs = VOLUME.update(state(), inputs(missing=True), run.operation)
    assert outputs == state()
    assert docker.volumes["data"]["Labels"] == OURS
    assert run.warned == ["volume data on docker-1 was missing, and was created again: it is empty"]
    docker.volumes.clear()
    VOLUME.update(state(driver_opts=NFS), inputs(driver_opts=NFS, missing=True), run.operation)
    assert (
        run.warned.pop()
        == "volume data on docker-1 was missing, and was created again: its data is where its device is"
    )
    # One that is there by then, as it was made between the look and the update, is as it is.
    docker.volumes.clear()
    docker.add("data", OURS)
    assert VOLUME.update(state(), inputs(missing=True), run.operation) == state()
    assert len(run.warned) == 1


def test_labels_and_connection_are_recorded_without_a_visit(run: Run) -> None:
    """No Docker is there to be asked; other labels are named, as Docker keeps the old ones."""
    new = inputs(labels={"team": "ops"}, ssh=["ssh", "another"], delete=True, missing=False)
    assert VOLUME.diff(state(), new).replaces == []
    assert VOLUME.update(state(), new, run.operation) == {**new, "owner_label": OURS[OWNER_LABEL]}
    assert run.warned == [
        "volume data on docker-1 keeps the labels that it was created with: Docker cannot change them"
    ]


def test_it_is_kept_and_named_without_a_visit(run: Run) -> None:
    """Also where its host is gone for ever: what is kept needs no host."""
    VOLUME.delete(state(), run.operation)
    assert (run.warned, run.held) == ([LINE], [])


def test_delete_removes_it_with_its_data(docker: VolumeEngine, run: Run) -> None:
    """Without a word, under the host's lock; once more is no mistake."""
    docker.add("data", OURS)
    VOLUME.delete(state(delete=True), run.operation)
    VOLUME.delete(state(delete=True), run.operation)
    assert (docker.volumes, docker.changes, run.warned) == ({}, ["remove data"], [])
    assert run.held == ["docker-1", "docker-1"]


@pytest.mark.parametrize(
    ("labels", "mounts", "reason"),
    [
        (EARLIER, {}, 'a stack "dev" with owner id fedcba9876543210 made it'),
        ({}, {}, "somebody else made it"),
        (OURS, {"wiki": ["data"]}, "wiki mounts it"),
    ],
)
def test_delete_keeps_what_is_not_ours_or_in_use(
    docker: VolumeEngine, run: Run, labels: dict[str, str], mounts: dict[str, list[str]], reason: str
) -> None:
    """It never fails the stack: the volume is kept, with the reason."""
    docker.add("data", labels)
    docker.mounts = mounts
    VOLUME.delete(state(delete=True), run.operation)
    assert docker.changes == []
    assert run.warned == [f"{LINE}\nIt was to be deleted: {reason}"]


@pytest.mark.parametrize(("status", "text"), [(404, GONE_PLUGIN), (409, "plugin x is disabled"), (500, "no reply")])
def test_a_plugin_that_does_not_answer_keeps_it(docker: VolumeEngine, run: Run, status: int, text: str) -> None:
    """Docker says 404 too where the plugin is gone and the data is there: only "no such volume" says that it is gone."""
    docker.answers["GET /volumes/data"] = (status, {"message": text})
    VOLUME.delete(state(delete=True), run.operation)
    assert run.warned == [f"{LINE}\nIt was to be deleted: Docker refused a request: {text}"]
    # A refresh does not forget it either.
    assert VOLUME.read("docker-1/data", state(), run.operation) == state()
    assert run.warned[1:] == [
        f"volume data on docker-1 cannot be read, and stays in the state: Docker refused a request: {text}"
    ]
    assert f"Docker refused a request: {text}" in refusal(docker, run, inputs(missing=True), state())


def test_a_container_that_comes_meanwhile_keeps_it(docker: VolumeEngine, run: Run) -> None:
    """Docker itself refuses to remove one in use; its sentence is the reason."""
    docker.add("data", OURS)
    docker.answers["GET /containers/json"] = (200, [])
    docker.mounts["wiki"] = ["data"]
    VOLUME.delete(state(delete=True), run.operation)
    assert run.warned == [f"{LINE}\nIt was to be deleted: remove data: volume is in use"]
