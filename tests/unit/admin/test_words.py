"""Times and ends in words."""

from __future__ import annotations

import signal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.admin import words
from slashservice.supervise.protocol.deaths import CORE, UNKNOWN, Death

SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0.9, "0s"),
        (59, "59s"),
        (60, "1m"),
        (61, "1m 1s"),
        (3600, "1h"),
        (3605, "1h"),
        (3 * 86400 + 4 * 3600 + 59, "3d 4h"),
        (400 * 86400, "400d"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@given(some.integers(0, 10**9))
def test_a_duration_is_right_to_its_second_unit(seconds: int) -> None:
    parts = words.duration(seconds).split()
    told = sum(int(part[:-1]) * SECONDS[part[-1]] for part in parts)
    first = SECONDS[parts[0][-1]]
    smaller = max((size for size in SECONDS.values() if size < first), default=1)
    assert 0 <= seconds - told < smaller
    assert len(parts) <= 2


@given(some.floats(0, 10**6))
def test_how_long_something_took(seconds: float) -> None:
    text = words.spell(seconds)
    assert text == words.duration(seconds) if seconds >= 60 else text.endswith(" s")


@pytest.mark.parametrize(
    ("status", "pid", "text"),
    [
        (0, 5, "exit 0"),
        (7 << 8, 5, "exit 7"),
        (signal.SIGKILL, 5, "KILL"),
        (signal.SIGSEGV | CORE, 5, "SEGV, core"),
        (signal.SIGRTMIN + 1, 5, "signal 35"),
        (UNKNOWN, 5, "unknown"),
        (111 << 8, 0, "not started"),
    ],
)
def test_endings(status: int, pid: int, text: str) -> None:
    assert words.ending(Death(bytes(12), pid, status, 1.0)) == text
