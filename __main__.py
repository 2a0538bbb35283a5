"""The Pulumi program: the stack's config -> plan -> components. It only wires; CONTRIBUTING.md says what is where."""

import gc

import pulumi

from components.ipvlan_fabric import IpvlanFabric
from components.program_inputs import read_fabric_args
from components.registrations import without_debug_messages
from ipvlan.plan.resource_names import COMPONENT

# Next to nothing of a program is garbage before it ends, and looking for it took a third of its time (decision 0035).
gc.set_threshold(100_000, 50, 1000)
without_debug_messages()
fabric = IpvlanFabric(COMPONENT, read_fabric_args())

pulumi.export("addresses", fabric.addresses)
pulumi.export("urls", fabric.urls)
pulumi.run(fabric.registered)
