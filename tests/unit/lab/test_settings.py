"""The lab's pure functions: names, parameters, the machine's apt sources, digests in the stack file, reproducible images."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from lab import apt, containerimage, recipe, settings, stackfile
from lab.errors import LabError

DEB822 = """\
Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main

# a comment
Types: deb
URIs: http://mirror.test/debian
Suites: bookworm bookworm-updates
Components: main
"""


def test_the_archive_comes_from_deb822_sources() -> None:
    """In a .sources file the stanza of the release is used, not the one of security updates."""
    assert list(apt.find_mirrors([(".sources", DEB822)])) == ["http://mirror.test/debian"]


def test_the_archive_comes_from_one_line_sources() -> None:
    """In a sources.list the line of the release is used, not those of other vendors and source packages."""
    text = (
        "deb-src http://mirror.test/debian trixie main\n"
        "deb http://vendor.test/sdk sdk-main main\n"
        "deb [signed-by=/k trusted=yes] http://mirror.test/debian trixie main contrib\n"
    )
    assert list(apt.find_mirrors([(".list", text)])) == ["http://mirror.test/debian"]


@pytest.mark.parametrize(
    ("text", "suites"),
    [
        ("trixie", ["trixie", "trixie"]),
        ("bookworm,forky", ["bookworm", "forky"]),
        ("forky, trixie", ["forky", "trixie"]),
    ],
)
def test_suites(text: str, suites: list[str]) -> None:
    """One suite is for both hosts; of two, the first is for docker-1."""
    assert list(settings.parse_suites(text).values()) == suites


@pytest.mark.parametrize("text", ["", "jammy", "trixie,trixie,trixie", "trixie;forky"])
def test_unknown_suites_are_refused(text: str) -> None:
    """An unknown suite, or a third one, is an error that names LAB_SUITE."""
    with pytest.raises(LabError, match="LAB_SUITE"):
        settings.parse_suites(text)


def test_two_checkouts_have_two_labs(tmp_path: Path) -> None:
    """The default name depends on the checkout's path, so two clones have two labs; LAB_NAME overrides it."""
    assert settings.default_name(tmp_path / "a") != settings.default_name(tmp_path / "b")
    environment = {"LAB_NAME": "mine", "IPVLAN_FABRIC_CACHE": str(tmp_path)}
    assert settings.from_environment(environment).namespace("client") == "ipvlan-lab-mine-client"


@pytest.mark.parametrize("name", ["../x", "UPPER", "a b", "-x", "x" * 40])
def test_an_unsafe_name_is_refused(name: str) -> None:
    """A lab's name becomes part of paths: characters that could lead elsewhere are refused."""
    with pytest.raises(LabError, match="LAB_NAME"):
        settings.from_environment({"LAB_NAME": name})


def test_digests_follow_the_registry() -> None:
    """The digests of the lab's images are replaced; other images, comments and order do not change."""
    old, new = "sha256:" + "a" * 64, "sha256:" + "b" * 64
    text = f"  # note\n  image: registry.lab:5000/nginx@{old}  # keep\n  image: other/nginx@{old}\n"
    changed, lines = stackfile.rewrite(text, {"nginx": f"registry.lab:5000/nginx@{new}"})
    assert changed == f"  # note\n  image: registry.lab:5000/nginx@{new}  # keep\n  image: other/nginx@{old}\n"
    assert len(lines) == 1
    assert stackfile.rewrite(changed, {"nginx": f"registry.lab:5000/nginx@{new}"}) == (changed, [])


def test_a_layer_depends_on_names_and_contents_alone(tmp_path: Path) -> None:
    """Two trees written in different order and at different times, one with hard links, give the same layer."""
    for number, names in enumerate((("a", "b"), ("b", "a"))):
        root = tmp_path / str(number)
        (root / "folder").mkdir(parents=True)
        for name in names:
            (root / "folder" / name).write_text("same")
        (root / "link").symlink_to("folder/a")
    os.utime(tmp_path / "1" / "folder" / "a", (1, 1))
    (tmp_path / "1" / "folder" / "b").unlink()
    os.link(tmp_path / "1" / "folder" / "a", tmp_path / "1" / "folder" / "b")
    first, second = (containerimage.archive(tmp_path / name) for name in "01")
    assert first == second
    with tarfile.open(fileobj=io.BytesIO(first)) as tar:
        assert [member.name for member in tar] == ["folder", "folder/a", "folder/b", "link"]


def test_a_changed_recipe_is_another_cache_entry() -> None:
    """The key of a host's disk depends on all that decides its content, such as the suite and the client's key."""
    keys = {recipe.recipe(suite, key).key for suite in settings.SUITES for key in ("ssh-ed25519 A", "ssh-ed25519 B")}
    assert len(keys) == 2 * len(settings.SUITES)
