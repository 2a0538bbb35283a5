"""What a stack cannot have because another stack of the project has it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ipvlan.plan.neighbours import MOST_TEXT
from tools.bad_input.case import BadInput
from tools.reference_setup import REMOVE, STACK_TEXT

_APART: Final = (
    ("ipvlanl2", "second"),
    ("10.1.", "10.2."),
    ("ens33", "ens33.20"),
    ("    centos:", "    centos2:"),
    ("    nginx:", "    nginx2:"),
    ('"80:80"', '"8080:80"'),
)
"""What makes of the reference setup a second fabric on the same machines with which it has nothing else in common."""


def _other(changes: Mapping[str, str]) -> str:
    """Return the file of that second fabric, with further changes."""
    text = STACK_TEXT
    for old, new in (*_APART, *changes.items()):
        text = text.replace(old, new)
    return text


def _case(title: str, text: str, *expected: tuple[str, str]) -> BadInput:
    return BadInput(title=title, changes={}, expected=expected, warning=True, beside=text)


_SAME_LINK: Final = {
    "192.168.140.200": "192.168.140.210",
    "192.168.140.201": "192.168.140.211",
    "ens33.20": "ens33",
    "10.2.": "10.1.",
}
"""The second fabric on other machines of the same link, with the same subnet."""

_ROUTED: Final = {
    "192.168.140.200": "192.168.140.210",
    "mode: l2": "mode: l3",
    "    gateway: 10.2.0.1\n": "",
    "10.2.2.0/24": "10.1.9.0/24",
    "10.2.1.0/24": "10.1.1.0/24",
    "10.2.0.0/16": "10.1.0.0/16",
}
"""The second fabric in l3, with another first host that has the slice of this stack's first host."""

OTHER_STACKS: Final = (
    _case("another stack whose file is not YAML", "config: [", ("Pulumi.other.yaml", "IPF350")),
    _case("another stack that has problems", _other({"10.2.2.0/24": "10.2.1.0/24"}), ("Pulumi.other.yaml", "IPF350")),
    _case("a stack of another project", "config: {other:x: 1}\n", ("Pulumi.other.yaml", "IPF350")),
    _case("another stack with an enormous file", f"{_other({})}#{'x' * MOST_TEXT}", ("Pulumi.other.yaml", "IPF351")),
    _case(
        "another stack publishes the same port",
        _other({'"8080:80"': '"80:8080"'}),
        ("services.nginx.ports and Pulumi.other.yaml: services.nginx2.ports", "IPF352"),
    ),
    BadInput(
        title="another stack has a volume of the same name",
        changes={"volumes": {"data": {"hosts": ["docker-1"]}}},
        expected=(("volumes.data and Pulumi.other.yaml: volumes.data", "IPF798"),),
        warning=True,
        beside=_other({}) + "  ipvlan-fabric:volumes:\n    data: {hosts: [docker-1]}\n",
    ),
    BadInput(
        title="another stack makes a network of the same name",
        changes={"bridges": {"data": {"name": "second"}}, "services.centos.bridges": ["data"]},
        expected=(("bridges.data and Pulumi.other.yaml: fabric.name", "IPF248"),),
        warning=True,
        beside=_other({}),
    ),
    BadInput(
        title="another stack has a network whose subnet overlaps a bridge",
        changes={"bridges": {"data": {"subnet": "10.2.64.0/24"}}, "services.centos.bridges": ["data"]},
        expected=(("bridges.data.subnet and Pulumi.other.yaml: fabric.subnet", "IPF249"),),
        warning=True,
        beside=_other({}),
    ),
    _case(
        "another stack has a container of the same name",
        _other({"centos2": "centos"}),
        ("services.centos and Pulumi.other.yaml: services.centos", "IPF353"),
    ),
    _case(
        "another stack calls its network the same",
        _other({"second": "ipvlanl2"}),
        ("fabric.name and Pulumi.other.yaml: fabric.name", "IPF354"),
    ),
    _case(
        "another stack has the same parent",
        _other({"ens33.20": "ens33"}),
        ("hosts.docker-1.parent and Pulumi.other.yaml: hosts.docker-1.parent", "IPF355"),
    ),
    _case(
        "another stack has the same subnet and gateway",
        _other({"10.2.": "10.1.", ".1.0/24": ".3.0/24", ".2.0/24": ".4.0/24"}),
        ("fabric.gateway and Pulumi.other.yaml: fabric.gateway", "IPF356"),
    ),
    _case(
        "another stack has the same addresses",
        _other(_SAME_LINK),
        ("services.centos and Pulumi.other.yaml: services.centos2", "IPF357"),
        ("hosts.docker-1.slice and Pulumi.other.yaml: hosts.docker-1.slice", "IPF358"),
    ),
    BadInput(
        title="another stack has a route to the same addresses",
        changes={"fabric.mode": "l3", "fabric.gateway": REMOVE},
        expected=(("hosts.docker-1.slice and Pulumi.other.yaml: hosts.docker-1.slice", "IPF359"),),
        warning=True,
        beside=_other(_ROUTED),
    ),
)
