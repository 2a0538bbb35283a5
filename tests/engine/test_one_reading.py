"""What `ipvlan` reads from a stack file is what the real Pulumi engine gives the program, value by value."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from ipvlan.config.yaml_text import StackFileError, parse_text
from tests.support.generated_yaml import pieces
from tests.support.projects import ROOT, ipvlan
from tools.reference_setup import STACK_TEXT

SEED = 15
COUNT = int(os.environ.get("ONE_READING_COUNT", "8000"))
"""Pieces; about half are valid for `ipvlan`."""
BATCH = 700
"""Pieces in one file."""

NAMESPACE = "ipvlan-fabric:"

PROGRAM = 'import os\nopen(os.environ["GIVEN"], "w").write(os.environ.get("PULUMI_CONFIG", "{}"))\n'


class Engine:
    """A project whose program writes down the config that it receives, with a backend of its own."""

    def __init__(self, folder: Path, program: str = PROGRAM) -> None:
        self.folder = folder
        self._given = folder / "given.json"
        (folder / "backend").mkdir()
        (folder / "__main__.py").write_text(program, encoding="utf-8")
        (folder / ".venv").symlink_to(ROOT / ".venv")
        shutil.copy(ROOT / "Pulumi.yaml", folder)
        (folder / "provider").symlink_to(ROOT / "provider")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "DOCKER_"))}
        self._environment = kept | {
            "PULUMI_BACKEND_URL": f"file://{folder}/backend",
            "PULUMI_CONFIG_PASSPHRASE": "test",
            "GIVEN": str(self._given),
        }
        self.run("stack", "init", "dev", "--no-select")
        self.salt = (folder / "Pulumi.dev.yaml").read_text(encoding="utf-8")
        """The line that Pulumi would put into a stack file without it; it would write the rest anew then, in its own spelling."""

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run pulumi to its end."""
        return subprocess.run(
            [ROOT / "toolchain" / "run", "pulumi", *arguments, "--non-interactive", "--color", "never"],
            cwd=self.folder,
            env=self._environment | environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=100,
        )

    def preview(self, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a preview of stack dev."""
        return self.run("preview", "--stack", "dev", *options, **environment)

    def given(self, text: str) -> dict[str, str] | str:
        """Return the config that the program receives for a stack file's text; or what Pulumi prints where it refuses the file."""
        (self.folder / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
        self._given.unlink(missing_ok=True)
        done = self.preview()
        if not self._given.exists():
            return done.stdout + done.stderr
        config: dict[str, str] = json.loads(self._given.read_text(encoding="utf-8"))
        return config


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return a project with an empty stack."""
    return Engine(tmp_path_factory.mktemp("reading"))


def read(text: str) -> dict[str, Any] | None:
    """Return the config of a stack file as `ipvlan` reads it; None where it refuses the file."""
    try:
        content: dict[str, Any] = parse_text(text, "Pulumi.dev.yaml")["config"]
    except StackFileError:
        return None
    return content


def as_given(value: object) -> str:
    """Return the text that Pulumi gives a program for a value of a stack file."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True)


def differing(config: Mapping[str, object], given: Mapping[str, str]) -> dict[str, tuple[object, str | None]]:
    """Return the keys whose values are not the same, with both."""

    def text(key: str) -> str | None:
        found = given.get(key)
        if found is None or isinstance(config[key], str):
            return found
        try:
            return json.dumps(json.loads(found), sort_keys=True)
        except ValueError:
            return found

    return {key: (value, given.get(key)) for key, value in config.items() if text(key) != as_given(value)}


def refused(engine: Engine, texts: Sequence[str]) -> list[tuple[str, str]]:
    """Return the pieces that Pulumi refuses, each with its message, out of those that it refuses together."""
    answer = engine.given(f"{engine.salt}config:\n{''.join(texts)}")
    if isinstance(answer, dict):
        return []
    if len(texts) == 1:
        return [(texts[0], answer)]
    middle = len(texts) // 2
    return refused(engine, texts[:middle]) + refused(engine, texts[middle:])


def test_every_value_is_read_alike(engine: Engine) -> None:
    """Pieces of stack files that `ipvlan` accepts have the same values in the program, and Pulumi accepts them too."""
    accepted = [piece for piece in pieces(SEED, COUNT) if read(f"config:\n{piece}") is not None]
    assert COUNT / 5 < len(accepted) < COUNT * 4 / 5
    wrong: list[object] = []
    for start in range(0, len(accepted), BATCH):
        batch = accepted[start : start + BATCH]
        text = f"{engine.salt}config:\n{''.join(batch)}"
        config, given = read(text), engine.given(text)
        assert config is not None
        if isinstance(given, str):
            wrong.extend(refused(engine, batch))
        else:
            wrong.extend(differing(config, given).items())
    assert wrong == [], f"{len(wrong)} of {len(accepted)}"


WHOLE = (
    "\ufeff" + STACK_TEXT,
    STACK_TEXT.replace("\n", "\r\n"),
    "---\n" + STACK_TEXT,
    STACK_TEXT + "...\n",
    json.dumps({"config": {"ipvlan-fabric:hosts": {"a": [1, 2.5, True, None, "é\u2028"]}}}),
    "{config: {ipvlan-fabric:hosts: {}, 'ipvlan-fabric:ssh': {connect_timeout: 5}}}\n",
    "x-shared: &shared {connect_timeout: 5}\nconfig:\n  ipvlan-fabric:ssh: *shared\n",
    "config: &all\n  ipvlan-fabric:ssh: &ssh {connect_timeout: 5, more: &more [1]}\n  ipvlan-fabric:hosts: {a: *ssh, b: *more}\n",
    "config:\n  ? ipvlan-fabric:ssh\n  : connect_timeout: 5\n",
    "config:\n  <<: {ipvlan-fabric:ssh: {connect_timeout: 5}}\n  ipvlan-fabric:common: stacks/common.yaml\n",
    "config:\n  ipvlan-fabric:ssh: {}\n  other:key: 1\n  pulumi:tags: {a: b}\n",
    "config:\n  ipvlan-fabric:ssh: {}\n  ipvlan-fabric:common:\n",
)
"""Complete stack files that `ipvlan` accepts as YAML."""


@pytest.mark.parametrize("number", range(len(WHOLE)))
def test_a_whole_file_is_read_alike(engine: Engine, number: int) -> None:
    """The form of the file around the values makes no difference either."""
    config, given = read(WHOLE[number].removeprefix("\ufeff")), engine.given(WHOLE[number])
    assert config is not None
    assert isinstance(given, dict), given
    assert differing(config, given) == {}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """Return a project with the real program."""
    made = Engine(tmp_path_factory.mktemp("refused"), (ROOT / "__main__.py").read_text(encoding="utf-8"))
    for name in ("ipvlan", "components"):
        (made.folder / name).symlink_to(ROOT / name)
    return made


DEFAULT = "config:\n  services:\n    default: {web: {image: nginx, offset: 9, privileged: true}}\n"

REFUSED = {
    "a key without a namespace": ({"Pulumi.dev.yaml": f"{STACK_TEXT}  services: {{}}\n"}, "IPF039"),
    "an older spelling of a key": ({"Pulumi.dev.yaml": f"{STACK_TEXT}  ipvlan-fabric:config:ssh: {{}}\n"}, "IPF040"),
    "a default of the project": ({"Pulumi.yaml": DEFAULT}, "IPF042"),
    "a program in another folder": ({"Pulumi.yaml": "main: ./.\nconfig: {}\n"}, "IPF051"),
    "a value in no quotes": ({"Pulumi.dev.yaml": STACK_TEXT.replace('"80:80"', "22:22")}, "IPF013"),
    "a mistake in a section": ({"Pulumi.dev.yaml": STACK_TEXT.replace("offset: 2", "offset: -1")}, "IPF1"),
    "a secret in plaintext": (
        {
            "Pulumi.dev.yaml": f"{STACK_TEXT}      secret_environment: {{TOKEN: token}}\n  ipvlan-fabric:token: hunter2\n"
        },
        "IPF024",
    ),
    "a section as a secret": (
        {"Pulumi.dev.yaml": f"{STACK_TEXT}      secret_environment: {{TOKEN: hosts}}\n"},
        "IPF023",
    ),
}
"""Title -> the files that differ from a good project, and the code of their problem."""


@pytest.mark.parametrize("title", REFUSED)
def test_both_refuse_with_the_same_text(project: Engine, title: str) -> None:
    """What `ipvlan plan` prints on standard error is in the output of a preview, word for word."""
    files, code = REFUSED[title]
    good = {"Pulumi.yaml": (ROOT / "Pulumi.yaml").read_text(encoding="utf-8"), "Pulumi.dev.yaml": STACK_TEXT}
    if "Pulumi.yaml" in files:
        files = {**files, "Pulumi.yaml": good["Pulumi.yaml"].partition("# What a stack")[0] + files["Pulumi.yaml"]}
    for name, text in {**good, **files}.items():
        salt = project.salt if name == "Pulumi.dev.yaml" else ""
        (project.folder / name).write_text(salt + text, encoding="utf-8")
    printed = ipvlan(project.folder, "--stack", "dev", "plan").stderr.strip()
    assert code in printed
    done = project.preview()
    assert done.returncode
    # Pulumi puts `error: ` before the first line.
    shown = [line.strip().removeprefix("error: ") for line in (done.stdout + done.stderr).splitlines()]
    assert [line for line in printed.splitlines() if line.strip() not in shown] == []
    assert "Traceback" not in done.stdout + done.stderr
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("way", ["file", "environment", "plaintext"])
def test_another_source_of_config_is_refused(project: Engine, way: str) -> None:
    """`--config-file` deploys nothing that is not in the stack's file; PULUMI_CONFIG alone has no effect at all."""
    (project.folder / "Pulumi.yaml").write_text((ROOT / "Pulumi.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    secret = "      secret_environment: {TOKEN: token}\n  ipvlan-fabric:token: {secure: v1:x}\n"
    text = project.salt + STACK_TEXT + (secret if way == "plaintext" else "")
    (project.folder / "Pulumi.dev.yaml").write_text(text, encoding="utf-8")
    other = project.folder / "other.yaml"
    other.write_text(
        text.replace("{secure: v1:x}", "hunter2") if way == "plaintext" else text.replace("offset: 2", "offset: 3"),
        encoding="utf-8",
    )
    if way == "environment":
        config = json.dumps({"ipvlan-fabric:hosts": "{}", "ipvlan-fabric:common": "x.yaml"})
        done = project.preview(PULUMI_CONFIG=config)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "fabric-docker-1-nginx" in done.stdout
        return
    done = project.preview("--config-file", str(other))
    printed = done.stdout + done.stderr
    assert done.returncode
    assert ("IPF046 ipvlan-fabric:token" if way == "plaintext" else "IPF045 ipvlan-fabric:services") in printed
    assert "hunter2" not in printed
