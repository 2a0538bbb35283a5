"""The comment of a pull request: what it reads in Pulumi's document, what it leaves out, and when the job fails."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ipvlan.config.git_commit import commit
from tests.support.projects import commit_all, write_project
from tools import pr_preview
from tools.preview_changes import UNKNOWN, PreviewError, changes, compare, read_preview
from tools.reference_setup import STACK_TEXT

PARENT = "urn:pulumi:dev::ipvlan-fabric::ipvlan-fabric:host_slice:HostSlice$docker:index/"
NETWORK = f"{PARENT}network:Network::fabric-docker-1-network"
CONTAINER = f"{PARENT}container:Container::fabric-docker-1-nginx"
SHELL = "urn:pulumi:dev::ipvlan-fabric::command:local:Command::fabric-docker-1-check"
OLD = {"name": "nginx", "networksAdvanced": [{"__defaults": [], "ipv4Address": "10.1.1.2", "name": UNKNOWN}]}
NEW = {"name": "nginx", "networksAdvanced": [{"__defaults": ["x"], "ipv4Address": "10.1.7.2", "name": UNKNOWN}]}


def step(urn: str, op: str, *, old: dict[str, Any] | None = None, new: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a step as Pulumi 3.259 writes it, without its place in the program."""
    states = {"oldState": old, "newState": new}
    return {
        "op": op,
        "urn": urn,
        **{
            name: {"urn": urn, "custom": True, "inputs": inputs}
            for name, inputs in states.items()
            if inputs is not None
        },
        "detailedDiff": None,
    }


def document(*steps: dict[str, Any], summary: dict[str, int] | None = None) -> dict[str, Any]:
    """Return a document of a preview; its summary counts the steps unless another one is given."""
    counts: dict[str, int] = {}
    for entry in steps:
        counts[entry["op"]] = counts.get(entry["op"], 0) + 1
    return {"config": {}, "steps": list(steps), "duration": 1, "changeSummary": counts if summary is None else summary}


def test_two_previews_are_compared_by_resource() -> None:
    """Each resource that only one preview has, and each input that differs, is a line; what is equal is none."""
    base = document(step(NETWORK, "create", new={"name": "a"}), step(CONTAINER, "create", new=OLD))
    head = document(step(CONTAINER, "create", new=NEW), step(SHELL, "create", new={"stdin": "one\ntwo"}))
    assert compare(base, head) == [
        "~ docker:index/container:Container fabric-docker-1-nginx",
        '  - networksAdvanced[].ipv4Address: "10.1.1.2"',
        '  + networksAdvanced[].ipv4Address: "10.1.7.2"',
        "- docker:index/network:Network fabric-docker-1-network",
        "+ command:local:Command fabric-docker-1-check",
        "  + stdin: | (2 lines)",
        "  + stdin: | one",
        "  + stdin: | two",
    ]
    assert compare(head, head) == []
    assert compare(None, head)[:2] == ["+ docker:index/container:Container fabric-docker-1-nginx", '  + name: "nginx"']


def container(**inputs: Any) -> dict[str, Any]:
    """Return a preview that creates one container."""
    return document(step(CONTAINER, "create", new=inputs))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {"labels": [{"label": "x", "value": '{"Resources": [], "Outputs": 1}'}], "privileged": True}),
        ({"labels": []}, {"labels": [{"label": "__x", "value": "1"}]}),
        ({"logOpts": {"a": "1"}}, {"logOpts": {"a": "1", "__x": "1"}}),
        ({"logOpts": {"a": "1"}}, {"logOpts": {"a": "1", "__defaults": "1"}}),
        ({"logOpts": {"a": "1"}}, {"logOpts": {"a": "1", "__meta": "1"}}),
        ({"logOpts": {"a": "1"}}, {"logOpts": {"a": "1", "__provider": "1"}}),
        ({"dns": ["a", "b"]}, {"dns": ["b", "a"]}),
        ({"envs": ["a\nb"]}, {"envs": ["a", "b"]}),
        ({"envs": ["a\nb"]}, {"envs": ["a\nb\n"]}),
        ({"envs": ["a\nb", "c\nd"]}, {"envs": ["a\nb\nc\nd"]}),
        ({"envs": ["a\nb"]}, {"envs": ["a\r\nb"]}),
        ({"envs": ["a\n-- b"]}, {"envs": ["a\n++ b"]}),
        ({"mounts": [{"a": 1}, {"b": 2}]}, {"mounts": [{"a": 1, "b": 2}]}),
        ({"privileged": 1}, {"privileged": True}),
        ({"a.b": 1}, {"a": {"b": 1}}),
        ({"user": "1"}, {"user": 1}),
    ],
    ids=str,
)
def test_two_different_inputs_have_different_lines(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Whatever a label or a text has in it: the added and the removed are both in the comparison, each on its line."""
    lines = compare(container(**before), container(**after))
    assert lines[0] == "~ docker:index/container:Container fabric-docker-1-nginx"
    assert len(lines) > 1
    if "privileged" in after:
        assert f"  + privileged: {json.dumps(after['privileged'])}" in lines


def test_text_in_an_input_makes_no_line_of_its_own() -> None:
    """A key or a value with a line break or an escape sequence cannot pass for another line."""
    (_, line) = compare(container(), container(sysctls={"x\n  - privileged": "\x1b[2K"}))
    assert line == '  + sysctls."x\\n  - privileged": "\\u001b[2K"'


def test_an_order_alone_is_a_difference() -> None:
    """What a container waits for is in no input; its dependencies are compared."""
    before, after = container(name="nginx"), container(name="nginx")
    after["steps"][0]["newState"]["dependencies"] = [NETWORK]
    assert compare(before, after) == [
        "~ docker:index/container:Container fabric-docker-1-nginx",
        '  + (option) dependencies[]: "docker:index/network:Network fabric-docker-1-network"',
    ]


def test_a_secret_that_changes_is_a_reason() -> None:
    """Both values are masked alike; the engine names the input, among others too."""
    secret = step(CONTAINER, "replace", old={"envs": "[secret]"}, new={"envs": "[secret]"})
    secret["replaceReasons"], secret["diffReasons"], secret["detailedDiff"] = ["image"], ["envs"], {"dns[0]": {}}
    assert changes(read_preview(json.dumps(document(secret)))) == [
        "+- docker:index/container:Container fabric-docker-1-nginx (replace: dns[0], envs, image)"
    ]


def test_of_a_long_text_the_changed_line_is_shown() -> None:
    """A script in an input is compared line by line."""
    before = document(step(SHELL, "create", new={"stdin": "one\ntwo\nthree"}))
    after = document(step(SHELL, "create", new={"stdin": "one\n2\nthree"}))
    assert compare(before, after)[1:] == ["  - stdin: | two", "  + stdin: | 2"]


def test_a_preview_against_the_state_shows_its_operations() -> None:
    """The operation, its reasons and the inputs that differ are shown; an unchanged resource is not."""
    replaced = step(CONTAINER, "replace", old={**OLD, "envs": "[secret]"}, new={**NEW, "envs": "[secret]"})
    replaced["replaceReasons"] = ["networksAdvanced", "envs"]
    preview = document(
        step(NETWORK, "same", old={"name": "a"}, new={"name": "a"}), replaced, step(SHELL, "delete", old={})
    )
    assert changes(read_preview(json.dumps(preview))) == [
        "+- docker:index/container:Container fabric-docker-1-nginx (replace: envs, networksAdvanced)",
        '  - networksAdvanced[].ipv4Address: "10.1.1.2"',
        '  + networksAdvanced[].ipv4Address: "10.1.7.2"',
        "- command:local:Command fabric-docker-1-check",
    ]


def test_a_replacement_by_the_trigger_has_its_reasons() -> None:
    """The engine names none; what differs in the trigger is what replaces, and labels of the stack alone replace nothing."""
    replaced = step(CONTAINER, "replace", old={"labels": [{"label": "a"}]}, new={"labels": [{"label": "b"}]})
    replaced["oldState"]["replacementTrigger"] = '{"labels": {}, "ports": "80:80"}'
    replaced["newState"]["replacementTrigger"] = '{"labels": {"team": "web"}, "ports": "80:80"}'
    numbered = json.loads(json.dumps(replaced))
    numbered["newState"]["replacementTrigger"] = "1 " + replaced["newState"]["replacementTrigger"]
    assert changes(read_preview(json.dumps(document(numbered)))) == changes(
        read_preview(json.dumps(document(replaced)))
    )
    numbered["newState"]["replacementTrigger"] = "1 " + replaced["oldState"]["replacementTrigger"]
    assert changes(read_preview(json.dumps(document(numbered))))[0].endswith(
        "fabric-docker-1-nginx (replace: arguments)"
    )
    first = step(CONTAINER, "update", old={}, new={})
    first["newState"]["replacementTrigger"] = "{}"
    assert changes(read_preview(json.dumps(document(replaced)))) == [
        "+- docker:index/container:Container fabric-docker-1-nginx (replace: labels)",
        '  - labels[].label: "a"',
        '  + labels[].label: "b"',
    ]
    assert changes(read_preview(json.dumps(document(first)))) == [
        "~ docker:index/container:Container fabric-docker-1-nginx"
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (json.dumps(document(summary={"create": 24})), "reports 24 changes and lists no changed resource"),
        (
            json.dumps(document(step(NETWORK, "same", old={}, new={}), summary={"same": 1, "update": 2})),
            "reports 2 changes and lists no changed resource",
        ),
        (json.dumps({"changeSummary": {"create": 1}}), "no document of the known format (KeyError"),
        (json.dumps([]), "no document of the known format (TypeError"),
        ("Previewing update (dev)", "no document of the known format (JSONDecodeError"),
    ],
)
def test_a_document_that_is_not_understood_is_an_error(text: str, message: str) -> None:
    """An unknown format never passes as a preview without changes."""
    with pytest.raises(PreviewError) as caught:
        read_preview(text)
    assert message in str(caught.value)


def test_no_changes_are_no_error() -> None:
    """A preview in which nothing changes has no lines."""
    preview = document(step(NETWORK, "same", old={"name": "a"}, new={"name": "a"}))
    assert changes(read_preview(json.dumps(preview))) == []


def prepared(tmp_path: Path) -> Path:
    """Return a repository with a small project, made once."""
    project = tmp_path / "project"
    if not project.exists():
        project.mkdir()
        write_project(project, STACK_TEXT)
        commit_all(project, "base")
    return project


def run(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    *,
    status: int = 0,
    state: str = "",
    program: str = "",
) -> tuple[int, str, list[str]]:
    """Run the tool on a small project with a `pulumi` that only prints `answer`, or runs the shell text `program`, as preview.

    Returns:
        Status, comment and pulumi's arguments.
    """
    project, log, bin_folder = prepared(tmp_path), tmp_path / "log", tmp_path / "bin"
    bin_folder.mkdir()
    (tmp_path / "answer").write_text(answer, encoding="utf-8")
    program = program or f"cat {tmp_path / 'answer'}\nexit {status}"
    executable = bin_folder / "pulumi"
    executable.write_text(
        f'#!/bin/sh\necho "$PWD $*" >> {log}\n[ "$1" = preview ] || exit 0\n{program}\n', encoding="utf-8"
    )
    executable.chmod(0o755)
    monkeypatch.setenv("PATH", f"{bin_folder}:/usr/bin:/bin")
    monkeypatch.delenv("PULUMI_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("PULUMI_BACKEND_URL", state)
    out = tmp_path / "comment.md"
    monkeypatch.setattr("sys.argv", ["pr_preview", "--base", "HEAD", "--project", str(project), "--out", str(out)])
    return pr_preview.main(), out.read_text(encoding="utf-8"), log.read_text(encoding="utf-8").splitlines()


def test_changes_without_a_resource_fail_the_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit status 1, and the comment says what is wrong and what to do."""
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(document(summary={"create": 24})))
    assert status == 1
    assert "<code>pulumi preview</code> failed" in text
    assert "reports 24 changes and lists no changed resource. Adapt tools/preview_changes.py" in text


def test_a_failed_preview_shows_the_messages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a program that failed, the comment has the errors and not the whole document."""
    failed = {
        **document(step(NETWORK, "create", new={})),
        "diagnostics": [{"message": "error: boom\n", "severity": "error"}],
    }
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(failed), status=1)
    assert status == 1
    assert "```\nerror: boom\n```" in text


def test_without_a_state_copies_are_previewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base and head are compared, each in a folder and a state of its own."""
    status, text, calls = run(tmp_path, monkeypatch, json.dumps(document(step(NETWORK, "create", new={"name": "a"}))))
    assert status == 0
    assert text.startswith("<!-- ipvlan-fabric: pull request -->\n")
    assert "no resource differs" in text
    assert [call.split()[1:4] for call in calls] == [["stack", "init", "dev"], ["preview", "--json", "--stack"]] * 2
    assert len({call.split()[0] for call in calls}) == 2
    assert not any(call.startswith(f"{tmp_path / 'project'} ") for call in calls)


def test_with_a_state_the_project_itself_is_previewed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One preview in the project's folder, and the comment says what it is compared with."""
    preview = document(step(NETWORK, "update", old={"name": "a"}, new={"name": "b"}))
    status, text, calls = run(tmp_path, monkeypatch, json.dumps(preview), state="file:///somewhere")
    assert status == 0
    assert "passed, compared with the stack's state" in text
    assert '~ docker:index/network:Network fabric-docker-1-network\n  - name: "a"\n  + name: "b"' in text
    assert [call.split()[:2] for call in calls] == [[str(tmp_path / "project"), "preview"]]


def test_stacks_are_those_of_tracked_files_in_the_folder_itself(tmp_path: Path) -> None:
    """Their names may have dots; a file in a folder below is none, and one that the base alone has is named as removed."""
    for name in ("dev", "prod.eu", "prod", "old.one"):
        write_project(tmp_path, STACK_TEXT, name)
    for folder in ("sub", "Pulumi.d"):
        (tmp_path / folder).mkdir()
        write_project(tmp_path / folder, STACK_TEXT, "below.yaml")
    commit_all(tmp_path, "base")
    write_project(tmp_path, STACK_TEXT, "untracked")
    for name in ("old.one", "prod"):
        (tmp_path / f"Pulumi.{name}.yaml").unlink()
    assert pr_preview._stacks(tmp_path, commit(tmp_path, "HEAD")) == (["dev", "prod.eu"], ["old.one", "prod"])


def test_a_removed_stack_is_in_the_comment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says that what runs there stays."""
    write_project(prepared(tmp_path), STACK_TEXT, "prod.eu")
    commit_all(tmp_path / "project", "base")
    (tmp_path / "project" / "Pulumi.prod.eu.yaml").unlink()
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(document()))
    assert status == 0
    assert "## Stack `prod.eu`\n\n**Its file is removed.** Nothing on its hosts changes by that" in text


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("printf '\\377\\376'; exit 1", "\ufffd\ufffd"),
        ("kill -9 $$", "<code>pulumi preview</code> failed"),
        ("printf '%s' '{}'", "no document of the known format"),
    ],
    ids=["no UTF-8", "killed", "no document"],
)
def test_a_pulumi_that_breaks_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str, message: str
) -> None:
    """Exit status 1, and the comment is there."""
    status, text, _ = run(tmp_path, monkeypatch, "", program=damage)
    assert status == 1
    assert message in text


def test_a_pulumi_that_cannot_be_started_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As is a base that does not exist; the comment is written in both cases."""
    monkeypatch.setattr(pr_preview, "TIME_LIMIT", 0.2)
    status, text, _ = run(tmp_path, monkeypatch, "", program="sleep 5")
    assert status == 1
    assert "took more than 0.2 s" in text
    (tmp_path / "bin" / "pulumi").chmod(0o644)
    arguments = ["pr_preview", "--project", str(tmp_path / "project"), "--out", str(tmp_path / "comment.md"), "--base"]
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/nowhere:/usr/bin:/bin")
    monkeypatch.setattr("sys.argv", [*arguments, "HEAD"])
    assert pr_preview.main() == 1
    assert "Permission denied" in (tmp_path / "comment.md").read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", [*arguments, "no-such-branch"])
    assert pr_preview.main() == 1
    assert "no-such-branch" in (tmp_path / "comment.md").read_text(encoding="utf-8")
    assert "Traceback" not in capsys.readouterr().err


def test_the_preview_of_a_base_that_fails_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All resources are listed with their inputs, and why the base has no preview."""
    preview = json.dumps(document(step(NETWORK, "create", new={"name": "a"})))
    program = f"case $PWD in */base) echo 'base is broken'; exit 1;; *) echo '{preview}';; esac"
    status, text, _ = run(tmp_path, monkeypatch, "", program=program)
    assert status == 0
    assert "passed; that of the base failed, so all resources are listed" in text
    assert "the preview of the base failed:\nbase is broken" in text
    assert '+ docker:index/network:Network fabric-docker-1-network\n  + name: "a"' in text


def test_a_name_that_is_no_stack_s_is_one_failed_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The other stacks have their report, and nothing in the name is a command to a terminal or to GitHub's runner."""
    project = prepared(tmp_path)
    names = (
        b"Pulumi..yaml",
        b"Pulumi.\xff.yaml",
        b"Pulumi.--help.yaml",
        b"Pulumi.x\x1b]0;pwn\x07\n::error::b##[error]c.yaml",
    )
    for name in names:
        (project / os.fsdecode(name)).write_text(STACK_TEXT)
    commit_all(project, "odd names")
    (project / os.fsdecode(names[2])).unlink()
    status, text, _ = run(tmp_path, monkeypatch, json.dumps(document()))
    assert status == 1
    assert "## Stack `dev`\n\n**Nothing changes on the hosts.**" in text
    for shown in ("Pulumi..yaml", r"Pulumi.\udcff.yaml", r"Pulumi.x\x1b]0;pwn\x07 ::error::b##[error]c.yaml"):
        assert f"## File `{shown}`\n\n**Its name is not that of a stack,** so no command reads it. Rename it" in text
    assert "## File `Pulumi.--help.yaml`\n\n**Its file is removed.**" in text
    printed = "".join(capsys.readouterr())
    assert "(no name)" in printed
    assert not {"\x1b", "\x07"} & {*printed}
    assert "##[" not in printed
    assert not [line for line in printed.splitlines() if line.lstrip().startswith("::")]


def test_a_sentence_in_the_log_is_no_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Git's own messages, and the name of the file that cannot be written."""
    folder = tmp_path / "x\n::error::y##[error]"
    folder.touch()
    arguments = ["--project", str(prepared(tmp_path)), "--out", str(folder / "a"), "--base", "::x\n::error::y"]
    monkeypatch.setattr("sys.argv", ["pr_preview", *arguments])
    assert pr_preview.main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert "the comment cannot be written" in "".join(lines)
    assert all(line.startswith(("pr-preview: ", "  | ")) for line in lines)
    assert "##[" not in "".join(lines)


def test_the_copy_has_what_the_program_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shared file in a folder of any name, a file that git does not have yet; links stay links, and caches stay away."""
    project = prepared(tmp_path)
    for name in ("lab/common.yaml", "tests/a", "stacks/toolchain/b", "ignored/c", ".venv/d"):
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x: y\n")
    (project / ".gitignore").write_text("ignored\n")
    for link, target in (("a", "."), ("b", "."), ("dangling", "nowhere"), ("absolute", "/")):
        (project / link).symlink_to(target)
    (project / "own.yaml").write_text(STACK_TEXT)
    (project / "Pulumi.dev.yaml").unlink()
    (project / "Pulumi.dev.yaml").symlink_to("own.yaml")
    (project / "moved").mkdir()
    (project / "moved" / "e").touch()
    commit_all(project, "more")
    (project / "tests" / "new").touch()
    (project / "moved" / "e").unlink()
    (project / "moved").rmdir()
    (project / "moved").symlink_to("tests")
    program = f"find . > {tmp_path}/found-$(basename $PWD); echo '{json.dumps(document())}'"
    status, text, _ = run(tmp_path, monkeypatch, "", program=program)
    assert "that of the base failed" in text, "an archive with an absolute link is not unpacked"
    assert status == 0
    found = set((tmp_path / "found-now").read_text().splitlines())
    assert {"./lab/common.yaml", "./tests/a", "./tests/new", "./stacks/toolchain/b", "./a", "./dangling"} <= found
    assert not found & {"./ignored/c", "./.venv/d", "./a/b", "./moved/e", "./.git"}
    assert (project / "own.yaml").read_text() == STACK_TEXT


NO_STACK = "echo \"error: no stack named 'dev' found\" >&2; exit 255"


@pytest.mark.parametrize("answer", [NO_STACK, "exit 6"])
def test_a_stack_that_the_backend_does_not_have_is_previewed_in_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    """Nothing of it runs yet, so all its resources are new, and the comment says so."""
    preview = json.dumps(document(step(NETWORK, "create", new={"name": "a"})))
    program = f"case $PULUMI_BACKEND_URL in file:///somewhere) {answer};; *) echo '{preview}';; esac"
    status, text, calls = run(tmp_path, monkeypatch, "", program=program, state="file:///somewhere")
    assert status == 0
    assert "passed, and all resources are listed: the backend of the state has no such stack yet" in text
    assert '+ docker:index/network:Network fabric-docker-1-network\n  + name: "a"' in text
    assert [call.split()[1:3] for call in calls] == [["preview", "--json"], ["stack", "init"], ["preview", "--json"]]


def test_another_failure_of_the_backend_is_no_new_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that speaks of stacks does not make the preview one of an empty state."""
    program = "printf 'warning\\nerror: no stack named x\\n' >&2; exit 255"
    status, text, calls = run(tmp_path, monkeypatch, "", program=program, state="file:///somewhere")
    assert status == 1
    assert "error: no stack named x" in text
    assert len(calls) == 1


def test_dangerous_settings_without_room_fail_the_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A comment that hides them is no success."""
    project = prepared(tmp_path)
    sysctls = "".join(f"        net.ipv4.conf.all.{'x' * 50}{number}: '1'\n" for number in range(600))
    text = STACK_TEXT.replace(
        "      offset: 1\n", f"      offset: 1\n      privileged: true\n      sysctls:\n{sysctls}", 1
    )
    (project / "Pulumi.dev.yaml").write_text(text)
    status, written, _ = run(tmp_path, monkeypatch, json.dumps(document()))
    assert status == 1
    assert "| new | dev | centos | docker-1 and docker-2 | privileged | true |" in written
    assert "have no room, so this job fails" in written
    assert "dangerous settings have no room in the comment" in capsys.readouterr().err
