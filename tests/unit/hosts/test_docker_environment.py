"""Variables that send Docker's client elsewhere: refused by name, and kept from a `pulumi` that we start."""

from __future__ import annotations

import pytest

from ipvlan.hosts.docker_environment import REDIRECTING, check_environment, without_redirection
from ipvlan.problems import ToolError


@pytest.mark.parametrize("name", REDIRECTING)
def test_a_variable_is_named_with_the_fix(name: str) -> None:
    """Each one is refused alone, with the command that runs without it; an empty one is as good as none."""
    with pytest.raises(ToolError) as raised:
        check_environment({name: "elsewhere", "DOCKER_CONFIG": "/home/me/.docker"}, "pulumi up")
    (problem,) = raised.value.problems
    assert (problem.code, problem.key) == ("IPF764", name)
    assert problem.fix == f"run `env -u {name} pulumi up`"
    check_environment({name: "", "PATH": "/bin"}, "pulumi up")


def test_several_variables_are_one_problem() -> None:
    """All of them are in one sentence and one command."""
    with pytest.raises(ToolError, match="env -u DOCKER_HOST -u DOCKER_CONTEXT pulumi destroy`"):
        check_environment({"DOCKER_CONTEXT": "a", "DOCKER_HOST": "b"}, "pulumi destroy")


def test_a_pulumi_of_ours_has_none_of_them() -> None:
    """Nothing else is taken away."""
    environment = {**dict.fromkeys(REDIRECTING, "x"), "PATH": "/bin", "DOCKER_CONFIG": "/etc/docker"}
    assert without_redirection(environment) == {"PATH": "/bin", "DOCKER_CONFIG": "/etc/docker"}
