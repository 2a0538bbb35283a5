"""The sources of files: a checkout and a commit are read alike, and neither leads out of the project."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ipvlan.config import no_links
from ipvlan.config.git_commit import commit
from ipvlan.config.no_links import NoSuchSourceError, RefusedSourceError
from ipvlan.config.types.files import source_problem
from ipvlan.config.yaml_file import Checkout, Folder, NoFolder
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from ipvlan.plan.validate import load, load_without_files, parse
from ipvlan.problems import ConfigError
from tests.support.projects import commit_all
from tools.reference_setup import STACK_TEXT, changed

BYTES = b"\xef\xbb\xbfa\r\nb\x00\xff \r no line break at the end"


def both(project: Path) -> tuple[Folder, Folder]:
    """Commit the project, and return it in both ways."""
    top = next(path for path in (project, *project.parents) if (path / ".top").exists() or path == project)
    commit_all(top, "files")
    return Checkout(project), commit(project, "HEAD")


def outcome(read: Callable[[], object]) -> object:
    """Return what is read, or the kind of the refusal."""
    try:
        return read()
    except (NoSuchSourceError, RefusedSourceError) as error:
        return type(error)


def test_both_folders_read_the_same_bytes(tmp_path: Path) -> None:
    """As they are: no line break, no byte order mark is changed; in a folder of a repository, with names that are not ASCII."""
    (tmp_path / ".top").touch()
    project = tmp_path / "project"
    names = ["files/a", "files/b c", "files/sub/deep/x", "files/sub/ä\tx.conf", "other"]
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_bytes(BYTES + name.encode())
    (project / "files" / "a").chmod(0o755)
    (tmp_path / "other").write_bytes(b"of the folder above")
    for folder in both(project):
        assert folder.below("files/") == names[:4]
        assert folder.below("files/sub/") == names[2:4]
        assert {name: folder.content(name) for name in names} == {name: BYTES + name.encode() for name in names}


def make_hostile(project: Path) -> None:
    """Make links of all kinds, and folders where files are meant."""
    (project / "files" / "d").mkdir(parents=True)
    (project / "files" / "d" / "a").write_bytes(b"a")
    (project / "files" / "a").write_bytes(b"a")
    (project / "to-file").symlink_to("files/a")
    (project / "to-folder").symlink_to("files")
    (project / "to-passwd").symlink_to("/etc/passwd")
    (project / "to-nowhere").symlink_to("nowhere")
    (project / "to-itself").symlink_to("to-itself")
    (project / "above").symlink_to("..")
    for name, target in (("link", "../files/a"), ("out", "/etc"), ("loop", ".")):
        (project / f"with-{name}" / "sub").mkdir(parents=True)
        (project / f"with-{name}" / "a").write_bytes(b"a")
        (project / f"with-{name}" / "sub" / "b").symlink_to(target)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(
            (name, RefusedSourceError)
            for name in ("to-file", "to-passwd", "to-nowhere", "to-itself", "above", "to-folder")
        ),
        *(
            (name, RefusedSourceError)
            for name in ("to-folder/a", "to-folder/d/a", "above/x", "files/a/x", "files", "files/d")
        ),
        *((name, NoSuchSourceError) for name in ("nothing", "nothing/a", "files/b", "files/d/b", "FILES/a", "files/*")),
    ],
)
def test_no_part_of_a_path_is_a_link(tmp_path: Path, name: str, expected: type[Exception]) -> None:
    """A link is refused wherever it leads and wherever it is in the path, a folder is no file, and a pattern is a name."""
    make_hostile(tmp_path)
    assert [outcome(lambda folder=folder: folder.content(name)) for folder in both(tmp_path)] == [expected] * 2  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((f"{name}/", RefusedSourceError) for name in ("with-link", "with-out", "with-loop", "to-folder", "above")),
        *((f"{name}/", RefusedSourceError) for name in ("files/a", "to-file", "to-folder/d")),
        *((f"{name}/", NoSuchSourceError) for name in ("nothing", "files/nothing", "fil")),
        ("files/d/", ["files/d/a"]),
    ],
)
def test_no_folder_has_a_link_in_it(tmp_path: Path, name: str, expected: object) -> None:
    """One link in a folder refuses all of it: nobody knows whether it was meant."""
    make_hostile(tmp_path)
    assert [outcome(lambda folder=folder: folder.below(name)) for folder in both(tmp_path)] == [expected] * 2  # type: ignore[misc]


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe has no writer here, so that whoever opens it waits for ever; beside it a device and a file without rights."""
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "d").mkdir()
    os.mkfifo(tmp_path / "d" / "pipe")
    with pytest.raises(RefusedSourceError, match="pipe"):
        Checkout(tmp_path).content("pipe")
    with pytest.raises(RefusedSourceError, match="d/pipe is a pipe"):
        Checkout(tmp_path).below("d/")


def test_a_submodule_is_no_folder(tmp_path: Path) -> None:
    """Its files are those of another repository, which a commit does not have."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").touch()
    commit_all(tmp_path, "one")
    sha = commit(tmp_path, "HEAD").sha
    subprocess.run(
        ["git", "update-index", "--add", "--cacheinfo", f"160000,{sha},files/module"], cwd=tmp_path, check=True
    )
    subprocess.run(
        ["git", "-c", "user.name=t", "-c", "user.email=t@example.net", "commit", "-qm", "module"],
        cwd=tmp_path,
        check=True,
    )
    with pytest.raises(RefusedSourceError, match="files/module is a submodule"):
        commit(tmp_path, "HEAD").below("files/")
    with pytest.raises(RefusedSourceError, match="a part of the path is a submodule"):
        commit(tmp_path, "HEAD").content("files/module/a")


def test_a_large_file_is_read_no_further_than_needed(tmp_path: Path) -> None:
    """One byte more than allowed says enough; the largest allowed file is complete."""
    (tmp_path / "small").write_bytes(b"x" * LARGEST_SOURCE)
    (tmp_path / "large").write_bytes(b"x" * (LARGEST_SOURCE + 100))
    for folder in both(tmp_path):
        assert len(folder.content("small")) == LARGEST_SOURCE
        assert len(folder.content("large")) == LARGEST_SOURCE + 1


def test_a_folder_has_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many files nor folders in each other take long, or end the program."""
    deep = tmp_path / "deep"
    for _ in range(30):
        deep /= "d"
    deep.mkdir(parents=True)
    with pytest.raises(RefusedSourceError, match="20 folders"):
        Checkout(tmp_path).below("deep/")
    monkeypatch.setattr(no_links, "MOST_ENTRIES", 3)
    for number in range(4):
        (tmp_path / f"{number}").touch()
    with pytest.raises(RefusedSourceError, match="more than 3"):
        Checkout(tmp_path.parent).below(f"{tmp_path.name}/")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "",
            "/",
            "/etc/passwd",
            "..",
            "a/../b",
            "../a",
            ".",
            "./a",
            "a/./b",
            "a//b",
            "a//",
            ".git/config",
            "a/.env",
            "a/.b/c",
        ),
        *(
            "Pulumi.yaml",
            "PULUMI.dev.yaml",
            "a/pulumi.x",
            "a\0b",
            "a\nb",
            "a\\b",
            "\x7f",
            "a" * 256,
            "a/" * 2500,
            "ä" * 128,
        ),
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(path: str) -> None:
    """Before anything is read."""
    assert source_problem(path)


@pytest.mark.parametrize("path", ["a", "a/", "files/nginx.conf", "files/conf.d/", "ä b/$c", "a..b", "pulumi/x", "-rf"])
def test_other_paths_are_taken(path: str) -> None:
    """Names that look odd are names."""
    assert source_problem(path) is None


def refusals(files: dict[str, Any], folder: Folder) -> list[tuple[str, str]]:
    """Return code and key of what is wrong with nginx's files."""
    try:
        parse(changed({"services.nginx.files": files}), folder)
    except ConfigError as error:
        return [(problem.code, problem.key) for problem in error.problems]
    return []


def test_a_hidden_file_in_a_folder_is_refused_by_both(tmp_path: Path) -> None:
    """So are a file of Pulumi's and a name that is not UTF-8: an editor's or a user's own files do not get into containers."""
    for folder, name in (("a", b".env"), ("b", b"Pulumi.dev.yaml"), ("c", b"\xff"), ("d", b"x\ny")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "good").touch()
        (tmp_path / folder / os.fsdecode(name)).touch()
    for way in both(tmp_path):
        for folder in "abcd":
            assert refusals({"/etc/x/": f"{folder}/"}, way) == [("IPF250", "services.nginx.files./etc/x/")]


def test_a_stack_is_read_alike(tmp_path: Path) -> None:
    """The config of a commit has the bytes of the commit, whatever is on disk since."""
    files = "\n      files: {/etc/a: files/a, /etc/d/: files/d/, /run/t: {secret: token}}\n"
    (tmp_path / "Pulumi.dev.yaml").write_text(
        STACK_TEXT.replace("      published: true\n", f"      published: true{files}")
        + '  ipvlan-fabric:token: {secure: "v1:a:b"}\n'
    )
    (tmp_path / "files" / "d").mkdir(parents=True)
    for name in ("a", "d/b", "d/c"):
        (tmp_path / "files" / name).write_bytes(BYTES)
    (tmp_path / "files" / "not-named").write_bytes(BYTES)
    checkout, head = both(tmp_path)
    assert load("dev", checkout) == load("dev", head)
    assert set(load("dev", head).sources) == {"files/a", "files/d/b", "files/d/c"}
    (tmp_path / "files" / "a").write_bytes(b"new")
    assert load("dev", checkout) != load("dev", head)
    assert load("dev", head).sources["files/a"] == BYTES
    (tmp_path / "files" / "a").unlink()
    with pytest.raises(ConfigError, match="IPF251"):
        load("dev", checkout)
    assert not load_without_files("dev", checkout).services["nginx"].files


def test_a_secret_of_a_file_is_one_that_the_stack_sets(tmp_path: Path) -> None:
    """A key that is not set, and one in plaintext, are refused as those of `secret_environment` are; the value is not shown."""
    nginx = "      published: true\n"
    for token, code in (("", "IPF023"), ("  ipvlan-fabric:token: hunter2\n", "IPF024")):
        for file in ("{secret: token}", "{source: a, template: true, secrets: {x: token}}"):
            text = STACK_TEXT.replace(nginx, f"{nginx}      files: {{/run/t: {file}}}\n") + token
            (tmp_path / "Pulumi.dev.yaml").write_text(text)
            (tmp_path / "a").write_text("${secrets.x}")
            with pytest.raises(ConfigError) as refused:
                load("dev", Checkout(tmp_path))
            assert [problem.code for problem in refused.value.problems] == [code]
            assert "hunter2" not in str(refused.value)


def test_a_secret_itself_in_the_place_of_its_name_is_not_shown() -> None:
    """People write the value: no message repeats it."""
    secret = "Tr0ub4dor&3-is-the-password"
    for file in (
        {"secret": [secret]},
        {"source": "a", "secrets": [secret]},
        {"source": "a", "secrets": {"a": [secret]}},
    ):
        with pytest.raises(ConfigError) as refused:
            parse(changed({"services.nginx.files": {"/run/t": file}}), NoFolder())
        assert secret not in str(refused.value)


def test_a_program_in_another_language_has_secrets_alone() -> None:
    """Its plugin does not know the program's folder, so nothing of the plugin's own is read."""
    assert refusals({"/etc/a": "README.md"}, NoFolder()) == [("IPF264", "services.nginx.files./etc/a")]
    assert refusals({"/etc/a/": "docs/"}, NoFolder()) == [("IPF264", "services.nginx.files./etc/a/")]
    assert refusals({"/etc/a": {"secret": "token"}}, NoFolder()) == []


def test_each_file_is_read_once(tmp_path: Path) -> None:
    """However many services have it; a service's limit counts it for each of its paths."""
    (tmp_path / "large").write_bytes(b"x" * LARGEST_SOURCE)
    read: list[str] = []

    class Counting(Checkout):
        def content(self, name: str) -> bytes:
            read.append(name)
            return super().content(name)

    files = {f"/etc/{number}": "large" for number in range(5)}
    assert refusals(files, Counting(tmp_path)) == [("IPF252", "services.nginx.files")]
    assert read == ["large"]
    assert refusals(dict(list(files.items())[:4]), Checkout(tmp_path)) == []
