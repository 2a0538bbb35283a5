"""The Pulumi components of the fabric: they declare one resource per entry of the plan.

States of the time of dynamic resources refer to three classes by module path and name, so they are never moved or renamed:
`components.address_claims.AddressClaimsProvider`, `components.bridge_connection.BridgeConnectionProvider` and
`components.host_networking.HostNetworkingProvider`. A test pins them (tests/program/test_fabric_provider.py).

Each component is imported from its own module, and nothing is imported here, so that each process loads what it uses.

Out of scope: decisions, which `ipvlan.plan` makes, and work on hosts, which the plugin does (`provider`).
"""
