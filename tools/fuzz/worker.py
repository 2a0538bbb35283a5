"""One process that runs every Nth input, and prints a JSON line about each. `tools.fuzz.supervisor` starts it.

Usage: python -m tools.fuzz.worker SEED FIRST STEP MODULE:STEPS SECONDS ENDED_AFTER
"""

from __future__ import annotations

import gc
import importlib
import json
import resource
import sys
import tempfile
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Final

from tools.fuzz.corpus import read_corpus
from tools.fuzz.inputs import make_input
from tools.fuzz.measure import Limits, Meter
from tools.fuzz.steps import Step

ADDRESS_SPACE: Final = 4 * 1024**3
"""Bytes: an input that wants more gets a MemoryError before the machine is out of memory."""


def steps_of(name: str) -> Sequence[Step]:
    """Return the steps that `MODULE:NAME` names."""
    module, _, attribute = name.partition(":")
    steps: Sequence[Step] = getattr(importlib.import_module(module), attribute)
    return steps


def main() -> None:
    """Run inputs until nobody reads the lines any more."""
    seed, first, step, steps, seconds, ended_after = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    corpus = read_corpus()
    gc.freeze()
    with tempfile.TemporaryDirectory() as folder:
        limits = Limits(seconds=float(seconds), ended_after=float(ended_after))
        with Meter(Path(folder), steps_of(steps), limits) as meter:
            for number in count(int(first), int(step)):
                result = meter.run(make_input(corpus, seed, number))
                failures = [(failure.signature, failure.details) for failure in result.failures]
                sys.stdout.write(json.dumps({"number": number, "outcome": result.outcome, "failures": failures}) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except BrokenPipeError:
        # The supervisor has enough.
        sys.exit(0)
