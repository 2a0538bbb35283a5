"""A change of a published service takes down one container at a time, and the previous one comes back where it does not come up.

The tests are steps on one service with a container on both hosts, whose page a client asks for ten times a second.
More cases: `test_rollout_long.py` and `test_rollout_interrupted.py`.
"""

from __future__ import annotations

import re

import pytest

from lab.harness import HOSTS, Lab, Stack
from tests.support.lab_commands import differences
from tests.support.rollout import MOST_GAP, WEB, Rollouts, beside, containers

pytestmark = [pytest.mark.steps, pytest.mark.versions]

FIRST, SECOND = HOSTS
LAST_WORDS = "cannot-open-the-database"
TOKEN = "Clear-3bN8-text-of-the-token"
EXITS = ["sh", "-c", f'echo "{LAST_WORDS} with $TOKEN"; exit 3']
"""A command that ends at once, and prints a secret."""
REFUSED = {"log_driver": "nonesuch"}
"""What passes every rule of ours, since a host may have any driver as a plugin, and what Docker refuses at the creation."""
REFUSAL = 'error looking up logging plugin nonesuch: plugin "nonesuch" not found'
"""Docker's sentence (moby, ValidateLogOpts of its package daemon.logger)."""
SICK = "no-address-of-the-first-host"
HEALTHY_ON_FIRST = {
    "test": ["CMD-SHELL", f"ip addr | grep -qF 10.1.1. || {{ echo {SICK}; exit 1; }}"],
    "interval": "2s",
    "timeout": "20s",
    "retries": 2,
}
"""A check that fails on docker-2 alone: the address of `web` there is another."""


@pytest.fixture(scope="module", autouse=True)
def footprint(lab: Lab) -> dict[str, dict[str, str]]:
    """Record what is on the hosts before the first `up`."""
    return {host: lab.footprint(host) for host in HOSTS}


@pytest.mark.long  # The corrected file is one too.
def test_a_good_change(rollouts: Rollouts) -> None:
    """A changed service is replaced on one host, which gives its page again before the next host's container is stopped."""
    rollouts.web["environment"] = {"CHANGED": "first"}
    case = rollouts.up("a good change")
    assert case.actions == {FIRST: "new", SECOND: "new"}
    assert case.away(FIRST).ended < case.away(SECOND).began
    assert max(case.longest(host) for host in HOSTS) < MOST_GAP
    rollouts.assert_clean()


def test_a_command_that_exits_at_once(lab: Lab, stack: Stack, rollouts: Rollouts) -> None:
    """`up` fails with exit code and log lines and without the secret; the previous one runs again; the other host is untouched.

    `status` says so.
    """
    stack.set_secret("api-token", TOKEN)
    rollouts.web.update(command=EXITS, secret_environment={"TOKEN": "api-token"})
    case = rollouts.up("exits at once", fails=True)
    case.assert_restored(FIRST)
    case.assert_untouched(SECOND)
    assert case.longest(FIRST) < MOST_GAP
    case.assert_named(FIRST, WEB, LAST_WORDS)
    assert re.search(r"\bexit code 3\b", case.problem), case.output
    assert TOKEN not in case.output
    assert beside(lab) == [f"{FIRST}/{WEB}.ipvlan-failed"]
    failed = containers(lab)[FIRST][f"{WEB}.ipvlan-failed"]
    assert (failed.running, failed.policy) == (False, "no")
    assert differences(lab) == [("container-restored", FIRST, WEB), ("failed-left", FIRST, WEB)]


def test_the_same_file_again(rollouts: Rollouts) -> None:
    """The same file fails in the same way, and not a page of the previous container is missing."""
    case = rollouts.up("exits at once, the same file again", fails=True)
    case.assert_untouched(*HOSTS)
    case.assert_named(FIRST, WEB, LAST_WORDS, "--refresh")
    assert TOKEN not in case.output


def test_the_corrected_file(rollouts: Rollouts) -> None:
    """The corrected file goes through on both hosts, and nothing is left beside the containers."""
    del rollouts.web["command"]
    case = rollouts.up("corrected")
    assert case.actions == {FIRST: "new", SECOND: "new"}
    assert max(case.longest(host) for host in HOSTS) < MOST_GAP
    rollouts.assert_clean()
    rollouts.stack.assert_unchanged()


def test_what_docker_refuses(lab: Lab, rollouts: Rollouts) -> None:
    """What Docker refuses ends the `up` before any container is touched: the rehearsal has its sentence."""
    rollouts.web.update(REFUSED)
    case = rollouts.up("refused at creation", fails=True)
    case.assert_untouched(*HOSTS)
    case.assert_named(FIRST, WEB, REFUSAL)
    assert beside(lab) == []
    for key in REFUSED:
        del rollouts.web[key]


def test_unhealthy_on_one_host(rollouts: Rollouts) -> None:
    """A container that is unhealthy on docker-2 alone: docker-1 goes through, and docker-2 has its previous one back."""
    rollouts.web["healthcheck"] = HEALTHY_ON_FIRST
    case = rollouts.up("unhealthy on docker-2", fails=True)
    assert case.actions[FIRST] == "new"
    case.assert_restored(SECOND)
    # The new one answers until it counts as unhealthy, so there may be two gaps.
    assert case.away(FIRST).ended < case.away(SECOND).began
    assert max(case.longest(host) for host in HOSTS) < MOST_GAP
    case.assert_named(SECOND, WEB, "health check", SICK)


def test_destroy_after_a_failure(
    lab: Lab, stack: Stack, rollouts: Rollouts, footprint: dict[str, dict[str, str]]
) -> None:
    """`destroy` removes the restored container and the failed one too: the hosts are as before the first `up`."""
    assert beside(lab) == [f"{SECOND}/{WEB}.ipvlan-failed"]
    stack.pulumi("destroy", "--yes", "--skip-preview")
    assert {host: lab.footprint(host) for host in HOSTS} == footprint
