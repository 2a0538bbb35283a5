"""What makes a container use its staged files, and the proof that it goes on (docs/decisions/0033-files.md). It comes after Settled.

Inputs, which are its outputs:

- `host`, `ssh`, `service`, `container` (its name), `owner` (its owner label), `healthy_within`, `on_failure`: as those of a Settled.
- `image`: as that of Files.
- `container_id`: an output of the container's resource.
- `generation`: the output of Files.
- `mounts`: target in the container -> slot (`FilesPlan.mounts`).
- `change`: `reload`, `restart` or `replace`. With `reload`: `reload_signal`, or else `reload_command`; "" and [] where not.
- `ports`, `secret_names`: as those of a Settled.
- `secrets` (secret): config key -> value, as that of Files: no message has them.
- `stop_seconds`: as that of a Handover.

Out of scope: the work on the host (`ipvlan.hosts.files`), and what counts as up (`ipvlan.hosts.settle`).
"""
