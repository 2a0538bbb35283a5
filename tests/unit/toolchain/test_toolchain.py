"""toolchain/: one place for versions, the right names in the built docker plugin, and the decision which Pulumi is used.

Builds nothing and reaches no network: what setup decides is shown with stand-ins for `pulumi` and an empty cache.
"""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import os
import re
import shutil
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

import pulumi_docker
import pytest
from pulumi._types import input_type_types, is_input_type, unwrap_type
from pulumi_docker import container, network, provider, remote_image, volume

CHECKOUT = Path(__file__).parents[3]
TOOLCHAIN = CHECKOUT / "toolchain"
SCALARS = {str: "string", bool: "boolean", int: "integer", float: "number"}


def versions() -> dict[str, str]:
    """What toolchain/versions.env says."""
    lines = (TOOLCHAIN / "versions.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def requirement(package: str) -> str:
    """The version that requirements.txt pins."""
    found = re.search(rf"^{package}==(\S+)$", (CHECKOUT / "requirements.txt").read_text(), re.MULTILINE)
    assert found, f"requirements.txt does not pin {package}"
    return found[1]


def module_version(module: str, path: str) -> str:
    """The version of the Go module `path` that toolchain/<module>/go.mod requires."""
    found = re.search(
        rf"^(?:require )?\s*{re.escape(path)} v(\S+)", (TOOLCHAIN / module / "go.mod").read_text(), re.MULTILINE
    )
    assert found, f"toolchain/{module}/go.mod does not require {path}"
    return found[1]


# ---- versions


@pytest.mark.parametrize("plugin", ["docker", "command"])
def test_plugin_versions_are_those_of_the_python_packages(plugin: str) -> None:
    """Pulumi looks for a plugin of exactly the Python package's version: both files name the same."""
    assert versions()[f"{plugin.upper()}_PLUGIN_VERSION"] == requirement(f"pulumi-{plugin}")


def test_go_modules_are_of_the_versions_named() -> None:
    """What is built is what versions.env says is built."""
    assert module_version("cli", "github.com/pulumi/pulumi/pkg/v3") == versions()["PULUMI_VERSION"]
    assert module_version("cli", "github.com/pulumi/pulumi/sdk/v3") == versions()["PULUMI_VERSION"]
    assert module_version("language-host", "github.com/pulumi/pulumi/sdk/v3") == versions()["LANGUAGE_HOST_SDK_VERSION"]


@pytest.mark.parametrize("module", ["cli", "language-host", "command-provider", "docker-provider"])
def test_the_oldest_go_builds_every_module(module: str) -> None:
    """No go.mod asks for a newer Go than setup accepts, and each has its checksums beside it."""
    asked = re.search(r"^go (\S+)$", (TOOLCHAIN / module / "go.mod").read_text(), re.MULTILINE)
    assert asked
    assert asked[1] == versions()["GO_MINIMUM_VERSION"]
    assert (TOOLCHAIN / module / "go.sum").stat().st_size > 0


# ---- the names that the built docker plugin understands


@pytest.fixture(scope="module")
def docker_schema() -> dict[str, Any]:
    """The schema that the built docker plugin serves; skips where another plugin is in use."""
    exports = subprocess.run([TOOLCHAIN / "env"], capture_output=True, text=True, timeout=30, check=False)
    if exports.returncode:
        pytest.skip("no toolchain is set up (toolchain/setup)")
    if "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in exports.stdout:
        pytest.skip("the plugin in use is the published one, whose names the Python package was made from")
    command = [str(TOOLCHAIN / "run"), "pulumi", "package", "get-schema", "docker"]
    served = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
    schema: dict[str, Any] = json.loads(served.stdout)
    return schema


def shape_in_python(hint: Any) -> Any:
    """A Python type of pulumi_docker as nested lists and maps: "string", ["string"], {"*": "string"}, {"name": ...}."""
    hint = unwrap_type(hint)
    origin = get_origin(hint)
    if hint in SCALARS:
        return SCALARS[hint]
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return [shape_in_python(get_args(hint)[0])]
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"*": shape_in_python(get_args(hint)[1])}
    return members_in_python(hint)


def members_in_python(cls: type) -> dict[str, Any]:
    """The properties of an args class, by the names that the SDK sends to the plugin."""
    assert is_input_type(cls), cls
    return {sent: shape_in_python(hint) for sent, hint in input_type_types(cls).items()}


def shape_in_schema(schema: dict[str, Any], kind: dict[str, Any]) -> Any:
    """A type of the package schema in the same form as `shape_in_python`."""
    if "$ref" in kind:
        nested = schema["types"][kind["$ref"].removeprefix("#/types/")]["properties"]
        return {name: shape_in_schema(schema, member) for name, member in nested.items()}
    if kind["type"] == "array":
        return [shape_in_schema(schema, kind["items"])]
    if kind["type"] == "object":
        return {"*": shape_in_schema(schema, kind["additionalProperties"])}
    return kind["type"]


def differences(python: Any, plugin: Any, path: str) -> list[str]:
    """Every place where the two forms are not the same, with what each says."""
    if isinstance(python, dict) and isinstance(plugin, dict):
        only = [f"{path}.{name}: only in the Python package" for name in python.keys() - plugin.keys()]
        only += [f"{path}.{name}: only in the plugin" for name in plugin.keys() - python.keys()]
        both = python.keys() & plugin.keys()
        return sorted(only) + [
            line for name in sorted(both) for line in differences(python[name], plugin[name], f"{path}.{name}")
        ]
    if isinstance(python, list) and isinstance(plugin, list):
        return differences(python[0], plugin[0], f"{path}[]")
    return [] if python == plugin else [f"{path}: {python} in the Python package, {plugin} in the plugin"]


@pytest.mark.parametrize("name", ["Container", "Network", "RemoteImage", "Volume"])
def test_every_docker_property_has_one_name_and_shape(docker_schema: dict[str, Any], name: str) -> None:
    """What pulumi_docker sends and reads is what the built plugin knows, nested arguments included."""
    module = {"Container": container, "Network": network, "RemoteImage": remote_image, "Volume": volume}[name]
    resource = docker_schema["resources"][getattr(pulumi_docker, name).pulumi_type]
    for cls, key in (
        (getattr(module, f"{name}Args"), "inputProperties"),
        (getattr(module, f"_{name}State"), "properties"),
    ):
        served = {member: shape_in_schema(docker_schema, kind) for member, kind in resource[key].items()}
        assert differences(members_in_python(cls), served, name) == []


def test_every_provider_setting_has_one_name_and_shape(docker_schema: dict[str, Any]) -> None:
    """docker.Provider's host, sshOpts and the rest reach the plugin by their names."""
    settings = docker_schema["provider"]["inputProperties"]
    served = {member: shape_in_schema(docker_schema, kind) for member, kind in settings.items()}
    assert differences(members_in_python(provider.ProviderArgs), served, "Provider") == []


def test_a_difference_is_found() -> None:
    """The comparison above can fail: a missing name, another name and another shape are each told."""
    python = {"a": "string", "b": ["string"], "c": {"d": "integer"}}
    plugin = {"b": "string", "c": {"d": "integer", "e": "string"}}
    assert differences(python, plugin, "X") == [
        "X.a: only in the Python package",
        "X.b: ['string'] in the Python package, string in the plugin",
        "X.c.e: only in the plugin",
    ]


# ---- the decision


class Machine:
    """A machine with an empty cache, no network, and only what a test puts on its PATH."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.cache = folder / "cache"
        self.bin.mkdir()
        tools = [
            "bash",
            "env",
            "sh",
            "sha256sum",
            "find",
            "sort",
            "xargs",
            "uname",
            "cut",
            "stat",
            "head",
            "tail",
            "readlink",
        ]
        tools += [
            "mkdir",
            "mv",
            "rm",
            "timeout",
            "dirname",
            "flock",
            "sleep",
            "tr",
            "awk",
            "tar",
            "gzip",
            "grep",
            "wc",
            "sed",
            "cat",
        ]
        for tool in [*tools, "python3", "chmod", "echo"]:
            found = shutil.which(tool, path="/usr/local/bin:/usr/bin:/bin") or shutil.which(tool)
            assert found, tool
            (self.bin / tool).symlink_to(found)

    def put(self, folder: Path, name: str, text: str) -> Path:
        """A command on the machine; its path."""
        folder.mkdir(parents=True, exist_ok=True)
        command = folder / name
        command.write_text(f"#!/bin/sh\n{text}\n")
        command.chmod(0o755)
        return command

    def put_pulumi(self, version: str, folder: Path | None = None, host: bool = True) -> Path:
        """A stand-in that says its version, with a language host beside it or not; its path."""
        folder = folder or self.bin
        if host:
            self.put(folder, "pulumi-language-python", "exit 0")
        return self.put(folder, "pulumi", f'[ "$1" = version ] && echo v{version}')

    def environment(self, **more: str) -> dict[str, str]:
        """What the machine's commands find in their environment."""
        given = {"PATH": str(self.bin), "HOME": str(self.cache.parent), "IPVLAN_FABRIC_CACHE": str(self.cache)}
        return given | more

    def run(self, command: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """`toolchain/<command>` on this machine."""
        return subprocess.run(
            [TOOLCHAIN / command, *arguments],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """A fresh machine."""
    return Machine(tmp_path)


def exported(text: str, machine: Machine, **environment: str) -> dict[str, str]:
    """The environment after a shell evaluated what toolchain/env printed."""
    done = subprocess.run(
        ["bash", "-c", 'eval "$1"; env -0', "test", text],
        env=machine.environment(**environment),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return dict(line.split("=", 1) for line in done.stdout.split("\0") if line)


def test_a_fitting_pulumi_on_path_is_used(machine: Machine) -> None:
    """Nothing is fetched or built, and the user's own PULUMI_HOME stays."""
    machine.put_pulumi("3.300.1")
    done = machine.run("setup")
    assert done.returncode == 0, done.stderr
    assert f"{machine.bin}/pulumi 3.300.1, found on PATH" in done.stdout
    environment = exported(machine.run("env").stdout, machine, PULUMI_HOME="/mine", DOCKER_HOST="tcp://elsewhere")
    assert environment["PATH"].split(":")[0] == str(machine.bin)
    assert environment["PULUMI_HOME"] == "/mine"
    assert "DOCKER_HOST" not in environment


def test_an_old_pulumi_does_not_hide_a_newer_one(machine: Machine, tmp_path: Path) -> None:
    """The second on PATH comes first once the first is too old."""
    machine.put_pulumi("3.100.0")
    newer = machine.put_pulumi(versions()["PULUMI_MINIMUM_VERSION"], tmp_path / "newer")
    path = f"{machine.bin}:{newer.parent}"
    done = machine.run("setup", PATH=path)
    assert done.returncode == 0, done.stderr
    assert f"{machine.bin}/pulumi is 3.100.0, older than" in done.stdout
    assert exported(machine.run("env", PATH=path).stdout, machine)["PATH"].split(":")[0] == str(newer.parent)


@pytest.mark.parametrize(
    ("version", "host", "told"),
    [
        ("3.258.9", True, "is 3.258.9, older than"),
        ("2.999.0", True, "is 2.999.0, older than"),
        ("rubbish", True, "is rubbish, older than"),
        ("3.300.0", False, "has no pulumi-language-python beside it"),
    ],
)
def test_an_unfit_pulumi_is_not_used_and_told_why(machine: Machine, version: str, host: bool, told: str) -> None:
    """Too old by number, not by text, or without a language host."""
    machine.put_pulumi(version, host=host)
    done = machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN="path")
    assert done.returncode == 1
    assert told in done.stdout
    assert "IPVLAN_FABRIC_TOOLCHAIN=path, but no pulumi" in done.stderr


def test_a_pulumi_that_was_replaced_is_asked_again(machine: Machine) -> None:
    """The kept answer belongs to one file: an upgrade is seen, and a downgrade too."""
    machine.put_pulumi("3.300.0")
    assert machine.run("env").returncode == 0
    machine.put_pulumi("3.1.0-an-older-one")
    assert machine.run("env").returncode == 1


def test_without_pulumi_env_says_what_to_do(machine: Machine) -> None:
    """One line, and no exports that would half work."""
    done = machine.run("env")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "toolchain: there is no fitting pulumi yet. Run: make toolchain\n"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"IPVLAN_FABRIC_TOOLCHAIN": "yes"}, "IPVLAN_FABRIC_TOOLCHAIN=yes is none of auto, path, release, build"),
        ({"IPVLAN_FABRIC_CACHE": "relative"}, "the cache folder 'relative/toolchain' is no absolute path"),
    ],
)
def test_a_wrong_setting_is_named(machine: Machine, environment: dict[str, str], told: str) -> None:
    """Neither is guessed at."""
    done = machine.run("setup", **environment)
    assert done.returncode == 1
    assert told in done.stderr


# ---- what was made


def entry(machine: Machine, kind: str) -> Path:
    """The cache entry that setup would make on this machine, filled with a stand-in."""
    script = 'source "$1/common.sh"; choose; printf %s "$entry"'
    key = subprocess.run(
        ["bash", "-c", script, "test", TOOLCHAIN],
        env=machine.environment(),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    made = Path(f"{key.stdout}-{kind}")
    machine.put_pulumi(versions()["PULUMI_VERSION"], made / "bin")
    return made


def test_with_nothing_to_do_setup_ends_at_once(machine: Machine) -> None:
    """Under 0.3 s: the fastest of five, for a machine that is busy with other work."""
    made = entry(machine, "build")
    times = []
    for _ in range(5):
        start = time.monotonic()
        done = machine.run("setup")
        times.append(time.monotonic() - start)
        assert (
            done.stdout
            == f"toolchain: pulumi {versions()['PULUMI_VERSION']} and plugins built from Go modules, in {made}\n"
        )
    assert min(times) < 0.3


def test_a_built_toolchain_never_fetches_plugins(machine: Machine) -> None:
    """The engine is told to use the plugins that were built, and the user's `pulumi login` is kept out of the cache."""
    made = entry(machine, "build")
    environment = exported(machine.run("env").stdout, machine)
    assert environment["PATH"].split(":")[0] == f"{made}/bin"
    assert environment["PULUMI_HOME"] == f"{made}/home"
    assert environment["PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"] == "true"
    assert environment["PULUMI_CREDENTIALS_PATH"] == f"{machine.cache.parent}/.pulumi"
    assert not {"PULUMI_BACKEND_URL", "PULUMI_CONFIG_PASSPHRASE"} & environment.keys()


def test_our_own_build_on_path_is_not_taken_for_the_users(machine: Machine) -> None:
    """`toolchain/run toolchain/env` gives the same environment again, with our folder on PATH once."""
    entry(machine, "build")
    first = exported(machine.run("env").stdout, machine)
    again = machine.run("env", **{name: first[name] for name in ("PATH", "PULUMI_HOME")})
    assert exported(again.stdout, machine)["PATH"] == first["PATH"]
    assert exported(again.stdout, machine)["PULUMI_HOME"] == first["PULUMI_HOME"]


def test_a_pulumi_installed_later_takes_over(machine: Machine) -> None:
    """The built plugins' home does not stay behind in the environment of an official pulumi."""
    made = entry(machine, "build")
    machine.put_pulumi("3.300.0")
    path = f"{made}/bin:{machine.bin}"
    inherited = {"PATH": path, "PULUMI_HOME": f"{made}/home", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "true"}
    printed = machine.run("env", **inherited).stdout
    environment = exported(printed, machine, **inherited)
    assert environment["PATH"].split(":")[0] == str(machine.bin)
    assert not {"PULUMI_HOME", "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION"} & environment.keys()


def test_run_hands_on_arguments_and_exit_status(machine: Machine) -> None:
    """Spaces and quotes arrive as they were given."""
    entry(machine, "build")
    done = machine.run("run", "sh", "-c", 'printf "%s|" "$@"; exit 7', "sh", "a b", "it's", "")
    assert (done.returncode, done.stdout) == (7, "a b|it's||")


def test_a_path_with_a_quote_is_quoted(tmp_path: Path) -> None:
    """A folder named by a careful enemy stays a folder."""
    odd = tmp_path / "it's $(touch gone)"
    odd.mkdir()
    machine = Machine(odd)
    made = entry(machine, "build")
    assert exported(machine.run("env").stdout, machine)["PULUMI_HOME"] == f"{made}/home"


def test_clean_removes_what_was_made(machine: Machine) -> None:
    """And nothing beside it; twice is no error."""
    made = entry(machine, "build")
    beside = machine.cache / "lab"
    beside.mkdir()
    assert machine.run("clean").returncode == 0
    assert not made.parent.exists()
    assert beside.is_dir()
    assert machine.run("clean").returncode == 0


# ---- the release


class Releases(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, without a word."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay quiet."""


@pytest.fixture
def releases(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A server of releases on this machine: its folder and its address."""
    folder = tmp_path / "releases"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *arguments: Releases(*arguments, directory=str(folder))
    )
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def release_archive(installs: str = "exit 0") -> bytes:
    """An archive laid out as Pulumi's own, with stand-ins in it; `installs` is what `pulumi plugin install` does."""
    stream = io.BytesIO()
    pulumi = f'#!/bin/sh\necho "$PULUMI_HOME $*" >>"$HOME/calls"\n{installs}\n'
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, text in (("pulumi", pulumi), ("pulumi-language-python", "#!/bin/sh\n")):
            member = tarfile.TarInfo(f"pulumi/{name}")
            member.size, member.mode = len(text), 0o755
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


def publish(folder: Path, archive: bytes, checksum: str | None = None) -> None:
    """Put a release and its checksum file where setup looks."""
    version = versions()["PULUMI_VERSION"]
    machine = {"x86_64": "x64", "aarch64": "arm64"}[os.uname().machine]
    name = f"pulumi-v{version}-linux-{machine}.tar.gz"
    (folder / name).write_bytes(archive)
    checksum = checksum or hashlib.sha256(archive).hexdigest()
    (folder / f"pulumi-{version}-checksums.txt").write_text(f"{'0' * 64}  other.tar.gz\n{checksum}  {name}\n")


def setup_release(machine: Machine, address: str, mode: str = "release") -> subprocess.CompletedProcess[str]:
    """`toolchain/setup` with the releases' address in place of the official one."""
    return machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN=mode, IPVLAN_FABRIC_RELEASES=address)


def test_the_release_is_fetched_checked_and_given_its_plugins(machine: Machine, releases: tuple[Path, str]) -> None:
    """Both plugins are installed in the exact versions, into the home that env names."""
    folder, address = releases
    publish(folder, release_archive())
    done = setup_release(machine, address)
    assert done.returncode == 0, done.stdout + done.stderr
    calls = [line.split(" ", 1)[1] for line in (machine.cache.parent / "calls").read_text().splitlines()]
    wanted = versions()
    assert calls == [
        f"plugin install resource docker v{wanted['DOCKER_PLUGIN_VERSION']}",
        f"plugin install resource command v{wanted['COMMAND_PLUGIN_VERSION']}",
    ]
    environment = exported(machine.run("env").stdout, machine)
    assert environment["PULUMI_HOME"].endswith("-release/home")
    assert "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION" not in environment
    assert setup_release(machine, "http://127.0.0.1:1").returncode == 0


def test_a_release_with_another_checksum_is_refused(machine: Machine, releases: tuple[Path, str]) -> None:
    """It is not unpacked, and nothing is built quietly in its place."""
    folder, address = releases
    publish(folder, release_archive(), checksum="1" * 64)
    done = setup_release(machine, address, mode="auto")
    assert done.returncode == 1
    assert f"not {'1' * 64}: it is not the release" in done.stderr
    assert [path.name for path in (machine.cache / "toolchain").iterdir() if path.is_dir()] == ["log"]


@pytest.mark.parametrize("missing", ["server", "archive", "plugin"])
def test_what_cannot_be_fetched_is_told_within_seconds(
    machine: Machine, releases: tuple[Path, str], missing: str
) -> None:
    """No server, no archive or no plugin: setup says so and leaves nothing half made."""
    folder, address = releases
    publish(folder, release_archive("echo no such plugin; exit 1"))
    if missing == "server":
        address = "http://127.0.0.1:1"
    if missing == "archive":
        next(folder.glob("*.tar.gz")).unlink()
    start = time.monotonic()
    done = setup_release(machine, address)
    assert time.monotonic() - start < 10
    assert done.returncode == 1
    assert {"server": "not reached from here", "archive": "File not found", "plugin": "no such plugin"}[
        missing
    ] in done.stdout
    assert [path.name for path in (machine.cache / "toolchain").iterdir() if path.is_dir()] == ["log"]


def test_a_build_that_fails_shows_the_compilers_words(machine: Machine) -> None:
    """The log's end, its path, what to do, and no entry in the cache."""
    machine.put(
        machine.bin, "go", 'if [ "$1" = env ]; then echo go1.99.0; else echo "module lookup disabled" >&2; exit 1; fi'
    )
    done = machine.run("setup", IPVLAN_FABRIC_TOOLCHAIN="build")
    assert done.returncode == 1
    assert "module lookup disabled" in done.stderr
    assert "the Go modules of toolchain/language-host could not be fetched" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (machine.cache / "toolchain").iterdir() if path.is_dir()] == ["log"]


def runs(process: int) -> bool:
    """Whether a process is alive; one that ended and waits for its parent to notice is not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_stopped_setup_takes_the_compiler_with_it(machine: Machine, tmp_path: Path) -> None:
    """Ctrl-C and `kill` leave no process and no half-made folder; the lock is free again."""
    alive = tmp_path / "alive"
    machine.put(machine.bin, "go", f'[ "$1" = env ] && echo go1.99.0 && exit; echo $$ >{alive}; sleep 300 & wait')
    setup = subprocess.Popen(
        [TOOLCHAIN / "setup"],
        env=machine.environment(IPVLAN_FABRIC_TOOLCHAIN="build"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 20
    while not (alive.exists() and alive.read_text().strip()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    compiler = int(alive.read_text())
    setup.terminate()
    assert setup.wait(timeout=20) == 143
    assert not runs(compiler)
    assert not list((machine.cache / "toolchain").glob(".work-*"))
    assert machine.run("clean").returncode == 0
