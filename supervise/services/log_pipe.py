"""The pipe from a service to its log service.

It is a FIFO in the service's supervise directory. ``svscan`` holds it open for reading and
for writing, and the daemon gets a descriptor for both. As long as svscan or the daemon lives,
the kernel keeps what is unread, and nobody is sent SIGPIPE while no logger reads. While svscan
alone has it, or nobody, what is unread is in a file
(:mod:`~slashservice.supervise.services.unread`).
"""

from __future__ import annotations

import errno
import os
import select
import stat

from slashservice.supervise.platform import posix
from slashservice.supervise.platform.current import system
from slashservice.supervise.protocol import names
from slashservice.supervise.services import inode, unread

LOG, MAIN = 0, 1
"""The parts of a pair, as the pipe between them knows them."""


class LogPipe:
    """Both ends: ``writer`` for the service, ``reader`` for its log; -1 while closed."""

    __slots__ = ("_aside", "_held", "_path", "_return", "reader", "writer")

    def __init__(self) -> None:
        self.reader = -1
        self.writer = -1
        self._path = b""
        """Where it was opened."""
        self._held = 0
        """Which parts have a process that holds it: a bit for each."""
        self._aside = False
        """Whether something may be in the file."""
        self._return: unread.Return | None = None

    def open(self, path: bytes, limit: int) -> None:
        """Open what is closed of the pipe of the service directory at ``path``.

        ``limit`` is how many descriptors we may have. Raises ``OSError``.
        """
        if self.writer >= 0:
            return
        path += b"/" + names.PIPE
        posix.make_fifo(path)
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
        self._path = path
        self._aside = unread.may_be_in(self._file())

    def ready(self) -> None:
        """Put back what was set aside: a process is about to get the pipe.

        Not while another one has it. What that writes meanwhile would come before what it has
        written; and once neither has it, all is set aside in its order.
        """
        if self._aside and not self._held and self.reader >= 0:
            self._return = self._return or unread.Return()
            self._aside = self._return.put_back(self._place(), self.reader, self._file())
            if not self._aside:
                self._return = None

    def held(self, part: int) -> None:
        """Note that the process of a part has the pipe: 0 for the log, which reads it, else 1."""
        self._held |= 1 << part

    def let_go(self, part: int) -> None:
        """Note that the part has no process. If none has one, set aside what is unread."""
        self._held &= ~(1 << part)
        if self._held or self.reader < 0 or not unread.is_in(self.reader):
            return
        try:
            self._set_aside(self._file())
        except OSError:
            pass  # it is still in the pipe, for as long as we are

    def _set_aside(self, path: bytes) -> None:
        self._aside = True
        unread.set_aside(self.reader, path)

    def _place(self) -> bytes:
        """Return the path of the pipe, which may have been renamed with its service."""
        try:
            return system.path_of(self.reader)
        except OSError:
            return self._path

    def _file(self) -> bytes:
        """Return the path of the file with what was set aside."""
        return os.path.join(os.path.dirname(self._place()), os.path.basename(names.UNREAD))

    def is_written_to(self) -> bool:
        """Tell whether a process other than we, who closed it, has the pipe open for writing."""
        poll = select.poll()
        poll.register(self.reader, select.POLLIN)
        try:
            return not any(event & select.POLLHUP for _, event in poll.poll(0))
        except OSError:  # no memory: to think that nobody has it loses nothing
            return False

    def keep_unread(self, path: bytes) -> None:
        """Keep what is unread for the next start of the service at ``path``. Raises ``OSError``.

        While another process has the pipe open, the kernel keeps it.
        """
        if self.reader < 0 or self.writer >= 0 or self.is_written_to():
            return
        if not unread.is_in(self.reader):
            return
        self._set_aside(os.path.join(path, names.UNREAD))

    def close_writer(self) -> None:
        """Let the log service find the end of its input, when no other process writes.

        What is unread stays in the pipe, as we can read it.
        """
        if self.writer >= 0:
            os.close(self.writer)
        self.writer = -1

    def unread(self) -> bool:
        """Tell whether something waits in the pipe, or to be put back into it."""
        return self._aside or unread.is_in(self.reader)

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
