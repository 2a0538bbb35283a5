"""Time and memory of the plan alone: from mappings to every address, each size in a process of its own.

Usage: python -m bench.plan. Exit status 1 when a size exceeds its limits.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from bench.project import many_hosts

SIZES = ((100, 10, 0.3, 300), (500, 20, 2.0, 300))
"""Hosts, containers on each, limit of seconds, limit of MB."""
RUNS = 5


def config(hosts: int, services: int) -> dict[str, Any]:
    """Return the config of a stack of that size; every service runs on every host."""
    return {
        "fabric": {"name": "ipvlanl2", "mode": "l3", "subnet": "10.0.0.0/8"},
        "hosts": many_hosts(hosts),
        "services": {
            f"service-{number}": {
                "image": "registry/service@sha256:" + "0" * 64,
                "offset": number + 1,
                "ports": [f"{8000 + number}:80"],
                "published": True,
            }
            for number in range(services)
        },
    }


def measure(hosts: int, services: int) -> dict[str, float]:
    """Plan a stack of that size; return its containers, the median of the seconds, and the process's peak in MB."""
    from ipvlan.plan.make import make_plan  # noqa: PLC0415
    from ipvlan.plan.validate import parse  # noqa: PLC0415  # in the measured process alone

    raw = config(hosts, services)
    seconds = []
    for _ in range(RUNS):
        begin = time.perf_counter()
        plan = make_plan(parse(raw))
        count = sum(len(addresses) for addresses in plan.addresses.values())
        seconds.append(time.perf_counter() - begin)
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"containers": count, "seconds": statistics.median(seconds), "megabytes": megabytes}


def main() -> int:
    """Print the table; return 0 when every size is within its limits."""
    if len(sys.argv) > 1:
        sys.stdout.write(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
        return 0
    missed = 0
    sys.stdout.write("hosts  containers  seconds (limit)   MB (limit)\n")
    for hosts, services, most_seconds, most_megabytes in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "bench.plan", str(hosts), str(services)],
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        measured = json.loads(done.stdout)
        missed += measured["seconds"] > most_seconds or measured["megabytes"] > most_megabytes
        sys.stdout.write(
            f"{hosts:5}  {measured['containers']:10}  {measured['seconds']:7.3f} ({most_seconds})  "
            f"{measured['megabytes']:6.0f} ({most_megabytes})\n"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
