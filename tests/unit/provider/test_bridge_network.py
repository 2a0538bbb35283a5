"""The resource of a bridge network: what is created, used, created again below containers, refused and removed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ipvlan.hosts.errors import HostError
from ipvlan.plan.resource_names import OWNER_LABEL, STACK_LABEL
from provider.bridge_network import BridgeNetwork
from provider.resource import Properties
from tests.support.containers import IMAGE, container, stopped
from tests.support.fake_engine import serve
from tests.support.network_engine import NetworkEngine, reached_by
from tests.support.volume_resource import OWNER, Run

NETWORK = BridgeNetwork()
OURS = {STACK_LABEL: "dev", OWNER_LABEL: f"{OWNER}/docker-1/backend"}
OTHERS = {OWNER_LABEL: "fedcba9876543210/docker-1/app"}


@pytest.fixture
def run() -> Run:
    """Return a run."""
    return Run()


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[NetworkEngine]:
    """Serve the Docker of every host."""
    with serve(NetworkEngine(tmp_path / "s", images={IMAGE: {"Id": IMAGE, "Config": {}}})) as engine:
        reached_by(monkeypatch, engine)
        yield engine


def inputs(**changes: Any) -> Properties:
    """Return the inputs of a network, some changed."""
    return {
        "host": "docker-1", "ssh": ["ssh", "of the state"], "network": "backend", "internal": False, "subnet": "", "options": {},
        "labels": {}, "external": False, "owner": OWNER, "stack": "dev", "missing": False, **changes,
    }  # fmt: skip


def state(**changes: Any) -> Properties:
    """Return the outputs of the network `c1`, which this stack created, some changed."""
    return inputs(network_id="c1" * 32, owner_label=OURS[OWNER_LABEL], **changes)


def on(network_id: str = "c1", **more: Any) -> dict[str, Any]:
    """Return the connections of a container that is on the network, and was started with it."""
    return {"backend": {"NetworkID": network_id * 32, "Aliases": ["api"], "GwPriority": -100, **more}}


def test_it_is_created_with_its_options_its_owner_and_without_ipv6(docker: NetworkEngine, run: Run) -> None:
    """Docker gets all of it under the host's lock, and refuses a second one of the name also before version 25."""
    given = inputs(
        internal=True, subnet="172.30.5.0/24", options={"com.docker.network.driver.mtu": "1400"}, labels={"a": "b"}
    )
    created = NETWORK.create(given, run.operation)
    assert created.id == "docker-1/backend"
    assert created.outputs == {**given, "network_id": "b1" * 32, "owner_label": OURS[OWNER_LABEL]}
    assert docker.bodies == [
        {
            "Name": "backend", "CheckDuplicate": True, "Driver": "bridge", "Internal": True, "EnableIPv6": False,
            "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.30.5.0/24"}]},
            "Options": {"com.docker.network.driver.mtu": "1400"}, "Labels": {"a": "b", **OURS},
        }
    ]  # fmt: skip
    assert (run.held, run.warned) == (["docker-1"], [])


def test_what_an_interrupted_run_created_is_taken(docker: NetworkEngine, run: Run) -> None:
    """A network with exactly this owner label is this stack's, if the state has it or not."""
    docker.add_network("c1", "backend", Labels=OURS)
    assert NETWORK.create(inputs(), run.operation).outputs["network_id"] == "c1" * 32
    assert docker.changes == []


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        ({}, "this stack did not make it"),
        ({"com.docker.compose.project": "mon"}, 'compose project "mon" made it'),
        ({OWNER_LABEL: f"{OWNER}/docker-2/backend"}, "this stack did not make it"),
    ],
)
def test_a_network_of_others_is_refused(docker: NetworkEngine, run: Run, labels: dict[str, str], said: str) -> None:
    """Whoever made it; the message says that external: true would use it."""
    docker.add_network("c1", "backend", Labels=labels)
    with pytest.raises(HostError, match="IPF804") as caught:
        NETWORK.create(inputs(), run.operation)
    assert said in str(caught.value)
    assert "external: true" in str(caught.value)
    assert docker.changes == []


def test_another_subnet_is_an_update_below_running_containers(docker: NetworkEngine, run: Run) -> None:
    """The containers of this stack, the stopped ones too, are on the new network with their aliases and priority, and run on."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [
        container("11", "web", NetworkSettings__Networks=on()),
        stopped("22", "web.ipvlan-previous", NetworkSettings__Networks=on()),
    ]
    new = inputs(subnet="172.30.5.0/24")
    assert NETWORK.diff(state(), new).replaces == []
    outputs = NETWORK.update(state(), new, run.operation)
    assert docker.changes == [
        "disconnect 11 backend", "disconnect 22 backend", "remove network backend", "create network backend",
        "connect 11 backend", "connect 22 backend",
    ]  # fmt: skip
    assert outputs["network_id"] == docker.networks[0]["Id"] != "c1" * 32
    running, spare = docker.endpoints("web"), docker.endpoints("web.ipvlan-previous")
    assert running["backend"]["NetworkID"] == outputs["network_id"]
    assert (spare["backend"]["Aliases"], spare["backend"]["GwPriority"]) == (["api"], -100)
    assert docker.summary["web"][1] == "running"


@pytest.mark.parametrize("stands", [True, False])
def test_with_a_container_of_others_on_it_nothing_is_changed(docker: NetworkEngine, run: Run, stands: bool) -> None:
    """It would be interrupted, and a stopped one would not start again: rebuild and removal are refused with its name."""
    docker.add_network("c1", "backend", Labels=OURS)
    make = stopped if stands else container
    docker.inspected = [make("33", "other", Config__Labels=OTHERS, NetworkSettings__Networks=on())]
    with pytest.raises(HostError, match="IPF805") as caught:
        NETWORK.update(state(), inputs(internal=True), run.operation)
    assert "docker network disconnect backend other" in str(caught.value)
    with pytest.raises(HostError, match="IPF806") as caught:
        NETWORK.delete(state(), run.operation)
    assert "other" in str(caught.value)
    assert docker.changes == []


def test_a_label_of_an_image_makes_no_container_ours(docker: NetworkEngine, run: Run) -> None:
    """`docker commit` copies the owner label into an image: a container of that image is not disconnected."""
    docker.images[IMAGE]["Config"] = {"Labels": {OWNER_LABEL: f"{OWNER}/docker-1/web"}}
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [container("11", "copy", NetworkSettings__Networks=on())]
    with pytest.raises(HostError, match="IPF806"):
        NETWORK.update(state(), inputs(internal=True), run.operation)
    assert docker.changes == []


def test_a_refused_network_is_as_it_was_again(docker: NetworkEngine, run: Run) -> None:
    """Docker refuses the new network when the old one is gone: it is created as it was, with its containers."""
    ipam = {"Driver": "default", "Options": None, "Config": [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]}
    options = {"com.docker.network.driver.mtu": "1400"}
    docker.add_network("c1", "backend", Labels={"team": "web", **OURS}, Options=options, Internal=True, IPAM=ipam)
    docker.inspected = [container("11", "web", NetworkSettings__Networks=on())]
    docker.refuses["create network"] = ["Pool overlaps with other one on this address space"]
    old, new = state(internal=True, options=options), inputs(subnet="172.30.5.0/24", options=options)
    with pytest.raises(HostError, match=r"(?s)IPF807.*Pool overlaps.*as it was") as caught:
        NETWORK.update(old, new, run.operation)
    assert "web" not in caught.value.problems[0].effect
    (again,) = docker.networks
    assert again["Id"] != "c1" * 32
    assert (again["Labels"], again["Options"], again["Internal"]) == ({"team": "web", **OURS}, options, True)
    assert again["IPAM"]["Config"] == ipam["Config"]
    assert docker.endpoints("web")["backend"]["NetworkID"] == again["Id"]
    assert docker.endpoints("web")["backend"]["Aliases"] == ["api"]
    assert NETWORK.update(old, new, run.operation)["network_id"] == docker.networks[0]["Id"] != again["Id"]


def test_what_is_detached_after_two_refusals_is_named(docker: NetworkEngine, run: Run) -> None:
    """Docker refuses the old one too: the failure names the containers that are without it, and the next run creates it."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [container("11", "web", NetworkSettings__Networks=on())]
    docker.refuses["create network"] = ["Pool overlaps", "iptables failed"]
    new = inputs(subnet="172.30.5.0/24")
    with pytest.raises(HostError, match=r"(?s)IPF807.*iptables failed") as caught:
        NETWORK.update(state(), new, run.operation)
    assert "web" in caught.value.problems[0].effect
    assert docker.networks == []
    assert NETWORK.update(state(), new, run.operation)["network_id"] == docker.networks[0]["Id"]


def test_a_network_that_docker_made_otherwise_does_not_stay(docker: NetworkEngine, run: Run) -> None:
    """It is not as planned after its creation: it goes, and the old one is there again."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [container("11", "web", NetworkSettings__Networks=on())]
    docker.makes_otherwise = [{"Internal": False}]
    with pytest.raises(HostError, match=r"(?s)IPF807.*after its creation.*as it was"):
        NETWORK.update(state(), inputs(internal=True), run.operation)
    assert [each["Internal"] for each in docker.networks] == [False]
    assert docker.changes.count("remove network backend") == 2
    assert docker.endpoints("web")["backend"]["NetworkID"] == docker.networks[0]["Id"]


def test_a_container_that_docker_does_not_connect_again_is_named(docker: NetworkEngine, run: Run) -> None:
    """The old network is there again, and the failure says which container is not on it."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [container("11", "web", NetworkSettings__Networks=on())]
    docker.refuses.update({"create network": ["Pool overlaps"], "connect": ["no address"]})
    with pytest.raises(HostError, match="IPF807") as caught:
        NETWORK.update(state(), inputs(subnet="172.30.5.0/24"), run.operation)
    assert "web" in caught.value.problems[0].effect


@pytest.mark.parametrize(
    ("more", "refused"),
    [
        ({"IPAM": {"Driver": "default", "Config": [{"Subnet": "172.30.0.0/16"}]}}, True),
        ({"Driver": "ipvlan", "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.30.5.128/25"}]}}, True),
        ({"IPAM": {"Driver": "default", "Config": [{"Subnet": "172.31.0.0/16"}, {"Subnet": "fd00::/64"}]}}, False),
        ({"Scope": "swarm", "IPAM": {"Driver": "default", "Config": [{"Subnet": "172.30.0.0/16"}]}}, False),
        ({"IPAM": {"Driver": "dhcp", "Config": [{"Subnet": "172.30.0.0/16"}]}}, False),
    ],
)
def test_a_subnet_of_another_network_is_refused_before_anything(
    docker: NetworkEngine, run: Run, more: dict[str, Any], refused: bool
) -> None:
    """Docker has one address space for all local networks, whatever their driver is; one of a swarm or of a plugin has its own."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.add_network("c2", "shop_default", **more)
    docker.inspected = [container("11", "web", NetworkSettings__Networks=on())]
    new = inputs(subnet="172.30.5.0/24")
    if not refused:
        assert NETWORK.update(state(), new, run.operation)["network_id"] == docker.networks[-1]["Id"]
        return
    with pytest.raises(HostError, match=r"(?s)IPF821.*shop_default"):
        NETWORK.update(state(), new, run.operation)
    with pytest.raises(HostError, match=r"(?s)IPF821.*shop_default"):
        NETWORK.create(inputs(network="new", subnet="172.30.5.0/24"), run.operation)
    assert docker.changes == []


def test_an_interface_name_of_another_network_is_refused_before_anything(docker: NetworkEngine, run: Run) -> None:
    """Docker would refuse it, or take the interface over."""
    name = {"com.docker.network.bridge.name": "br-shop"}
    docker.add_network("c1", "backend", Labels=OURS)
    docker.add_network("c2", "shop_default", Options=name, IPAM={"Config": []})
    with pytest.raises(HostError, match=r"(?s)IPF822.*shop_default"):
        NETWORK.update(state(), inputs(options=name), run.operation)
    assert docker.changes == []


def test_a_network_that_docker_keeps_has_its_containers_back(docker: NetworkEngine, run: Run) -> None:
    """They are connected again, and the failure says why Docker keeps it."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [container("11", "web", NetworkSettings__Networks=on())]
    docker.refuses["remove network"] = ["has active endpoints"]
    with pytest.raises(HostError, match=r"(?s)IPF806.*has active endpoints"):
        NETWORK.delete(state(), run.operation)
    assert docker.endpoints("web")["backend"]["Aliases"] == ["api"]


def test_a_missing_one_is_created_again_and_no_container_keeps_the_dead_id(docker: NetworkEngine, run: Run) -> None:
    """A stopped container with the id of a network that is gone would not start again: it is connected to the new one."""
    docker.inspected = [stopped("22", "web", NetworkSettings__Networks=on())]
    assert NETWORK.diff(state(), inputs(missing=True)).changed == ["missing"]
    outputs = NETWORK.update(state(), inputs(missing=True), run.operation)
    assert docker.endpoints("web")["backend"]["NetworkID"] == ""
    assert outputs["missing"] is False
    assert run.warned == ["network backend on docker-1 was missing, and was created again"]


def test_labels_are_recorded_alone(docker: NetworkEngine, run: Run) -> None:
    """Docker cannot change them: no visit, a warning, and the id stays, in the preview too."""
    new = inputs(labels={"team": "web"})
    outputs = NETWORK.update(state(), new, run.operation)
    assert outputs["network_id"] == "c1" * 32
    assert NETWORK.preview(state(), new)["network_id"] == "c1" * 32
    assert NETWORK.preview(state(), inputs(internal=True)) == {}
    assert docker.requests == []
    assert "keeps the labels" in run.warned[0]


@pytest.mark.parametrize(
    ("live", "planned", "differs"),
    [
        ({"Internal": True}, {}, True),
        ({}, {"subnet": "172.18.0.0/16"}, False),
        ({}, {"subnet": "172.19.0.0/16"}, True),
        ({"Options": {"com.docker.network.driver.mtu": "1400"}}, {}, False),
        ({}, {"options": {"com.docker.network.driver.mtu": "1400"}}, True),
        ({"Driver": "macvlan"}, {}, True),
    ],
)
def test_what_is_a_difference(
    docker: NetworkEngine, run: Run, live: dict[str, Any], planned: dict[str, Any], differs: bool
) -> None:
    """Docker's own choice of a subnet, and options of its daemon.json, are none."""
    docker.add_network("c1", "backend", **{"Labels": OURS, **live})
    NETWORK.create(inputs(**planned), run.operation)
    assert bool(docker.changes) is differs


def test_an_option_that_is_not_planned_any_more_is_a_difference(docker: NetworkEngine, run: Run) -> None:
    """The state says that this stack set it."""
    options = {"com.docker.network.driver.mtu": "1400"}
    docker.add_network("c1", "backend", Labels=OURS, Options=options)
    NETWORK.update(state(options=options), inputs(), run.operation)
    assert docker.networks[0]["Options"] == {}


def test_an_external_one_is_used_and_never_changed(docker: NetworkEngine, run: Run) -> None:
    """It must exist, with the driver bridge; it stays when the stack is destroyed, and when it is not external any more."""
    with pytest.raises(HostError, match="IPF803"):
        NETWORK.create(inputs(external=True), run.operation)
    docker.add_network("c1", "backend", Internal=True)
    outputs = NETWORK.create(inputs(external=True), run.operation).outputs
    assert (outputs["network_id"], outputs["owner_label"]) == ("c1" * 32, "")
    NETWORK.delete(outputs, run.operation)
    with pytest.raises(HostError, match="IPF804"):
        NETWORK.update(outputs, inputs(), run.operation)
    assert docker.changes == []


@pytest.mark.parametrize(
    ("live", "said"),
    [({"Driver": "macvlan"}, "driver macvlan"), ({"EnableIPv6": True}, "has IPv6")],
)
def test_an_external_one_that_cannot_be_used_is_refused(
    docker: NetworkEngine, run: Run, live: dict[str, Any], said: str
) -> None:
    """A bridge with IPv6 has the default route against every priority before Docker 29.4.1."""
    docker.add_network("c1", "backend", **live)
    with pytest.raises(HostError, match=f"(?s)IPF803.*{said}"):
        NETWORK.create(inputs(external=True), run.operation)
    docker.server = "Docker/29.4.1 (linux)"
    if "EnableIPv6" in live:
        assert NETWORK.create(inputs(external=True), run.operation).outputs["network_id"] == "c1" * 32


def test_it_is_read_by_its_id(docker: NetworkEngine, run: Run) -> None:
    """Another one of the name is not the one in the state; an external one is whatever has the name now."""
    docker.add_network("c2", "backend", Labels=OURS)
    assert NETWORK.read("docker-1/backend", state(), run.operation) is None
    external = state(external=True)
    read = NETWORK.read("docker-1/backend", external, run.operation)
    assert read == {**external, "network_id": "c2" * 32}
    docker.networks[0]["Id"] = "c1" * 32
    assert NETWORK.read("docker-1/backend", state(), run.operation) == state()


def test_it_is_removed_with_the_connections_of_spares(docker: NetworkEngine, run: Run) -> None:
    """A spare does not start again with the id of a network that is gone; a second removal has nothing to do."""
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [stopped("22", "web.ipvlan-previous", NetworkSettings__Networks=on())]
    NETWORK.delete(state(), run.operation)
    assert docker.changes == ["disconnect 22 backend", "remove network backend"]
    NETWORK.delete(state(), run.operation)
    assert docker.networks == []


@pytest.mark.parametrize("external", [False, True])
def test_one_that_exists_again_has_its_new_id_in_the_state(docker: NetworkEngine, run: Run, external: bool) -> None:
    """An interrupted run, or its owner, created it again: nothing is done about it, and the run says so."""
    docker.add_network("c2", "backend", Labels={} if external else OURS)
    old, new = state(external=external), inputs(external=external, missing=True)
    assert NETWORK.update(old, new, run.operation)["network_id"] == "c2" * 32
    assert docker.changes == []
    assert run.warned == ["network backend on docker-1 was created again since the last run: it has another id"]


def test_an_interface_of_the_host_is_not_taken_over(docker: NetworkEngine, run: Run) -> None:
    """The resource looks again, right before the creation; where no name is written the host's interfaces are not asked for."""
    name = {"com.docker.network.bridge.name": "br0"}
    docker.links = ["lo", "br0"]
    with pytest.raises(HostError, match=r"(?s)IPF822.*interface br0"):
        NETWORK.create(inputs(options=name), run.operation)
    assert docker.changes == []
    NETWORK.create(inputs(), run.operation)
    docker.links = ["lo"]
    assert NETWORK.create(inputs(network="second", options=name), run.operation).id == "docker-1/second"
    assert docker.commands == ["ls /sys/class/net"] * 2


def test_a_container_of_an_earlier_version_is_ours_by_its_id(docker: NetworkEngine, run: Run) -> None:
    """It has no owner label: the network is created again below it, and removed. Its id alone changes nothing."""
    ids = {"containers": ["11" * 32]}
    docker.add_network("c1", "backend", Labels=OURS)
    docker.inspected = [container("11", "web", Config__Labels={STACK_LABEL: "dev"}, NetworkSettings__Networks=on())]
    assert NETWORK.diff(state(), inputs(**ids)).changed == []
    with pytest.raises(HostError, match="IPF805"):
        NETWORK.update(state(), inputs(internal=True), run.operation)
    outputs = NETWORK.update(state(), inputs(internal=True, **ids), run.operation)
    assert docker.endpoints("web")["backend"]["NetworkID"] == outputs["network_id"]
    NETWORK.delete(outputs, run.operation)
    assert docker.networks == []
