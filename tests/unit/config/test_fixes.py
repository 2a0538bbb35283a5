"""The fix of a problem of files and bridges: it says what to write, and what it says is accepted when it is written literally."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ipvlan.config.git_commit import commit
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError, Problem
from tests.support.projects import commit_all
from tools.bad_input.case import BadInput
from tools.reference_setup import changed

NGINX = "services.nginx"
FILES = f"{NGINX}.files"
PROJECT = {"files/nginx.conf": b"x", "files/conf.d/a.conf": b"x", "files/conf.d/sub/b.conf": b"x"}


def problems(folder: Path, changes: Mapping[str, Any], project: Mapping[str, bytes] | None = None) -> list[Problem]:
    """Return what is wrong with the reference setup with changes, in a project with some files, and `project`."""
    case = BadInput(title="", changes=changes, expected=(), files={**PROJECT, **(project or {})})
    return list(case.problems(folder))


def one(folder: Path, changes: Mapping[str, Any], project: Mapping[str, bytes] | None = None) -> Problem:
    """Return the only problem."""
    (problem,) = problems(folder, changes, project)
    return problem


def test_a_secret_is_one_file(tmp_path: Path) -> None:
    """A path that ends in a slash is a folder of files, and a secret's value is one file."""
    problem = one(tmp_path, {FILES: {"/etc/n/": {"secret": "db_password"}}})
    assert (problem.code, problem.key) == ("IPF267", f"{FILES}./etc/n/")
    assert "a secret is one file" in problem.problem
    assert problem.fix == "write the path of a file: /etc/n/NAME"
    assert "db_password" not in str(problem)
    assert not problems(tmp_path, {FILES: {"/etc/n/NAME": {"secret": "db_password"}}})


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("./files/nginx.conf", "write files/nginx.conf"),
        ("files/../files//nginx.conf", "write files/nginx.conf"),
        ("files\\nginx.conf", "write files/nginx.conf"),
        (".env", "rename it, so that no part of the path begins with a dot: env"),
        ("files/.hidden", "rename it, so that no part of the path begins with a dot: files/hidden"),
        ("../nginx.conf", "put the file below the project's folder, and write its path there: files/nginx.conf"),
        ("/etc/nginx.conf", "put the file below the project's folder, and write its path there: files/nginx.conf"),
        ("Pulumi.dev.yaml", "put what the container needs into another file: files/NAME"),
    ],
)
def test_the_path_of_a_source(tmp_path: Path, source: str, fix: str) -> None:
    """The path that is written, cleaned, where that is one; else what to do with the file."""
    problem = one(tmp_path, {FILES: {"/etc/nginx.conf": source}})
    assert (problem.code, problem.fix) == ("IPF250", fix)
    if fix.startswith("write"):
        assert not problems(tmp_path, {FILES: {"/etc/nginx.conf": fix.removeprefix("write ")}})


BACK = {"bridges": {"back": {}}, "services.centos.bridges": ["back"]}


@pytest.mark.parametrize(
    ("key", "value", "written"),
    [
        ("bridges", "back", "bridges: [back]"),
        ("bridges", "back, back", "bridges: [back]"),
        ("bridges", [{"back": {"aliases": ["x"]}}], "bridges: {back: {aliases: [x]}}"),
        ("bridges", [{"back": None}], "bridges: {back: {}}"),
        ("bridges", {"back": ["api"]}, "back: {aliases: [api]}"),
        ("bridges", {"back": "api"}, "back: {aliases: [api]}"),
        ("bridges", {"back": True}, "back: {}"),
        ("bridges", {"back": "172.30.5.2"}, "back: {}"),
        ("files", {"/etc/n.conf": ["files/nginx.conf"]}, "/etc/n.conf: files/nginx.conf"),
        ("files", ["./files/nginx.conf:/etc/n.conf:ro"], "files: {/etc/n.conf: files/nginx.conf}"),
    ],
)
def test_another_form(tmp_path: Path, key: str, value: Any, written: str) -> None:
    """The fix is YAML with the user's own names, and is accepted."""
    problem = one(tmp_path, {**BACK, f"{NGINX}.{key}": value})
    shown = problem.fix.removeprefix("write the map form: ").removeprefix("write ")
    assert shown.split(";")[0] == written
    content = yaml.safe_load(f"{{{shown.split(';')[0]}}}")
    assert not problems(tmp_path, {**BACK, f"{NGINX}.{key}": content.get(key, content)})


@pytest.mark.parametrize(
    ("key", "value", "fix"),
    [
        ("bridges", None, "write bridges: [KEY], with keys of the section `bridges`, or remove it"),
        (
            "bridges",
            [{"back": {"ipv4_address": "172.30.5.2"}}],
            "write the map form: bridges: {KEY: {aliases: [NAME]}}",
        ),
        ("files", None, "write files: {/PATH/IN/CONTAINER: files/NAME}, or remove it"),
        ("files", "files/", "write files: {/PATH/IN/CONTAINER: files/NAME}"),
        ("files", {"/etc/n.conf": True}, "write /etc/n.conf: files/NAME"),
        ("files", {"/etc/n.d/": None}, "write /etc/n.d/: files/NAME/"),
    ],
)
def test_a_form_without_names(tmp_path: Path, key: str, value: Any, fix: str) -> None:
    """Where nothing that is written can be meant the fix has the form."""
    assert one(tmp_path, {**BACK, f"{NGINX}.{key}": value}).fix == fix


@pytest.mark.parametrize("value", ["reload", True, "never"])
def test_what_a_change_of_files_does(tmp_path: Path, value: Any) -> None:
    """Docker has no part in it, and a reload is written in the place of the key."""
    files = {FILES: {"/etc/n.conf": "files/nginx.conf"}}
    problem = one(tmp_path, {**files, f"{NGINX}.files_change": value})
    assert "Docker" not in problem.effect
    assert problem.fix.startswith("write files_change: restart, or replace; for a reload remove files_change, and")
    assert "write reload: HUP" in problem.fix
    assert not problems(tmp_path, {**files, f"{NGINX}.files_change": "replace"})
    assert not problems(tmp_path, {**files, f"{NGINX}.reload": "HUP"})


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({f"{NGINX}.reload": True}, "write reload: HUP, or the words of a command: reload: [nginx, -s, reload]"),
        ({f"{NGINX}.reload": 101}, "write reload: HUP, or the words of a command: reload: [nginx, -s, reload]"),
        ({f"{NGINX}.reload": {"signal": "HUP"}}, "write reload: HUP"),
        # "1" is a signal.
        ({f"{NGINX}.reload": 1}, "put the value in quotes"),
        ({"owner": 101}, 'write UID:GID, the numbers that `id` prints in the container, in quotes: "101:101"'),
        ({"mode": 440}, "put the value in quotes"),
        ({"mode": 999}, 'write four octal digits, in quotes: "0440"'),
    ],
)
def test_quotes_alone_are_not_the_fix(tmp_path: Path, changes: dict[str, Any], fix: str) -> None:
    """Quotes are advised where the text in them is accepted."""
    of_file = {key: value for key, value in changes.items() if "." not in key}
    of_service = {key: value for key, value in changes.items() if "." in key}
    files = {FILES: {"/etc/n.conf": {"source": "files/nginx.conf", **of_file}}}
    assert one(tmp_path, {**files, **of_service}).fix == fix
    if fix.startswith("put"):
        quoted = {FILES: {"/etc/n.conf": {"source": "files/nginx.conf", **{key: str(v) for key, v in of_file.items()}}}}
        assert not problems(tmp_path, {**quoted, **{key: str(value) for key, value in of_service.items()}})


@pytest.mark.parametrize(("words", "fix"), [(["HUP"], "write reload: HUP"), (["1"], 'write reload: "1"')])
def test_a_signal_in_a_list(tmp_path: Path, words: list[str], fix: str) -> None:
    """A list is a command, and no image has one of that name."""
    files = {FILES: {"/etc/n.conf": "files/nginx.conf"}}
    problem = one(tmp_path, {**files, f"{NGINX}.reload": words})
    assert (problem.code, problem.fix) == ("IPF261", fix)
    assert not problems(tmp_path, {**files, f"{NGINX}.reload": words[0]})
    assert not problems(tmp_path, {**files, f"{NGINX}.reload": ["stop"]})


@pytest.mark.parametrize("section", ["bridges", "volumes"])
def test_external_as_compose_wrote_it_first(tmp_path: Path, section: str) -> None:
    """The name of what is external stood below the key."""
    use = {"services.nginx.bridges": ["back"]} if section == "bridges" else {"services.nginx.volumes": ["back:/data"]}
    problem = one(tmp_path, {**use, section: {"back": {"external": {"name": "shared"}}}})
    assert problem.fix == "write external: true, name: shared"
    assert all(p.severity == "warning" for p in problems(tmp_path, {**use, section: {"back": {"external": True}}}))


@pytest.mark.parametrize(
    ("changes", "fix"),
    [
        ({FILES: {"/etc/n.conf": {"source": "files/nginx.conf", "tempalte": True}}}, "did you mean template?"),
        ({FILES: {"/etc/n.conf": {"source": "files/nginx.conf", "secert": "x"}}}, "did you mean secret?"),
        ({FILES: {"/etc/n.conf": {"source": "files/nginx.conf", "uid": "101"}}}, 'write owner: "UID:GID", numbers'),
        ({FILES: {"/etc/n.conf": {"source": "files/nginx.conf", "gid": "101"}}}, 'write owner: "UID:GID", numbers'),
        (
            {FILES: {"/etc/n.conf": {"source": "files/nginx.conf", "content": "x"}}},
            "put the text into a file of the project, and write source: files/NAME",
        ),
        ({f"{NGINX}.bridges": {"back": {"alias": ["x"]}}}, "did you mean aliases?"),
        (
            {f"{NGINX}.bridges": {"back": {"ipv4_address": "172.30.5.2"}}},
            "remove it: a bridge has no fixed addresses, and containers find each other by name",
        ),
        (
            {f"{NGINX}.bridges": {"back": {"gw_priority": 1}}},
            "remove it: the plan decides the default route: egress, internet or published (docs/compose.md)",
        ),
        ({f"{NGINX}.healthcheck": {"test": ["CMD", "true"], "intervall": "10s"}}, "did you mean interval?"),
    ],
)
def test_a_key_below_the_first_level(tmp_path: Path, changes: dict[str, Any], fix: str) -> None:
    """The nearest key of the same level, or what compose's key is there."""
    problem = one(tmp_path, {**BACK, **changes})
    assert (problem.code, problem.fix) == ("IPF109", fix)


@pytest.mark.parametrize("key", ["sorce", "src"])
def test_a_slip_in_source(tmp_path: Path, key: str) -> None:
    """The file without a source is an error too."""
    found = problems(tmp_path, {FILES: {"/etc/n.conf": {key: "files/nginx.conf"}}})
    assert "did you mean source?" in [problem.fix for problem in found]


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({f"{NGINX}.bridges": None}, "null"),
        ({FILES: None}, "null"),
        ({FILES: {"/etc/n.conf": None}}, "null"),
        ({f"{NGINX}.reload": {"signal": "HUP"}, FILES: {"/etc/n.conf": "files/nginx.conf"}}, "{signal: HUP}"),
        ({f"{NGINX}.bridges": ["back", "back"]}, "[back, back]"),
        ({f"{NGINX}.bridges": ["back", True, None, 1, "1", "on", "a b"]}, '[back, true, null, 1, "1", "on", "a b"]'),
    ],
)
def test_a_value_in_yaml(tmp_path: Path, changes: dict[str, Any], value: str) -> None:
    """Values are shown as a stack file has them, and not as Python does."""
    assert one(tmp_path, {**BACK, **changes}).value == value


@pytest.mark.parametrize("key", ["gateway", "ip_range", "aux_addresses"])
def test_advice_at_a_bridge(tmp_path: Path, key: str) -> None:
    """Nobody is led to change the fabric for a bridge."""
    problem = one(tmp_path, {**BACK, "bridges": {"back": {key: "172.30.5.1"}}})
    assert problem.fix == "remove it: on a bridge Docker assigns the addresses, and containers find each other by name"
    at_fabric = one(tmp_path, {"fabric.aux_addresses": {}})
    assert "fabric.reserved" in at_fabric.fix


def test_ipv6_at_a_bridge(tmp_path: Path) -> None:
    """The texts are about the bridge, and the subnet that they show is not the fabric's."""
    problem = one(tmp_path, {**BACK, "bridges": {"back": {"subnet": "fd00::/64"}}})
    assert (problem.code, problem.effect) == (
        "IPF114",
        "a bridge is IPv4, so no container on it would get this subnet's address",
    )
    assert (
        problem.fix
        == "IPv4 only for now: remove subnet, so that Docker chooses one, or write one such as 172.30.5.0/24"
    )
    assert not problems(tmp_path, {**BACK, "bridges": {"back": {"subnet": "172.30.5.0/24"}}})
    for changes in (
        {"bridges": {"back": {"enable_ipv6": True}}},
        {f"{NGINX}.bridges": {"back": {"ipv6_address": "fd00::2"}}},
    ):
        key = one(tmp_path, {**BACK, **changes})
        assert key.code == "IPF171"
        assert "fabric" not in key.problem + key.effect
        assert "bridge" in key.problem


@pytest.mark.parametrize(
    ("file", "written"),
    [
        ({"secret": {"secure": "v1:x"}}, "secret: NAME"),
        ({"source": "files/nginx.conf", "template": True, "secrets": {"a": {"secure": "v1:x"}}}, "a: NAME"),
        ({"secure": "v1:x"}, "{secret: NAME}"),
    ],
)
def test_an_encrypted_value_at_a_file(tmp_path: Path, file: dict[str, Any], written: str) -> None:
    """A file refers to it by other keys than the environment."""
    (problem,) = [found for found in problems(tmp_path, {FILES: {"/etc/n.conf": file}}) if found.code == "IPF022"]
    assert problem.fix == f"`pulumi config set --secret NAME`, then write its name in the place of the value: {written}"
    (other,) = problems(tmp_path, {f"{NGINX}.environment": {"A": {"secure": "v1:x"}}})
    assert "secret_environment: {VARIABLE: NAME}" in other.fix


@pytest.mark.parametrize(
    ("target", "source", "fix"),
    [
        (
            "/etc/n",
            "files/conf.d",
            "write a slash at the end of both for all files of the folder: /etc/n/ and files/conf.d/",
        ),
        (
            "/etc/n/",
            "files/nginx.conf/",
            "it is a file: write no slash at the end of both: /etc/n and files/nginx.conf",
        ),
    ],
)
def test_a_slash_at_the_end(tmp_path: Path, target: str, source: str, fix: str) -> None:
    """A folder has one, and a file has none."""
    problem = one(tmp_path, {FILES: {target: source}})
    assert (problem.code, problem.fix) == ("IPF250", fix)
    new_target, new_source = fix.rpartition(": ")[2].split(" and ")
    assert not problems(tmp_path, {FILES: {new_target: new_source}})


@pytest.mark.parametrize(
    ("source", "fix"),
    [
        ("files/ngnix.conf", "did you mean files/nginx.conf?"),
        ("files/NGINX.CONF", "did you mean files/nginx.conf?"),
        ("filse/nginx.conf", "did you mean files/nginx.conf?"),
        ("nginx.conf", "did you mean files/nginx.conf?"),
        ("files/nginx.conf:ro", "write files/nginx.conf: files are read-only, always"),
        ("~/nginx.conf", "put the file below the project's folder, and write its path there: files/nginx.conf"),
        ("files/*.conf", "no pattern is read: write one file, or a folder with a slash at the end of both paths"),
        ("files/other", "write the path below the project's folder, in the case that it has there"),
    ],
)
def test_a_source_that_is_not_there(tmp_path: Path, source: str, fix: str) -> None:
    """The nearest file of the project, or what the form of the path means."""
    problem = one(tmp_path, {FILES: {"/etc/n.conf": source}})
    assert (problem.code, problem.fix) == ("IPF251", fix)
    if "files/nginx.conf" in fix:
        assert not problems(tmp_path, {FILES: {"/etc/n.conf": "files/nginx.conf"}})


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The nearest folder that has files."""
    problem = one(tmp_path, {FILES: {"/etc/n/": "files/confd/"}})
    assert problem.fix == "did you mean files/conf.d/?"
    assert not problems(tmp_path, {FILES: {"/etc/n/": "files/conf.d/"}})


def test_a_source_that_is_not_in_a_commit(tmp_path: Path) -> None:
    """A file of the checkout alone has to be committed; one of the checkout needs no commit to be read."""
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "a").write_text("a")
    commit_all(tmp_path, "one")
    with pytest.raises(ConfigError) as refused:
        parse(changed({FILES: {"/etc/n": "files/new.conf"}}), commit(tmp_path, "HEAD"))
    assert refused.value.problems[0].fix.endswith("and commit the file")


@pytest.mark.parametrize(
    ("section", "fix"),
    [
        (["back"], "write ipvlan-fabric:bridges: {back: {}}"),
        ("back", "write ipvlan-fabric:bridges with one name per line below it, or {} for none"),
    ],
)
def test_bridges_of_the_wrong_type(tmp_path: Path, section: Any, fix: str) -> None:
    """One mistake, one error: what the services name may be in what could not be read."""
    use = {f"{NGINX}.bridges": ["back"]}
    problem = one(tmp_path, {**use, "bridges": section})
    assert (problem.code, problem.fix) == ("IPF019", fix)
    assert not problems(tmp_path, {**use, "bridges": {"back": {}}})


@pytest.mark.parametrize(
    ("alias", "severity", "fix"),
    [
        (["10.1.1.1"], "error", "remove it: a bridge has no fixed addresses; a name has a letter in it"),
        (["10"], "error", "remove it: a bridge has no fixed addresses; a name has a letter in it"),
        (["nginx"], "warning", "remove it: the container is found by its own name anyway"),
        (["web", "WEB"], "warning", "remove one of the two"),
    ],
)
def test_an_alias_that_does_nothing(tmp_path: Path, alias: list[str], severity: str, fix: str) -> None:
    """An address is found by nobody, since a resolver does not ask for it (inet_aton(3)); what is there twice changes nothing."""
    problem = one(tmp_path, {**BACK, f"{NGINX}.bridges": {"back": {"aliases": alias}}})
    assert (problem.code, problem.severity, problem.fix) == ("IPF242", severity, fix)
    assert not problems(tmp_path, {**BACK, f"{NGINX}.bridges": {"back": {"aliases": ["web"]}}})
