"""`ipvlan import compose`, as a person runs it: three projects as files, what is printed, and what ends in an error.

The compose files are well-known projects, written anew with their keys; `*.stack.yaml` is what an import makes of the stack file.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from pathlib import Path
from typing import Final

import pytest

from ipvlan.config import file_write
from tests.support.json_documents import validate
from tests.support.projects import Ended, ipvlan, write_project
from tools.reference_setup import STACK_TEXT

DATA: Final = Path(__file__).with_name("compose")

NO_SERVICES: Final = STACK_TEXT.partition("  ipvlan-fabric:services:")[0]
"""The reference setup without its services."""
NAS: Final = """\
# The LAN of a NAS.
config:
  ipvlan-fabric:fabric: {name: lan, subnet: 192.168.140.0/24, gateway: 192.168.140.1, reserved: [192.168.140.100-192.168.140.199]}
  ipvlan-fabric:hosts:
    nas: {address: 192.168.140.200, parent: ovs_eth0, slice: 192.168.140.32/28, dynamic: none}
  ipvlan-fabric:services: {}   # none yet
"""
WEB: Final = 'services: {web: {image: "nginx:1.27", environment: {API_TOKEN: hunter2}}}\n'

PROJECTS: Final = {
    "proxy": (NO_SERVICES, ["proxy.yaml", "--host", "docker-1", "--project-dir", "/srv/edge"]),
    "dns": (NAS, ["dns.yaml", "--host", "nas", "--project-name", "dns", "--project-dir", "/volume1/docker/dns"]),
    "wiki": (NO_SERVICES, ["wiki.yaml", "wiki.override.yaml", "--host", "docker-1", "--host", "docker-2"]),
}
"""Name -> the stack file before, and the arguments."""

LEFT_OUT: Final = {
    "proxy": [
        ("proxy.yaml", 22, "proxy", "ports[3].mode", "not-needed"),
        ("proxy.yaml", 35, "", "services", "advice"),
        ("proxy.yaml", 35, "", "services", "advice"),
        ("proxy.yaml", 38, "whoami", "expose", "not-needed"),
        ("proxy.yaml", 44, "whoami", "deploy.replicas", "not-carried"),
        ("proxy.yaml", 45, "docs", "profiles", "not-carried"),
    ],
    "dns": [
        ("dns.yaml", 6, "blocker", "mac_address", "not-carried"),
        ("dns.yaml", 8, "blocker", "networks.lan", "not-needed"),
        ("dns.yaml", 11, "blocker", "ports", "not-carried"),
        ("dns.yaml", 15, "blocker", "environment.WEBPASSWORD", "not-carried"),
        ("dns.yaml", 23, "blocker", "depends_on.resolver.restart", "not-carried"),
        ("dns.yaml", 25, "", "services", "advice"),
        ("dns.yaml", 27, "resolver", "networks.lan", "not-needed"),
        ("dns.yaml", 43, "", "networks.lan.driver", "not-carried"),
    ],
    "wiki": [
        ("wiki.yaml", 3, "", "services", "advice"),
        ("wiki.yaml", 8, "wiki", "depends_on.migrate", "not-carried"),
        ("wiki.yaml", 14, "wiki", "secrets[0]", "not-carried"),
        ("wiki.yaml", 15, "wiki", "ports[0]", "not-carried"),
        ("wiki.yaml", 19, "", "services", "advice"),
        ("wiki.yaml", 19, "", "services", "advice"),
        ("wiki.yaml", 21, "database", "environment", "advice"),
        ("wiki.yaml", 45, "migrate", "environment", "advice"),
    ],
}
"""Name -> file, line, service, key and kind of what is left out."""


def write_compose(folder: Path, text: str = WEB, name: str = "compose.yaml") -> Path:
    """Write a compose file into a folder."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def run(folder: Path, *arguments: str) -> Ended:
    """Import `compose.yaml` of the project's folder to docker-1."""
    return ipvlan(folder, "import", "compose", "compose.yaml", "--host", "docker-1", *arguments)


@pytest.mark.parametrize("project", PROJECTS)
def test_a_well_known_project(project: str, tmp_path: Path) -> None:
    """The stack file afterwards, byte by byte; what was left out; and the stack can be planned."""
    before, arguments = PROJECTS[project]
    path = write_project(tmp_path, before)
    for file in DATA.glob("*.yaml"):
        shutil.copy(file, tmp_path)
    done = ipvlan(tmp_path, "import", "compose", *arguments, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert path.read_text(encoding="utf-8") == (DATA / f"{project}.stack.yaml").read_text(encoding="utf-8")
    printed = json.loads(done.stdout)
    validate(printed, "import")
    entries = [(*(entry[key] for key in ("file", "line", "service", "key", "kind")),) for entry in printed["left_out"]]
    assert entries == LEFT_OUT[project]
    assert all(entry["reason"] for entry in printed["left_out"])
    assert ipvlan(tmp_path, "plan").returncode == 0


def test_check_writes_nothing(tmp_path: Path) -> None:
    """--check, or --dry-run, prints the same diff, and has exit status 1."""
    path = write_project(tmp_path)
    write_compose(tmp_path)
    checked, dry = run(tmp_path, "--check"), run(tmp_path, "--dry-run")
    assert (checked.returncode, checked) == (1, dry)
    assert path.read_text() == STACK_TEXT
    done = run(tmp_path)
    assert done.returncode == 0
    assert done.stdout == checked.stdout
    added = [line[1:] for line in done.stdout.splitlines() if line.startswith("+") and not line.startswith("+++")]
    written = path.read_text()
    assert written.replace("hunter2", "(not shown)") == STACK_TEXT + "\n".join(added) + "\n"
    assert "hunter2" in written
    assert ipvlan(tmp_path, "allocate").stdout.startswith("nothing is missing")


def test_a_secret_is_named_and_not_shown(tmp_path: Path) -> None:
    """The value is in the stack file, as it was in the compose file, and the list has its name alone."""
    write_project(tmp_path)
    write_compose(tmp_path)
    printed = json.loads(run(tmp_path, "--check", "--json").stdout)
    assert "hunter2" not in json.dumps(printed)
    (advice,) = [entry for entry in printed["left_out"] if entry["key"] == "environment"]
    assert "API_TOKEN looks like a secret" in advice["reason"]
    stdout = run(tmp_path).stdout
    assert "API_TOKEN" in stdout.partition("decided:")[2]
    assert "hunter2" not in stdout


def test_a_value_of_env_is_not_shown(tmp_path: Path) -> None:
    """Neither in the change nor in the list; names, places and ports are, to be looked at."""
    path = write_project(tmp_path)
    (tmp_path / ".env").write_text("PW=hunter2\nPORT=8099\n")
    keys = (
        "image: a, command: '--requirepass ${PW}', labels: {a: '${PW}'}, ports: ['${PORT}:80'], environment: {A: plain}"
    )
    write_compose(tmp_path, f"services: {{web: {{{keys}}}}}")
    checked, done = run(tmp_path, "--check"), run(tmp_path)
    assert checked.stdout == done.stdout
    assert "hunter2" not in done.stdout
    assert "plain\n" not in done.stdout
    assert "command: [--requirepass, (not shown)]" in done.stdout
    assert "8099:80" in done.stdout
    assert path.read_text().count("hunter2") == 2


def test_what_is_missing_besides_is_allocated(tmp_path: Path) -> None:
    """A slice that the host does not have yet is written too, since nothing could be planned without it."""
    path = write_project(tmp_path, NO_SERVICES.replace("      slice: 10.1.1.0/24\n", ""))
    write_compose(tmp_path)
    printed = json.loads(run(tmp_path, "--json").stdout)
    assert [entry["key"] for entry in printed["allocations"]] == ["hosts.docker-1.slice"]
    assert "slice: 10.1.0.0/24" in path.read_text() or "slice: 10.1.1.0/24" in path.read_text()


def test_everything_wrong_at_once(tmp_path: Path) -> None:
    """A service that is there, names that are refused or taken, a port that is taken: all in one message, nothing written."""
    path = write_project(tmp_path)
    write_compose(
        tmp_path,
        """
services:
  nginx: {image: nginx}
  one: {image: nginx, container_name: same, ports: ["80:8080"]}
  two: {image: nginx, container_name: same}
""",
    )
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert path.read_text() == STACK_TEXT
    for text in (
        "IPF927 services.nginx: compose.yaml:3",
        "services.one and services.two",
        "services.nginx.ports and services.one.ports",
    ):
        assert text in done.stderr


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("services: {web: {image: a, ports: [22:22]}}", "IPF013 compose.yaml:1:", "readers of YAML differ"),
        ("services: {web: !reset {image: a}}", "IPF038 compose.yaml:1:", "a tag"),
        ("services: {web: {image: a}, web: {image: b}}", "IPF011 compose.yaml:1:", "twice"),
        ("web: {image: a}", "IPF924 compose.yaml", "`services`"),
        ("services: [web]", "IPF924 compose.yaml", "`services`"),
        ("- services", "IPF008 compose.yaml", "not a mapping"),
        ("", "IPF924 compose.yaml", "`services`"),
    ],
)
def test_a_file_that_is_no_compose_file(text: str, code: str, message: str, tmp_path: Path) -> None:
    """The place and the fix are said in words of an import: nothing of Pulumi is concerned yet."""
    write_project(tmp_path)
    write_compose(tmp_path, text)
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("what is to be imported has 1 problem:")
    assert code in done.stderr
    assert message in done.stderr
    assert "Pulumi" not in done.stderr


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """All of them are named: a missing file, a pipe, bytes that are no text, a line that is no variable."""
    write_project(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "bytes.yaml").write_bytes(b"services: {a: {image: \xff}}")
    (tmp_path / "vars").write_text("A=1\n= x\n")
    done = ipvlan(
        tmp_path,
        *("import", "compose", "missing.yaml", "pipe", "bytes.yaml", "--host", "docker-1", "--env-file", "vars"),
    )
    assert done.returncode == 1
    for text in ("IPF922 missing.yaml", "IPF922 pipe", "IPF922 bytes.yaml", "IPF923 vars:2"):
        assert text in done.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--host", "docker-9"], 2, "docker-9: the plan has no such name; it has docker-1, docker-2"),
        (["--project-dir", "here"], 2, "--project-dir"),
        (["--project-name", "A b"], 1, "IPF925 --project-name: A b"),
        (["--env-file", "nowhere"], 1, "IPF922 nowhere"),
    ],
)
def test_wrong_options(arguments: list[str], status: int, message: str, tmp_path: Path) -> None:
    """Each ends the command before anything is written."""
    path = write_project(tmp_path)
    write_compose(tmp_path)
    done = run(tmp_path, *arguments)
    assert message in " ".join(done.stderr.replace("│", " ").split())
    assert done.returncode == status
    assert path.read_text() == STACK_TEXT


def test_a_host_is_required(tmp_path: Path) -> None:
    """Nothing says otherwise where the services run."""
    write_project(tmp_path)
    write_compose(tmp_path)
    done = ipvlan(tmp_path, "import", "compose", "compose.yaml")
    assert done.returncode == 2
    assert "--host" in done.stderr


def test_nothing_that_can_be_carried(tmp_path: Path) -> None:
    """The file stays as it is, and the exit status says so."""
    path = write_project(tmp_path)
    write_compose(tmp_path, "services: {web: {build: .}}")
    done = run(tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith("no service can be carried over")
    assert "services.web.build" in done.stdout
    assert run(tmp_path, "--check").returncode == 0
    assert path.read_text() == STACK_TEXT


def test_nobody_s_edit_is_overwritten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another run edits files of the folder, nothing is written."""
    path = write_project(tmp_path)
    write_compose(tmp_path)
    monkeypatch.setattr(file_write, "LOCK_SECONDS", 0.2)
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        done = run(tmp_path)
    finally:
        os.close(descriptor)
    assert done.returncode == 1
    assert "IPF620" in done.stderr
    assert path.read_text() == STACK_TEXT


def test_services_of_the_shared_file_stay_there(tmp_path: Path) -> None:
    """The new ones go into the stack's own file, beside those that only the shared file has."""
    own, _, services = STACK_TEXT.partition("  ipvlan-fabric:services:\n")
    (tmp_path / "common.yaml").write_text("services:\n" + services)
    path = write_project(tmp_path, own + "  ipvlan-fabric:common: common.yaml\n")
    write_compose(tmp_path)
    assert run(tmp_path).returncode == 0
    assert "  ipvlan-fabric:services:\n    web:\n" in path.read_text()
    assert (tmp_path / "common.yaml").read_text() == "services:\n" + services
    assert ipvlan(tmp_path, "plan").returncode == 0


def test_the_folder_on_the_host_names_the_project(tmp_path: Path) -> None:
    """Compose named the volumes by it there, wherever the file was copied to."""
    path = write_project(tmp_path)
    write_compose(tmp_path, "services: {web: {image: a, volumes: ['data:/d']}}\nvolumes: {data: }")
    assert run(tmp_path, "--project-dir", "/srv/Shop").returncode == 0
    assert "shop_data:/d" in path.read_text()


def test_what_compose_reads_besides(tmp_path: Path) -> None:
    """A file of COMPOSE_FILE and an override beside are named; COMPOSE_PROFILES chooses, unless --profile does."""
    write_project(tmp_path)
    write_compose(
        tmp_path, "services: {web: {image: a}, old: {image: b, profiles: [b]}, new: {image: c, profiles: [c]}}"
    )
    override = write_compose(tmp_path, "services: {web: {user: u}}", "compose.override.yml")

    def checked(*arguments: str) -> tuple[list[str], list[str]]:
        printed = json.loads(run(tmp_path, "--check", "--json", *arguments).stdout)
        return printed["services"], [entry["reason"] for entry in printed["left_out"] if "compose " in entry["reason"]]

    services, reasons = checked()
    assert services == ["web"]
    assert "compose.override.yml" in " ".join(reasons)
    override.unlink()
    (tmp_path / ".env").write_text("COMPOSE_FILE=compose.yaml:prod.yaml\nCOMPOSE_PROFILES=b,d\n")
    services, reasons = checked()
    assert services == ["web", "old"]
    assert "compose reads prod.yaml too" in " ".join(reasons)
    assert checked("--profile", "c")[0] == ["web", "new"]
