"""The runner of the hosts' scripts: variables are data, output is read by key. The shell is this machine's own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from ipvlan.hosts import script
from ipvlan.hosts.connection import HostConnection
from ipvlan.hosts.errors import VISIT_TOO_LONG, HostError, HostUnreachableError
from ipvlan.hosts.script import Output, read_json, read_output, run_script, script_text

HERE = HostConnection(name="docker-1", command=("sh", "-c"))
SCRIPTS = Path(script.__file__).with_name("scripts")


@pytest.fixture
def text_of(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the texts of the script files, to be filled by a test."""
    texts = {"visit.sh": (SCRIPTS / "visit.sh").read_text(encoding="utf-8")}
    monkeypatch.setattr(script, "_read", texts.__getitem__)
    return texts


@pytest.mark.parametrize("value", ["", "two words", "it's", 'a "$HOME" `id`', "two\nlines", "\\n", "*", "-n", "END"])
def test_a_value_is_data(text_of: dict[str, str], value: str) -> None:
    """The shell gets a value as it is, whatever a shell would make of it."""
    text_of["x.sh"] = (
        "printf '%s\\n' \"$value\" | sed 's/^/value=/'\nprintf '%s' \"$value\" | wc -c | sed 's/^/length=/'"
    )
    output = run_script(HERE, "x.sh", {"value": value}, timeout=10).output
    assert output.text("value") == value
    assert int(output.text("length")) == len(value)


@pytest.mark.parametrize(("name", "value"), [("a b", ""), ("$(id)", ""), ("PATH", ""), ("fine", "nul\0")])
def test_what_no_variable_can_be_is_refused(text_of: dict[str, str], name: str, value: str) -> None:
    """A name that is none, the shell's own names, and a value that no shell holds never reach a host."""
    text_of["x.sh"] = ":"
    with pytest.raises(ValueError, match="variable"):
        script_text("x.sh", {name: value})


@pytest.mark.parametrize("text", ["{", "no JSON \x1b[2J", "[" * 100_000, '{"a": 1}}'])
def test_json_of_a_host_that_is_none_is_a_sentence(text: str) -> None:
    """Whatever a host's `docker` prints, it is no traceback; nothing and null are None."""
    with pytest.raises(HostError) as error:
        read_json("docker-1", Output({"labels": (text,)}), "labels")
    assert str(error.value).startswith('IPF721 host "docker-1"\n')
    assert "\x1b" not in str(error.value)
    assert [read_json("docker-1", Output(values), "labels") for values in ({}, {"labels": ("null",)})] == [None, None]


def test_output_is_read_by_key() -> None:
    """Order does not matter; lines of one key are joined; a value may have any text; what has no key is a complaint."""
    output = read_output('b=2\nsh: 1: no: not found\na={"x": "y=z"}\na=  \nb=\n\n')
    assert output == Output({"b": ("2", ""), "a": ('{"x": "y=z"}', "  ")}, ("sh: 1: no: not found",))
    assert (output.text("b"), output.text("c"), "a" in output, "c" in output) == ("2\n", "", True, False)


def test_status_and_complaints(text_of: dict[str, str]) -> None:
    """The exit status is the script's own; complaints of its commands are one line."""
    text_of["x.sh"] = "echo one\necho key=value\necho two >&2\nexit 3"
    result = run_script(HERE, "x.sh", timeout=10)
    assert (result.status, result.output.text("key"), result.complaints) == (3, "value", "one two")


def test_a_command_that_reads_its_input_takes_nothing_of_the_script(text_of: dict[str, str]) -> None:
    """Standard input is empty."""
    text_of["x.sh"] = "cat\necho after=yes"
    assert run_script(HERE, "x.sh", timeout=10).output == Output({"after": ("yes",)})


def test_as_root_by_sudo_without_a_password(text_of: dict[str, str], tmp_path: Path) -> None:
    """A user who is not root runs the same script through sudo, which asks nothing."""
    text_of["x.sh"] = 'echo "value=$value"'
    for name, text in {"id": "echo 1000", "sudo": 'echo "sudo=$1"; shift; exec "$@"'}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    user = HostConnection(name="docker-1", command=("sh", "-c", f'PATH={tmp_path}:$PATH; eval "$0"'))
    output = run_script(user, "x.sh", {"value": "it's"}, timeout=10, as_root=True).output
    assert (output.text("sudo"), output.text("value")) == ("-n", "it's")
    assert run_script(user, "x.sh", {"value": ""}, timeout=10).output.text("sudo") == ""


def test_a_host_that_is_never_ready_is_not_reached(text_of: dict[str, str]) -> None:
    """A login that takes too long: the text is never sent, so nothing of it runs later."""
    text_of["x.sh"] = ":"
    hanging = HostConnection(name="docker-1", command=("sh", "-c", "exec sleep 60"))
    with pytest.raises(HostUnreachableError, match="no answer within 1 seconds") as raised:
        run_script(hanging, "x.sh", timeout=1)
    assert raised.value.host == "docker-1"


@pytest.mark.parametrize(
    ("text", "as_root"),
    [
        ("message=$(timeout 60 sleep 61 2>&1)\necho after", False),
        ("timeout 60 sh -c 'kill -STOP $$; sleep 61'", True),
        ("sleep 61 | cat", False),
    ],
    ids=["command", "stopped", "pipe"],
)
def test_nothing_outlives_the_time_limit(text_of: dict[str, str], text: str, as_root: bool, tmp_path: Path) -> None:
    """At the limit all that the script started is ended on the host too; a stopped process as well."""
    text_of["x.sh"] = f"{text}\necho more >{tmp_path}/more"
    marked = HostConnection(name="docker-1", command=("env", f"VISIT={tmp_path}", "sh", "-c"))
    start = time.monotonic()
    with pytest.raises(HostError, match="more than 1 seconds, and was ended there") as raised:
        run_script(marked, "x.sh", timeout=1, as_root=as_root)
    assert time.monotonic() - start < 4
    assert not isinstance(raised.value, HostUnreachableError)
    assert raised.value.problems[0].code == VISIT_TOO_LONG
    assert processes_with(f"VISIT={tmp_path}") == []
    assert not (tmp_path / "more").exists()


def test_nothing_outlives_the_time_limit_of_busybox(text_of: dict[str, str], tmp_path: Path) -> None:
    """Its `timeout` ends one process and not the group: what the shell started is ended all the same."""
    text_of["x.sh"] = "sleep 61"
    (tmp_path / "timeout").write_text('#!/bin/sh\nshift 2\n(sleep "$1"; kill -KILL $$) &\nshift\nexec "$@"\n')
    (tmp_path / "timeout").chmod(0o755)
    path = f"PATH={tmp_path}:{os.environ['PATH']}"
    busybox = HostConnection(name="docker-1", command=("env", f"VISIT={tmp_path}", path, "sh", "-c"))
    with pytest.raises(HostError, match="more than 1 seconds, and was ended there"):
        run_script(busybox, "x.sh", timeout=1)
    assert processes_with(f"VISIT={tmp_path}") == []


def processes_with(variable: str) -> list[str]:
    """Return the command lines of this machine's processes that have the environment variable."""
    time.sleep(0.2)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


def test_a_limit_of_a_command_is_no_limit_of_the_visit(text_of: dict[str, str]) -> None:
    """A command that reaches its own limit is ended, and the script goes on, with the status that `timeout` has."""
    text_of["x.sh"] = 'timeout 1 sleep 61\necho "status=$?"\ntimeout 5 sh -c "exit 3"\necho "status=$?"'
    assert run_script(HERE, "x.sh", timeout=20).output.lines("status") == ("124", "3")


def test_a_host_without_timeout_is_told_so(text_of: dict[str, str], tmp_path: Path) -> None:
    """Without `timeout` nothing is run, and the error names it."""
    text_of["x.sh"] = f"echo ran >{tmp_path}/ran"
    (tmp_path / "sh").symlink_to(shutil.which("sh") or "/bin/sh")
    bare = HostConnection(name="docker-1", command=(shutil.which("env") or "env", f"PATH={tmp_path}", "sh", "-c"))
    with pytest.raises(HostError, match="it has no `timeout`"):
        run_script(bare, "x.sh", timeout=10)
    assert not (tmp_path / "ran").exists()


def test_bytes_that_are_no_text_are_no_traceback(text_of: dict[str, str]) -> None:
    """A process name or a banner may be in any encoding."""
    text_of["x.sh"] = "printf 'a=\\377\\n'; printf '\\377' >&2"
    result = run_script(HERE, "x.sh", timeout=10)
    assert (result.output.text("a"), result.stderr) == ("\ufffd", "\ufffd")


@pytest.mark.parametrize("value", ["nul\0", "half \ud800"])
def test_a_value_that_no_shell_holds_is_a_sentence(text_of: dict[str, str], value: str) -> None:
    """It is an error that names the host, and nothing is sent."""
    text_of["x.sh"] = ":"
    with pytest.raises(HostError, match="no shell can hold") as raised:
        run_script(HERE, "x.sh", {"value": value}, timeout=10)
    assert raised.value.host == "docker-1"


def test_a_machine_without_ssh_is_a_sentence(text_of: dict[str, str]) -> None:
    """There is no traceback where the client is missing."""
    text_of["x.sh"] = ":"
    with pytest.raises(HostError, match="there is no `no-such-ssh` on PATH"):
        run_script(HostConnection(name="docker-1", command=("no-such-ssh",)), "x.sh", timeout=10)


def test_what_a_login_shell_prints_is_no_answer(text_of: dict[str, str]) -> None:
    """A banner of the ssh user's shell comes before the script's output, and is a complaint."""
    text_of["x.sh"] = "echo a=b"
    noisy = HostConnection(name="docker-1", command=("sh", "-c", 'printf welcome; echo to >&2; eval "$0"'))
    result = run_script(noisy, "x.sh", timeout=10)
    assert (result.output, result.stderr) == (Output({"a": ("b",)}, ("welcome",)), "to")


def test_scripts_include_each_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One text is sent: the line that includes a script is replaced by that script."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    shutil.copy(SCRIPTS / "visit.sh", folder)
    (folder / "outer.sh").write_text(". ./inner.sh\nf\n")
    (folder / "inner.sh").write_text("f() { echo inner=yes; }\n")
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    assert run_script(HERE, "outer.sh", timeout=10).output.text("inner") == "yes"


@pytest.mark.parametrize("file", sorted(path.name for path in SCRIPTS.glob("*.sh")))
def test_every_script_is_posix_shell(file: str) -> None:
    """Each script of the package is read by sh without an error, its includes too."""
    shell = shutil.which("dash") or "sh"
    checked = subprocess.run([shell, "-n"], input=script_text(file), capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


def test_free_space_is_this_machines(tmp_path: Path) -> None:
    """Blocks and their size, as the C library has them; a folder that is missing has neither."""
    output = run_script(HERE, "free_space.sh", {"folder": str(tmp_path)}, timeout=10).output
    system = os.statvfs(tmp_path)
    assert int(output.text("block_size")) == system.f_frsize
    assert abs(int(output.text("blocks")) - system.f_bavail) < system.f_blocks / 100
    missing = run_script(HERE, "free_space.sh", {"folder": f"{tmp_path}/it's gone"}, timeout=10)
    assert missing.output == Output({})
    assert "it's gone" in missing.complaints
