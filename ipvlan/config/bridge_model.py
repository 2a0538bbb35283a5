"""The models of a further bridge network of the stack, and of a service's connection to it.

Out of scope: what their keys must agree on (`ipvlan.plan.rules.bridges`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BeforeValidator, Field

from ipvlan.config.types.base import Flag, Model, Text
from ipvlan.config.types.bridges import A_LIST_OF_KEYS, OR_NOTHING, BridgeName, BridgeSubnet, parse_endpoints


class BridgeConfig(Model):
    """A bridge network of Docker, on every host where a service with it runs: `services.NAME.bridges: [KEY]`.

    On each of these hosts it is a network of its own: its containers find each other by name there, and there alone. It is deleted
    when no service of the host has it any more, and when the stack is destroyed.
    """

    name: BridgeName | None = None
    """The network's name in Docker; the default is FABRIC-KEY (`ipvlanl2-backend`), and the key of an external one. Another name is
    another network: the containers are moved to it while they run."""
    internal: Flag = False
    """Whether the network has no way out of the host: no default route, and no published ports. Changing it creates the network
    again while the containers run."""
    subnet: BridgeSubnet | None = None
    """The network's subnet, on each host the same one; without it Docker chooses one that is free on the host. Changing it creates
    the network again while the containers run."""
    options: Mapping[Text, Text] = Field(default_factory=dict)
    """Option of Docker's bridge driver -> value, such as `{com.docker.network.driver.mtu: "1400"}`. Changing it creates the network
    again while the containers run."""
    labels: Mapping[Text, Text] = Field(default_factory=dict)
    """Labels of the network; the prefix ipvlan-fabric. is reserved for the stack. Docker cannot change them: a network that exists
    keeps those that it was created with."""
    external: Flag = False
    """Whether somebody else makes the network: it must exist where a service has it, and is never created, changed or removed."""


class BridgeEndpointConfig(Model):
    """The connection of a service to one bridge of the section `bridges`."""

    aliases: tuple[Text, ...] = ()
    """Further names by which the others on the bridge find the container; its own name, and the service's, are names of it
    anyway."""


Endpoint = Annotated[BridgeEndpointConfig, OR_NOTHING]
Endpoints = Annotated[Mapping[Text, Endpoint], BeforeValidator(parse_endpoints), A_LIST_OF_KEYS]
