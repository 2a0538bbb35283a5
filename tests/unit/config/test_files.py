"""Files that are not stack files: missing, unreadable, wrongly shared."""

from __future__ import annotations

from pathlib import Path

import pytest

from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError
from tests.support.projects import write_project
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


@pytest.mark.parametrize("path", ["/etc/passwd", "../common.yaml", "12", "[a]"])
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


def test_a_map_written_as_json(tmp_path: Path) -> None:
    """What `pulumi config set` stores as JSON text is read as a mapping; text that is not JSON is reported."""
    slices = '{"docker-1": {"address": "192.168.140.200", "parent": "ens33", "slice": "10.1.1.0/24"}}'
    head, _, rest = STACK_TEXT.partition("  ipvlan-fabric:hosts:\n")
    services = rest.partition("  ipvlan-fabric:services:\n")[2]
    text = f"{head}  ipvlan-fabric:hosts: '{{}}'\n  ipvlan-fabric:services:\n{services}"
    write_project(tmp_path, text.replace("{}", slices))
    assert [host.name for host in make_plan(load_stack("dev", tmp_path)).hosts] == ["docker-1"]
    write_project(tmp_path, text.replace("{}", slices[:-1]))
    [(key, wrong)] = keys(tmp_path)
    assert key == "hosts"
    assert wrong.startswith("the text is not JSON")


def test_stray_keys_of_our_namespace(tmp_path: Path) -> None:
    """A misspelt section is an error; a secret that nothing refers to yet is not; other namespaces are ignored."""
    write_project(
        tmp_path, STACK_TEXT + "  ipvlan-fabric:service: {}\n  ipvlan-fabric:later: {secure: v1:a}\n  other:key: 1\n"
    )
    assert keys(tmp_path) == [("service", "there is no such section")]
