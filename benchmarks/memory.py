"""Memory of what supervises 1000 services, the daemons themselves excluded."""

from __future__ import annotations

from pathlib import Path

from benchmarks.harness import Figure, alternate
from benchmarks.world import (
    C,
    World,
    end_all,
    services_of,
    status_of,
    tree,
    wait_for_daemons,
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

    def of(svscan: Path) -> float:
        pid = world.start(svscan, scan)
        wait_for_daemons(services_of(scan))
        used = megabytes(without_daemons(tree(pid)))
        end_all()
        return used

    ours, theirs = alternate(
        ROUNDS, lambda: of(world.ours / "svscan"), lambda: of(C / "svscan"), warm_up=0
    )
    return [Figure(f"memory of {SERVICES} services", "MB", ours, theirs, at_most=1 / 6)]
