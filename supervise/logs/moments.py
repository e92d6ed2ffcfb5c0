"""Moments as people write them: ``10m`` (ago), ``14:05``, ``yesterday``, ``Nov 25 14:05``.

Also ``2 hours ago``, ``2026-11-21``, ``2026-11-21 14:05:30``, a day of the week, and TAI64N labels.
All are in local time, but for ISO 8601 with a zone: ``2026-11-21T14:05:30.25Z``, ``...+01:00``. A
date without a year, and a day of the week, is the last one that there was.
"""

from __future__ import annotations

import time

from slashservice.supervise import tai
from slashservice.supervise.logs.action_script import seconds

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Sequence

DAY = 86400

MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july", "august"),
    *("september", "october", "november", "december"),
)
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
AGO = {"today": 0, "yesterday": 1, "tomorrow": -1}

LENGTH = rb"(\d+) *([a-z]*)"
"""Of a time: a number and its unit."""

UNITS = {
    word: unit
    for unit, words in {
        b"s": (b"sec", b"secs", b"second", b"seconds"),
        b"m": (b"min", b"mins", b"minute", b"minutes"),
        b"h": (b"hr", b"hrs", b"hour", b"hours"),
        b"d": (b"day", b"days"),
        b"w": (b"week", b"weeks"),
    }.items()
    for word in words
}
"""Units in words, as their letters."""

ISO = rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:[.,](\d+))?([Zz]|[+-]\d\d:?\d\d)"
"""A time with a time zone: to the second, a fraction of that, and the zone."""

SHORT = 3
"""Letters that tell months, and days of the week, from one another."""


def moment(text: bytes, now: float) -> int:
    """Return the Unix time, in nanoseconds, that ``text`` means at the Unix time ``now``.

    Raises ``ValueError`` if it means none.
    """
    if text[:1] == b"@":
        digits = text[1:].ljust(24, b"0")[:24]
        return tai.unpack(bytes.fromhex(digits.decode("ascii")))
    ago = _ago(text.removesuffix(b" ago").removeprefix(b"-"))
    if ago is not None:
        return int((now - ago) * 1e9)
    if _is_iso(text) and (whole := _zoned(text)):
        return _iso(*whole.groups())
    words = text.decode("ascii").lower().replace("t", " ", int(_is_iso(text))).split()
    if words == ["now"]:
        return int(now * 1e9)
    if not words:
        raise ValueError(text)
    clock = words.pop() if ":" in words[-1] else ""
    year, month, day = _date(words, now)
    hour, minute, second = _clock(clock)
    try:
        found = int(time.mktime((year, month, day, hour, minute, second, 0, 0, -1)))
        noon = time.mktime((year, month, day, 12, 0, 0, 0, 0, -1))
    except OverflowError:
        raise ValueError(text) from None
    if _day(noon) != (year, month, day):
        raise ValueError(text)  # as February 30
    return found * 1_000_000_000


def _ago(text: bytes) -> int | None:
    """Return the seconds that ``10m``, ``1h 30m`` or ``2 hours`` means; None if it means none."""
    if (short := seconds(text)) is not None:
        return short
    import re  # it takes longer to load than most time is

    parts = re.findall(LENGTH, text.lower())
    if b"".join(map(b"".join, parts)) != b"".join(text.lower().split()):
        return None
    found = [seconds(number + UNITS.get(unit, unit)) for number, unit in parts]
    return sum(filter(None, found)) if found and None not in found else None


def _zoned(text: bytes) -> re.Match[bytes] | None:
    import re

    return re.fullmatch(ISO, text)


def _iso(moment: bytes, fraction: bytes | None, zone: bytes) -> int:
    """Return the Unix time, in nanoseconds, of an ISO 8601 time with a time zone."""
    from calendar import timegm

    parsed = time.strptime(moment.decode("ascii"), "%Y-%m-%dT%H:%M:%S")
    offset = 0
    if zone not in b"Zz":
        hours, minutes = int(zone[1:3]), int(zone[-2:])
        if hours > 23 or minutes > 59:
            raise ValueError(zone)
        offset = (hours * 60 + minutes) * (-60 if zone[:1] == b"-" else 60)
    nanoseconds = int((fraction or b"0")[:9].ljust(9, b"0"))
    return (timegm(parsed) - offset) * 1_000_000_000 + nanoseconds


def _is_iso(text: bytes) -> bool:
    """Tell whether date and time are parted by a ``T``."""
    return text[:4].isdigit() and b"T" in text[8:]


def _clock(text: str) -> tuple[int, int, int]:
    """Return hour, minute and second of a time of day; midnight without one."""
    if not all(part.isdigit() for part in text.split(":") if text):
        raise ValueError(text)
    parts = [int(part) for part in text.split(":")] if text else []
    hour, minute, second = [*parts, 0, 0, 0][:3]
    if len(parts) > 3 or not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 62):
        raise ValueError(text)
    return hour, minute, second


def _date(words: list[str], now: float) -> tuple[int, int, int]:
    """Return year, month and day of what is left without a time of day; today without words."""
    if not words:
        return _day(now)
    first, *more = words
    if not more and first in AGO:
        return _day(_noon(now) - AGO[first] * DAY)
    if not more and first.isalpha():
        passed = time.localtime(now).tm_wday - _place(first, WEEKDAYS)
        return _day(_noon(now) - passed % 7 * DAY)
    if not more:
        year, month, day = map(int, first.split("-"))
        return year, month, day
    return _month_and_day(words, now)


def _month_and_day(words: list[str], now: float) -> tuple[int, int, int]:
    """Return the date of ``nov 25``, ``25 nov``, or of one of these with a year behind it."""
    name, number = sorted(words[:2], key=str.isdigit)
    month, day = _place(name, MONTHS) + 1, int(number.rstrip(",."))
    today = _day(now)
    if len(words) == 3:
        return int(words[2]), month, day
    if len(words) > 3:
        raise ValueError(words)
    return today[0] - ((month, day) > today[1:]), month, day


def _place(name: str, names: Sequence[str]) -> int:
    """Return the place of a name that may be abbreviated."""
    found = [at for at, one in enumerate(names) if one.startswith(name) and len(name) >= SHORT]
    if not found:
        raise ValueError(name)
    return found[0]


def _day(when: float) -> tuple[int, int, int]:
    found = time.localtime(when)
    return found.tm_year, found.tm_mon, found.tm_mday


def _noon(now: float) -> float:
    """Return noon of the day: a number of days before that is the right day in any case."""
    return time.mktime((*_day(now), 12, 0, 0, 0, 0, -1))
