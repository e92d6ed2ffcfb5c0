"""The pipe from a service to its log service.

It is a FIFO in the service's supervise directory. ``svscan`` holds it open for reading and
for writing, and the daemon gets a descriptor for both. As long as svscan or the daemon lives,
the kernel keeps what is unread, and nobody is sent SIGPIPE while no logger reads. Where both are
gone and something is unread, it is kept in a file, and put into the pipe at the next start.
"""

from __future__ import annotations

import errno
import os
import select
import stat

from slashservice.supervise.messages import write_all
from slashservice.supervise.platform import posix
from slashservice.supervise.protocol import names
from slashservice.supervise.services import inode
from slashservice.supervise.services.directory import make_fifo

LARGEST = 1 << 20
"""No pipe holds more, unless root has made it do so."""


class LogPipe:
    """Both ends: ``writer`` for the service, ``reader`` for its log; -1 while closed."""

    __slots__ = ("reader", "writer")

    def __init__(self) -> None:
        self.reader = -1
        self.writer = -1

    def open(self, path: bytes, limit: int) -> None:
        """Open what is closed of the pipe of the service directory at ``path``.

        ``limit`` is how many descriptors we may have. Raises ``OSError``.
        """
        if self.writer >= 0:
            return
        path += b"/" + names.PIPE
        make_fifo(path)
        writer = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if not posix.has_room(writer, limit):
                raise OSError(errno.EMFILE, "")
            if not stat.S_ISFIFO(os.fstat(writer).st_mode):
                raise FileExistsError(errno.EEXIST, "")
            os.set_blocking(writer, True)
            if not self._reads_from(writer):
                self._close_reader()
                self.reader = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            os.close(writer)
            raise
        self.writer = writer
        self._put_back(os.path.dirname(path))

    def _put_back(self, folder: bytes) -> None:
        """Put into the empty pipe what was unread when it was last closed."""
        path = os.path.join(folder, os.path.basename(names.UNREAD))
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        try:
            os.set_blocking(self.writer, False)
            kept = os.read(fd, LARGEST)
            done = os.write(self.writer, kept) if kept else 0
            if done < len(kept):
                _keep(path, kept[done:])
            else:
                os.unlink(path)
        except OSError:
            pass  # the pipe is full: next time
        finally:
            os.set_blocking(self.writer, True)
            os.close(fd)

    def is_written_to(self) -> bool:
        """Tell whether a process other than we, who closed it, has the pipe open for writing."""
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))

    def keep_unread(self, path: bytes) -> None:
        """Keep what is unread for the next start of the service at ``path``. Raises ``OSError``.

        While another process has the pipe open, the kernel keeps it.
        """
        if self.reader < 0 or self.writer >= 0 or not self.unread() or self.is_written_to():
            return
        unread = b""
        while data := os.read(self.reader, LARGEST):
            unread += data
        _keep(os.path.join(path, names.UNREAD), unread)

    def close_writer(self) -> None:
        """Let the log service find the end of its input, when no other process writes.

        What is unread stays in the pipe, as we can read it.
        """
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1

    def unread(self) -> bool:
        """Tell whether something waits in the pipe."""
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        return any(event & select.POLLIN for _, event in poll.poll(0))

    def close(self) -> None:
        """Close both ends."""
        self._close_reader()
        self.close_writer()

    def _reads_from(self, writer: int) -> bool:
        """Tell whether our reader is of the same pipe.

        It is when a service comes back while its log still reads what is left.
        """
        return self.reader >= 0 and inode.of(os.fstat(self.reader)) == inode.of(os.fstat(writer))

    def _close_reader(self) -> None:
        if self.reader >= 0:
            os.close(self.reader)
        self.reader = -1


def _keep(path: bytes, data: bytes) -> None:
    """Write a file of our own, in place of what is there. Raises ``OSError``."""
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        write_all(fd, data)
    finally:
        os.close(fd)
