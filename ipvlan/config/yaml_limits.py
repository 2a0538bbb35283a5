"""How large and how deep a file of the project may be: a small YAML file must not stand for very much.

Out of scope: reading it within these limits (`ipvlan.config.yaml_text`).
"""

from __future__ import annotations

from typing import Final

LARGEST_FILE: Final = 4 * 1024 * 1024
"""Bytes; a stack of 10,000 services has about 2 MB."""

MOST_VALUES: Final = 150_000
"""Keys and values, mappings, lists and aliases of one file, and of the same file with its aliases written out.

10,000 services with five keys each have 140,000. Two bytes are enough for one, so a file of 1 MB could have 500,000. Go's yaml.v3,
with which Pulumi reads, limits aliases too (allowedAliasRatio).
"""

DEEPEST: Final = 50
"""Mappings and lists in each other, through aliases too; a stack file has 6."""

LARGEST_SOURCE: Final = 128 * 1024
"""Bytes of one file that a container gets; the state has them for each host. A Kubernetes object has at most 1 MiB."""
