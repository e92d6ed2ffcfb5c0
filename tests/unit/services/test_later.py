"""What many want done soon: all are called, each once, and none keeps the loop for long."""

from __future__ import annotations

from helpers.clock import Clock

from slashservice.supervise.platform.loop import PORTION, Loop
from slashservice.supervise.services.later import LONGEST, Later


def pass_(loop: Loop, clock: Clock, seconds: float) -> None:
    clock.now += seconds
    loop.after(0, lambda: None)
    loop.step()


class Asker:
    def __init__(self, clock: Clock, takes: float = 0.0) -> None:
        self.called = 0
        self._clock = clock
        self._takes = takes

    def call(self) -> None:
        self.called += 1
        self._clock.now += self._takes


def test_all_are_called_once_when_the_time_of_the_first_has_come(loop: Loop, clock: Clock) -> None:
    later = Later(loop, 1.0)
    first, second = Asker(clock), Asker(clock)
    later.ask(first.call)
    pass_(loop, clock, 0.9)
    for _ in range(3):
        later.ask(second.call)
    assert (first.called, second.called) == (0, 0)
    pass_(loop, clock, 0.1)
    assert (first.called, second.called) == (1, 1)
    pass_(loop, clock, 5)
    assert (first.called, second.called) == (1, 1)
    later.ask(first.call)
    pass_(loop, clock, 1.0)
    assert first.called == 2


def test_a_portion_of_them_at_a_time(loop: Loop, clock: Clock) -> None:
    later = Later(loop, 1.0)
    askers = [Asker(clock, PORTION / 2) for _ in range(9)]
    for asker in askers:
        later.ask(asker.call)
    pass_(loop, clock, 1.0)
    before = 0
    while any(not asker.called for asker in askers):
        called = sum(asker.called for asker in askers)
        assert called - before <= 2
        before = called
        pass_(loop, clock, 0.0)
    assert all(asker.called == 1 for asker in askers)


def test_who_asks_while_called_is_called_again(loop: Loop, clock: Clock) -> None:
    later = Later(loop, 1.0)
    calls: list[float] = []

    def again() -> None:
        calls.append(clock.now)
        if len(calls) < 3:
            later.ask(again)

    later.ask(again)
    for _ in range(5):
        pass_(loop, clock, 1.0)
    assert len(calls) == 3


def test_what_is_waited_for_is_waited_for_a_while(loop: Loop, clock: Clock) -> None:
    waits = True
    later = Later(loop, 1.0, lambda: waits)
    asker = Asker(clock)
    later.ask(asker.call)
    for _ in range(4):
        pass_(loop, clock, 1.0)
    assert asker.called == 0
    waits = False
    pass_(loop, clock, 1.0)
    assert asker.called == 1
    waits = True
    later.ask(asker.call)
    for _ in range(int(LONGEST)):
        pass_(loop, clock, 1.0)
    assert asker.called == 2
