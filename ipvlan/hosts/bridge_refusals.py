"""Why a container is not connected to Docker's bridge: what `scripts/bridge_connect.sh` says before it changes anything.

Out of scope: what Docker refuses (`ipvlan.hosts.bridge`).
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from ipvlan.hosts.errors import NO_GATEWAY_PRIORITY, NOT_THE_CONTAINER, HostError
from ipvlan.hosts.ids import short_id
from ipvlan.plan.docker_versions import GATEWAY_PRIORITY
from ipvlan.plan.resource_names import BRIDGE

if TYPE_CHECKING:
    from ipvlan.hosts.bridge import BridgeAttachment
    from ipvlan.hosts.script import Output


def refusal(attachment: BridgeAttachment, output: Output) -> HostError:
    """Return why nothing was done."""
    match output.text("refused"):
        case "no-priority":
            return _no_priority(attachment)
        case "absent":
            return absent(attachment, output.text("holder"))
        case "renamed":
            planned, identity = attachment.container, short_id(attachment.container_id)
            return _not_the_container(
                attachment,
                problem=f'container "{planned}" ({identity}) is now called "{output.text("renamed_to")}"',
                fix=f"give it its name back (`docker rename {identity} {shlex.quote(planned)}` on the host)",
            )
    mode = output.text("mode")
    return _not_the_container(
        attachment,
        problem=f'container "{attachment.container}" ({short_id(attachment.container_id)}) has the network mode "{mode}", and '
        f"Docker connects such a container to no other network",
        fix="remove it if nobody needs it as it is, then run `pulumi up --refresh`: it creates the container as planned",
    )


def absent(attachment: BridgeAttachment, holder: str) -> HostError:
    """Return that the declared container is gone; `holder` is name, id, time of creation and image of what has its name now."""
    gone = f'container "{attachment.container}" ({short_id(attachment.container_id)}) is gone: it was removed by hand'
    name, _, rest = holder.partition(" ")
    # Docker also takes the first digits of an id for a name.
    if name != f"/{attachment.container}":
        return _not_the_container(
            attachment,
            problem=gone,
            fix="run `pulumi up --refresh`: it creates the container and its bridge attachment again",
        )
    holder_id, created, image = rest.split(" ", 2)
    return _not_the_container(
        attachment,
        problem=f"{gone}, and another one has its name now: {short_id(holder_id)}, created {created.partition('.')[0]} from "
        f"{image}. That one was not created by this resource, and is left as it is",
        fix=f"find out who needs it; rename it (`docker rename {short_id(holder_id)} NAME` on the host), or remove it if nobody "
        f"does; then run `pulumi up --refresh`: it creates the planned container",
    )


def _not_the_container(attachment: BridgeAttachment, *, problem: str, fix: str) -> HostError:
    what = "its ports are not published" if attachment.ports else "it has no route to the internet"
    return HostError.on(
        attachment.host,
        NOT_THE_CONTAINER,
        problem=problem,
        effect=f"{what} on this host; nothing was changed",
        fix=fix,
    )


def _no_priority(attachment: BridgeAttachment) -> HostError:
    first = GATEWAY_PRIORITY[0]
    of_fabric = attachment.before_bridge == attachment.network
    key = "ipvlan-fabric:fabric.name" if of_fabric else "the bridge in ipvlan-fabric:bridges"
    return HostError.on(
        attachment.host,
        NO_GATEWAY_PRIORITY,
        problem=f"its Docker is older than {first} and has no --gw-priority, so the network whose name sorts first is the gateway: "
        f'"{attachment.before_bridge}" sorts before "{BRIDGE}"',
        effect=f'no port of "{attachment.container}" would be published; nothing was changed',
        fix=f"give {key} a name that sorts after it (for example "
        f'"fabric-{attachment.before_bridge}"), or upgrade Docker to {first} or later',
    )
