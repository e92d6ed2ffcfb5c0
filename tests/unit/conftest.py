"""What tests of single parts share: a loop on a clock that they set, and what waits for an exec."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator

import pytest
from helpers.clock import Clock
from helpers.loops import event_loop

from slashservice.supervise import platform
from slashservice.supervise.chain.pending import PENDING, Pending
from slashservice.supervise.platform.loop import Loop


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """No handler of a test is there in the next one, nor in a process that it forks."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        if signal.getsignal(number) != handler:
            signal.signal(number, handler)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def loop(clock: Clock) -> Iterator[Loop]:
    """A loop whose signal handling ends with the test."""
    with event_loop(clock) as made:
        yield made


@pytest.fixture
def pending(monkeypatch: pytest.MonkeyPatch) -> Pending:
    """What waits: nothing at first, and afterwards whatever did before."""
    for name, value in vars(Pending()).items():
        monkeypatch.setattr(PENDING, name, value)
    return PENDING


@pytest.fixture
def no_ctypes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let Python be one without ``_ctypes``, as some systems have it."""
    monkeypatch.setitem(sys.modules, "slashservice.supervise.platform.clib", None)
    monkeypatch.delattr(platform, "clib", raising=False)
