"""What is read in Pulumi's document of a preview, and which lines a change becomes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.previews import CONTAINER, NETWORK, document, step
from tools.preview_changes import UNKNOWN, PreviewError, changes, compare, read_preview

SHELL = "urn:pulumi:dev::ipvlan-fabric::command:local:Command::fabric-docker-1-check"
OLD = {"name": "nginx", "networksAdvanced": [{"__defaults": [], "ipv4Address": "10.1.1.2", "name": UNKNOWN}]}
NEW = {"name": "nginx", "networksAdvanced": [{"__defaults": ["x"], "ipv4Address": "10.1.7.2", "name": UNKNOWN}]}


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


def test_an_update_of_the_state_alone_says_so() -> None:
    """The first bridge of a container changes how it would be created; one more argument is an update of the container."""
    for new, more in (({}, {}), ({"memory": 64}, {"memory": 1})):
        old = {"name": "nginx"}
        update = step(CONTAINER, "update", old=old, new={**old, "start": False, "mustRun": False, **new})
        update["diffReasons"] = ["start", "mustRun", *more]
        (first, *_) = changes(document(update))
        assert first.endswith("the container runs on as it is)") is not bool(more)


FILES = "urn:pulumi:dev::ipvlan-fabric::ipvlan-fabric:index:Files::fabric-docker-1-nginx-files"


def test_files_are_named_by_their_targets_alone() -> None:
    """Their lines are in the report; another text, owner or mode is another line here, and equal ones are none."""

    def preview(text: str, mode: str = "0444") -> dict[str, Any]:
        files = {"/etc/nginx.conf": {"text": text, "mode": mode}, "/etc/b": {"text": "same\n", "mode": "0444"}}
        found = document(step(FILES, "create", new={"files": files, "host": "docker-1"}))
        found["steps"][0]["newState"]["type"] = "ipvlan-fabric:index:Files"
        return found

    lines = compare(preview("one\nsecret line\n"), preview("two\n"))
    assert lines[0] == "~ ipvlan-fabric:index:Files fabric-docker-1-nginx-files"
    assert [line.partition(": ")[0] for line in lines[1:]] == [
        '  - files."/etc/nginx.conf"', '  + files."/etc/nginx.conf"',
    ]  # fmt: skip
    assert "secret line" not in "".join(lines)
    assert compare(preview("one\n"), preview("one\n")) == []
    assert len(compare(preview("one\n"), preview("one\n", "0400"))) == 3
