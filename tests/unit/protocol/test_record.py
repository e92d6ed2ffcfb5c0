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


@given(st.integers(0, 2**32), st.integers(0, 2**60), words, st.booleans())
def test_a_record_says_what_went_into_it(pid: int, start: int, life: bytes, hosted: bool) -> None:
    line = record.Record(pid, start, life, hosted).line()
    assert len(line) == record.LENGTH
    assert line.endswith(b"\n")
    found = record.parse(line)
    assert found
    assert (found.pid, found.start, found.life) == (pid, start, life)
    assert (found.hosted, found.after) == (hosted, None)


@given(words)
def test_an_intent_is_a_record_too(life: bytes) -> None:
    line = record.intent(life).line()
    assert len(line) == record.LENGTH
    found = record.parse(line)
    assert found
    assert (found.pid, found.life, found.hosted) == (0, life, False)
    assert 0 < found.start <= system.now()
    assert found.after


@given(st.binary(max_size=200))
def test_anything_else_is_no_record(noise: bytes) -> None:
    found = record.parse(noise)
    assert found is None or (len(noise) == record.LENGTH and found.pid >= 0 and found.start >= 0)


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
        b"0 2 life after",
        b"0 2 life after x",
        b"0 2 life hosted after 3",
    ],
)
def test_malformed_records(line: bytes) -> None:
    assert record.parse(line.ljust(record.LENGTH - 1) + b"\n") is None


LIFE = b"this-life/1"


@pytest.mark.parametrize(
    ("line_of", "runs"),
    [
        (lambda pid, start: record.Record(pid, start, LIFE).line(), True),
        (lambda pid, start: record.Record(pid, start + 1, LIFE).line(), False),
        (lambda pid, start: record.Record(pid, 0, LIFE).line(), False),
        (lambda pid, start: record.Record(4194303, 0, LIFE).line(), False),
        (lambda pid, start: record.Record(0, 0, LIFE).line(), False),
        (lambda pid, start: record.Record(pid, start - 1, LIFE, after=1).line(), True),
        (lambda pid, start: record.Record(pid, start + 1, LIFE, after=1).line(), False),
        (lambda pid, start: record.Record(pid, 1, LIFE, after=1).line(), False),
    ],
    ids=[
        "itself",
        "reused",
        "start unknown",
        "gone",
        "none",
        "just started",
        "started earlier",
        "started later",
    ],
)
def test_only_the_very_process_is_adopted(
    tmp_path: Path, line_of: Callable[[int, int], bytes], runs: bool
) -> None:
    directory = ServiceDirectory(os.fsencode(tmp_path), b"s")
    assert directory.acquire(LIFE, 1000) is None
    directory.release()
    me = os.getpid()
    (tmp_path / "supervise/lock").write_bytes(line_of(me, system.started(me)))
    left = directory.acquire(LIFE, 1000)
    assert left
    assert left.pid == (me if runs else 0)
    directory.release()
    assert directory.acquire(b"another-life/1", 1000) is None
    directory.release(forget=True)
    assert directory.acquire(LIFE, 1000) is None
    directory.release()
