"""The two-host lab: QEMU guests with Docker Engine, a client, a router, an internet and a registry, in network namespaces.

The lab is everything under `.lab/<name>/` of the checkout, the lab's caches, its processes and the namespaces
`ipvlan-lab-<name>-*`. Out of scope: the machine's own network (nothing is created there), `.venv`, the toolchain, and the hosts'
Docker objects. It uses the standard library only, and so runs before any virtual environment exists.
"""
