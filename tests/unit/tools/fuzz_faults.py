"""Steps with a fault each, which the fuzzer must find."""

from __future__ import annotations

import time

from ipvlan.config.types.ports import parse_ports
from tools.fuzz.steps import Tried


def escapes(_: Tried) -> None:
    """Raise what is no UserError, in our code."""
    parse_ports([None])


def computes(_: Tried) -> None:
    """Take the processor."""
    while True:
        sum(range(1000))


def is_slow(_: Tried) -> None:
    """Take longer than the limit of the test, and end."""
    end = time.process_time() + 0.1
    while time.process_time() < end:
        pass


def takes_memory(_: Tried) -> None:
    """Take more memory than the limit of the test, and give it back."""
    bytearray(60 * 1024 * 1024)


HANGS = (computes,)
