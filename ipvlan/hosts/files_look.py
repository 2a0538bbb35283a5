"""The files of a stack's containers on one host, in a visit that looks at the rest of it too (docs/decisions/0033-files.md).

They are root's. Where the ssh user is neither root nor may use sudo, they are not read: no helper container is made for a look.

Out of scope: what is compared with what (`ipvlan.checks.file_drift`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ipvlan.hosts.errors import HostError, HostUnreachableError
from ipvlan.hosts.files import BASE, FilesFolder, FoundFiles
from ipvlan.hosts.root_shell import root_without_helper
from ipvlan.hosts.script import read_output, script_text
from ipvlan.hosts.snapshot import LiveFiles
from ipvlan.plan.ownership import owner_label

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipvlan.hosts.session import HostSession
    from ipvlan.hosts.snapshot import HostSnapshot
    from ipvlan.plan.ownership import Ownership

_NONE: Final = FoundFiles(staged={}, live={}, held={}, unplanned=(), refused="", pending=False)
"""What a host without the folder has."""


def with_files(
    session: HostSession, live: HostSnapshot, owned: Callable[[], Ownership], *, planned: bool, timeout: float
) -> HostSnapshot:
    """Return the snapshot with the files of the stack's containers on the host, where it may have some.

    Args:
        session: The host.
        live: Its state.
        owned: Returns what the stack owns; called only where the host may have files.
        planned: Whether a container of the host has files in the plan.
        timeout: Seconds for the list of folders.

    Raises:
        HostUnreachableError: The host does not answer.
    """
    if not (planned or live.has_files):
        return live
    ownership = owned()
    if not ownership.owner:
        # The state has no file.
        return live
    recorded = {
        owner_label(ownership.owner, place.host, place.service): files.files
        for place, files in ownership.files.items()
        if place.host == session.name
    }
    if not live.has_files:
        return replace(live, files=LiveFiles(root=True, found=dict.fromkeys(recorded, _NONE)))
    run = root_without_helper(session, root=live.root)
    if run is None:
        return replace(live, files=LiveFiles(root=False))
    found: dict[str, FoundFiles] = {}
    failures: dict[str, HostError] = {}
    for label, files in recorded.items():
        try:
            found[label] = FilesFolder(host=session.name, label=label, run=run).read(files)
        except HostUnreachableError:
            raise
        except HostError as error:
            failures[label] = error
    listing = read_output(run(script_text("files_list.sh", {"base": BASE, "owner": ownership.owner}), timeout))
    folders = frozenset(listing.lines("folder"))
    return replace(live, files=LiveFiles(root=True, found=found, failures=failures, folders=folders))
