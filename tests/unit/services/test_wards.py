"""Watching over what clients need: begun late, some at a time, and told once."""

from __future__ import annotations

from typing import cast

import pytest
from helpers.clock import Clock

from slashservice.supervise.platform import watch
from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services import wards
from slashservice.supervise.services.pair import Pair


class FakeWatcher(watch.Watcher):
    """Numbers each path once, as inotify numbers a directory; takes no more than ``most``."""

    def __init__(self, most: int = 1000) -> None:
        self.most = most
        self.watched: dict[int, bytes] = {}

    def add(self, path: bytes, mask: int) -> int:
        for number, other in self.watched.items():
            if other == path:
                return number
        if len(self.watched) >= self.most:
            raise OSError
        number = max(self.watched, default=0) + 1
        self.watched[number] = path
        return number

    def remove(self, number: int) -> None:
        del self.watched[number]


class FakePair:
    """A service with a log; counts how often it was mended."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.mended = 0

    def states(self) -> list[bytes]:
        return [self.name + b"/supervise", self.name + b"/log/supervise"]

    def manners(self) -> list[bytes]:
        return []

    def mend(self) -> None:
        self.mended += 1


def pass_(loop: Loop, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    loop.after(0, lambda: None)
    loop.step()


def fake(number: int) -> Pair:
    return cast("Pair", FakePair(b"%d" % number))


def test_they_are_watched_later_and_some_at_a_time(loop: Loop, clock: Clock) -> None:
    watcher = FakeWatcher()
    subject = wards.Wards(loop, watcher)
    for number in range(2 * wards.PORTION + 1):
        subject.expect(fake(number))
    assert not watcher.watched
    seconds = wards.SECONDS_UNTIL_WATCHED
    for portions in (2, 4, 4 + 2 / wards.PORTION):
        pass_(loop, clock, seconds)
        assert len(watcher.watched) == pytest.approx(portions * wards.PORTION)
        seconds = wards.SECONDS_BETWEEN_PORTIONS


@pytest.mark.parametrize("mask", [watch.DELETE, watch.DELETE_SELF, watch.IGNORED])
def test_many_removals_are_one(loop: Loop, clock: Clock, mask: int) -> None:
    watcher, pair = FakeWatcher(), fake(1)
    subject = wards.Wards(loop, watcher)
    subject.expect(pair)
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    assert pair.mended == 1, "of what was removed before"  # type: ignore[attr-defined]
    assert not subject.saw(77, mask)
    for _ in range(3):
        assert subject.saw(1, watch.DELETE)
    assert subject.saw(1, mask)
    pass_(loop, clock, wards.SECONDS_UNTIL_MENDED / 2)
    assert pair.mended == 1  # type: ignore[attr-defined]
    pass_(loop, clock, wards.SECONDS_UNTIL_MENDED / 2)
    assert pair.mended == 2  # type: ignore[attr-defined]
    assert subject.saw(1, watch.DELETE), "still watched over"


def test_one_that_has_ended_is_watched_no_more(loop: Loop, clock: Clock) -> None:
    watcher = FakeWatcher()
    subject = wards.Wards(loop, watcher)
    pairs = [fake(number) for number in range(3)]
    for pair in pairs[:2]:
        subject.expect(pair)
    subject.forget(pairs[0])
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    subject.expect(pairs[2])
    subject.forget(pairs[1])
    assert not watcher.watched
    subject.forget(pairs[2])
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    assert not watcher.watched


def test_where_no_more_can_be_watched_the_others_still_are(loop: Loop, clock: Clock) -> None:
    watcher = FakeWatcher(most=3)
    subject = wards.Wards(loop, watcher)
    for number in range(3):
        subject.expect(fake(number))
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    assert len(watcher.watched) == 3


def test_one_that_ends_hurt_is_mended_no_more(loop: Loop, clock: Clock) -> None:
    watcher, pair = FakeWatcher(), fake(1)
    subject = wards.Wards(loop, watcher)
    subject.expect(pair)
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    assert subject.saw(1, watch.DELETE)
    subject.forget(pair)
    pass_(loop, clock, wards.SECONDS_UNTIL_MENDED)
    assert pair.mended == 1  # type: ignore[attr-defined]
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    assert not watcher.watched


def test_the_place_of_one_that_ends_may_be_another_s_by_then(loop: Loop, clock: Clock) -> None:
    watcher = FakeWatcher()
    subject = wards.Wards(loop, watcher)
    stray, successor = fake(1), fake(1)
    for pair in (stray, successor):
        subject.expect(pair)
    pass_(loop, clock, wards.SECONDS_UNTIL_WATCHED)
    subject.forget(stray)
    assert len(watcher.watched) == 2
    subject.forget(successor)
    assert not watcher.watched
