"""The two resources of a container's files, declared: the staged files, and their use by the container (docs/decisions/0033-files.md).

Out of scope: the work on the host, which the plugin does (`provider.files`, `provider.files_in_use`).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import pulumi

from components.bridge_connection import port_inputs
from components.host_provider import token
from components.rollout_args import RolloutArgs, stop_seconds
from ipvlan.hosts.bridge import planned_attachment
from ipvlan.plan.ownership import owner_label

if TYPE_CHECKING:
    from ipvlan.plan.files import FilePlan, FilesPlan
    from ipvlan.plan.model import ContainerPlan

LIVE = "live"


def service_folder(owner: str) -> str:
    return f"/var/lib/ipvlan-fabric/{owner}"


def live_source(planned: ContainerPlan, owner: pulumi.Output[str], slot: str) -> pulumi.Output[str]:
    """Return the path on the host that the container mounts for a slot; `owner` is the stack's owner id."""
    return owner.apply(
        lambda id_: f"{service_folder(owner_label(id_, planned.host, planned.service))}/{LIVE}/{slot}"
    )


class Files(pulumi.CustomResource):
    """The files of one container, staged on its host. Its id is `HOST/SERVICE`."""

    generation: pulumi.Output[int]
    """How many contents there were; known in a preview, but in that of the resource's creation."""

    def __init__(
        self,
        name: str,
        args: RolloutArgs,
        files: FilesPlan,
        *,
        secrets: Mapping[str, pulumi.Output[str]],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            args: The container.
            files: Its files.
            secrets: Config key -> value, for every key that a file of the stack refers to.
            opts: The resource's options.
        """
        super().__init__(
            token("Files"),
            name,
            {
                "host": args.host.name,
                "ssh": list(args.connection.command),
                "service": args.planned.service,
                "container": args.planned.name,
                # Of the helper container, where the ssh user is not root.
                "image": args.planned.image,
                "owner": args.owner_label,
                "files": {file.target: file_input(file) for file in files.files},
                "secrets": {key: secrets[key] for key in secret_keys(files)},
                # An output: what differs on the host. Another value than this one is an update.
                "drifted": [],
                "folder": None,
                "generation": None,
                "digests": None,
            },
            pulumi.ResourceOptions.merge(
                opts, pulumi.ResourceOptions(provider=args.provider, additional_secret_outputs=["secrets"])
            ),
        )


class FilesInUse(pulumi.CustomResource):
    """What makes a container use its staged files. Its id is `HOST/SERVICE`."""

    def __init__(
        self,
        name: str,
        args: RolloutArgs,
        files: FilesPlan,
        *,
        staged: Files,
        container_id: pulumi.Input[str],
        secrets: Mapping[str, pulumi.Output[str]],
        after: Sequence[pulumi.Resource],
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            args: The container.
            files: Its files.
            staged: The resource of the staged files.
            container_id: An output of the container's resource.
            secrets: Config key -> value: what the program prints at a reload may have one.
            after: The proof that the container is up.
            opts: The resource's options.
        """
        planned = args.planned
        ports = planned_attachment(args.host, planned, args.connection).ports if planned.published else ()
        super().__init__(
            token("FilesInUse"),
            name,
            {
                **args.common,
                "container_id": container_id,
                "image": planned.image,
                "generation": staged.generation,
                "change": files.change,
                "reload": reload_input(files),
                "ports": port_inputs(ports),
                "stop_seconds": stop_seconds(planned.settings),
                "secret_names": sorted(planned.secret_environment),
                "secrets": {key: secrets[key] for key in secret_keys(files)},
            },
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    provider=args.provider, depends_on=[staged, *after], additional_secret_outputs=["secrets"]
                ),
            ),
        )


def files_inputs(args: RolloutArgs, staged: Files) -> dict[str, pulumi.Input[object]]:
    """Return what a container's Handover knows of its files besides: a container without files has no such input."""
    files = args.planned.files
    # Another generation replaces the container. Without one in the state or in the config, `files_change` itself has changed, which
    # is no reason to replace what runs.
    generation = {"files_generation": staged.generation} if files is not None and files.change == "replace" else {}
    return {
        "files_folder": args.owner_label.apply(service_folder),
        "image": args.planned.image,
        **generation,
    }


def secret_keys(files: FilesPlan) -> tuple[str, ...]:
    """Return the config keys whose values are in the files, sorted."""
    keys = {key for file in files.files for key in file.secrets.values()}
    return tuple(sorted(keys | {file.whole_secret for file in files.files if file.whole_secret is not None}))


def file_input(file: FilePlan) -> dict[str, object]:
    """Return a file as the plugin takes it; its content is a text where it is one, so that a diff has lines."""
    return {
        "slot": file.slot,
        # Of a file that is mounted alone there is none: its slot is the file.
        **({} if file.path_in_folder is None else {"path": file.path_in_folder}),
        "owner": file.owner,
        "mode": file.mode,
        **_content(file),
    }


def reload_input(files: FilesPlan) -> dict[str, object] | None:
    """Return how the program is told to read its files again; None where it is not told."""
    if files.reload_signal is not None:
        return {"signal": files.reload_signal}
    return None if files.reload_command is None else {"command": list(files.reload_command)}


def _content(file: FilePlan) -> dict[str, object]:
    if file.whole_secret is not None:
        return {"secret": file.whole_secret}
    if file.text is None:
        return {"base64": base64.b64encode(file.content).decode()}
    # Without one the text has nothing that stands for something else.
    return {"text": file.text, **({"secrets": dict(file.secrets)} if file.secrets else {})}
