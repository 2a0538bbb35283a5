"""The files of one container, staged on its host (docs/decisions/0033-files.md). It comes before the container's Handover.

Inputs, which the outputs have too:

- `host`, `ssh`, `service`, `container` (its name), `owner` (its owner label): as those of a Handover.
- `image`: reference or id of the service's image, on the host by now; a helper container is made of it where nothing else is root.
- `files`: what `ipvlan.hosts.files.file_properties` returns.
- `secrets` (secret, also as an output): config key -> value, of those that `files` names.
- `userns_host`: whether the container has `userns_mode: host`.
- `drifted`: always empty; a refresh writes there what is different on the host.

Outputs: `folder` (on the host, known in a preview), `generation` (a number that each change of the bytes, owners or modes raises, and
a repair; known in a preview), `digests` (target -> SHA-256 of the host's key and the bytes).

Out of scope: the work on the host (`ipvlan.hosts.files`), and what the container does with new files (`provider.files_in_use`).
"""
