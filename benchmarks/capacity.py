"""As many services as descriptors allow, at three each, and the ones beyond.

First 5,000 with a hard limit of 20,000: all start, answer, and stop. Then a limit that is
soon reached: what fits is served, each one beyond gets one clear line, and none suffers.
"""

from __future__ import annotations

import os
import resource
import time
from functools import partial
from pathlib import Path

from benchmarks.harness import VALUE, Figure
from benchmarks.world import (
    LOCK,
    World,
    children,
    daemon_pid,
    run,
    services_of,
    wait_for_daemons,
    wait_until,
)

HARD_LIMIT = 20_000
SERVICES = 5_000
DESCRIPTORS_EACH = 3
SMALL_LIMIT = 400
BEYOND = 5
RESERVED = 45
"""Descriptors that need not be spent on services: standard ones, our own, a reserve."""


def measure(world: World) -> list[Figure]:
    return [*many(world), *too_many(world)]


def many(world: World) -> list[Figure]:
    """Start, run and stop 5,000, or what the machine's own limit allows."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    limit = HARD_LIMIT if os.geteuid() == 0 else min(HARD_LIMIT, allowed)
    count = min(SERVICES, (limit - RESERVED) // DESCRIPTORS_EACH)
    scan = world.scan_directory(count)
    services = services_of(scan)
    errors = world.root / "errors-of-many"
    began = time.monotonic()
    svscan = world.start(world.ours / "svscan", scan, hard_limit=limit, errors=errors)
    wait_for_daemons(services)
    started = time.monotonic()
    silent = sum(run([world.ours / "svok", service]) != 0 for service in services[::100])
    steered = services[-1]
    before = daemon_pid(steered)
    run([world.ours / "svc", "-t", steered])
    wait_until(lambda: daemon_pid(steered) not in (0, before))
    stopping = time.monotonic()
    os.kill(svscan, 15)
    status = os.waitstatus_to_exitcode(os.waitpid(svscan, 0)[1])
    stopped = time.monotonic()
    left = len(children(os.getpid())) + sum(map(bool, map(daemon_pid, services)))
    problems = silent + left + abs(status) + lines(errors)
    return [
        Figure(f"{count:,} services: start", "s", [started - began], kind=VALUE),
        Figure(f"{count:,} services: stop", "s", [stopped - stopping], kind=VALUE),
        Figure(f"{count:,} services: problems", "", [problems], kind=VALUE, at_most=0),
    ]


def too_many(world: World) -> list[Figure]:
    """Have a few more than fit."""
    fit = (SMALL_LIMIT - RESERVED) // DESCRIPTORS_EACH
    scan = world.scan_directory(SMALL_LIMIT // DESCRIPTORS_EACH + BEYOND)
    services = services_of(scan)
    errors = world.root / "errors-of-too-many"
    world.start(world.ours / "svscan", scan, hard_limit=SMALL_LIMIT, errors=errors)
    wait_for_daemons(services[:fit])
    # Who is served and who is refused is settled once the two make up everything.
    wait_until(lambda: sum(map(bool, map(daemon_pid, services))) + lines(errors) >= len(services))
    served = [service for service in services if daemon_pid(service)]
    refused = [service for service in services if service not in served]
    said = errors.read_text()
    unclear = sum(
        said.count(f"unable to acquire {service.name}/{LOCK}: ") != 1 for service in refused
    )
    unserved = 0
    for service in (served[0], served[-1]):
        before = wait_until(partial(daemon_pid, service))
        os.kill(before, 9)
        wait_until(lambda: daemon_pid(service) not in (0, before))  # noqa: B023
        unserved += run([world.ours / "svok", service]) != 0
    return [
        Figure(
            f"descriptors a service ({SMALL_LIMIT} allowed)",
            "",
            [(SMALL_LIMIT - RESERVED) / len(served)],
            kind=VALUE,
            at_most=DESCRIPTORS_EACH,
        ),
        Figure(
            f"{len(refused)} beyond: without a clear line", "", [unclear], kind=VALUE, at_most=0
        ),
        Figure("beside them: no longer served", "", [unserved], kind=VALUE, at_most=0),
    ]


def lines(path: Path) -> int:
    """Return how many lines a file has."""
    return path.read_text().count("\n")
