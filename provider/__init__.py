"""The provider plugin `ipvlan-fabric`: serves the resources that work on hosts, each a module of this package.

The engine starts `pulumi-resource-ipvlan-fabric` in this folder, which `plugins` of Pulumi.yaml names, at every preview and `up`,
and waits until it serves. So no module here imports at its top what only an operation on a host needs.

Out of scope: the declaration of resources (`components`), and the work on a host (`ipvlan.hosts`, `ipvlan.checks`).
"""
