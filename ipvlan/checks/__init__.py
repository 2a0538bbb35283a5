"""The plan against the hosts."""
