"""How long a signal takes from the start of ``svc`` to the daemon.

The same ``svc``, C's, steers a service under our svscan and one under C supervise in turn.
The daemon waits for the signal and tells when it came.
"""

from __future__ import annotations

import os
import select
import time
from pathlib import Path

from benchmarks.harness import DIFFERENCE, Figure, alternate
from benchmarks.world import PATIENCE, C, World, daemon_pid, make_service, run, wait_until
from slashservice.supervise.chain import launchers

ROUNDS = 150
ROUNDS_AFTER_A_START = 5
MILLISECONDS_PROMISED = 1
OTHER_SERVICES = 20

DAEMON = """\
import os, signal, sys, time
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])
report = os.open(sys.argv[1], os.O_WRONLY)
os.write(report, b"0\\n")
while signal.sigwait([signal.SIGHUP]):
    os.write(report, b"%d\\n" % time.monotonic_ns())
"""


class Listener:
    """A service whose daemon tells when it is ready, and when it got a signal."""

    def __init__(self, world: World, service: Path) -> None:
        self.service = service
        program = world.root / "listen.py"
        program.write_text(DAEMON)
        fifo = world.root / f"report-{service.parent.name}"
        os.mkfifo(fifo)
        self._report = os.open(fifo, os.O_RDWR)
        self._python = launchers.interpreter()
        make_service(service, f"#!/bin/sh\nexec {self._python} -I -S {program} {fifo}\n")

    def said(self) -> int:
        """Return the next moment the daemon reports, in nanoseconds; 0 when it gets ready."""
        if not select.select([self._report], [], [], PATIENCE)[0]:
            raise TimeoutError(f"the daemon of {self.service} says nothing")
        return int(os.read(self._report, 64))

    def signal(self) -> float:
        """Send a signal with ``svc``; return the milliseconds until it came."""
        began = time.monotonic_ns()
        run([C / "svc", "-h", self.service])
        return (self.said() - began) / 1e6

    def signal_after_start(self) -> float:
        """Do the same just after a start, which is brought about by a kill."""
        name = os.path.basename(os.path.realpath(self._python))
        time.sleep(1.1)  # no sooner than a second after a start is the next
        os.kill(wait_until(lambda: daemon_pid(self.service, name)), 9)
        assert self.said() == 0
        return self.signal()


def measure(world: World) -> list[Figure]:
    listeners = []
    for svscan in (world.ours / "svscan", C / "svscan"):
        scan = world.scan_directory(OTHER_SERVICES)
        listeners.append(Listener(world, scan / "listener"))
        world.start(svscan, scan)
        listeners[-1].said()
    time.sleep(1.1)  # C is deaf in the first second
    ours, theirs = alternate(ROUNDS, *(one.signal for one in listeners), warm_up=5)
    first, first_of_c = alternate(
        ROUNDS_AFTER_A_START, *(one.signal_after_start for one in listeners), warm_up=0
    )
    return [
        Figure(
            "a signal by C's svc",
            "ms",
            ours,
            theirs,
            kind=DIFFERENCE,
            at_most=MILLISECONDS_PROMISED,
        ),
        Figure("the same just after a start", "ms", first, first_of_c, at_most=0.1),
    ]
