"""How long a new service directory waits until its daemon runs."""

from __future__ import annotations

import os
import time
from functools import partial
from pathlib import Path

from benchmarks.harness import VALUE, Figure
from benchmarks.world import C, World, daemon_pid, end_all, make_service, wait_until

ROUNDS = 25
ROUNDS_OF_C = 2
"""C looks every five seconds, and each of these comes just after it looked."""

OTHER_SERVICES = 20
MILLISECONDS_PROMISED = 50


class Arrivals:
    """Services that arrive in the scan directory ``scan``, under new names each time."""

    def __init__(self, world: World, scan: Path) -> None:
        self._elsewhere = world.scan_directory()
        self._scan = scan
        self._count = 0

    def renamed(self) -> float:
        made, place = self._new()
        make_service(made)
        began = time.monotonic()
        made.rename(place)
        return waited(place, began)

    def linked(self) -> float:
        made, place = self._new()
        make_service(made)
        began = time.monotonic()
        place.symlink_to(made)
        return waited(place, began)

    def made_in_place(self) -> float:
        _, place = self._new()
        began = time.monotonic()
        make_service(place)
        return waited(place, began)

    def _new(self) -> tuple[Path, Path]:
        self._count += 1
        name = f"new{self._count}"
        return self._elsewhere / name, self._scan / name


def waited(service: Path, began: float) -> float:
    """Wait until the daemon runs; return the milliseconds since ``began``."""
    wait_until(partial(daemon_pid, service), pause=0.0005)
    return (time.monotonic() - began) * 1000


def measure(world: World) -> list[Figure]:
    theirs = begin(world, C / "svscan")
    samples_of_c = [theirs.renamed() for _ in range(ROUNDS_OF_C)]
    end_all()
    ours = begin(world, world.ours / "svscan")
    figures = []
    for how in (ours.renamed, ours.linked, ours.made_in_place):
        name = "new service, " + how.__name__.replace("_", " ")
        samples = [how() for _ in range(ROUNDS)]
        figures.append(
            Figure(name, "ms", samples, samples_of_c, kind=VALUE, at_most=MILLISECONDS_PROMISED)
        )
    return figures


def begin(world: World, svscan: Path) -> Arrivals:
    """Scan a directory that has some services already; return what lets others arrive."""
    scan = world.scan_directory(OTHER_SERVICES)
    world.start(svscan, scan)
    wait_until(lambda: all(daemon_pid(Path(entry)) for entry in os.scandir(scan) if visible(entry)))
    return Arrivals(world, scan)


def visible(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".")
