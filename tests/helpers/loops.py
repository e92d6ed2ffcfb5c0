"""An event loop that leaves the process as it was."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from helpers.clock import Clock

from slashservice.supervise.platform.loop import Loop


@contextmanager
def event_loop(clock: Clock) -> Iterator[Loop]:
    """A loop whose signal handling ends with it."""
    caught = (signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2)
    before = {number: signal.getsignal(number) for number in caught}
    wakeup = signal.set_wakeup_fd(-1)
    made = Loop(clock)
    try:
        yield made
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        made._selector.close()
        os.close(made._woken)
        os.close(made._wake)
