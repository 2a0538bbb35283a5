"""The plugin's own failures: what it cannot do, and how its operations end early. Those of hosts are in `ipvlan.hosts.errors`."""

from __future__ import annotations

from typing import Final, Self

from ipvlan.problems import Problem, UserError

INTERRUPTED: Final = "IPF730"
"""The run was interrupted while an operation worked on a host."""
NOT_IMPORTABLE: Final = "IPF731"
"""A resource is not imported but created."""
UNKNOWN_FUNCTION: Final = "IPF732"
"""The plugin has no such function."""

DOCKER_PLUGIN: Final = "IPF777"
"""The docker provider's plugin cannot be used."""


class PluginError(UserError):
    """An operation that does not complete, for a reason that is no host's."""

    @classmethod
    def about(cls, key: str, code: str, *, problem: str, effect: str, fix: str) -> Self:
        """Return the failure; `key` is a resource's name or a token, the rest as in Problem."""
        return cls([Problem(code=code, key=key, value="", problem=problem, effect=effect, fix=fix)])

    def __str__(self) -> str:
        return str(self.problems[0])


def interrupted(name: str) -> PluginError:
    """Return the end of an operation on the resource of that name, while it works on a host."""
    return PluginError.about(
        name,
        INTERRUPTED,
        problem="interrupted while it worked on a host",
        effect="what was begun there may be done in part, and the state does not have it",
        fix="run `pulumi up` again: it goes on from what is there",
    )


def not_importable(kind: str, id_: str) -> PluginError:
    """Return the refusal to import a resource of this kind."""
    return PluginError.about(
        f"{kind} {id_}",
        NOT_IMPORTABLE,
        problem="it cannot be imported: its id alone does not say what it consists of",
        effect="nothing is imported and nothing is changed",
        fix="leave it out of the import: `pulumi up` creates it, and takes what is there already as it is",
    )


def unknown_function(token: str) -> PluginError:
    """Return the refusal of a call."""
    return PluginError.about(
        token,
        UNKNOWN_FUNCTION,
        problem="the plugin has no such function",
        effect="nothing is done",
        fix="use the plugin and the program of one and the same version",
    )


def plugin_unusable(reason: str) -> PluginError:
    """Return that the docker provider's plugin cannot be asked; `reason` is one clause."""
    return PluginError.about(
        "pulumi-resource-docker",
        DOCKER_PLUGIN,
        problem=f"the docker provider's plugin cannot be used: {reason}",
        effect="no new container can be tried before the running one stops, so no container was touched",
        fix="run `pulumi install` in the project's folder, then the command again",
    )
