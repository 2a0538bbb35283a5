"""The Pulumi program: the stack's config -> plan -> components. It only wires; CONTRIBUTING.md says what is where."""

import pulumi

from components.ipvlan_fabric import IpvlanFabric
from components.program_inputs import read_fabric_args
from ipvlan.plan.resource_names import COMPONENT

fabric = IpvlanFabric(COMPONENT, read_fabric_args())

pulumi.export("addresses", fabric.addresses)
pulumi.export("urls", fabric.urls)
pulumi.run(fabric.registered)
