"""The last lines of a service's log, for whoever only wants a look: little is read."""

from __future__ import annotations

import os

from slashservice.supervise.logs import log_file
from slashservice.supervise.logs.find import find
from slashservice.supervise.logs.lines import each
from slashservice.supervise.logs.log_file import Unreadable
from slashservice.supervise.logs.stamps import stamp_time

BYTES = 8192
"""Bytes at the end of ``current`` in which these lines are."""


def last_lines(service: bytes, number: int) -> list[tuple[int | None, bytes]]:
    """Return the last lines in the newest file of a service's logs, ``number`` at most.

    Each comes with its time, in Unix nanoseconds, if it has a stamp, which is taken away. What
    can't be read counts as empty.
    """
    found = []
    for reader in find(service):
        found += [_parted(line) for line in _last(reader.directory)[-number:]]
    return sorted(found, key=lambda line: line[0] or 0)[-number:]


def _last(directory: bytes) -> list[bytes]:
    """Return the lines at the end of ``current``, without one whose beginning is not there."""
    try:
        fd = log_file.open_plain(os.path.join(directory, b"current"))
    except (OSError, Unreadable):
        return []
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, BYTES, max(0, size - BYTES))
    except OSError:
        return []
    finally:
        os.close(fd)
    lines = [line.removesuffix(b"\n") for line in each(data)]
    return lines[1:] if size > BYTES else lines


def _parted(line: bytes) -> tuple[int | None, bytes]:
    when = stamp_time(line)
    return when, line if when is None else line.partition(b" ")[2]
