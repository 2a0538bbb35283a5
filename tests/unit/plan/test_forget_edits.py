"""What of a host leaves the stack file, and what of it is left to a person."""

from __future__ import annotations

import difflib

import pytest

from ipvlan.config.yaml_edit import Removal, remove
from ipvlan.config.yaml_text import parse_text
from ipvlan.plan.forget_edits import ConfigEdits, StackFiles, forget_edits, hosts_in_config
from ipvlan.problems import ConfigError
from tools.reference_setup import DIGEST, STACK_TEXT

OWN = "Pulumi.dev.yaml"
SHARED = "stacks/common.yaml"


def files(own: str = STACK_TEXT, shared: str | None = None) -> StackFiles:
    """Return the files of stack dev."""
    texts = {OWN: own} if shared is None else {OWN: own, SHARED: shared}
    return StackFiles(stack="dev", own=OWN, common=None if shared is None else SHARED, texts=texts)


def removed_lines(edits: ConfigEdits, before: str) -> list[str]:
    """Return the lines that the edits remove; nothing is added, and nothing is left by hand."""
    assert edits.by_hand == ()
    lines = [line for line in difflib.ndiff(before.splitlines(), edits.texts[OWN].splitlines()) if line[0] in "+-"]
    assert all(line.startswith("- ") for line in lines)
    return [line[2:] for line in lines]


def test_a_host_in_brackets_and_one_of_several_lines() -> None:
    """Exactly its lines go; every other byte stays, comments too."""
    assert removed_lines(forget_edits(files(), "docker-2"), STACK_TEXT) == [
        "    docker-2: {address: 192.168.140.201, parent: ens33, slice: 10.1.2.0/24}"
    ]
    assert removed_lines(forget_edits(files(), "docker-1"), STACK_TEXT) == [
        "    docker-1:",
        "      address: 192.168.140.200",
        "      parent: ens33",
        "      slice: 10.1.1.0/24",
    ]


def test_services_that_name_the_host() -> None:
    """The host leaves `hosts` and `addresses`; an `addresses` that had nothing else goes itself."""
    text = STACK_TEXT.replace(
        "      offset: 1\n",
        "      offset: 1\n      hosts: [docker-1, docker-2]\n      addresses: {docker-2: 10.1.2.9}\n",
    ).replace(
        "      offset: 2\n",
        "      offset: 2\n      hosts:\n        - docker-2  # the second\n        - docker-1  # the first\n"
        "      addresses:\n        docker-1: 10.1.1.7\n        docker-2: 10.1.2.7\n",
    )
    edits = forget_edits(files(text), "docker-2")
    assert edits.by_hand == ()
    services = parse_text(edits.texts[OWN], OWN)["config"]["ipvlan-fabric:services"]
    assert services["centos"]["hosts"] == services["nginx"]["hosts"] == ["docker-1"]
    assert "addresses" not in services["centos"]
    assert services["nginx"]["addresses"] == {"docker-1": "10.1.1.7"}
    assert "- docker-1  # the first\n" in edits.texts[OWN]


def test_nothing_names_the_host() -> None:
    """There is no edit, and nothing for a person."""
    assert forget_edits(files(), "docker-3") == ConfigEdits(texts={}, by_hand=())
    assert hosts_in_config(files()) == ("docker-1", "docker-2")


def test_a_service_that_would_run_nowhere() -> None:
    """A person decides, and no file is changed meanwhile."""
    text = STACK_TEXT.replace("      offset: 1\n", "      offset: 1\n      hosts: [docker-2]\n")
    edits = forget_edits(files(text), "docker-2")
    assert edits.texts == {}
    assert [(problem.code, problem.key) for problem in edits.by_hand] == [("IPF792", "services.centos.hosts")]


def test_the_last_host() -> None:
    """A stack without a host is refused by every command: nothing is edited."""
    text = STACK_TEXT.replace("    docker-2: {address: 192.168.140.201, parent: ens33, slice: 10.1.2.0/24}\n", "")
    edits = forget_edits(files(text), "docker-1")
    assert edits.texts == {}
    assert [(problem.code, problem.key) for problem in edits.by_hand] == [
        ("IPF029", "config.ipvlan-fabric:hosts.docker-1")
    ]


def test_a_host_in_the_shared_file() -> None:
    """It is not removed there, for the other stacks' sake; what to write where is said."""
    shared = "hosts:\n  docker-3: {address: 192.168.140.202, parent: ens33, slice: 10.1.3.0/24}\n"
    own = STACK_TEXT.replace("config:\n", f"config:\n  ipvlan-fabric:common: {SHARED}\n")
    edits = forget_edits(files(own, shared), "docker-3")
    assert edits.texts == {}
    [problem] = edits.by_hand
    assert (problem.code, problem.key) == ("IPF791", "hosts.docker-3")
    assert "write `docker-3: null` below ipvlan-fabric:hosts of Pulumi.dev.yaml" in problem.fix
    # With that the host is not part of this stack, and the line that removes it stays.
    without = own.replace("  ipvlan-fabric:services", "    docker-3: null\n  ipvlan-fabric:services")
    assert forget_edits(files(without, shared), "docker-3") == ConfigEdits(texts={}, by_hand=())


def test_a_service_of_the_shared_file() -> None:
    """A list that the stack has from there is a person's; one that the stack has instead of it is edited."""
    own = STACK_TEXT.replace("config:\n", f"config:\n  ipvlan-fabric:common: {SHARED}\n")
    shared = f"services:\n  web: {{image: registry/web{DIGEST}, offset: 3, hosts: [docker-1, docker-2]}}\n"
    assert [problem.key for problem in forget_edits(files(own, shared), "docker-2").by_hand] == [
        "services.web.hosts.docker-2"
    ]
    override = f"{own}    web:\n      hosts: [docker-2, docker-1]\n"
    assert forget_edits(files(override, shared), "docker-2").texts[OWN].endswith("    web:\n      hosts: [docker-1]\n")
    removed = f"{own}    web: null\n"
    assert forget_edits(files(removed, shared), "docker-2").by_hand == ()


@pytest.mark.parametrize(
    ("before", "path", "key", "after"),
    [
        ("a: {x: 1, y: 2, z: 3}\n", ("a",), "x", "a: {y: 2, z: 3}\n"),
        ("a: {x: 1, y: 2, z: 3}\n", ("a",), "y", "a: {x: 1, z: 3}\n"),
        ("a: {x: 1, y: {b: 1}}  # c\n", ("a",), "y", "a: {x: 1}  # c\n"),
        ("a: [x, 'y', z]\n", ("a",), "y", "a: [x, z]\n"),
        ("a:\n  x: 1\n  y: |\n    text\n\n  # about z\n  z: 3\n", ("a",), "y", "a:\n  x: 1\n  # about z\n  z: 3\n"),
        ("a:\n  x: 1\n  y:\n    b: 1  # one\n    # two\n  z: 3\n", ("a",), "y", "a:\n  x: 1\n  z: 3\n"),
        ("a:\n- x\n- z\nb: 1\n", ("a",), "z", "a:\n- x\nb: 1\n"),
        ("a:\r\n  x: 1\r\n  y: 2\r\n", ("a",), "y", "a:\r\n  x: 1\r\n"),
        ("a:\n  x: 1\n  y: 2", ("a",), "y", "a:\n  x: 1\n"),
        ("a:\n  x:\n  y:\n    b: 2\n", ("a",), "x", "a:\n  y:\n    b: 2\n"),
    ],
)
def test_remove(before: str, path: tuple[str, ...], key: str, after: str) -> None:
    """Only the entry's own text goes, in every layout."""
    assert remove(before, [Removal(path, key)], "file") == after


@pytest.mark.parametrize(
    ("text", "path", "key"),
    [
        ("a: {x: 1}\n", ("a",), "x"),
        ("a: {x: 1, y: 2}\n", ("a",), "z"),
        ("a: {x: &n {b: 1}, y: *n}\n", ("a",), "x"),
        ("a: &n {x: 1, y: 2}\nb: *n\n", ("b",), "x"),
        ("a: {x: 1,  # why\n  y: 2}\n", ("a",), "y"),
        ("a: text\n", ("a",), "x"),
        ("a: [1, 2]\n", ("a",), "1"),
        ("b: 1\n", ("a",), "x"),
    ],
)
def test_remove_refuses(text: str, path: tuple[str, ...], key: str) -> None:
    """The only entry, one that others share, and one with a comment beside it are not removed."""
    with pytest.raises(ConfigError) as caught:
        remove(text, [Removal(path, key)], "file")
    assert [problem.code for problem in caught.value.problems] == ["IPF029"]
