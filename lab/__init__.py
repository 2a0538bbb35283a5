"""The two-host lab: QEMU guests with Docker Engine, a client, a router, an internet and a registry, in network namespaces.

Owns everything under `.lab/<name>/` of the checkout, the lab's caches, its processes and the namespaces `ipvlan-lab-<name>-*`.
Leaves alone: the machine's own network (nothing is made there), `.venv`, the toolchain, the hosts' Docker objects.
Runs with the standard library alone, before any virtual environment exists.
"""
