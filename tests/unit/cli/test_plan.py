"""The `ipvlan` command as a person runs it: plan, addresses, errors, exit statuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from netaddr import IPAddress

from ipvlan.plan.address_usage import slice_use, who_holds
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack, parse
from tests.support.projects import ipvlan, ipvlan_process, write_project
from tests.support.reference import STACK_TEXT, changed


def test_plan_shows_slices_and_addresses(tmp_path: Path) -> None:
    """The tables hold each host's slice, used and free, and each service's addresses and URLs; from a sub-folder too."""
    write_project(tmp_path)
    folder = tmp_path / "below" / "it"
    folder.mkdir(parents=True)
    done = ipvlan(folder, "plan")
    assert (done.returncode, done.stderr) == (0, "")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines() if "│" in line]
    assert rows == [
        ["docker-1", "192.168.140.200", "ens33", "10.1.1.0/24", "2", "252", "unrestricted"],
        ["docker-2", "192.168.140.201", "ens33", "10.1.2.0/24", "2", "252", "unrestricted"],
        ["centos", "docker-1", "centos", "10.1.1.1", "ipvlanl2 (10.1.0.1)", ""],
        ["", "docker-2", "centos", "10.1.2.1", "ipvlanl2 (10.1.0.1)", ""],
        ["nginx", "docker-1", "nginx", "10.1.1.2", "bridge (the host's NAT)", "http://192.168.140.200"],
        ["", "docker-2", "nginx", "10.1.2.2", "bridge (the host's NAT)", "http://192.168.140.201"],
    ]


def test_plan_as_json(tmp_path: Path) -> None:
    """--json prints the document alone, warnings inside it."""
    write_project(tmp_path, STACK_TEXT.replace("registry/os@sha256:" + "0" * 64, "registry/os:9"))
    done = ipvlan(tmp_path, "plan", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, done.stderr) == (0, "")
    assert document["services"]["nginx"]["urls"] == ["http://192.168.140.200", "http://192.168.140.201"]
    assert document["hosts"][1]["network"]["ip_range"] == "10.1.2.0/24"
    assert [warning["key"] for warning in document["warnings"]] == ["services.centos.image"]


@pytest.mark.parametrize(
    ("address", "holder"),
    [
        ("10.1.1.2", "nginx on docker-1 (service nginx)"),
        ("10.1.0.1", "the fabric's gateway"),
        ("192.168.140.201", "the host docker-2 itself, in the LAN"),
        ("10.1.1.9", "free, in the slice 10.1.1.0/24 of docker-1 (offset 9)"),
        ("10.1.1.255", "the last address of the slice 10.1.1.0/24 of docker-1, which no container can hold"),
        ("10.1.2.200", "Docker may hand it out on docker-2 (dynamic 10.1.2.128/25)"),
        ("10.1.9.9", "reserved by 10.1.9.0/24"),
        ("10.1.7.7", "unassigned: in the subnet 10.1.0.0/16, but in no host's slice"),
        ("10.9.9.9", "unassigned: outside the subnet 10.1.0.0/16"),
        ("10.1.255.255", "the broadcast address of 10.1.0.0/16"),
    ],
)
def test_who_holds_an_address(address: str, holder: str) -> None:
    """Every kind of address has its own answer."""
    plan = make_plan(parse(changed({"hosts.docker-2.dynamic": "10.1.2.128/25", "fabric.reserved": ["10.1.9.0/24"]})))
    assert who_holds(plan, IPAddress(address)) == [holder]


def test_as_a_process_of_its_own(tmp_path: Path) -> None:
    """Started as a person starts it, the command prints, and fails with its message alone and status 1."""
    write_project(tmp_path)
    done = ipvlan_process(tmp_path, "plan", "--at", "10.1.2.2")
    assert (done.returncode, done.stdout, done.stderr) == (0, "10.1.2.2: nginx on docker-2 (service nginx)\n", "")
    wrong = ipvlan_process(tmp_path, "--stack", "nowhere", "plan")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("the config has 1 problem:")


def test_at_on_the_command_line(tmp_path: Path) -> None:
    """--at answers in one line, and refuses what is no address as a wrong command line."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, "plan", "--at", "10.1.2.2")
    assert (done.returncode, done.stdout) == (0, "10.1.2.2: nginx on docker-2 (service nginx)\n")
    wrong = ipvlan(tmp_path, "plan", "--at", "10.1.2.002")
    assert wrong.returncode == 2
    assert "leading zero" in wrong.stderr


def test_use_of_a_slice_counts_everything_once() -> None:
    """Used, set aside and free make up the slice without its first and last address, however ranges overlap."""
    plan = make_plan(
        parse(
            changed(
                {
                    "fabric.gateway": "10.1.2.5",
                    "fabric.reserved": ["10.1.2.4-10.1.2.9", "10.1.2.8/29"],
                    "hosts.docker-2.dynamic": "10.1.2.128/25",
                }
            )
        )
    )
    use = slice_use(plan, plan.host("docker-2"))
    # 4 to 15 are 12 addresses; 128 to 254 are 127, the last one of the slice left out.
    assert (use.used, use.set_aside, use.free) == (2, 139, 254 - 2 - 139)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--stack", "nowhere", "plan"], "there are: Pulumi.dev.yaml"),
        (["--stack", "a b", "plan"], "this is not the name of a stack"),
        (["--project", "/", "plan"], "there is no Pulumi.yaml in this folder or in a folder above it"),
        (["report", "--base", "main"], "--base"),
        (["report", "--base", "--upload-pack=x"], "--base"),
    ],
)
def test_mistakes_of_a_person_end_in_one_message(tmp_path: Path, arguments: list[str], said: str) -> None:
    """No traceback, exit status 1, and the message says what to do."""
    write_project(tmp_path)
    done = ipvlan(tmp_path, *arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_bad_config_fails_every_word(tmp_path: Path) -> None:
    """All mistakes are printed by each command, none of them with a traceback."""
    write_project(tmp_path, STACK_TEXT.replace("offset: 2", "offset: 1").replace("10.1.0.1", "10.2.0.1"))
    for word in (["plan"], ["plan", "--json"], ["plan", "--at", "10.1.1.1"], ["allocate"], ["allocate", "--check"]):
        done = ipvlan(tmp_path, *word)
        assert done.returncode == 1
        assert "the config has 2 problems" in done.stderr
        assert "fabric.gateway: 10.2.0.1" in done.stderr
        assert "services.centos.offset and services.nginx.offset: 10.1.1.1" in done.stderr
        assert "Traceback" not in done.stderr


def test_ten_thousand_services_are_read_and_refused_in_one_go() -> None:
    """10,000 services in slices of 254: one problem each for those that do not fit, told without a wait."""
    raw = changed({"services": {}})
    digest = "@sha256:" + "0" * 64
    for number in range(10_000):
        raw["services"][f"s{number}"] = {"image": f"registry/x{digest}", "offset": number + 1}
    config = parse(raw)
    with pytest.raises(Exception, match="the config has 9746 problems") as refused:
        make_plan(config)
    assert all("services.s" in problem.key for problem in refused.value.problems)  # type: ignore[attr-defined]


def test_worked_examples_read_without_a_passphrase() -> None:
    """Staging and prod are planned from their files alone."""
    root = Path(__file__).resolve().parents[3]
    prod = make_plan(load_stack("prod", root))
    assert len(prod.hosts) == 5
    assert {host.parent for host in prod.hosts} == {"bond0.40", "bond1.40"}
    assert str(prod.addresses["database"]["data-1"]) == "10.1.5.5"
