"""Directories made in place, on an injected clock and a kernel that says what we want."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import cast

import pytest

from slashservice.supervise.platform import watch
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services.growth import SECONDS_AT_MOST, SECONDS_OF_QUIET, Growth


class Timers:
    """As much of a loop as it needs."""

    def __init__(self) -> None:
        self.now = 0.0
        self._count = 0
        self._timers: list[tuple[float, int, Callable[[], None]]] = []

    def clock(self) -> float:
        return self.now

    def at(self, when: float, call: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._timers, (when, self._count, call))

    def pass_(self, seconds: float) -> None:
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.now, _, call = heapq.heappop(self._timers)
            call()
        self.now = end


class Kernel:
    """An inotify that watches nothing."""

    def __init__(self) -> None:
        self.watched: dict[int, bytes] = {}
        self._count = 0
        self.full = False

    def add(self, path: bytes, mask: int) -> int:
        if self.full:
            raise OSError("no watch left")
        self._count += 1
        self.watched[self._count] = path
        return self._count

    def remove(self, number: int) -> None:
        del self.watched[number]


class Subject:
    def __init__(self) -> None:
        self.timers = Timers()
        self.kernel = Kernel()
        self.complete: list[bytes] = []
        self.changed: list[bytes] = []
        self.growth = Growth(
            cast(Loop, self.timers),
            cast(watch.Watcher, self.kernel),
            self.complete.append,
            self.changed.append,
        )


@pytest.fixture
def subject() -> Subject:
    return Subject()


HALF = SECONDS_OF_QUIET / 2


def test_quiet_directories_are_complete(subject: Subject) -> None:
    subject.growth.begin(b"/service/a", b"a")
    subject.timers.pass_(HALF)
    subject.growth.begin(b"/service/b", b"b")
    assert subject.complete == []
    subject.timers.pass_(HALF)
    assert subject.complete == [b"a"]
    subject.timers.pass_(HALF)
    assert subject.complete == [b"a", b"b"]
    assert subject.changed == []


def test_what_is_put_in_prolongs_the_wait(subject: Subject) -> None:
    subject.growth.begin(b"/service/a", b"a")
    for _ in range(10):
        subject.timers.pass_(HALF)
        assert subject.growth.saw(1, watch.CREATE)
        assert subject.complete == []
    subject.timers.pass_(SECONDS_OF_QUIET)
    assert subject.complete == [b"a"]


def test_but_not_for_ever(subject: Subject) -> None:
    subject.growth.begin(b"/service/a", b"a")
    while subject.timers.now < SECONDS_AT_MOST:
        assert subject.complete == []
        subject.timers.pass_(HALF)
        subject.growth.saw(1, watch.CLOSE_WRITE)
    subject.timers.pass_(0)
    assert subject.complete == [b"a"]


def test_what_comes_after_is_told_for_a_while(subject: Subject) -> None:
    subject.growth.begin(b"/service/a", b"a")
    subject.timers.pass_(1)
    assert subject.growth.saw(1, watch.CREATE)
    subject.timers.pass_(SECONDS_OF_QUIET)
    assert subject.changed == [b"a"]
    assert subject.growth.saw(1, watch.CREATE)
    assert subject.growth.saw(1, watch.CREATE)
    subject.timers.pass_(SECONDS_OF_QUIET)
    assert subject.changed == [b"a", b"a"]
    subject.timers.pass_(SECONDS_AT_MOST)
    assert not subject.growth.saw(1, watch.CREATE)
    assert subject.kernel.watched == {}
    assert subject.complete == [b"a"]


@pytest.mark.parametrize("age", [0, HALF, 1], ids=["at once", "growing", "grown"])
def test_removed(subject: Subject, age: float) -> None:
    subject.growth.begin(b"/service/a", b"a")
    subject.timers.pass_(age)
    assert subject.growth.saw(1, watch.IGNORED)
    del subject.kernel.watched[1]  # the kernel does that
    complete = list(subject.complete)
    subject.timers.pass_(60)
    assert subject.complete == complete
    assert subject.changed == []
    assert not subject.growth.saw(1, watch.CREATE)


def test_one_that_cannot_be_watched_counts_as_complete(subject: Subject) -> None:
    subject.kernel.full = True
    subject.growth.begin(b"/service/a", b"a")
    assert subject.complete == [b"a"]


def test_others_are_none_of_its_business(subject: Subject) -> None:
    subject.growth.begin(b"/service/a", b"a")
    assert not subject.growth.saw(2, watch.CREATE)
    assert not subject.growth.saw(-1, watch.OVERFLOW)
