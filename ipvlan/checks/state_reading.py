"""When the state of a stack is read: in the background, while the hosts are, or when a doubt comes up.

Out of scope: what is in it (`ipvlan.checks.stack_state`).
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from ipvlan.checks.stack_state import STATE_SECONDS, StackState, StackStateError, read_stack_state
from ipvlan.config.stack_names import short_name
from ipvlan.plan.ownership import Labelled, Ownership, by_labels


class StateReading:
    """A state that is read in the background, while the hosts are."""

    def __init__(self, stack: str, folder: Path, timeout: float = STATE_SECONDS) -> None:
        """Begin to read; the arguments are those of `read_stack_state`."""
        self._stack = stack
        pool = ThreadPoolExecutor(max_workers=1)
        self._state: Future[StackState] = pool.submit(read_stack_state, stack, folder, timeout)
        # The pool ends with the state.
        pool.shutdown(wait=False)

    def state(self) -> StackState:
        """Wait for the state, and return it. Raises StackStateError."""
        return self._state.result()

    def ownership(self) -> Ownership:
        """Wait for the state, and return what the stack owns. Raises StackStateError."""
        return self._state.result().ownership

    def owned(self) -> Ownership:
        """Wait for the state, and return what the stack owns; where it cannot be read, what the labels say."""
        try:
            return self.ownership()
        except StackStateError:
            return by_labels(short_name(self._stack))

    def failure(self) -> str:
        """Wait for the state, and return why it cannot be read; empty when it was."""
        error = self._state.exception()
        if error is None:
            return ""
        if not isinstance(error, StackStateError):
            raise error
        return error.problems[0].problem


class OwnershipInDoubt:
    """What a stack owns, read when it is first asked for: most runs have no doubt whose a container is. For several threads."""

    def __init__(self, stack: str, folder: Path, failed: Callable[[str], None]) -> None:
        """Read nothing yet; `failed` gets the reason where the state cannot be read, and the labels decide."""
        self._stack = stack
        self._folder = folder
        self._failed = failed
        self._lock = Lock()
        self._ownership: Ownership | None = None

    def owns(self, item: Labelled) -> bool:
        """Return whether the container or network is the stack's."""
        return self.ownership().owns(item)

    def ownership(self) -> Ownership:
        """Return what the stack owns; where its state cannot be read, what the labels say."""
        with self._lock:
            if self._ownership is None:
                try:
                    self._ownership = read_stack_state(self._stack, self._folder).ownership
                except StackStateError as error:
                    self._failed(error.problems[0].problem)
                    self._ownership = by_labels(short_name(self._stack))
            return self._ownership
