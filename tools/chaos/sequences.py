"""A seed makes a sequence: one to four faults, each idle or at a moment within a `pulumi up`, and how they are repaired.

Out of scope: how a fault is made on a host (`tools.chaos.faults`).
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal

from lab.harness import HOSTS

Repair = Literal["heal", "up"]

FIRST, SECOND = HOSTS
SERVICES: Final = {FIRST: ("centos", "nginx", "app"), SECOND: ("centos", "nginx", "store")}
"""Host -> services of the stack (`tools.chaos.site`) there."""
PUBLISHED: Final = "nginx"
EDIT: Final = "edit the config"
EDITS: Final = ("env", "image", "address", "file", "publish", "service", "alias")


HARD: Final = 1001
"""From this seed on every sequence has at least three faults and hits a run of Pulumi."""
LEFT_TO_HEAL: Final = {"disconnect from the fabric", "take an address"}
"""`pulumi up --refresh` does not see them: the docker provider reads a container's addresses and compares none (decision 0015)."""
LEFT_STOPPED: Final = {"kill a container", "stop a container"}
"""Nor does it start a stopped container that has bridges (decision 0032)."""
WITH_BRIDGES: Final = "app"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault, as it is drawn."""

    weight: int
    """How often it is drawn, next to the others: a kind that takes a boot has a small one."""
    target: Literal["service", "published", "fabric", "bridge", "host", "edit", "run"]
    """What it hits: a container, a network, a whole host, the stack file, or the run of Pulumi."""
    moment: Literal["idle", "run", "both"] = "both"
    """Whether it is made before anything runs, within a run of `pulumi up`, or either."""


KINDS: Final = {
    "kill a container": Kind(5, "service"),
    "stop a container": Kind(4, "service"),
    "remove a container": Kind(5, "service"),
    "disconnect from the fabric": Kind(5, "service"),
    "disconnect from Docker's bridge": Kind(4, "published"),
    "disconnect from the backend": Kind(3, "bridge"),
    "remove the fabric's network": Kind(3, "fabric", "idle"),
    "remove the bridge network": Kind(3, "bridge", "idle"),
    "remove the shim": Kind(2, "host", "idle"),
    "restart Docker": Kind(3, "host"),
    "cut the power": Kind(1, "host"),
    "freeze the host": Kind(3, "host"),
    "unplug the host": Kind(3, "host"),
    "end ssh's connections": Kind(3, "host", "run"),
    "fill the disk": Kind(3, "host", "run"),
    "take the registry away": Kind(3, "host", "run"),
    "kill -9 of pulumi": Kind(5, "run", "run"),
    "kill -9 of pulumi and its plugins": Kind(4, "run", "run"),
    "end pulumi by SIGTERM": Kind(2, "run", "run"),
    "set the clock": Kind(3, "host"),
    "take an address": Kind(3, "service", "idle"),
    "take a name": Kind(3, "service", "idle"),
    EDIT: Kind(4, "edit", "idle"),
}
ONCE: Final = (
    {"cut the power", "restart Docker", "fill the disk"},
    {"kill -9 of pulumi", "kill -9 of pulumi and its plugins", "end pulumi by SIGTERM"},
    {"take an address", "take a name"},
    {"freeze the host", "unplug the host", "end ssh's connections"},
)
"""Of each group a sequence has one: they take long, or hide each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault of a sequence."""

    kind: str
    host: str = ""
    """The host; "" where it hits none."""
    target: str = ""
    """The service, or the edit."""
    moment: float | None = None
    """Seconds after the start of the sequence's `pulumi up`; None: before it."""
    amount: int = 0
    """Seconds that it lasts, or by which a clock is set; a number that differs from seed to seed."""

    def __str__(self) -> str:
        """Return a line for people and for the record."""
        what = [self.kind, self.host + (f"/{self.target}" if self.host and self.target else self.target)]
        if self.amount:
            what.append(f"({self.amount})")
        if self.moment is not None:
            what.append(f"at {self.moment} s of an up")
        return " ".join(word for word in what if word)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sequence:
    """What one seed does."""

    seed: int
    faults: tuple[Fault, ...]
    """In their order: the idle ones, then those within the run, by their moments."""
    repair: Repair
    """`ipvlan heal`, or `pulumi up --refresh`."""

    @property
    def idle(self) -> tuple[Fault, ...]:
        """Return the faults that are made while nothing runs."""
        return tuple(fault for fault in self.faults if fault.moment is None)

    @property
    def in_run(self) -> tuple[Fault, ...]:
        """Return the faults that are made within one `pulumi up`."""
        return tuple(fault for fault in self.faults if fault.moment is not None)

    @property
    def heal_after_up(self) -> bool:
        """Return whether some of it is left to `heal` where the repair is `up --refresh`."""
        return self.repair == "up" and any(
            fault.kind in LEFT_TO_HEAL or (fault.kind in LEFT_STOPPED and fault.target == WITH_BRIDGES)
            for fault in self.faults
        )

    def __str__(self) -> str:
        """Return one line for people and for the record."""
        repair = "heal" if self.repair == "heal" else f"up --refresh{' and heal' if self.heal_after_up else ''}"
        return "; ".join([*map(str, self.faults), f"then {repair}"])


def make_sequence(seed: int) -> Sequence:
    """Return the sequence of a seed; always the same one."""
    dice = random.Random(f"chaos {seed}")  # noqa: S311  # no secret depends on it
    count = dice.choices((1, 2, 3, 4), weights=(3, 4, 3, 2))[0]
    # Half of the sequences have a run that is hit; of the others most can be repaired by `heal`.
    hits_a_run = dice.random() < 0.45 or seed >= HARD
    if seed >= HARD:
        count = max(count, 3)
    excluded = set() if hits_a_run else {name for name, kind in KINDS.items() if kind.moment == "run"}
    faults: list[Fault] = []
    while len(faults) < count:
        names = [name for name in KINDS if name not in excluded]
        name = dice.choices(names, weights=[KINDS[name].weight for name in names])[0]
        excluded.update(*(group for group in ONCE if name in group))
        fault = _fault(dice, name, hits_a_run=hits_a_run)
        if fault not in faults:
            faults.append(fault)
    if any(fault.moment is not None for fault in faults) and not any(fault.kind == EDIT for fault in faults):
        # A run that has nothing to do is over before anything hits it.
        pulls = any(fault.kind in {"fill the disk", "take the registry away"} for fault in faults)
        faults.append(Fault(kind=EDIT, target="image" if pulls else dice.choice(EDITS), amount=dice.randrange(1, 1000)))
    heals = dice.random() < 0.7
    # What was changed in the file, and what a killed run left, is Pulumi's to do.
    by_pulumi = any(fault.kind == EDIT for fault in faults)
    faults.sort(key=lambda fault: (fault.moment is not None, fault.moment or 0.0, fault.kind != EDIT))
    return Sequence(seed=seed, faults=tuple(faults), repair="heal" if heals and not by_pulumi else "up")


def _fault(dice: random.Random, name: str, *, hits_a_run: bool) -> Fault:
    kind = KINDS[name]
    host, target, amount = dice.choice(HOSTS), "", 0
    match kind.target:
        case "service":
            target = dice.choice(SERVICES[host])
        case "published":
            target = PUBLISHED
        case "bridge":
            host, target = FIRST, "app"
        case "edit":
            host, target, amount = "", dice.choice(EDITS), dice.randrange(1, 1000)
        case "run":
            host = ""
    if name == "remove the shim":
        host = FIRST
    if name in {"freeze the host", "unplug the host"}:
        amount = dice.choice((3, 8, 25))
    elif name == "set the clock":
        amount = dice.choice((-86400, -3600, -30, 30, 3600, 86400, 34_560_000))
    within = kind.moment == "run" or (kind.moment == "both" and hits_a_run and dice.random() < 0.7)
    moment = round(dice.uniform(1, 16), 1) if within else None
    return Fault(kind=name, host=host, target=target, moment=moment, amount=amount)
