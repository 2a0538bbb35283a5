"""The Pulumi program: stack config -> plan -> components. It only wires; the README's layout says what is where."""

import pulumi

from components.program_inputs import HostAnswers, read_plan, read_secrets
from ipvlan.plan.resource_names import COMPONENT

plan = read_plan()
secrets = read_secrets(plan)
answers = HostAnswers(plan)

# Not before: loading the docker provider's package takes about as long as the hosts take to answer.
from components.ipvlan_fabric import FabricArgs, IpvlanFabric  # noqa: E402

fabric = IpvlanFabric(
    COMPONENT,
    FabricArgs(plan=plan, stack=pulumi.get_stack(), secrets=secrets, unreachable=answers.unreachable()),
)

pulumi.export("addresses", fabric.addresses)
pulumi.export("urls", fabric.urls)
