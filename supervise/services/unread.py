"""What no log has read of a pipe, in a file: ``pipe.unread`` in the supervise directory.

The kernel keeps the content of a pipe as long as a process has it open. Where svscan alone
would, the content is set aside, and put back before the next process gets the pipe.
"""

from __future__ import annotations

import errno
import os
import select
import stat

from slashservice.supervise.messages import write_all
from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system

LARGEST = 1 << 22
"""Bytes of the file at most: what a pipe holds, unless root has enlarged it, many times over."""

ATTEMPTS = 10
"""How often it is tried in vain to put back what is in a file."""

NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EMLINK)
"""The errors of opening what is no file."""

UNABLE = (errno.ENOSYS, errno.EINVAL)
"""The errors of a system, or a file system, that can't move a pipe's content into a file."""


def is_in(reader: int) -> bool:
    """Tell whether something waits in the pipe; true if that can't be told now."""
    poll = select.poll()
    poll.register(reader, select.POLLIN)
    try:
        return any(event & select.POLLIN for _, event in poll.poll(0))
    except OSError:
        return True


def may_be_in(path: bytes) -> bool:
    """Tell whether there is such a file, or that can't be told now."""
    try:
        os.lstat(path)
    except OSError as error:
        return posix.may_pass(error)
    return True


def set_aside(reader: int, path: bytes) -> None:
    """Move what is in the pipe to the end of the file. Raises ``OSError``; nothing is lost then.

    The kernel moves it in one call, so that a kill finds each line in one of them.
    """
    fd = _open(path)
    try:
        while is_in(reader):
            end = os.fstat(fd).st_size
            if end >= LARGEST or not _moved(reader, fd, end):
                return  # or another process was faster
    finally:
        os.close(fd)


def _moved(reader: int, fd: int, end: int) -> int:
    try:
        return system.splice(reader, fd, LARGEST - end, end)
    except BlockingIOError:
        return 0
    except OSError as error:
        if error.errno not in UNABLE:
            raise
    data = os.read(reader, LARGEST - end)
    os.lseek(fd, 0, os.SEEK_END)
    write_all(fd, data)
    return len(data)


class Return:
    """The way of what is in the file back into the pipe, which may take several attempts."""

    __slots__ = ("_attempts", "_done")

    def __init__(self) -> None:
        self._attempts = 0
        self._done = 0
        """Bytes at the beginning of the file that are in the pipe: it could not be shortened."""

    def put_back(self, pipe: bytes, reader: int, path: bytes) -> bool:
        """Put what is in the file into the pipe, before what is there; tell whether to try again.

        ``pipe`` is its path, as ``reader`` can't write. What has no room waits in the file for
        the next time. Nothing is taken out of the file before it is in the pipe. Trouble that
        lasts leaves the file to the next svscan.
        """
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            return self._fails(error)
        try:
            more = _is_ours(fd) and self._put_back(fd, pipe, reader, path)
        except BlockingIOError:
            more = True  # the pipe is full
        except OSError as error:
            return self._fails(error)
        finally:
            os.close(fd)
        self._attempts = 0
        return more

    def _fails(self, error: OSError) -> bool:
        self._attempts += 1
        return error.errno not in (errno.ENOENT, *NO_FILE) and self._attempts < ATTEMPTS

    def _put_back(self, fd: int, pipe: bytes, reader: int, path: bytes) -> bool:
        if is_in(reader):
            set_aside(reader, path)
        # Not through the descriptor that a daemon has, which would not wait either.
        writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            kept = os.read(fd, LARGEST)
            if self._done < len(kept):
                self._done += os.write(writer, kept[self._done :])
        finally:
            os.close(writer)
        rest = kept[self._done :]
        if rest:
            _replace(path, rest)
        else:
            os.unlink(path)
        self._done = 0
        return rest != b""


def _open(path: bytes) -> int:
    """Open the file, or make it; what is no file is replaced."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
        is_ours = False
        try:
            is_ours = _is_ours(fd)
        finally:
            if not is_ours:
                os.close(fd)
        if is_ours:
            return fd
    except OSError as error:
        if error.errno not in NO_FILE:
            raise
    os.unlink(path)
    return os.open(path, flags | os.O_EXCL, 0o600)


def _is_ours(fd: int) -> bool:
    """Tell whether it is a file, and none that has another name elsewhere."""
    about = os.fstat(fd)
    return stat.S_ISREG(about.st_mode) and about.st_nlink == 1


def _replace(path: bytes, data: bytes) -> None:
    """Have the file hold ``data`` alone, at any moment all of it or what it held before."""
    new = path + b".new"
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(new, flags, 0o600)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)
    os.rename(new, path)
