"""2000 services that die at once, again and again: what that costs, and whom it keeps waiting.

C's svscan takes no more than 1000 services, so several run side by side. A supervisor for each
service is asked at once if the machine is just free, and after seconds if it is not, as luck has
it: so the mean of what a restart takes is compared, not the median. What takes less than
``UNNOTICED`` counts as that.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from functools import partial
from pathlib import Path
from statistics import fmean

from benchmarks.harness import Figure
from benchmarks.world import (
    STATUS,
    C,
    World,
    daemon_pid,
    end_all,
    make_service,
    run,
    services_of,
    wait_until,
)

SERVICES = 2000
MOST_OF_C = 900
DIES = "#!/bin/false\n"
ROUNDS = 2
SECONDS = 16.0
"""From the start on, until each service has been begun and the restarts are through."""

UNNOTICED = 100.0
"""Milliseconds of waiting that nobody minds."""

GOOD = 20
"""Services that work. Each is restarted once: twice within a second is never done."""


def measure(world: World) -> list[Figure]:
    spent: list[float] = []
    spent_of_c: list[float] = []
    waited: list[float] = []
    waited_of_c: list[float] = []
    for _ in range(ROUNDS):
        for program, costs, waits in (
            (world.ours / "svscan", spent, waited),
            (C / "svscan", spent_of_c, waited_of_c),
        ):
            cost, waiting = rage(world, program, MOST_OF_C if program.parent == C else SERVICES)
            costs.append(cost)
            waits += waiting
    what = f"{SERVICES} services that die at once"
    name = f"processor time of {what}, {SECONDS:.0f} s"
    return [
        Figure(name, "s", spent, spent_of_c, at_most=1),
        Figure(
            f"svc -t of another beside {what}, mean",
            "ms",
            [fmean(waited)],
            [fmean(waited_of_c)],
            at_most=1,
        ),
    ]


def rage(world: World, svscan: Path, most: int) -> tuple[float, list[float]]:
    """Let a storm rage with ``most`` services for each svscan.

    Returns the seconds of processor time that all together took, and how many milliseconds
    the restart of each service that works took.
    """
    before = processor_time()
    good = [world.root / f"good{time.monotonic_ns()}-{number}" for number in range(GOOD)]
    scans = [world.scan_directory(len(part), DIES) for part in split(SERVICES, most)]
    for service in good:
        make_service(service)
        (scans[0] / service.name).symlink_to(service)
    began = time.monotonic()
    groups = [world.start("/usr/bin/setsid", svscan, scan) for scan in scans]
    wait_until(lambda: all(map(daemon_pid, good)))
    storming = [service for scan in scans for service in services_of(scan)]
    wait_until(lambda: all((service / STATUS).exists() for service in storming), pause=0.1)
    risen = time.monotonic()
    waits = []
    for number, service in enumerate(good):
        due = risen + max(0.0, began + SECONDS - risen) * number / GOOD
        time.sleep(max(0.0, due - time.monotonic()))
        waits.append(max(restart(service), UNNOTICED))
    time.sleep(max(0.0, began + SECONDS - time.monotonic()))
    for group in groups:
        os.killpg(group, signal.SIGKILL)  # all of C's at once, or it would rage on meanwhile
    end_all()
    return processor_time() - before, waits


def split(number: int, most: int) -> list[range]:
    """Split so many into parts of at most ``most``."""
    return [range(number)[at : at + most] for at in range(0, number, most)]


def restart(service: Path) -> float:
    """Tell a service to end; return the milliseconds until it runs again."""
    pid = daemon_pid(service)
    began = time.monotonic()
    run([C / "svc", "-t", service])
    wait_until(partial(is_new, service, pid), pause=0.001)
    return (time.monotonic() - began) * 1000


def is_new(service: Path, old: int) -> bool:
    return daemon_pid(service) not in (0, old)


def processor_time() -> float:
    """Return the seconds that children took which have ended, and theirs."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
