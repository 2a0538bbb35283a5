"""The stack file is the only source of config, and messages repeat nothing of what people put into `environment`."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from ipvlan.config.engine_config import differences
from ipvlan.config.yaml_text import StackFileError, parse_text
from ipvlan.plan.validate import load_stack
from ipvlan.problems import ConfigError
from tests.support.projects import ipvlan, write_project
from tools.reference_setup import STACK_TEXT


def problems(folder: Path) -> list[tuple[str, str]]:
    """Return code and key of what is wrong with stack dev."""
    with pytest.raises(ConfigError) as refused:
        load_stack("dev", folder)
    return [(problem.code, problem.key) for problem in refused.value.problems]


def test_another_project_file(tmp_path: Path) -> None:
    """Pulumi would take a Pulumi.json, and the Pulumi.dev.json beside it."""
    write_project(tmp_path)
    (tmp_path / "Pulumi.json").write_text("{}")
    assert problems(tmp_path) == [("IPF043", "Pulumi.json")]


@pytest.mark.parametrize(
    ("declarations", "refused"),
    [
        (
            "{ssh: {type: object, default: {}}, common: {type: string, default: ''}, token: {type: string, secret: true}}",
            False,
        ),
        ("{aws:region: x, pulumi:tags: {value: {a: b}}}", False),
        ("{common: stacks/common.yaml}", True),
        ("{ipvlan-fabric:services: {value: {}}}", True),
        ("{ipvlan-fabric:config:services: {}}", False),
        ("{token: {type: string, default: x}}", True),
        ("{services: [a]}", True),
        ("{services: {web: {image: nginx}}}", True),
    ],
)
def test_declarations_of_the_project(tmp_path: Path, declarations: str, refused: bool) -> None:
    """A declaration may say what a key is; a value of a key of ours is in no stack file."""
    write_project(tmp_path)
    (tmp_path / "Pulumi.yaml").write_text(f"name: ipvlan-fabric\nruntime: python\nconfig: {declarations}\n")
    if refused:
        [(code, _)] = problems(tmp_path)
        assert code == "IPF042"
    else:
        load_stack("dev", tmp_path)


def test_the_engine_s_config_is_compared() -> None:
    """Values are compared as JSON: no order counts, and true is not 1."""
    sections = {"hosts": {"b": 1, "a": [True]}, "services": {}, "ssh": None, "common": "x.yaml"}
    given = {"fabric": "{}", "hosts": '{"a": [true], "b": 1}', "services": "{}", "ssh": None, "common": "x.yaml"}
    assert list(differences("Pulumi.dev.yaml", sections, given, [])) == []
    for key, value in (
        ("hosts", '{"a": [1], "b": 1}'),
        ("hosts", "[["),
        ("ssh", '{"a": 1}'),
        ("common", "y.yaml"),
        ("services", None),
    ):
        found = list(
            differences(
                "Pulumi.dev.yaml",
                {**sections, "services": {"a": 1}} if value is None else sections,
                {**given, key: value},
                [],
            )
        )
        assert [(problem.code, problem.key) for problem in found] == [("IPF045", f"ipvlan-fabric:{key}")]
    [plain] = differences("Pulumi.dev.yaml", sections, given, ["token"])
    assert (plain.code, plain.value) == ("IPF046", "(not shown)")


SERVICES = "  ipvlan-fabric:services:\n"


@pytest.mark.parametrize(
    "text",
    [
        STACK_TEXT + "      environment: {PIN: 0123456}\n",
        STACK_TEXT + "      environment: {PIN: !!str 0123456}\n",
        STACK_TEXT + "      environment: PIN=0123456\n",
        STACK_TEXT + "      environment: [PIN=0123456, PIN=0123456]\n",
        STACK_TEXT + "      environment: [A=b, x0123456]\n",
        STACK_TEXT + "      environment: [{PIN: '0123456'}]\n",
        STACK_TEXT + '      environment: ["PIN=0123456\\0"]\n',
        STACK_TEXT + "      environment: [PIN: 0123456]\n",
        STACK_TEXT + "      environment: [123456]\n",
        STACK_TEXT + "      environment: {PIN: [0123456]}\n",
        STACK_TEXT + "      secret_environment: {PIN: 0123456}\n",
        STACK_TEXT + "    other: [{environment: {PIN: '0123456'}}]\n",
        STACK_TEXT.partition(SERVICES)[0] + SERVICES + "    - environment: {PIN: '0123456'}\n",
        STACK_TEXT.partition(SERVICES)[0] + '  ipvlan-fabric:services: \'{"a": {"environment": {"PIN": "0123456"}}\'\n',
        "- environment: {PIN: '0123456'}\n",
        "config: [{environment: {PIN: '0123456'}}]\n",
        STACK_TEXT + "      environment: {PIN: *0123456}\n",
        STACK_TEXT + "      environment: {PIN: !0123456 x}\n",
        STACK_TEXT + "      environment: {PIN=0123456: x, PIN=0123456: y}\n",
        STACK_TEXT + "      environment: {PIN=0123456}\n",
        STACK_TEXT + "      secret_environment: {PIN: x0123456}\n",
        STACK_TEXT + "      environment: {PIN: 0123456?}\n",
        "x-e: &e {PIN: 0123456}\n" + STACK_TEXT + "      environment: *e\n",
    ],
)
def test_no_message_has_a_value_of_the_environment(tmp_path: Path, text: str) -> None:
    """People put secrets there by mistake, and CI keeps its logs."""
    write_project(tmp_path, text)
    done = ipvlan(tmp_path, "plan")
    assert done.returncode == 1
    assert "0123456" not in done.stderr + done.stdout
    assert done.stderr.startswith("the config has")


def test_aliases_are_limited() -> None:
    """What they repeat is counted, at the place where it would be in memory; depth is counted through them."""
    values = ", ".join(["1"] * 999)
    most = 30
    text = f"a: &a [{values}]\nb: [{', '.join(['*a'] * most)}]\n"
    assert len(parse_text(text, "x")["b"]) == most
    with pytest.raises(StackFileError, match="IPF032 x:2:"):
        parse_text(text.replace("[*a", "[*a, *a, *a, *a, *a"), "x")
    deep = "".join(f"a{n}: &a{n} {'[' * 9}{f'*a{n - 1}' if n else '1'}{']' * 9}\n" for n in range(6))
    with pytest.raises(StackFileError, match="IPF007 x:6:"):
        parse_text(deep, "x")


def test_both_parsers_of_pyyaml_read_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where PyYAML was built without libyaml, its own parser reads the same."""
    import yaml

    expected = parse_text(STACK_TEXT, "x")
    monkeypatch.setattr("ipvlan.config.yaml_text.LOADER", yaml.SafeLoader)
    assert json.dumps(parse_text(STACK_TEXT, "x")) == json.dumps(expected)


def test_many_problems_are_not_all_listed() -> None:
    """A file full of them ends at once, with the first hundred."""
    with pytest.raises(StackFileError) as refused:
        parse_text(f"a: [{'on, ' * 10_000}]", "x")
    text = str(refused.value)
    assert "100. IPF013" in text
    assert text.endswith("... and 1 more: correct these first")


def test_what_only_one_reader_takes_is_refused() -> None:
    """What Pulumi's yaml.v3 refuses, or ends elsewhere, and libyaml reads."""
    values = ", ".join(["1"] * 999)
    aliases = ", ".join(["*x"] * 100)
    for text, code in (
        ("a: {b: http://x/?a=b}", "IPF053"),
        ("a: [what?, b]", "IPF053"),
        (f"x: &x [{values}]\na: [{aliases}]", "IPF032"),
        ("a: 1\n\ufeffb: 2", "IPF052"),
        ("a: |2\n  b\u2028c\n", "IPF052"),
    ):
        with pytest.raises(StackFileError) as refused:
            parse_text(text, "x")
        assert [problem.code for problem in refused.value.problems] == [code], text
    assert parse_text("a: http://x/?a=b\nb: what?\nc: {d: 'e?'}", "x") == {
        "a": "http://x/?a=b",
        "b": "what?",
        "c": {"d": "e?"},
    }


def test_what_pulumi_writes_without_quotes_is_a_text() -> None:
    """`pulumi config set` quotes what its own reader would not read as a text, and nothing else."""
    texts = ("=", "nUll", "yEs", "2026-13-45", "2026-02-99", "0o9", "0b2", "0x", "._5", "tRUE", "1e", "0_x")
    for text in texts:
        assert parse_text(f"a: {text}", "x") == {"a": text}
    assert parse_text('a: !!merge <<\nb: !!merge "<<"', "x") == {"a": "<<", "b": "<<"}


def test_many_mistakes_take_no_time(tmp_path: Path) -> None:
    """Of thousands a hundred are listed, and the rest is not looked at."""
    services = "".join(f"    s{number}: {{imag: x}}\n" for number in range(5000))
    names = ", ".join(f"z{number}" for number in range(20_000))
    for more in (services, f"    other: {{image: x, offset: 9, after: [{names}]}}\n"):
        write_project(tmp_path, STACK_TEXT + more)
        began = time.process_time()
        assert ipvlan(tmp_path, "plan").returncode == 1
        assert time.process_time() - began < 2
