"""Memory of what supervises 1000 services, the daemons themselves excluded.

Once without logs, and once with a log each: then what counts is svscan, and the log hosts of
ours or the supervise and multilog processes of C's.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from benchmarks.harness import Figure, alternate
from benchmarks.world import (
    RUN,
    C,
    World,
    end_all,
    make_service,
    services_of,
    status_of,
    tree,
    wait_for_daemons,
    wait_for_helpers,
    wait_until,
    without_daemons,
)

SERVICES = 1000
ROUNDS = 3
KERNEL_KB = 16
"""What the kernel itself holds for a process: its stack alone is as much."""


def kilobytes(pid: int) -> int:
    """Return the memory of a process: its share of pages (PSS), page tables, kernel stack."""
    shares = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    pss = next(int(line.split()[1]) for line in shares if line.startswith("Pss:"))
    return pss + int(status_of(pid)["VmPTE"].split()[0]) + KERNEL_KB


def megabytes(pids: list[int]) -> float:
    """Return the memory of processes in MB."""
    return sum(map(kilobytes, pids)) * 1024 / 1e6


def measure(world: World) -> list[Figure]:
    scan = world.scan_directory(SERVICES)

    def of(commands: Path) -> float:
        return used_by(world, commands, scan)

    def with_logs(commands: Path) -> float:
        scan = world.scan_directory(SERVICES, RUN.replace("exec", "echo Hello.\nexec"))
        for service in services_of(scan):
            make_service(service / "log", f"#!/bin/sh\nexec {commands}/multilog t ./main\n")
        return used_by(world, commands, scan)

    figures = []
    for what, measured, promised in (("", of, 1 / 6), (" with logs", with_logs, 1 / 10)):
        both = partial(measured, world.ours), partial(measured, C)
        ours, theirs = alternate(ROUNDS, *both, warm_up=0)
        name = f"memory of {SERVICES} services{what}"
        figures.append(Figure(name, "MB", ours, theirs, at_most=promised))
    return figures


def used_by(world: World, commands: Path, scan: Path) -> float:
    """Return the memory that it takes to supervise a scan directory, in MB."""
    pid = world.start(commands / "svscan", scan)
    wait_for_daemons(services_of(scan))
    logs = [log / "main/current" for log in scan.glob("*/log")]
    wait_until(lambda: all(log.exists() and log.stat().st_size for log in logs))
    wait_for_helpers(pid)
    used = megabytes(without_daemons(tree(pid)))
    end_all()
    return used
