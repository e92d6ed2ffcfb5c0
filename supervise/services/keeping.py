"""Leaving the services to a ``runsvdir --keep``, without a moment in which clients find nobody.

runsvdir ends at once at TERM. Its services are to be supervised all the same: stage 3 of runit-init
stops them with ``sv`` when runsvdir is gone. So a child of it holds the FIFOs open, and lets go of
the locks, until the new process has taken all services. What clients write meanwhile waits in
the FIFOs.
"""

from __future__ import annotations

import os
import select
import time

from slashservice.supervise import signals
from slashservice.supervise.chain import launchers, pathexec
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.services.heritage import Heritage


KEEP = b"--keep="
"""Behind it is the number of a descriptor, which the new process closes when it has all."""

SECONDS_TO_TAKE = 60.0

SECONDS_TO_LOCK = 1.0
"""A lock that is still held at the first try is had by then."""


def leave(heritage: Heritage, path: bytes, fifos: set[int]) -> None:
    """Have another process keep the services of ``path``, once we have ended.

    ``fifos`` are those of all services. Raises ``OSError``.
    """
    before = signals.pthread_sigmask(signals.SIG_BLOCK, signals.EVERY)
    try:
        if os.fork() == 0:
            _hold(heritage, path, fifos)
    finally:
        signals.pthread_sigmask(signals.SIG_SETMASK, before)


def _hold(heritage: Heritage, path: bytes, fifos: set[int]) -> None:
    try:
        reader, writer = os.pipe()
        heritage.let_go({reader, writer, *fifos})
        if heritage.descriptor_limit:
            posix.set_descriptor_limit(*heritage.descriptor_limit)
        words = [*launchers.command("runsvdir"), KEEP + b"%d" % writer, path]
        os.set_inheritable(writer, True)
        os.posix_spawn(
            words[0],
            words,
            pathexec.Entries(heritage.environment),  # type: ignore[arg-type]
            setsid=system.SPAWNS_SESSIONS,
            setsigmask=heritage.mask,
            setsigdef=signals.IGNORED_BY_PYTHON,
        )
        os.close(writer)
        select.select([reader], [], [], SECONDS_TO_TAKE)
        time.sleep(SECONDS_TO_LOCK)
    finally:
        os._exit(0)
