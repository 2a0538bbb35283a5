"""The plain-Python half of ipvlan-fabric: config, plan and the `ipvlan` command; nothing here imports pulumi."""
