"""The copy of a container in the body of a request to create it, and the label that says what it is a copy of.

Responsible for the exact copy: what Docker reports about a container (`GET /containers/ID/json`) is not what it takes to create one
(`POST /containers/create`). Pure.

Out of scope: who is copied, and the requests (`ipvlan.hosts.spare`).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

from ipvlan.hosts.ids import short_id
from ipvlan.plan.docker_versions import SEVERAL_NETWORKS_API
from ipvlan.plan.resource_names import BRIDGE, PREVIOUS_LABEL

_NO_RESTART: Final = {"Name": "no", "MaximumRetryCount": 0}
"""Docker starts an `always` container at boot, even one that never ran."""

_ANONYMOUS: Final = re.compile(r"[0-9a-f]{64}")
"""The name that Docker gives a volume without one (moby pkg/stringid)."""

_CONFIG_LEFT_OUT: Final = ("Image", "MacAddress", "OnBuild")
"""`MacAddress` is where an older Docker reports the address that it chose; a newer one refuses it here beside a network's name.
An ipvlan link has the address of its parent anyway."""

_HOST_CONFIG_LEFT_OUT: Final = ("ContainerIDFile", "VolumesFrom", "Links", "RestartPolicy", "AutoRemove", "NetworkMode")

_REMOVED: Final = ("KernelMemory", "KernelMemoryTCP", "Capabilities")
"""Settings that Docker 20.10 still reports and a newer one does not take; without a value they say nothing."""

_ENDPOINT_KEPT: Final = ("IPAMConfig", "Links", "DriverOpts", "GwPriority")
"""What is set for an endpoint; all else in it is what came of that."""

_OTHER_MODES: Final = ("host", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """The value of PREVIOUS_LABEL."""

    of: str
    """Id of the container that was copied."""
    restart: str
    """Its restart policy, as `docker update --restart` takes it: `on-failure:3`."""
    bridge: bool
    """Whether it was connected to Docker's bridge beside the fabric's network."""
    volumes: tuple[str, ...]
    """Names of its anonymous volumes, which the copy shares."""
    bridges: tuple[str, ...] = ()
    """Names of the networks to which the copy is connected after its creation, but for Docker's bridge; sorted."""

    def __str__(self) -> str:
        """Return the label's value: JSON on one line."""
        name, _, retries = self.restart.partition(":")
        value = {
            "of": self.of,
            "restart": {"Name": name, "MaximumRetryCount": int(retries or 0)},
            "bridge": self.bridge,
            "volumes": list(self.volumes),
            # Left out where there are none: so is it in the label of an earlier version.
            **({"bridges": list(self.bridges)} if self.bridges else {}),
        }
        return json.dumps(value, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return what a label's value says; None where it is none of ours."""
        try:
            value = json.loads(text)
            return cls(
                of=str(value["of"]),
                restart=_restart(value["restart"]),
                bridge=bool(value["bridge"]),
                volumes=tuple(map(str, value["volumes"])),
                bridges=tuple(map(str, value.get("bridges", ()))),
            )
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Copy:
    """How the copy of a container is created."""

    body: dict[str, Any]
    """The body of `POST /containers/create`."""
    record: Record
    later: Mapping[str, dict[str, Any]]
    """Network -> the settings of `POST /networks/NAME/connect`, EndpointConfig, of those that a creation in that version of the API
    does not take; without Docker's bridge."""


def needs_newer_api(inspected: Mapping[str, Any]) -> bool:
    """Return whether the oldest version of the API cannot say what the container has, though its Docker can.

    A subpath of a volume needs 1.45 and is refused before; a health check's start interval needs 1.44 and is dropped before, and a
    gateway priority 1.48: the default route of the copy would go by the networks' names (history of the Engine API).
    """
    networks = inspected["NetworkSettings"].get("Networks") or {}
    mounts = inspected["HostConfig"].get("Mounts") or ()
    health = inspected["Config"].get("Healthcheck") or {}
    return (
        bool(health.get("StartInterval"))
        or any((mount.get("VolumeOptions") or {}).get("Subpath") for mount in mounts)
        # That of Docker's bridge is given when the copy is connected to it.
        or any(endpoint.get("GwPriority") for name, endpoint in networks.items() if name != BRIDGE)
    )


def copy_of(inspected: Mapping[str, Any], *, image: str, api_version: str, files_folder: str = "") -> Copy:
    """Return how to create a copy that does not start by itself.

    Args:
        inspected: The container, as the Engine API describes it.
        image: Reference or id of its image.
        api_version: The version of the API that the request is made in: `1.41`.
        files_folder: The folder of its files on the host: the copy mounts those below `spare/` where it has those below `live/`.
            Empty for a container without files.
    """
    host_config = inspected["HostConfig"]
    networks = inspected["NetworkSettings"].get("Networks") or {}
    mode, endpoints = _networks(host_config.get("NetworkMode") or "", networks, inspected["Id"])
    later: dict[str, dict[str, Any]] = {}
    if _number(api_version) < _number(SEVERAL_NETWORKS_API):
        later = {name: endpoint for name, endpoint in endpoints.items() if name != mode}
        endpoints = {name: endpoint for name, endpoint in endpoints.items() if name == mode}
    volumes = tuple(_anonymous_volumes(inspected))
    record = Record(
        of=inspected["Id"],
        restart=_restart(host_config.get("RestartPolicy") or _NO_RESTART),
        bridge=BRIDGE in networks and mode not in {BRIDGE, "default"},
        volumes=volumes,
        bridges=tuple(sorted(later)),
    )
    body = {
        **_config(inspected, record),
        "Image": image,
        "HostConfig": _host_config(inspected, mode, files_folder),
        "NetworkingConfig": {"EndpointsConfig": endpoints},
    }
    return Copy(body=body, record=record, later=later)


def _config(inspected: Mapping[str, Any], record: Record) -> dict[str, Any]:
    config = {key: value for key, value in inspected["Config"].items() if key not in _CONFIG_LEFT_OUT}
    if config.get("Hostname") == short_id(inspected["Id"]):
        # Docker's own choice.
        del config["Hostname"]
    # Docker takes the image's where there is none; what it reports has the image's already, unless that was switched off.
    config["Entrypoint"] = config.get("Entrypoint") or []
    config["Labels"] = {**(config.get("Labels") or {}), PREVIOUS_LABEL: str(record)}
    return config


def _host_config(inspected: Mapping[str, Any], mode: str, files_folder: str) -> dict[str, Any]:
    reported = inspected["HostConfig"]
    names = {mount["Destination"]: mount.get("Name", "") for mount in inspected.get("Mounts") or ()}
    return {
        **{
            key: value
            for key, value in reported.items()
            if key not in _HOST_CONFIG_LEFT_OUT and (value or key not in _REMOVED)
        },
        "NetworkMode": mode,
        "RestartPolicy": dict(_NO_RESTART),
        "AutoRemove": False,
        "Links": [_link(link) for link in reported.get("Links") or ()] or None,
        "Binds": [*map(_bind, reported.get("Binds") or ()), *_implied_binds(inspected)] or None,
        "Mounts": [_mount(_of_spare(mount, files_folder), names) for mount in reported.get("Mounts") or ()] or None,
    }


def _networks(mode: str, networks: Mapping[str, Any], id_: str) -> tuple[str, dict[str, Any]]:
    """Return the network mode and the endpoints: all but the bridge's, which binds ports and is connected afterwards."""
    endpoints = {name: endpoint_settings(endpoint, id_) for name, endpoint in networks.items() if name != BRIDGE}
    if not endpoints or mode in _OTHER_MODES or mode.startswith("container:"):
        return mode, {}
    # The mode has the network's name or id; the provider leaves `default` or `bridge` in it, and connects the network later.
    named = (
        name for name, endpoint in networks.items() if name in endpoints and mode in {name, endpoint.get("NetworkID")}
    )
    fixed = (name for name, endpoint in endpoints.items() if (endpoint.get("IPAMConfig") or {}).get("IPv4Address"))
    main = next(named, None) or next(fixed, None) or next(iter(endpoints))
    return main, endpoints


def endpoint_settings(endpoint: Mapping[str, Any], id_: str) -> dict[str, Any]:
    """Return an endpoint's settings, without its network's id: a network of that name may be created anew before the start."""
    kept = {key: endpoint[key] for key in _ENDPOINT_KEPT if endpoint.get(key)}
    aliases = given_aliases(endpoint, id_)
    return {**kept, **({"Aliases": aliases} if aliases else {})}


def given_aliases(endpoint: Mapping[str, Any], id_: str) -> list[str]:
    """Return the aliases of an endpoint that somebody set.

    Before API 1.45 the container's short id is among what Docker reports, which it adds by itself.
    """
    return [alias for alias in endpoint.get("Aliases") or () if alias != short_id(id_)]


def _explicit(inspected: Mapping[str, Any]) -> dict[str, bool]:
    """Return each path at which something is mounted by the container's settings, and whether its source has a name there."""
    host_config = inspected["HostConfig"]
    binds = {_path(bind): True for bind in host_config.get("Binds") or ()}
    mounts = {
        posixpath.normpath(mount["Target"]): mount.get("Type") != "volume" or bool(mount.get("Source"))
        for mount in host_config.get("Mounts") or ()
    }
    tmpfs = {posixpath.normpath(path): True for path in host_config.get("Tmpfs") or ()}
    return {**binds, **mounts, **tmpfs}


def _anonymous_volumes(inspected: Mapping[str, Any]) -> Iterator[str]:
    explicit = _explicit(inspected)
    for mount in inspected.get("Mounts") or ():
        by_name = explicit.get(mount["Destination"], False)
        if mount["Type"] == "volume" and not by_name and _ANONYMOUS.fullmatch(mount.get("Name", "")):
            yield mount["Name"]


def _implied_binds(inspected: Mapping[str, Any]) -> Iterator[str]:
    """Yield as binds what is mounted without being in the settings: the image's volumes, and those of `--volumes-from`."""
    explicit = _explicit(inspected)
    for mount in inspected.get("Mounts") or ():
        if mount["Destination"] in explicit or mount["Type"] not in {"volume", "bind"}:
            continue
        options = [option for option in (mount.get("Mode") or "").split(",") if option and option not in {"rw", "ro"}]
        if not mount.get("RW", True):
            options.append("ro")
        propagation = mount.get("Propagation") or ""
        if mount["Type"] == "bind" and propagation not in {"", "rprivate", *options}:
            options.append(propagation)
        source = mount["Name"] if mount["Type"] == "volume" else mount["Source"]
        yield _bind(":".join([source, mount["Destination"], *([",".join(options)] if options else [])]))


def _bind(bind: str) -> str:
    """Return the bind so that the creation writes nothing into a volume that is in use and empty: `data:/data:ro,nocopy`."""
    source, path, *options = bind.split(":")
    if not path or source.startswith("/"):
        return bind
    kept = [option for option in (options[0].split(",") if options else ()) if option not in {"", "copy", "nocopy"}]
    return f"{source}:{path}:{','.join([*kept, 'nocopy'])}"


def _of_spare(mount: Mapping[str, Any], files_folder: str) -> Mapping[str, Any]:
    """Return the mount with the source that the spare has: what is live is changed for its replacement."""
    live, source = f"{files_folder}/live/", mount.get("Source") or ""
    if not files_folder or mount.get("Type") != "bind" or not source.startswith(live):
        return mount
    return {**mount, "Source": f"{files_folder}/spare/{source.removeprefix(live)}"}


def _mount(mount: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the mount with the name of its volume, and so that the creation writes nothing into it."""
    if mount.get("Type") != "volume":
        return dict(mount)
    source = mount.get("Source") or names.get(posixpath.normpath(mount["Target"]), "")
    return {**mount, "Source": source, "VolumeOptions": {**(mount.get("VolumeOptions") or {}), "NoCopy": True}}


def _link(link: str) -> str:
    """Return `/database:/web/db`, as Docker reports a link, as it takes one: `database:db`."""
    source, _, alias = link.partition(":")
    return f"{source.removeprefix('/')}:{alias.rpartition('/')[2]}"


def _path(bind: str) -> str:
    return posixpath.normpath(bind.split(":")[1])


def _restart(policy: Mapping[str, Any]) -> str:
    retries = int(policy.get("MaximumRetryCount") or 0)
    name = str(policy.get("Name") or "no")
    return f"{name}:{retries}" if name == "on-failure" and retries else name


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
