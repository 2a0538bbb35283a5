"""What `ipvlan allocate` assigns, and that it changes nothing else."""

from __future__ import annotations

import difflib
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ipvlan.config.yaml_edit import Edit, insert
from ipvlan.config.yaml_file import Checkout
from ipvlan.config.yaml_text import parse_text
from ipvlan.plan.allocate import Allocation, allocate, filled
from ipvlan.plan.make import make_plan
from ipvlan.plan.validate import load_stack, parse
from ipvlan.problems import ConfigError
from tests.support.configs import raw_configs
from tests.support.projects import ipvlan, write_project
from tools.reference_setup import DIGEST, REMOVE, STACK_TEXT, changed, host, image

HERE = Checkout(Path())


def given_out(raw: dict[str, Any]) -> dict[str, str | int]:
    """Return key path -> value of everything that was missing."""
    return {f"{one.section}.{one.entry}.{one.key}": one.value for one in allocate(raw, HERE)}


def test_nothing_is_missing_in_the_reference_setup() -> None:
    """A config that has everything gets nothing."""
    assert given_out(changed({})) == {}


def test_next_free_slice_and_offset() -> None:
    """A new host gets the lowest slice without the gateway or another host; a new service the lowest free offset."""
    raw = changed({"hosts.docker-3": host(3), "services.web": image(), "services.nginx.offset": 3})
    del raw["hosts"]["docker-3"]["slice"]
    raw["hosts"]["docker-2"]["slice"] = "10.1.3.0/24"
    assert given_out(raw) == {"hosts.docker-3.slice": "10.1.2.0/24", "services.web.offset": 2}


def test_entries_get_theirs_in_the_order_of_the_file() -> None:
    """The first host in the file gets the lowest slice, whatever it is called."""
    raw = changed({"hosts.z": host(3), "hosts.a": host(4)})
    del raw["hosts"]["z"]["slice"], raw["hosts"]["a"]["slice"]
    assert given_out(raw) == {"hosts.z.slice": "10.1.3.0/24", "hosts.a.slice": "10.1.4.0/24"}


def test_slices_of_another_length() -> None:
    """`slice_prefix` decides how large a slice is; one of another size that a host has is skipped."""
    raw = changed({"fabric.slice_prefix": 26, "hosts.docker-3": host(3), "hosts.docker-1.slice": "10.1.0.64/26"})
    del raw["hosts"]["docker-3"]["slice"]
    assert given_out(raw) == {"hosts.docker-3.slice": "10.1.0.128/26"}


def test_reserved_gateway_and_dynamic_are_left_out() -> None:
    """No offset leads to an address that is the gateway's, reserved or for Docker to assign, on any host."""
    raw = changed(
        {
            "fabric.gateway": "10.1.1.3",
            "fabric.reserved": ["10.1.2.4-10.1.2.5"],
            "hosts.docker-1.dynamic": "10.1.1.8/29",
            "services.web": image(),
            "services.api": image(),
            "services.db": {**image(), "addresses": {"docker-1": "10.1.1.7", "docker-2": "10.1.2.7"}},
        }
    )
    assert given_out(raw) == {"services.web.offset": 6, "services.api.offset": 16}


def test_addresses_on_every_host_need_no_offset() -> None:
    """A service that has an address on each of its hosts is complete."""
    raw = changed(
        {"services.nginx.offset": REMOVE, "services.nginx.addresses": {"docker-1": "10.1.1.9", "docker-2": "10.1.2.9"}}
    )
    assert given_out(raw) == {}


def test_an_offset_is_shared_only_when_none_is_left() -> None:
    """Services on different hosts get different offsets while there are any, so that they can run on one host later."""
    small = {"hosts.docker-1.slice": "10.1.1.0/29", "hosts.docker-2.slice": "10.1.1.8/29", "services": {}}
    services = {f"s{n}": {**image(), "hosts": [f"docker-{1 + n % 2}"]} for n in range(8)}
    values = [value for _, value in sorted(given_out(changed({**small, "services": services})).items())]
    assert values[:6] == [1, 2, 3, 4, 5, 6]
    assert values[6:] == [2, 1]


@pytest.mark.parametrize(
    ("changes", "key", "numbers"),
    [
        (
            {
                "fabric.subnet": "10.1.0.0/22",
                "hosts.docker-3": {"address": "192.168.140.3", "parent": "e"},
                "hosts.docker-4": {"address": "192.168.140.4", "parent": "e"},
            },
            "fabric.subnet",
            (
                "it is full: of its 4 slices of /24, 2 belong to hosts, 1 contain the gateway, reserved or other addresses that "
                "are taken, "
                "1 are free, and 2 hosts have none (docker-3, docker-4)"
            ),
        ),
        (
            {"hosts.docker-1.slice": "10.1.1.0/31", "services.web": image(), "services.nginx.offset": 0},
            "services.web.offset",
            (
                "no offset is free on all of its 2 hosts: the slice 10.1.1.0/31 of docker-1 has 2 addresses, 2 of "
                "containers and 0 reserved, dynamic, or the gateway's or shim's"
            ),
        ),
        (
            {"fabric.slice_prefix": 8, "hosts.docker-1.slice": REMOVE},
            "fabric.slice_prefix",
            "a /8 is larger than the subnet 10.1.0.0/16",
        ),
    ],
    ids=["subnet full", "slice full", "slice_prefix too small"],
)
def test_refuses_with_the_numbers(changes: dict[str, Any], key: str, numbers: str) -> None:
    """If there is no room, the message has the numbers."""
    with pytest.raises(ConfigError) as refused:
        allocate(changed(changes), HERE)
    assert [(problem.key, problem.problem) for problem in refused.value.problems] == [(key, numbers)]


def test_a_config_with_other_mistakes_is_not_filled_in() -> None:
    """What else is wrong is reported, and nothing is assigned."""
    with pytest.raises(ConfigError) as refused:
        allocate(changed({"hosts.docker-1.slice": REMOVE, "services.nginx.image": "NGINX"}), HERE)
    assert [problem.key for problem in refused.value.problems] == ["services.nginx.image"]


@given(raw_configs(), st.data())
def test_filling_gives_a_plan_and_moves_nothing(raw: dict[str, Any], data: st.DataObject) -> None:
    """Whatever is missing, allocate completes it to a valid plan, twice to the same one, and changes no other entry."""
    kept = make_plan(parse(raw)).addresses
    gone = set(data.draw(st.lists(st.sampled_from(sorted(raw["services"]) or [""]), unique=True))) - {""}
    for name in gone:
        raw["services"][name].pop("offset")
        raw["services"][name].pop("addresses", None)
    try:
        allocations = allocate(raw, HERE)
    except ConfigError as error:
        assert all("no offset is free" in problem.problem for problem in error.problems)  # noqa: PT017  # both are fine
        return
    assert {one.entry for one in allocations} == gone
    assert allocations == allocate(raw, HERE)
    after = make_plan(parse(filled(raw, allocations))).addresses
    assert {name: after[name] for name in kept if name not in gone} == {
        name: kept[name] for name in kept if name not in gone
    }
    assert allocate(filled(raw, allocations), HERE) == []


LAYOUTS = {
    "block": "a:\n  x: 1\n  y: two # why\nb: 3\n",
    "no newline at the end": "b: 3\na:\n  x: 1",
    "flow": "a: {x: 1, y: 'two'}   # why\n",
    "flow with spaces and a comma": "a: { x: 1, }\n",
    "flow over lines": "a: {x: 1,\n    y: 2\n   }\nb: 1\n",
    "windows line ends": "a:\r\n  x: 1\r\nb: 2\r\n",
    "comment and blank line after": "a:\n  x: 1\n\n# about b\nb: 2\n",
    "list at the end": "a:\n  x:\n    - 1\n    - 2\n\nb: 3\n",
    "list without indentation": "a:\n  x:\n  - 1\n  - 2\nb: 3\n",
    "map at the end": "a:\n  x:\n    y: 1\n    z: [1,\n      2]\nb: 3\n",
    "empty value at the end": "a:\n  x:\nb: 3\n",
    "text block at the end": "a:\n  x: |\n    one\n    two\n\nb: 3\n",
    "folded text at the end of the file": "a:\n  x: >-\n    one\n    two\n",
    "quotes over lines": 'a:\n  x: "one\n    two"\nb: 3\n',
    "deep indentation": "a:\n        x: 1\n        y: 2\n",
    "braces with a comment at the end": "a: {\n  x: 1,  # one\n  # y: 2\n  }\nb: 3\n",
    "braces with a comment and no comma": "a: {\n  x: 1  # one, and more\n  }\nb: 3\n",
    "braces with an anchor": "a: &c {x: 1}\n",
    "comments below the last value": "a:\n  x:\n    y: 1\n    # z: 2\nb: 3\n",
    "byte order mark": "\ufeffa:\n  x: 1\n",
}


@pytest.mark.parametrize("text", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_an_edit_adds_one_key_and_no_other_byte_changes(text: str) -> None:
    """In any layout the key is added where it belongs, and everything else stays as it was."""
    after = insert(text, [Edit(("a",), "slice", "10.1.1.0/24")], "file")
    expected = parse_text(text, "file")
    expected["a"]["slice"] = "10.1.1.0/24"
    assert parse_text(after, "file") == expected
    operations = difflib.SequenceMatcher(None, text, after, autojunk=False).get_opcodes()
    assert {operation for operation, *_ in operations} <= {"equal", "insert"}


def test_comments_of_the_last_value_stay_with_it() -> None:
    """The new key is below them: above, they would be its own."""
    after = insert("a:\n  x:\n    y: 1\n    # z: 2\n  # of a\n", [Edit(("a",), "slice", "10.1.1.0/24")], "file")
    assert after == "a:\n  x:\n    y: 1\n    # z: 2\n  slice: 10.1.1.0/24\n  # of a\n"


@pytest.mark.parametrize(
    "text",
    ["common: &c {x: 1}\na: *c\n", "a: &c\n  x: 1\nb: *c\n", "a: text\n", "a:\n", "b: 1\n"],
    ids=["alias", "anchor others share", "no map", "nothing", "missing"],
)
def test_an_edit_that_would_touch_others_is_refused(text: str) -> None:
    """A mapping that other places share, or that is not written out, is not changed."""
    with pytest.raises(ConfigError):
        insert(text, [Edit(("a",), "slice", "10.1.1.0/24")], "file")


def test_command_writes_the_file_once(tmp_path: Path) -> None:
    """The command shows a diff, --check writes nothing and exits 1, a run writes, a second run finds nothing to do."""
    text = STACK_TEXT.replace("      slice: 10.1.1.0/24\n", "").replace("      offset: 2\n", "")
    path = write_project(tmp_path, text)
    path.chmod(0o640)
    check = ipvlan(tmp_path, "allocate", "--check")
    assert check.returncode == 1
    assert "+      slice: 10.1.1.0/24" in check.stdout
    assert path.read_text() == text
    done = ipvlan(tmp_path, "allocate")
    assert (done.returncode, done.stderr) == (0, "")
    assert "+      offset: 2" in done.stdout
    assert path.stat().st_mode & 0o777 == 0o640
    assert sorted(path.read_text().splitlines()) == sorted(STACK_TEXT.splitlines())
    again = ipvlan(tmp_path, "allocate", "--check")
    assert (again.returncode, again.stdout.startswith("nothing is missing")) == (0, True)
    assert make_plan(load_stack("dev", tmp_path)).warnings == ()
    assert [entry.name for entry in tmp_path.iterdir() if entry.name.startswith(".")] == []


def test_command_fills_in_the_shared_file(tmp_path: Path) -> None:
    """A service that only the shared file has gets its offset there; what the stack has, in the stack."""
    (tmp_path / "common.yaml").write_text(f"services:\n  web:\n    image: registry/web{DIGEST} # shared\n")
    text = STACK_TEXT.replace("config:\n", "config:\n  ipvlan-fabric:common: common.yaml\n").replace(
        "      offset: 1\n", ""
    )
    path = write_project(tmp_path, text)
    done = ipvlan(tmp_path, "allocate")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "common.yaml").read_text().endswith("# shared\n    offset: 1\n")
    assert "      offset: 3\n" in path.read_text()


@pytest.mark.no_cover  # Measured, it takes twice as long; other tests cover the same lines.
def test_allocation_scales() -> None:
    """100 hosts and 100 services without anything get all they need, each a different slice or offset."""
    raw = changed({"hosts": {}, "services": {}})
    for number in range(100):
        raw["hosts"][f"h{number}"] = {"address": f"192.168.{number}.1", "parent": "eth0"}
        raw["services"][f"s{number}"] = image()
    allocations = allocate(raw, HERE)
    values = {section: [one.value for one in group] for section, group in itertools.groupby(allocations, _section)}
    assert len(set(values["hosts"])) == len(set(values["services"])) == 100


def _section(one: Allocation) -> str:
    return one.section


def test_offsets_of_lists_and_ranges() -> None:
    """An offset counts through the parts of a slice; what a container has explicitly, or is reserved, is left out."""
    raw = changed(
        {
            "fabric.reserved": ["10.1.1.51"],
            "hosts": {"a": host(1, slice=["10.1.1.50-10.1.1.53", "10.1.9.9", "10.1.3.0/30"])},
            "services": {"fixed": {**image(), "addresses": {"a": "10.1.1.50"}}, **{f"s{n}": image() for n in range(7)}},
        }
    )
    # 10.1.1.52, .53, 10.1.9.9, 10.1.3.1 and .2, and at last the first and last address of the subnet.
    assert list(given_out(raw).values()) == [2, 3, 4, 6, 7, 5, 8]


def test_a_slice_is_beside_all_that_is_taken() -> None:
    """No slice is given out that has a host's own address, a shim or the explicit address of a container."""
    raw = changed(
        {
            "fabric.subnet": "10.1.0.0/24",
            "fabric.slice_prefix": 28,
            "hosts": {
                "a": host(1, slice="10.1.0.16/28", shim="10.1.0.33"),
                "b": {"address": "192.168.140.2", "parent": "ens33"},
                "c": {"address": "192.168.140.3", "parent": "ens33"},
            },
            "services": {
                "web": {**image(), "hosts": ["a", "b"], "offset": 2, "addresses": {"a": "10.1.0.50"}},
                "fixed": {**image(), "hosts": ["c"], "addresses": {"c": "10.1.0.70"}},
            },
        }
    )
    # The one container of `c` has an address; `b` needs a slice for the offset.
    assert given_out(raw) == {"hosts.b.slice": "10.1.0.80/28"}


def test_an_empty_slice_is_left_as_it_is() -> None:
    """`slice: []` says that there is none: what needs one is reported."""
    with pytest.raises(ConfigError) as refused:
        allocate(changed({"hosts.docker-1.slice": []}), HERE)
    [problem] = refused.value.problems
    assert (problem.code, problem.key) == ("IPF334", "hosts.docker-1.slice")
