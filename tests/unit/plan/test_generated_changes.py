"""Nothing that differs between two plans is left out of what the report compares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from netaddr import IPAddress, IPNetwork
from pydantic import BaseModel

from ipvlan.config.bridge_model import BridgeConfig
from ipvlan.config.models import FabricConfig, HostConfig, ServiceConfig, SshConfig
from ipvlan.config.volume_model import VolumeConfig
from ipvlan.plan.changes import compare
from ipvlan.plan.files import FilePlan, FilesPlan
from ipvlan.plan.model import Plan
from tests.support.generated_changes import Generator, new_secrets, plan_of
from tests.support.setting_values import SETTINGS
from tools.reference_setup import DIGEST, changed

IMAGES = [f"registry.lab:5000/one{DIGEST}", f"registry.lab:5000/two{DIGEST}"]
SECRETS = [{"secure": "v1:one"}, {"secure": "v1:two"}]

RICH: dict[str, Any] = {
    "fabric.mode": "l3",
    "fabric.reserved": ["10.1.9.0/24"],
    "fabric.rollout": {"at_once": 2},
    "hosts.docker-1.shim": True,
    "hosts.docker-1.dynamic": "10.1.1.64/26",
    "hosts.docker-1.host_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1sHHiCtHTQmCqNNGRIROu2MxCP5r4PUcMYmU2wvXcj",
    "volumes": {
        "data": {
            "driver_opts": {"type": "cifs", "device": "//nas/data"},
            "secret_driver_opts": {"o": "key"},
            "labels": {"team": "web"},
        }
    },
    "bridges": {
        "web": {
            "internal": True,
            "subnet": "172.30.5.0/24",
            "options": {"com.docker.network.driver.mtu": "1400"},
            "labels": {"team": "web"},
        }
    },
    "services.centos.bridges": {"web": {"aliases": ["shell"]}},
    "services.centos.after": ["nginx"],
    "services.centos.volumes": ["data:/data"],
    "services.centos.mounts": [{"type": "tmpfs", "target": "/fast"}],
    "services.centos.devices": ["/dev/fuse"],
    "services.centos.gpus": 1,
    "services.centos.ports": ["90:90"],
    "services.nginx.environment": {"A": "b"},
    "services.nginx.secret_environment": {"B": "key"},
}
DERIVED = {
    "Plan.warnings": "all of them are in the report, whatever was before",
    "Plan.gateway": "in l3 there is none; in l2 it is in every network",
    "Plan.mode": "it is in every network",
    "Plan.subnet": "it is in every network",
    "Plan.network_name": "it is in every network",
    "HostPlan.name": "another host: one is created, one deleted",
    "HostPlan.static_only": "said by `dynamic`, or by the slice",
    "HostPlan.destinations": "said by the slice and the containers; with a shim it is a change of the shim",
    "Route.host": "a name for people: the route is the same",
    "VolumePlan.mounted_by": "said by the containers",
    "BridgePlan.key": "a name for people: Docker has another one",
    "BridgePlan.members": "said by the containers",
    "ContainerPlan.fabric": "said by the address: one is lost or assigned",
    "ContainerPlan.host": "the host that the container is listed below",
    "ContainerPlan.service": "another service: one is created, one deleted",
    "ContainerPlan.on_lan": "said by the host's address",
    "ContainerPlan.default_route": "said by `published`, `internet` and the network's name",
}
"""Fields of a plan that the comparison does not read on their own, and why nothing is hidden by that."""


def other(value: Any) -> Any:
    """Return another value of the same kind."""
    kinds: list[tuple[type, Callable[[Any], Any]]] = [
        (bool, lambda flag: not flag),
        (int, lambda number: number + 1),
        (str, lambda text: f"{text}x"),
        (bytes, lambda content: content + b"x"),
        (IPAddress, lambda address: address + 1),
        (IPNetwork, lambda network: IPNetwork((int(network.next().network), network.prefixlen))),
        (tuple, lambda values: values[:-1] if values else ("other",)),
        (dict, lambda mapping: {**mapping, "other": "x"}),
    ]
    for kind, change in kinds:
        if isinstance(value, kind):
            return change(value)
    return "other"


def one_field_changed(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each field in a tree of dataclasses and models, and the tree with another value of that field alone."""
    kind = type(value).__name__
    names = (
        [field.name for field in fields(value) if field.init] if is_dataclass(value) else [*type(value).model_fields]
    )
    for name in names:
        old = getattr(value, name)
        inner: list[tuple[str, Any]] = []
        if is_dataclass(old) or isinstance(old, BaseModel):
            inner = [*one_field_changed(old)]
        elif (
            isinstance(old, tuple)
            and old
            and is_dataclass(old[0])
            and name in ("hosts", "containers", "routes", "volumes", "bridges", "files")
        ):
            inner = [(where, (changed_, *old[1:])) for where, changed_ in one_field_changed(old[0])]
        for where, changed_ in inner or [(f"{kind}.{name}", other(old))]:
            if is_dataclass(value) and not isinstance(value, type):
                yield where, replace(value, **{name: changed_})
            else:
                yield where, value.model_copy(update={name: changed_})


def rich_plan() -> Plan:
    """Return a plan in which most fields have a value."""
    config = changed(RICH)
    del config["fabric"]["gateway"]
    config["services"]["nginx"]["command"] = ["x"]
    plan = plan_of(config)
    file = FilePlan(
        target="/etc/a.conf",
        folder=None,
        source="files/a.conf",
        content=b"a ${secrets.password}\n",
        secrets={"password": "key"},
        whole_secret=None,
        owner="0:0",
        mode="0400",
    )
    containers = [
        replace(container, files=FilesPlan(files=(file,), change="restart")) for container in plan.hosts[0].containers
    ]
    return replace(plan, hosts=(replace(plan.hosts[0], containers=tuple(containers)), *plan.hosts[1:]))


def test_no_field_of_a_plan_is_left_out() -> None:
    """Another value of any field is a change, but for the fields that follow from others."""
    plan = rich_plan()
    unseen = {where for where, other_plan in one_field_changed(plan) if not compare(plan, other_plan)}
    seen = {where for where, other_plan in one_field_changed(plan) if compare(plan, other_plan)}
    assert unseen - DERIVED.keys() == set()
    assert len(seen) > 60
    # An exception that is none any more has to go.
    walked = {where for where, _ in one_field_changed(plan)}
    assert DERIVED.keys() <= walked


@pytest.mark.parametrize("seed", range(4))
def test_no_generated_change_is_left_out(seed: int) -> None:
    """Whatever key differs, so that the plan does, the comparison is not empty; and the same plan has no change."""
    generator = Generator(seed, IMAGES, SECRETS)
    config: dict[str, Any] = {**changed({}), "token": SECRETS[0], "key": SECRETS[0]}
    before = plan_of(config)
    for _ in range(40):
        made = generator.change(config, 1)
        result = compare(before, made.plan, new_secrets=new_secrets(config, made.config))
        # All warnings are in the report, whatever was before.
        differs = replace(before, warnings=()) != replace(made.plan, warnings=())
        assert bool(result) == (differs or bool(used(made.plan) & new_secrets(config, made.config))), made.changes
        config, before = made.config, made.plan


def used(plan: Plan) -> set[str]:
    """Return the secrets that a container or a volume gets."""
    return {
        *(key for container in plan.containers() for key in container.secret_environment.values()),
        *(
            key
            for container in plan.containers()
            for file in (container.files.files if container.files else ())
            for key in (file.whole_secret, *file.secrets.values())
            if key is not None
        ),
        *(key for host in plan.hosts for volume in host.volumes for key in volume.secret_driver_opts.values()),
    }


def test_the_generator_knows_every_key() -> None:
    """A new key of the config must get values there."""
    generator, config = Generator(0, IMAGES, SECRETS), {**changed({}), "token": SECRETS[0]}
    keys = {*SETTINGS, *generator.service_values(config, "nginx")}
    assert keys == set(ServiceConfig.model_fields)
    assert set(generator.bridge_values()) == set(BridgeConfig.model_fields)
    assert set(generator.host_values("docker-1", config["hosts"]["docker-1"])) == set(HostConfig.model_fields)
    assert set(generator.fabric_values()) == set(FabricConfig.model_fields)
    assert set(generator.volume_values(config)) == set(VolumeConfig.model_fields)
    assert set(SshConfig.model_fields) == {"connect_timeout", "shared_connection"}
