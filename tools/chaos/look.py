"""What is on the hosts, beside what the stack's state has: of others, who must not notice us, and of nobody, which must not be.

Out of scope: whether the planned containers do what they must; `ipvlan status` and `verify` say that.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ipvlan import PROJECT
from lab.harness import HOSTS, ROOT, Lab, Stack
from tools.chaos.site import OTHERS_NAME

AGENT: Final = (Path(__file__).parent / "host_look.py").read_text(encoding="utf-8")
BUILT_IN: Final = {"bridge", "host", "none"}
"""The networks that every Docker has."""
OUR_PROGRAMS: Final = ("provider/__main__.py", "provider.going_back", "bin/ipvlan")
HostLook = dict[str, Any]
"""What `host_look.py` prints."""


@dataclass(frozen=True, slots=True)
class State:
    """The stack's state, as the backend's file has it: `pulumi` would take a second for each look."""

    ids: frozenset[str]
    """Docker's ids of all that is the stack's own."""
    pending: tuple[str, ...]
    """URNs of operations that a killed run has begun."""
    locks: tuple[str, ...]
    """Names of lock files of the backend."""


def read_state(stack: Stack) -> State:
    """Return the stack's state."""
    folder = ROOT / ".lab" / stack.lab.name / "backend" / ".pulumi"
    text = (folder / "stacks" / PROJECT / f"{stack.name}.json").read_text(encoding="utf-8")
    latest = json.loads(text)["checkpoint"].get("latest") or {}
    ids = set()
    for one in latest.get("resources") or ():
        ids.add(one.get("id", ""))
        ids.update(value for value in (one.get("outputs") or {}).values() if isinstance(value, str))
    return State(
        frozenset(ids - {""}),
        tuple(one["resource"]["urn"] for one in latest.get("pending_operations") or ()),
        tuple(sorted(path.name for path in (folder / "locks").rglob("*.json") if stack.name in str(path))),
    )


def look(lab: Lab) -> dict[str, HostLook]:
    """Return host -> what is there."""

    def one(host: str) -> HostLook:
        found: HostLook = json.loads(lab.run("ssh", host, "python3 -", stdin=AGENT, timeout=90).stdout)
        return found

    with ThreadPoolExecutor() as pool:
        return dict(zip(HOSTS, pool.map(one, HOSTS), strict=True))


def others(found: HostLook, *names: str) -> dict[str, Any]:
    """Return what others have on a host: their containers, networks and volumes; `names` are further containers of theirs."""
    return {
        **{
            f"container {id_} {one['name']}": {key: one[key] for key in one if key != "name"}
            for id_, one in found["containers"].items()
            if one["name"] in (OTHERS_NAME, *names)
        },
        **{f"network {id_}": one for id_, one in found["networks"].items() if one["name"].startswith("shop")},
        **{f"volume {name}": files for name, files in found["volumes"].items() if name.startswith("shop")},
    }


def ids_of_others(found: HostLook, *names: str) -> set[str]:
    """Return what identifies it, whatever has happened to the host."""
    return set(others(found, *names))


def changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """Return a line for each thing of others that is not as before."""
    lines = [f"{thing} is gone" for thing in before.keys() - after.keys()]
    lines += [
        f"{thing}: {key}: {old[key]} -> {new.get(key)}"
        for thing in sorted(before.keys() & after.keys())
        for old, new in [(before[thing], after[thing])]
        for key in old
        if old[key] != new.get(key)
    ]
    return lines


def orphans(
    host: str, found: HostLook, state: State, planned_volumes: Iterable[str], files: Iterable[str]
) -> list[str]:
    """Return a line for each thing on a host that is neither the stack's own nor of others.

    Args:
        host: Its name.
        found: What is there.
        state: The stack's state.
        planned_volumes: Names of the stack's volumes.
        files: The paths that are below our folder when all is as planned.
    """
    lines = [
        f"{host}: container {one['name']} ({id_[:12]}, {one['status']})"
        for id_, one in found["containers"].items()
        if id_ not in state.ids and one["name"] != OTHERS_NAME
    ]
    lines += [
        f"{host}: network {one['name']} ({id_[:12]})"
        for id_, one in found["networks"].items()
        if id_ not in state.ids and one["name"] not in BUILT_IN and not one["name"].startswith("shop")
    ]
    lines += [
        f"{host}: volume {name}"
        for name in found["volumes"]
        if name not in set(planned_volumes) and not name.startswith("shop")
    ]
    lines += [f"{host}: {path} below /var/lib/ipvlan-fabric" for path in sorted(set(found["files"]) - set(files))]
    lines += [f"{host}: {path} is missing below /var/lib/ipvlan-fabric" for path in set(files) - set(found["files"])]
    lines += [f"{host}: lock held: {line}" for line in found["locks"]]
    return lines


def left_processes(lab: Lab) -> list[str]:
    """Return the command line of our own processes in the client whose parent has ended.

    Pulumi's own, its language host and the other plugins, notice the death of the engine by themselves: it took them minutes.
    """
    namespace = f"ipvlan-lab-{lab.name}-client"
    listed = subprocess.run(
        ["ip", "netns", "pids", namespace], capture_output=True, text=True, errors="replace", timeout=20, check=True
    )
    lines = []
    for pid in listed.stdout.split():
        with suppress(FileNotFoundError, ProcessLookupError):
            line = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            # proc(5): pid (name) state parent
            parent = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1]
            if parent == "1" and any(part in line for part in OUR_PROGRAMS):
                lines.append(line)
    return lines
