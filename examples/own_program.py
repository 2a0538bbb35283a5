"""A fabric in a Pulumi program of your own: the config is a mapping that the program builds, and other code uses its outputs.

Copy it as `__main__.py` into a Pulumi project in whose Python environment this project is installed, and let its Pulumi.yaml
name the plugin there: `plugins: {providers: [{name: ipvlan-fabric, path: .venv/bin}]}`. It declares three hosts with a web
server each. `ipvlan` reads stack files only, so for a fabric like this one there is no `ipvlan status`; README.md has
the program that keeps the stack file.
"""

from typing import Any

import pulumi

from components.ipvlan_fabric import FabricArgs, IpvlanFabric
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import parse

# The same keys as in a stack file (docs/config.md).
config: dict[str, Any] = {
    "fabric": {"name": "ipvlanl2", "mode": "l2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
    "hosts": {
        f"docker-{number}": {
            "address": f"192.168.140.{199 + number}",
            "parent": "ens33",
            "slice": f"10.1.{number}.0/24",
        }
        for number in (1, 2, 3)
    },
    "services": {
        "web": {
            "image": "registry.example/web@sha256:c1d2e3f4a5b6c7d8e9f0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8a9b0c1d2",
            "offset": 2,
            "ports": ["80:80"],
            "published": True,
            "secret_environment": {"TOKEN": "web-token"},
        },
    },
}

plan = make_plan(parse(config))
fabric = IpvlanFabric(
    "web-fabric",
    FabricArgs(
        plan=plan,
        stack=pulumi.get_stack(),
        secrets={"web-token": pulumi.Config().require_secret("web-token")},
    ),
)

# Known when every port is bound: what depends on it waits for the published services.
backends = fabric.urls.apply(lambda urls: [f"server {url.removeprefix('http://')};" for url in urls["web"]])
pulumi.export("backends", backends)
