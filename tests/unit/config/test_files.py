"""Files that are not stack files: missing, unreadable, wrongly shared."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from ipvlan.config.yaml_limits import DEEPEST
from ipvlan.config.yaml_text import StackFileError, parse_text
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError
from tests.support.projects import ipvlan, write_project
from tools.reference_setup import DIGEST, STACK_TEXT

COMMON = "config:\n  ipvlan-fabric:common: "


def keys(folder: Path) -> list[tuple[str, str]]:
    """Return key and problem of each problem."""
    with pytest.raises(ConfigError) as refused:
        make_plan(load_stack("dev", folder))
    return [(problem.key, problem.problem) for problem in refused.value.problems]


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    """Bytes that are not UTF-8 are reported with their place."""
    write_project(tmp_path).write_bytes(b"config: \xff\xfe\n")
    assert keys(tmp_path) == [("Pulumi.dev.yaml", "byte 8 is not UTF-8")]


def test_a_folder_instead_of_a_file(tmp_path: Path) -> None:
    """A file that cannot be read is reported in the system's own words."""
    (tmp_path / "Pulumi.dev.yaml").mkdir()
    assert keys(tmp_path) == [("Pulumi.dev.yaml", "the file cannot be read: Is a directory")]


NO_FILE = "the file cannot be read: It is a pipe, a socket or a device"


@pytest.mark.timeout(20)
@pytest.mark.parametrize("command", ["plan", "allocate"])
def test_a_pipe_or_a_device_instead_of_a_file(tmp_path: Path, command: str) -> None:
    """It is refused: a pipe without a writer would never answer, and a device never end. The same goes for the shared file."""
    os.mkfifo(tmp_path / "pipe")
    own = write_project(tmp_path, STACK_TEXT.replace("config:\n", f"{COMMON}pipe\n"))
    assert keys(tmp_path)[0] == ("pipe", NO_FILE)
    assert f"problem: {NO_FILE}" in ipvlan(tmp_path, command).stderr
    for target in (tmp_path / "pipe", Path("/dev/zero")):
        own.unlink()
        own.symlink_to(target)
        assert keys(tmp_path) == [("Pulumi.dev.yaml", NO_FILE)]
        assert "IPF003 Pulumi.dev.yaml" in ipvlan(tmp_path, command).stderr


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 3000, "a: " + "[" * 3000 + "]" * 3000, "{a: " * 3000, "- " * 3000, "? " * 3000, "a: " + "[{" * 3000],
    ids=["open lists", "lists", "mappings", "block lists", "block keys", "both"],
)
def test_nesting_that_is_too_deep(text: str) -> None:
    """It is refused at once, with its place: before, the third list in this test took ten seconds."""
    began = time.process_time()
    with pytest.raises(StackFileError) as refused:
        parse_text(text, "x")
    assert time.process_time() - began < 1
    (problem,) = refused.value.problems
    assert (problem.code, problem.key.startswith("x:1:")) == ("IPF007", True)


def test_the_deepest_nesting() -> None:
    """What is allowed is read, in both styles."""
    depth = DEEPEST - 2
    deep = parse_text("a: " + "[" * depth + "1" + "]" * depth, "x")["a"]
    for _ in range(depth):
        (deep,) = deep
    assert deep == 1
    assert parse_text("\n".join(" " * level + "a:" for level in range(depth)), "x")


@pytest.mark.parametrize("path", ["/etc/passwd", "../common.yaml", "12", "[a]", '"a\\0b"'])
def test_a_shared_file_outside_the_project(tmp_path: Path, path: str) -> None:
    """The shared file must be a path below the project."""
    write_project(tmp_path, STACK_TEXT.replace("config:\n", f"{COMMON}{path}\n"))
    assert keys(tmp_path) == [("common", "this is not the path of a file in the project")]


def test_a_shared_file_that_is_missing(tmp_path: Path) -> None:
    """A missing shared file is reported together with what else is wrong."""
    write_project(
        tmp_path, STACK_TEXT.replace("config:\n", f"{COMMON}stacks/common.yaml\n").replace("offset: 2", "offset: -1")
    )
    assert keys(tmp_path) == [
        ("common: stacks/common.yaml", "there is no such file"),
        ("services.nginx.offset", "offsets begin at 0"),
    ]


def test_a_shared_file_with_a_secret_and_a_stray_key(tmp_path: Path) -> None:
    """Secrets and unknown keys are refused in the shared file as in the stack's own."""
    (tmp_path / "common.yaml").write_text(
        f"servces: {{}}\nservices:\n  web:\n    image: registry/web{DIGEST}\n    offset: 3\n"
        "    environment: {TOKEN: {secure: v1:abc}}\n"
    )
    write_project(tmp_path, STACK_TEXT.replace("config:\n", f"{COMMON}common.yaml\n"))
    assert keys(tmp_path) == [
        ("common.yaml: servces", "there is no such section"),
        ("services.web.environment.TOKEN", "an encrypted value is inside the mapping"),
    ]


def test_a_section_as_text(tmp_path: Path) -> None:
    """JSON in quotes is no mapping: Pulumi refuses it too, since Pulumi.yaml declares an object."""
    write_project(tmp_path, f"{STACK_TEXT}  ipvlan-fabric:ssh: '{{\"connect_timeout\": 5}}'\n")
    assert keys(tmp_path) == [("ssh", "this is not a mapping")]


def test_nesting_by_aliases_in_keys() -> None:
    """It is refused too."""
    level = "[" * 20 + "{}" + "]" * 20
    text = "".join(f"? [&a{n} {level.format(f'*a{n - 1}' if n else 1)}]\n: 1\n" for n in range(60)) + "b: *a59\n"
    with pytest.raises(StackFileError, match="IPF007 x"):
        parse_text(text, "x")


def test_stray_keys_of_our_namespace(tmp_path: Path) -> None:
    """A misspelt section is an error; a secret that nothing refers to yet is not; other namespaces are ignored."""
    write_project(
        tmp_path, STACK_TEXT + "  ipvlan-fabric:service: {}\n  ipvlan-fabric:later: {secure: v1:a}\n  other:key: 1\n"
    )
    assert keys(tmp_path) == [("service", "there is no such section")]
