"""The reference setup, written once: two hosts, and on each a `centos` that runs an init and a published `nginx`.

Most tests start from it: as the text of a stack file, as the mappings read from that text, or as the plan made of them.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML

DIGEST: Final = "@sha256:" + "0" * 64
"""What follows the name of an image of these tests."""
CIPHER: Final = "v1:Zm9vYmFyZm9v:c2VjcmV0LWNpcGhlci10ZXh0LW9mLXRoaXMtdGVzdA=="
"""A secret as Pulumi writes it, encrypted, into a stack file."""
STACK_TEXT: Final = f"""\
# The stack of these tests.
config:
  ipvlan-fabric:fabric:
    name: ipvlanl2   # the name
    mode: l2
    subnet: 10.1.0.0/16
    gateway: 10.1.0.1
  ipvlan-fabric:hosts:
    docker-1:
      address: 192.168.140.200
      parent: ens33
      slice: 10.1.1.0/24
    docker-2: {{address: 192.168.140.201, parent: ens33, slice: 10.1.2.0/24}}
  ipvlan-fabric:services:
    centos:
      image: registry/os{DIGEST}
      command: [/usr/sbin/init]
      offset: 1
    nginx:
      image: registry/nginx{DIGEST}
      offset: 2
      ports: ["80:80"]
      published: true
"""
"""The reference setup as a stack file, with comments and both styles of YAML mappings."""
_CONFIG: Final[dict[str, dict[str, Any]]] = {
    key.removeprefix("ipvlan-fabric:"): section for key, section in YAML(typ="safe").load(STACK_TEXT)["config"].items()
}


REMOVE: Final = object()
"""Instead of a value in `changed`: the key is removed."""


def host(number: int, **more: Any) -> dict[str, Any]:
    """Return host number 1, 2, 3... of the setup, with `more` keys or other values."""
    return {"address": f"192.168.140.{199 + number}", "parent": "ens33", "slice": f"10.1.{number}.0/24", **more}


def image(name: str = "os") -> dict[str, Any]:
    """Return a service that has nothing but its image."""
    return {"image": f"registry/{name}{DIGEST}"}


def reference_config(hosts: int = 2, **fabric: Any) -> dict[str, Any]:
    """Return the setup's config (section -> mapping), to change; with 1, 3 or more hosts, or further keys of `fabric`."""
    config = copy.deepcopy(_CONFIG)
    config["fabric"].update(fabric)
    config["hosts"] = {f"docker-{number}": host(number) for number in range(1, hosts + 1)}
    return config


def changed(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the setup's config with the values of `changes` (key path such as `services.nginx.ports` -> value) put in."""
    config = reference_config()
    for path, value in changes.items():
        *parents, key = re.split(r"\.(?![^\[]*\])", path)
        place = config
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is REMOVE:
            del place[key]
        else:
            place[key] = value
    return config
