"""The record of a service's process: written, taken apart, and believed or not."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import record
from slashservice.supervise.services.directory import ServiceDirectory

words = st.text("abcdef0123456789-/", min_size=1, max_size=60).map(str.encode)


places = st.just(b"") | st.integers(0, 2**64 - 1).map(lambda n: b"%016x" % n)


@given(
    st.integers(0, 2**22),
    st.integers(0, 2**40),
    words,
    places,
    st.booleans(),
    st.integers(0, 2**40),
    st.none() | st.integers(0, 2**40),
)
def test_a_record_says_what_went_into_it(
    pid: int,
    time: int,
    life: bytes,
    place: bytes,
    hosted: bool,
    mark: int,
    since: int | None,
) -> None:
    made = record.Record(pid, time, life, place, hosted, mark, since)
    line = made.line()
    assert len(line) == record.LENGTH
    assert line.endswith(b"\n")
    found = record.parse(line)
    assert found
    for name in record.Record.__slots__:
        assert getattr(found, name) == getattr(made, name)


@given(words, places)
def test_an_intent_is_a_record_too(life: bytes, place: bytes) -> None:
    line = record.intent(life, 7, place).line()
    found = record.parse(line)
    assert found
    assert (found.pid, found.life, found.hosted, found.place) == (0, life, False, place)
    assert 0 < found.time <= system.now()
    assert found.mark == 7
    assert record.new_mark() != record.new_mark()


@given(st.tuples(*[st.integers(0, 2**128 - 1)] * 2), st.tuples(*[st.integers(0, 2**128 - 1)] * 2))
def test_a_record_is_for_one_place(one: tuple[int, int], other: tuple[int, int]) -> None:
    place = record.place(*one)
    assert record.Record(1, 2, b"life", place).is_for(place)
    assert record.Record(1, 2, b"life", place).is_for(record.place(*other)) == (one == other)
    assert record.Record(1, 2, b"life").is_for(place), "an older version wrote none"


@given(st.binary(max_size=200))
def test_anything_else_is_no_record(noise: bytes) -> None:
    found = record.parse(noise)
    assert found is None or (len(noise) == record.LENGTH and found.pid >= 0 and found.time >= 0)


@given(st.integers(0, record.LENGTH - 1))
def test_half_a_record_is_none(length: int) -> None:
    assert record.parse(record.Record(1, 2, b"life").line()[:length]) is None


@pytest.mark.parametrize(
    "line",
    [
        b"-1 2 life",
        b"1 x life",
        b"1 2",
        b"1 2 life and more",
        b"",
        b"1 2- life and",
        b"1 -2 life",
        b"1 2-x life",
        b"1 2-3-4 life",
        b"0 2 life mark",
        b"0 2 life mark x",
        b"0 2 life in",
        b"0 2 life in here and there",
        b"0 2 life in here mark 3",
        b"0 2 life after 3",
    ],
)
def test_malformed_records(line: bytes) -> None:
    assert record.parse(line.ljust(record.LENGTH - 1) + b"\n") is None


LIFE = b"this-life/1"


@pytest.mark.parametrize(
    ("record_of", "runs"),
    [
        (lambda pid, start: record.Record(pid, start, LIFE), True),
        (lambda pid, start: record.Record(pid, system.now(), LIFE, since=start), True),
        (lambda pid, start: record.Record(pid, start, LIFE, since=1), True),
        (lambda pid, start: record.Record(pid, start - 1, LIFE, since=1), False),
        (lambda pid, start: record.Record(pid, system.now(), LIFE, since=start + 1), False),
        (lambda pid, start: record.Record(pid, start + 1, LIFE), False),
        (lambda pid, start: record.Record(pid, 0, LIFE), False),
        (lambda pid, start: record.Record(4194303, system.now(), LIFE), False),
        (lambda pid, start: record.Record(0, system.now(), LIFE), False),
        (lambda pid, start: record.Record(0, start, LIFE, mark=99), False),
    ],
    ids=[
        "itself",
        "recorded later",
        "intended earlier",
        "reused",
        "another that was there before",
        "another",
        "time unknown",
        "gone",
        "none",
        "never started",
    ],
)
def test_only_the_very_process_is_adopted(
    tmp_path: Path, record_of: Callable[[int, int], record.Record], runs: bool
) -> None:
    directory = ServiceDirectory(os.fsencode(tmp_path), b"s")
    assert directory.acquire(LIFE, 1000) is None
    directory.release()
    me = os.getpid()
    (tmp_path / "supervise/lock").write_bytes(record_of(me, system.started(me)).line())
    left = directory.acquire(LIFE, 1000)
    assert left
    assert left.pid == (me if runs else 0)
    directory.release()
    assert directory.acquire(b"another-life/1", 1000) is None
    directory.release(forget=True)
    assert directory.acquire(LIFE, 1000) is None
    directory.release()


def test_a_marked_process_is_found_and_told_by_that_time(monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getpid()
    asked: list[tuple[int, int, bytes]] = []

    def find(mark: int, earliest: int, directory: bytes) -> int:
        asked.append((mark, earliest, directory))
        return me

    monkeypatch.setattr(system, "find", find)
    intent = record.intent(LIFE, record.new_mark())
    mark, time = intent.mark, intent.time
    intent.find(b"/service")
    assert asked == [(mark, time, b"/service")]
    assert (intent.pid, intent.mark, intent.runs()) == (me, 0, system.started(me))


@pytest.mark.parametrize(
    ("recorded", "life", "same"),
    [
        (b"machine/4026531836/5", b"machine/4026531836/5", True),
        (b"machine/4026531836", b"machine/4026531836/5", True),  # of an earlier version
        (b"machine/4026531836/5", b"machine/4026531836/6", False),
        (b"machine/4026531836/5", b"machine/4026531836/55", False),
        (b"machine/4026531837", b"machine/4026531836/5", False),
        (b"other/4026531836", b"machine/4026531836/5", False),
        (b"machine", b"machine/4026531836", False),
        (b"machine/4026531836/5", b"machine/4026531836", False),
        (b"1700000000", b"1700000000", True),
        (b"", b"1700000000", False),
    ],
)
def test_which_records_are_of_this_life(recorded: bytes, life: bytes, same: bool) -> None:
    assert record.same_life(recorded, life) is same
