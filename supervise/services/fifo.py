"""The FIFOs of a service: ``supervise/control`` and ``supervise/ok``."""

from __future__ import annotations

import errno
import os
import stat

from slashservice.supervise.platform import posix


def opened(path: bytes) -> int:
    """Open a FIFO, made if need be. Open for reading and writing, it never ends.

    Raises ``OSError``, also where something else has its name.
    """
    flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except FileNotFoundError:
        posix.make_fifo(path)
        fd = os.open(path, flags)
    try:
        if not stat.S_ISFIFO(os.fstat(fd).st_mode):
            raise FileExistsError(errno.EEXIST, "")
    except OSError:
        os.close(fd)
        raise
    return fd
