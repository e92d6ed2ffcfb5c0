"""Writing the status file, by replacing it, so that no client sees half of a change.

Only the first two are written in place: the first before anybody looks, as a script may ask how its
own service is, and the one that follows over it, as that is cheaper (:func:`follow`).
"""

from __future__ import annotations

import errno
import os
import stat

from slashservice.supervise import tai
from slashservice.supervise.protocol import names
from slashservice.supervise.protocol.status import SIZE, Status

NEW = names.STATUS + b".new"
"""The file that becomes the status file."""

FIRST = b"first"
"""Stands for what :func:`begin` has written."""

IN_THE_WAY = (errno.ELOOP, errno.ENXIO)
"""What opening a link is refused with, and a FIFO or socket that nobody reads."""

PLAIN = stat.S_IFREG | 0o644
"""The type and mode of a status file."""


class NotWritten(Exception):  # noqa: N818 - what stood in the way is in the error
    """The file could not be written: ``what`` failed, with ``which`` file, by ``error``."""

    def __init__(self, what: bytes, which: bytes, error: OSError) -> None:
        super().__init__(what, which, error)
        self.what = what
        self.which = which
        self.error = error


def replace(path: bytes, new: bytes, data: bytes, again: bool = True) -> None:
    """Write ``data`` to the file ``new``, and have that become ``path``. Raises ``NotWritten``.

    A link or a special file that stands there goes: the name is ours, and nothing of it is lost.
    """
    what, which = b"unable to open ", NEW
    try:
        # Through a link we would overwrite another file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(new, flags, 0o644)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
                raise OSError(errno.ENXIO, "")
            what = b"unable to write "
            os.write(fd, data)
            if found.st_size > len(data):
                # Not by O_TRUNC, with which close waits until ext4 has written the data out.
                os.ftruncate(fd, len(data))
        finally:
            os.close(fd)
        what, which = b"unable to rename ", NEW + b" to status"
        os.rename(new, path)
    except OSError as error:
        if error.errno in IN_THE_WAY and again and _removed(new):
            replace(path, new, data, again=False)
        elif error.errno not in (errno.ENOSPC, errno.EDQUOT) or not _overwrite(path, data):
            raise NotWritten(what, which, error) from None


def _removed(path: bytes) -> bool:
    """Remove a name; tell whether that worked."""
    try:
        os.unlink(path)
    except OSError:
        return False
    return True


def _overwrite(path: bytes, data: bytes, is_first: bool = False) -> bool:
    """Write over the status file, for which no space is needed; False if that fails.

    A client that reads at just that moment might see half of the change. That is better
    than a status that stays wrong until there is space.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if is_first and not _is_ours(fd, is_old=False):
                return False
            return os.pwrite(fd, data, 0) == len(data)
        finally:
            os.close(fd)
    except OSError:
        return False


def begin(path: bytes, want: bytes) -> bytes:
    """Write the first status in this life of the machine; return ``FIRST``, or nothing on failure.

    Nobody reads it yet, as the FIFO is not open that tells clients of a supervisor. What is there
    is of another life, and its pid means nothing now: it is written over, or gone in any case.
    """
    data = Status(tai.now(), 0, False, want).pack()
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    for is_old in (True, False):
        try:
            fd = os.open(path, flags, 0o644)
            try:
                if _is_ours(fd, is_old) and os.write(fd, data) == len(data):
                    return FIRST
            finally:
                os.close(fd)
        except OSError:
            pass
        if not _removed(path):
            break
    return b""


def follow(path: bytes, data: bytes) -> bool:
    """Write the status that comes next over that of ``begin``; False if that can't be done.

    That saves making a file, and replacing one, for which ext4 would write out the data at once: a
    twentieth of what a start costs. A client that reads at just that moment sees a service that is
    down or one that has started, whatever half it sees: only time, pid and state become others.
    """
    return _overwrite(path, data, is_first=True)


def _is_ours(fd: int, is_old: bool) -> bool:
    """Tell whether a file has no other name, as a copy would, and is as we or C make it.

    One that ``is_old`` may have been made with another umask.
    """
    found = os.fstat(fd)
    is_plain = found.st_mode == PLAIN if is_old else stat.S_ISREG(found.st_mode)
    return is_plain and found.st_nlink == 1 and found.st_size <= SIZE
