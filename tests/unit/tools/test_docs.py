"""The documents: their links lead somewhere, what they show runs, and every page can be found."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import typer.core
import typer.main

from ipvlan.cli.main import app
from ipvlan.plan.make import make_plan
from ipvlan.plan.model import Plan
from ipvlan.plan.validate import load_stack
from tests.support.sources import TRACKED
from tests.support.strict_monitor import run_program

ROOT: Final = Path(__file__).resolve().parents[3]

LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
FENCE: Final = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)

CODE: Final = re.compile(r"`([^`\n]+)`")

README: Final = ROOT / "README.md"
DOCUMENTS: Final = [ROOT / name for name in TRACKED if name.endswith(".md")]


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a Markdown file."""
    headings = re.findall(r"^#+ (.+)$", FENCE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def blocks(path: Path, language: str) -> Iterator[str]:
    """Yield the code blocks of a Markdown file in that language, without their indentation."""
    for indentation, name, code in FENCE.findall(path.read_text(encoding="utf-8")):
        if name == language:
            yield re.sub(rf"^{indentation}", "", code, flags=re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(path: Path) -> None:
    """A relative link names a file that exists, and a heading that is in it."""
    broken = []
    for link in LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8"))):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_decision_is_in_the_index_with_date_and_status() -> None:
    """The index lists all decisions with the titles, dates and states of their pages, numbered without gaps."""
    folder = ROOT / "docs" / "decisions"
    rows = []
    for path in sorted(folder.glob("0*.md")):
        text = path.read_text(encoding="utf-8")
        head = re.match(r"# (\d{4}): (.+)\n\n- Date: (\d{4}-\d\d-\d\d)\n- Status: (.+)\n", text)
        assert head, f"{path.name} does not begin with its title, date and status"
        number, title, date, status = head.groups()
        assert path.name.startswith(f"{number}-")
        rows.append(f"| [{number}]({path.name}) | {title} | {date} | {status} |")
    index = (folder / "README.md").read_text(encoding="utf-8")
    assert [line for line in index.splitlines() if line.startswith("| [")] == rows
    assert [row[3:7] for row in rows] == [f"{number:04}" for number in range(1, len(rows) + 1)]


def test_every_page_is_in_the_index() -> None:
    """`docs/README.md` links every page of the documents but the single decisions, which have an index of their own."""
    folder = ROOT / "docs"
    index = (folder / "README.md").read_text(encoding="utf-8")
    linked = {(folder / link).resolve() for link in LINK.findall(index)}
    pages = {path for path in DOCUMENTS if not re.match(r"0\d{3}-", path.name)} - {folder / "README.md"}
    assert pages - linked == set()


def readme_plan(folder: Path, example: int = 0) -> Plan:
    """Write a stack file of the README, by default its first, into `folder` as that of stack lan, and return its plan."""
    stack_file = list(blocks(README, "yaml"))[example]
    (folder / "Pulumi.lan.yaml").write_text(stack_file, encoding="utf-8")
    return make_plan(load_stack("lan", folder))


def test_the_readmes_stack_file_is_short_and_valid(tmp_path: Path) -> None:
    """The stack file of the first screen has twelve lines and gives the addresses that the text names."""
    plan = readme_plan(tmp_path)
    stack_file = next(blocks(README, "yaml"))
    assert len(stack_file.splitlines()) == 12
    assert {host: str(address) for host, address in plan.addresses["nginx"].items()} == {
        "docker-1": "10.1.1.2",
        "docker-2": "10.1.2.2",
    }
    assert "10.1.1.2 on docker-1 and 10.1.2.2 on docker-2" in README.read_text(encoding="utf-8")


def test_the_readmes_second_stack_file_is_on_the_hosts_lan(tmp_path: Path) -> None:
    """The README's second stack file, the last one, is in LAN mode, and its text names where clients find the service."""
    plan = readme_plan(tmp_path, 1)
    assert len(list(blocks(README, "yaml"))) == 2
    assert plan.lan
    assert {problem.code for problem in plan.warnings} == {"IPF405"}  # the image's tag
    first, second = plan.urls["nginx"]
    assert f"a client opens `{first}` or `{second}`" in README.read_text(encoding="utf-8")


def test_the_readmes_docker_commands_do_what_its_stack_file_says(tmp_path: Path) -> None:
    """The commands beside the stack file create the network and the container that the plan has for docker-1."""
    host = readme_plan(tmp_path).host("docker-1")
    (nginx,) = host.containers
    (commands,) = blocks(README, "sh")
    network, container, bridge = (
        shlex.split(line) for line in commands.replace("\\\n", " ").splitlines() if line.strip()
    )
    assert network == [
        *("docker", "network", "create", "-d", "ipvlan"),
        *("-o", f"ipvlan_mode={host.network.mode}", "-o", f"parent={host.network.parent}"),
        *("--subnet", str(host.network.subnet), "--gateway", str(host.network.gateway)),
        *("--ip-range", str(host.network.ip_range), host.network.name),
    ]
    assert container == [
        *("docker", "run", "-d", "--name", nginx.name, "--restart", nginx.settings.restart),
        *("--network", host.network.name, "--ip", str(nginx.address)),
        *("-p", *(str(port) for port in nginx.ports), nginx.image),
    ]
    assert nginx.published
    assert bridge == ["docker", "network", "connect", "bridge", nginx.name]


def test_the_readmes_program_registers_the_fabric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program of the README runs as it is, with the README's stack file, and registers a container on each host."""
    readme_plan(tmp_path)
    (program,) = blocks(README, "python")
    monkeypatch.chdir(tmp_path)
    run = run_program({}, stack="lan", main=lambda: exec(program, {}))  # noqa: S102  # our own text
    containers = {
        resource.name: resource.inputs["networksAdvanced"][0]["ipv4Address"]
        for resource in run.resources.values()
        if resource.type == "docker:index/container:Container"
    }
    assert containers == {"fabric-docker-1-nginx": "10.1.1.2", "fabric-docker-2-nginx": "10.1.2.2"}
    assert run.exports == {"urls": {"nginx": ["http://192.168.140.200", "http://192.168.140.201"]}}


def test_the_pages_name_the_resources_that_the_program_registers() -> None:
    """The names in `docs/concepts.md` and the type tokens in `docs/reference.md` are those that a program registers."""
    run = run_program(
        {
            "fabric": {"name": "ipvlanl2", "mode": "l2", "subnet": "10.1.0.0/16", "gateway": "10.1.0.1"},
            "hosts": {
                "docker-1": {"address": "192.168.140.200", "parent": "ens33", "slice": "10.1.1.0/24", "shim": True},
                "docker-2": {"address": "192.168.140.201", "parent": "ens33", "slice": "10.1.2.0/24", "shim": True},
            },
            "services": {
                "nginx": {
                    "image": f"nginx@sha256:{'0123456789ab':0<64}",
                    "offset": 2,
                    "ports": ["80:80"],
                    "published": True,
                    "bridges": ["backend"],
                    "files": {"/run/secrets/token": {"secret": "token"}},
                }
            },
            "volumes": {"wiki_data": {"hosts": ["docker-1"]}},
            "bridges": {"backend": {}},
        },
        secrets={"token": "battery-staple"},
        # No host is asked for its volumes and bridges.
        preview=True,
    )
    registered = {resource.name for resource in run.resources.values()}
    concepts = (ROOT / "docs" / "concepts.md").read_text(encoding="utf-8")
    named = {name for name in CODE.findall(FENCE.sub("", concepts)) if name == "fabric" or name.startswith("fabric-")}
    assert named == {name for name in registered if "docker-2" not in name}
    reference = (ROOT / "docs" / "reference.md").read_text(encoding="utf-8")
    tokens = {token for token in CODE.findall(reference) if re.fullmatch(r"[\w-]+:[\w/-]+:[\w-]+", token)}
    assert tokens == {resource.type for resource in run.resources.values()}


def commands_in(path: Path, program: str) -> Iterator[list[str]]:
    """Return the arguments of every call of `program` in code, inline or in a console block."""
    text = path.read_text(encoding="utf-8")
    lines = [line for block in blocks(path, "console") for line in block.splitlines()]
    for line in [*CODE.findall(FENCE.sub("", text)), *lines]:
        call = re.match(rf"(?:lab/exec |\.venv/bin/|\$ )*{program}((?: [^#;|]*)?)$", line.partition("  #")[0].strip())
        if call:
            yield call[1].split()


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_a_page_shows_exists(path: Path) -> None:
    """Each `ipvlan` call names a subcommand and options that there are, each `make` call a target."""
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for arguments in commands_in(path, "ipvlan"):
        rest = arguments[2:] if arguments[:1] in (["--stack"], ["-s"]) else arguments
        assert not rest or rest[0] in {*group.commands, "--help"}, arguments
        options = (
            {name for parameter in group.commands[rest[0]].params for name in parameter.opts} if rest[1:] else set()
        )
        assert {word for word in rest[1:] if word.startswith("-")} <= options, arguments
    for arguments in commands_in(path, "make"):
        assert {word for word in arguments if "=" not in word and not word.startswith("-")} <= targets, arguments


def test_the_readmes_commands_are_what_ci_runs() -> None:
    """The README's commands for the lab stay `make up` and `make test`, and CI runs the second."""
    assert ["plan", "--at", "10.1.1.2"] in list(commands_in(README, "ipvlan"))
    commands = [line.split("  #")[0].strip() for block in blocks(README, "console") for line in block.splitlines()]
    assert [command for command in commands if command.startswith("make ")] == ["make up", "make test"]
    assert (ROOT / ".ci" / "run").read_text(encoding="utf-8").rstrip().endswith("exec make test")
