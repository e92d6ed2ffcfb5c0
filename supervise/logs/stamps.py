"""The stamps that lines of logs begin with: TAI64N labels, those of ``tai64nfrac``, svlogd's.

A line without one, or with one that is cut, is of the time of the line before it.
"""

from __future__ import annotations

from slashservice.supervise import tai
from slashservice.supervise.tai import LABEL_LENGTH

EVER = -1 << 96
NEVER = 1 << 96
"""Times before and after all others that a stamp can tell, in Unix nanoseconds."""

LENGTH = LABEL_LENGTH + 1
"""Characters of the longest stamp, with the space behind it."""


def stamp_time(line: bytes) -> int | None:
    """Return the time, in Unix nanoseconds, of the stamp a line begins with; None without one."""
    if line[:1] == b"@" and line[LABEL_LENGTH:LENGTH] == b" ":
        return _of_label(line)
    if line[4:5] == b"-" and line[25:26] == b" ":
        return _readable_time(line[:25])
    stamp = line[:20].partition(b" ")[0]
    seconds, _, fraction = stamp.partition(b".")
    if len(fraction) == 6 and len(seconds) >= 9 and (seconds + fraction).isdigit():
        return int(seconds) * 1_000_000_000 + int(fraction) * 1000
    return None


_seconds: dict[bytes, int] = {}
"""The last second that a readable stamp told, and what it is in Unix time."""


def _readable_time(stamp: bytes) -> int | None:
    """Return the time of a stamp as svlogd writes it, ``YYYY-MM-DD_HH:MM:SS.xxxxx``, in UTC."""
    second, fraction = stamp[:19], stamp[20:]
    if second not in _seconds:
        from calendar import timegm

        date = second.translate(None, b"-_T:")
        if len(date) != 14 or not date.isdigit():
            return None
        numbers = [int(date[at : at + 2]) for at in range(4, 14, 2)]
        if not (1 <= numbers[0] <= 12 and 1 <= numbers[1] <= 31):
            return None
        _seconds.clear()
        _seconds[second] = timegm((int(date[:4]) or 1, *numbers))
    if not fraction.isdigit() or stamp[19:20] != b".":
        return None
    return _seconds[second] * 1_000_000_000 + int(fraction) * 10_000


def label_time(text: bytes) -> int:
    """Return the time, in Unix nanoseconds, of the label ``text`` begins with; 0 without one."""
    return _of_label(text) or 0


def _of_label(text: bytes) -> int | None:
    try:
        stamp = bytes.fromhex(text[1:LABEL_LENGTH].decode("ascii"))
    except ValueError:
        return None
    return tai.unpack(stamp) if len(stamp) == tai.STAMP_LENGTH else None


def time_before(text: bytes, end: int, begin: int = 0) -> int | None:
    """Return the time of the last line with a stamp among those of ``text[begin:end]``.

    Both are where a line begins, or the text ends. None if no line there has one.
    """
    while end > begin:
        at = text.rfind(b"\n", begin, end - 1) + 1 or begin
        found = stamp_time(text[at : min(end, at + LENGTH)])
        if found is not None:
            return found
        end = at
    return None
