"""Places in a file of plain lines, found without reading it all.

A file may change meanwhile, and hold no line at all. Whatever is found is a place to begin to
read; it may be too early.
"""

from __future__ import annotations

import os

from slashservice.supervise.logs.stamps import LENGTH, stamp_time

NEAR = 1 << 16
"""Bytes that are as well read as halved, and in which a line with a stamp is looked for."""

LOOK_BACK = 1 << 16
"""Bytes in which a line with a stamp is looked for, before lines that are wanted."""

BLOCK = 1 << 18
"""Bytes read at a time to count lines."""


def place_of_time(fd: int, when: int) -> int:
    """Return a place, where a line begins, before all lines that are not older than ``when``."""
    low, high = 0, os.fstat(fd).st_size
    while high - low > NEAR:
        middle = (low + high) // 2
        place, found = _stamped(fd, middle)
        if found is not None and place < high and found < when:
            low = place
        else:
            high = middle
    return low


def _stamped(fd: int, at: int) -> tuple[int, int | None]:
    """Return where, behind ``at``, a line with a stamp begins, and its time; None without one."""
    text = os.pread(fd, NEAR, at)
    begin = text.find(b"\n") + 1
    while begin:
        found = stamp_time(text[begin : begin + LENGTH])
        if found is not None:
            return at + begin, found
        begin = text.find(b"\n", begin) + 1
    return at, None


def place_of_last(fd: int, number: int, end: int) -> int:
    """Return a place with ``number`` whole lines between it and ``end``, or where the file begins.

    The line there has a stamp, if one near before it has.
    """
    left = number + 1
    while end > 0:
        begin = max(0, end - BLOCK)
        text = os.pread(fd, end - begin, begin)
        count = text.count(b"\n")
        if count >= left:
            return _with_stamp(fd, begin + _nth_last(text, left) + 1)
        left -= count
        end = begin
    return 0


def _nth_last(text: bytes, number: int) -> int:
    """Return the place of the newline that is the ``number``-th, counted from the end."""
    at = len(text)
    for _ in range(number):
        at = text.rfind(b"\n", 0, at)
    return at


def _with_stamp(fd: int, place: int) -> int:
    """Return the place, or one near before it, where a line with a stamp begins."""
    begin = max(0, place - LOOK_BACK)
    text = os.pread(fd, place - begin + LENGTH, begin)
    at = place - begin
    while True:
        if (at or not begin) and stamp_time(text[at : at + LENGTH]) is not None:
            return begin + at
        if not at:
            return place
        at = text.rfind(b"\n", 0, at - 1) + 1
