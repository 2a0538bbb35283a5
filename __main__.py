"""The Pulumi program: stack config -> plan -> components. It only wires; docs/design.md says what is where."""

import pulumi

from components import FabricArgs, IpvlanFabric
from components.stack import find_unreachable, read_plan, read_secrets

plan = read_plan()
fabric = IpvlanFabric(
    "fabric",
    FabricArgs(
        plan=plan,
        stack=pulumi.get_stack(),
        secrets=read_secrets(plan),
        unreachable=find_unreachable(plan),
    ),
)

pulumi.export("addresses", fabric.addresses)
pulumi.export("urls", fabric.urls)
