"""Files that were put back with their times, as tar, cp -a and rsync -a do it.

Such a file is younger than what it has was written. That can't be said of any other one, whatever
is done to its owner and mode, as long as the clock is not set back between its making and its
writing. Not every file system knows when a file was made (``stx_btime`` in statx(2)).
"""

from __future__ import annotations

import os
import struct
import sys

from slashservice.supervise.platform import posix

STATX_MTIME = 0x40
STATX_BTIME = 0x800
SIZE = 256
"""Of ``struct statx``, in bytes."""
BORN, WRITTEN = 80, 112
"""Where it has when the file was made and written: seconds and nanoseconds."""


def was_restored(fd: int) -> bool:
    """Tell whether an open file was put back with its times; False if that is never told here.

    Raises ``OSError`` if it can't be told now.
    """
    found = os.fstat(fd)
    made: float | None = getattr(found, "st_birthtime", None)
    if made is not None:
        return made > found.st_mtime
    try:
        from slashservice.supervise.platform import clib

        told = clib.statx(fd, STATX_MTIME | STATX_BTIME, SIZE)
    except ImportError:
        return False
    except OSError as error:
        if posix.may_pass(error):
            raise
        return False
    known = int.from_bytes(told[:4], sys.byteorder)
    born, written = (struct.unpack_from("qI", told, at) for at in (BORN, WRITTEN))
    return known & STATX_BTIME > 0 and bool(born > written)
