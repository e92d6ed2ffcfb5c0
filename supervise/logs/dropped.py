"""Lines that a full disk made a logger drop, if its script says so."""

from __future__ import annotations

import errno
import os

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Dropped:
    """Lines that found no space since the last line that did."""

    __slots__ = ("_cut", "_ends")

    def __init__(self) -> None:
        self._ends: int | None = None
        """Ends of such lines."""
        self._cut = False
        """Whether only the beginning of the first of them is there."""

    def __bool__(self) -> bool:
        return self._ends is not None

    def add(self, data: bytes, start: int, end: int) -> None:
        """Drop ``data[start:end]``."""
        if self._ends is None:
            self._cut = start > 0 and data[start - 1] != 0x0A
            self._ends = 0
        self._ends += data.count(b"\n", start, end)

    def notice(self) -> bytes:
        """Return the line that tells how many lines were dropped, by the number of their ends."""
        notice = b"multilog: dropped %d lines: out of disk space\n" % max(self._ends or 0, 1)
        return b"\n" + notice if self._cut else notice

    def told(self, written: int) -> None:
        """Know that so much of the notice is written. Raises ``OSError`` if that is not all."""
        if written < len(self.notice()):
            self._cut = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._ends, self._cut = None, False
