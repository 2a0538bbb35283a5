"""The failures of hosts, and of connections to them.

Out of scope: wording. What failed says so where it is raised.
"""

from __future__ import annotations


class HostError(Exception):
    """Something on a host, or on the connection to it, is not as the plan needs it; the text names the host and the fix."""


class HostUnreachableError(HostError):
    """ssh itself failed: no connection, no accepted key, or a host key that is not the expected one."""
