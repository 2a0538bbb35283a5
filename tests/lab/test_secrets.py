"""A secret reaches its container and nothing else: no output, no error and no state has it in plaintext.

The tests share one stack; the last one reads all that the others left in the state.
"""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

import pytest

from lab.harness import HOSTS, ROOT, STACK, STACK_FILE, Lab, Result, Stack
from tests.support import projects
from tests.support.lab_commands import ipvlan

FIRST = "Clear-7fQ2-text-of-the-first-secret"
SECOND = "Clear-9xK4-text-of-the-second-secret"
"""The secrets of these tests; these texts are nowhere else on the machine."""


def forms_of(secret: str) -> set[bytes]:
    """Return the forms of the secret in a file: plain, and in base64 at each of the three alignments."""
    forms = {secret.encode()}
    for before in range(3):
        encoded = base64.b64encode(b"-" * before + secret.encode())
        # The first and last characters depend on the bytes beside the secret.
        forms.add(encoded[4 if before else 0 : -4])
    return forms


TRACES = forms_of(FIRST) | forms_of(SECOND)


def assert_clean(what: str, content: bytes | str) -> None:
    """Assert that the content has no form of a secret."""
    data = content.encode() if isinstance(content, str) else content
    assert [trace for trace in TRACES if trace in data] == [], what


def clean(done: Result) -> Result:
    """Assert that a command printed something, and no secret."""
    assert done.stdout + done.stderr
    assert_clean(" ".join(map(str, done.args)), done.stdout + done.stderr)
    return done


def environment(lab: Lab, host: str) -> list[str]:
    """Return the environment of nginx on a host, as Docker has it."""
    return lab.ssh(host, "docker inspect -f '{{range .Config.Env}}{{println .}}{{end}}' nginx").splitlines()


@pytest.fixture(scope="module", autouse=True)
def with_secret(stack: Stack) -> None:
    """Give nginx a secret, set with `pulumi config set --secret`."""
    stack.set_secret("api-token", FIRST)
    stack.config["services"]["nginx"]["secret_environment"] = {"TOKEN": "api-token"}


def test_up_gives_it_to_the_container_and_does_not_print_it(lab: Lab, stack: Stack) -> None:
    """Preview and `up` of the new stack show no secret, and the running containers have it."""
    for arguments in (("preview",), ("preview", "--diff"), ("preview", "--json"), ("up", "--yes", "--diff")):
        clean(stack.pulumi(*arguments))
    for host in HOSTS:
        assert f"TOKEN={FIRST}" in environment(lab, host)


def test_a_new_value_is_not_printed(lab: Lab, stack: Stack, tmp_path: Path) -> None:
    """Neither the old nor the new value is in the report, the preview or the output of `up`; the containers get the new one."""
    shutil.copy(ROOT / "Pulumi.yaml", tmp_path)
    shutil.copy(STACK_FILE, tmp_path)
    projects.commit_all(tmp_path, "first")
    stack.set_secret("api-token", SECOND)
    shutil.copy(STACK_FILE, tmp_path)
    for form in ((), ("--json",)):
        report = projects.ipvlan(tmp_path, "--stack", STACK, "report", "--base", "HEAD", *form)
        assert "secret api-token has a new value" in report.stdout
        assert_clean("report", report.stdout + report.stderr)
    for arguments in (("preview", "--diff"), ("preview", "--json"), ("up", "--yes", "--skip-preview", "--diff")):
        clean(stack.pulumi(*arguments))
    for host in HOSTS:
        assert f"TOKEN={SECOND}" in environment(lab, host)


def test_pulumi_prints_no_secret(stack: Stack) -> None:
    """Refresh, config, outputs, history, exported state and the preview of a destroy show no secret."""
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
        ("plan", "--json"), ("preflight",), ("preflight", "--json"), ("verify",), ("verify", "--json"), ("status",),
        ("status", "--json"), ("diagram", "--live"),
        # In `make test` the test of `heal` below and tests/unit/views/test_secrets.py stand for these.
        *(
            pytest.param(arguments, marks=pytest.mark.long)
            for arguments in (("plan",), ("plan", "--at", "10.1.1.2"), ("allocate", "--check"), ("heal",), ("diagram",))
        ),
    ],
    ids=" ".join,
)  # fmt: skip
def test_ipvlan_prints_no_secret(lab: Lab, stack: Stack, arguments: tuple[str, ...]) -> None:
    """No subcommand of `ipvlan` prints a secret, as a table or as JSON."""
    stack.write()
    clean(ipvlan(lab, *arguments))


def test_heal_gives_it_to_the_new_container(lab: Lab) -> None:
    """A container that `heal` creates has the secret, and `heal` does not print it."""
    lab.ssh("docker-2", "docker rm -f nginx")
    for arguments in (("status", "--json"), ("heal",), ("heal", "--yes")):
        clean(ipvlan(lab, *arguments))
    assert f"TOKEN={SECOND}" in environment(lab, "docker-2")


@pytest.mark.long  # tests/lab/test_rollout.py has an error with a secret in `make test`.
def test_errors_print_no_secret(lab: Lab, stack: Stack) -> None:
    """The errors for a port in use, a command that does not exist and an image that cannot be pulled do not have the secret."""
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
    stack.assert_unchanged()


def test_no_file_of_pulumi_holds_it(lab: Lab) -> None:
    """After all of these no file of the state backend or of Pulumi's own folder has a secret."""
    folders = lab.exec("sh", "-c", 'printf "%s\\n" "${PULUMI_BACKEND_URL#file://}" "$PULUMI_HOME"').stdout.splitlines()
    backend, home = (Path(folder) for folder in folders)
    files = [
        path for folder in (backend, home / "logs", home / "workspaces") for path in folder.rglob("*") if path.is_file()
    ]
    assert any(path.name == f"{STACK}.json" for path in files)
    for path in files:
        assert_clean(str(path), path.read_bytes())
    assert_clean(STACK_FILE.name, STACK_FILE.read_bytes())
