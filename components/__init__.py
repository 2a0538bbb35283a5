"""The Pulumi components of the fabric. They declare what the plan decided, one resource per plan entry, and decide nothing.

Each is imported from its own module. Nothing is imported here: the process that serves bridge connections is started by every
`up`, imports this package for `bridge_connection` alone, and the engine waits for it.
"""
