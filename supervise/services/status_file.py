"""Writing the status file, by replacing it, so that no client sees half of a change."""

from __future__ import annotations

import errno
import os
import stat

from slashservice.supervise.protocol import names, status

NEW = names.STATUS + b".new"
"""The file that becomes the status file."""

PLAIN = stat.S_IFREG | 0o644
"""The type and mode of a status file."""


class NotWritten(Exception):  # noqa: N818 - what stood in the way is in the error
    """The file could not be written: ``what`` failed, with ``which`` file, by ``error``."""

    def __init__(self, what: bytes, which: bytes, error: OSError) -> None:
        super().__init__(what, which, error)
        self.what = what
        self.which = which
        self.error = error


def replace(path: bytes, new: bytes, data: bytes) -> None:
    """Write ``data`` to the file ``new``, and have that become ``path``. Raises ``NotWritten``."""
    what, which = b"unable to open ", NEW
    try:
        # Through a link we would overwrite another file.
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        fd = os.open(new, flags, 0o644)
        what = b"unable to write "
        try:
            os.write(fd, data)
            if os.fstat(fd).st_size > len(data):
                # Not by O_TRUNC, with which close waits until ext4 has written the data out.
                os.ftruncate(fd, len(data))
        finally:
            os.close(fd)
        what, which = b"unable to rename ", NEW + b" to status"
        os.rename(new, path)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT) or not _overwrite(path, data):
            raise NotWritten(what, which, error) from None


def _overwrite(path: bytes, data: bytes) -> bool:
    """Write over the status file, for which no space is needed; False if that fails.

    A client that reads at just that moment might see half of the change. That is better
    than a status that stays wrong until there is space.
    """
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            return os.pwrite(fd, data, 0) == len(data)
        finally:
            os.close(fd)
    except OSError:
        return False


def forget(path: bytes, new: bytes) -> None:
    """Take away the status file of another life of the machine: its pid means nothing now.

    If it is a file as we or C make them, it becomes the one to which the first status is
    written. That saves making a file, and replacing one, for which ext4 would write out
    the data at once.
    """
    try:
        found = os.lstat(path)
        if (found.st_mode, found.st_nlink) == (PLAIN, 1) and found.st_size <= status.SIZE:
            os.rename(path, new)
        else:
            os.unlink(path)
    except OSError:
        pass
