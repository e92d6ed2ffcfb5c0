"""What an idle tree of 1000 services does: how often it wakes, and what that costs."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.harness import VALUE, Figure
from benchmarks.world import (
    C,
    World,
    end_all,
    services_of,
    status_of,
    tree,
    wait_for_daemons,
    wait_for_helpers,
    without_daemons,
)

SERVICES = 1000
SECONDS_TO_SETTLE = 2.0
SECONDS = 6.0
"""Longer than the time between two scans of C's svscan."""


def measure(world: World) -> list[Figure]:
    scan = world.scan_directory(SERVICES)
    wakes, spent = observe(world, world.ours / "svscan", scan)
    wakes_of_c, spent_of_c = observe(world, C / "svscan", scan)
    when = f"in {SECONDS:.0f} s idle"
    return [
        Figure(f"wake-ups {when}", "times", [wakes], [wakes_of_c], kind=VALUE, at_most=0),
        Figure(f"processor time {when}", "ms", [spent], [spent_of_c], kind=VALUE, at_most=0),
    ]


def observe(world: World, svscan: Path, scan: Path) -> tuple[float, float]:
    """Let it idle; return how often its processes woke, and the milliseconds they ran."""
    pid = world.start(svscan, scan)
    wait_for_daemons(services_of(scan))
    wait_for_helpers(pid)
    time.sleep(SECONDS_TO_SETTLE)
    pids = without_daemons(tree(pid))
    before = activity(pids)
    time.sleep(SECONDS)
    after = activity(pids)
    end_all()
    return after[0] - before[0], after[1] - before[1]


def activity(pids: list[int]) -> tuple[int, float]:
    """Return the context switches of all processes together, and their processor time in ms."""
    switches, ran = 0, 0
    for pid in pids:
        status = status_of(pid)
        switches += int(status["voluntary_ctxt_switches"])
        switches += int(status["nonvoluntary_ctxt_switches"])
        ran += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    return switches, ran / 1e6
