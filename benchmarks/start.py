"""Time to start 1000 services: until each daemon has really become what it is to be.

Once on directories as they are after a boot, where every file is there already, and once on
fresh ones. The time the processors spent on it is less shaken by what else the machine does:
on a busy one our one process waits for its turn, where C's two thousand each have their own.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.harness import Figure, alternate
from benchmarks.world import (
    C,
    World,
    end_all,
    forget_boot,
    services_of,
    tree,
    wait_for_daemons,
    wait_until_calm,
)

SERVICES = 1000
ROUNDS = 7


def measure(world: World) -> list[Figure]:
    processor: dict[tuple[str, Path], list[float]] = {}

    def start(svscan: Path, scan: Path, when: str) -> float:
        services = services_of(scan)
        wait_until_calm()
        began = time.monotonic()
        pid = world.start(svscan, scan)
        wait_for_daemons(services)
        seconds = time.monotonic() - began
        spent = sum(map(processor_seconds, tree(pid))) + seconds_of_the_dead(pid)
        processor.setdefault((when, svscan), []).append(spent)
        end_all()
        return seconds

    def fresh(svscan: Path) -> float:
        return start(svscan, world.scan_directory(SERVICES), "fresh")

    used = world.scan_directory(SERVICES)

    def again(svscan: Path) -> float:
        if (used / "00000/supervise").exists():
            forget_boot(used)
        return start(svscan, used, "again")

    figures = []
    svscan = world.ours / "svscan", C / "svscan"
    for name, once, when in (
        (f"start of {SERVICES} services, after a boot", again, "again"),
        (f"start of {SERVICES} services, fresh", fresh, "fresh"),
    ):
        ours, theirs = alternate(ROUNDS, lambda: once(svscan[0]), lambda: once(svscan[1]))  # noqa: B023
        figures.append(Figure(name, "s", ours, theirs, at_most=1))
        spent, spent_by_c = (processor[when, each][-ROUNDS:] for each in svscan)
        figures.append(Figure(name + ": processor time", "s", spent, spent_by_c, at_most=1))
    return figures


def processor_seconds(pid: int) -> float:
    """Return the processor time a process has used; 0 if it is no more."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    except (FileNotFoundError, ProcessLookupError):
        return 0.0


def seconds_of_the_dead(pid: int) -> float:
    """Return the processor time that the children of a process had used when they died."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")
