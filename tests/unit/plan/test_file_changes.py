"""What a change does to files: which container takes them how, in which order, and which lines differ."""

from __future__ import annotations

import difflib
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvlan.config.yaml_file import Checkout
from ipvlan.plan.changes import Changes, compare
from ipvlan.plan.file_diff import MOST_COMPARED, unified_diff
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.report import Report
from ipvlan.plan.rollout_changes import rollout_change
from ipvlan.plan.validate import parse
from ipvlan.views.rollout import sentences
from tools.reference_setup import changed

CONF = "/etc/nginx/nginx.conf"
TOKEN = "/run/secrets/token"
ONE: dict[str, Any] = {CONF: "files/one.conf"}
TWO: dict[str, Any] = {CONF: "files/two.conf"}
RELOAD = ["nginx", "-s", "reload"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a project's folder with files."""
    files = tmp_path / "files"
    (files / "d").mkdir(parents=True)
    (files / "one.conf").write_text("listen 80;\nuser a;\n", encoding="utf-8")
    (files / "same.conf").write_text("listen 80;\nuser a;\n", encoding="utf-8")
    (files / "two.conf").write_text("listen 80;\nuser b;\n", encoding="utf-8")
    (files / "host.conf").write_text("listen ${service.address}:80;\nuser a;\n", encoding="utf-8")
    (files / "host2.conf").write_text("listen ${service.address}:80;\nuser b;\n", encoding="utf-8")
    (files / "pw.ini").write_text("password=${secrets.password}\n", encoding="utf-8")
    (files / "icon.png").write_bytes(b"\x89PNG\xff")
    (files / "icon2.png").write_bytes(b"\x89PNG\xff\xff")
    (files / "d" / "a.conf").write_text("a\n", encoding="utf-8")
    return tmp_path


def plan(folder: Path, files: dict[str, Any] | None = None, **keys: Any) -> Plan:
    """Return the reference setup with these files of nginx, and these keys."""
    config = changed({})
    config["services"]["nginx"].update(keys)
    if files:
        config["services"]["nginx"]["files"] = files
    return make_plan(parse(config, Checkout(folder)))


def of_containers(changes: Changes) -> list[tuple[str, tuple[str, ...]]]:
    """Return action and reasons of the containers of the first host."""
    return [(change.action, change.reasons) for change in changes.containers if change.host == "docker-1"]


REASON = f"files: {CONF}"


@pytest.mark.parametrize(
    ("before", "after", "action", "reasons"),
    [
        ({"files": ONE}, {"files": TWO}, "restart", (REASON,)),
        ({"files": ONE, "reload": "HUP"}, {"files": TWO, "reload": "HUP"}, "reload", (REASON,)),
        ({"files": ONE}, {"files": TWO, "reload": RELOAD}, "reload", (REASON,)),
        ({"files": ONE, "reload": "HUP"}, {"files": TWO}, "restart", (REASON,)),
        (
            {"files": ONE, "files_change": "replace"},
            {"files": TWO, "files_change": "replace"},
            "replace",
            (REASON,),
        ),
        # As the handover: that other files replace the container from now on replaces nothing, nor that they do no more.
        ({"files": ONE}, {"files": TWO, "files_change": "replace"}, "restart", (REASON,)),
        ({"files": ONE, "files_change": "replace"}, {"files": TWO}, "restart", (REASON,)),
        # Another set of mounts.
        ({}, {"files": ONE, "reload": "HUP"}, "replace", (f"files: +{CONF}",)),
        ({"files": ONE, "reload": "HUP"}, {}, "replace", (f"files: -{CONF}",)),
        ({"files": ONE}, {"files": {"/etc/x": "files/one.conf"}}, "replace", (f"files: +/etc/x, -{CONF}",)),
        # Owner and mode count, and what is replaced anyway starts with its files.
        ({"files": ONE}, {"files": {CONF: {"source": "files/one.conf", "mode": "0400"}}}, "restart", (REASON,)),
        ({"files": ONE}, {"files": TWO, "image": "registry/x:1"}, "replace", None),
        ({"files": {TOKEN: {"secret": "a"}}}, {"files": {TOKEN: {"secret": "b"}}}, "restart", (f"files: {TOKEN}",)),
    ],
)
def test_what_the_container_does(
    folder: Path, before: dict[str, Any], after: dict[str, Any], action: str, reasons: tuple[str, ...] | None
) -> None:
    """Reload, restart or replacement, as the plugin decides it; the report and its rollout say the same."""
    old, new = plan(folder, **before), plan(folder, **after)
    changes = compare(old, new)
    ((found, why),) = of_containers(changes)
    assert found == action
    assert why[-1] == REASON if reasons is None else why == reasons
    assert {change.effect for change in changes.files} == {action}
    report = Report(stack="dev", before=old, before_problems=(), after=new, changes=changes)
    assert report.has_downtime is (action != "reload")
    (step,) = rollout_change(changes, old, new).steps
    assert (step.action, step.hosts, step.at_once) == (action, ("docker-1", "docker-2"), 1)
    assert step.others_answer
    first, otherwise = sentences(report.rollout)
    if action == "reload":
        assert first == "nginx on docker-1, then on docker-2: one at a time; each reloads its files, and runs on"
    elif action == "restart":
        assert "each is down for its stop and start, and keeps its id; the others answer" in first
    assert ("does not go on with its other files" in otherwise) is (action != "replace")


def test_only_how_files_are_taken_changes_nothing(folder: Path) -> None:
    """Neither `reload` nor `files_change`, nor another source with the same bytes: they are settings."""
    before = plan(folder, ONE)
    for keys, files, expected in (
        ({"reload": RELOAD}, ONE, {("services.nginx.reload", "none", "[nginx, -s, reload]")}),
        ({"files_change": "replace"}, ONE, {("services.nginx.files_change", "restart", "replace")}),
        ({}, {CONF: "files/same.conf"}, {(f"services.nginx.files.{CONF}", "files/one.conf", "files/same.conf")}),
    ):
        changes = compare(before, plan(folder, files, **keys))
        assert (changes.containers, changes.files) == ((), ())
        assert {(change.key, change.before, change.after) for change in changes.settings} == expected
    assert not compare(before, plan(folder, ONE, files_change="restart"))


def test_a_file_of_a_folder_is_no_mount(folder: Path) -> None:
    """One that is added to the folder, changed or removed is taken in place."""
    files = {"/etc/d/": "files/d/"}
    before = plan(folder, files, reload="HUP")
    (folder / "files" / "d" / "b.conf").write_text("b\n", encoding="utf-8")
    (folder / "files" / "d" / "a.conf").unlink()
    changes = compare(before, plan(folder, files, reload="HUP"))
    assert of_containers(changes) == [("reload", ("files: /etc/d/a.conf, /etc/d/b.conf",))]
    assert [(change.target, change.action, change.diff) for change in changes.files] == [
        ("/etc/d/a.conf", "remove", ("@@ -1 +0,0 @@", "-a")),
        ("/etc/d/b.conf", "add", ("@@ -0,0 +1 @@", "+b")),
    ]


def test_one_change_for_all_hosts_where_it_is_the_same(folder: Path) -> None:
    """The text has each container's address; what differs has it on each host alone only where it is near."""
    files = {CONF: {"source": "files/host.conf", "template": True}}
    changes = compare(plan(folder, files), plan(folder, {CONF: {"source": "files/host2.conf", "template": True}})).files
    assert [change.hosts for change in changes] == [("docker-1",), ("docker-2",)]
    (one,) = compare(plan(folder, ONE), plan(folder, TWO)).files
    assert one.hosts == ("docker-1", "docker-2")
    assert one.diff == ("@@ -1,2 +1,2 @@", " listen 80;", "-user a;", "+user b;")
    assert one.sources == ("files/one.conf", "files/two.conf")
    assert one.details == ("source: files/one.conf -> files/two.conf",)


@pytest.mark.parametrize(
    ("before", "after", "details"),
    [
        ("files/icon.png", "files/icon2.png", ["binary, 5 bytes -> binary, 6 bytes"]),
        ("files/one.conf", "files/icon.png", ["text -> binary, 5 bytes"]),
        (
            {"source": "files/icon.png", "owner": "0:0"},
            {"source": "files/icon.png", "owner": "101:101", "mode": "0400"},
            ["owner: 0:0 -> 101:101", "mode: 0444 -> 0400"],
        ),
        (None, "files/icon.png", ["owner: 0:0", "mode: 0444", "binary, 5 bytes"]),
        ("files/icon.png", None, ["binary, 5 bytes"]),
        ({"secret": "a"}, {"secret": "b"}, ["secret a -> secret b"]),
        ("files/icon.png", {"secret": "b"}, ["mode: 0444 -> 0400", "binary, 5 bytes -> secret b"]),
        (
            {"source": "files/pw.ini", "template": True, "secrets": {"password": "a"}},
            {"source": "files/pw.ini", "template": True, "secrets": {"password": "b"}},
            ["secret password: a -> b"],
        ),
    ],
)
def test_what_is_no_line_is_said(folder: Path, before: object, after: object, details: list[str]) -> None:
    """Binary files, owners, modes, and where a secret comes from."""
    changes = compare(
        plan(folder, {CONF: before} if before else None), plan(folder, {CONF: after} if after else None)
    ).files
    assert [[part for part in change.details if not part.startswith("source")] for change in changes] == [details]
    if "text" not in details[0]:
        assert changes[0].diff == ()


def test_a_secret_with_a_new_value_is_a_change_without_it(folder: Path) -> None:
    """Of a whole file and of one in a template; another key is none of theirs."""
    files = {
        TOKEN: {"secret": "token"},
        CONF: {"source": "files/pw.ini", "template": True, "secrets": {"password": "key"}},
    }
    same = plan(folder, files, reload="HUP")
    assert not compare(same, same, new_secrets={"other"})
    changes = compare(same, same, new_secrets={"token", "key"})
    assert of_containers(changes) == [("reload", (f"files: {CONF}, {TOKEN}",))]
    assert [(change.target, change.details, change.diff) for change in changes.files] == [
        (CONF, ("secret key has a new value",), ()),
        (TOKEN, ("secret token has a new value",), ()),
    ]


def test_a_deleted_container_takes_its_files_with_it(folder: Path) -> None:
    """They are no rows of their own; those of a new container are."""
    before, after = plan(folder, ONE, hosts=["docker-1"]), plan(folder, ONE, hosts=["docker-2"], offset=2)
    (change,) = compare(before, after).files
    assert (change.hosts, change.action, change.effect) == (("docker-2",), "add", "create")
    assert compare(None, after).files == (change,)


def test_a_rebuilt_network_replaces_what_has_other_files(folder: Path) -> None:
    """Whatever the files would do alone: the container starts with them, and is in no step of its own."""
    config = changed({"fabric.name": "other"})
    config["services"]["nginx"] |= {"files": TWO, "reload": "HUP"}
    before, after = plan(folder, ONE, reload="HUP"), make_plan(parse(config, Checkout(folder)))
    changes = compare(before, after)
    assert {change.effect for change in changes.files} == {"replace"}
    assert ("replace", ("its network is replaced", REASON)) in of_containers(changes)
    assert rollout_change(changes, before, after).steps == ()


def test_hosts_that_are_down_in_another_step_do_not_answer(folder: Path) -> None:
    """One host is replaced, the other one is started again at the same time."""
    files = {CONF: {"source": "files/one.conf"}}
    before = plan(folder, files, rollout={"at_once": 2})
    config = changed({"hosts.docker-2.parent": "eth1"})
    config["services"]["nginx"] |= {"files": TWO, "rollout": {"at_once": 2}}
    after = make_plan(parse(config, Checkout(folder)))
    changes = compare(before, after)
    steps = rollout_change(changes, before, after).steps
    assert [(step.action, step.hosts, step.others_answer) for step in steps] == [("restart", ("docker-1",), False)]


LINES = st.lists(st.sampled_from(["a", "b", "", "\r", "+x", "\u2028", "@@"]), max_size=40).map("\n".join)


@given(LINES, LINES)
def test_a_diff_is_one_that_patch_applies(before: str, after: str) -> None:
    """It has the lines of both texts, a last line without a newline too, and the same parts as Python's own."""
    lines = list(unified_diff(before, after))
    assert (lines == []) is (before == after)
    assert all(line[0] in "@ -+\\" for line in lines)
    assert rebuilt(before, lines) == after
    keep = [[f"{line}\n" for line in text.split("\n")[:-1]] + [text.split("\n")[-1]] for text in (before, after)]
    old, new = ([line for line in each if line] for each in keep)
    own = [line.rstrip("\n") for line in difflib.unified_diff(old, new)][2:]
    if len(old) == len(new) == 1:
        assert [line for line in lines if line[0] != "\\"] == own


def rebuilt(before: str, diff: list[str]) -> str:
    """Return the text that a diff makes of another one, as patch does."""
    old = [f"{line}\n" for line in before.split("\n")[:-1]] + [line for line in before.split("\n")[-1:] if line]
    made, at = [], 0
    for number, line in enumerate(diff):
        ends = number + 1 < len(diff) and diff[number + 1].startswith("\\")
        text = line[1:] + ("" if ends else "\n")
        if line.startswith("@@"):
            begin, _, length = line.split()[1][1:].partition(",")
            until = int(begin) - (length != "0")
            made += old[at:until]
            at = until
        elif line[0] in " -":
            assert old[at] == text
            at += 1
        if line[0] in " +":
            made.append(text)
    return "".join([*made, *old[at:]])


def test_a_diff_of_hostile_texts_ends() -> None:
    """Two texts of 64,000 lines that each have a few lines in common with every other: seconds at most, and every line is in it."""
    before = "".join(f"{number % 101}\n" for number in range(64_000))
    after = "".join(f"{(64_000 - number) % 101}\n" for number in range(64_000))
    begin = time.monotonic()
    lines = list(unified_diff(before, after))
    assert time.monotonic() - begin < 10
    assert rebuilt(before, lines) == after
    # A long file with one difference has that alone.
    small = list(unified_diff(before, before.replace("\n50\n", "\nx\n", 1)))
    assert len(small) == 1 + 3 + 2 + 3
    assert MOST_COMPARED < 64_000


def test_git_applies_it(tmp_path: Path) -> None:
    """The parts of a diff have the numbers that git and patch want."""
    before = "".join(f"line {number}\n" for number in range(60))
    after = before.replace("line 7\n", "").replace("line 40\n", "line 40\nx\ny\n") + "end"
    (tmp_path / "f").write_text(before, encoding="utf-8")
    text = "\n".join(["--- a/f", "+++ b/f", *unified_diff(before, after), ""])
    subprocess.run(["git", "apply", "--verbose"], input=text.encode(), cwd=tmp_path, check=True)
    assert (tmp_path / "f").read_text(encoding="utf-8") == after
