"""What people and machines read of named volumes: the plan, and the report of a change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.json_documents import validate
from tests.support.projects import commit_all, ipvlan, write_project
from tools.reference_setup import CIPHER, STACK_TEXT

SECTION = (
    """\
  ipvlan-fabric:volumes:
    data: {name: wiki_data, hosts: [docker-1], driver_opts: {type: nfs, o: "rw,addr=10.0.0.1,vers=4.2-unshown", device: ":/srv"}}
    share:
      hosts: [docker-2]
      delete: true
      driver_opts: {type: cifs, device: //nas/share}
      secret_driver_opts: {o: nas-login}
    cache: {hosts: [docker-2], delete: true}
    theirs: {hosts: [docker-2], external: true}
"""
    f"  ipvlan-fabric:nas-login: {{secure: {CIPHER}}}\n"
)


def report(folder: Path, before: str, after: str) -> tuple[str, dict[str, Any]]:
    """Return the report of a change, as Markdown and as JSON."""
    path = write_project(folder, before)
    commit_all(folder, "before")
    path.write_text(after, encoding="utf-8")
    document: dict[str, Any] = json.loads(ipvlan(folder, "report", "--base", "HEAD", "--json").stdout)
    validate(document, "report")
    printed = ipvlan(folder, "report", "--base", "HEAD")
    assert printed.returncode == 0, printed.stderr
    return printed.stdout, document


def test_the_plan_lists_them(tmp_path: Path) -> None:
    """With where the data is and what becomes of it; values of other options are not shown."""
    write_project(tmp_path, STACK_TEXT + SECTION)
    document = json.loads(ipvlan(tmp_path, "plan", "--json").stdout)
    validate(document, "plan")
    volumes = {volume["name"]: volume for host in document["hosts"] for volume in host["volumes"]}
    assert volumes["wiki_data"] == {
        "key": "data",
        "name": "wiki_data",
        "driver": "local",
        "options": ["device", "o", "type"],
        "source": "type=nfs, device=:/srv, addr=10.0.0.1",
        "external": False,
        "delete": False,
        "mounted_by": [],
    }
    assert volumes["share"]["source"] == "type=cifs, device=//nas/share, o=(secret nas-login)"
    text = ipvlan(tmp_path, "plan").stdout
    assert "Named volumes" in text
    assert "type=nfs, device=:/srv" in text
    assert "unshown" not in text + json.dumps(document)


def test_the_report_of_new_volumes(tmp_path: Path) -> None:
    """What is created, what must exist, and what may lose its data later."""
    text, document = report(tmp_path, STACK_TEXT, STACK_TEXT + SECTION)
    assert "volumes: 3 new, 1 of others." in text
    assert [(volume["volume"], volume["action"]) for volume in document["volumes"]] == [
        ("wiki_data", "create"),
        ("cache", "create"),
        ("share", "create"),
        ("theirs", "use"),
    ]
    assert [(power["setting"], power["value"]) for power in document["powers"]] == [("volumes: delete", "cache")]
    assert "unshown" not in text + json.dumps(document)
    assert document["downtime"] is False


def test_what_is_kept_is_listed_with_its_removal(tmp_path: Path) -> None:
    """Each time, with the command; the loss of data is the first danger."""
    text, document = report(tmp_path, STACK_TEXT + SECTION, STACK_TEXT)
    assert "volumes: 2 deleted, 1 kept on their hosts" in text
    kept = "| docker-1 | wiki_data | keep |  | kept with its data; to remove it, run on docker-1: docker volume rm wiki_data |"
    assert kept in text
    assert document["powers"][0]["setting"] == "volumes: data deleted"
    sections = [line for line in text.splitlines() if line.startswith("### ")]
    assert sections[0].startswith("### Dangerous settings")


def test_what_docker_cannot_change_is_refused_in_the_title(tmp_path: Path) -> None:
    """Before anything else: `up` would end with an error."""
    text, document = report(tmp_path, STACK_TEXT + SECTION, STACK_TEXT + SECTION.replace(":/srv", ":/export"))
    assert "**`up` refuses this change of a volume.**" in text
    (change,) = document["volumes"]
    assert (change["action"], change["reasons"]) == ("refuse", ["driver_opts device"])
    assert "Give it another name" in change["effect"]
