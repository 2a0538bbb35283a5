"""A secret reaches its container and nothing else: no output, no error, no state holds its clear text.

One stack; each test adds to what was printed, and the last one's hosts still work.
"""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from lab.harness import HOSTS, ROOT, STACK, STACK_FILE, Lab, Result, Stack
from tests.support import projects
from tests.support.lab_commands import ipvlan

#: The secrets of these tests; nothing else on the machine has such words in it.
FIRST = "Clear-7fQ2-text-of-the-first-secret"
SECOND = "Clear-9xK4-text-of-the-second-secret"


def disguises(secret: str) -> set[bytes]:
    """Return the secret as it would stand in a file: plain, and in base64 wherever it begins in what was encoded."""
    found = {secret.encode()}
    for before in range(3):
        encoded = base64.b64encode(b"-" * before + secret.encode())
        # The first and last characters depend on what stands beside the secret.
        found.add(encoded[4 if before else 0 : -4])
    return found


TRACES = disguises(FIRST) | disguises(SECOND)


def assert_clean(what: str, content: bytes | str) -> None:
    """Assert that no trace of a secret is in it."""
    data = content.encode() if isinstance(content, str) else content
    assert [trace for trace in TRACES if trace in data] == [], what


def clean(done: Result) -> Result:
    """Assert that a command printed no secret, and that it printed something."""
    assert done.stdout + done.stderr
    assert_clean(" ".join(map(str, done.args)), done.stdout + done.stderr)
    return done


def environment(lab: Lab, host: str) -> list[str]:
    """Return the environment that Docker gave nginx on a host."""
    return lab.ssh(host, "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' nginx").splitlines()


@pytest.fixture(scope="module", autouse=True)
def with_secret(stack: Stack) -> None:
    """Give nginx a secret, set as a person sets it."""
    stack.set_secret("api-token", FIRST)
    stack.config["services"]["nginx"]["secret_environment"] = {"TOKEN": "api-token"}


def test_up_gives_it_to_the_container_and_prints_it_nowhere(lab: Lab, stack: Stack) -> None:
    """Preview and `up` of the new stack show no secret, and the running containers have it."""
    for arguments in (("preview",), ("preview", "--diff"), ("preview", "--json"), ("up", "--yes", "--diff")):
        clean(stack.pulumi(*arguments))
    for host in HOSTS:
        assert f"TOKEN={FIRST}" in environment(lab, host)


def test_a_secret_set_anew_is_printed_nowhere(lab: Lab, stack: Stack, tmp_path: Path) -> None:
    """Neither the old nor the new value is in the report, the preview's differences or `up`; the containers get the new one."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copy(STACK_FILE, tmp_path)
    projects.commit_all(tmp_path, "first")
    stack.set_secret("api-token", SECOND)
    shutil.copy(STACK_FILE, tmp_path)
    for form in ((), ("--json",)):
        told = projects.ipvlan(tmp_path, "--stack", STACK, "report", "--base", "HEAD", *form)
        assert "secret api-token has a new value" in told.stdout
        assert_clean("report", told.stdout + told.stderr)
    for arguments in (("preview", "--diff"), ("preview", "--json"), ("up", "--yes", "--skip-preview", "--diff")):
        clean(stack.pulumi(*arguments))
    for host in HOSTS:
        assert f"TOKEN={SECOND}" in environment(lab, host)


def test_pulumi_prints_no_secret(stack: Stack) -> None:
    """Refresh, the config, the outputs, the history and the exported state show no secret."""
    for arguments in (
        ("refresh", "--yes", "--diff"),
        ("config",),
        ("config", "--json"),
        ("stack",),
        ("stack", "output", "--json"),
        ("stack", "history"),
        ("stack", "export"),
        ("destroy", "--preview-only", "--diff"),
    ):
        clean(stack.pulumi(*arguments))


@pytest.mark.parametrize(
    "arguments",
    [
        ("plan",), ("plan", "--json"), ("plan", "--at", "10.1.1.2"), ("allocate", "--check"), ("preflight",),
        ("preflight", "--json"), ("verify",), ("verify", "--json"), ("status",), ("status", "--json"), ("heal",),
        ("diagram",), ("diagram", "--live"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_ipvlan_prints_no_secret(lab: Lab, stack: Stack, arguments: tuple[str, ...]) -> None:
    """Each word of the `ipvlan` command, for people and for machines, shows no secret."""
    stack.write()
    clean(ipvlan(lab, *arguments))


def test_heal_gives_it_to_the_new_container(lab: Lab) -> None:
    """A container that `heal` makes anew has the secret, and `heal` does not print it."""
    lab.ssh("docker-2", "docker rm -f nginx")
    for arguments in (("status", "--json"), ("heal",), ("heal", "--yes")):
        clean(ipvlan(lab, *arguments))
    assert f"TOKEN={SECOND}" in environment(lab, "docker-2")


def test_errors_print_no_secret(lab: Lab, stack: Stack) -> None:
    """A port that is taken, a command that does not exist and an image that cannot be had are told without the secret."""
    services = stack.config["services"]
    nginx = services["nginx"]["image"]
    lab.ssh("docker-1", f"docker run -d --name holder -p 8090:80 {nginx}")
    secret = {"hosts": ["docker-1"], "secret_environment": {"TOKEN": "api-token"}}
    failing = {
        "taken": {"image": nginx, "offset": 21, "ports": ["8090:80"], "published": True},
        "problem": {"image": nginx, "offset": 22, "command": ["/no/such/command"]},
        "absent": {"image": nginx.partition("@")[0] + "@sha256:" + "0" * 64, "offset": 23},
    }
    try:
        for name, service in failing.items():
            services[name] = {**service, **secret}
            failed = clean(stack.up("--diff", check=False))
            assert failed.returncode != 0
            assert name in failed.stdout + failed.stderr
            services.pop(name)
    finally:
        lab.ssh("docker-1", "docker rm -f holder")
    stack.up()
    stack.unchanged()


def test_no_file_of_pulumi_holds_it(lab: Lab) -> None:
    """After all of these no file of the state's backend and of Pulumi's own folder has a secret in it."""
    folders = lab.exec("sh", "-c", 'printf "%s\\n" "${PULUMI_BACKEND_URL#file://}" "$PULUMI_HOME"').stdout.splitlines()
    backend, home = (Path(folder) for folder in folders)
    files = [
        path for folder in (backend, home / "logs", home / "workspaces") for path in folder.rglob("*") if path.is_file()
    ]
    assert any(path.name == f"{STACK}.json" for path in files)
    for path in files:
        assert_clean(str(path), path.read_bytes())
    assert_clean(STACK_FILE.name, STACK_FILE.read_bytes())
