"""1000 services below runsvdir, ours beside runit's: starts, memory, a new service, rest.

Those of ours are under one process, those of runit's under one each.
"""

from __future__ import annotations

import os
import time

from benchmarks.arrival import Arrivals
from benchmarks.harness import VALUE, Figure, alternate
from benchmarks.idle import activity
from benchmarks.memory import megabytes
from benchmarks.world import (
    C,
    World,
    end_all,
    forget_boot,
    services_of,
    tree,
    wait_for_daemons,
    wait_for_helpers,
    wait_until_calm,
    without_daemons,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

SERVICES = 1000
ROUNDS = 3
ARRIVALS = 10
ARRIVALS_OF_RUNIT = 2
"""runit's takes no more than 1000 in all."""

SECONDS_TO_SETTLE = 2.0
SECONDS_AT_REST = 6.0
RUNIT = "runit"


class Side:
    """1000 services of one side, on a directory as after a boot, and what was seen of them."""

    def __init__(self, world: World, commands: Path) -> None:
        self._world = world
        self._commands = commands
        self._scan = world.scan_directory(SERVICES - ARRIVALS_OF_RUNIT)
        self.used: list[float] = []

    def begin(self) -> tuple[int, float]:
        """Start runsvdir; return its pid, and the seconds until all daemons run."""
        forget_boot(self._scan)
        wait_until_calm()
        path = os.environ["PATH"]
        os.environ["PATH"] = f"{self._commands}:{path}"
        try:
            began = time.monotonic()
            pid = self._world.start(self._commands / "runsvdir", self._scan)
        finally:
            os.environ["PATH"] = path
        wait_for_daemons(services_of(self._scan))
        return pid, time.monotonic() - began

    def start(self) -> float:
        """Start all, see how much memory that takes, and end; return the seconds of the start."""
        pid, seconds = self.begin()
        if not self.is_runit:
            wait_for_helpers(pid)
        self.used.append(megabytes(without_daemons(tree(pid))))
        end_all()
        return seconds

    @property
    def is_runit(self) -> bool:
        return self._commands == C

    def arrivals_and_rest(self, rounds: int) -> tuple[list[float], float]:
        """Return how long new services wait, in ms, and how often anything wakes at rest."""
        pid, _ = self.begin()
        if not self.is_runit:
            wait_for_helpers(pid)
        time.sleep(SECONDS_TO_SETTLE)
        pids = without_daemons(tree(pid))
        before = activity(pids)
        time.sleep(SECONDS_AT_REST)
        wakes = activity(pids)[0] - before[0]
        arrivals = Arrivals(self._world, self._scan)
        waited = [arrivals.linked() for _ in range(rounds)]
        end_all()
        return waited, wakes


def measure(world: World) -> list[Figure]:
    mine, theirs = Side(world, world.ours), Side(world, C)
    started, started_by_runit = alternate(ROUNDS, mine.start, theirs.start)
    waited_for_runit, wakes_of_runit = theirs.arrivals_and_rest(ARRIVALS_OF_RUNIT)
    waited, wakes = mine.arrivals_and_rest(ARRIVALS)
    what = f"runsvdir, {SERVICES} services"
    rest = f"{what}: wake-ups in {SECONDS_AT_REST:.0f} s idle"
    return [
        Figure(f"{what}: start", "s", started, started_by_runit, at_most=1, rival=RUNIT),
        Figure(
            f"{what}: memory",
            "MB",
            mine.used[-ROUNDS:],
            theirs.used[-ROUNDS:],
            at_most=1 / 8,
            rival=RUNIT,
        ),
        Figure(
            f"{what}: a new one", "ms", waited, waited_for_runit, VALUE, at_most=50, rival=RUNIT
        ),
        Figure(rest, "times", [wakes], [wakes_of_runit], VALUE, at_most=0, rival=RUNIT),
    ]
