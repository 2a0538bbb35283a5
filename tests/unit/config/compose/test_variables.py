"""Variables in compose files: every form that compose has, where they come from, and what has none."""

from __future__ import annotations

import pytest

from ipvlan.config.compose.dotenv import DotenvError, parse_dotenv
from ipvlan.config.compose.interpolation import DEEPEST, substitute
from ipvlan.config.compose.node import LeftOutError
from tests.support.compose_files import carried_files

VARIABLES = {"A": "1", "EMPTY": "", "_x9": "y"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("${A}", "1"),
        ("x$A-$_x9.", "x1-y."),
        ("$$A", "$A"),
        ("$$$A", "$1"),
        ("a}b", "a}b"),
        ("${NO:-text}", "text"),
        ("${NO-text}", "text"),
        ("${EMPTY:-text}", "text"),
        ("${EMPTY-text}", ""),
        ("${A:-text}", "1"),
        ("${A:+text}", "text"),
        ("${NO:+text}", ""),
        ("${EMPTY:+text}", ""),
        ("${EMPTY+text}", "text"),
        ("${A:?why}", "1"),
        ("${EMPTY?why}", ""),
        ("${NO:-${A}}", "1"),
        ("${NO:-${NEITHER:-${A}x}}y", "1xy"),
        ("${A:-${NO}}", "1"),
        ("${NO:-a:b}", "a:b"),
        ("${NO:-}", ""),
        ("awk '{print $1}'", "awk '{print $1}'"),
        ("test $(redis-cli ping) = $A", "test $(redis-cli ping) = 1"),
        ("a$", "a$"),
        ("${NO:-$}", "$"),
    ],
)
def test_forms(text: str, expected: str) -> None:
    """Defaults, alternatives, required ones, nested ones, and the sign itself."""
    assert substitute(text, VARIABLES) == expected


@pytest.mark.parametrize(
    "text",
    [
        "$NO",
        "${NO}",
        "${NO:?why}",
        "${EMPTY:?}",
        "${NO?why}",
        "${",
        "${}",
        "${A",
        "${1}",
        "${A!}",
        "${NO:-${A}",
    ],
)
def test_what_has_no_value(text: str) -> None:
    """A variable without a value is none that is empty, and what is no template is refused."""
    with pytest.raises(LeftOutError):
        substitute(text, VARIABLES)


def test_a_reason_names_the_variable_alone() -> None:
    """Not the text around it, nor the message of the file, which could have anything."""
    with pytest.raises(LeftOutError, match=r"^the variable NO is required and has no value: [^']*$"):
        substitute("password ${NO:?secret text}", VARIABLES)


def test_nesting_has_an_end() -> None:
    """A hostile text does not use up the stack."""
    with pytest.raises(LeftOutError, match="in each other"):
        substitute("${NO:-" * (DEEPEST + 5) + "}" * (DEEPEST + 5), {})


def test_a_file_of_variables() -> None:
    """Comments, quotes, export, both separators, variables of the file itself, several lines in quotes."""
    text = """\
# comment

export A=1
B = two words   # comment
C: yaml
D='a $A b'
E="a $A\\n\\"q\\" \\$A"  # comment
F=
G
H=x#y
I="first
second"
J=${A}-${B}
K=pa$$word
L=pa$(x)
"""
    assert parse_dotenv(text.replace("\n", "\r\n"), {}) == {
        "A": "1",
        "B": "two words",
        "C": "yaml",
        "D": "a $A b",
        "E": 'a 1\n"q" $A',
        "F": "",
        "H": "x#y",
        "I": "first\nsecond",
        "J": "1-two words",
        "K": "pa$word",
        "L": "pa$(x)",
    }


@pytest.mark.parametrize(("text", "line"), [("A=1\n=2\n", 2), ("A=1\nB='x\n", 2), ("\n\na b=1", 3)])
def test_a_line_that_is_no_variable(text: str, line: int) -> None:
    """Its number is known."""
    with pytest.raises(DotenvError) as raised:
        parse_dotenv(text, {})
    assert raised.value.args == (line,)


def test_variables_come_from_files_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shell of whoever runs the command has no part in it."""
    monkeypatch.setenv("TAG", "of-the-shell")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "of-the-shell")
    text = (
        "services: {web: {image: 'a:${TAG:-default}', volumes: ['data:/d'], environment: [TAG]}}\nvolumes: {data: }\n"
    )
    project = carried_files(text, name="p")
    assert project.services["web"].settings["image"] == "a:default"
    assert project.services["web"].settings["volumes"] == ["p_data:/d"]
    assert [entry.key for entry in project.left_out] == ["environment.TAG"]
    project = carried_files(text, name=None, dotenv="TAG=2\nCOMPOSE_PROJECT_NAME=mine\n")
    assert project.services["web"].settings == {
        "image": "a:2",
        "volumes": ["mine_data:/d"],
        "environment": {"TAG": "2"},
        "restart": "no",
    }


def test_the_name_of_the_project() -> None:
    """The last file's name wins; without one it is the folder's."""
    text = "services: {web: {image: a, volumes: ['data:/d']}}\nvolumes: {data: }\n"
    named = carried_files(f"name: first\n{text}", "name: ${N:-second}\nservices: {}\n", name=None)
    assert named.services["web"].settings["volumes"] == ["second_data:/d"]
    (volume,) = carried_files(text, name=None).services["web"].settings["volumes"]
    assert volume.startswith("tmp")


def test_an_unset_variable_leaves_its_value_out_alone() -> None:
    """What is beside it is carried, and the reason has its line."""
    project = carried_files(
        "services:\n  web:\n    image: a\n    ports:\n      - '80:80'\n      - '${PORT}:81'\n    user: ${UID_OF_APP}\n"
    )
    assert project.services["web"].settings["ports"] == ["80:80"]
    assert [(entry.key, entry.place.line) for entry in project.left_out] == [("ports[1]", 6), ("user", 7)]


@pytest.mark.parametrize("value", ["postgres://u:${NO}@db", "${NO:?e}", "pa$word", '"pa$word"'])
def test_a_value_of_env_that_is_not_known(value: str) -> None:
    """Compose takes the shell's value or an empty text, or ends: what needs it is not carried, and the value is not shown."""
    text = "services: {web: {image: a, environment: ['A=${DB}', DB, 'C=${DB:-x}', 'D=${DB:+x}'], command: ['${DB}']}}"
    project = carried_files(text, dotenv=f"DB={value}")
    assert project.services["web"].settings == {"image": "a", "environment": {"D": "x"}, "restart": "no"}
    left_out = {entry.key: entry.reason for entry in project.left_out}
    assert set(left_out) == {"environment.A", "environment.DB", "environment.C", "command"}
    assert all(
        "single quotes" in reason and "word" not in reason and "NO" not in reason for reason in left_out.values()
    )


def test_a_dollar_in_single_quotes_of_env_stays() -> None:
    """It is how such a password is written, for compose too."""
    project = carried_files("services: {web: {image: a, environment: [DB]}}", dotenv="DB='pa$word'")
    assert project.services["web"].settings["environment"] == {"DB": "pa$word"}


@pytest.mark.parametrize("key", ["environment", "labels", "sysctls"])
def test_an_entry_without_value_leaves_the_rest_of_its_list(key: str) -> None:
    """Its name is listed where it is known, and else its number."""
    entries = "['net.a=1', 'net.b=${NO}', '${NO}=x', 'net.c=3']"
    project = carried_files(f"services: {{web: {{image: a, {key}: {entries}}}}}")
    assert project.services["web"].settings[key] == {"net.a": "1", "net.c": "3"}
    assert [entry.key for entry in project.left_out] == [f"{key}.net.b", f"{key}.[2]"]


def test_other_lists_with_an_entry_without_value() -> None:
    """One entry goes, and is listed."""
    keys = "tmpfs: ['/a', '${NO}', '/b'], extra_hosts: ['a:${NO}', 'b:10.0.0.1'], depends_on: ['${NO}', db]"
    project = carried_files(f"services: {{db: {{image: a}}, web: {{image: a, {keys}}}}}")
    settings = project.services["web"].settings
    assert (settings["tmpfs"], settings["extra_hosts"], settings["after"]) == (
        {"/a": "", "/b": ""},
        {"b": "10.0.0.1"},
        ["db"],
    )
    assert [entry.key for entry in project.left_out] == ["tmpfs[1]", "extra_hosts.a", "depends_on.[0]"]


def test_values_of_env_are_named() -> None:
    """One line per service, with the variables and the keys, and no value; a default of the file is no such value."""
    keys = (
        "image: 'a:${TAG}', command: ['x${PW}'], environment: [PW, 'B=${NO:-${TAG}}', 'C=${NO:-c}', 'D=${TAG:+d}'], "
        "labels: {a: '${COMPOSE_PROJECT_NAME}'}, mac_address: '${PW}'"
    )
    left_out = carried_files(f"services: {{web: {{{keys}}}}}", dotenv="TAG=1\nPW=hunter2").left_out
    (entry,) = [entry for entry in left_out if entry.key == ""]
    assert entry.kind == "advice"
    assert "plaintext: TAG in image; PW in command; PW, TAG in environment; what" in entry.reason
    assert "hunter2" not in repr(left_out)
    assert carried_files("services: {web: {image: a}}", dotenv="TAG=1").left_out == ()


def test_a_large_file_of_variables_is_read_in_one_go() -> None:
    """The largest file that is read has some 300,000 lines: each costs the same, however many are before it."""
    text = "".join(f"A{number}=b\n" for number in range(300_000))
    assert len(parse_dotenv(text, {"BEFORE": "c"})) == 300_000
