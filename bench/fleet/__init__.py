"""Simulated fleets: many Docker hosts behind one real sshd, on this machine, for the real commands, ssh and docker provider.

`python -m bench.fleet` is the command; `make fleet` runs it.

- `namespace`: the part of the machine that it runs in: a network, mounts and processes of its own, which end with it.
- `host.c`: what a host is made of: what accepts connections, and the programs that are found on it.
- `server`, `engine`, `docker_cli`, `tools`: what the hosts answer, all in one process.
- `project`: the stack, and the ssh settings of the user.
- `steps`, `measure`, `table`: what is run, what it costs, and how it is shown.

What a host answers is made up and takes no time; the operator's side is real. So the figures are those of the operator's machine
with hosts that are never the slow part.
"""
