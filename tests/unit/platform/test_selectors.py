"""Waiting for descriptors: both ways do the same."""

from __future__ import annotations

import errno
import os
import selectors
import time
from collections.abc import Iterator

import pytest

from slashservice.supervise.platform import current
from slashservice.supervise.platform.epoll import Epoll
from slashservice.supervise.platform.selector import Selector


@pytest.fixture(params=[Epoll, Selector])
def selector(request: pytest.FixtureRequest) -> Iterator[Epoll | Selector]:
    made: Epoll | Selector = request.param()
    yield made
    made.close()


@pytest.fixture
def pipes() -> Iterator[list[tuple[int, int]]]:
    made = [os.pipe() for _ in range(3)]
    yield made
    for reading, writing in made:
        os.close(reading)
        os.close(writing)


def test_what_can_be_read(selector: Epoll | Selector, pipes: list[tuple[int, int]]) -> None:
    for reading, _ in pipes:
        selector.register(reading)
    assert selector.ready(0, 3) == []
    for _, writing in pipes[:2]:
        os.write(writing, b"x")
    assert sorted(selector.ready(None, 3)) == sorted(reading for reading, _ in pipes[:2])
    selector.unregister(pipes[0][0])
    assert selector.ready(0, 3) == [pipes[1][0]]


def test_an_end_can_be_read(selector: Epoll | Selector) -> None:
    reading, writing = os.pipe()
    selector.register(reading)
    os.close(writing)
    assert selector.ready(None, 1) == [reading]
    selector.unregister(reading)
    os.close(reading)


def test_a_descriptor_that_is_closed_already(selector: Epoll | Selector) -> None:
    reading, writing = os.pipe()
    selector.register(reading)
    os.close(reading)
    selector.unregister(reading)
    os.close(writing)
    assert selector.ready(0, 1) == []


def test_it_waits_no_less_than_it_is_told(selector: Epoll | Selector) -> None:
    for seconds in (0.0001, 0.0123):
        began = time.monotonic()
        selector.ready(seconds, 1)
        assert time.monotonic() - began >= seconds


def test_what_can_not_be_waited_for(selector: Epoll | Selector, tmp_path: os.PathLike[str]) -> None:
    file = os.open(os.path.join(tmp_path, "x"), os.O_RDWR | os.O_CREAT)
    with pytest.raises(PermissionError):
        selector.register(file)
    os.close(file)


def test_without_epoll_there_is_another_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*arguments: object) -> None:
        raise OSError(errno.ENOSYS, "")

    monkeypatch.setattr("slashservice.supervise.platform.epoll.select.epoll", refused)
    monkeypatch.setattr(selectors, "DefaultSelector", selectors.PollSelector)
    made = current.selector()
    assert isinstance(made, Selector)
    made.close()
