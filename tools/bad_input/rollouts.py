"""Mistakes in how containers are replaced: `rollout` and `after`."""

from __future__ import annotations

from typing import Final

from tools.bad_input.case import BadInput

ROLLOUTS: Final = (
    BadInput.of(
        "no host at once", {"services.nginx.rollout": {"at_once": 0}}, ("services.nginx.rollout.at_once", "IPF321")
    ),
    BadInput.of("at once in words", {"fabric.rollout": {"at_once": "every"}}, ("fabric.rollout.at_once", "IPF320")),
    BadInput.of(
        "duration without a unit",
        {"fabric.rollout": {"healthy_within": 60}},
        ("fabric.rollout.healthy_within", "IPF322"),
    ),
    BadInput.of(
        "duration of no time",
        {"services.nginx.rollout": {"healthy_within": "0s"}},
        ("services.nginx.rollout.healthy_within", "IPF323"),
    ),
    BadInput.of(
        "duration of two hours",
        {"services.nginx.rollout": {"healthy_within": "120m"}},
        ("services.nginx.rollout.healthy_within", "IPF324"),
    ),
    BadInput.of(
        "on_failure that does not exist",
        {"services.nginx.rollout": {"on_failure": "rollback"}},
        ("services.nginx.rollout.on_failure", "IPF325"),
    ),
    BadInput.of("rollout as one number", {"services.nginx.rollout": 1}, ("services.nginx.rollout", "IPF102")),
    BadInput.of(
        "misspelt key of a rollout",
        {"services.nginx.rollout": {"at-once": 1}},
        ("services.nginx.rollout.at-once", "IPF109"),
    ),
    BadInput.of(
        "a health check that comes too late",
        {
            "services.nginx.healthcheck": {"test": ["CMD", "true"], "interval": "1m30s"},
            "services.nginx.rollout": {"healthy_within": "90s"},
        },
        ("services.nginx.healthcheck.interval and services.nginx.rollout.healthy_within", "IPF330"),
    ),
    BadInput.of("after as one string", {"services.nginx.after": "centos"}, ("services.nginx.after", "IPF103")),
    BadInput.of(
        "after a service that does not exist", {"services.nginx.after": ["cent"]}, ("services.nginx.after[0]", "IPF326")
    ),
    BadInput.of("after itself", {"services.nginx.after": ["nginx"]}, ("services.nginx.after[0]", "IPF327")),
    BadInput.of(
        "after a service twice",
        {"services.nginx.after": ["centos", "centos"]},
        ("services.nginx.after[1]", "IPF328"),
    ),
    BadInput.of(
        "services that wait for each other",
        {"services.nginx.after": ["centos"], "services.centos.after": ["nginx"]},
        ("services.centos.after and services.nginx.after", "IPF329"),
    ),
)
