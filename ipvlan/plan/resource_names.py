"""Names that Docker gives on every host."""

from typing import Final

#: Docker's own network, which binds published ports and leads out through the host's NAT.
BRIDGE: Final = "bridge"
