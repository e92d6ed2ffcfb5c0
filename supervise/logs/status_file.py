"""A status file: the last line that a selection selects, padded to a fixed size."""

from __future__ import annotations

import errno
import os
import stat

from slashservice.supervise.logs.steps import PAUSE, Attempts
from slashservice.supervise.messages import fatal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from slashservice.supervise.logs.lines import Batch, Selection
    from slashservice.supervise.logs.steps import Steps

SIZE = 1001
"""Bytes of a status file, always."""

WRITE = os.O_WRONLY | os.O_NONBLOCK


class StatusOutput:
    """Keeps the last line in the file ``path``, padded with newlines."""

    __slots__ = ("_attempts", "_base", "_fd", "_path", "_selection")

    def __init__(self, selection: Selection, path: bytes) -> None:
        self._selection = selection
        self._path = path
        self._attempts = Attempts("multilog", path)
        self._base = -1
        self._fd = -1

    def open(self, base: int) -> None:
        """Open the file, seen from ``base``, which stays open; make it if it is missing.

        Its content stays until the first line comes. Raises ``Quit`` if it can't be opened.
        """
        self._base = base
        try:
            made = os.O_CREAT | os.O_APPEND
            os.close(os.open(self._path, WRITE | made, 0o600, dir_fd=base))
        except OSError as error:
            raise fatal("multilog", b"unable to create " + self._path, error) from None
        try:
            self._fd = os.open(self._path, WRITE, dir_fd=base)
        except OSError as error:
            raise fatal("multilog", b"unable to write " + self._path, error) from None

    @property
    def trouble(self) -> bytes | None:
        """What keeps the file from being written; None if nothing does."""
        return self._attempts.trouble

    def take(self, batch: Batch) -> Steps[None]:
        """Keep the last of the selected lines."""
        view = batch.chosen(self._selection).last_view()
        if view is None:
            return
        attempts = self._attempts
        content = view.ljust(SIZE, b"\n")
        trouble = b"unable to move to beginning of %s"
        self._look()
        while True:
            yield from attempts.attempt(trouble, os.lseek, self._fd, 0, os.SEEK_SET)
            try:
                self._write(content)
            except OSError as error:
                attempts.complain(b"unable to write %s", "write", error)
                yield PAUSE
                self._look()
            else:
                attempts.succeeded("write")
                return

    def _look(self) -> None:
        """Open the file again if somebody has removed or replaced it.

        If that fails the old one is written to, where nobody sees it: no log waits for that.
        """
        try:
            if self._is_there():
                self._attempts.succeeded("open")
                return
            fd = os.open(self._path, WRITE | os.O_CREAT | os.O_NOFOLLOW, 0o600, dir_fd=self._base)
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                os.close(fd)
                raise OSError(errno.ENXIO, os.strerror(errno.ENXIO))
        except OSError as error:
            self._attempts.complain(b"unable to open %s again", "open", error, b"going on")
            return
        os.close(self._fd)
        self._fd = fd
        self._attempts.succeeded("open")

    def _is_there(self) -> bool:
        """Tell whether the file that is open still has its name."""
        try:
            about = os.stat(self._path, dir_fd=self._base)
        except FileNotFoundError:
            return False
        return os.path.samestat(about, os.fstat(self._fd))

    def _write(self, content: bytes) -> None:
        if os.write(self._fd, content) != SIZE:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def release(self) -> None:
        """Close the file."""
        if self._fd >= 0:
            os.close(self._fd)
        self._fd = -1
