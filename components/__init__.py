"""The Pulumi components of the fabric: they declare one resource per entry of the plan.

The state of every stack refers to three classes by module path and name, so they are never moved or renamed:
`components.address_claims.AddressClaimsProvider`, `components.bridge_connection.BridgeConnectionProvider` and
`components.host_networking.HostNetworkingProvider`. A test pins them (tests/program/test_dynamic_provider.py).

Each component is imported from its own module, and nothing is imported here: every `up` starts a process that serves the three
classes, and the engine waits until that process has imported this package.

Out of scope: decisions, which `ipvlan.plan` makes, and work on hosts, which `ipvlan.hosts` does.
"""
