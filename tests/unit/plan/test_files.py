"""Files in the plan: where each one goes, with which owner and mode, what a change of it does, and what it is a power of."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ipvlan.config.file_sources import MOST_BYTES
from ipvlan.config.yaml_file import Checkout
from ipvlan.config.yaml_limits import LARGEST_SOURCE
from ipvlan.plan.files import FilePlan, FilesPlan, with_secrets
from ipvlan.plan.make import make_plan
from ipvlan.plan.powers import powers, surroundings
from ipvlan.plan.validate import parse
from ipvlan.problems import ConfigError
from tools.reference_setup import changed


def files_of(folder: Path, service: dict[str, Any], host: str = "docker-1") -> FilesPlan:
    """Return the files of nginx on a host."""
    changes = {f"services.nginx.{key}": value for key, value in service.items()}
    planned = make_plan(parse(changed(changes), Checkout(folder))).host(host).container("nginx").files
    assert planned is not None
    return planned


def test_files_of_a_container(tmp_path: Path) -> None:
    """A file, a folder, a template with a secret and a secret alone: sorted, with owner, mode and the mounts."""
    (tmp_path / "files" / "conf.d" / "sub").mkdir(parents=True)
    (tmp_path / "files" / "nginx.conf").write_bytes(b"\xef\xbb\xbf$host\r\n${secrets.x}")
    (tmp_path / "files" / "conf.d" / "a").write_bytes(b"\x00\xff")
    (tmp_path / "files" / "conf.d" / "sub" / "b").write_bytes(b"b")
    (tmp_path / "files" / "db.ini").write_text("at ${service.address}\npassword ${secrets.password}\n")
    files = {
        "/etc/nginx/nginx.conf": "files/nginx.conf",
        "/etc/nginx/conf.d/": {"source": "files/conf.d/", "owner": "101:101", "mode": "640"},
        "/etc/db.ini": {"source": "files/db.ini", "template": True, "secrets": {"password": "db_password"}},
        "/run/secrets/token": {"secret": "api_token", "mode": "0440"},
    }
    planned = files_of(tmp_path, {"files": files, "reload": ["nginx", "-s", "reload"]})
    assert [(file.target, file.mount_target, file.path_in_folder, file.owner, file.mode) for file in planned.files] == [
        ("/etc/db.ini", "/etc/db.ini", None, "0:0", "0400"),
        ("/etc/nginx/conf.d/a", "/etc/nginx/conf.d", "a", "101:101", "0640"),
        ("/etc/nginx/conf.d/sub/b", "/etc/nginx/conf.d", "sub/b", "101:101", "0640"),
        ("/etc/nginx/nginx.conf", "/etc/nginx/nginx.conf", None, "0:0", "0444"),
        ("/run/secrets/token", "/run/secrets/token", None, "0:0", "0440"),
    ]
    ini, binary, _, conf, token = planned.files
    assert (ini.content, ini.secrets) == (
        b"at 10.1.1.2\npassword ${secrets.password}\n",
        {"password": "db_password"},
    )
    assert (conf.content, conf.secrets) == (b"\xef\xbb\xbf$host\r\n${secrets.x}", {})
    assert with_secrets(conf.content, {}) == conf.content
    assert (token.content, token.whole_secret) == (b"", "api_token")
    assert (binary.text, conf.text) == (None, "\ufeff$host\r\n${secrets.x}")
    assert [bool(file.secret_keys) for file in planned.files] == [True, False, False, False, True]
    assert [*planned.mounts] == ["/etc/db.ini", "/etc/nginx/conf.d", "/etc/nginx/nginx.conf", "/run/secrets/token"]
    assert len(set(planned.mounts.values())) == 4
    assert (planned.change, planned.reload_signal, planned.reload_command) == (
        "reload",
        None,
        ("nginx", "-s", "reload"),
    )
    elsewhere = files_of(tmp_path, {"files": files}, "docker-2")
    assert elsewhere.files[0].content.startswith(b"at 10.1.2.2\n")
    assert elsewhere.mounts == planned.mounts


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({}, ("restart", None)),
        ({"files_change": "restart"}, ("restart", None)),
        ({"files_change": "replace"}, ("replace", None)),
        *(({"reload": signal}, ("reload", "SIGHUP")) for signal in ("HUP", "SIGHUP", "hup", "sighup")),
        ({"reload": "10"}, ("reload", "10")),
        ({"reload": "+010"}, ("reload", "10")),
        ({"reload": "RTMIN+3"}, ("reload", "SIGRTMIN+3")),
    ],
)
def test_what_a_change_does(tmp_path: Path, keys: dict[str, Any], expected: tuple[str, str | None]) -> None:
    """A restart is the default; a signal has one spelling."""
    planned = files_of(tmp_path, {"files": {"/run/t": {"secret": "t"}}, **keys})
    assert (planned.change, planned.reload_signal) == expected


def test_a_slot_is_a_name_that_every_shell_takes() -> None:
    """Short, of letters, digits, `.`, `_` and `-`; another one for another path."""

    def slot(target: str) -> str:
        return FilePlan(
            target=target,
            folder=None,
            source=None,
            content=b"",
            secrets={},
            whole_secret="t",
            owner="0:0",
            mode="0444",
        ).slot

    targets = ["/a b", "/a_b", "/x/a b", "/$(reboot)", "/ä", f"/{'x' * 255}", f"/{'x' * 254}", "/-rf", "/.env", "/'\""]
    slots = [slot(target) for target in targets]
    assert len(set(slots)) == len(slots)
    assert all(re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,78}", name) for name in slots), slots
    # It never moves: an upgrade finds the file that a running container has.
    assert slot("/etc/nginx/nginx.conf") == "nginx.conf.08cdfcae"


def test_a_tmpfs_may_be_around_a_file(tmp_path: Path) -> None:
    """Docker mounts the file into it; nothing else may be around one, or in one."""
    (tmp_path / "a").touch()
    allowed: tuple[dict[str, Any], ...] = ({"tmpfs": {"/run": ""}}, {"mounts": [{"type": "tmpfs", "target": "/run/"}]})
    for more in allowed:
        files_of(tmp_path, {"files": {"/run/t": "a"}, **more})
    others: tuple[dict[str, Any], ...] = (
        {"volumes": ["data:/run"]},
        {"volumes": ["data:/run/t/x"]},
        {"tmpfs": {"/run/t/": ""}},
        {"tmpfs": {"/run/../run/t": ""}},
    )
    for more in others:
        with pytest.raises(ConfigError, match="IPF254"):
            files_of(tmp_path, {"files": {"/run/t": "a"}, **more})
    # A name that begins alike is another one.
    files_of(tmp_path, {"files": {"/run/t": "a", "/run/tt": "a"}, "volumes": ["data:/run/t.d"]})


def test_values_count_for_the_limit_of_a_service(tmp_path: Path) -> None:
    """Each file is small enough, and all of them with their values are not."""
    line = b"${addresses.nginx.*} and more that is here to be long enough\n"
    (tmp_path / "a").write_bytes(line * (LARGEST_SOURCE // 2 // len(line)))
    files = {f"/etc/{number}": {"source": "a", "template": True} for number in range(6)}
    assert sum(len((tmp_path / "a").read_bytes()) for _ in files) < MOST_BYTES
    with pytest.raises(ConfigError, match="with their values"):
        files_of(tmp_path, {"files": files})


def test_a_problem_of_every_host_is_named_once(tmp_path: Path) -> None:
    """The file is one, and so is its mistake."""
    (tmp_path / "a").write_text("${service.x}\n")
    with pytest.raises(ConfigError) as error:
        files_of(tmp_path, {"files": {"/etc/a": {"source": "a", "template": True}}})
    assert [problem.key for problem in error.value.problems] == ["services.nginx.files./etc/a: a, line 1"]


def test_a_file_gives_the_power_of_its_secrets(tmp_path: Path) -> None:
    """A reviewer sees who is given which secret, and nothing of files without one."""
    (tmp_path / "a").write_text("${secrets.password}")
    files = {
        "/etc/a": {"source": "a", "template": True, "secrets": {"password": "db_password"}},
        "/run/t": {"secret": "api_token"},
        "/etc/b": "a",
    }
    plan = make_plan(
        parse(changed({"services.nginx.published": False, "services.nginx.files": files}), Checkout(tmp_path))
    )
    host = plan.host("docker-1")
    found = [(power.setting, power.value) for power in powers(host.container("nginx"), surroundings(host))]
    assert found == [("files", "/etc/a: password: db_password"), ("files", "/run/t: api_token")]


def test_a_host_that_could_not_be_read_is_no_mistake_of_a_template(tmp_path: Path) -> None:
    """Its own mistake is named alone."""
    (tmp_path / "a").write_text("${hosts.docker-2.address} ${addresses.centos.docker-2}")
    changes = {
        "services.nginx.files": {"/etc/a": {"source": "a", "template": True}},
        "hosts.docker-2.address": "192.168.140",
    }
    with pytest.raises(ConfigError) as error:
        parse(changed(changes), Checkout(tmp_path))
    assert {problem.key for problem in error.value.problems} == {"hosts.docker-2.address"}
