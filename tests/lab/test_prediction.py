"""`ipvlan report` predicts what `pulumi up` does on the hosts: the sets of containers are equal.

The tests are steps: each is a commit in the git history of one stack's file. The report reads two commits of the file and no host,
so it is right only if its rules (ipvlan.plan.changes) are those of the provider and the engine.

Generated changes are previewed and not carried out: `IPVLAN_CHANGES` in the environment says how many, `IPVLAN_SEED` which.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ipvlan.plan.changes import compare
from lab.harness import HOSTS, ROOT, STACK, STACK_FILE, Lab, Stack
from tests.support.generated_changes import Generator, new_secrets, plan_of
from tests.support.json_documents import validate
from tests.support.predictions import Operations, listed
from tests.support.predictions import predicted as predicted_operations
from tests.support.projects import commit_all, git, ipvlan

pytestmark = pytest.mark.steps

Actions = dict[str, set[str]]
"""Action, by its name in the report -> `host/service` of the containers that have it."""

ACTIONS = ("create", "delete", "replace", "restart", "reload", "update", "attach", "detach", "reconnect")


@dataclass(frozen=True)
class Repository:
    """The git history of the stack's file, and the report on its last change."""

    folder: Path
    stack: Stack

    def commit(self) -> None:
        """Commit the stack's config as it is now."""
        self.stack.write()
        shutil.copy(STACK_FILE, self.folder)
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--allow-empty", "--message", "the state before")

    def report(self) -> dict[str, Any]:
        """Return the document of `ipvlan report --json` on the current config, compared with the last commit."""
        self.stack.write()
        shutil.copy(STACK_FILE, self.folder)
        done = ipvlan(self.folder, "--stack", STACK, "report", "--base", "HEAD", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        printed: dict[str, Any] = json.loads(done.stdout)
        validate(printed, "report")
        return printed


@pytest.fixture(scope="module")
def repository(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Bring the reference setup up, with nothing published, and begin a git history."""
    stack.config["services"]["nginx"]["published"] = False
    stack.up()
    folder = tmp_path_factory.mktemp("history")
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    commit_all(folder, "begin")
    return Repository(folder, stack)


def predicted(report: dict[str, Any]) -> Actions:
    """Return the actions that the report predicts."""
    actions: Actions = {action: set() for action in ACTIONS}
    for change in report["containers"]:
        actions[change["action"]].add(f"{change['host']}/{change['service']}")
    return actions


def disagreements(stack: Stack, generator: Generator, count: int) -> dict[str, tuple[Operations, Operations]]:
    """Preview `count` generated changes of a stack that is up; carry out none, and leave the config as it was.

    Returns:
        The changed keys -> what Pulumi alone lists, and what the report alone has; empty where they always agree.
    """
    up = copy.deepcopy(stack.config)
    before, found = plan_of(up), {}
    try:
        for _ in range(count):
            made = generator.change(up, 3)
            stack.config = made.config
            steps = listed(json.loads(stack.pulumi("preview", "--json").stdout)["steps"])
            changes = compare(before, made.plan, new_secrets=new_secrets(up, made.config))
            report = predicted_operations(changes, before, made.plan)
            if steps != report:
                found[", ".join(made.changes)] = (steps - report, report - steps)
    finally:
        stack.config = up
        stack.write()
    return found


def on_hosts(lab: Lab) -> tuple[dict[str, Any], dict[str, str]]:
    """Return `host/container` -> its description by Docker, and host -> the id of the fabric's network, "" without one."""

    def inspect(host: str) -> tuple[str, str]:
        network = "docker network ls --no-trunc --filter name=^ipvlanl2$ --format '{{.ID}}'"
        return (
            lab.ssh(host, "docker ps -aq --no-trunc | xargs -r docker inspect"),
            lab.ssh(host, network).strip(),
        )

    with ThreadPoolExecutor() as pool:
        outputs = dict(zip(HOSTS, pool.map(inspect, HOSTS), strict=True))
    containers = {
        f"{host}/{container['Name'].removeprefix('/')}": container
        for host, (inspected, _) in outputs.items()
        for container in json.loads(inspected or "[]")
    }
    return containers, {host: network for host, (_, network) in outputs.items()}


def limits(container: dict[str, Any]) -> tuple[Any, ...]:
    """Return what Docker can change while a container runs."""
    config = container["HostConfig"]
    return tuple(config[key] for key in ("Memory", "CpuShares", "RestartPolicy"))


def observed(before: dict[str, Any], after: dict[str, Any]) -> Actions:
    """Return the actions that explain the difference between two looks at the hosts."""
    stayed = {place for place in before.keys() & after.keys() if before[place]["Id"] == after[place]["Id"]}

    def networks(containers: dict[str, Any], place: str) -> set[str]:
        return set(containers[place]["NetworkSettings"]["Networks"])

    return {
        "create": after.keys() - before.keys(),
        "delete": before.keys() - after.keys(),
        "replace": (before.keys() & after.keys()) - stayed,
        "restart": {
            place for place in stayed if before[place]["State"]["StartedAt"] != after[place]["State"]["StartedAt"]
        },
        "update": {place for place in stayed if limits(before[place]) != limits(after[place])},
        "attach": {place for place in stayed if networks(after, place) - networks(before, place)},
        "detach": {place for place in stayed if networks(before, place) - networks(after, place)},
        # Nothing of both shows in Docker's description of a container; no change here has them.
        "reload": set(),
        "reconnect": set(),
    }


def services(stack: Stack) -> dict[str, Any]:
    """Return the services of the config, to change."""
    mapping: dict[str, Any] = stack.config["services"]
    return mapping


def add_services(stack: Stack) -> None:
    """Add two services of one host each."""
    nginx = services(stack)["nginx"]["image"]
    services(stack)["web"] = {"image": nginx, "offset": 7, "hosts": ["docker-1"], "ports": ["8080:80"]}
    services(stack)["side"] = {"image": nginx, "offset": 8, "hosts": ["docker-2"], "cpu_shares": 512}


def another_image(stack: Stack) -> None:
    """Give one service the registry's other nginx."""
    services(stack)["web"]["image"] = stack.lab.images()["nginx-next"]


def a_secret(value: str) -> Callable[[Stack], None]:
    """Set a secret, which service web gets."""

    def change(stack: Stack) -> None:
        stack.set_secret("web-token", value)
        services(stack)["web"]["secret_environment"] = {"TOKEN": "web-token"}

    return change


def of(service: str, **settings: Any) -> Callable[[Stack], None]:
    """Set keys of a service; None removes a key."""

    def change(stack: Stack) -> None:
        for key, value in settings.items():
            services(stack)[service].pop(key, None)
            if value is not None:
                services(stack)[service][key] = value

    return change


def both(*changes: Callable[[Stack], None]) -> Callable[[Stack], None]:
    """Make several changes at once."""

    def change(stack: Stack) -> None:
        for one in changes:
            one(stack)

    return change


def of_host(host: str, **settings: Any) -> Callable[[Stack], None]:
    """Set keys of a host."""
    return lambda stack: stack.config["hosts"][host].update(settings)


CHANGES: dict[str, tuple[Callable[[Stack], None], Actions]] = {
    "services added": (add_services, {"create": {"docker-1/web", "docker-2/side"}}),
    "published switched on": (of("web", published=True), {"attach": {"docker-1/web"}}),
    "limits set": (of("web", memory="64m", cpu_shares=512), {"update": {"docker-1/web"}}),
    "more memory, another restart policy": (
        both(of("web", memory="300m"), of("side", restart="on-failure:3")),
        {"update": {"docker-1/web", "docker-2/side"}},
    ),
    "limits removed": (
        both(of("web", memory=None), of("side", cpu_shares=None)),
        {"replace": {"docker-1/web", "docker-2/side"}},
    ),
    "ports, DNS server": (
        both(of("web", ports=["8081:80"]), of("side", dns=["192.0.2.53"])),
        {"replace": {"docker-1/web", "docker-2/side"}},
    ),
    "image, labels": (
        both(another_image, of("side", labels={"tier": "back"})),
        {"replace": {"docker-1/web", "docker-2/side"}},
    ),
    "environment, offset": (
        both(of("web", environment={"MODE": "fast"}), of("side", offset=9)),
        {"replace": {"docker-1/web", "docker-2/side"}},
    ),
    "a secret named": (a_secret("first-value"), {"replace": {"docker-1/web"}}),
    "a new value of the secret": (a_secret("other-value"), {"replace": {"docker-1/web"}}),
    "published switched off, a limit set": (
        of("web", published=False, memory="64m"),
        {"detach": {"docker-1/web"}, "update": {"docker-1/web"}},
    ),
    "a bridge joined": (
        both(
            lambda stack: stack.config.update(bridges={"backend": {}}),
            of("side", bridges=["backend"]),
        ),
        {"attach": {"docker-2/side"}},
    ),
    "a file added": (of("side", files={"/etc/token": {"secret": "web-token"}}), {"replace": {"docker-2/side"}}),
    "another mode of the file": (
        of("side", files={"/etc/token": {"secret": "web-token", "mode": "0440"}}),
        {"restart": {"docker-2/side"}},
    ),
    "a host leaves a service": (of("nginx", hosts=["docker-1"]), {"delete": {"docker-2/nginx"}}),
    "a host joins a service": (
        of("nginx", hosts=list(HOSTS), published=True),
        {"create": {"docker-2/nginx"}, "attach": {"docker-1/nginx"}},
    ),
    "another ssh target of a host": (of_host("docker-1", ssh="root@docker-1"), {}),
    "slice moved": (
        of_host("docker-2", slice="10.1.7.0/24"),
        {"replace": {"docker-2/centos", "docker-2/nginx", "docker-2/side"}},
    ),
    "addresses reserved": (
        # Docker does not know of them.
        lambda stack: stack.config["fabric"].update(reserved=["10.1.1.200", "10.9.0.0/16"]),
        {},
    ),
    "a service removed": (lambda stack: services(stack).pop("side"), {"delete": {"docker-2/side"}}),
    "a host removed": (
        both(of("nginx", hosts=None), lambda stack: stack.config["hosts"].pop("docker-2")),
        {"delete": {"docker-2/centos", "docker-2/nginx"}},
    ),
}


LONG = {
    "limits set",
    "limits removed",
    "ports, DNS server",
    "environment, offset",
    "a new value of the secret",
    "published switched off, a limit set",
    "a bridge joined",
    "a file added",
    "another mode of the file",
    "another ssh target of a host",
    "addresses reserved",
    "a host leaves a service",
    "a host joins a service",
}
"""Changes whose kind another one stands for in `make test`; no other step needs them."""


@pytest.mark.parametrize(
    "change", [pytest.param(change, marks=pytest.mark.long) if change in LONG else change for change in CHANGES]
)
def test_up_does_what_the_report_says(lab: Lab, stack: Stack, repository: Repository, change: str) -> None:
    """The containers and replaced networks in the report are those of the following `up`, and the expected ones."""
    make, expected = CHANGES[change]
    repository.commit()
    make(stack)
    report = repository.report()
    containers, networks = on_hosts(lab)
    stack.up()
    containers_after, networks_after = on_hosts(lab)
    actual = observed(containers, containers_after)
    assert predicted(report) == actual
    assert {action: places for action, places in actual.items() if places} == expected
    replaced = {host for host in HOSTS if networks[host] and networks_after[host] not in ("", networks[host])}
    assert {entry["host"] for entry in report["hosts"] if entry["action"] == "replace network"} == replaced


def test_the_report_has_every_operation_of_a_preview(lab: Lab, stack: Stack, repository: Repository) -> None:
    """Of generated changes too, with the state that the hosts wrote: the two sets of operations are equal."""
    repository.commit()
    seed = int(os.environ.get("IPVLAN_SEED", "1"))
    print(f"IPVLAN_SEED={seed}")
    secrets = []
    for value in ("q7Zx-first", "q7Zx-second"):
        stack.set_secret("generated", value)
        secrets.append(stack.config["generated"])
    generator = Generator(seed, sorted(lab.images().values())[:2], secrets)
    assert disagreements(stack, generator, int(os.environ.get("IPVLAN_CHANGES", "5"))) == {}


def test_then_nothing_changes(stack: Stack) -> None:
    """After all of these, refresh and `up` change nothing."""
    stack.pulumi("refresh", "--yes", "--expect-no-changes")
    stack.assert_unchanged()
