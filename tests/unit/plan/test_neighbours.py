"""The other stacks of a project: in `plan`, in `report`, and in files that are none."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan import neighbours
from ipvlan.plan.make import make_plan
from ipvlan.plan.neighbours import warnings_of_others
from ipvlan.plan.validate import load_stack
from tests.support.projects import commit_all, ipvlan, write_project
from tools.reference_setup import STACK_TEXT

APART = (
    STACK_TEXT.replace("10.1.", "10.2.")
    .replace("ipvlanl2", "second")
    .replace("ens33", "ens33.20")
    .replace("    nginx:", "    nginx2:")
    .replace("    centos:", "    centos2:")
    .replace('"80:80"', '"8080:80"')
)
"""A second fabric on a VLAN of the same machines."""

SAME_PORT = APART.replace('"8080:80"', '"80:80"')


def warnings(folder: Path, stack: str = "dev") -> list[tuple[str, str]]:
    """Return code and key of each warning about other stacks."""
    plan = make_plan(load_stack(stack, folder))
    return [(warning.code, warning.key) for warning in warnings_of_others(plan, stack, Checkout(folder))]


def test_a_second_fabric_on_a_vlan(tmp_path: Path) -> None:
    """Nothing is said of it."""
    write_project(tmp_path)
    write_project(tmp_path, APART, "blue")
    assert (warnings(tmp_path), warnings(tmp_path, "blue")) == ([], [])
    assert ipvlan(tmp_path, "plan").stderr == ""


def test_plan_names_what_clashes(tmp_path: Path) -> None:
    """On standard error, with the exit status of a plan without it; in the document with --json."""
    write_project(tmp_path)
    write_project(tmp_path, SAME_PORT, "blue")
    done = ipvlan(tmp_path, "plan")
    key = "services.nginx.ports and Pulumi.blue.yaml: services.nginx2.ports"
    assert done.returncode == 0
    assert done.stderr.startswith(f"warning: IPF352 {key}: 80:80\n    problem: stack blue publishes the same port")
    document = json.loads(ipvlan(tmp_path, "plan", "--json").stdout)
    assert [(warning["code"], warning["key"]) for warning in document["warnings"]] == [("IPF352", key)]
    # A stack in any spelling is not its own neighbour.
    assert ipvlan(tmp_path, "--stack", "acme/ipvlan-fabric/blue", "plan").stderr.count("warning:") == 1


def test_report_names_what_clashes(tmp_path: Path) -> None:
    """In Markdown and JSON, of the working folder and of a commit, whose stack files are those of the commit."""
    write_project(tmp_path)
    first = commit_all(tmp_path, "one")
    write_project(tmp_path, SAME_PORT, "blue")
    second = commit_all(tmp_path, "two")
    (tmp_path / "Pulumi.blue.yaml").unlink()
    assert "IPF352" not in ipvlan(tmp_path, "report", "--base", first).stdout
    assert "IPF352" not in ipvlan(tmp_path, "report", "--base", first, "--head", first).stdout
    assert "| IPF352 |" in ipvlan(tmp_path, "report", "--base", first, "--head", second).stdout
    write_project(tmp_path, SAME_PORT, "blue")
    document = json.loads(ipvlan(tmp_path, "report", "--base", first, "--json").stdout)
    assert [warning["code"] for warning in document["warnings"]] == ["IPF352"]


def test_a_stack_with_a_shared_file(tmp_path: Path) -> None:
    """It is read as `ipvlan --stack` reads it."""
    write_project(tmp_path)
    own, services = SAME_PORT.split("  ipvlan-fabric:services:\n")
    (tmp_path / "common.yaml").write_text(f"services:\n{services}")
    write_project(tmp_path, own + "  ipvlan-fabric:common: common.yaml\n", "blue")
    assert [code for code, _ in warnings(tmp_path)] == ["IPF352"]


@pytest.mark.parametrize(
    "text",
    [
        "config: [",
        "config: {ipvlan-fabric:hosts: {}}\n",
        "config: {other:thing: 1}\n",
        "config: [1]\n",
        "- 1\n",
        "config:\n  ipvlan-fabric:hosts: '" + "[" * 5000 + "'\n",
        "config:\n  ipvlan-fabric:hosts: '{\"a\": " + "1" * 5000 + "}'\n",
        'config: {ipvlan-fabric:common: "a\\0b"}\n',
        STACK_TEXT.replace("10.1.2.0/24", "10.1.1.0/24"),
        STACK_TEXT.replace("10.1.1.0/24", '"\\ud800"'),
    ],
    ids=[
        "no YAML", "no fabric", "another project", "a list", "no mapping", "deep JSON", "a large number", "NUL", "a contradiction",
        "a surrogate",
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_compared(tmp_path: Path, text: str) -> None:
    """One warning names it; the other files are compared, and this stack is planned."""
    write_project(tmp_path)
    write_project(tmp_path, text, "aside")
    write_project(tmp_path, SAME_PORT, "blue")
    assert warnings(tmp_path) == [
        ("IPF352", "services.nginx.ports and Pulumi.blue.yaml: services.nginx2.ports"),
        ("IPF350", "Pulumi.aside.yaml"),
    ]
    assert ipvlan(tmp_path, "plan").returncode == 0


@pytest.mark.parametrize("text", ["", "encryptionsalt: v1:x=\n", "config:\n", "config: {}\n", "fabric: {}\n"])
def test_a_file_without_config(tmp_path: Path, text: str) -> None:
    """A new stack, or a shared file, has nothing to compare, and nothing is said."""
    write_project(tmp_path)
    write_project(tmp_path, text, "new")
    assert warnings(tmp_path) == []


def test_what_is_no_file(tmp_path: Path) -> None:
    """A pipe, which would never answer, a folder and a link to nothing are not opened; nor is what cannot be a stack's name."""
    write_project(tmp_path)
    os.mkfifo(tmp_path / "Pulumi.pipe.yaml")
    (tmp_path / "Pulumi.folder.yaml").mkdir()
    (tmp_path / "Pulumi.nothing.yaml").symlink_to("nowhere")
    (tmp_path / "Pulumi.-x y.yaml").write_text(SAME_PORT)
    assert warnings(tmp_path) == []


@pytest.mark.timeout(20)
def test_a_shared_file_that_is_no_file(tmp_path: Path) -> None:
    """The stack that names a pipe is not compared, and the command ends."""
    write_project(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    write_project(tmp_path, "config:\n  ipvlan-fabric:common: pipe\n  ipvlan-fabric:hosts: {}\n", "blue")
    assert warnings(tmp_path) == [("IPF350", "Pulumi.blue.yaml")]
    done = ipvlan(tmp_path, "plan")
    assert (done.returncode, done.stderr.count("warning: IPF350 Pulumi.blue.yaml")) == (0, 1)


def test_a_link_into_a_folder_of_somebody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named in a warning, and the stack is planned."""
    real_stat = Path.stat

    def refuse(path: Path, **_options: bool) -> os.stat_result:
        if path.name == "Pulumi.blue.yaml":
            raise PermissionError(13, "Permission denied", str(path))
        return real_stat(path)

    write_project(tmp_path)
    write_project(tmp_path, APART, "blue")
    monkeypatch.setattr("pathlib.Path.stat", refuse)
    assert warnings(tmp_path) == [("IPF350", "Pulumi.blue.yaml")]


def test_more_than_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is too much is not read, and one warning names all of it; small files after it are compared."""
    monkeypatch.setattr(neighbours, "MOST_TEXT", 3 * len(STACK_TEXT))
    write_project(tmp_path)
    write_project(tmp_path, SAME_PORT + "#" * 10_000, "a-large")
    write_project(tmp_path, SAME_PORT, "blue")
    write_project(tmp_path, SAME_PORT, "green")
    write_project(tmp_path, SAME_PORT, "red")
    assert [code for code, _ in warnings(tmp_path)] == ["IPF352", "IPF352", "IPF351"]
    assert warnings(tmp_path)[-1] == ("IPF351", "Pulumi.a-large.yaml, Pulumi.red.yaml")


def test_two_stacks_of_a_hundred_hosts(tmp_path: Path) -> None:
    """Comparing them takes less than half a second (0.07 s were measured), and a few warnings name all that clashes."""
    hosts = "".join(
        f"    h{number}: {{address: 192.168.{number // 50}.{number % 50 + 1}, parent: eth0, slice: 10.1.{number + 1}.0/24}}\n"
        for number in range(100)
    )
    before, _, after = STACK_TEXT.partition("  ipvlan-fabric:hosts:\n")
    services = after[after.index("  ipvlan-fabric:services:\n") :]
    for stack in ("dev", "blue"):
        write_project(tmp_path, f"{before}  ipvlan-fabric:hosts:\n{hosts}{services}", stack)
    plan = make_plan(load_stack("dev", tmp_path))
    began = time.process_time()
    found = warnings_of_others(plan, "dev", Checkout(tmp_path))
    assert time.process_time() - began < 0.5
    assert [warning.code for warning in found] == [f"IPF{number}" for number in range(352, 359)]
    assert "and 99 more such" in found[0].problem
