"""The order and the pace of starts, with turns that take a made-up time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest
from helpers.clock import Clock
from helpers.loops import event_loop
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.platform.loop import Loop
from slashservice.supervise.services.turns import CRASHED, LASTED, NEW, PORTIONS, Turns

PORTION = max(PORTIONS)
START = PORTION / 4
"""Seconds that a start takes here."""


class Queue:
    """Turns, and who has had one: the names, with the times at which they had it."""

    def __init__(self, loop: Loop, clock: Clock) -> None:
        self.loop = loop
        self.clock = clock
        self.turns = Turns(loop)
        self.had: list[tuple[str, float]] = []
        self._asking: dict[str, Callable[[], None]] = {}

    def ask(self, name: str, line: int) -> bool:
        turn = self._asking.setdefault(name, partial(self._turn, name))
        return self.turns.ask(turn, line)

    def _turn(self, name: str) -> None:
        self.had.append((name, self.clock.now))
        self.clock.now += START

    def crowd(self, line: int = NEW) -> None:
        """Have so many ask that the next one has to wait."""
        count = 0
        while self.ask(f"crowd {count}", line):
            count += 1

    def names(self) -> list[str]:
        return [name for name, _ in self.had if not name.startswith("crowd")]

    def step(self) -> None:
        """Let the loop run to its next time, and its timers come."""
        if self.loop._timers:
            self.clock.now = max(self.clock.now, self.loop._timers[0][0])
        self.loop.after(0, lambda: None)
        self.loop.step()

    def serve(self) -> None:
        while self.turns:
            self.step()


@pytest.fixture
def queue(loop: Loop, clock: Clock) -> Iterator[Queue]:
    made = Queue(loop, clock)
    made.step()
    yield made


@pytest.mark.parametrize("line", [LASTED, NEW, CRASHED])
def test_one_alone_has_its_turn_at_once(queue: Queue, line: int) -> None:
    assert queue.ask("one", line)
    assert queue.names() == ["one"]


def test_before_the_loop_runs_all_have_it_at_once(loop: Loop, clock: Clock) -> None:
    queue = Queue(loop, clock)
    assert all(queue.ask(f"{n}", line) for n in range(100) for line in (NEW, CRASHED))


@pytest.mark.parametrize("line", [LASTED, NEW])
def test_only_a_portion_in_one_round(queue: Queue, line: int) -> None:
    for number in range(100):
        queue.ask(f"{number}", line)
    for _ in range(25):
        before = len(queue.had)
        queue.step()
        assert len(queue.had) - before <= 2 * PORTION / START
    queue.serve()
    assert queue.names() == [f"{number}" for number in range(100)]


def test_those_that_lasted_go_first_then_the_new_ones(queue: Queue) -> None:
    queue.crowd()
    for name, line in [("c", CRASHED), ("n", NEW), ("l", LASTED), ("m", NEW), ("k", LASTED)]:
        queue.ask(name, line)
    queue.serve()
    assert queue.names() == ["l", "k", "n", "m", "c"]


def test_one_that_waits_is_not_called_twice_and_may_move_up(queue: Queue) -> None:
    queue.crowd()
    for name, line in [("a", CRASHED), ("b", CRASHED), ("b", NEW), ("b", CRASHED), ("b", NEW)]:
        assert not queue.ask(name, line)
    queue.serve()
    assert queue.names() == ["b", "a"]
    queue.step()
    assert queue.ask("b", NEW)


def test_after_a_crash_as_much_time_passes_as_the_start_took(queue: Queue) -> None:
    for number in range(50):
        queue.ask(f"{number}", CRASHED)
    began = queue.clock.now
    queue.serve()
    assert len(queue.had) == 50
    assert queue.clock.now - began >= 2 * 49 * START - 2 * PORTION


def test_one_that_lasted_does_not_wait_for_those_that_crash(queue: Queue) -> None:
    for number in range(50):
        queue.ask(f"{number}", CRASHED)
    queue.step()
    assert len(queue.had) < 20
    queue.step()
    assert queue.ask("good", LASTED)
    assert queue.names()[-1] == "good"


def test_one_that_lasted_does_not_wait_for_the_pace(queue: Queue) -> None:
    """The portion that comes after a pause is brought forward for it."""
    queue.crowd(CRASHED)
    queue.crowd(LASTED)
    asked = queue.clock.now
    queue.ask("good", LASTED)
    queue.serve()
    (had,) = [at for name, at in queue.had if name == "good"]
    assert had <= asked + PORTION


def test_who_knows_a_faster_way_is_told_of_each_portion(queue: Queue) -> None:
    told: list[str] = []
    queue.turns.begins = lambda waiting: told.append(f"begins, {waiting} wait")
    queue.turns.ends = lambda: told.append(f"ends, {len(queue.turns)} wait")
    queue.ask("alone", NEW)
    assert told == []
    queue.crowd()
    queue.ask("one", NEW)
    queue.serve()
    assert told == ["begins, 2 wait", "ends, 0 wait"]


@given(
    st.lists(
        st.one_of(
            st.none(),
            st.tuples(st.integers(0, 8), st.sampled_from([LASTED, NEW, CRASHED])),
        ),
        max_size=60,
    )
)
def test_whoever_asks_has_one_turn(asked: list[tuple[int, int] | None]) -> None:
    """However they ask, and however many rounds (None) there are between."""
    clock = Clock()
    with event_loop(clock) as loop:
        queue = Queue(loop, clock)
        queue.step()
        wanted = dict.fromkeys(map(str, range(9)), 0)
        waiting: set[str] = set()
        for item in asked:
            if item is None:
                before = len(queue.had)
                queue.step()
                served = [name for name, _ in queue.had[before:]]
                assert len(set(served)) == len(served) <= 2 * PORTION / START
                waiting.difference_update(served)
                continue
            name, line = str(item[0]), item[1]
            if name not in waiting:
                wanted[name] += 1
            if queue.ask(name, line):
                waiting.discard(name)
            else:
                waiting.add(name)
            assert len(queue.turns) == len(waiting)
        queue.serve()
        names = queue.names()
        assert {name: names.count(name) for name in wanted} == wanted
