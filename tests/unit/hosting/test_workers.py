"""Threads that do what may block: one more as long as all are stuck."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from functools import partial

import pytest
from helpers.waiting import until

from slashservice.supervise.hosting import workers
from slashservice.supervise.hosting.workers import Workers


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Workers]:
    """Workers whose spare threads end at once."""
    monkeypatch.setattr(workers, "SECONDS_OF_IDLENESS", 0.01)
    made = Workers()
    yield made
    os.close(made.fd)
    os.close(made._wake)


def hang(until_set: threading.Event) -> None:
    until_set.wait()


def settled(pool: Workers, count: int, done: list[int]) -> bool:
    pool.settle()
    return len(done) == count


def test_one_thread_does_all_that_does_not_hang(pool: Workers) -> None:
    done: list[int] = []
    for number in range(10):
        pool.submit(lambda: None, partial(done.append, number))
    until(lambda: settled(pool, 10, done), "all is done")
    assert done == list(range(10))
    assert pool._threads == 1
    assert not pool.is_behind


def test_another_takes_over_while_one_hangs_and_ends_behind_it(pool: Workers) -> None:
    hangs = threading.Event()
    done: list[int] = []
    pool.submit(lambda: hang(hangs), lambda: done.append(1))
    pool.submit(lambda: None, lambda: done.append(2))
    pool.grow()
    until(lambda: settled(pool, 1, done), "the other is done")
    assert done == [2]
    assert pool._threads == 2 and not pool.is_behind
    hangs.set()
    until(lambda: settled(pool, 2, done), "the one that hung is done")
    until(lambda: pool._threads == 1, "one thread is left")
    pool.submit(lambda: None, lambda: done.append(3))
    until(lambda: settled(pool, 3, done), "it goes on")


def test_no_other_is_started_while_work_is_finished(pool: Workers) -> None:
    hangs = threading.Event()
    done: list[int] = []
    pool.submit(lambda: None, lambda: done.append(1))
    until(lambda: settled(pool, 1, done), "the first is done")
    pool.submit(lambda: hang(hangs), lambda: done.append(2))
    pool.submit(lambda: None, lambda: done.append(3))
    pool.grow()  # something was finished since the last time: there is none
    assert pool._threads == 1
    pool.grow()
    assert pool._threads == 2
    hangs.set()
    until(lambda: settled(pool, 3, done), "all is done")


def test_where_no_thread_can_be_had_those_there_are_do_it(
    pool: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs = threading.Event()
    done: list[int] = []
    pool.submit(lambda: hang(hangs), lambda: done.append(1))
    pool.submit(lambda: None, lambda: done.append(2))

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        pool.grow()
    assert pool._threads == 1
    hangs.set()
    until(lambda: settled(pool, 2, done), "both are done")
    assert done == [1, 2]


def test_the_loop_finds_what_it_could_not_be_told_of(
    pool: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the thread goes on."""

    def refuse(fd: int, data: bytes) -> None:
        raise OSError(errno.EIO, "")

    done: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        for number in range(3):
            pool.submit(lambda: None, partial(done.append, number))
        until(lambda: pool._done.qsize() == 3, "all is done")
    assert pool.is_at_work
    pool.settle()
    assert done == [0, 1, 2]
    assert not pool.is_at_work
    assert pool._threads == 1


@pytest.mark.parametrize("error", [MemoryError, OSError, SystemExit])
def test_work_that_fails_is_called_back_for(error: type[BaseException], pool: Workers) -> None:
    def fail() -> None:
        raise error

    done: list[int] = []
    pool.submit(fail, lambda: done.append(1))
    pool.submit(lambda: None, lambda: done.append(2))
    until(lambda: settled(pool, 2, done), "both")
    assert pool._threads == 1


def test_a_thread_that_ends_by_lack_of_memory_is_replaced(
    pool: Workers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Workers) -> bool:
        raise MemoryError

    done: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(Workers, "_work", fail)
        pool.submit(lambda: None, lambda: done.append(1))
        until(lambda: pool._threads == 0, "it has ended")
    pool.grow()
    until(lambda: settled(pool, 1, done), "another does the work")


def test_when_the_loop_is_slow_to_be_told_nothing_is_lost(pool: Workers) -> None:
    """The pipe that tells it may be full: then it is told already."""
    with pytest.raises(BlockingIOError):
        while True:
            os.write(pool._wake, bytes(65536))
    done: list[int] = []
    for number in range(3):
        pool.submit(lambda: None, partial(done.append, number))
    until(lambda: pool._done.qsize() == 3, "all is done")
    until(lambda: settled(pool, 3, done), "and told")
    assert done == [0, 1, 2]
    assert pool._threads == 1
