"""What tests of single parts share: an event loop on a clock that they set."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from helpers.clock import Clock

from slashservice.supervise.platform.loop import Loop


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(clock: Clock) -> Iterator[Loop]:
    """A loop whose signal handling ends with the test."""
    caught = (signal.SIGCHLD, signal.SIGUSR1, signal.SIGUSR2)
    before = {number: signal.getsignal(number) for number in caught}
    wakeup = signal.set_wakeup_fd(-1)
    made = Loop(clock)
    yield made
    signal.set_wakeup_fd(wakeup)
    for number, handler in before.items():
        signal.signal(number, handler)
    made._selector.close()
    os.close(made._woken)
    os.close(made._wake)
