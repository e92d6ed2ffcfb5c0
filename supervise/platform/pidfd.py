"""What Linux tells of a dead process by its descriptor, also to those who are not the parent.

See ``linux/pidfd.h``, and ``ioctl_pidfd(2)`` of 2025. Kernels before 6.15 tell nothing.
"""

from __future__ import annotations

import fcntl
import sys

PIDFD_GET_INFO = 0xC040FF0B
PIDFD_INFO_EXIT = 1 << 3
PIDFD_INFO_SIZE = 64
EXIT_CODE = 60
"""The request, what is asked for, the bytes of the answer, and where the wait status is in it."""


def exit_status(fd: int) -> int:
    """Return the wait status of the process of a pidfd; -1 if it can't be told.

    It is there once the parent has fetched it.
    """
    info = bytearray(PIDFD_INFO_SIZE)
    info[0] = PIDFD_INFO_EXIT
    try:
        fcntl.ioctl(fd, PIDFD_GET_INFO, info)
    except OSError:
        return -1
    if not info[0] & PIDFD_INFO_EXIT:
        return -1
    return int.from_bytes(info[EXIT_CODE:], sys.byteorder)
