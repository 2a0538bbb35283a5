"""One compose file over another: each rule that compose has."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.support.compose_files import carried_files


def merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return what is carried of a service in two files."""
    texts = (
        yaml.safe_dump({"services": {"app": {"image": "a", **keys}, "db": {"image": "db"}}}) for keys in (base, over)
    )
    return dict(carried_files(*texts).services["app"].settings)


@pytest.mark.parametrize(
    ("key", "base", "over", "expected"),
    [
        ("image", "a", "b", "b"),
        ("user", "a", None, "a"),
        ("environment", {"A": "1", "B": "2"}, {"B": "3"}, {"A": "1", "B": "3"}),
        ("environment", ["A=1", "B=2"], {"B": "3"}, {"A": "1", "B": "3"}),
        ("environment", {"A": "1"}, ["A=2", "C=x=y"], {"A": "2", "C": "x=y"}),
        ("labels", ["a.b=1"], {"a.b": "2"}, {"a.b": "2"}),
        ("sysctls", {"net.a": "1"}, ["net.a=2"], {"net.a": "2"}),
        ("extra_hosts", ["a:10.0.0.1"], {"a": "10.0.0.1", "b": "10.0.0.2"}, {"a": "10.0.0.1", "b": "10.0.0.2"}),
        ("command", ["a", "b"], ["c"], ["c"]),
        ("command", "a b", ["c"], ["c"]),
        ("entrypoint", ["a", "b"], ["c"], ["c"]),
        ("cap_add", ["NET_ADMIN"], ["NET_ADMIN", "SYS_TIME"], ["NET_ADMIN", "SYS_TIME"]),
        ("dns", "10.0.0.1", ["10.0.0.2"], ["10.0.0.1", "10.0.0.2"]),
        ("tmpfs", "/a", ["/b:size=1m"], {"/a": "", "/b": "size=1m"}),
        ("ports", ["80:80"], ["81:81", "80:80"], ["80:80", "81:81"]),
        ("ports", ["80:80"], [{"target": 80, "published": 82}], ["80:80", "82:80"]),
        ("volumes", ["/a:/d", "/b:/e"], ["/c:/d:ro"], ["/c:/d:ro", "/b:/e"]),
        ("volumes", ["/a:/d"], [{"type": "bind", "source": "/c", "target": "/d"}], ["/c:/d"]),
        ("devices", ["/dev/a:/dev/x"], ["/dev/b:/dev/x"], ["/dev/b:/dev/x"]),
        ("ulimits", {"nofile": 1}, {"nofile": {"soft": 2, "hard": 3}}, {"nofile": {"soft": 2, "hard": 3}}),
    ],
)
def test_a_key(key: str, base: Any, over: Any, expected: Any) -> None:
    """Scalars are replaced, mappings merged, lists joined; some by what their entries are about."""
    assert merged({key: base}, {key: over})[key] == expected


def test_depends_on_in_both_forms() -> None:
    """A list of names and a mapping are one."""
    assert merged({"depends_on": ["db"]}, {"depends_on": {"db": {"condition": "service_healthy"}}})["after"] == ["db"]


def test_a_healthcheck_keeps_its_times() -> None:
    """Only its test is replaced as a whole."""
    base = {"healthcheck": {"test": ["CMD", "a", "b"], "interval": "5s"}}
    assert merged(base, {"healthcheck": {"test": ["CMD", "c"]}})["healthcheck"] == {
        "test": ["CMD", "c"],
        "interval": "5s",
    }


@pytest.mark.parametrize(
    ("over", "options"),
    [
        ({"options": {"b": "2"}}, {"a": "1", "b": "2"}),
        ({"driver": "json-file", "options": {"b": "2"}}, {"a": "1", "b": "2"}),
        ({"driver": "local", "options": {"b": "2"}}, {"b": "2"}),
    ],
)
def test_options_of_another_log_driver(over: dict[str, Any], options: dict[str, str]) -> None:
    """They go with their driver."""
    base = {"logging": {"driver": "json-file", "options": {"a": "1"}}}
    assert merged(base, {"logging": over})["log_opts"] == options


def test_other_services_and_volumes_are_added() -> None:
    """A file may add what the first has not; places are those of the file that has the key."""
    project = carried_files(
        "services: {aa: {image: a}}\n",
        "services:\n  bb:\n    image: b\n    volumes: ['data:/d']\n    mac_address: x\nvolumes: {data: {name: real}}\n",
    )
    assert project.services["bb"].settings["volumes"] == ["real:/d"]
    (entry,) = project.left_out
    assert (entry.service, entry.place.line) == ("bb", 5)
    assert entry.place.file.endswith("1.yaml")


@pytest.mark.parametrize("over", [["a:10.0.0.2"], {"a": "10.0.0.2"}, {"a": ["10.0.0.2"]}])
def test_a_name_with_addresses_of_two_files(over: Any) -> None:
    """Compose has both, and one can be written: it is listed, as are two of one file."""
    base = ["a:10.0.0.1", "b:10.0.0.1"]
    texts = [yaml.safe_dump({"services": {"app": {"image": "a", "extra_hosts": hosts}}}) for hosts in (base, over)]
    for files in (texts, [texts[0].replace("b:", "a:").replace("0.1", "0.2", 1)]):
        project = carried_files(*files)
        assert "a" not in project.services["app"].settings.get("extra_hosts", {})
        assert [entry.key for entry in project.left_out] == ["extra_hosts.a"]


def test_entries_without_names_of_two_files() -> None:
    """Each is listed: neither replaces the other."""
    text = "services: {web: {image: a, environment: ['${NO}', '${NO}=%d', 'A=%d']}}"
    project = carried_files(text % (1, 1), text % (2, 2))
    assert project.services["web"].settings["environment"] == {"A": "2"}
    assert len([entry for entry in project.left_out if entry.key.startswith("environment.[")]) == 4
