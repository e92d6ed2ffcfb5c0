"""A log directory: ``current``, the files before it, and the ways between.

What is on disk tells at any moment what has happened (``multilog(8)`` describes it):

- ``current`` has mode 0644 while it is written to, 0744 once it is closed and on disk;
- a file that is full goes to disk, becomes ``previous``, gets mode 0744, and is linked to
  its final name ``@LABEL.s`` (where there is a processor, its output ``processed`` is,
  once that has mode 0744);
- whoever opens the directory finds out from these names and modes what was going on, and
  finishes it: what had not got as far as ``.s`` becomes ``.u``.

So each step here is one system call that can be the last, and their order is C's.
Everything is relative to the directory's descriptor: a log host works in many at once,
some of which its account could not reach by path.
"""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from slashservice.supervise import tai
from slashservice.supervise.patience import PAUSE, Complaint, Pause, insist
from slashservice.supervise.pieces import pieces
from slashservice.supervise.program import fatal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from slashservice.supervise.action_script import Settings
    from slashservice.supervise.lines import Put
    from slashservice.supervise.patience import Steps, T
    from slashservice.supervise.program import Quit

MARGIN = 2000
"""A file whose last line ends within so many bytes of the size is full."""

CLEAN = 0o100
"""The bit of a mode that tells a file which was closed and is on disk."""

LABEL_LENGTH = 25

APPEND = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC
TRUNCATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NONBLOCK | os.O_CLOEXEC
SEARCH = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC

LOCK_FIRST = 0.1
LOCK_LAST = 1.0
"""Seconds until a lock that another log host still holds is tried again; doubled each time."""


class LogDirectory:
    """The log directory ``path``, seen from the directory ``base`` (a descriptor)."""

    __slots__ = ("bytes", "fd", "lock", "path", "settings", "where")

    def __init__(self, path: bytes, settings: Settings) -> None:
        self.path = path
        self.settings = settings
        self.where = -1
        self.lock = -1
        self.fd = -1
        """Of ``current``."""
        self.bytes = 0
        """Size of ``current``."""

    def open(self, base: int, patient: bool) -> Steps[None]:
        """Make, lock and tidy the directory, and open ``current``.

        A directory that another process has locked is waited for if ``patient``. Any
        trouble but the kind that C too sits out ends the program by raising ``Quit``.
        """
        try:
            os.mkdir(self.path, 0o700, dir_fd=base)
        except OSError:
            pass
        try:
            self.where = os.open(self.path, SEARCH | os.O_DIRECTORY, dir_fd=base)
            os.stat(b".", dir_fd=self.where)
        except OSError as error:
            raise fatal("multilog", b"unable to open directory " + self.path, error) from None
        yield from self._lock(patient)
        if self._continue():
            return
        for name in (b"state", b"newstate"):
            self._remove_if_there(name)
        if self._mode(b"processed") & CLEAN:
            self._remove_if_there(b"previous")
            yield from self._finish(b"processed", self.settings.code)
        else:
            self._remove_if_there(b"processed")
            yield from self._finish(b"previous", b"u")
        yield from self._finish(b"current", b"u")
        try:
            os.close(os.open(b"state", TRUNCATE, 0o644, dir_fd=self.where))
        except OSError as error:
            raise self._fatal(b"unable to write to ", b"state", error) from None
        self._open_current(b"unable to write to ")
        self.bytes = 0

    def append(self, data: bytes, puts: Callable[[], Iterable[Put]]) -> Steps[None]:
        """Write ``data``; files become full where C, which would put it as told, fills them."""
        limit = self.settings.size - MARGIN
        if self.bytes + len(data) < limit:
            yield from self._write(memoryview(data))
            return
        view = memoryview(data)
        done = waiting = 0
        for length in pieces(puts()):
            if self.bytes + waiting + length < limit:
                waiting += length
                continue
            yield from self._write(view[done : done + waiting])
            done += waiting
            waiting = 0
            end = done + length
            while done < end:
                if self.bytes >= self.settings.size:
                    yield from self.turn_over()
                length = self._room(data, done, end)
                yield from self._write(view[done : done + length])
                done += length
                if self.bytes >= limit and data[done - 1] == 0x0A:
                    yield from self.turn_over()
        yield from self._write(view[done:])

    def turn_over(self) -> Steps[None]:
        """Finish ``current``, process it, and go on in a new one."""
        yield from self._insist(b"unable to write ", b"current to disk", os.fsync, self.fd)
        os.close(self.fd)
        self.fd = -1
        yield from insist(
            b"unable to rename current to previous in directory " + self.path,
            lambda: self._rename(b"current", b"previous"),
        )
        self.fd = yield from self._insist(
            b"unable to create ", b"current", self._append_to, b"current"
        )
        yield from self._insist(b"unable to set mode of ", b"current", os.fchmod, self.fd, 0o644)
        self.bytes = 0
        yield from self._insist(b"unable to set mode of ", b"previous", self._mark, b"previous")
        if self.settings.processor is not None:
            yield from self._process(self.settings.processor)
            yield from self._finish(b"processed", self.settings.code)
        else:
            yield from self._finish(b"previous", self.settings.code)

    def close_cleanly(self) -> Steps[None]:
        """Put ``current`` on disk and mark it as complete; then let go of everything."""
        yield from self._insist(b"unable to write ", b"current to disk", os.fsync, self.fd)
        yield from self._insist(b"unable to set mode of ", b"current", os.fchmod, self.fd, 0o744)
        self.release()

    def release(self) -> None:
        """Let go of everything, as a process that ends at once would."""
        for fd in (self.fd, self.lock, self.where):
            if fd >= 0:
                os.close(fd)
        self.fd = self.lock = self.where = -1

    def _lock(self, patient: bool) -> Steps[None]:
        import fcntl

        delay = LOCK_FIRST
        while True:
            try:
                if self.lock < 0:
                    self.lock = self._append_to(b"lock")
                fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError as error:
                if not patient or error.errno != errno.EWOULDBLOCK:
                    what = b"unable to lock directory " + self.path
                    raise fatal("multilog", what, error) from None
            yield Pause(delay)
            delay = min(2 * delay, LOCK_LAST)

    def _continue(self) -> bool:
        """Go on with a ``current`` that was closed cleanly; tell whether there is one."""
        if not self._mode(b"current") & CLEAN:
            return False
        self._open_current(b"unable to append to ")
        self.bytes = os.fstat(self.fd).st_size
        return True

    def _open_current(self, trouble: bytes) -> None:
        try:
            self.fd = self._append_to(b"current")
        except OSError as error:
            raise self._fatal(trouble, b"current", error) from None
        try:
            os.fchmod(self.fd, 0o644)
        except OSError as error:
            raise self._fatal(b"unable to set mode of ", b"current", error) from None

    def _room(self, data: bytes, start: int, end: int) -> int:
        """Return how much of ``data[start:end]``, a piece, goes into ``current``."""
        end = min(end, start + self.settings.size - self.bytes)
        if self.bytes + end - start >= self.settings.size - MARGIN:
            newline = data.rfind(b"\n", start, end)
            if newline >= 0:
                end = newline + 1
        return end - start

    def _write(self, data: memoryview) -> Steps[None]:
        complaint = Complaint()
        while data:
            try:
                written = os.write(self.fd, data)
            except OSError as error:
                complaint.about(b"unable to write to " + self._name(b"current"), error)
                yield PAUSE
            else:
                self.bytes += written
                data = data[written:]

    def _process(self, command: bytes) -> Steps[None]:
        """Make ``processed`` of ``previous``, and a new ``state``."""
        from slashservice.supervise.processor import process

        yield from process(self.path, self.where, command)
        for name in (b"processed", b"newstate"):
            fd = yield from self._insist(b"unable to create ", name, self._append_to, name)
            yield from self._insist(b"unable to write ", name + b" to disk", os.fsync, fd)
            if name == b"processed":
                yield from self._insist(b"unable to set mode of ", name, os.fchmod, fd, 0o744)
            os.close(fd)
        yield from self._insist(b"unable to remove ", b"previous", self._remove, b"previous")
        yield from insist(
            b"unable to rename newstate to state in directory " + self.path,
            lambda: self._rename(b"newstate", b"state"),
        )

    def _finish(self, name: bytes, code: bytes) -> Steps[None]:
        """Give the file ``name``, if there is one, its final name; remove the oldest."""
        about = yield from self._insist(b"unable to stat ", name, self._stat, name)
        if about is None:
            return
        if about.st_nlink == 1:
            complaint = Complaint()
            while True:
                final = tai.label(tai.now()) + b"." + code
                try:
                    os.link(name, final, src_dir_fd=self.where, dst_dir_fd=self.where)
                    break
                except OSError as error:
                    complaint.about(b"unable to link to " + self._name(final), error)
                yield PAUSE
        yield from self._insist(b"unable to remove ", name, self._remove, name)
        yield from insist(b"unable to read " + self.path, self._remove_oldest)

    def _remove_oldest(self) -> None:
        """Remove old files until there is room for ``current`` in the number."""
        for name in self.old_files()[: -self.settings.number + 1]:
            self._remove(name)

    def old_files(self) -> list[bytes]:
        """Return the names of the finished files, oldest first."""
        names = [os.fsencode(name) for name in os.listdir(self.where)]
        return sorted(n for n in names if n.startswith(b"@") and len(n) >= LABEL_LENGTH)

    def _stat(self, name: bytes) -> os.stat_result | None:
        try:
            return os.stat(name, dir_fd=self.where)
        except FileNotFoundError:
            return None

    def _mode(self, name: bytes) -> int:
        """Return the mode of ``name``, 0 if there is none."""
        try:
            about = self._stat(name)
        except OSError as error:
            raise self._fatal(b"unable to stat ", name, error) from None
        return about.st_mode if about else 0

    def _append_to(self, name: bytes) -> int:
        return os.open(name, APPEND, 0o600, dir_fd=self.where)

    def _mark(self, name: bytes) -> None:
        os.chmod(name, 0o744, dir_fd=self.where)

    def _rename(self, old: bytes, new: bytes) -> None:
        os.rename(old, new, src_dir_fd=self.where, dst_dir_fd=self.where)

    def _remove(self, name: bytes) -> None:
        os.unlink(name, dir_fd=self.where)

    def _remove_if_there(self, name: bytes) -> None:
        try:
            self._remove(name)
        except OSError:
            pass

    def _name(self, name: bytes) -> bytes:
        return self.path + b"/" + name

    def _fatal(self, trouble: bytes, name: bytes, error: OSError) -> Quit:
        return fatal("multilog", trouble + self._name(name), error)

    def _insist(
        self, trouble: bytes, name: bytes, call: Callable[..., T], *arguments: object
    ) -> Steps[T]:
        return insist(trouble + self._name(name), lambda: call(*arguments))
