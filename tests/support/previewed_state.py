"""The state that `pulumi up` would write, made from its preview from nothing: for previews of changes without any host.

What a host would answer is made up: ids, the owner id, and what the docker provider computes, as in a state from the lab.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any, Final

from ipvlan.hosts.files import folder_of
from ipvlan.plan.files import FilePlan
from ipvlan.plan.ownership import owner_label
from ipvlan.plan.resource_names import (
    BRIDGE_NETWORK_TYPE,
    CONTAINER_TYPE,
    FILES_TYPE,
    HANDOVER_TYPE,
    IDENTITY_TYPE,
    IMAGE_TYPE,
    NETWORK_TYPE,
    OWNER_LABEL,
    VOLUME_TYPE,
)
from tools.preview_changes import UNKNOWN

OWNER: Final = "0123456789abcdef"
_TEMPLATES: Final = Path(__file__).resolve().parents[1] / "engine" / "take_over" / "state.json"
_KEPT: Final = (
    *("urn", "custom", "type", "inputs", "parent", "dependencies", "provider", "propertyDependencies", "deletedWith"),
    *("ignoreChanges", "replaceOnChanges", "replacementTrigger", "resourceHooks", "additionalSecretOutputs", "protect"),
)


def state_of(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the state after the creation of all that a preview with `--show-secrets` lists."""
    state: dict[str, Any] = json.loads(_TEMPLATES.read_text(encoding="utf-8"))
    lab = state["deployment"]["resources"]
    # The preview lists no default provider.
    given = [resource for resource in lab if resource["type"] == "pulumi:providers:command"]
    templates = {resource["type"]: resource["outputs"] for resource in lab if "outputs" in resource}
    made = [*given, *(_Maker(templates).resource(step["newState"]) for step in steps)]
    by_urn = {resource["urn"]: resource for resource in made}
    for resource in made:
        provider, separator, _ = str(resource.get("provider", "")).rpartition("::")
        if separator:
            resource["provider"] = f"{provider}::{by_urn[provider]['id']}"
    order = TopologicalSorter({urn: set(_needs(resource)) & by_urn.keys() for urn, resource in by_urn.items()})
    state["deployment"]["resources"] = [by_urn[urn] for urn in order.static_order()]
    return state


def _needs(resource: Mapping[str, Any]) -> Iterator[str]:
    yield from resource.get("dependencies", ())
    yield from (resource[key] for key in ("parent", "deletedWith") if key in resource)
    yield str(resource.get("provider", "")).rpartition("::")[0]


class _Maker:
    def __init__(self, templates: Mapping[str, Any]) -> None:
        self._templates = templates

    def resource(self, previewed: Mapping[str, Any]) -> dict[str, Any]:
        """Return one resource with its id and outputs."""
        resource = {key: previewed[key] for key in _KEPT if key in previewed}
        kind, name = resource["type"], resource["urn"].rpartition("::")[2]
        if not resource["custom"] or kind == "pulumi:pulumi:Stack":
            return resource
        resource["id"] = (
            str(uuid.uuid5(uuid.NAMESPACE_DNS, resource["urn"])) if kind.startswith("pulumi:") else f"{name}-id"
        )
        inputs = _known(resource.get("inputs", {}), *_place(name))
        outputs = _without_defaults(inputs)
        if kind in (CONTAINER_TYPE, NETWORK_TYPE, IMAGE_TYPE):
            template = {key: value for key, value in self._templates[kind].items() if key != "__pulumi_raw_state_delta"}
            outputs = {**template, **_computed(kind), **outputs, "id": resource["id"]}
        elif kind == HANDOVER_TYPE:
            outputs |= {"generation": 0}
        elif kind == FILES_TYPE:
            digests = dict.fromkeys(inputs["files"], "0" * 64)
            outputs |= {"folder": folder_of(inputs["owner"]), "generation": 1, "digests": digests}
        elif kind == BRIDGE_NETWORK_TYPE:
            network = inputs["network"]
            label = "" if inputs["external"] else owner_label(OWNER, inputs["host"], network)
            outputs |= {"owner": OWNER, "owner_label": label, "network_id": f"bridge-{network}-id"}
        elif kind == VOLUME_TYPE:
            outputs |= {"owner": OWNER, "owner_label": owner_label(OWNER, inputs["host"], inputs["volume"])}
        elif kind == IDENTITY_TYPE:
            outputs |= {"owner": OWNER}
        elif kind == "command:local:Command":
            outputs |= {"stdout": f"docker 26.1\nengine {name}\n", "stderr": ""}
        return {**resource, "inputs": inputs, "outputs": outputs}


def _computed(kind: str) -> dict[str, Any]:
    """Return what the template has of its own container: the image's command, which is compared with nothing here."""
    return {"command": [], "hostname": "0123456789ab"} if kind == CONTAINER_TYPE else {}


def _place(name: str) -> tuple[str, str]:
    """Return the names of a resource's HostSlice and of its service; hosts are `docker-NUMBER`."""
    parts = name.split("-")
    service = "-".join(parts[3:])
    for end in (
        "-handover",
        "-files",
        "-files-in-use",
        "-settled",
        "-endpoints",
        "-published-bridge",
        "-internet-bridge",
        "-removal",
    ):
        service = service.removesuffix(end)
    return "-".join(parts[:3]), service


def _known(value: Any, host: str, service: str) -> Any:
    """Return a value with what the preview does not know filled in."""
    if isinstance(value, list):
        return [_known(item, host, service) for item in value]
    if not isinstance(value, dict):
        return value
    known = {key: _known(item, host, service) for key, item in value.items()}
    short = host.removeprefix("fabric-")
    label = owner_label(OWNER, short) if service == "network" else owner_label(OWNER, short, service)
    for key, item in known.items():
        if item == UNKNOWN:
            ids = {
                "name": f"{host}-network-id",
                "network_id": f"{host}-network-id" if service == "network" else f"bridge-{value.get('network')}-id",
                "container_id": f"{host}-{service}-id",
                "owner": label,
                "source": f"{folder_of(label)}/live/{slot_of(str(value.get('target', '')))}",
                "files_folder": folder_of(label),
                "generation": 1,
                "files_generation": 1,
                "files_staged": 1,
            }
            known[key] = label if value.get("label") == OWNER_LABEL else ids[key]
    return known


def slot_of(target: str) -> str:
    """Return the slot of a mount of files."""
    return FilePlan(
        target=target, folder=None, source=None, content=b"", secrets={}, whole_secret=None, owner="0:0", mode="0444"
    ).slot


def _without_defaults(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_defaults(item) for item in value]
    if isinstance(value, dict):
        return {key: _without_defaults(item) for key, item in value.items() if key != "__defaults"}
    return value
