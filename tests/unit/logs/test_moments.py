"""Moments in words."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as some

from slashservice.supervise.logs.json_lines import iso
from slashservice.supervise.logs.moments import moment

NOON = 1_795_867_200
"""28 November 2026, 12:00 UTC, a Saturday."""

DAY = 86400

MOMENTS = {
    "@400000006b0abee20c6a895f": NOON - 872,
    "30s": NOON - 30,
    "90": NOON - 90,
    "10m": NOON - 600,
    "1w": NOON - 7 * DAY,
    "10m ago": NOON - 600,
    "-1h": NOON - 3600,
    "10 minutes ago": NOON - 600,
    "2 hours": NOON - 7200,
    "1 hour 30 min ago": NOON - 5400,
    "1h30m": NOON - 5400,
    "1 Day ago": NOON - DAY,
    "2026-11-28T11:00:00Z": NOON - 3600,
    "2026-11-28T11:00:00.25Z": NOON - 3600,
    "2026-11-28T13:00:00+01:00": NOON,
    "2026-11-28T08:30:00-0330": NOON,
    "tomorrow": NOON + DAY // 2,
    "Feb 28 2024": NOON - 1004 * DAY - DAY // 2,
    "now": NOON,
    "today": NOON - DAY // 2,
    "Today 11:00": NOON - 3600,
    "yesterday": NOON - 3 * DAY // 2,
    "yesterday 12:00": NOON - DAY,
    "Nov 25": NOON - 7 * DAY // 2,
    "25 november": NOON - 7 * DAY // 2,
    "Nov 25 12:00:07": NOON - 3 * DAY + 7,
    "Nov 28": NOON - DAY // 2,
    "Nov 29": NOON - 364 * DAY - DAY // 2,
    "Dec 24 2025": NOON - 339 * DAY - DAY // 2,
    "monday": NOON - 11 * DAY // 2,
    "sat": NOON - DAY // 2,
    "Sun 12:00": NOON - 6 * DAY,
    "11:30": NOON - 1800,
    "11:30:15": NOON - 1785,
    "2026-11-27": NOON - 3 * DAY // 2,
    "2026-11-27 12:00": NOON - DAY,
    "2026-11-27T12:00:01": NOON - DAY + 1,
}


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("text", MOMENTS)
def test_moments(text: str) -> None:
    assert moment(text.encode(), NOON) // 10**9 == MOMENTS[text]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "x", "1x", "1:2:x", "25:00", "12:61", "1:2:3:4", "@zz", "nov", "25", "no 25")[
            :-2
        ],
        *(
            "Nov",
            "Novel 25",
            "saturn",
            "Nov 25 1 2",
            "yesterday x",
            "2026-11",
            "--",
            "12:00 now",
            "2026-02-30",
            "Feb 29 2026",
            "2026-13-01",
            "1_0:00",
            "+1:00",
            " ago",
            "ago",
            "é",
        ),
    ],
)
def test_no_moments(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text.encode(), NOON)


FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%b %d %Y %H:%M:%S", "%d %B %Y %H:%M:%S")


@given(some.integers(0, 2**32), some.sampled_from(FORMATS))
def test_what_is_written_is_read(when: int, form: str) -> None:
    text = time.strftime(form, time.gmtime(when))
    assert moment(text.encode(), NOON) == when * 10**9


@given(some.text(max_size=20))
def test_anything_else_is_none_or_a_time(text: str) -> None:
    try:
        found = moment(text.encode(), NOON)
    except ValueError:
        return
    assert isinstance(found, int)


@given(some.integers(0, 6), some.integers(0, 400))
def test_a_day_of_the_week_is_the_last_one(day: int, days: int) -> None:
    now = NOON + days * DAY
    name = ("mon", "tuesday", "wed", "thu", "friday", "sat", "sun")[day]
    found = moment(name.encode(), now) // 10**9
    assert time.gmtime(found).tm_wday == day
    assert 0 <= now - DAY // 2 - found < 7 * DAY


@given(some.integers(0, 4_000_000_000_000_000_000))
def test_what_json_says_is_understood(when: int) -> None:
    """To the nanosecond, whatever the time here."""
    said = iso(when)
    assert said is not None
    assert moment(said.encode(), NOON) == when


@pytest.mark.parametrize(
    "text",
    [
        "10 minutes later",
        "1 fortnight",
        "h",
        "10 m x",
        "2026-11-28T25:00:00Z",
        "2026-11-28T11:00:00+99:00",
        "2026-02-30T11:00:00Z",
        "1 hour 30 parsecs ago",
    ],
)
def test_what_only_looks_like_one(text: str) -> None:
    with pytest.raises(ValueError):
        moment(text.encode(), NOON)
