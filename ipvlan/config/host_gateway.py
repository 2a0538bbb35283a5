"""The word for the host's own address in `extra_hosts`; here, so that the table of Docker's versions loads no package for it."""

from typing import Final

HOST_GATEWAY: Final = "host-gateway"
"""In place of an address: that of Docker's bridge on the host (moby, HostGatewayName in opts/hosts.go)."""
