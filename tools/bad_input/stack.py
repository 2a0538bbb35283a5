"""Mistakes in other sections, and in several at once."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput

STACK: Final = (
    BadInput.of("ssh time limit 0", {"ssh": {"connect_timeout": 0}}, ("ssh.connect_timeout", "IPF106")),
    BadInput.of("unknown section", {"servces": {}}, ("servces", "IPF016")),
    BadInput.of("section of compose", {"configs": {}}, ("configs", "IPF016")),
    BadInput.of(
        "several mistakes at once",
        {
            "fabric.name": "none",
            "fabric.gateway": "10.2.0.1",
            "hosts.docker-1.ssh": "a b",
            "hosts.docker-2.slice": "10.1.1.128/25",
            "services.nginx.image": "NGINX",
            "services.nginx.offset": 1,
        },
        ("hosts.docker-1.ssh", "IPF125"),
        ("services.nginx.image", "IPF132"),
        ("fabric.name", "IPF201"),
        ("fabric.gateway", "IPF212"),
        ("hosts.docker-1.slice and hosts.docker-2.slice", "IPF312"),
        ("services.centos.offset and services.nginx.offset", "IPF513"),
    ),
)
