"""The program under a strict monitor: what it registers for the reference setup, and for changes of it.

Out of scope: the engine and the hosts. tests/lab shows what happens there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pulumi
import pytest

from ipvlan.plan import resource_names
from tests.support.states import OWNER
from tests.support.strict_monitor import Run
from tools.reference_setup import DIGEST

RunProgram = Callable[..., Run]

STACK = "urn:pulumi:test::ipvlan-fabric::"
FABRIC = "ipvlan-fabric:ipvlan_fabric:IpvlanFabric"
SLICE = "ipvlan-fabric:host_slice:HostSlice"
PUBLISHED = "ipvlan-fabric:published_service:PublishedService"
ADDRESS_CHECK = "ipvlan-fabric:index:AddressClaims"
BRIDGE = "ipvlan-fabric:index:BridgeConnection"


def host_urns(host: str) -> set[str]:
    """Return the URNs of everything that one host of the reference setup has."""
    name = f"fabric-{host}"
    digest = "000000000000"
    return {
        f"{STACK}{FABRIC}${SLICE}::{name}",
        f"{STACK}{FABRIC}${SLICE}$pulumi:providers:docker::{name}-provider",
        f"{STACK}{FABRIC}${SLICE}$command:local:Command::{name}-check",
        f"{STACK}{FABRIC}${SLICE}$docker:index/network:Network::{name}-network",
        f"{STACK}{FABRIC}${SLICE}$ipvlan-fabric:index:NetworkRemoval::{name}-network-removal",
        f"{STACK}{FABRIC}${SLICE}$docker:index/remoteImage:RemoteImage::{name}-image-os-{digest}",
        f"{STACK}{FABRIC}${SLICE}$docker:index/remoteImage:RemoteImage::{name}-image-nginx-{digest}",
        f"{STACK}{FABRIC}${SLICE}$docker:index/container:Container::{name}-centos",
        f"{STACK}{FABRIC}${SLICE}$docker:index/container:Container::{name}-nginx",
        *(
            f"{STACK}{FABRIC}${SLICE}$ipvlan-fabric:index:{kind}::{name}-{service}-{kind.lower()}"
            for kind in ("Handover", "Settled")
            for service in ("centos", "nginx")
        ),
        f"{STACK}{FABRIC}${PUBLISHED}::{name}-nginx-published",
        f"{STACK}{FABRIC}${PUBLISHED}${BRIDGE}::{name}-nginx-published-bridge",
    }


def test_exact_resources(reference: Run) -> None:
    """The reference setup registers these resources and no others; the tokens are part of every state and never change."""
    expected = {
        f"{STACK}{FABRIC}::fabric",
        f"{STACK}{FABRIC}$pulumi:providers:ipvlan-fabric::fabric-connections",
        f"{STACK}{FABRIC}$ipvlan-fabric:index:StackIdentity::fabric-identity",
        f"{STACK}{FABRIC}${ADDRESS_CHECK}::fabric-addresses",
    }
    expected |= host_urns("docker-1") | host_urns("docker-2")
    assert set(reference.resources) == expected


def test_the_order_of_keys_changes_nothing(run: RunProgram, reference: Run, config: dict[str, Any]) -> None:
    """Mappings with their keys in another order register the same resources with the same inputs."""
    shuffled = {key: dict(reversed(list(value.items()))) for key, value in reversed(list(config.items()))}
    assert run(shuffled).resources == reference.resources


@pytest.mark.parametrize("host", ["docker-1", "docker-2"])
def test_every_docker_resource_goes_to_its_own_host(reference: Run, host: str) -> None:
    """A host's resources use the provider for that host's address, and have the host's slice as parent."""
    docker = [r for r in reference.resources.values() if r.type.startswith("docker:") and f"-{host}-" in r.name]
    assert len(docker) == 5
    for resource in docker:
        assert resource.provider.endswith(f"::fabric-{host}-provider"), resource.urn
        assert resource.parent == f"{STACK}{FABRIC}${SLICE}::fabric-{host}"
    address = {"docker-1": "192.168.140.200", "docker-2": "192.168.140.201"}[host]
    assert reference.named(f"fabric-{host}-provider").inputs["host"] == f"ssh://root@{address}"


def test_network(reference: Run) -> None:
    """The network has subnet, gateway, the host's slice as range, mode and parent, and is deleted before it is replaced."""
    network = reference.named("fabric-docker-2-network")
    assert network.inputs == {
        "name": "ipvlanl2",
        "driver": "ipvlan",
        "options": {"ipvlan_mode": "l2", "parent": "ens33"},
        "ipamConfigs": [{"subnet": "10.1.0.0/16", "ipRange": "10.1.2.0/24", "gateway": "10.1.0.1"}],
        "labels": [
            {"label": "ipvlan-fabric.owner", "value": f"{OWNER}/docker-2"},
            {"label": "ipvlan-fabric.stack", "value": "test"},
        ],
    }
    assert network.delete_before_replace
    # Neither a new owner label nor a renamed stack creates it again.
    assert network.ignore_changes == ("labels",)


def test_network_in_l3(run: RunProgram, config: dict[str, Any]) -> None:
    """In l3 the gateway is the slice's last address: Docker's default would be .1, which centos has."""
    config["fabric"] = {"name": "ipvlanl3", "mode": "l3", "subnet": "10.1.0.0/16"}
    network = run(config).named("fabric-docker-2-network")
    assert network.inputs["ipamConfigs"] == [
        {"subnet": "10.1.0.0/16", "ipRange": "10.1.2.0/24", "gateway": "10.1.2.254"}
    ]


def test_container(reference: Run) -> None:
    """A container has its static address in networks_advanced, no network mode, and its ports also as a label."""
    nginx = reference.named("fabric-docker-1-nginx")
    assert nginx.inputs == {
        "name": "nginx",
        "image": f"registry/nginx{DIGEST}",
        "networksAdvanced": [{"name": "fabric-docker-1-network-id", "ipv4Address": "10.1.1.2"}],
        "ports": [{"internal": 80, "external": 80, "protocol": "tcp"}],
        "envs": [],
        "labels": [
            {"label": "ipvlan-fabric.owner", "value": f"{OWNER}/docker-1/nginx"},
            {"label": "ipvlan-fabric.ports", "value": "80:80"},
            {"label": "ipvlan-fabric.stack", "value": "test"},
        ],
        "restart": "unless-stopped",
        "destroyGraceSeconds": 10,
    }
    assert nginx.delete_before_replace
    assert nginx.ignore_changes == ("ports", "labels", "capabilities")
    assert nginx.replacement_trigger == '{"labels": {}, "ports": "80:80"}'
    assert "#initerror" in nginx.replace_on_changes
    network = reference.named("fabric-docker-1-network").urn
    assert nginx.property_dependencies["networksAdvanced"] == {network}
    assert reference.named("fabric-docker-1-image-nginx-000000000000").urn in nginx.dependencies
    assert "networkMode" not in nginx.inputs


def test_nothing_is_made_on_an_unchecked_host(reference: Run) -> None:
    """Network and images depend on the host's check. The addresses are checked meanwhile, and containers wait for that."""
    check, address_check = reference.named("fabric-docker-1-check"), reference.named("fabric-addresses")
    identity = reference.named("fabric-identity")  # The owner label has its id.
    assert reference.named("fabric-docker-1-network").dependencies == {check.urn, identity.urn}
    assert address_check.urn in reference.named("fabric-docker-1-nginx-handover").dependencies
    assert reference.named("fabric-docker-1-image-nginx-000000000000").dependencies == {check.urn}
    assert check.inputs["create"] == "can docker-1 carry the fabric?"
    assert "delete" not in check.inputs, "a delete text that fails wedges the stack"


def test_addresses_are_checked_unless_switched_off(run: RunProgram, reference: Run, config: dict[str, Any]) -> None:
    """The address check has every planned address with its service; with `probe_addresses: false` there is no such resource."""
    address_check = reference.named("fabric-addresses")
    assert address_check.provider.endswith("::fabric-connections")
    assert address_check.inputs["hosts"]["docker-2"]["addresses"] == {"10.1.2.1": "centos", "10.1.2.2": "nginx"}
    assert address_check.inputs["hosts"]["docker-2"]["parent"] == "ens33"
    config["fabric"]["probe_addresses"] = False
    result = run(config)
    assert not [r for r in result.resources.values() if r.name == "fabric-addresses"]
    check = result.named("fabric-docker-1-check")
    network = result.named("fabric-docker-1-network")
    assert network.dependencies == {check.urn, result.named("fabric-identity").urn}
    # The host's first request is then the network's alone: parallel ones would each open an ssh connection.
    assert result.named("fabric-docker-1-image-nginx-000000000000").dependencies == {network.urn}


def test_error_hooks(reference: Run) -> None:
    """Networks and containers have their host's hook for a name that is taken, networks also the one for a parent in use.

    A container has the one for its previous container first: an orphan is only what that one did not set aside.
    """
    for resource in reference.resources.values():
        slice_ = "fabric-docker-1" if "docker-1" in resource.name else "fabric-docker-2"
        orphans, parent_conflict = resource_names.orphans_hook(slice_), resource_names.parent_conflict_hook(slice_)
        previous = resource_names.previous_hook(slice_)
        hooks = {
            "docker:index/container:Container": (previous, orphans),
            "docker:index/network:Network": (orphans, parent_conflict),
        }
        assert resource.on_error == hooks.get(resource.type, ())


def test_images_stay_on_the_host(reference: Run) -> None:
    """Destroying the stack keeps images: other containers of the host may use them."""
    image = reference.named("fabric-docker-1-image-nginx-000000000000")
    assert image.inputs == {"name": f"registry/nginx{DIGEST}", "keepLocally": True}


def test_bridge_connection(reference: Run) -> None:
    """The connection has its container's id, is deleted with the container, and is deleted before it is replaced."""
    connection = reference.named("fabric-docker-1-nginx-published-bridge")
    ssh = connection.inputs.pop("ssh")
    assert connection.inputs == {
        "host": "docker-1",
        "container": "nginx",
        "container_id": "fabric-docker-1-nginx-id",
        "rollout": {
            "owner": f"{OWNER}/docker-1/nginx",
            "healthy_within": 60,
            "on_failure": "restore",
            "secret_names": [],
        },
        "fabric": "ipvlanl2",
        "ports": [{"container_port": "80/tcp", "host_address": "", "host_port": 80}],
    }
    assert ssh[0] == "ssh"
    assert ssh[-1] == "192.168.140.200"
    assert "StrictHostKeyChecking=yes" in ssh
    nginx = reference.named("fabric-docker-1-nginx").urn
    assert connection.deleted_with == nginx
    assert connection.property_dependencies["container_id"] == {nginx}
    assert connection.delete_before_replace
    assert connection.provider.endswith("::fabric-connections")


def test_unpublished_service_has_no_connection_and_the_same_container(
    run: RunProgram, reference: Run, config: dict[str, Any]
) -> None:
    """Switching `published` off removes the two connections and changes no input of any container, nor of its Handover.

    Alone what proves that the containers are up has other ports, and does not wait for the connections.
    """
    config["services"]["nginx"]["published"] = False
    after = run(config)
    removed = {r.name for urn, r in reference.resources.items() if urn not in after.resources}
    assert removed == {
        f"fabric-{host}-nginx-published{suffix}" for host in ("docker-1", "docker-2") for suffix in ("", "-bridge")
    }
    changed = {r.name for urn, r in after.resources.items() if r != reference.resources[urn]}
    hosts, kinds = ("docker-1", "docker-2"), ("handover", "settled")
    assert changed == {f"fabric-{host}-nginx-{kind}" for host in hosts for kind in kinds}
    # Not among the properties whose change does something (`provider.handover`).
    handover = reference.named("fabric-docker-1-nginx-handover").inputs
    assert after.named("fabric-docker-1-nginx-handover").inputs == {**handover, "bridged": False}
    settled = reference.named("fabric-docker-1-nginx-settled").inputs
    assert after.named("fabric-docker-1-nginx-settled").inputs == {**settled, "ports": []}


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"image": f"registry/nginx@sha256:{'2' * 64}"}, "image"),
        ({"offset": 7}, "networksAdvanced"),
        ({"command": ["nginx", "-g", "daemon off;"]}, "command"),
    ],
)
def test_a_change_reaches_an_input_that_replaces(
    run: RunProgram, reference: Run, config: dict[str, Any], change: dict[str, Any], key: str
) -> None:
    """A changed image, address or command changes a replacing input of that container, and of no other container."""
    config["services"]["nginx"].update(change)
    after = run(config)
    changed = {
        r.name
        for urn, r in after.resources.items()
        if r.type.startswith("docker:index/container") and r.inputs != reference.resources[urn].inputs
    }
    assert changed == {"fabric-docker-1-nginx", "fabric-docker-2-nginx"}
    name = "fabric-docker-1-nginx"
    assert reference.named(name).inputs.get(key) != after.named(name).inputs[key]


def test_exports(reference: Run) -> None:
    """The stack exports every address and the URLs of what is published."""
    assert reference.exports == {
        "addresses": {
            "centos": {"docker-1": "10.1.1.1", "docker-2": "10.1.2.1"},
            "nginx": {"docker-1": "10.1.1.2", "docker-2": "10.1.2.2"},
        },
        "urls": {"nginx": ["http://192.168.140.200", "http://192.168.140.201"]},
    }


def test_component_outputs(reference: Run) -> None:
    """Every component registers its outputs."""
    assert reference.outputs_of("fabric-docker-2") == {
        "network_id": "fabric-docker-2-network-id",
        "addresses": {"centos": "10.1.2.1", "nginx": "10.1.2.2"},
    }
    assert reference.outputs_of("fabric-docker-2-nginx-published") == {"urls": ["http://192.168.140.201"]}
    assert set(reference.outputs_of("fabric")) == {"addresses", "urls"}


def test_secrets_stay_secret(run: RunProgram, config: dict[str, Any]) -> None:
    """A secret named by `secret_environment` reaches the container as a secret, in addition to the plain environment."""
    config["services"]["nginx"]["environment"] = {"MODE": "fast"}
    config["services"]["nginx"]["secret_environment"] = {"TOKEN": "api-token"}
    result = run(config, secrets={"api-token": "hunter2"})
    envs = result.named("fabric-docker-1-nginx").inputs["envs"]
    assert envs in ({"secret": ["MODE=fast", "TOKEN=hunter2"]}, ["MODE=fast", {"secret": "TOKEN=hunter2"}])


def test_missing_secret(run: RunProgram, config: dict[str, Any]) -> None:
    """A secret without a value fails the run; the error has the command that sets it."""
    config["services"]["nginx"]["secret_environment"] = {"TOKEN": "api-token"}
    with pytest.raises(pulumi.RunError, match="pulumi config set --secret api-token"):
        run(config)


def test_bad_config_is_one_readable_error(run: RunProgram, config: dict[str, Any]) -> None:
    """A wrong config fails the run before anything is registered; the error names the key of every problem."""
    config["hosts"]["docker-2"]["slice"] = "10.1.1.0/24"
    config["services"]["nginx"]["offset"] = 1
    with pytest.raises(pulumi.RunError) as error:
        run(config)
    text = str(error.value)
    assert "hosts.docker-2.slice" in text
    assert "services.nginx" in text


@pytest.mark.parametrize("ssh", [None, {"shared_connection": True}, {"shared_connection": False}])
def test_shared_connection(run: RunProgram, config: dict[str, Any], ssh: dict[str, bool] | None) -> None:
    """Every ssh command shares one connection per host, as by default; with `ssh.shared_connection: false` none does."""
    shared = ssh is None or ssh["shared_connection"]
    if ssh is not None:
        config["ssh"] = ssh
    result = run(config)
    for name in ("fabric-docker-1-provider", "fabric-docker-1-check", "fabric-docker-1-nginx-published-bridge"):
        options = str(result.named(name).inputs)
        for option in ("ControlMaster=auto", "ControlPath=~/.ssh/ipf-", "ControlPersist=120"):
            assert (option in options) == shared
        assert ("Control" in options) == shared
    addresses = result.named("fabric-addresses").inputs["hosts"]["docker-1"]["ssh"]
    assert ("ControlMaster=auto" in addresses) == shared


def test_a_machine_that_cannot_share_connections(run: RunProgram, config: dict[str, Any]) -> None:
    """An `up` ends in one sentence before anything is registered; a preview, which contacts nobody, goes on."""
    with pytest.raises(pulumi.RunError, match=r"(?s)IPF782.*no room.*shared_connection: false"):
        run(config, sharing_obstacle="no room")
    assert run(config, sharing_obstacle="no room", preview=True).named("fabric-docker-1-provider")


def test_host_key(run: RunProgram, config: dict[str, Any]) -> None:
    """A pinned host key is the only one that every connection to the host accepts."""
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKOfC0mTBrNNHj0hTXgPlBDJUyVrSmvlyvpT9uWyQrGo"
    config["hosts"]["docker-1"]["host_key"] = key
    result = run(config)
    for name in ("fabric-docker-1-provider", "fabric-docker-1-check", "fabric-docker-1-nginx-published-bridge"):
        assert f"KnownHostsCommand=/bin/echo %H {key}" in str(result.named(name).inputs)
    assert "KnownHostsCommand" not in str(result.named("fabric-docker-2-provider").inputs)


def test_all_settings_reach_docker(run: RunProgram, config: dict[str, Any]) -> None:
    """Settings with Docker's names reach the provider's arguments; the strict monitor refuses a misspelt one."""
    config["services"]["centos"].update(
        {
            "restart": "on-failure:3",
            "volumes": ["data:/data", "/srv:/srv:ro", "/etc/app:/etc/app:z,ro"],
            "tmpfs": {"/run": "size=8m"},
            "healthcheck": {"test": ["CMD", "true"], "interval": "30s"},
            "entrypoint": ["/entry"],
            "working_dir": "/",
            "user": "1000",
            "hostname": "c1",
            "memory": "512m",
            "shm_size": "64m",
            "cpu_shares": 512,
            "privileged": True,
            "read_only": True,
            "init": True,
            "cap_add": ["NET_ADMIN"],
            "cap_drop": ["MKNOD"],
            "security_opt": ["no-new-privileges:true"],
            "devices": ["/dev/fuse"],
            "sysctls": {"net.core.somaxconn": "1024"},
            "ulimits": {"nofile": {"soft": 1024, "hard": 2048}},
            "extra_hosts": {"db": "10.1.2.9"},
            "dns": ["10.1.0.53"],
            "dns_search": ["example.org"],
            "log_driver": "json-file",
            "log_opts": {"max-size": "10m"},
            "stop_signal": "SIGTERM",
            "stop_timeout": 30,
            "cgroupns_mode": "private",
            "labels": {"team": "web"},
        }
    )
    inputs = run(config).named("fabric-docker-1-centos").inputs
    assert inputs["restart"] == "on-failure"
    assert inputs["maxRetryCount"] == 3
    assert inputs["volumes"] == [
        {"volumeName": "data", "containerPath": "/data"},
        {"hostPath": "/srv", "containerPath": "/srv", "readOnly": True},
        {"hostPath": "/etc/app", "containerPath": "/etc/app", "readOnly": True, "selinuxRelabel": "z"},
    ]
    assert (inputs["memory"], inputs["memorySwap"]) == (512, 1024)
    assert inputs["shmSize"] == 64
    assert inputs["capabilities"] == {"adds": ["NET_ADMIN"], "drops": ["MKNOD"]}
    assert inputs["devices"] == [{"hostPath": "/dev/fuse", "containerPath": "/dev/fuse", "permissions": "rwm"}]
    assert inputs["ulimits"] == [{"name": "nofile", "soft": 1024, "hard": 2048}]
    assert inputs["hosts"] == [{"host": "db", "ip": "10.1.2.9"}]
    assert inputs["healthcheck"] == {"tests": ["CMD", "true"], "interval": "30s"}
    assert inputs["stopTimeout"] == 30
    assert inputs["destroyGraceSeconds"] == 30
    assert {"label": "team", "value": "web"} in inputs["labels"]


def test_main_is_short() -> None:
    """`__main__.py` only wires, in under 20 lines."""
    from tests.support.strict_monitor import ROOT

    assert len((ROOT / "__main__.py").read_text(encoding="utf-8").splitlines()) < 20
