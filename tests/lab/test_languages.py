"""The reference setup from programs in YAML and TypeScript: it comes up through the plugin, with the same matrix as from Python.

An official Pulumi makes the TypeScript SDK by `pulumi package add`. The toolchain that can be built from Go modules has older
language hosts, so here `gen-sdk` makes it of the same schema.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.harness import ADDRESSES, HOSTS, ROOT, TRACEBACK, Lab, Result, Stack

SECRET = "hunter2"
EXECUTABLE = "./provider/pulumi-resource-ipvlan-fabric"
SCHEMA = ROOT / "schema" / "package.schema.json"


@dataclass(frozen=True)
class Program:
    """A program in another language, with a stack of its own on the lab."""

    lab: Lab
    folder: Path
    stack: str = "labtest-language"

    def pulumi(self, *arguments: str, check: bool = True, stdin: str | None = None, timeout: float = 300) -> Result:
        """Run a pulumi command in the program's folder."""
        command = ("toolchain/languages/run", "pulumi", "--non-interactive", "-C", str(self.folder), *arguments)
        done = self.lab.exec(*command, "--stack", self.stack, check=check, stdin=stdin, timeout=timeout)
        assert TRACEBACK not in done.stdout + done.stderr
        return done

    def create(self) -> None:
        """Create the stack, with its secret."""
        self.lab.exec("toolchain/languages/run", "pulumi", "-C", str(self.folder), "stack", "init", self.stack)
        self.pulumi("config", "set", "--secret", "token", stdin=SECRET)

    def remove(self) -> None:
        """Destroy the stack and remove it."""
        self.pulumi("destroy", "--yes", "--skip-preview", check=False)
        self.pulumi("stack", "rm", "--yes", "--force", check=False)


@pytest.fixture(scope="module", autouse=True)
def languages() -> None:
    """Build the language hosts, once per machine."""
    subprocess.run([ROOT / "toolchain" / "languages" / "setup"], check=True, timeout=1500, stdin=subprocess.DEVNULL)


def copy_of(example: str, folder: Path) -> Path:
    """Return a copy of an example's program, which finds the plugin in this checkout."""
    copied = folder / example
    shutil.copytree(ROOT / "examples" / example, copied, ignore=shutil.ignore_patterns("node_modules", "sdks", "bin"))
    project = copied / "Pulumi.yaml"
    project.write_text(project.read_text().replace("../../provider", str(ROOT / "provider")))
    return copied


@pytest.fixture
def yaml_program(lab: Lab, tmp_path: Path) -> Iterator[Program]:
    """Return the program in YAML, with its stack."""
    program = Program(lab, copy_of("yaml", tmp_path))
    program.create()
    yield program
    program.remove()


@pytest.fixture
def typescript_program(lab: Lab, tmp_path: Path) -> Iterator[Program]:
    """Return the program in TypeScript, compiled with an SDK made of the schema, with its stack."""
    folder = copy_of("typescript", tmp_path)
    sdk = folder / "sdks" / "ipvlan-fabric"

    def run(*command: str, timeout: float) -> None:
        subprocess.run(command, cwd=folder, check=True, timeout=timeout, stdin=subprocess.DEVNULL)

    run(str(ROOT / "toolchain/languages/run"), "gen-sdk", "nodejs", str(SCHEMA), str(sdk), timeout=60)
    run(
        "npm",
        "install",
        "--ignore-scripts",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
        "--loglevel=error",
        timeout=300,
    )
    run("npx", "tsc", "-p", str(sdk), timeout=120)
    shutil.copy(sdk / "package.json", sdk / "bin")
    run("npx", "tsc", "--noEmit", timeout=120)
    program = Program(lab, folder)
    program.create()
    yield program
    program.remove()


def assert_reference_setup(lab: Lab, program: Program, stack: Stack) -> None:
    """Assert that all connections are as from Python, that the secret is there and hidden, and that nothing is left to do."""
    program.pulumi("up", "--yes", "--skip-preview")
    document = stack.verify()
    assert document["ok"], [cell for cell in document["cells"] if not cell["ok"]]
    assert len(document["cells"]) >= 4 * 3 + 4 * 2 + 4 + 2
    outputs: dict[str, Any] = json.loads(program.pulumi("stack", "output", "--json").stdout)
    assert outputs["urls"] == {"nginx": [f"http://{ADDRESSES[host]}" for host in HOSTS]}
    assert outputs["addresses"]["nginx"] == {"docker-1": "10.1.1.2", "docker-2": "10.1.2.2"}
    environment = lab.ssh("docker-1", "docker inspect -f '{{json .Config.Env}}' nginx")
    assert f"TOKEN={SECRET}" in environment
    assert SECRET not in program.pulumi("stack", "export").stdout
    program.pulumi("up", "--yes", "--skip-preview", "--expect-no-changes")


def test_the_plugin_serves_the_schema(lab: Lab) -> None:
    """`pulumi package get-schema` prints the schema that is in the repository; it is what `pulumi package add` reads."""
    done = lab.exec("pulumi", "package", "get-schema", EXECUTABLE)
    served, written = json.loads(done.stdout), json.loads(SCHEMA.read_text())
    for part in ("name", "version", "types", "resources"):
        assert served[part] == written[part]


def test_yaml(lab: Lab, stack: Stack, yaml_program: Program) -> None:
    """The program in YAML brings the reference setup up; a mistake in it is named with its key, as in a stack file."""
    assert_reference_setup(lab, yaml_program, stack)
    ids = lab.container_ids()
    project = yaml_program.folder / "Pulumi.yaml"
    project.write_text(project.read_text().replace("offset: 2\n", "offset: 70000\n"))
    wrong = yaml_program.pulumi("up", "--yes", "--skip-preview", check=False)
    assert wrong.returncode != 0
    assert "services.nginx.offset: 70000" in wrong.stdout + wrong.stderr
    assert lab.container_ids() == ids


@pytest.mark.long  # The program in YAML stands for it in `make test`: the plugin does the same for both.
def test_typescript(lab: Lab, stack: Stack, typescript_program: Program) -> None:
    """The program in TypeScript compiles against the SDK and brings the reference setup up; an unknown key does not compile."""
    assert_reference_setup(lab, typescript_program, stack)
    source = typescript_program.folder / "index.ts"
    source.write_text(source.read_text().replace("published: true", "publish: true"))
    wrong = typescript_program.pulumi("up", "--yes", "--skip-preview", check=False)
    assert wrong.returncode != 0
    assert "publish" in wrong.stdout + wrong.stderr


def test_nothing_is_left(lab: Lab) -> None:
    """Both destroys leave no container and no network of the fabric."""
    for host in HOSTS:
        assert lab.ssh(host, "docker ps -aq").strip() == ""
        assert "ipvlanl2" not in lab.ssh(host, "docker network ls --format '{{.Name}}'")
