"""Environment variables that send Docker's client, or the docker provider, to another machine than the one that the plan names.

The provider fills in what its arguments leave out (provider.go of terraform-provider-docker): a context from
DOCKER_CONTEXT beats the host, and certificates from DOCKER_CERT_PATH and DOCKER_*_MATERIAL replace ssh. The host and ssh's options
are always among our arguments, so DOCKER_HOST and DOCKER_SSH_OPTS change nothing there; DOCKER_HOST and DOCKER_TLS_VERIFY are
refused all the same, because the next version of the provider may read them as Docker's own command line does.

Our own work on hosts (`ipvlan.hosts.ssh`) reads none of them: it runs ssh, whose commands on the host have the host's environment.

Out of scope: variables of the ssh user on a host.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ipvlan.problems import Problem, ToolError

REDIRECTING: Final = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CERT_PATH",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CA_MATERIAL",
    "DOCKER_CERT_MATERIAL",
    "DOCKER_KEY_MATERIAL",
)
"""The variables, in the order of the message."""


def check_environment(environment: Mapping[str, str], command: str) -> None:
    """Refuse an environment that may send resources to another machine.

    Args:
        environment: The variables.
        command: The command that the user runs, for the message: `pulumi up`.

    Raises:
        ToolError: A variable of `REDIRECTING` is set; an empty one is not.
    """
    names = [name for name in REDIRECTING if environment.get(name)]
    if names:
        unset = " ".join(f"-u {name}" for name in names)
        problem = Problem(
            code="IPF764",
            key=" and ".join(names),
            value="",
            problem="Docker's client and the docker provider take from it where Docker is, against the plan",
            effect="every host's networks and containers could be created or deleted on another machine; nothing was changed",
            fix=f"run `env {unset} {command}`",
        )
        raise ToolError([problem])


def without_redirection(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment for a `pulumi` that this program starts itself."""
    return {name: value for name, value in environment.items() if name not in REDIRECTING}
