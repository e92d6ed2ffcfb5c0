"""``supervise DIR``: keep one service alive.

TERM brings the service down and ends supervision, QUIT ends it at once and leaves the
daemon running, to be adopted by the next supervisor. Exit status 0 then; 111 if the
directory can't be supervised, 100 for wrong usage.
"""

from __future__ import annotations

import os
import time

from slashservice.supervise import signal_numbers
from slashservice.supervise.chain import environment
from slashservice.supervise.messages import TROUBLE, Quit, fatal, usage
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.protocol import record
from slashservice.supervise.services import processes
from slashservice.supervise.services.directory import Refused
from slashservice.supervise.services.supervised import Supervised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


SECONDS_OF_PATIENCE = 1.0
"""A killed supervisor's last child may hold the lock until it has become the daemon."""


def main(argv: Sequence[bytes]) -> int:
    """Supervise the directory named by the one argument."""
    if len(argv) != 1:
        raise usage("supervise", "supervise dir")
    name = argv[0]
    processes.reserve_standard_descriptors()
    loop = Loop()
    heritage = processes.Heritage(environment.inherited(), record.life(), loop.mask)
    try:
        os.chdir(name)
        path = os.getcwdb()
    except OSError as error:
        raise fatal("supervise", b"unable to chdir to " + name, error) from None
    supervised = Supervised(loop, heritage, path, name, {}, loop.stop)
    loop.on_signal(signal_numbers.SIGTERM, supervised.drain)
    loop.on_signal(signal_numbers.SIGHUP, lambda: None)
    loop.on_signal(signal_numbers.SIGQUIT, loop.stop)
    acquire(loop, supervised)()
    loop.run()
    return 0


def acquire(loop: Loop, supervised: Supervised) -> Callable[[], None]:
    """Take the directory, waiting a moment if its lock is held; return how to begin."""
    limit = posix.descriptor_limit()
    deadline = loop.clock() + SECONDS_OF_PATIENCE
    while True:
        try:
            return supervised.acquire(limit)
        except Refused as refused:
            if not refused.busy or loop.clock() > deadline:
                raise Quit(TROUBLE, refused.line) from None
            time.sleep(0.01)
