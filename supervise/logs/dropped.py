"""Lines that a full disk made a logger drop, if its script says so."""

from __future__ import annotations

import errno
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.steps import Attempts

NO_SPACE = (errno.ENOSPC, errno.EDQUOT)


class Dropped:
    """Lines that found no space since the last line that did."""

    __slots__ = ("_attempts", "_cut", "_ends")

    def __init__(self, attempts: Attempts) -> None:
        self._attempts = attempts
        self._ends: int | None = None
        """Ends of such lines."""
        self._cut = False
        """Whether only the beginning of the first of them is there."""

    def __bool__(self) -> bool:
        return self._ends is not None

    def add(self, data: bytes, start: int, end: int, error: OSError) -> None:
        """Drop ``data[start:end]``; complain if these are the first."""
        if self._ends is None:
            trouble = b"unable to write to %s/current"
            self._attempts.complain(trouble, "drop", error, b"dropping lines")
            self._cut = start > 0 and data[start - 1] != 0x0A
            self._ends = 0
        self._ends += data.count(b"\n", start, end)

    def tell(self, fd: int) -> int:
        """Write down how many lines were dropped, by the number of their ends; return its length.

        Raises ``OSError`` if there is still no space. What was written of it then is in the file.
        """
        notice = b"multilog: dropped %d lines: out of disk space\n" % max(self._ends or 0, 1)
        if self._cut:
            notice = b"\n" + notice
        if os.write(fd, notice) < len(notice):
            self._cut = True
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._ends, self._cut = None, False
        self._attempts.succeeded("drop")
        return len(notice)
