"""The files of a host against the state: what `status` says, what `heal` does, and how they are read in one visit."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from ipvlan.checks import status
from ipvlan.checks.difference import Difference
from ipvlan.checks.drift import Comparison
from ipvlan.checks.heal import Known, RepairPlan, plan_repair
from ipvlan.hosts.errors import FILES_NOT_OURS, HostError
from ipvlan.hosts.files import FoundFile, FoundFiles
from ipvlan.hosts.files_look import with_files
from ipvlan.hosts.script import script_text
from ipvlan.hosts.session import HostSession
from ipvlan.hosts.snapshot import HostSnapshot, LiveFiles
from ipvlan.hosts.ssh import connection_failure
from ipvlan.plan.files import FilesPlan
from ipvlan.plan.model import Plan
from ipvlan.plan.ownership import Ownership, Place, RecordedFiles
from ipvlan.plan.resource_names import OWNER_LABEL, PREVIOUS_LABEL, PREVIOUS_SUFFIX, Urns
from tests.support.host_changes import change_container, without
from tests.support.live_parts import STACK, live_host, owned_by_plan, reference_plan
from tests.support.states import OWNER

CONF, INI = "/etc/nginx/nginx.conf", "/etc/app/db.ini"
LABEL = f"{OWNER}/docker-1/nginx"
FOLDER = f"/var/lib/ipvlan-fabric/{LABEL}"
PLACE = Place("docker-1", "nginx")
DIGESTS = {CONF: "a" * 64, INI: "b" * 64}
FILES: Mapping[str, Mapping[str, Any]] = {
    CONF: {"slot": "nginx.conf.1", "path": "", "owner": "0:0", "mode": "0444"},
    INI: {"slot": "db.ini.2", "path": "", "owner": "101:101", "mode": "0400"},
}
AS_WRITTEN = {
    target: FoundFile(digest=DIGESTS[target], owner=file["owner"], mode=file["mode"]) for target, file in FILES.items()
}


def plan_with_files(change: str = "restart") -> Plan:
    """Return the reference plan, whose nginx has files on docker-1."""
    plan = reference_plan()
    files = FilesPlan(files=(), change=change)
    hosts = tuple(
        replace(
            host,
            containers=tuple(
                replace(each, files=files) if (host.name, each.service) == ("docker-1", "nginx") else each
                for each in host.containers
            ),
        )
        for host in plan.hosts
    )
    return replace(plan, hosts=hosts)


def found(**changes: Any) -> FoundFiles:
    """Return the files as the state has them, but for some changes."""
    state: dict[str, Any] = {"staged": AS_WRITTEN, "live": AS_WRITTEN, "held": {}, "unplanned": ()}
    return FoundFiles(**state | {"refused": "", "pending": False} | changes)


def owned(plan: Plan, *, in_use: bool = True, **changes: Any) -> Ownership:
    """Return what the stack owns, the files of nginx on docker-1 among it."""
    files = {PLACE: RecordedFiles(digests=DIGESTS, files=FILES, in_use=in_use)}
    return replace(owned_by_plan(plan), files=files, **changes)


def snapshot(plan: Plan, files: FoundFiles | None = None, **changes: Any) -> HostSnapshot:
    """Return docker-1 as planned, with these files."""
    live = replace(LiveFiles(root=True, found={LABEL: files or found()}, folders=frozenset({LABEL})), **changes)
    return replace(live_host(plan.host("docker-1")), has_files=True, files=live)


def compare(plan: Plan, live: HostSnapshot, ownership: Ownership | None = None) -> tuple[Difference, ...]:
    """Return the differences of docker-1."""
    return Comparison(plan, ownership or owned(plan), STACK).of_host(plan.host("docker-1"), live)


def test_files_as_written_are_no_difference() -> None:
    """Neither is a host that was not asked for them, nor a service whose files no `up` has written yet."""
    plan = plan_with_files()
    assert compare(plan, snapshot(plan)) == ()
    assert compare(plan, live_host(plan.host("docker-1"))) == ()
    assert compare(plan, snapshot(plan, found(live={})), owned_by_plan(plan)) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"live": AS_WRITTEN | {CONF: replace(AS_WRITTEN[CONF], digest="c" * 64)}},
        {"live": AS_WRITTEN | {CONF: replace(AS_WRITTEN[CONF], owner="1000:1000")}},
        {"live": AS_WRITTEN | {CONF: replace(AS_WRITTEN[CONF], mode="0644")}},
        {"live": {INI: AS_WRITTEN[INI]}},
        {"staged": {INI: AS_WRITTEN[INI]}},
        {"held": {CONF: replace(AS_WRITTEN[CONF], digest="c" * 64)}},
        {"unplanned": (CONF,)},
    ],
)
def test_a_file_that_is_not_as_written(changes: dict[str, Any]) -> None:
    """Its bytes, owner or mode by hand, missing, or one too many: it is named, and `heal` is the command."""
    plan = plan_with_files()
    (difference,) = compare(plan, snapshot(plan, found(**changes)))
    assert (difference.kind, difference.severity, difference.service) == ("file-different", "error", "nginx")
    assert difference.problem.endswith(f": {CONF}")
    assert difference.fix == f"ipvlan --stack {STACK} heal --host docker-1 --service nginx"


def test_many_files_are_counted() -> None:
    """Five are named."""
    plan = plan_with_files()
    targets = {f"/etc/{number}": FILES[CONF] for number in range(8)}
    files = {PLACE: RecordedFiles(digests=dict.fromkeys(targets, "a" * 64), files=targets, in_use=True)}
    (difference,) = compare(plan, snapshot(plan, found(live={})), replace(owned(plan), files=files))
    assert difference.problem.endswith(": /etc/0, /etc/1, /etc/2, /etc/3, /etc/4 and 3 more")


def test_files_that_are_not_in_use() -> None:
    """What was refused or cut short is for a person, and what is live then is not compared with it."""
    plan = plan_with_files()
    for live, ownership in (
        (found(live={}), owned(plan, in_use=False)),
        (found(refused="tree"), owned(plan)),
        (found(pending=True), owned(plan)),
    ):
        (difference,) = compare(plan, snapshot(plan, live), ownership)
        assert (difference.kind, difference.severity) == ("files-pending", "error")
        assert "pulumi up" in difference.fix
    # Without root it is in the state.
    kinds = [each.kind for each in compare(plan, snapshot(plan, root=False), owned(plan, in_use=False))]
    assert kinds == ["files-pending", "files-unread"]


def test_files_that_cannot_be_read() -> None:
    """Without root, or without the state, that is good to know; a folder of others is an error."""
    plan = plan_with_files()
    (difference,) = compare(plan, snapshot(plan, root=False, found={}, folders=frozenset()))
    assert (difference.kind, difference.severity) == ("files-unread", "info")
    assert "hosts.docker-1.ssh" in difference.fix
    unread = replace(owned_by_plan(plan), read=False)
    (difference,) = compare(plan, live_host(plan.host("docker-1")), unread)
    assert (difference.kind, difference.severity) == ("files-unread", "info")
    refused = HostError.on("docker-1", FILES_NOT_OURS, problem=f"{FOLDER} is a link", effect="none", fix="see whose")
    (difference,) = compare(plan, snapshot(plan, found={}, failures={LABEL: refused}))
    assert (difference.kind, difference.severity, difference.fix) == ("files-unread", "error", "see whose")
    assert f"{FOLDER} is a link" in difference.problem


def test_a_folder_that_no_plan_has() -> None:
    """Of this stack alone; where the state has it, the next `up` removes it."""
    plan = plan_with_files()
    theirs = "fedcba9876543210/docker-1/nginx"
    others = frozenset({LABEL, f"{OWNER}/docker-1/old", f"{OWNER}/renamed/nginx", theirs, "no-owner"})
    first, second = compare(plan, snapshot(plan, folders=others))
    for difference in (first, second):
        assert (difference.kind, difference.severity) == ("files-left", "info")
    assert f"/var/lib/ipvlan-fabric/{OWNER}/docker-1/old" in first.problem
    assert f"rm -r /var/lib/ipvlan-fabric/{OWNER}/renamed/nginx" in second.fix
    without_files = reference_plan()
    (difference,) = compare(without_files, snapshot(without_files))
    assert (difference.kind, difference.fix) == ("files-left", f"pulumi up --stack {STACK}")


def test_a_restored_container_has_files_of_its_own() -> None:
    """That the previous one runs is what is reported, and not what its replacement would have had."""
    plan = plan_with_files()
    labels = {OWNER_LABEL: LABEL, PREVIOUS_LABEL: '{"of": "x", "restart": {}, "bridge": true, "volumes": []}'}
    live = change_container("nginx", id="spare", labels=labels)(snapshot(plan, found(live={})))
    assert PREVIOUS_SUFFIX not in live.containers["nginx"].name
    assert [each.kind for each in compare(plan, live)] == ["container-restored"]


def repair(plan: Plan, live: HostSnapshot) -> RepairPlan:
    """Return what is done about docker-1."""
    ownership = owned(plan)
    known = Known(plan=plan, snapshots={"docker-1": live}, ownership=ownership, urns=Urns(STACK, "ipvlan-fabric"))
    return plan_repair(known, compare(plan, live, ownership))


@pytest.mark.parametrize("change", ["reload", "restart", "replace"])
def test_heal_runs_pulumi_for_both_resources(change: str) -> None:
    """And for all that the container has where other files replace it."""
    plan = plan_with_files(change)
    planned = repair(plan, snapshot(plan, found(live={})))
    (step,) = planned.steps
    assert (step.by, step.difference.kind) == ("pulumi", "file-different")
    names = {target.rpartition("::")[2].removeprefix("fabric-docker-1-nginx") for target in planned.targets}
    both = {"-files", "-files-in-use"}
    everything = {"", "-handover", "-settled", "-published", "-published-bridge", "fabric-docker-1-network"}
    everything.add("fabric-docker-1-network-removal")
    assert names == {"fabric-identity", "fabric-addresses"} | both | (
        everything | {"fabric-docker-1-image-nginx-000000000000"} if change == "replace" else set()
    )


def test_heal_writes_no_files_beside_a_container_that_is_not_there() -> None:
    """A new container comes with its files; to one that is not in the state nothing is given."""
    plan = plan_with_files()
    different = snapshot(plan, found(live={}))
    missing = repair(plan, without("nginx")(different))
    assert [(step.by, step.difference.kind) for step in missing.steps] == [("pulumi", "container-missing")]
    assert any(target.endswith("::fabric-docker-1-nginx-files") for target in missing.targets)
    theirs = repair(plan, change_container("nginx", id="theirs")(different))
    assert {step.by for step in theirs.steps} == {"person"}
    assert theirs.targets == ()


class Session:
    """A session in which each script has a given answer."""

    name = "docker-1"

    def __init__(self, **answers: str | HostError) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def run(self, text: str, *, timeout: float) -> str:
        """Return the answer of the script that the text is."""
        assert timeout
        kinds = {
            "files_list": "Lists the folders",
            "files_read": "Reads the files of a container",
            "sudo": "echo root=",
        }
        kind = next(name for name, part in kinds.items() if part in text)
        self.asked.append(("sudo " if kind != "sudo" and "sudo -n sh -s" in text else "") + kind)
        answer = self.answers[kind]
        if isinstance(answer, HostError):
            raise answer
        return answer


READ = "\n".join(
    [
        *(f"{state}_{number}={'ba'[number] * 64} {who}" for state in ("staged", "live")
          for number, who in enumerate(("101:101 400", "0:0 444"))),
        "done=1\n",
    ]
)  # fmt: skip
LISTING = f"folder={LABEL}\nfolder={OWNER}/docker-1/old\ndone=1\n"


def look(session: Session, *, root: bool = True, has_files: bool = True, planned: bool = True) -> HostSnapshot:
    """Return docker-1 with its files, as the session answers."""
    plan = plan_with_files()
    live = replace(live_host(plan.host("docker-1")), root=root, has_files=has_files)
    return with_files(cast(HostSession, session), live, lambda: owned(plan), planned=planned, timeout=5)


@pytest.mark.parametrize(("root", "prefix"), [(True, ""), (False, "sudo ")])
def test_files_are_read_as_root_or_by_sudo(*, root: bool, prefix: str) -> None:
    """In the session that is open; each container's, and the list of all folders of the stack."""
    session = Session(files_read=READ, files_list=LISTING, sudo="root=0\n")
    files = look(session, root=root).files
    assert files == LiveFiles(root=True, found={LABEL: found()}, folders=frozenset({LABEL, f"{OWNER}/docker-1/old"}))
    assert [each for each in session.asked if each != "sudo"] == [f"{prefix}files_read", f"{prefix}files_list"]


def test_nothing_is_read_without_need_or_right() -> None:
    """No helper container is made for a look, and a host without the folder is asked for nothing."""
    session = Session(sudo="sudo: a password is required\n")
    assert look(session, root=False).files == LiveFiles(root=False)
    session.asked.clear()
    assert look(session, has_files=False, planned=False).files is None
    gone = look(session, has_files=False)
    assert session.asked == []
    plan = plan_with_files()
    (difference,) = compare(plan, gone)
    assert difference.problem.endswith(f": {INI}, {CONF}")


def test_a_folder_of_others_is_a_failure_of_its_own() -> None:
    """The rest of the host is compared; a host that does not answer is one that does not answer."""
    files = look(Session(files_read=f"foreign={FOLDER}\n", files_list=LISTING)).files
    assert files is not None
    assert files.failures[LABEL].problems[0].code == FILES_NOT_OURS
    silent = connection_failure("docker-1", "No route to host")
    with pytest.raises(HostError, match="No route to host"):
        look(Session(files_read=silent, files_list=LISTING))


def test_status_looks_at_the_files_of_hosts_that_have_some(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a host with files in the plan, or with the folder."""
    plan = plan_with_files()
    asked: dict[str, bool] = {}

    def files(session: Any, live: HostSnapshot, _owned: object, *, planned: bool, **_: Any) -> HostSnapshot:
        asked[session.name] = planned
        return live

    monkeypatch.setattr(status, "take_snapshot", lambda session, **_: live_host(plan.host(session.name)))
    monkeypatch.setattr(status, "with_files", files)
    monkeypatch.setattr(status, "on_hosts", lambda _plan, hosts, work, **_: {host.name: work(host) for host in hosts})
    assert status.read_status(plan, STACK, lambda: owned(plan)).ok
    assert asked == {"docker-1": True, "docker-2": False}


def test_the_list_of_folders(tmp_path: Path) -> None:
    """Folders alone, two levels below the stack's; no key, no link, and nothing of another stack."""
    for folder in (f"{OWNER}/docker-1/nginx/live", f"{OWNER}/docker-1/a b", "fedcba9876543210/docker-1/x"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / OWNER / "key").write_text("key")
    (tmp_path / OWNER / "docker-1" / "file").write_text("")
    (tmp_path / OWNER / "docker-1" / "link").symlink_to(tmp_path)

    def listed(owner: str) -> str:
        text = script_text("files_list.sh", {"base": str(tmp_path), "owner": owner})
        return subprocess.run(["sh", "-c", text], capture_output=True, text=True, check=True, timeout=30).stdout

    assert listed(OWNER) == f"folder={OWNER}/docker-1/a b\nfolder={OWNER}/docker-1/nginx\ndone=1\n"
    assert listed("0" * 16) == "done=1\n"
