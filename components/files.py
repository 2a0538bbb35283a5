"""The two resources of a container's files, declared: what is staged, and its use by the container (docs/decisions/0033-files.md).

Out of scope: the work on the host, which the plugin does (`provider.files`, `provider.files_in_use`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pulumi

from components.bridge_connection import port_inputs
from components.host_provider import token
from components.rollout_args import RolloutArgs, stop_seconds
from ipvlan.hosts.bridge import planned_attachment
from ipvlan.hosts.files import file_properties, folder_of
from ipvlan.plan.ownership import owner_label

if TYPE_CHECKING:
    from ipvlan.plan.files import FilesPlan
    from ipvlan.plan.model import ContainerPlan


def live_source(planned: ContainerPlan, owner: pulumi.Output[str], slot: str) -> pulumi.Output[str]:
    """Return the path on the host that the container mounts for a slot; `owner` is the stack's owner id."""
    return owner.apply(lambda id_: f"{folder_of(owner_label(id_, planned.host, planned.service))}/live/{slot}")


class Files(pulumi.CustomResource):
    """The files of one container, staged on its host. Its id is `HOST/SERVICE`."""

    generation: pulumi.Output[int]
    """A number that is another one for other files; known in a preview, but in that of the resource's creation."""

    def __init__(
        self,
        name: str,
        args: RolloutArgs,
        files: FilesPlan,
        *,
        opts: pulumi.ResourceOptions,
    ) -> None:
        """Declare it.

        Args:
            name: Name of the resource.
            args: The container.
            files: Its files.
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
                "files": file_properties(files),
                "secrets": {key: args.secrets[key] for key in files.secret_keys},
                "userns_host": args.planned.settings.userns_mode == "host",
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
                "mounts": dict(files.mounts),
                "reload_signal": files.reload_signal or "",
                "reload_command": list(files.reload_command or ()),
                "ports": port_inputs(ports),
                "stop_seconds": stop_seconds(planned.settings),
                "secret_names": sorted(planned.secret_environment),
                # What the program prints at a reload may have one.
                "secrets": {key: args.secrets[key] for key in files.secret_keys},
            },
            pulumi.ResourceOptions.merge(
                opts,
                pulumi.ResourceOptions(
                    provider=args.provider, depends_on=[staged, *after], additional_secret_outputs=["secrets"]
                ),
            ),
        )


def files_inputs(args: RolloutArgs, staged: Files, *, unsettled: bool) -> dict[str, pulumi.Input[object]]:
    """Return what a container's Handover knows of its files besides: a container without files has no such input."""
    files = args.planned.files
    # Another generation replaces the container. Without one in the state or in the config, `files_change` itself has changed, which
    # is no reason to replace what runs.
    generation = {"files_generation": staged.generation} if files is not None and files.change == "replace" else {}
    return {
        "files_folder": args.owner_label.apply(folder_of),
        "image": args.planned.image,
        "files_staged": staged.generation,
        # One that was never up is not told of other files: it may have ended for these.
        **({"files_unsettled": True} if unsettled else {}),
        **generation,
    }
