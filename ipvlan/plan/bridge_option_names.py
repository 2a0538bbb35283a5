"""Names of options of Docker's bridge driver (moby, libnetwork/drivers/bridge/labels.go).

Out of scope: which values they take (`ipvlan.plan.rules.bridge_options`).
"""

from __future__ import annotations

from typing import Final

PREFIX: Final = "com.docker.network.bridge."
"""What the names of most options begin with."""
LINK: Final = f"{PREFIX}name"
"""The option with the name of the bridge's link on the host."""
GATEWAY_MODE: Final = f"{PREFIX}gateway_mode_ipv4"
TRUSTED: Final = f"{PREFIX}trusted_host_interfaces"
